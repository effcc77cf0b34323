// Package random makes chance out of numbers: the same numbers, the same chance, in every run, on every machine and in any order
// of asking. It owns the hash that all of it comes from, and the permutations that scatter ids.
//
// The one idea is that nothing here has a state: what happens to key 7 of template 3 is Hash(seed, 3, 7), whoever asks and whenever.
package random

import (
	"math"
	"math/bits"
)

// Hash is the finaliser of splitmix64 over several numbers: the only source of chance.
func Hash(numbers ...uint64) uint64 {
	h := uint64(0)
	for _, n := range numbers {
		h = (h ^ n) + 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// Unit turns a hash into a number between 0 and 1, neither of them.
func Unit(h uint64) float64 { return (float64(h>>11) + 0.5) / (1 << 53) }

// Text is a hash of a name.
func Text(s string) uint64 {
	h := uint64(len(s))
	for i := range len(s) {
		h = Hash(h, uint64(s[i]))
	}
	return h
}

// A Permutation maps the numbers below n to themselves at random: a Feistel network over the next larger square, walked until
// it ends below n.
type Permutation struct {
	n    uint64
	half uint
	mask uint64
	keys [4]uint64
}

// NewPermutation returns the permutation of the n numbers below n that seed stands for.
func NewPermutation(n int64, seed uint64) Permutation {
	p := Permutation{n: uint64(max(n, 1))}
	p.half = uint(bits.Len64(p.n-1)+1) / 2
	p.mask = 1<<p.half - 1
	for i := range p.keys {
		p.keys[i] = Hash(seed, uint64(i))
	}
	return p
}

// At returns where i goes.
func (p *Permutation) At(i int64) int64 {
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

// Normal returns the standard normal quantile of u.
func Normal(u float64) float64 { return math.Sqrt2 * math.Erfinv(2*u-1) }
