// Package stat is what a load test may conclude from measurements that are few, skewed and not independent: intervals of shares
// and of shifts, and how much a second knows of the next. It knows no histograms, no stores and no reports.
//
// The one idea is that the unit is the second, or the block of seconds, or the pair of runs, and never the request: a million
// requests of one second have waited in the same queue, and millions of samples of one thing make any difference significant.
//
// Sources: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927); F. Wilcoxon,
// "Individual comparisons by ranking methods", Biometrics Bulletin 1 (1945); J. L. Hodges and E. L. Lehmann, "Estimates of location
// based on rank tests", Ann. Math. Statist. 34 (1963); S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J.
// Statist. 6 (1979); L. Kish, "Survey Sampling" (1965) for the design effect; those of a test are named beside it.
package stat

import (
	"cmp"
	"math"
	"slices"
)

// Level is the confidence of every interval.
const Level = 0.95

// z is how many standard deviations hold Level of a normal distribution.
const z = 1.959963984540054

// Wilson returns the 95 % interval of a share of which part of whole was seen. Both may be fractions: whole is what so many
// samples that depend on each other are worth. Without samples it is all from 0 to 1.
func Wilson(part, whole float64) (low, high float64) { return WilsonAt(part, whole, z) }

// WilsonAt is Wilson for another number of standard deviations.
func WilsonAt(part, whole, z float64) (low, high float64) {
	if whole <= 0 {
		return 0, 1
	}
	p := min(max(part/whole, 0), 1)
	square := z * z / whole
	middle := (p + square/2) / (1 + square)
	half := z / (1 + square) * math.Sqrt(p*(1-p)/whole+square/(4*whole))
	return max(0, middle-half), min(1, middle+half)
}

// StudentZ returns how many standard deviations hold Level where the deviation itself was estimated, with the given degrees of
// freedom: the quantile of Student's distribution, by the expansion of Cornish and Fisher (Abramowitz and Stegun 26.7.5) from
// three degrees on and exactly for one and two.
func StudentZ(degrees int) float64 {
	switch {
	case degrees < 1:
		return math.Inf(1)
	case degrees == 1:
		return math.Tan(math.Pi * (Level / 2))
	case degrees == 2:
		return Level * math.Sqrt(2/(1-Level*Level))
	}
	n := float64(degrees)
	z3, z5, z7, z9 := z*z*z, math.Pow(z, 5), math.Pow(z, 7), math.Pow(z, 9)
	return z + (z3+z)/(4*n) + (5*z5+16*z3+3*z)/(96*n*n) + (3*z7+19*z5+17*z3-15*z)/(384*n*n*n) +
		(79*z9+776*z7+1482*z5-1920*z3-945*z)/(92160*n*n*n*n)
}

// Autocorrelation returns how much each value knows of the one behind it, from -1 to 1; 0 where nothing varies.
func Autocorrelation(xs []float64) float64 {
	m := mean(xs)
	var of, all float64
	for i, x := range xs {
		all += (x - m) * (x - m)
		if i > 0 {
			of += (x - m) * (xs[i-1] - m)
		}
	}
	if all == 0 {
		return 0
	}
	return of / all
}

// independent is the autocorrelation below which blocks count as independent.
const independent = 0.1

// BlockLength returns of how many consecutive values a block must be, so that the means of blocks know next to nothing of each
// other: their autocorrelation is below 0.1. It is len(xs) where there is no such length of which four blocks can be had.
func BlockLength(xs []float64) int {
	for length := 1; length*4 <= len(xs); length++ {
		if Autocorrelation(blockMeans(xs, length)) < independent {
			return length
		}
	}
	return max(1, len(xs))
}

// blockMeans returns the means of blocks behind each other; what is left at the end is left out.
func blockMeans(xs []float64, length int) []float64 {
	var ms []float64
	for ; len(xs) >= length; xs = xs[length:] {
		ms = append(ms, mean(xs[:length]))
	}
	return ms
}

func mean(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}

// A Block counts the samples of a stretch of time, and those of them over a limit.
type Block struct{ Samples, Over uint64 }

// Share returns the 95 % interval of the share of samples over the limit. Blocks tell what a sample is worth: where it comes in
// bursts, its count varies more from block to block than that of independent samples does, by what Kish calls the design effect,
// and so many times fewer samples are known. Fewer than two blocks say nothing of that: the interval is all from 0 to 1.
func Share(blocks []Block) (low, high float64) {
	var samples, over float64
	rates := make([]float64, len(blocks))
	for i, b := range blocks {
		samples += float64(b.Samples)
		over += float64(b.Over)
		if b.Samples > 0 {
			rates[i] = float64(b.Over) / float64(b.Samples)
		}
	}
	if len(blocks) < 2 || samples == 0 {
		return 0, 1
	}
	joined := join(blocks, BlockLength(rates))
	if len(joined) < 2 {
		joined = join(blocks, len(blocks)/2)
	}
	effect := designEffect(joined, over/samples)
	quantile := z
	if effect > 1 {
		quantile = StudentZ(len(joined) - 1)
	}
	return WilsonAt(over/effect, samples/effect, quantile)
}

// join adds so many blocks to one, what is left at the end to the last.
func join(blocks []Block, length int) []Block {
	var out []Block
	for len(blocks) > 0 {
		n := length
		if len(blocks) < 2*length {
			n = len(blocks)
		}
		var sum Block
		for _, b := range blocks[:n] {
			sum.Samples += b.Samples
			sum.Over += b.Over
		}
		out, blocks = append(out, sum), blocks[n:]
	}
	return out
}

// designEffect returns how many times the variance of the share is what independent samples would have; at least 1. It is that of
// a ratio of sums over clusters: Kish, section 6.3.
func designEffect(blocks []Block, share float64) float64 {
	var square, samples float64
	for _, b := range blocks {
		d := float64(b.Over) - share*float64(b.Samples)
		square += d * d
		samples += float64(b.Samples)
	}
	n := float64(len(blocks))
	binomial := share * (1 - share) * samples
	if binomial == 0 {
		return 1
	}
	return max(1, square*n/(n-1)/binomial)
}

// Holm returns the p-values of several tests of one question, each corrected for the others: the chance that any is below a level
// by accident is at most that level.
func Holm(ps []float64) []float64 {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(ps[a], ps[b]) })
	out := make([]float64, len(ps))
	least := 0.0
	for rank, i := range order {
		least = max(least, min(1, ps[i]*float64(len(ps)-rank)))
		out[i] = least
	}
	return out
}
