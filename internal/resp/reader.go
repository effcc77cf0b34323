package resp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Limits of what is believed. A server of the Redis family has no value longer than 512 MiB (proto-max-bulk-len), and no
// page of a scan has anything near a million keys. Neither limit is memory: the buffer grows as bytes arrive, and not
// because a length announces them.
const (
	MaxBulk  = 512 << 20
	MaxArray = 1 << 20
	maxLine  = 64 << 10 // of a status, an error, a number
)

// keepBuffer is how large a buffer stays after something long went through it.
const keepBuffer = 1 << 20

// A Reader reads replies in place: what it returns points into its buffer. It is not safe for concurrent use.
type Reader struct {
	src  io.Reader
	buf  []byte
	r, w int // buf[r:w] has been received and not yet returned
	size int
	err  error // for good
}

// NewReader returns a Reader with a buffer of size bytes to begin with.
func NewReader(src io.Reader, size int) *Reader {
	size = max(size, 64)
	return &Reader{src: src, size: size, buf: make([]byte, size)}
}

// Next returns the next reply. The error is io.EOF only between two replies, ErrProtocol if the bytes are no RESP2 or break
// a limit, and otherwise the source's. After an error every call returns it.
func (r *Reader) Next() (Reply, error) {
	if r.err != nil {
		return Reply{}, r.err
	}
	if rep, ok := r.buffered(); ok {
		return rep, nil
	}
	rep, err := r.next()
	if err != nil {
		r.err = err
	}
	return rep, err
}

// short is how many bytes of a line buffered looks at: those of any number or status that a scan is answered with.
const short = 18

// buffered returns the next reply if it is no array and no error, has arrived whole and is as replies nearly always are. It
// says nothing about others, and takes nothing of them: next does. It is next in one pass over the bytes.
func (r *Reader) buffered() (rep Reply, ok bool) {
	b := r.buf[r.r:r.w]
	if len(b) < len(":0\r\n") {
		return rep, false
	}
	if b[0] == '+' {
		for i := 1; i < len(b)-1 && i < short; i++ {
			if b[i] < ' ' {
				if b[i] != '\r' || b[i+1] != '\n' {
					break
				}
				r.r += i + 2
				return Reply{Kind: Simple, Data: b[1:i]}, true
			}
		}
		return rep, false
	}
	if b[0] != ':' && b[0] != '$' {
		return rep, false
	}
	i, negative := 1, false
	if b[1] == '-' {
		i, negative = 2, true
	}
	first, n := i, int64(0)
	for ; i < len(b) && i < short && b[i]-'0' <= 9; i++ {
		n = n*10 + int64(b[i]-'0')
	}
	if i == first || i+2 > len(b) || b[i] != '\r' || b[i+1] != '\n' {
		return rep, false
	}
	i += 2
	if negative {
		n = -n
	}
	switch {
	case b[0] == ':':
		r.r += i
		return Reply{Kind: Int, N: n}, true
	case n == -1:
		r.r += i
		return Reply{Kind: Null}, true
	case n < 0 || n > int64(len(b)-i-2):
		return rep, false
	}
	end := i + int(n)
	if b[end] != '\r' || b[end+1] != '\n' {
		return rep, false
	}
	r.r += end + 2
	return Reply{Kind: Bulk, Data: b[i:end:end]}, true
}

func (r *Reader) next() (Reply, error) {
	line, err := r.line()
	if err != nil {
		return Reply{}, err
	}
	kind, rest := Kind(line[0]), line[1:]
	switch kind {
	case Simple, Error:
		return Reply{Kind: kind, Data: rest}, nil
	case Int, Bulk, Array:
	default:
		return Reply{}, fmt.Errorf("%w: %.40q", ErrProtocol, line)
	}
	n, ok := number(rest)
	switch {
	case !ok:
		return Reply{}, fmt.Errorf("%w: %.40q is no number", ErrProtocol, rest)
	case kind == Int:
		return Reply{Kind: Int, N: n}, nil
	case n == -1:
		return Reply{Kind: Null}, nil
	case n < 0 || kind == Bulk && n > MaxBulk || kind == Array && n > MaxArray:
		return Reply{}, fmt.Errorf("%w: a length of %d", ErrProtocol, n)
	case kind == Array:
		return Reply{Kind: Array, N: n}, nil
	}
	data, err := r.bulk(int(n))
	return Reply{Kind: Bulk, Data: data}, err
}

