package automaton

import (
	"regexp/syntax"
	"unicode"
	"unicode/utf8"
)

// expression takes what a simplified regular expression takes.
func (b *builder) expression(re *syntax.Regexp, next int32) int32 {
	if b.full {
		return next
	}
	switch re.Op {
	case syntax.OpNoMatch:
		return b.take(byteSet{}, next)
	case syntax.OpLiteral:
		return b.runes(re, next)
	case syntax.OpCharClass:
		return b.class(re.Rune, next)
	case syntax.OpAnyChar:
		return b.class([]rune{0, unicode.MaxRune}, next)
	case syntax.OpAnyCharNotNL:
		return b.class([]rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune}, next)
	case syntax.OpCapture:
		return b.expression(re.Sub[0], next)
	case syntax.OpConcat:
		for i := len(re.Sub) - 1; i >= 0; i-- {
			next = b.expression(re.Sub[i], next)
		}
		return next
	case syntax.OpAlternate:
		at := b.expression(re.Sub[0], next)
		for _, sub := range re.Sub[1:] {
			at = b.split(at, b.expression(sub, next))
		}
		return at
	case syntax.OpQuest:
		return b.split(b.expression(re.Sub[0], next), next)
	case syntax.OpStar, syntax.OpPlus:
		return b.loop(re, next)
	}
	return next // assertions
}

func (b *builder) split(out, alt int32) int32 {
	return b.add(state{op: opSplit, out: out, alt: alt})
}

// loop takes the same again and again, at least once for x+.
func (b *builder) loop(re *syntax.Regexp, next int32) int32 {
	again := b.split(next, next)
	at := b.expression(re.Sub[0], again)
	if b.full {
		return next
	}
	b.states[again].out = at
	if re.Op == syntax.OpPlus {
		return at
	}
	return again
}

// runes takes the characters of a literal, in either case where the expression says so.
func (b *builder) runes(re *syntax.Regexp, next int32) int32 {
	for i := len(re.Rune) - 1; i >= 0; i-- {
		r := re.Rune[i]
		if re.Flags&syntax.FoldCase == 0 {
			next = b.literal(string(r), next)
			continue
		}
		class := []rune{r, r}
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			class = append(class, f, f)
		}
		next = b.class(class, next)
	}
	return next
}

// class takes one character of a class, which is given as pairs of the first and the last of a range.
func (b *builder) class(ranges []rune, next int32) int32 {
	var bytes byteSet
	var long [][]byteRange
	for i := 0; i < len(ranges); i += 2 {
		lo, hi := ranges[i], ranges[i+1]
		if lo < utf8.RuneSelf {
			bytes.add(byte(lo), byte(min(hi, utf8.RuneSelf-1)))
			lo = utf8.RuneSelf
		}
		switch {
		case lo == utf8.RuneSelf && hi == unicode.MaxRune:
			bytes.add(utf8.RuneSelf, 0xff)
		case lo <= hi:
			long = encoded(long, lo, hi)
		}
	}
	at := int32(-1)
	if bytes != (byteSet{}) || long == nil {
		at = b.take(bytes, next)
	}
	for _, seq := range long {
		way := next
		for i := len(seq) - 1; i >= 0; i-- {
			var set byteSet
			set.add(seq[i].lo, seq[i].hi)
			way = b.take(set, way)
		}
		if at >= 0 {
			way = b.split(at, way)
		}
		at = way
	}
	return at
}

type byteRange struct{ lo, hi byte }

const surrogateMin, surrogateMax = 0xd800, 0xdfff

// encoded appends what the characters from lo to hi are in UTF-8: sequences of ranges of bytes, such that each choice of a
// byte from each range of one sequence is a character. lo is beyond ASCII. A range of characters is split until all
// of its encodings have the same length, and each of its continuation bytes the whole range or its own one.
func encoded(out [][]byteRange, lo, hi rune) [][]byteRange {
	if lo > hi {
		return out
	}
	cut := func(end rune) [][]byteRange { return encoded(encoded(out, lo, end), end+1, hi) }
	if lo <= surrogateMax && hi >= surrogateMin {
		return encoded(encoded(out, lo, surrogateMin-1), surrogateMax+1, hi)
	}
	for _, last := range [...]rune{0x7ff, 0xffff} {
		if lo <= last && last < hi {
			return cut(last)
		}
	}
	for bits := 6; bits <= 18; bits += 6 {
		low := rune(1)<<bits - 1
		if lo&^low == hi&^low {
			continue
		}
		if lo&low != 0 {
			return cut(lo | low)
		}
		if hi&low != low {
			return cut(hi&^low - 1)
		}
	}
	first, last := string(lo), string(hi)
	seq := make([]byteRange, len(first))
	for i := range seq {
		seq[i] = byteRange{first[i], last[i]}
	}
	return append(out, seq)
}
