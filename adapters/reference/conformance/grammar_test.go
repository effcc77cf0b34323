package conformance

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// A node is a part of a command's grammar, as parse reads it:
//
//	WORD, 'word  itself
//	word, @s     an argument, drawn by its kind (see argument); @ and a letter is a key that holds such a type
//	#@z          a number of keys and so many keys
//	[a | b]      nothing, or one of the alternatives
//	(a | b)      one of the alternatives
//	{a}          a, one to three times
//	<a b c>      a, b and c in any order
type node struct {
	op   byte // 0 for a word
	word string
	kids []node // of [] and (): alternatives, sequences; else what follows each other
}

// seq is the op of a sequence.
const seq = ','

// parse reads a grammar.
func parse(text string) node {
	p := &parser{strings.Fields(spaced.Replace(text))}
	n := p.sequence()
	if len(p.words) > 0 {
		panic("grammar: " + text)
	}
	return n
}

var spaced = strings.NewReplacer("[", " [ ", "]", " ] ", "(", " ( ", ")", " ) ", "{", " { ", "}", " } ",
	"<", " < ", ">", " > ", "|", " | ")

type parser struct{ words []string }

func (p *parser) sequence() node {
	n := node{op: seq}
	for len(p.words) > 0 {
		w := p.words[0]
		switch w {
		case "]", ")", "}", ">", "|":
			return n
		}
		p.words = p.words[1:]
		switch w {
		case "[", "(", "{", "<":
			n.kids = append(n.kids, p.group(w[0]))
		default:
			n.kids = append(n.kids, node{word: w})
		}
	}
	return n
}

// group reads what is between brackets, and the closing one.
func (p *parser) group(op byte) node {
	n := node{op: op}
	for {
		kid := p.sequence()
		end := p.words[0]
		p.words = p.words[1:]
		if op == '{' || op == '<' {
			n.kids = kid.kids
			return n
		}
		n.kids = append(n.kids, kid)
		if end != "|" {
			return n
		}
	}
}

// A maker makes commands from grammars.
type maker struct {
	*rand.Rand
	path *path // decisions that are enumerated; nil if they are drawn
	tidy bool  // arguments are valid, and of the type that the command wants
}

// A path is a way through the decisions of a grammar: the i-th takes the branch at[i] of of[i].
type path struct {
	at, of []int
	n      int
}

// next goes on to another way, and reports whether there is one.
func (p *path) next() bool {
	p.at, p.of = p.at[:p.n], p.of[:p.n]
	for p.n > 0 {
		last := p.n - 1
		if p.at[last]+1 < p.of[last] {
			p.at[last]++
			p.n = 0
			return true
		}
		p.at, p.of, p.n = p.at[:last], p.of[:last], last
	}
	return false
}

// decide returns which of n branches to take.
func (m *maker) decide(n int) int {
	if m.path == nil {
		return m.IntN(n)
	}
	p := m.path
	if p.n == len(p.at) {
		p.at, p.of = append(p.at, 0), append(p.of, n)
	}
	p.n++
	return p.at[p.n-1]
}

// chance is true in n of 100 cases.
func (m *maker) chance(n int) bool { return m.IntN(100) < n }

func (m *maker) make(n node, args []string) []string {
	switch n.op {
	case 0:
		return m.word(n.word, args)
	case seq:
		for _, kid := range n.kids {
			args = m.make(kid, args)
		}
	case '[':
		if i := m.decide(len(n.kids) + 1); i > 0 {
			args = m.make(n.kids[i-1], args)
		}
	case '(':
		args = m.make(n.kids[m.decide(len(n.kids))], args)
	case '{':
		times := 2
		if m.path == nil {
			times = 1 + m.IntN(3)
		}
		for range times {
			for _, kid := range n.kids {
				args = m.make(kid, args)
			}
		}
	case '<':
		order := m.Perm(len(n.kids))
		if m.path != nil {
			slices.Sort(order)
		}
		for _, i := range order {
			args = m.make(n.kids[i], args)
		}
	default:
		panic(fmt.Sprintf("op %c", n.op))
	}
	return args
}

func (m *maker) word(w string, args []string) []string {
	switch {
	case len(w) > 1 && w[0] == '#':
		n := 1 + m.IntN(3)
		args = append(args, strconv.Itoa(n))
		for range n {
			args = m.word(w[1:], args)
		}
		return args
	case w[0] == '\'':
		return append(args, w[1:])
	case w[0] == '@':
		return append(args, m.key(w[1:]))
	case strings.ToUpper(w) == w || strings.ContainsAny(w, "*#"):
		if !m.tidy && m.chance(5) {
			w = strings.ToLower(w)
		}
		return append(args, w)
	}
	return append(args, m.argument(w))
}

// spoil makes one thing of a command wrong, or at least unusual.
func (m *maker) spoil(args []string, swaps bool) []string {
	args = slices.Clone(args)
	i := m.IntN(len(args)) // the name is spoilt by spoiling what follows it
	switch {
	case i == 0 || m.chance(20):
		return append(args, m.junk())
	case m.chance(30):
		return slices.Delete(args, i, i+1)
	case m.chance(15):
		return args[:i]
	case swaps && m.chance(30):
		j := 1 + m.IntN(len(args)-1)
		args[i], args[j] = args[j], args[i]
	case swaps && m.chance(30):
		return append(args, args[i:]...)
	case m.chance(30):
		args[i] = m.key("")
	default:
		args[i] = m.junk()
	}
	return args
}
