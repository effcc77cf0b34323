package stat

import (
	"math"
	"slices"
)

// A Shift is by how much pairs differ.
type Shift struct {
	At        float64 // the estimate of Hodges and Lehmann: the median of the means of any two differences
	Low, High float64 // its interval: at least 95 %
	P         float64 // of Wilcoxon's signed-rank test: the chance of such differences, or greater ones, where there is none
}

// maxPairs bounds the pairs: the means of two of them are held at once.
const maxPairs = 512

// Paired estimates the shift of differences of pairs. Nothing is assumed of their distribution but that it is symmetric about
// the shift, which that of a difference of two runs of one kind is. Without differences, or with more than 512, all is unknown:
// the interval is infinite.
func Paired(ds []float64) Shift {
	n := len(ds)
	if n == 0 || n > maxPairs {
		return Shift{Low: math.Inf(-1), High: math.Inf(1), P: 1}
	}
	walsh := make([]float64, 0, n*(n+1)/2)
	for i := range ds {
		for j := i; j < n; j++ {
			walsh = append(walsh, (ds[i]+ds[j])/2)
		}
	}
	slices.Sort(walsh)
	below := signedRank(n)
	s := Shift{At: median(walsh), Low: math.Inf(-1), High: math.Inf(1), P: pairedP(walsh, below)}
	// The ends of the interval are the walsh means of which as many lie beyond as the statistic may have in either tail.
	if k := tail(below, (1-Level)/2); k >= 0 {
		s.Low, s.High = walsh[k], walsh[len(walsh)-1-k]
	}
	return s
}

// tail returns the greatest rank sum that the lower tail of a share may have, -1 if even 0 is too likely.
func tail(below []float64, share float64) int {
	k := -1
	for k+1 < len(below) && below[k+1] <= share {
		k++
	}
	return k
}

// pairedP is the two-sided p-value. The rank sum of the positive differences is the number of positive walsh means, which counts a
// zero as half; what is in doubt is rounded to the greater p.
func pairedP(walsh, below []float64) float64 {
	positive := 0.0
	for _, w := range walsh {
		switch {
		case w > 0:
			positive++
		case w == 0:
			positive += 0.5
		}
	}
	least := min(positive, float64(len(walsh))-positive)
	return min(1, 2*below[int(math.Ceil(least))])
}

// signedRank returns for each rank sum the chance of it or a lesser one, if n differences are as likely positive as negative.
func signedRank(n int) []float64 {
	chance := make([]float64, n*(n+1)/2+1)
	chance[0] = 1
	for rank := 1; rank <= n; rank++ {
		for sum := rank * (rank + 1) / 2; sum >= 0; sum-- {
			with := 0.0
			if sum >= rank {
				with = chance[sum-rank]
			}
			chance[sum] = (chance[sum] + with) / 2
		}
	}
	for sum := 1; sum < len(chance); sum++ {
		chance[sum] = min(1, chance[sum]+chance[sum-1])
	}
	return chance
}

// PairsFor returns how many pairs it takes at least for one of so many metrics to be called changed at all: the least that
// Wilcoxon's test can say of n pairs is 2/2ⁿ, and Holm multiplies it by the metrics.
func PairsFor(metrics int) int {
	n := 1
	for math.Ldexp(2*float64(metrics), -n) > 1-Level {
		n++
	}
	return n
}

// median returns the middle of what is sorted.
func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// Median returns the middle of xs, the mean of both if there are two; NaN of nothing.
func Median(xs []float64) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	return median(slices.Sorted(slices.Values(xs)))
}
