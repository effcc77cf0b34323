package resp

import (
	"fmt"
	"io"
	"strconv"
)

// A Batch gathers requests to be sent with one write. Its memory is used again for the next batch. The zero value is
// empty.
type Batch struct {
	buf []byte
	n   int
	err error
}

// Add appends c with its arguments. A wrong number of arguments would put the connection out of step; it is an error of
// Send, as is a Command that Mode.Command did not make.
func (b *Batch) Add(c Command, args ...string) {
	if c.head == nil || len(args) != c.args {
		b.err = fmt.Errorf("%d arguments for a command of %d: %w", len(args), c.args, ErrRefused)
		return
	}
	b.buf = append(b.buf, c.head...)
	for _, a := range args {
		b.buf = appendBulk(b.buf, a)
	}
	b.n++
}

// AddEach appends each of commands, all of one argument, with the same argument. It encodes the argument once.
func (b *Batch) AddEach(commands []Command, arg string) {
	var bulk []byte // arg as it was encoded for the first command; it stays where it is, wherever the buffer goes
	for _, c := range commands {
		if c.head == nil || c.args != 1 {
			b.Add(c, arg) // says what is wrong
			return
		}
		b.buf = append(b.buf, c.head...)
		if bulk != nil {
			b.buf = append(b.buf, bulk...)
			continue
		}
		at := len(b.buf)
		b.buf = appendBulk(b.buf, arg)
		bulk = b.buf[at:]
	}
	b.n += len(commands)
}

// Len returns the number of requests that Send would write.
func (b *Batch) Len() int { return b.n }

// Size returns the number of bytes that Send would write.
func (b *Batch) Size() int { return len(b.buf) }

// keepBatch is how much memory a batch keeps for the next one. A batch is larger only where keys are very long.
const keepBatch = 1 << 20

// Send writes the requests to w and empties the batch.
func (b *Batch) Send(w io.Writer) error {
	buf, err := b.buf, b.err
	b.buf, b.n, b.err = b.buf[:0], 0, nil
	if cap(b.buf) > keepBatch {
		b.buf = nil
	}
	if err != nil {
		return err
	}
	_, err = w.Write(buf)
	return err
}

// AppendRequest appends one request to b. It asks nobody whether that may be sent.
func AppendRequest[W string | []byte](b []byte, words ...W) []byte {
	b = appendCount(b, '*', len(words))
	for _, w := range words {
		b = appendBulk(b, w)
	}
	return b
}

func appendBulk[W string | []byte](b []byte, w W) []byte {
	b = appendCount(b, '$', len(w))
	b = append(b, w...)
	return append(b, '\r', '\n')
}

// appendCount appends a line that says how many: *3, $12.
func appendCount(b []byte, kind byte, n int) []byte {
	switch {
	case n < 10:
		return append(b, kind, byte('0'+n), '\r', '\n')
	case n < 100:
		return append(b, kind, byte('0'+n/10), byte('0'+n%10), '\r', '\n')
	}
	b = strconv.AppendInt(append(b, kind), int64(n), 10)
	return append(b, '\r', '\n')
}
