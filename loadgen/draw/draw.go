// Package draw decides which key, how large and for how long: what a load test leaves to chance. It knows no scenarios and no
// stores.
//
// The one idea is that popularity has ranks and keys have numbers, and that nothing is computed for each key: a Ranking draws a
// rank in constant time and memory, whatever the population, and a Chooser says which number has that rank just now, so that the
// popular keys lie scattered and can change while a test runs.
//
//	random source ──▶ Ranking ──rank──▶ Chooser ──number──▶ a generator of keydesign/schema ──▶ the text in the key
package draw

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// A Source is where chance comes from: that of one operation.
type Source = rand.PCG

// unit returns a number between 0 and 1, neither of them.
func unit(r *Source) float64 { return (float64(r.Uint64()>>11) + 0.5) / (1 << 53) }

// below returns a number from 0 to n-1, by the method of Lemire (Fast Random Integer Generation in an Interval, 2019), whose bias
// is n/2^64.
func below(r *Source, n int64) int64 {
	high, _ := bits.Mul64(r.Uint64(), uint64(max(n, 1)))
	return int64(high)
}

// A Ranking draws ranks from 0, the most popular, to n-1.
type Ranking interface {
	Rank(r *Source, n int64) int64
}

// Uniform draws all ranks alike.
type Uniform struct{}

// Rank implements Ranking.
func (Uniform) Rank(r *Source, n int64) int64 { return below(r, n) }

// Hotspot gives a Share of all draws to the first Keys ranks, and the rest to the others.
type Hotspot struct {
	Share float64
	Keys  int64
}

// Rank implements Ranking.
func (h Hotspot) Rank(r *Source, n int64) int64 {
	hot := min(h.Keys, n)
	if hot == n || unit(r) < h.Share {
		return below(r, hot)
	}
	return hot + below(r, n-hot)
}

// Exponential makes ranks less likely at a constant rate: the first Within of all ranks get Share of all draws. YCSB's has 95 % of
// the draws within 85.7 % of the keys.
type Exponential struct{ Share, Within float64 }

// Rank implements Ranking.
func (e Exponential) Rank(r *Source, n int64) int64 {
	scale := e.Within * float64(n) / -math.Log1p(-e.Share)
	for {
		if rank := int64(-math.Log(unit(r)) * scale); rank < n {
			return rank
		}
	}
}

// Zipf draws rank k with a probability in proportion to (k+1)^-A, exactly, by rejection inversion (Hörmann and Derflinger,
// Rejection-inversion to generate variates from monotone discrete distributions, 1996): 1.1 tries a draw on average, and nothing
// is summed beforehand, so that the population may grow. A must be more than 0.
type Zipf struct{ A float64 }

// Rank implements Ranking. Choosers compute once what it computes each time.
func (z Zipf) Rank(r *Source, n int64) int64 {
	f := z.fix(n)
	return f.Rank(r, n)
}

// A fixedZipf is a Zipf of which what does not depend on chance has been computed: it takes two logarithms or exponentials a draw.
type fixedZipf struct {
	Zipf
	low, accept float64
	n           int64
	high        float64 // of n
}

// fix computes for a population of n what a draw needs.
func (z Zipf) fix(n int64) fixedZipf {
	f := fixedZipf{Zipf: z, n: n, low: z.area(1.5) - 1, high: z.area(float64(n) + 0.5)}
	f.accept = 2 - z.inverse(z.area(2.5)-math.Pow(2, -z.A))
	return f
}

// Rank implements Ranking. A population other than that which f is for takes a third.
func (f *fixedZipf) Rank(r *Source, n int64) int64 {
	if n < 2 {
		return 0
	}
	high := f.high
	if n != f.n {
		high = f.area(float64(n) + 0.5)
	}
	for {
		u := high + unit(r)*(f.low-high)
		x := f.inverse(u)
		k := min(max(math.Floor(x+0.5), 1), float64(n))
		if k-x <= f.accept || u >= f.area(k+0.5)-math.Pow(k, -f.A) {
			return int64(k) - 1
		}
	}
}

// fixed is ranking with what depends on its population of n alone computed once, where there is any such thing.
func fixed(ranking Ranking, n int64) Ranking {
	if z, ok := ranking.(Zipf); ok {
		f := z.fix(n)
		return &f
	}
	return ranking
}

// area is the integral of x^-A from 1.
func (z Zipf) area(x float64) float64 {
	l := math.Log(x)
	return expm1Over((1-z.A)*l) * l
}

// inverse is where the area is a.
func (z Zipf) inverse(a float64) float64 {
	t := max(a*(1-z.A), -1) // beyond the least that the area can be there is rounding alone
	return math.Exp(log1pOver(t) * a)
}

// expm1Over is (e^x - 1)/x, also near 0.
func expm1Over(x float64) float64 {
	if math.Abs(x) > 1e-8 {
		return math.Expm1(x) / x
	}
	return 1 + x/2*(1+x/3)
}

// log1pOver is ln(1+x)/x, also near 0.
func log1pOver(x float64) float64 {
	if math.Abs(x) > 1e-8 {
		return math.Log1p(x) / x
	}
	return 1 - x*(0.5-x/3)
}

// NewSource returns the source of chance of two numbers.
func NewSource(a, b uint64) *Source { return rand.NewPCG(a, b) }