// Skip reads what follows rep and belongs to it: nothing, unless rep is an array.
func (r *Reader) Skip(rep Reply) error {
	if rep.Kind != Array {
		return nil
	}
	for left := rep.N; left > 0; left-- {
		next, err := r.Next()
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		if next.Kind == Array {
			left += next.N
		}
	}
	return nil
}

// Buffered returns how many bytes have arrived and not been returned.
func (r *Reader) Buffered() int { return r.w - r.r }

// line returns the bytes up to CR LF, at least one.
func (r *Reader) line() ([]byte, error) {
	seen := 0
	for {
		if i := bytes.IndexByte(r.buf[r.r+seen:r.w], '\n'); i >= 0 {
			i += seen
			line := r.buf[r.r : r.r+i]
			if i < 2 || line[i-1] != '\r' {
				return nil, fmt.Errorf("%w: %.40q", ErrProtocol, line)
			}
			r.r += i + 1
			return line[:i-1], nil
		}
		seen = r.w - r.r
		if seen > maxLine {
			return nil, fmt.Errorf("%w: a line without an end: %.40q", ErrProtocol, r.buf[r.r:r.w])
		}
		if err := r.fill(); err != nil {
			if errors.Is(err, io.EOF) && seen > 0 {
				err = r.cut()
			}
			return nil, err
		}
	}
}

// cut returns the error for an end within a line. What is no reply from its first byte on was never going to be one: a TLS
// alert, the greeting of another protocol.
func (r *Reader) cut() error {
	switch Kind(r.buf[r.r]) {
	case Simple, Error, Int, Bulk, Array:
		return io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %.40q", ErrProtocol, r.buf[r.r:r.w])
}

// bulk returns the next n bytes and drops the CR LF after them.
func (r *Reader) bulk(n int) ([]byte, error) {
	for r.w-r.r < n+2 {
		if err := r.fill(); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	data := r.buf[r.r : r.r+n : r.r+n]
	if r.buf[r.r+n] != '\r' || r.buf[r.r+n+1] != '\n' {
		return nil, fmt.Errorf("%w: a string of %d bytes does not end there", ErrProtocol, n)
	}
	r.r += n + 2
	return data, nil
}

// fill receives at least one byte more.
func (r *Reader) fill() error {
	if r.r == r.w {
		r.r, r.w = 0, 0
		if len(r.buf) > keepBuffer && len(r.buf) > r.size {
			r.buf = make([]byte, r.size)
		}
	}
	if r.w == len(r.buf) {
		r.makeRoom()
	}
	for range 100 { // as bufio: a source that gives nothing for ever is broken
		n, err := r.src.Read(r.buf[r.w:])
		r.w += n
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// makeRoom moves what is unread to the front, into a buffer of twice the size if it would fill more than half.
func (r *Reader) makeRoom() {
	to := r.buf
	if r.w-r.r > len(r.buf)/2 {
		to = make([]byte, 2*len(r.buf))
	}
	r.w = copy(to, r.buf[r.r:r.w])
	r.buf, r.r = to, 0
}

// number reads a decimal number of 64 bits.
func number(b []byte) (n int64, ok bool) {
	negative := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		negative = b[0] == '-'
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	var u uint64 // 19 digits fit
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		u = u*10 + uint64(c-'0')
	}
	switch {
	case negative && u <= 1<<63:
		return -int64(u), true
	case negative || u > 1<<63-1:
		return 0, false
	}
	return int64(u), true
}
