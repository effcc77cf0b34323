package schema

import (
	"regexp/syntax"
	"unicode/utf8"
)

// An expr is a regular expression as a numbered list of texts: n of them, text i made by dividing i among its parts. A text that
// it can match in two ways is in the list twice.
//
//	[A-Z]{3}-[0-9]     26³ × 1 × 10 texts: i%26, i/26%26, i/676%26, then "-", then i/17576
type expr struct {
	n    int64 // at most uncounted
	text []byte
	runs []rune  // of a class: pairs of first and last
	subs []*expr // in turn, or if either is set, one of them
	alt  bool
}

// endless is how many times more than it must a part that may be repeated without end is repeated at most.
const endless = 3

// parseExpr returns the texts of a pattern of RE2. One that does not parse is its own text.
func parseExpr(pattern string) *expr {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return &expr{n: 1, text: []byte(pattern)}
	}
	return newExpr(re)
}

func newExpr(re *syntax.Regexp) *expr {
	switch re.Op {
	case syntax.OpLiteral:
		return &expr{n: 1, text: []byte(string(re.Rune))}
	case syntax.OpCharClass:
		return classOf(re.Rune)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return classOf([]rune{'!', '~'})
	case syntax.OpCapture:
		return newExpr(re.Sub[0])
	case syntax.OpConcat:
		return inTurn(subs(re))
	case syntax.OpAlternate:
		return oneOf(subs(re))
	case syntax.OpStar:
		return repeat(newExpr(re.Sub[0]), 0, endless)
	case syntax.OpPlus:
		return repeat(newExpr(re.Sub[0]), 1, 1+endless)
	case syntax.OpQuest:
		return repeat(newExpr(re.Sub[0]), 0, 1)
	case syntax.OpRepeat:
		most := re.Max
		if most < 0 {
			most = re.Min + endless
		}
		return repeat(newExpr(re.Sub[0]), re.Min, most)
	}
	return &expr{n: 1} // anchors, word boundaries, nothing
}

func subs(re *syntax.Regexp) []*expr {
	list := make([]*expr, len(re.Sub))
	for i, s := range re.Sub {
		list[i] = newExpr(s)
	}
	return list
}

// classOf keeps to what can be printed in ASCII, if the class has any of it.
func classOf(pairs []rune) *expr {
	var runs []rune
	n := int64(0)
	for i := 0; i+1 < len(pairs); i += 2 {
		if lo, hi := max(pairs[i], '!'), min(pairs[i+1], '~'); lo <= hi {
			runs = append(runs, lo, hi)
			n += int64(hi-lo) + 1
		}
	}
	if n == 0 && len(pairs) >= 2 {
		return &expr{n: int64(pairs[1]-pairs[0]) + 1, runs: pairs[:2]}
	}
	return &expr{n: max(n, 1), runs: runs}
}

func inTurn(list []*expr) *expr {
	e := &expr{n: 1, subs: list}
	for _, s := range list {
		e.n = times(e.n, s.n)
	}
	return e
}

func oneOf(list []*expr) *expr {
	e := &expr{subs: list, alt: true}
	for _, s := range list {
		e.n = min(e.n+s.n, uncounted)
	}
	return e
}

// repeat is one of the texts that e makes least to most times in turn.
func repeat(e *expr, least, most int) *expr {
	var list []*expr
	for n := least; n <= most && len(list) <= endless; n++ {
		same := make([]*expr, n)
		for i := range same {
			same[i] = e
		}
		list = append(list, inTurn(same))
	}
	if len(list) == 1 {
		return list[0]
	}
	return oneOf(list)
}

func times(a, b int64) int64 {
	if a == 0 || b == 0 {
		return 0
	}
	if a > uncounted/b {
		return uncounted
	}
	return a * b
}

// append appends text i, which is below n.
func (e *expr) append(dst []byte, i int64) []byte {
	switch {
	case len(dst) > longestValue:
		return dst
	case e.runs != nil:
		return utf8.AppendRune(dst, e.at(i))
	case e.alt:
		return e.choose(dst, i)
	}
	dst = append(dst, e.text...)
	for _, s := range e.subs {
		n := max(s.n, 1)
		dst = s.append(dst, i%n)
		i /= n
	}
	return dst
}

func (e *expr) at(i int64) rune {
	for k := 0; k < len(e.runs); k += 2 {
		size := int64(e.runs[k+1]-e.runs[k]) + 1
		if i < size {
			return e.runs[k] + rune(i)
		}
		i -= size
	}
	return e.runs[0]
}

func (e *expr) choose(dst []byte, i int64) []byte {
	for _, s := range e.subs {
		if i < s.n {
			return s.append(dst, i)
		}
		i -= s.n
	}
	return dst
}
