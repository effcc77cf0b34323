package keygen

import "math/bits"

// A source is a splitmix64 generator: eight bytes of state, so that each key can have its own.
type source struct{ state uint64 }

const golden = 0x9e3779b97f4a7c15 // 2^64 / the golden ratio

// sourceOf returns the source of key i.
func sourceOf(i int64) source { return source{mix(seed + uint64(i)*golden)} }

// mix is a bijection of 64 bits that leaves no pattern of its argument.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (s *source) next() uint64 {
	s.state += golden
	return mix(s.state)
}

// below returns a number from 0 to n-1.
func (s *source) below(n int64) int64 {
	hi, _ := bits.Mul64(s.next(), uint64(n))
	return int64(hi)
}

// between returns a number from low to high.
func (s *source) between(low, high int64) int64 { return low + s.below(high-low+1) }

// ttl returns a time to live from 1 to 31 days, in seconds.
func (s *source) ttl() int64 {
	const day = 24 * 3600
	return s.between(day, 31*day)
}

const (
	alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	letters  = 26
	perDraw  = 12 // characters that 64 bits hold
)

// text appends n random letters and digits, the first a letter.
func (s *source) text(b []byte, n int64) []byte {
	base := uint64(letters)
	for n > 0 {
		x := s.next()
		for range min(n, perDraw) {
			var c uint64
			c, x = bits.Mul64(x, base)
			b = append(b, alphabet[c])
			base = uint64(len(alphabet))
		}
		n -= perDraw
	}
	return b
}

// base36 appends x in n characters of the alphabet.
func base36(b []byte, x uint64, n int) []byte {
	at := len(b)
	for range n {
		b = append(b, 0)
	}
	for i := at + n - 1; i >= at; i-- {
		b[i] = alphabet[x%uint64(len(alphabet))]
		x /= uint64(len(alphabet))
	}
	return b
}

const eight36 = 36 * 36 * 36 * 36 * 36 * 36 * 36 * 36 // 36^8

// scatter maps the numbers below 36^8 one to one to such numbers, without visible order: it multiplies by a number that
// has no factor in common with 36.
func scatter(x uint64) uint64 {
	hi, lo := bits.Mul64(x%eight36, 1_743_392_200_417)
	return bits.Rem64(hi, lo, eight36)
}
