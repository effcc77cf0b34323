package value

import (
	"bytes"

	"github.com/kvtool/kvtool/adapters/reference/number"
)

// A ScoreRange is of scores, the ends included or not.
type ScoreRange struct {
	Min, Max     float64
	MinEx, MaxEx bool // without the end
}

// ParseScoreRange reads two ends as ZRANGEBYSCORE takes them (t_zset.c: zslParseRange): 1.5, (1.5, -inf; an empty one is 0.
func ParseScoreRange(low, high []byte) (r ScoreRange, ok bool) {
	r.Min, r.MinEx, ok = scoreBound(low)
	if !ok {
		return r, false
	}
	r.Max, r.MaxEx, ok = scoreBound(high)
	return r, ok
}

func scoreBound(b []byte) (x float64, exclusive, ok bool) {
	if len(b) > 0 && b[0] == '(' {
		b, exclusive = b[1:], true
	}
	x, n, _ := number.Strtod(b)
	return x, exclusive, x == x && (n == len(b) || b[n] == 0) // to the server a NUL is the end
}

func (r *ScoreRange) empty() bool { return r.Min > r.Max || r.Min == r.Max && (r.MinEx || r.MaxEx) }

func (r *ScoreRange) above(x float64) bool { return x > r.Min || x == r.Min && !r.MinEx }

func (r *ScoreRange) below(x float64) bool { return x < r.Max || x == r.Max && !r.MaxEx }

// A LexRange is of members by their bytes.
type LexRange struct{ Min, Max LexBound }

// A LexBound is an end of a LexRange.
type LexBound struct {
	Member    []byte
	Exclusive bool
	Infinite  int // -1 before all members, 1 behind them
}

// ParseLexRange reads two ends as ZRANGEBYLEX takes them (t_zset.c: zslParseLexRange): -, +, [member, (member.
func ParseLexRange(low, high []byte) (r LexRange, ok bool) {
	if r.Min, ok = lexBound(low); !ok {
		return r, false
	}
	r.Max, ok = lexBound(high)
	return r, ok
}

func lexBound(b []byte) (LexBound, bool) {
	if len(b) == 0 {
		return LexBound{}, false
	}
	switch alone := len(b) == 1 || b[1] == 0; { // to the server a NUL is the end
	case b[0] == '-' && alone:
		return LexBound{Exclusive: true, Infinite: -1}, true
	case b[0] == '+' && alone:
		return LexBound{Exclusive: true, Infinite: 1}, true
	case b[0] == '[' || b[0] == '(':
		return LexBound{Member: b[1:], Exclusive: b[0] == '('}, true
	}
	return LexBound{}, false
}

func (r *LexRange) empty() bool {
	c := r.Min.Infinite - r.Max.Infinite
	if c == 0 && r.Min.Infinite == 0 {
		c = bytes.Compare(r.Min.Member, r.Max.Member)
	}
	return c > 0 || c == 0 && (r.Min.Exclusive || r.Max.Exclusive)
}

// compare orders a member and the bound.
func (b *LexBound) compare(member []byte) int {
	if b.Infinite != 0 {
		return -b.Infinite
	}
	return bytes.Compare(member, b.Member)
}

func (r *LexRange) above(member []byte) bool {
	c := r.Min.compare(member)
	return c > 0 || c == 0 && !r.Min.Exclusive
}

func (r *LexRange) below(member []byte) bool {
	c := r.Max.compare(member)
	return c < 0 || c == 0 && !r.Max.Exclusive
}
