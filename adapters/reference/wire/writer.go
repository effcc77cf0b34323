package wire

import (
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/kvtool/kvtool/adapters/reference/number"
)

// A Writer appends replies to a buffer, in the version of the protocol that its client has asked for. Its zero value writes
// RESP2. It is not safe for concurrent use.
type Writer struct {
	buf   []byte
	resp3 bool
}

// Protocol returns 2 or 3.
func (w *Writer) Protocol() int {
	if w.resp3 {
		return 3
	}
	return 2
}

// SetProtocol changes the version from here on.
func (w *Writer) SetProtocol(version int) { w.resp3 = version == 3 }

// RESP3 reports whether the client has asked for version 3.
func (w *Writer) RESP3() bool { return w.resp3 }

// Bytes returns what has been written since Reset.
func (w *Writer) Bytes() []byte { return w.buf }

// Len returns how much that is.
func (w *Writer) Len() int { return len(w.buf) }

// Reset forgets what has been written, and all of a buffer that has grown beyond what is usual.
func (w *Writer) Reset() {
	if cap(w.buf) > keepBuffer {
		w.buf = nil
	}
	w.buf = w.buf[:0]
}

// Truncate forgets what has been written beyond n bytes.
func (w *Writer) Truncate(n int) { w.buf = w.buf[:n] }

// Raw appends what is RESP already.
func (w *Writer) Raw(b []byte) { w.buf = append(w.buf, b...) }

// header appends a type, a number and the end of the line.
func (w *Writer) header(kind byte, n int64) {
	if uint64(n) < 10 {
		w.buf = append(w.buf, kind, byte(n)+'0', '\r', '\n')
		return
	}
	w.buf = append(strconv.AppendInt(append(w.buf, kind), n, 10), '\r', '\n')
}

// Int appends an integer.
func (w *Writer) Int(n int64) { w.header(':', n) }

// Bulk appends a string of bytes. One of less than 100, as nearly all are, is written with its length as one word if there is room.
func (w *Writer) Bulk(b []byte) {
	n, at := len(b), len(w.buf)
	if n >= 100 || cap(w.buf)-at < n+16 {
		w.longBulk(b)
		return
	}
	p := w.buf[at : at+n+16]
	head, size := '$'|uint64('0'+n/10)<<8|uint64('0'+n%10)<<16|'\r'<<24|'\n'<<32, 5
	if n < 10 {
		head, size = '$'|uint64('0'+n)<<8|'\r'<<16|'\n'<<24, 4
	}
	binary.LittleEndian.PutUint64(p, head)
	p = p[size:]
	copy(p, b)
	p[n], p[n+1] = '\r', '\n'
	w.buf = w.buf[:at+size+n+2]
}

// Bulks appends strings of bytes, one after the other. Room is made once, and those of 10 to 32 bytes that have so many behind their
// beginning are moved as four words, beyond their end: for a hundred members of 19 bytes that is a third of the time of Bulk.
func (w *Writer) Bulks(all [][]byte) {
	const header, most = 5, 32
	size := 0
	for _, b := range all {
		size += len(b) + header + most + 8
	}
	w.buf = slices.Grow(w.buf, size)
	buf, at := w.buf[:cap(w.buf)], len(w.buf)
	word := binary.LittleEndian
	for _, b := range all {
		n := len(b)
		if n < 10 || n > most || cap(b) < most {
			w.buf = buf[:at]
			w.Bulk(b)
			at = len(w.buf)
			continue
		}
		to, from := (*[header + most + 3]byte)(buf[at:]), (*[most]byte)(b[:most])
		word.PutUint64(to[:], '$'|uint64('0'+n/10)<<8|uint64('0'+n%10)<<16|'\r'<<24|'\n'<<32)
		word.PutUint64(to[header:], word.Uint64(from[:]))
		word.PutUint64(to[header+8:], word.Uint64(from[8:]))
		word.PutUint64(to[header+16:], word.Uint64(from[16:]))
		word.PutUint64(to[header+24:], word.Uint64(from[24:]))
		word.PutUint16(to[header+n:], '\r'|'\n'<<8)
		at += header + n + 2
	}
	w.buf = buf[:at]
}

func (w *Writer) longBulk(b []byte) {
	w.buf = slices.Grow(w.buf, len(b)+32)
	w.header('$', int64(len(b)))
	w.buf = append(append(w.buf, b...), '\r', '\n')
}

