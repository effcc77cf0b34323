package packed

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/kvtool/kvtool/internal/memory"
)

// A Listpack is a sequence of strings in one block, as records of the arena hold it:
//
//	2  number of elements, little endian; 65535: that many or more, and who needs it counts
//	   entries
//
// so it is a server's listpack without its length (four bytes) and its terminator. An element is named by its offset: First is
// that of the first, At returns the next, End is behind the last. Edits are used as append is: they change the block in place if
// its capacity allows, return it, and make the offsets behind the place invalid. What is put in must not be part of the block.
type Listpack []byte

const (
	countBytes = 2
	uncounted  = 1<<16 - 1
)

// IntBytes is the longest that a number is in decimal: what the buffer of At needs.
const IntBytes = 20

// New returns an empty Listpack.
func New() Listpack { return make(Listpack, countBytes) }

// FromEntries appends to b, which is empty, the Listpack of n entries as they stand in a server's.
func FromEntries(b, entries []byte, n int) Listpack {
	return append(Listpack(b), 0, 0).concat(entries, n)
}

// Len returns the number of elements.
func (p Listpack) Len() int {
	n := int(binary.LittleEndian.Uint16(p))
	if n < uncounted {
		return n
	}
	n = 0
	for at := p.First(); at < len(p); at = p.Next(at) {
		n++
	}
	return n
}

// Size returns the length of the listpack in a server.
func (p Listpack) Size() int { return len(p) - countBytes + overhead }

// First returns the offset of the first element.
func (p Listpack) First() int { return countBytes }

// End returns the offset behind the last element.
func (p Listpack) End() int { return len(p) }

// Next returns the offset of the element behind that at offset at.
func (p Listpack) Next(at int) int {
	if c := p[at]; c < 0x80 {
		return at + 2
	} else if c < 0xc0 {
		return at + 2 + int(c&0x3f)
	}
	head, size, _ := entry(p[at:])
	return at + head + size + memory.Backlen(head+size)
}

// Prev returns the offset of the element before that at offset at, which may be End.
func (p Listpack) Prev(at int) int { return at - lastEntry(p[:at]) }

// Offset returns the offset of element i, counted from the end if i is negative.
func (p Listpack) Offset(i int) int {
	if i < 0 {
		at := len(p)
		for ; i < 0; i++ {
			at = p.Prev(at)
		}
		return at
	}
	at := p.First()
	for range i {
		at = p.Next(at)
	}
	return at
}

// At returns the element at offset at and the offset of the next one. The element is part of the block, or of buf if it is kept
// as a number.
func (p Listpack) At(at int, buf []byte) (elem []byte, next int) {
	if c := p[at]; c >= 0x80 && c < 0xc0 {
		end := at + 1 + int(c&0x3f)
		return p[at+1 : end], end + 1
	}
	head, size, isInt := entry(p[at:])
	next = at + head + size + memory.Backlen(head+size)
	if isInt {
		return strconv.AppendInt(buf[:0], integer(p[at:]), 10), next
	}
	return p[at+head : at+head+size], next
}

// Int returns the element at offset at if it is kept as a number.
func (p Listpack) Int(at int) (n int64, ok bool) {
	if _, _, ok = entry(p[at:]); !ok {
		return 0, false
	}
	return integer(p[at:]), true
}

// Find returns the offset of the first element that equals s, of that at offset from and every step-th behind it, or -1.
func (p Listpack) Find(s []byte, from, step int) int {
	n, isInt := Int(s)
	for at := from; at < len(p); {
		if p.is(at, s, n, isInt) {
			return at
		}
		for range step {
			if at = p.Next(at); at >= len(p) {
				return -1
			}
		}
	}
	return -1
}

// Is reports whether the element at offset at equals s.
func (p Listpack) Is(at int, s []byte) bool {
	n, isInt := Int(s)
	return p.is(at, s, n, isInt)
}

func (p Listpack) is(at int, s []byte, n int64, isInt bool) bool {
	if c := p[at]; c >= 0x80 && c < 0xc0 {
		return int(c&0x3f) == len(s) && string(p[at+1:at+1+len(s)]) == string(s)
	}
	head, size, kept := entry(p[at:])
	if kept {
		return isInt && integer(p[at:]) == n
	}
	return size == len(s) && bytes.Equal(p[at+head:at+head+size], s)
}

// Append adds an element at the end.
func (p Listpack) Append(s []byte) Listpack {
	p = AppendEntry(p, s)
	p.count(1)
	return p
}

// AppendEntry is Append of what the function of this name has made of an element.
func (p Listpack) AppendEntry(entry []byte) Listpack { return p.concat(entry, 1) }

// Insert adds an element before that at offset at.
func (p Listpack) Insert(at int, s []byte) Listpack {
	p = p.open(at, 0, EntrySize(s))
	AppendEntry(p[:at], s)
	p.count(1)
	return p
}

// Replace puts s in the place of the element at offset at.
func (p Listpack) Replace(at int, s []byte) Listpack {
	p = p.open(at, p.Next(at)-at, EntrySize(s))
	AppendEntry(p[:at], s)
	return p
}

// Delete removes n elements beginning at offset at.
func (p Listpack) Delete(at, n int) Listpack {
	end := at
	for range n {
		end = p.Next(end)
	}
	p = p.open(at, end-at, 0)
	p.count(-n)
	return p
}

// Concat adds the elements of q at the end.
func (p Listpack) Concat(q Listpack) Listpack { return p.concat(q[countBytes:], q.Len()) }

// AppendFrom adds those n elements of q at the end that stand from offset at to its end.
func (p Listpack) AppendFrom(q Listpack, at, n int) Listpack { return p.concat(q[at:], n) }

func (p Listpack) concat(entries []byte, n int) Listpack {
	p = append(p, entries...)
	p.count(n)
	return p
}

// open makes the old bytes at offset at size bytes, whose content is arbitrary.
func (p Listpack) open(at, old, size int) Listpack {
	end := len(p)
	if size > old {
		p = slices.Grow(p, size-old)
		p = p[:end+size-old]
	}
	copy(p[at+size:], p[at+old:end])
	return p[:end+size-old]
}

// count changes the number of elements, as long as it is known.
func (p Listpack) count(by int) {
	if n := int(binary.LittleEndian.Uint16(p)); n < uncounted {
		binary.LittleEndian.PutUint16(p, uint16(min(n+by, uncounted)))
	}
}

// EntrySize returns the bytes that an element takes.
func EntrySize(s []byte) int {
	n := 0
	if v, ok := Int(s); ok {
		n = intBytes(v)
	} else {
		n = stringHead(len(s)) + len(s)
	}
	return n + memory.Backlen(n)
}

func intBytes(n int64) int {
	switch {
	case n >= 0 && n < 128:
		return 1
	case n >= -4096 && n < 4096:
		return 2
	case n == int64(int16(n)):
		return 3
	case n >= -1<<23 && n < 1<<23:
		return 4
	case n == int64(int32(n)):
		return 5
	default:
		return 9
	}
}

func stringHead(n int) int {
	switch {
	case n < 64:
		return 1
	case n < 4096:
		return 2
	default:
		return 5
	}
}
