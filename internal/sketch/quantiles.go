package sketch

import (
	"iter"
	"math"
)

// Quantiles summarises whole numbers from 0 up: quantiles within a relative error that grows with how many octaves the
// numbers span (1/512 at best, below 256 exact), and the exact maximum. The zero value is empty.
type Quantiles struct {
	bins Bins
	max  int64
}

// NewQuantiles returns an empty summary of at most limit bins.
func NewQuantiles(limit int) Quantiles { return Quantiles{bins: NewBins(limit)} }

// mantissa is how many bits of a number's fraction tell its bin: 256 bins an octave before any are merged. With the
// exponent that is 20 bits, since no number here is negative.
const mantissa = 8

const dropped = 52 - mantissa

func binOf(v int64) uint32 { return uint32(math.Float64bits(float64(v)) >> dropped) }

// Add counts v; a negative one counts as 0.
func (q *Quantiles) Add(v int64) { q.AddN(v, 1) }

// AddN counts v n times, at least once.
func (q *Quantiles) AddN(v, n int64) {
	v = max(0, v)
	q.max = max(q.max, v)
	q.bins.AddN(binOf(v), uint64(n))
}

// Merge adds what o has counted.
func (q *Quantiles) Merge(o *Quantiles) {
	q.max = max(q.max, o.max)
	q.bins.Merge(&o.bins)
}

// Clone returns a copy that shares nothing.
func (q *Quantiles) Clone() Quantiles { return Quantiles{q.bins.Clone(), q.max} }

// Bins returns how many bins are in use.
func (q *Quantiles) Bins() int { return q.bins.Len() }

// Limit lowers the number of bins to at most limit, for less memory and less precision.
func (q *Quantiles) Limit(limit int) { q.bins.Limit(limit) }

// Count returns how many numbers were counted.
func (q *Quantiles) Count() int64 { return int64(q.bins.Total()) }

// Max returns the greatest number, exactly.
func (q *Quantiles) Max() int64 { return q.max }

// At returns the number that the share p of all numbers does not exceed: 0.5 is the median, 1 the maximum. Without
// numbers ok is false.
func (q *Quantiles) At(p float64) (v int64, ok bool) {
	n := q.bins.Total()
	if n == 0 {
		return 0, false
	}
	if p >= 1 {
		return q.max, true
	}
	k := uint64(math.Ceil(p * float64(n)))
	bin, _ := q.bins.Rank(min(n, max(1, k)) - 1)
	return min(q.max, middle(bin)), true
}

// All yields the bins in ascending order: which numbers from low up to and without high, and how many.
func (q *Quantiles) All() iter.Seq2[[2]float64, uint64] {
	return func(yield func([2]float64, uint64) bool) {
		for b := range q.bins.All() {
			low := math.Float64frombits(uint64(b.Low) << dropped)
			high := math.Float64frombits(uint64(b.High+1) << dropped)
			if !yield([2]float64{low, high}, b.N) {
				return
			}
		}
	}
}

// middle returns the whole number in the middle of those that fall into b.
func middle(b Bin) int64 {
	first := math.Ceil(math.Float64frombits(uint64(b.Low) << dropped))
	last := math.Ceil(math.Float64frombits(uint64(b.High+1)<<dropped)) - 1
	return int64(min(first+(last-first)/2, 1<<62))
}
