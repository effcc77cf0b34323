package resp

import (
	"bytes"
	"fmt"
)

// maxElements bounds how many elements the reply to one request may announce, those of nested lists among them. It is no
// memory: what is announced and does not come costs nothing.
const maxElements = 1 << 40

// A Counter reads replies of which mostly no more is wanted than how they went: the bodies of strings are stepped over, in
// whatever pieces they come, and the elements of lists are counted. What is wanted is copied. It does not read by itself, so
// that a clock can be read between two pieces. The zero value is ready; it is not safe for concurrent use.
//
//	Begin ─▶ Feed(piece) ─▶ Feed(piece) ─▶ done: Null, Err, Bytes, Values
type Counter struct {
	Null  bool   // the whole reply is nothing: $-1, *-1
	Err   []byte // the text of the first error in it, without the "-"; nil: there is none. Valid until the next Begin
	Whole bool   // the whole reply is that error
	Bytes int    // on the wire

	want  bool
	head  bool  // the first line has not been read
	left  int64 // elements that are still to begin
	body  int64 // bytes of a string that are still to come, without its CR LF; -1: none is open
	text  []byte
	start int // of the string that is open, in text
	vals  [][]byte
	first int // of this reply, in vals
	said  []byte
}

// Reset forgets the values of all replies that were read: their memory is used again.
func (c *Counter) Reset() { c.text, c.vals = keep(c.text), c.vals[:0] }

func keep(b []byte) []byte {
	if cap(b) > keepBuffer {
		return nil
	}
	return b[:0]
}

// Begin says that a reply follows, and whether its elements are wanted.
func (c *Counter) Begin(want bool) {
	c.Null, c.Err, c.Whole, c.Bytes = false, nil, false, 0
	c.want, c.head, c.left, c.body, c.first = want, true, 1, -1, len(c.vals)
	if want && c.text == nil {
		c.text = make([]byte, 0, 256) // an empty string is not null
	}
}

// Values returns the elements of the reply that has been read, if they were wanted: those of nested lists one after the other,
// numbers as text, nil for null, an error within a list with its "-". They are valid until Reset.
func (c *Counter) Values() [][]byte {
	if !c.want || c.Whole {
		return nil
	}
	if c.first == len(c.vals) {
		return [][]byte{}
	}
	return c.vals[c.first:len(c.vals):len(c.vals)]
}

// Feed reads of b what belongs to the reply, and returns how many bytes that was and whether the reply is whole. Less than all
// of b without a whole reply means that a line goes on in the next piece, which must begin with what was left. ErrProtocol is
// for good.
func (c *Counter) Feed(b []byte) (used int, done bool, err error) {
	for c.left > 0 || c.body >= 0 {
		var n int
		if c.body >= 0 {
			n, err = c.rest(b[used:])
		} else {
			n, err = c.line(b[used:])
		}
		if err != nil {
			return used, false, err
		}
		if n == 0 {
			c.Bytes += used
			return used, false, nil
		}
		used += n
	}
	c.Bytes += used
	return used, true, nil
}

// rest reads what follows of a string: its body, and then its end.
func (c *Counter) rest(b []byte) (int, error) {
	if c.body > 0 {
		n := min(c.body, int64(len(b)))
		if c.want {
			c.text = append(c.text, b[:n]...)
		}
		c.body -= n
		if c.body > 0 || int(n) == len(b) {
			return int(n), nil
		}
		m, err := c.end(b[n:])
		return int(n) + m, err
	}
	return c.end(b)
}

// end reads the CR LF behind a string.
func (c *Counter) end(b []byte) (int, error) {
	if len(b) < 2 {
		return 0, nil
	}
	if b[0] != '\r' || b[1] != '\n' {
		return 0, fmt.Errorf("%w: a string does not end where it said", ErrProtocol)
	}
	if c.want {
		c.vals = append(c.vals, c.text[c.start:len(c.text):len(c.text)])
	}
	c.body = -1
	return 2, nil
}

// line reads the line that begins an element. A number at its beginning is read in the same pass as its end is looked for.
func (c *Counter) line(b []byte) (int, error) {
	if len(b) < 3 {
		return 0, nil
	}
	kind := Kind(b[0])
	if kind == Simple || kind == Error {
		return c.words(kind, b)
	}
	i, negative := 1, false
	if b[1] == '-' {
		i, negative = 2, true
	}
	first, n := i, int64(0)
	for i < len(b) && b[i]-'0' <= 9 && i-first < 18 {
		n = n*10 + int64(b[i]-'0')
		i++
	}
	if i+1 >= len(b) && i-first < 18 {
		return 0, c.open(b)
	}
	if i == first || i+1 >= len(b) || b[i] != '\r' || b[i+1] != '\n' {
		return c.long(kind, b)
	}
	if negative {
		n = -n
	}
	return i + 2, c.element(kind, n, b[1:i])
}

// long reads a number that line does not: of 19 digits, or none at all.
func (c *Counter) long(kind Kind, b []byte) (int, error) {
	end := bytes.IndexByte(b, '\n')
	if end < 1 {
		return 0, c.open(b)
	}
	if end < 2 || b[end-1] != '\r' { // a line of no kind at all is none
		return 0, fmt.Errorf("%w: %.40q", ErrProtocol, b[:end])
	}
	n, ok := number(b[1 : end-1])
	if !ok {
		return 0, fmt.Errorf("%w: %.40q", ErrProtocol, b[:end-1])
	}
	return end + 1, c.element(kind, n, b[1:end-1])
}

// open checks a line whose end has not come.
func (c *Counter) open(b []byte) error {
	switch Kind(b[0]) {
	case Simple, Error, Int, Bulk, Array:
		if len(b) <= maxLine {
			return nil
		}
	}
	return fmt.Errorf("%w: %.40q", ErrProtocol, b)
}

// words reads a status or an error.
func (c *Counter) words(kind Kind, b []byte) (int, error) {
	end := len("+OK\r\n") - 1
	if len(b) <= end || string(b[:end+1]) != "+OK\r\n" { // most are that
		end = bytes.IndexByte(b, '\n')
	}
	if end < 1 {
		return 0, c.open(b)
	}
	if b[end-1] != '\r' {
		return 0, fmt.Errorf("%w: %.40q", ErrProtocol, b[:end])
	}
	text := b[1 : end-1]
	if kind == Error {
		if c.Err == nil {
			c.said = append(c.said[:0], text...)
			c.Err, c.Whole = c.said, c.head
		}
		text = b[:end-1]
	}
	c.begun()
	c.value(text)
	return end + 1, nil
}

// element begins an element with a number: the number itself, or a string or list of that length.
func (c *Counter) element(kind Kind, n int64, digits []byte) error {
	head := c.head
	c.begun()
	switch {
	case kind == Int:
		c.value(digits)
	case kind != Bulk && kind != Array, n < -1, kind == Bulk && n > MaxBulk, kind == Array && n > maxElements-c.left:
		return fmt.Errorf("%w: %c%.40q", ErrProtocol, kind, digits)
	case n == -1:
		c.Null = head
		if c.want {
			c.vals = append(c.vals, nil)
		}
	case kind == Array:
		c.left += n
	default:
		c.body, c.start = n, len(c.text)
	}
	return nil
}

func (c *Counter) begun() {
	c.head = false
	c.left--
}

// value keeps a text that is there whole.
func (c *Counter) value(text []byte) {
	if !c.want {
		return
	}
	at := len(c.text)
	c.text = append(c.text, text...)
	c.vals = append(c.vals, c.text[at:len(c.text):len(c.text)])
}
