package compare

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/kvtool/kvtool/loadgen/latency"
	"github.com/kvtool/kvtool/loadgen/stat"
)

// leastBlocks is how many blocks of seconds that are independent of each other a run must have.
const leastBlocks = 30

// batches is into how many stretches of time a run is divided, which are what its certainty is counted by. Each is at least three
// blocks long, so that what a stretch knows of the next is little whatever the seconds know of each other; and ten are enough,
// since Student's distribution knows that they are few: its interval is 7 % wider than that of any number.
const batches = 10

// Stored compares two runs by their seconds: the response times of what was due in each.
//
// A quantile is compared by the share of operations beyond it (R. S. Woodruff, "Confidence intervals for medians and other position
// measures", JASA 47 (1952)). If head were base with all times longer by a factor, both would have the same share beyond their common
// quantile, once head's times are divided by it; what that share varies by is seen from ten stretches of each run (R. Ibragimov and
// U. K. Müller, "t-statistic based correlation and heterogeneity robust inference", J. Bus. Econ. Stat. 28 (2010)), and Welch's test
// says whether the difference is more. The interval is of the factors that it does not refuse. A rate is compared by the same test
// of its stretches. Nothing is drawn: the same runs say the same.
//
// A metric for which a run has fewer than 30 blocks of seconds that know nothing of each other is inconclusive.
func Stored(ms []Metric, base, head []*latency.Histogram, o Options) []Effect {
	if len(base) == 0 || len(head) == 0 {
		return Void(effects(ms, make([]stat.Shift, len(ms)), o), "a run without a second that was recorded")
	}
	b, h := newRun(base), newRun(head)
	shifts := make([]stat.Shift, len(ms))
	for m, metric := range ms {
		at := logRatio(b.of(metric), h.of(metric))
		if metric.Quantile == 0 {
			shifts[m] = stat.Inverted(at, func(shift float64) (t, degrees float64) { return stat.Welch(b.rates(0), h.rates(shift)) })
			continue
		}
		shifts[m] = stat.Inverted(at, func(shift float64) (t, degrees float64) {
			x := common(b, h, metric.Quantile, shift)
			return stat.Welch(b.beyond(x, metric.Quantile), h.beyond(x*math.Exp(shift), metric.Quantile))
		})
	}
	es := effects(ms, shifts, o)
	for m, metric := range ms {
		es[m].Base, es[m].Head = b.of(metric), h.of(metric)
		if short := tooShort(b, h, metric); short != "" {
			Void(es[m:m+1], short)
		}
	}
	return es
}

// logRatio is NaN where one of the two was not measured.
func logRatio(base, head float64) float64 {
	if base <= 0 || head <= 0 {
		return math.NaN()
	}
	return math.Log(head / base)
}

// tooShort says why a metric cannot be told, "" if it can.
func tooShort(base, head *run, m Metric) string {
	for i, r := range [...]*run{base, head} {
		length := stat.BlockLength(r.series(m))
		if n := len(r.seconds) / length; n < leastBlocks {
			return fmt.Sprintf("%s has %d independent blocks of %d s, and it takes %d", [...]string{"base", "head"}[i], n, length, leastBlocks)
		}
	}
	return ""
}

// common returns the quantile of base and of head together, once head's times are divided by a factor, of which shift is the
// logarithm.
func common(base, head *run, q, shift float64) float64 {
	factor := math.Exp(shift)
	want := (1 - q) * (base.all.n + head.all.n)
	low := math.Log(max(min(base.low[0], head.low[0]/factor), 1e-12))
	high := math.Log(max(base.end(), head.end()/factor))
	for high-low > 1e-9 {
		middle := (low + high) / 2
		x := math.Exp(middle)
		if base.above(&base.all, x)+head.above(&head.all, x*factor) > want {
			low = middle
		} else {
			high = middle
		}
	}
	return math.Exp(high)
}

// A run is the response times of one run, counted in the buckets that any of its seconds has used.
type run struct {
	low, width []float64 // seconds: where each used bucket begins, and how wide it is
	seconds    []counts
	batches    []counts
	length     []float64 // of each batch, in seconds
	all        counts
}

