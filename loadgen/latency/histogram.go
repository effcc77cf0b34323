// Package latency counts how long things took. It knows no clocks, no stores and no reports.
//
// The one idea is a histogram whose buckets are fixed for all time: 64 to each doubling, so that every count of every worker,
// second and machine can be added to every other without loss, and a quantile is within 0.8 % of the truth wherever it lies
// between a nanosecond and hours. Percentiles are never averaged; buckets are added.
//
//	nanoseconds   0 1 2 … 127 | 128 … 255 by 2 | 256 … 511 by 4 | …
//	              one bucket each   64 buckets       64 buckets
//
// A Histogram takes memory for the buckets between the lowest and the highest that it has counted in, and Pack makes of it the
// few hundred bytes that a row of a long run can keep.
package latency

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"slices"
	"time"
)

const (
	subBits = 6 // 64 buckets to a doubling: each is at most 1/64 of its value wide, its middle 1/128 off
	sub     = 1 << subBits
	top     = 63 - subBits + 1 // runs of 64 buckets that an int64 of nanoseconds takes
	buckets = top << subBits
)

// A Histogram counts durations. The zero value is empty. Negative durations count as 0. It is not safe for concurrent use.
type Histogram struct {
	low    int // bucket of counts[0]
	counts []uint64
	n      uint64
	sum    total
	min    time.Duration
	max    time.Duration
}

// bucket returns where a duration is counted.
func bucket(d time.Duration) int {
	v := uint64(max(d, 0))
	if v < 2*sub {
		return int(v)
	}
	shift := bits.Len64(v) - subBits - 1
	return shift<<subBits + int(v>>shift)
}

// bounds returns the least and the greatest duration of a bucket.
func bounds(b int) (lo, hi time.Duration) {
	if b < 2*sub {
		return time.Duration(b), time.Duration(b)
	}
	shift := b>>subBits - 1
	lo = time.Duration(b&(sub-1)+sub) << shift
	return lo, lo + 1<<shift - 1
}

// A total is a number of nanoseconds of 128 bits: a sum of floating point would differ with the order in which it is made.
type total struct{ high, low uint64 }

func (t *total) add(high, low uint64) {
	var carry uint64
	t.low, carry = bits.Add64(t.low, low, 0)
	t.high, _ = bits.Add64(t.high, high, carry)
}

// Record counts one duration.
func (h *Histogram) Record(d time.Duration) { h.RecordN(d, 1) }

// RecordN counts n durations.
func (h *Histogram) RecordN(d time.Duration, n uint64) {
	if n == 0 {
		return
	}
	d = max(d, 0)
	b := bucket(d)
	if i := b - h.low; uint(i) < uint(len(h.counts)) {
		h.counts[i] += n
	} else {
		h.widen(b, b)
		h.counts[b-h.low] += n
	}
	if h.n == 0 || d < h.min {
		h.min = d
	}
	h.max = max(h.max, d)
	h.n += n
	h.sum.add(bits.Mul64(uint64(d), n))
}

// widen makes room for the buckets from lo to hi. It takes some more than that, so that a few rounds suffice for a whole run.
func (h *Histogram) widen(lo, hi int) {
	if len(h.counts) == 0 {
		h.low = max(0, lo-sub/2)
		h.counts = slices.Grow(h.counts, hi+sub/2-h.low)[:hi+sub/2-h.low]
		clear(h.counts)
		return
	}
	first, last := min(h.low, lo), max(h.low+len(h.counts)-1, hi)
	if first < h.low {
		first = max(0, first-sub)
	}
	if last >= h.low+len(h.counts) {
		last += sub
	}
	counts := make([]uint64, last-first+1)
	copy(counts[h.low-first:], h.counts)
	h.low, h.counts = first, counts
}

// Reset empties the histogram and keeps its memory.
func (h *Histogram) Reset() {
	if h.n > 0 {
		clear(h.counts)
	}
	h.n, h.sum, h.min, h.max = 0, total{}, 0, 0
}

// Merge adds what o has counted, exactly.
func (h *Histogram) Merge(o *Histogram) {
	if o.n == 0 {
		return
	}
	lo, hi := o.span()
	if lo < h.low || hi >= h.low+len(h.counts) || len(h.counts) == 0 {
		h.widen(lo, hi)
	}
	into := h.counts[lo-h.low:]
	for i, c := range o.counts[lo-o.low : hi-o.low+1] {
		into[i] += c
	}
	if h.n == 0 || o.min < h.min {
		h.min = o.min
	}
	h.max = max(h.max, o.max)
	h.n += o.n
	h.sum.add(o.sum.high, o.sum.low)
}

// span returns the lowest and the highest bucket in which something was counted. There must be one.
func (h *Histogram) span() (lo, hi int) {
	return max(bucket(h.min), h.low), min(bucket(h.max), h.low+len(h.counts)-1)
}

