package dump

import (
	"encoding/binary"
	"math"

	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/internal/lzf"
)

// A Writer appends the parts of a body. The zero value is ready. It is not safe for concurrent use.
type Writer struct {
	lzf   lzf.Packer
	block []byte // a listpack or an intset that is being put together
}

// Length appends a length.
func Length(b []byte, n int) []byte {
	switch {
	case n < 1<<6:
		return append(b, byte(n))
	case n < 1<<14:
		return append(b, 0x40|byte(n>>8), byte(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, 0x80), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(b, 0x81), uint64(n))
	}
}

// Double appends a score.
func Double(b []byte, x float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
}

// shortest is one less than the shortest string that a server tries to compress, and leastGain what it must save by it.
const (
	shortest  = 20
	leastGain = 4
)

// String appends a string: as a number of up to 32 bits if it is one, compressed if that is shorter, or as it is
// (rdbSaveRawString).
func (w *Writer) String(b, s []byte) []byte {
	if len(s) <= 11 {
		if n, ok := packed.Int(s); ok && n == int64(int32(n)) {
			return integer(b, int32(n))
		}
	}
	if len(s) > shortest {
		if packed, ok := w.compressed(b, s); ok {
			return packed
		}
	}
	return append(Length(b, len(s)), s...)
}

func integer(b []byte, n int32) []byte {
	switch {
	case n == int32(int8(n)):
		return append(b, 0xc0, byte(n))
	case n == int32(int16(n)):
		return binary.LittleEndian.AppendUint16(append(b, 0xc1), uint16(n))
	default:
		return binary.LittleEndian.AppendUint32(append(b, 0xc2), uint32(n))
	}
}

// compressed appends s as LZF. Its length stands before it and is known behind it: the places of both lengths are kept free.
func (w *Writer) compressed(b, s []byte) ([]byte, bool) {
	var head [19]byte
	at := len(b)
	out, ok := w.lzf.Compress(append(b, head[:]...), s, len(s)-leastGain)
	if !ok {
		return b, false
	}
	body := out[at+len(head):]
	b = Length(Length(append(b, 0xc3), len(body)), len(s))
	return append(b, body...), true
}

// Listpack appends n entries of a listpack as one string.
func (w *Writer) Listpack(b, entries []byte, n int) []byte {
	const head, end = 6, 1
	p := binary.LittleEndian.AppendUint32(w.block[:0], uint32(head+len(entries)+end))
	p = binary.LittleEndian.AppendUint16(p, uint16(min(n, math.MaxUint16)))
	p = append(append(p, entries...), 0xff)
	w.block = p
	return w.String(b, p)
}

// Intset appends numbers, in ascending order and each of width bytes (2, 4 or 8), as one string. Next gives them.
func (w *Writer) Intset(b []byte, n, width int, next func(i int) int64) []byte {
	p := binary.LittleEndian.AppendUint32(w.block[:0], uint32(width))
	p = binary.LittleEndian.AppendUint32(p, uint32(n))
	for i := range n {
		v := next(i)
		switch width {
		case 2:
			p = binary.LittleEndian.AppendUint16(p, uint16(v))
		case 4:
			p = binary.LittleEndian.AppendUint32(p, uint32(v))
		default:
			p = binary.LittleEndian.AppendUint64(p, uint64(v))
		}
	}
	w.block = p
	return w.String(b, p)
}