// counts are samples by bucket: up to counts.to[i] lie in bucket i or below.
type counts struct {
	at []int // index into run.low, rising
	to []float64
	n  float64
}

func newRun(hs []*latency.Histogram) *run {
	r := &run{}
	var used []latency.Bucket
	for _, h := range hs {
		for b := range h.All {
			used = append(used, b)
		}
	}
	slices.SortFunc(used, byLow)
	used = slices.CompactFunc(used, func(a, b latency.Bucket) bool { return a.Low == b.Low })
	for _, b := range used {
		r.low = append(r.low, b.Low.Seconds())
		r.width = append(r.width, (b.High - b.Low + time.Nanosecond).Seconds())
	}
	for _, h := range hs {
		r.seconds = append(r.seconds, r.count(used, h))
	}
	n := min(batches, len(hs))
	for i := range n {
		from, to := i*len(hs)/n, (i+1)*len(hs)/n
		r.batches = append(r.batches, r.count(used, hs[from:to]...))
		r.length = append(r.length, float64(to-from))
	}
	r.all = r.count(used, hs...)
	return r
}

// count adds up histograms.
func (r *run) count(used []latency.Bucket, hs ...*latency.Histogram) counts {
	var sum latency.Histogram
	for _, h := range hs {
		sum.Merge(h)
	}
	var c counts
	for b := range sum.All {
		i, _ := slices.BinarySearchFunc(used, b, byLow)
		c.n += float64(b.Count)
		c.at, c.to = append(c.at, i), append(c.to, c.n)
	}
	return c
}

func byLow(a, b latency.Bucket) int { return int(min(max(a.Low-b.Low, -1), 1)) }

// end is above all samples.
func (r *run) end() float64 {
	if len(r.low) == 0 {
		return 0
	}
	return r.low[len(r.low)-1] + r.width[len(r.width)-1]
}

// above returns how many of some samples lie above x, of the bucket that holds x the part of it.
func (r *run) above(c *counts, x float64) float64 {
	i := sort.Search(len(c.at), func(i int) bool { return r.low[c.at[i]] > x }) - 1 // the last bucket that begins below x
	if i < 0 {
		return c.n
	}
	before := 0.0
	if i > 0 {
		before = c.to[i-1]
	}
	part := min(1, (x-r.low[c.at[i]])/r.width[c.at[i]])
	return c.n - before - part*(c.to[i]-before)
}

// of returns a metric of the whole run: seconds, or operations a second.
func (r *run) of(m Metric) float64 {
	switch {
	case m.Quantile == 0:
		return r.all.n / float64(len(r.seconds))
	case r.all.n == 0:
		return 0
	}
	rank := m.Quantile * r.all.n
	i := min(sort.SearchFloat64s(r.all.to, rank), len(r.all.to)-1)
	before := 0.0
	if i > 0 {
		before = r.all.to[i-1]
	}
	return r.low[i] + (rank-before)/(r.all.to[i]-before)*r.width[i]
}

// rates returns the operations a second of each batch, divided by a factor of which shift is the logarithm.
func (r *run) rates(shift float64) []float64 {
	out := make([]float64, len(r.batches))
	for i := range r.batches {
		out[i] = r.batches[i].n / r.length[i] / math.Exp(shift)
	}
	return out
}

// beyond returns for each batch how many more samples lie above x than a quantile has above it, in shares of a mean batch: their mean
// is the share of the whole run beyond x, less 1 − q.
func (r *run) beyond(x, q float64) []float64 {
	out := make([]float64, len(r.batches))
	for i := range r.batches {
		b := &r.batches[i]
		out[i] = (r.above(b, x) - (1-q)*b.n) * float64(len(r.batches)) / max(r.all.n, 1)
	}
	return out
}

// series is what moves a metric, by second: how many were done or, for a quantile, which share of them lies beyond it.
func (r *run) series(m Metric) []float64 {
	out := make([]float64, len(r.seconds))
	whole := r.of(m)
	for i := range r.seconds {
		s := &r.seconds[i]
		out[i] = s.n
		if m.Quantile > 0 {
			out[i] = r.above(s, whole) / max(s.n, 1)
		}
	}
	return out
}
