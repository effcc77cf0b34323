package slot

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// A Set is a set of slots. The zero value is empty, and two are equal (==) if they hold the same slots.
type Set [Count / 64]uint64

// Add puts the slots from low to high, both of them too, into s. Slots that do not exist are left out.
func (s *Set) Add(low, high int) {
	for n := max(low, 0); n <= min(high, Count-1); n++ {
		s[n/64] |= 1 << (n % 64)
	}
}

// Has reports whether s holds the slot n.
func (s *Set) Has(n uint16) bool { return n < Count && s[n/64]&(1<<(n%64)) != 0 }

// Len returns how many slots s holds.
func (s *Set) Len() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// Empty reports whether s holds none.
func (s *Set) Empty() bool { return *s == Set{} }

// And returns the slots that are in both.
func (s Set) And(t Set) Set {
	for i := range s {
		s[i] &= t[i]
	}
	return s
}

// Or returns the slots that are in either.
func (s Set) Or(t Set) Set {
	for i := range s {
		s[i] |= t[i]
	}
	return s
}

// Without returns the slots of s that are not in t.
func (s Set) Without(t Set) Set {
	for i := range s {
		s[i] &^= t[i]
	}
	return s
}

// Each calls fn for each slot, lowest first.
func (s *Set) Each(fn func(n uint16)) {
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			fn(uint16(i*64 + bits.TrailingZeros64(w)))
		}
	}
}

// String returns the ranges of s, "0-5460,7000", which ParseSet reads.
func (s *Set) String() string {
	var b strings.Builder
	low, last := -1, -1
	flush := func() {
		if low < 0 {
			return
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(low))
		if last > low {
			b.WriteString("-" + strconv.Itoa(last))
		}
	}
	s.Each(func(n uint16) {
		if int(n) != last+1 || low < 0 {
			flush()
			low = int(n)
		}
		last = int(n)
	})
	flush()
	return b.String()
}

// ParseSet reads what String writes. The empty string is the empty set.
func ParseSet(text string) (s Set, err error) {
	if text == "" {
		return s, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		first, second, isRange := strings.Cut(part, "-")
		low, ok1 := number(first)
		high, ok2 := low, true
		if isRange {
			high, ok2 = number(second)
		}
		if !ok1 || !ok2 || high < low {
			return Set{}, fmt.Errorf("%.40q is no range of slots", part)
		}
		s.Add(low, high)
	}
	return s, nil
}

// number reads the number of a slot.
func number(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	return int(n), err == nil && n < Count
}
