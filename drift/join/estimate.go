package join

import "math"

// z is the quantile of 95 %.
const z = 1.959964

// Estimate returns how many references lead to no key, of all, and the 95 % interval of that. In a sample a key that is missing
// is in with all the references to it, or out; so the number of independent observations is x²/Σk² where k references lead to
// one such key. Its interval is that of a Poisson number (Garwood 1936, by Wilson and Hilferty's quantiles of χ²), which is wide
// enough for the binomial that it is; with nothing found it is the rule of three.
func (r *Relation) Estimate(sample uint64) (n, low, high float64) {
	x, m := float64(r.Missing), float64(sample)
	if sample <= 1 {
		return x, x, x
	}
	if r.Missing == 0 {
		return 0, 0, 3 * m
	}
	e := x * x / float64(r.Squares)
	lower := e * cube(1-1/(9*e)-z/(3*math.Sqrt(e)))
	upper := (e + 1) * cube(1-1/(9*(e+1))+z/(3*math.Sqrt(e+1)))
	return m * x, max(x, m*x*lower/e), m * x * upper / e
}

func cube(x float64) float64 { return max(0, x*x*x) }

// Of returns how many references there are, about.
func (r *Relation) Of(sample uint64) float64 { return float64(r.References) * float64(max(sample, 1)) }
