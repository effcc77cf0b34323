package infer

import (
	"github.com/axiomhq/hyperloglog"
	"github.com/zeebo/xxh3"
)

const (
	exactValues = 32   // hashes a slot keeps before it begins to estimate
	precision   = 10   // of the sketch after that: 1 KiB, 3.3 % standard error
	maxSketches = 4096 // sketches a tree may hold: 4 MiB
)

// A slot counts the values of one mark of one shape: enough to refine its type
// (seconds, milliseconds, hex of one length) and to estimate how many distinct
// values it has. All of it merges commutatively.
type slot struct {
	n        int64 // values
	min, max uint64
	lead0    int64 // ints with a leading zero
	secs     int64 // ints that are a time in 2001..2036 in s, ms, µs
	millis   int64
	micros   int64
	ymd      int64 // ints that are a date yyyymmdd
	lo, hi   uint16
	few      []uint64 // hashes of the values while they are few, unordered
	sketch   *hyperloglog.Sketch
	lost     bool // no sketch was left: the distinct count is an upper bound
}

// add counts one value. sketches is how many more sketches may be made.
func (s *slot) add(mark byte, v string, sketches *int) {
	if n := uint16(len(v)); s.n == 0 {
		s.lo, s.hi = n, n
	} else {
		s.lo, s.hi = min(s.lo, n), max(s.hi, n)
	}
	if mark == mInt && len(v) <= 19 {
		s.addInt(v)
	}
	s.n++
	s.addHash(xxh3.HashString(v), sketches)
}

func (s *slot) addInt(v string) {
	var x uint64
	for i := range len(v) {
		x = x*10 + uint64(v[i]-'0')
	}
	if s.n == 0 {
		s.min, s.max = x, x
	} else {
		s.min, s.max = min(s.min, x), max(s.max, x)
	}
	if v[0] == '0' && len(v) > 1 {
		s.lead0++
	}
	switch {
	case len(v) == 10 && x >= 1e9 && x < 2.1e9:
		s.secs++
	case len(v) == 13 && x >= 1e12 && x < 2.1e12:
		s.millis++
	case len(v) == 16 && x >= 1e15 && x < 2.1e15:
		s.micros++
	case len(v) == 8 && x >= 19000101 && x < 21000000 && two(v[4:], 1, 12) && two(v[6:], 1, 31):
		s.ymd++
	}
}

func (s *slot) addHash(h uint64, sketches *int) {
	if s.sketch != nil {
		s.sketch.InsertHash(h)
		return
	}
	if s.lost {
		return
	}
	for _, x := range s.few {
		if x == h {
			return
		}
	}
	if len(s.few) < exactValues {
		s.few = append(s.few, h)
		return
	}
	if *sketches <= 0 {
		s.lost, s.few = true, nil
		return
	}
	*sketches--
	s.sketch, _ = hyperloglog.NewSketch(precision, false) // precision is in range
	for _, x := range s.few {
		s.sketch.InsertHash(x)
	}
	s.few = nil
	s.sketch.InsertHash(h)
}

// clone returns a copy that shares nothing with s.
func (s *slot) clone() *slot {
	c := *s
	c.few = append([]uint64(nil), s.few...)
	if s.sketch != nil {
		c.sketch = s.sketch.Clone()
	}
	return &c
}

// merge adds o to s; o is not changed.
func (s *slot) merge(o *slot, sketches *int) {
	if o == nil || o.n == 0 {
		return
	}
	if s.n == 0 {
		s.min, s.max, s.lo, s.hi = o.min, o.max, o.lo, o.hi
	}
	s.min, s.max = min(s.min, o.min), max(s.max, o.max)
	s.lo, s.hi = min(s.lo, o.lo), max(s.hi, o.hi)
	s.n += o.n
	s.lead0 += o.lead0
	s.secs += o.secs
	s.millis += o.millis
	s.micros += o.micros
	s.ymd += o.ymd
	if s.lost = s.lost || o.lost; s.lost {
		s.few, s.sketch = nil, nil
		return
	}
	if o.sketch == nil {
		for _, h := range o.few {
			s.addHash(h, sketches)
		}
		return
	}
	if s.sketch == nil {
		few := s.few
		s.sketch, s.few = o.sketch.Clone(), nil
		for _, h := range few {
			s.sketch.InsertHash(h)
		}
		return
	}
	_ = s.sketch.Merge(o.sketch) // both have the same precision
}

// distinct estimates the number of distinct values.
func (s *slot) distinct() int64 {
	switch {
	case s == nil:
		return 0
	case s.lost:
		return s.n
	case s.sketch != nil:
		return min(int64(s.sketch.Estimate()), s.n)
	}
	return int64(len(s.few))
}
