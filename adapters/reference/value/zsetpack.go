package value

import (
	"bytes"
	"strconv"

	"github.com/kvtool/kvtool/adapters/reference/number"
	"github.com/kvtool/kvtool/adapters/reference/packed"
)

// A zsetPack is a small sorted set: member, score, member, score, … in order. A whole score is kept as a number, which loses the
// sign of a zero, any other as 17 digits (t_zset.c: zzlInsertAt).
type zsetPack struct{ packed.Listpack }

func (p zsetPack) len() int { return p.Len() / 2 }

// find returns the offset of a member, or -1.
func (p zsetPack) find(member []byte) int { return p.Find(member, p.First(), 2) }

// score returns the score at an offset, and the offset of the next member.
func (p zsetPack) score(at int) (x float64, next int) {
	if n, ok := p.Int(at); ok {
		return float64(n), p.Next(at)
	}
	text, next := p.At(at, nil)
	x, _, _ = number.Strtod(text)
	return x, next
}

// scoreOf returns the score of the member at an offset.
func (p zsetPack) scoreOf(at int) float64 {
	x, _ := p.score(p.Next(at))
	return x
}

// slot returns the offset where a member with a score belongs.
func (p zsetPack) slot(member []byte, score float64) int {
	var buf [packed.IntBytes]byte
	at := p.First()
	for at < p.End() {
		x, next := p.score(p.Next(at))
		if x > score {
			return at
		}
		if x == score {
			if here, _ := p.At(at, buf[:]); bytes.Compare(here, member) > 0 {
				return at
			}
		}
		at = next
	}
	return at
}

// insert puts in a member that is not there.
func (p zsetPack) insert(member []byte, score float64) zsetPack {
	var buf [32]byte
	text := AppendScore(buf[:0], score)
	at := p.slot(member, score)
	if at == p.End() {
		return zsetPack{p.Append(member).Append(text)}
	}
	return zsetPack{p.Insert(at, text).Insert(at, member)}
}

// AppendScore appends a score as a listpack holds it.
func AppendScore(b []byte, score float64) []byte {
	if n, ok := number.Whole(score); ok {
		return strconv.AppendInt(b, n, 10)
	}
	return number.AppendDouble(b, score)
}

// rank returns the number of members before the one at an offset.
func (p zsetPack) rank(at int) int {
	n := 0
	for i := p.First(); i < at; i = p.Next(p.Next(i)) {
		n++
	}
	return n
}

// scoreRange returns the ranks from low to before high whose scores are in r.
func (p zsetPack) scoreRange(r *ScoreRange) (low, high int) {
	for at := p.First(); at < p.End(); {
		var x float64
		if x, at = p.score(p.Next(at)); !r.below(x) {
			break
		}
		if !r.above(x) {
			low++
		}
		high++
	}
	return low, high
}

// lexRange returns the ranks from low to before high whose members are in r. Where scores differ members are in no order, and a
// server takes the run from the first that is not below r, or, going back, from the last that is not above.
func (p zsetPack) lexRange(r *LexRange, back bool) (low, high int) {
	n := p.len()
	at := func(rank int) []byte {
		member, _ := p.At(p.Offset(2*rank), make([]byte, packed.IntBytes))
		return member
	}
	if n == 0 || !r.above(at(n-1)) || !r.below(at(0)) {
		return 0, 0
	}
	if back {
		for high = n; high > 0 && !r.below(at(high-1)); high-- {
		}
		for low = high; low > 0 && r.above(at(low-1)); low-- {
		}
		return low, high
	}
	for low < n && !r.above(at(low)) {
		low++
	}
	for high = low; high < n && r.below(at(high)); high++ {
	}
	return low, high
}