// Count returns how many durations were counted.
func (h *Histogram) Count() uint64 { return h.n }

// Max returns the longest, to the nanosecond; 0 if there is none.
func (h *Histogram) Max() time.Duration { return h.max }

// Min returns the shortest, to the nanosecond; 0 if there is none.
func (h *Histogram) Min() time.Duration { return h.min }

// Mean returns the mean; 0 if there is none.
func (h *Histogram) Mean() time.Duration {
	if h.n == 0 {
		return 0
	}
	return time.Duration((math.Ldexp(float64(h.sum.high), 64) + float64(h.sum.low)) / float64(h.n))
}

// Quantile returns the duration that a share q of those counted do not exceed, within 0.8 %; 0 if there is none. It is the
// smallest counted duration of which that can be said: that of rank ⌈qn⌉.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.n == 0 {
		return 0
	}
	rank := uint64(math.Ceil(q * float64(h.n)))
	rank = min(max(rank, 1), h.n)
	seen := uint64(0)
	for i, c := range h.counts {
		if seen += c; seen >= rank {
			return h.within(h.low + i)
		}
	}
	return h.max
}

// within returns the middle of a bucket, as far as what was counted reaches.
func (h *Histogram) within(b int) time.Duration {
	lo, hi := bounds(b)
	return min(max(lo+(hi-lo)/2, h.min), h.max)
}

// CountAbove returns how many of those counted are longer than limit. Those in the bucket of the limit itself are counted as
// not longer, so that it is exact where a bucket ends and else at most what 1.6 % of the limit hold too low.
func (h *Histogram) CountAbove(limit time.Duration) uint64 {
	n := uint64(0)
	for i := max(0, bucket(limit)+1-h.low); i < len(h.counts); i++ {
		n += h.counts[i]
	}
	return n
}

// A Bucket is a number of durations between two.
type Bucket struct {
	Low, High time.Duration // both belong to it
	Count     uint64
}

// All yields the buckets that are not empty, the shortest first.
func (h *Histogram) All(yield func(Bucket) bool) {
	for i, c := range h.counts {
		if c == 0 {
			continue
		}
		lo, hi := bounds(h.low + i)
		if !yield(Bucket{lo, hi, c}) {
			return
		}
	}
}

// Equal reports whether two histograms have counted the same, bucket for bucket.
func (h *Histogram) Equal(o *Histogram) bool {
	if h.n != o.n || h.min != o.min || h.max != o.max {
		return false
	}
	return slices.Equal(h.Pack(), o.Pack())
}

// A Packed is a histogram that only rests: some two bytes for each bucket that is not empty. An empty one is nil.
type Packed []byte

// Pack returns what was counted.
func (h *Histogram) Pack() Packed {
	if h.n == 0 {
		return nil
	}
	b := make([]byte, 0, 64)
	b = binary.AppendUvarint(b, uint64(h.min))
	b = binary.AppendUvarint(b, uint64(h.max))
	b = binary.AppendUvarint(b, h.sum.high)
	b = binary.AppendUvarint(b, h.sum.low)
	last := -1
	for i, c := range h.counts {
		if c != 0 {
			b = binary.AppendUvarint(b, uint64(h.low+i-last))
			b = binary.AppendUvarint(b, c)
			last = h.low + i
		}
	}
	return slices.Clip(b)
}

var errPacked = errors.New("no packed histogram")

// AddPacked adds what p holds. Input is hostile: what is no packed histogram is an error, and h is as it was.
func (h *Histogram) AddPacked(p Packed) error {
	if len(p) == 0 {
		return nil
	}
	o, err := unpack(p)
	if err != nil {
		return err
	}
	h.Merge(&o)
	return nil
}

func unpack(p Packed) (Histogram, error) {
	var h Histogram
	r := reader{b: p}
	lo, hi := r.uvarint(), r.uvarint()
	h.sum = total{r.uvarint(), r.uvarint()}
	if r.bad || lo > hi || hi > math.MaxInt64 {
		return h, errPacked
	}
	h.min, h.max = time.Duration(lo), time.Duration(hi)
	first, last := bucket(h.min), bucket(h.max)
	h.low, h.counts = first, make([]uint64, last-first+1)
	for at := -1; len(r.b) > 0; {
		gap, c := r.uvarint(), r.uvarint()
		if r.bad || gap == 0 || gap > buckets || c == 0 || h.n+c < h.n {
			return h, errPacked
		}
		if at += int(gap); at < first || at > last {
			return h, errPacked
		}
		h.counts[at-first] = c
		h.n += c
	}
	if h.n == 0 || h.counts[0] == 0 || h.counts[last-first] == 0 {
		return h, errPacked
	}
	return h, nil
}

// A reader takes numbers off the front of bytes.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}
