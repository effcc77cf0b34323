package keydesign

import (
	"math"

	"github.com/kvtool/kvtool/audit"
)

// z95 is the 97.5th percentile of the normal distribution: 95 of 100 intervals of ± z95 hold the true value.
const z95 = 1.959963984540054

// wilson returns Wilson's 95 % interval for a share of which part of whole was seen.
func wilson(part, whole int64) (low, high float64) { return audit.Wilson(part, whole) }

// wilsonLow returns the lower end of Wilson's 95 % interval for a share of which part of whole was seen.
func wilsonLow(part, whole int64) float64 {
	low, _ := wilson(part, whole)
	return low
}

// poissonPeak returns how many times the mean the fullest of bins holds where nothing but chance is at work, at most but for
// one case in a million: counts of independent events with the mean lambda a bin (Chernoff's bound, without its smaller
// term, and the union over all bins):
//
//	1 + √(2·ln(bins/10⁻⁶)/lambda)
func poissonPeak(bins, lambda float64) float64 {
	if lambda <= 0 {
		return math.Inf(1)
	}
	return 1 + math.Sqrt(2*math.Log(max(1, bins)/1e-6)/lambda)
}
