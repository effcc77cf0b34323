package packed

import (
	"math"
	"slices"
)

// intsHeader is what stands before the numbers of an intset (intset.h: encoding and length).
const intsHeader = 8

// Ints is a set of integers, sorted, as wide as its widest member has ever been. The zero value is empty. It is not safe
// for concurrent use.
type Ints struct {
	v     []int64
	width int
}

// Len returns the number of members.
func (s *Ints) Len() int { return len(s.v) }

// At returns the i-th member in ascending order.
func (s *Ints) At(i int) int64 { return s.v[i] }

// Bytes returns the length of the intset in a server.
func (s *Ints) Bytes() int { return intsHeader + s.width*len(s.v) }

// Has reports whether n is a member.
func (s *Ints) Has(n int64) bool {
	_, ok := slices.BinarySearch(s.v, n)
	return ok
}

// Add makes n a member and reports whether it was not one before.
func (s *Ints) Add(n int64) bool {
	i, ok := slices.BinarySearch(s.v, n)
	if ok {
		return false
	}
	s.v = slices.Insert(s.v, i, n)
	s.width = max(s.width, width(n))
	return true
}

// Remove reports whether n was a member. The set does not become narrower.
func (s *Ints) Remove(n int64) bool {
	i, ok := slices.BinarySearch(s.v, n)
	if ok {
		s.v = slices.Delete(s.v, i, i+1)
	}
	return ok
}

func width(n int64) int {
	switch {
	case n >= math.MinInt16 && n <= math.MaxInt16:
		return 2
	case n >= math.MinInt32 && n <= math.MaxInt32:
		return 4
	default:
		return 8
	}
}
