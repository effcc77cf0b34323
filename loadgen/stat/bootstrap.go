package stat

import (
	"math"
	"math/rand/v2"
	"slices"
)

// MovingBlocks fills out with the indexes of a resample of len(out) consecutive values: blocks of the given length that begin
// anywhere, one behind the other, the last one cut. So what a value knows of the next is kept within blocks.
func MovingBlocks(rng *rand.Rand, length int, out []int) {
	n := len(out)
	length = min(max(length, 1), n)
	for at := 0; at < n; {
		from := rng.IntN(n - length + 1)
		for i := 0; i < length && at < n; i++ {
			out[at] = from + i
			at++
		}
	}
}

// Bootstrapped returns the shift that resamples of so many independent blocks say: the interval holds the middle 95 % of them, and P
// is twice the share of them on the lesser side of zero. Resamples of few blocks spread too little; they are spread as far as
// Student's distribution is wider than the normal one (T. Hesterberg, "What teachers should know about the bootstrap", The American
// Statistician 69 (2015), section 5). A resample that is NaN counts on either side, as one that says nothing.
func Bootstrapped(at float64, resamples []float64, blocks int) Shift {
	known := slices.DeleteFunc(slices.Clone(resamples), math.IsNaN)
	if len(known) < len(resamples)/2 || len(known) == 0 || math.IsNaN(at) || blocks < 2 {
		return Shift{At: at, Low: math.Inf(-1), High: math.Inf(1), P: 1}
	}
	n := float64(blocks)
	spread := StudentZ(blocks-1) / z * math.Sqrt(n/(n-1))
	for i, x := range known {
		known[i] = at + (x-at)*spread
	}
	slices.Sort(known)
	unknown := float64(len(resamples) - len(known))
	var below, above float64
	for _, x := range known {
		if x <= 0 {
			below++
		}
		if x >= 0 {
			above++
		}
	}
	p := 2 * (min(below, above) + unknown + 1) / float64(len(resamples)+1)
	return Shift{At: at, Low: quantile(known, (1-Level)/2), High: quantile(known, (1+Level)/2), P: min(1, p)}
}

// quantile returns that of what is sorted, between two values where it lies there.
func quantile(sorted []float64, q float64) float64 {
	x := q * float64(len(sorted)-1)
	i := int(x)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (x-float64(i))*(sorted[i+1]-sorted[i])
}
