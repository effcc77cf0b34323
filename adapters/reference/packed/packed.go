// Package packed holds the compact values of the reference engine: a listpack for small hashes, small sorted sets and the
// chunks of lists, and an integer set.
//
// Both are laid out as Redis 7.0 lays them out, element by element, so that their length in bytes is the server's own and
// the memory model needs no estimate. A listpack entry is
//
//	encoding and data | backlen        integers in 1, 2, 3, 4, 5 or 9 bytes, strings of n bytes in n + 1, 2 or 5
//
// where backlen repeats the length of what stands before it, so that the pack can be walked from its end. The header (six
// bytes) and the terminator (one) are counted and not kept, but for the number of elements.
package packed

import (
	"encoding/binary"

	"github.com/kvtool/kvtool/internal/memory"
)

// overhead is the header and the terminator of a listpack (listpack.c: LP_HDR_SIZE, LP_EOF).
const overhead = 7

// lastEntry returns the length of the entry that b ends with.
func lastEntry(b []byte) int {
	n, bits := 0, 0
	for at := len(b) - 1; ; at-- { // the last byte holds the low seven bits; a set high bit says that another stands before it
		n |= int(b[at]&0x7f) << bits
		bits += 7
		if b[at]&0x80 == 0 {
			return n + len(b) - at
		}
	}
}

// entry returns the length of the encoding byte(s) and of the data of the entry that b begins with.
func entry(b []byte) (head, size int, isInt bool) {
	switch c := b[0]; {
	case c < 0x80:
		return 1, 0, true
	case c < 0xc0:
		return 1, int(c & 0x3f), false
	case c < 0xe0:
		return 2, 0, true
	case c < 0xf0:
		return 2, int(c&0x0f)<<8 | int(b[1]), false
	case c == 0xf0:
		return 5, int(binary.LittleEndian.Uint32(b[1:])), false
	case c == 0xf4:
		return 9, 0, true
	default: // 0xf1, 0xf2, 0xf3: two, three and four bytes
		return int(c-0xf1) + 3, 0, true
	}
}

// integer returns the number of the entry that b begins with.
func integer(b []byte) int64 {
	switch c := b[0]; {
	case c < 0x80:
		return int64(c)
	case c < 0xe0:
		n := int64(c&0x1f)<<8 | int64(b[1])
		return n << 51 >> 51
	case c == 0xf1:
		return int64(int16(binary.LittleEndian.Uint16(b[1:])))
	case c == 0xf2:
		return int64(int32(uint32(b[1])<<8|uint32(b[2])<<16|uint32(b[3])<<24) >> 8)
	case c == 0xf3:
		return int64(int32(binary.LittleEndian.Uint32(b[1:])))
	default:
		return int64(binary.LittleEndian.Uint64(b[1:]))
	}
}

// AppendEntry appends to b an element as a Listpack holds it (listpack.c: lpEncodeGetType, lpEncodeString, lpEncodeBacklen). It may be
// copied over another one of the same length.
func AppendEntry(b, s []byte) []byte {
	from := len(b)
	if n, ok := Int(s); ok {
		b = appendInt(b, n)
	} else {
		b = appendString(b, s)
	}
	return appendBacklen(b, len(b)-from)
}

func appendInt(b []byte, n int64) []byte {
	switch {
	case n >= 0 && n < 128:
		return append(b, byte(n))
	case n >= -4096 && n < 4096:
		return append(b, 0xc0|byte(n>>8)&0x1f, byte(n))
	case n == int64(int16(n)):
		return append(b, 0xf1, byte(n), byte(n>>8))
	case n >= -1<<23 && n < 1<<23:
		return append(b, 0xf2, byte(n), byte(n>>8), byte(n>>16))
	case n == int64(int32(n)):
		return binary.LittleEndian.AppendUint32(append(b, 0xf3), uint32(n))
	default:
		return binary.LittleEndian.AppendUint64(append(b, 0xf4), uint64(n))
	}
}

func appendString(b, s []byte) []byte {
	switch n := len(s); {
	case n < 64:
		b = append(b, 0x80|byte(n))
	case n < 4096:
		b = append(b, 0xe0|byte(n>>8), byte(n))
	default:
		b = binary.LittleEndian.AppendUint32(append(b, 0xf0), uint32(n))
	}
	return append(b, s...)
}

func appendBacklen(b []byte, n int) []byte {
	last := memory.Backlen(n) - 1
	for i := last; i >= 0; i-- {
		c := byte(n>>(7*i)) & 0x7f
		if i != last {
			c |= 0x80
		}
		b = append(b, c)
	}
	return b
}

// Int returns the number that s is the canonical decimal form of, if it is one of 64 bits: only such a string can be kept
// as a number and come back as it was.
func Int(s []byte) (n int64, ok bool) {
	if len(s) == 0 || len(s) > 20 || s[0] > '9' {
		return 0, false
	}
	digits, limit := s, uint64(1<<63-1)
	if s[0] == '-' {
		digits, limit = s[1:], 1<<63
	}
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' && len(s) > 1 {
		return 0, false
	}
	var u uint64
	for i := range len(digits) {
		c := digits[i] - '0'
		if c > 9 {
			return 0, false
		}
		u = u*10 + uint64(c)
	}
	if s[0] == '-' {
		return -int64(u), u <= limit
	}
	return int64(u), u <= limit
}
