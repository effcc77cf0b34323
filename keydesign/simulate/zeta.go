package simulate

import "math"

// zeta returns the sum of r^-a over r = 1 … n: term by term up to a bound, and the rest by the formula of Euler and Maclaurin,
// which is exact to twelve digits from there.
func zeta(n, a float64) float64 {
	const exact = 1000
	sum := 0.0
	for r := 1.0; r <= min(n, exact); r++ {
		sum += math.Pow(r, -a)
	}
	if n <= exact {
		return sum
	}
	area := math.Log(n / exact)
	if a != 1 {
		area = (math.Pow(n, 1-a) - math.Pow(exact, 1-a)) / (1 - a)
	}
	end := func(r float64) float64 { return math.Pow(r, -a)/2 - a*math.Pow(r, -a-1)/12 }
	return sum + area + end(n) - end(exact)
}
