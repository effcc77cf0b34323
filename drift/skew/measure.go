package skew

import (
	"cmp"
	"math"
	"slices"

	"github.com/kvtool/kvtool/internal/sketch"
)

// Measures say how unevenly something lies over bins.
type Measures struct {
	Bins      int
	Top       float64 // share of the fullest
	Top10     float64 // share of the ten fullest
	Peak      float64 // how many times the mean the fullest holds
	Chance    float64 // how many times the mean it would hold by chance; NaN where chance has no part in it
	Gini      float64 // 0 where all hold the same, nearly 1 where one holds all
	Effect    float64 // Cohen's w: 0 where chance alone is at work, whatever the number of keys
	Effective float64 // so many bins of equal weight would be as even
	Zipf      float64 // exponent; NaN where it is not like Zipf, or there are too few bins
}

// Measure returns the measures of weights, one a bin. Pieces is how many independent pieces of equal weight chance has to place:
// the number of keys, less where some are heavier than others or are placed together.
//
//	peak      n·max/Σx                         chance   1 + √(2·ln n / (pieces/n))
//	Gini      Σ(2i-n-1)x_i / (n·Σx), i from 1  effect   √max(0, n·Σp² - 1 - (n-1)/pieces)
//
// Effect is √(max(0, χ²-df)/N) of keys against uniform, which is Cohen's w with what chance adds taken out (J. Cohen, Statistical
// power analysis, 1988, chapter 7): unlike χ² itself it does not grow with the number of keys.
func Measure(weights []float64, pieces float64) (m Measures, ok bool) {
	x := slices.Clone(weights)
	slices.Sort(x)
	n, total, squares, ranked := float64(len(x)), 0.0, 0.0, 0.0
	for i, w := range x {
		total += w
		squares += w * w
		ranked += (2*float64(i+1) - n - 1) * w
	}
	if total <= 0 {
		return m, false
	}
	slices.Reverse(x)
	top10 := 0.0
	for _, w := range x[:min(10, len(x))] {
		top10 += w
	}
	m = Measures{
		Bins: len(x), Top: x[0] / total, Top10: top10 / total, Peak: n * x[0] / total, Gini: max(0, ranked/(n*total)),
		Effective: total * total / squares, Chance: math.NaN(), Zipf: zipf(x),
	}
	excess := n*squares/(total*total) - 1
	if pieces > 0 {
		m.Chance = chance(n, pieces)
		excess -= (n - 1) / pieces
	}
	m.Effect = math.Sqrt(max(0, excess))
	return m, true
}

// chance returns about how many times the mean the fullest of n bins holds where so many pieces are placed at random. With few
// pieces a bin the normal tail is too short: then one bin with k pieces is the rule where n·P(k) is about 1, of a Poisson law.
func chance(n, pieces float64) float64 {
	lambda := pieces / n
	if n < 2 || lambda <= 0 {
		return 1
	}
	if lambda > 20 {
		return 1 + math.Sqrt(2*math.Log(n)/lambda)
	}
	p, tail := math.Exp(-lambda), 1.0
	for k := 0; ; k++ { // tail is P(X >= k)
		if n*tail < 0.5 {
			return max(1, float64(k-1)/lambda)
		}
		tail -= p
		p *= lambda / float64(k+1)
		if p < 1e-300 {
			return max(1, float64(k)/lambda)
		}
	}
}

// Bounds of the fit of an exponent.
const (
	zipfRanks = 1000
	zipfLeast = 50
	zipfFar   = 0.1 // distance of Kolmogorov and Smirnov
)

func zipf(sorted []float64) float64 {
	n := min(zipfRanks, len(sorted))
	for n > 0 && sorted[n-1] <= 0 {
		n--
	}
	exponent, distance, ok := sketch.Zipf(sorted[:n])
	if !ok || n < zipfLeast || distance > zipfFar {
		return math.NaN()
	}
	return exponent
}

// A move is slots that go from one node to another.
type move struct {
	from, to          int
	first, last, n    int // slots; n of them between first and last
	keys, bytes, load int64
}

// planTimes is what a node may hold at most, in times of the mean, after the moves of a plan: the limit of KD026.
const planTimes = 1.3

// plan returns moves of slots after which no node holds more than planTimes the mean of load, and the loads then. Of one that a
// slot alone makes too heavy it moves everything else that helps, and reports that this is not enough. Moves are made from the
// heaviest node to the lightest, slots by their number, so that few ranges move.
func plan(slots []slotLoad, nodes int) (moves []move, after []int64, done bool) {
	after = make([]int64, nodes)
	total := int64(0)
	for i := range slots {
		if o := slots[i].owner; o >= 0 {
			after[o] += slots[i].load
			total += slots[i].load
		}
	}
	limit := int64(planTimes * float64(total) / float64(nodes))
	stuck := make([]bool, nodes)
	for {
		from, to := -1, 0
		for i := range after {
			if !stuck[i] && (from < 0 || after[i] > after[from]) {
				from = i
			}
			if after[i] < after[to] {
				to = i
			}
		}
		if from < 0 || after[from] <= limit {
			break
		}
		m := carry(slots, after, from, to, limit)
		if len(m) == 0 {
			stuck[from] = true
			continue
		}
		moves = append(moves, m...)
	}
	return moves, after, !slices.ContainsFunc(after, func(x int64) bool { return x > limit })
}

// carry moves slots of from to to, as many as from must lose and to can take.
func carry(slots []slotLoad, after []int64, from, to int, limit int64) (moves []move) {
	last := -2 // the slot that was moved last, unless a slot that stays where it is lies between
	for i := range slots {
		s := &slots[i]
		if s.owner >= 0 && s.owner != from {
			last = -2
		}
		if s.owner != from || s.load == 0 {
			continue
		}
		if after[from] <= limit {
			break
		}
		if after[to]+s.load > limit || after[to]+s.load >= after[from] {
			last = -2
			continue
		}
		s.owner = to
		after[from], after[to] = after[from]-s.load, after[to]+s.load
		if n := len(moves); last >= 0 && n > 0 && moves[n-1].last == last {
			m := &moves[n-1]
			m.last, m.n, m.keys, m.bytes, m.load = i, m.n+1, m.keys+s.keys, m.bytes+s.bytes, m.load+s.load
		} else {
			moves = append(moves, move{from: from, to: to, first: i, last: i, n: 1, keys: s.keys, bytes: s.bytes, load: s.load})
		}
		last = i
	}
	return moves
}

// A slotLoad is what a slot holds, and which node serves it; -1 is nobody.
type slotLoad struct {
	owner             int
	keys, bytes, load int64
}

// byWeight orders bins, the heaviest first.
func byWeight(a, b *bin, of Metric) int {
	return cmp.Or(cmp.Compare(b.of(of), a.of(of)), cmp.Compare(b.Keys, a.Keys), cmp.Compare(a.name, b.name))
}
