package packed

import (
	"encoding/binary"
	"math"
	"slices"
)

// intsHeader is what stands before the numbers of a server's (intset.h: encoding and length).
const intsHeader = 8

// An Intset is a set of integers in one block, as records of the arena hold it: a byte that says how many bytes each takes, and
// the integers, ascending and little endian. All are as wide as the widest has ever been (intset.c). Edits are used as append is,
// and change the block in place if its capacity allows.
type Intset []byte

// NewIntset returns an empty Intset.
func NewIntset() Intset { return Intset{2} }

// Len returns the number of members.
func (s Intset) Len() int { return (len(s) - 1) / s.width() }

// Size returns the length of the intset in a server.
func (s Intset) Size() int { return intsHeader + len(s) - 1 }

func (s Intset) width() int { return int(s[0]) }

// At returns the i-th member in ascending order.
func (s Intset) At(i int) int64 {
	switch b := s[1:]; s[0] {
	case 2:
		return int64(int16(binary.LittleEndian.Uint16(b[2*i:])))
	case 4:
		return int64(int32(binary.LittleEndian.Uint32(b[4*i:])))
	default:
		return int64(binary.LittleEndian.Uint64(b[8*i:]))
	}
}

func (s Intset) put(i int, n int64) {
	switch b := s[1:]; s[0] {
	case 2:
		binary.LittleEndian.PutUint16(b[2*i:], uint16(n))
	case 4:
		binary.LittleEndian.PutUint32(b[4*i:], uint32(n))
	default:
		binary.LittleEndian.PutUint64(b[8*i:], uint64(n))
	}
}

// find returns where n is, or belongs.
func (s Intset) find(n int64) (i int, is bool) {
	low, high := 0, s.Len()
	for low < high {
		mid := int(uint(low+high) / 2)
		if s.At(mid) < n {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low, low < s.Len() && s.At(low) == n
}

// Has reports whether n is a member.
func (s Intset) Has(n int64) bool {
	_, is := s.find(n)
	return is
}

// Add makes n a member and reports whether it was not one before.
func (s Intset) Add(n int64) (Intset, bool) {
	if w := widthOf(n); w > s.width() {
		s = s.widen(w)
	}
	i, is := s.find(n)
	if is {
		return s, false
	}
	w := s.width()
	s = slices.Grow(s, w)[:len(s)+w]
	copy(s[1+(i+1)*w:], s[1+i*w:len(s)-w])
	s.put(i, n)
	return s, true
}

// widen makes each member take w bytes.
func (s Intset) widen(w int) Intset {
	n := s.Len()
	to := append(make(Intset, 0, 1+w*(n+1)), byte(w))[:1+w*n]
	for i := range n {
		to.put(i, s.At(i))
	}
	return to
}

// Remove takes n out and reports whether it was a member. The set does not become narrower.
func (s Intset) Remove(n int64) (Intset, bool) {
	i, is := s.find(n)
	if !is {
		return s, false
	}
	return s.RemoveAt(i), true
}

// RemoveAt takes out the i-th member.
func (s Intset) RemoveAt(i int) Intset {
	w := s.width()
	return slices.Delete(s, 1+i*w, 1+(i+1)*w)
}

// widthOf returns how many bytes n takes.
func widthOf(n int64) int {
	switch {
	case n == int64(int16(n)):
		return 2
	case n >= math.MinInt32 && n <= math.MaxInt32:
		return 4
	default:
		return 8
	}
}
