package schema

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"time"
)

// A Generator writes the values of a type by their number: the same number gives the same value in every template, run and
// program, and different numbers give different values as long as the type has so many. What counts up in reality (int, seq)
// counts up here; times go back from a given one, so that 0 is the newest; all else is scattered.
type Generator struct {
	t      Type
	n      int64  // how many values there are; 0 is more than anybody counts
	stride uint64 // what scatter multiplies by
	length int    // of those that have one
	wide   int    // digits of its base that are in a number below uncounted
	epoch  int64  // in units of step, for times
	step   int64
	layout string
	expr   *expr
}

// NewGenerator returns the generator of t for a world in which it is now. A pattern that does not parse is taken as its text.
func NewGenerator(t Type, now time.Time) *Generator {
	g := &Generator{t: t, length: int(min(t.N, longestValue))}
	switch t.Kind {
	case TypeUint:
		if t.Max > t.Min {
			g.n = max(0, t.Max-t.Min+1) // the largest range of all is too large to count
		}
	case TypeEnum:
		g.n = int64(len(t.Values))
	case TypeBucket:
		g.n = max(t.N, 1)
	case TypeTSs:
		g.clock(now.Unix(), t.Step)
	case TypeTSms:
		g.clock(now.UnixMilli(), t.Step)
	case TypeISOWeek:
		g.epoch, g.step = now.Unix(), 7*day
	case TypeDate:
		g.layout, g.step = goLayout(t.Layout)
		g.epoch = middle(now.UTC(), g.step).Unix()
	case TypeRE:
		g.expr = parseExpr(t.Pattern)
		g.n = g.expr.n
	default:
		g.fixed()
	}
	if g.n >= uncounted {
		g.n = 0
	}
	g.stride = stride(uint64(g.n))
	return g
}

// longestValue bounds what one value may take, in bytes.
const longestValue = 64 << 10

// uncounted is as many as more than anybody counts.
const uncounted = 1 << 62

const day = 24 * 60 * 60

// Count returns how many values there are, or 0 if they are more than anybody counts.
func (g *Generator) Count() int64 { return g.n }

// Kind returns the kind of the type.
func (g *Generator) Kind() TypeKind { return g.t.Kind }

// Of returns the field that the values are made from, or "".
func (g *Generator) Of() string { return g.t.Of }

// Step returns the time between two values of a type of times, or 0.
func (g *Generator) Step() time.Duration {
	if g.t.Kind == TypeTSms {
		return time.Duration(g.step) * time.Millisecond
	}
	return time.Duration(g.step) * time.Second
}

func (g *Generator) clock(now, step int64) {
	g.step = max(step, 1)
	g.epoch = now / g.step * g.step
}

// fixed sets the length of values that have one, and counts them.
func (g *Generator) fixed() {
	base := int64(0)
	switch g.t.Kind {
	case TypeHex:
		base, g.length = 16, withDefault(g.length, 16)
	case TypeHash:
		base, g.length = 16, withDefault(g.length, int(digests()[g.t.Algo]))
	case TypeOpaque:
		base, g.length = 62, withDefault(g.length, 22)
	case TypeGeohash:
		base, g.length = 32, withDefault(g.length, 9)
	case TypeBin:
		base, g.length = 256, withDefault(g.length, 16)
	case TypeStr, TypeWord:
		base, g.length = 26, min(withDefault(g.length, letters), letters)
	case TypeSlug:
		base, g.length = 26, letters
	default:
		return
	}
	g.n = power(base, g.length)
	for power(base, g.wide+1) < uncounted {
		g.wide++
	}
}

// letters is the length of words that have no other.
const letters = 10

func withDefault(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// power returns base to the n, at most uncounted.
func power(base int64, n int) int64 {
	p := int64(1)
	for range n {
		if p >= uncounted/base {
			return uncounted
		}
		p *= base
	}
	return p
}

// Append appends the value of number i, which must not be negative, to dst.
func (g *Generator) Append(dst []byte, i int64) []byte {
	switch g.t.Kind {
	case TypeUint:
		if g.n > 0 {
			i %= g.n
		}
		return strconv.AppendInt(dst, g.t.Min+i, 10)
	case TypeEnum:
		if g.n == 0 {
			return dst
		}
		return append(dst, g.t.Values[i%g.n]...)
	case TypeBucket:
		return strconv.AppendInt(dst, i%g.n, 10)
	case TypeTSs:
		return strconv.AppendInt(dst, max(1e9, g.epoch-i*g.step), 10)
	case TypeTSms:
		return strconv.AppendInt(dst, max(1e12, g.epoch-i*g.step), 10)
	case TypeDate:
		return time.Unix(max(0, g.epoch-i*g.step), 0).UTC().AppendFormat(dst, g.layout)
	case TypeISOWeek:
		year, week := time.Unix(max(0, g.epoch-i*g.step), 0).UTC().ISOWeek()
		return fmt.Appendf(dst, "%04d-W%02d", year, week)
	case TypeRE:
		return g.expr.append(dst, g.scatter(i))
	case TypeHex, TypeHash:
		return g.digits(dst, i, "0123456789abcdef")
	case TypeOpaque:
		return g.digits(dst, i, base62)
	case TypeGeohash:
		return g.digits(dst, i, "0123456789bcdefghjkmnpqrstuvwxyz")
	case TypeStr, TypeWord:
		return g.digits(dst, i, alphabet)
	case TypeSlug:
		dst = g.digits(dst, i, alphabet)
		return slices.Insert(dst, len(dst)-letters/2, '-')
	case TypeBin:
		return g.bytes(dst, i)
	}
	return appendWellKnown(dst, g.t.Kind, i, g.epoch)
}

const (
	alphabet = "abcdefghijklmnopqrstuvwxyz"
	base62   = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// digits writes a scattered i in the digits given, and goes on at random where i has no more.
func (g *Generator) digits(dst []byte, i int64, digits string) []byte {
	x, base := uint64(g.scatter(i)), uint64(len(digits))
	for n := range g.length {
		if n > 0 && n%g.wide == 0 {
			x = mix(uint64(i) + uint64(n))
		}
		dst = append(dst, digits[x%base])
		x /= base
	}
	return dst
}

func (g *Generator) bytes(dst []byte, i int64) []byte {
	x := uint64(g.scatter(i))
	for n := range g.length {
		if n > 0 && n%7 == 0 {
			x = mix(uint64(i) + uint64(n))
		}
		dst = append(dst, byte(x))
		x >>= 8
	}
	return dst
}

// scatter maps the numbers below Count to themselves so that neighbours part; where there are no bounds, those below 2^62.
func (g *Generator) scatter(i int64) int64 {
	if g.n == 0 {
		return int64(mixBits(uint64(i), 62))
	}
	hi, lo := bits.Mul64(uint64(i%g.n), g.stride)
	return int64(bits.Rem64(hi, lo, uint64(g.n)))
}

// stride returns a number near the golden section of n that has no divisor in common with it.
func stride(n uint64) uint64 {
	if n == 0 {
		return 1
	}
	s := (n/1000*618 + n%1000*618/1000) | 1
	for gcd(s, n) != 1 {
		s += 2
	}
	return s
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// mixBits maps numbers of n bits to themselves.
func mixBits(x uint64, n int) uint64 {
	mask := uint64(1)<<n - 1
	for range 2 {
		x = x * 0x9e3779b97f4a7c15 & mask
		x ^= x >> (n/2 + 1)
	}
	return x * 0xbf58476d1ce4e5b9 & mask
}

// mix is the finaliser of splitmix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
