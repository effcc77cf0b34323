package keygen

import (
	"io"
	"strconv"
)

// WriteTo writes the commands that load the keyspace into an empty server, in RESP: what redis-cli --pipe reads. TTLs are
// relative, so they count from the loading.
func (k *Keyspace) WriteTo(out io.Writer) (int64, error) {
	w := &writer{out: out, buf: make([]byte, 0, flushAt+flushAt/4)}
	var f facts
	for i := int64(0); i < k.Keys() && w.err == nil; i++ {
		k.draw(i, &f)
		w.key = f.appendKey(w.key[:0])
		f.kind.write(w, &f)
	}
	w.flush()
	return w.written, w.err
}

const (
	flushAt = 64 << 10
	batch   = 500 // elements in one command at most
)

// A writer writes commands. After an error it writes nothing more.
type writer struct {
	out     io.Writer
	buf     []byte
	key     []byte // that is being written
	written int64
	err     error
}

func (w *writer) flush() {
	if w.err == nil {
		var n int
		n, w.err = w.out.Write(w.buf)
		w.written += int64(n)
	}
	w.buf = w.buf[:0]
}

// command begins a command on the current key with so many arguments behind it.
func (w *writer) command(name string, args int64) {
	if len(w.buf) >= flushAt {
		w.flush()
	}
	w.buf = append(strconv.AppendInt(append(w.buf, '*'), args+2, 10), "\r\n"...)
	w.str(name)
	w.head(int64(len(w.key)))
	w.buf = append(w.buf, w.key...)
	w.end()
}

// head begins an argument of n bytes, which the caller appends to buf before it calls end.
func (w *writer) head(n int64) {
	w.buf = append(strconv.AppendInt(append(w.buf, '$'), n, 10), "\r\n"...)
}

func (w *writer) end() { w.buf = append(w.buf, "\r\n"...) }

func (w *writer) str(s string) {
	w.head(int64(len(s)))
	w.buf = append(w.buf, s...)
	w.end()
}

func (w *writer) int(n int64) {
	var digits [20]byte
	s := strconv.AppendInt(digits[:0], n, 10)
	w.head(int64(len(s)))
	w.buf = append(w.buf, s...)
	w.end()
}

// named writes an argument of a prefix and a number.
func (w *writer) named(prefix string, n int64) {
	var digits [20]byte
	s := strconv.AppendInt(digits[:0], n, 10)
	w.head(int64(len(prefix) + len(s)))
	w.buf = append(append(w.buf, prefix...), s...)
	w.end()
}

// text writes an argument of n random letters and digits.
func (w *writer) text(r *source, n int64) {
	w.head(n)
	for n > flushAt { // each piece begins with a letter
		w.buf = r.text(w.buf, flushAt)
		w.flush()
		n -= flushAt
	}
	w.buf = r.text(w.buf, n)
	w.end()
}

// decimal writes thousandths with three decimals.
func (w *writer) decimal(thousandths int64) {
	var digits [24]byte
	s := strconv.AppendInt(digits[:0], thousandths/1000, 10)
	s = append(s, '.', '0'+byte(thousandths/100%10), '0'+byte(thousandths/10%10), '0'+byte(thousandths%10))
	w.head(int64(len(s)))
	w.buf = append(w.buf, s...)
	w.end()
}
