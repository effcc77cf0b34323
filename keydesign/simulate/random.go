package simulate

import (
	"math"
	"math/bits"
)

// hash is the finaliser of splitmix64 over several numbers: the only source of chance here.
func hash(numbers ...uint64) uint64 {
	h := uint64(0)
	for _, n := range numbers {
		h = (h ^ n) + 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// unit turns a hash into a number between 0 and 1, neither of them.
func unit(h uint64) float64 { return (float64(h>>11) + 0.5) / (1 << 53) }

// text is a hash of a name.
func text(s string) uint64 {
	h := uint64(len(s))
	for i := range len(s) {
		h = hash(h, uint64(s[i]))
	}
	return h
}

// A permutation maps the numbers below n to themselves at random: a Feistel network over the next larger square, walked until
// it ends below n.
type permutation struct {
	n    uint64
	half uint
	mask uint64
	keys [4]uint64
}

func newPermutation(n int64, seed uint64) permutation {
	p := permutation{n: uint64(max(n, 1))}
	p.half = uint(bits.Len64(p.n-1)+1) / 2
	p.mask = 1<<p.half - 1
	for i := range p.keys {
		p.keys[i] = hash(seed, uint64(i))
	}
	return p
}

func (p *permutation) at(i int64) int64 {
	if p.n < 2 {
		return 0
	}
	x := uint64(i) % p.n
	for {
		l, r := x>>p.half, x&p.mask
		for _, k := range p.keys {
			l, r = r, l^(round(r, k)&p.mask)
		}
		if x = l<<p.half | r; x < p.n {
			return int64(x)
		}
	}
}

func round(x, key uint64) uint64 {
	x = (x + key) * 0x9e3779b97f4a7c15
	x ^= x >> 29
	return x * 0xbf58476d1ce4e5b9 >> 32
}

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

// quantile returns the standard normal quantile of u.
func quantile(u float64) float64 { return math.Sqrt2 * math.Erfinv(2*u-1) }
