package keydesign

import "math"

// z95 is the 97.5th percentile of the normal distribution: 95 of 100 intervals of ± z95 hold the true value.
const z95 = 1.959963984540054

// wilsonLow returns the lower end of Wilson's 95 % interval for a share of which part of whole was seen. Unlike p ± z·SE it
// is right for small numbers and for shares near 0 (E. B. Wilson, JASA 22, 1927):
//
//	        p + z²/2n - z·√(p(1-p)/n + z²/4n²)
//	low  =  ----------------------------------
//	                    1 + z²/n
func wilsonLow(part, whole int64) float64 {
	if whole <= 0 || part <= 0 {
		return 0
	}
	n := float64(whole)
	p, zz := float64(part)/n, z95*z95
	center := p + zz/(2*n)
	margin := z95 * math.Sqrt(p*(1-p)/n+zz/(4*n*n))
	return max(0, (center-margin)/(1+zz/n))
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