// Text is Bulk of a string.
func (w *Writer) Text(s string) {
	w.header('$', int64(len(s)))
	w.buf = append(append(w.buf, s...), '\r', '\n')
}

// BulkInt appends an integer as a string of bytes.
func (w *Writer) BulkInt(n int64) {
	var digits [20]byte
	w.Bulk(strconv.AppendInt(digits[:0], n, 10))
}

// Simple appends a status: a line without CR and LF.
func (w *Writer) Simple(s string) {
	w.buf = append(append(append(w.buf, '+'), s...), '\r', '\n')
}

// OK appends what most commands that change something answer.
func (w *Writer) OK() { w.buf = append(w.buf, "+OK\r\n"...) }

// Error appends an error; text begins with its code: "ERR no such key". Line breaks become blanks, as in Redis.
func (w *Writer) Error(text string) {
	w.buf = append(w.buf, '-')
	from := len(w.buf)
	w.buf = append(w.buf, text...)
	for i := from; i < len(w.buf); i++ {
		if w.buf[i] == '\r' || w.buf[i] == '\n' {
			w.buf[i] = ' '
		}
	}
	w.buf = append(w.buf, '\r', '\n')
}

// Null appends that there is no such value.
func (w *Writer) Null() {
	if w.resp3 {
		w.buf = append(w.buf, "_\r\n"...)
		return
	}
	w.buf = append(w.buf, "$-1\r\n"...)
}

// NullArray appends that there is no such array.
func (w *Writer) NullArray() {
	if w.resp3 {
		w.buf = append(w.buf, "_\r\n"...)
		return
	}
	w.buf = append(w.buf, "*-1\r\n"...)
}

// Array begins n replies.
func (w *Writer) Array(n int) { w.header('*', int64(n)) }

// Map begins n pairs of replies: in version 2 an array of twice as many.
func (w *Writer) Map(n int) {
	if w.resp3 {
		w.header('%', int64(n))
		return
	}
	w.header('*', 2*int64(n))
}

// Set begins n replies in no order.
func (w *Writer) Set(n int) {
	if w.resp3 {
		w.header('~', int64(n))
		return
	}
	w.header('*', int64(n))
}

// Push begins n replies that no command has asked for.
func (w *Writer) Push(n int) {
	if w.resp3 {
		w.header('>', int64(n))
		return
	}
	w.header('*', int64(n))
}

// Begin returns where an aggregate begins whose length is not known yet: EndArray, EndSet or EndMap puts its header there.
func (w *Writer) Begin() int { return len(w.buf) }

// EndArray makes an array of n of what has been written since at.
func (w *Writer) EndArray(at, n int) { w.end(at, func() { w.Array(n) }) }

// EndSet makes a set of n of what has been written since at.
func (w *Writer) EndSet(at, n int) { w.end(at, func() { w.Set(n) }) }

// EndMap makes a map of n pairs of what has been written since at.
func (w *Writer) EndMap(at, n int) { w.end(at, func() { w.Map(n) }) }

func (w *Writer) end(at int, header func()) {
	from := len(w.buf)
	header()
	var h [24]byte
	n := copy(h[:], w.buf[from:])
	w.buf = slices.Insert(w.buf[:from], at, h[:n]...)
}

// Double appends a number with 17 significant digits; in version 2 as a string.
func (w *Writer) Double(f float64) {
	var digits [32]byte
	text := number.AppendDouble(digits[:0], f)
	if w.resp3 {
		w.buf = append(append(append(w.buf, ','), text...), '\r', '\n')
		return
	}
	w.Bulk(text)
}

// Bool appends a truth value: in version 2 the integer 1 or 0.
func (w *Writer) Bool(v bool) {
	switch {
	case w.resp3 && v:
		w.buf = append(w.buf, "#t\r\n"...)
	case w.resp3:
		w.buf = append(w.buf, "#f\r\n"...)
	case v:
		w.Int(1)
	default:
		w.Int(0)
	}
}

// BigNumber appends an integer of any length, given by its digits.
func (w *Writer) BigNumber(digits string) {
	if !w.resp3 {
		w.Text(digits)
		return
	}
	w.buf = append(append(append(w.buf, '('), digits...), '\r', '\n')
}

// Verbatim appends a text with its format, of three letters: txt or mkd. In version 2 it is a string.
func (w *Writer) Verbatim(format, text string) {
	if !w.resp3 {
		w.Text(text)
		return
	}
	w.header('=', int64(len(text)+4))
	w.buf = append(append(append(append(w.buf, format...), ':'), text...), '\r', '\n')
}
