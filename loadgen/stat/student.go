package stat

import "math"

// Welch compares the means of two samples that may vary differently: by how many of its standard deviations the mean of b is above
// that of a, and how many degrees of freedom that deviation has (B. L. Welch, "The generalization of 'Student's' problem when
// several different population variances are involved", Biometrika 34 (1947)). Samples of fewer than two say nothing: NaN. Where
// neither varies, t is 0 or infinite.
func Welch(a, b []float64) (t, degrees float64) {
	if len(a) < 2 || len(b) < 2 {
		return math.NaN(), 0
	}
	x, y := ofMean(a), ofMean(b)
	difference := mean(b) - mean(a)
	switch {
	case x+y > 0:
		degrees = (x + y) * (x + y) / (x*x/float64(len(a)-1) + y*y/float64(len(b)-1))
		return difference / math.Sqrt(x+y), degrees
	case difference == 0:
		return 0, 1
	}
	return math.Copysign(math.Inf(1), difference), 1
}

// ofMean returns the variance of the mean of xs.
func ofMean(xs []float64) float64 {
	m, sum := mean(xs), 0.0
	for _, x := range xs {
		sum += (x - m) * (x - m)
	}
	n := float64(len(xs))
	return sum / (n - 1) / n
}

// StudentP returns the chance that Student's distribution with the given degrees of freedom is as far from 0 as t, on either side.
// Of what is not a number it is 1.
func StudentP(t, degrees float64) float64 {
	switch {
	case math.IsNaN(t) || degrees <= 0:
		return 1
	case math.IsInf(t, 0):
		return 0
	}
	return beta(degrees/(degrees+t*t), degrees/2, 0.5)
}

// beta is the regularised incomplete beta function I_x(a, b): Abramowitz and Stegun 26.5.8, the continued fraction evaluated by
// Lentz's method, on the side on which it converges fast.
func beta(x, a, b float64) float64 {
	if x <= 0 {
		return 0
	}
	if x >= 1 {
		return 1
	}
	if x > (a+1)/(a+b+2) {
		return 1 - beta(1-x, b, a)
	}
	ga, _ := math.Lgamma(a)
	gb, _ := math.Lgamma(b)
	gab, _ := math.Lgamma(a + b)
	front := math.Exp(gab-ga-gb+a*math.Log(x)+b*math.Log1p(-x)) / a
	const tiny, near = 1e-300, 1e-12
	f, c, d := 1.0, 1.0, 0.0
	for i := range 300 {
		m := float64(i / 2)
		var k float64
		switch {
		case i == 0:
			k = 1
		case i%2 == 0:
			k = m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		default:
			k = -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		}
		if d = 1 + k*d; math.Abs(d) < tiny {
			d = tiny
		}
		if c = 1 + k/c; math.Abs(c) < tiny {
			c = tiny
		}
		d = 1 / d
		f *= c * d
		if math.Abs(1-c*d) < near {
			break
		}
	}
	return front * (f - 1)
}

// Inverted returns the shift at, with the interval of all shifts that a test does not refuse at 1 − Level. The test says by how many
// standard deviations the measured shift is above the one that it is asked about, and of how many degrees of freedom; it falls as
// that rises. So the interval and P say the same. What no shift is refused on is infinite.
func Inverted(at float64, test func(shift float64) (t, degrees float64)) Shift {
	if math.IsNaN(at) || math.IsInf(at, 0) {
		return Shift{At: at, Low: math.Inf(-1), High: math.Inf(1), P: 1}
	}
	return Shift{At: at, Low: at - reach(at, -1, test), High: at + reach(at, 1, test), P: StudentP(test(0))}
}

// Where the end of an interval is looked for: as logarithms, to a thousandth of a thousandth, up to a factor of five hundred million.
const (
	finest  = 1e-6
	longest = 20.0
)

// reach returns how far from at, in a direction, the first shift is that the test refuses.
func reach(at, direction float64, test func(shift float64) (t, degrees float64)) float64 {
	refused := func(by float64) bool { return StudentP(test(at+direction*by)) <= 1-Level }
	low, high := 0.0, finest
	for !refused(high) {
		if low, high = high, 2*high; high > longest {
			return math.Inf(1)
		}
	}
	for high-low > finest {
		if middle := (low + high) / 2; refused(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}
