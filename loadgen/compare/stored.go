package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/kvtool/kvtool/loadgen/latency"
	"github.com/kvtool/kvtool/loadgen/stat"
)

// leastBlocks is how many blocks of seconds that are independent of each other a run must have.
const leastBlocks = 30

const defaultResamples = 2000

// Stored compares two runs by their seconds: the response times of what was due in each. Whole seconds are drawn anew, in blocks
// that are so long that they know nothing of each other, and their histograms added again. A metric for which a run has fewer
// than 30 such blocks is inconclusive.
func Stored(ms []Metric, base, head []*latency.Histogram, o Options) []Effect {
	if len(base) == 0 || len(head) == 0 {
		return void(effects(ms, make([]stat.Shift, len(ms)), o), "a run without a second that was recorded")
	}
	resamples := o.Resamples
	if resamples == 0 {
		resamples = defaultResamples
	}
	runs := [2]*run{newRun(base), newRun(head)}
	shifts := make([]stat.Shift, len(ms))
	var at [2][]float64
	var short []string // why a metric cannot be told
	for _, r := range runs {
		r.measure(ms)
	}
	for m := range ms {
		at[0], at[1] = append(at[0], runs[0].whole[m]), append(at[1], runs[1].whole[m])
		short = append(short, tooShort(runs, m))
	}
	rng := rand.New(rand.NewPCG(o.Seed, 0x6b76746f6f6c))
	logs := make([][]float64, len(ms))
	for range resamples {
		b, h := runs[0].resample(rng, ms), runs[1].resample(rng, ms)
		for m := range ms {
			logs[m] = append(logs[m], logRatio(b[m], h[m]))
		}
	}
	for m := range ms {
		blocks := min(len(base)/runs[0].length[m], len(head)/runs[1].length[m])
		shifts[m] = stat.Bootstrapped(logRatio(at[0][m], at[1][m]), logs[m], blocks)
	}
	es := effects(ms, shifts, o)
	for m := range es {
		es[m].Base, es[m].Head = at[0][m], at[1][m]
		if short[m] != "" {
			void(es[m:m+1], short[m])
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

func tooShort(runs [2]*run, m int) string {
	for i, r := range runs {
		if n := len(r.seconds) / r.length[m]; n < leastBlocks {
			return fmt.Sprintf("%s has %d independent blocks of %d s, and it takes %d", [...]string{"base", "head"}[i], n, r.length[m], leastBlocks)
		}
	}
	return ""
}

// A run is the seconds of one run as counts in the buckets that any of them has used.
type run struct {
	seconds [][]entry
	low     []float64 // seconds: where each used bucket begins,
	width   []float64 // and how wide it is
	whole   []float64 // the metrics
	length  []int     // of blocks, for each metric
	sum     []uint64  // scratch: counts of a resample
	index   []int     // scratch: its seconds
	got     []float64 // scratch: its metrics
}

// An entry is a count in a bucket of run.low.
type entry struct {
	bucket int
	count  uint64
}

func newRun(hs []*latency.Histogram) *run {
	r := &run{index: make([]int, len(hs))}
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
		var es []entry
		for b := range h.All {
			i, _ := slices.BinarySearchFunc(used, b, byLow)
			es = append(es, entry{i, b.Count})
		}
		r.seconds = append(r.seconds, es)
	}
	r.sum = make([]uint64, len(used))
	return r
}

func byLow(a, b latency.Bucket) int { return int(min(max(a.Low-b.Low, -1), 1)) }

// measure computes the metrics of the whole run, and how long blocks must be for each: by the series that moves the metric, which
// for a quantile is the share of each second that lies beyond it.
func (r *run) measure(ms []Metric) {
	for i := range r.index {
		r.index[i] = i
	}
	r.whole = slices.Clone(r.of(ms))
	for m, metric := range ms {
		series := make([]float64, len(r.seconds))
		for i, s := range r.seconds {
			var all, over uint64
			for _, e := range s {
				all += e.count
				if r.low[e.bucket] > r.whole[m] {
					over += e.count
				}
			}
			series[i] = float64(all)
			if metric.Quantile > 0 {
				series[i] = float64(over) / float64(max(all, 1))
			}
		}
		r.length = append(r.length, stat.BlockLength(series))
	}
}

// resample draws the seconds anew and returns the metrics of that, valid until the next. All metrics are of the same seconds,
// whose blocks are as long as the neediest metric asks of those that can be told at all.
func (r *run) resample(rng *rand.Rand, ms []Metric) []float64 {
	length := 1
	for _, l := range r.length {
		if len(r.seconds)/l >= leastBlocks {
			length = max(length, l)
		}
	}
	stat.MovingBlocks(rng, length, r.index)
	return r.of(ms)
}

// of returns the metrics of the seconds in index.
func (r *run) of(ms []Metric) []float64 {
	clear(r.sum)
	var all uint64
	for _, i := range r.index {
		for _, e := range r.seconds[i] {
			r.sum[e.bucket] += e.count
			all += e.count
		}
	}
	r.got = r.got[:0]
	for _, m := range ms {
		if m.Quantile == 0 {
			r.got = append(r.got, float64(all)/float64(len(r.index)))
		} else {
			r.got = append(r.got, r.quantile(m.Quantile, all))
		}
	}
	return r.got
}

// quantile interpolates within its bucket, so that resamples which differ differ in it, too.
func (r *run) quantile(q float64, all uint64) float64 {
	if all == 0 {
		return 0
	}
	rank := q * float64(all)
	seen := 0.0
	for i, c := range r.sum {
		if next := seen + float64(c); next >= rank && c > 0 {
			return r.low[i] + (rank-seen)/float64(c)*r.width[i]
		}
		seen += float64(r.sum[i])
	}
	return r.low[len(r.low)-1] + r.width[len(r.width)-1]
}
