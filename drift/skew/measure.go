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

// byWeight orders bins, the heaviest first.
func byWeight(a, b *bin, of Metric) int {
	return cmp.Or(cmp.Compare(b.of(of), a.of(of)), cmp.Compare(b.Keys, a.Keys), cmp.Compare(a.name, b.name))
}
