package compare

import (
	"fmt"
	"math"

	"github.com/kvtool/kvtool/loadgen/stat"
)

// HeadFirst reports whether the head of pair i, from 0, runs before its base. The order is base, head, head, base and so on:
// what drifts steadily is as often for the one as for the other.
func HeadFirst(i int) bool { return i%2 == 1 }

// Pairs compares by pairs of runs: base[i][m] and head[i][m] are metric m of the two runs of pair i. With fewer pairs than it
// takes to prove anything of so many metrics all is inconclusive.
func Pairs(ms []Metric, base, head [][]float64, o Options) []Effect {
	shifts := make([]stat.Shift, len(ms))
	bases, heads := make([]float64, len(ms)), make([]float64, len(ms))
	for m := range ms {
		var of [2][]float64
		var ds []float64
		for i := range base {
			b, h := base[i][m], head[i][m]
			if b > 0 && h > 0 { // a run in which nothing was done has no logarithm
				of[0], of[1], ds = append(of[0], b), append(of[1], h), append(ds, math.Log(h/b))
			}
		}
		bases[m], heads[m] = stat.Median(of[0]), stat.Median(of[1])
		shifts[m] = stat.Paired(ds)
	}
	es := effects(ms, shifts, o)
	for m := range es {
		es[m].Base, es[m].Head = bases[m], heads[m]
	}
	if need := max(stat.PairsFor(len(ms)), leastPairs); len(base) < need {
		return Void(es, fmt.Sprintf("%d pairs can prove nothing of %d metrics: it takes %d", len(base), len(ms), need))
	}
	return es
}

// leastPairs is how many pairs it takes in any case: with five the interval at 95 % has no ends.
const leastPairs = 6
