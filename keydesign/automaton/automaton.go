// Package automaton takes the keys of templates for what they are, sets of byte strings: whether two templates have a key in
// common, and which of many templates a key belongs to. It knows nothing of what templates hold, nor which of two should win.
//
// The one idea is that a template is a regular expression, and so both questions have exact answers. A key is compiled to a
// nondeterministic automaton over bytes, backwards, each piece knowing where to go on; a literal is a chain, a placeholder what
// the values of its type are (schema.Type.Regexp):
//
//	user:{int}   ──u──▶ ──s──▶ ──e──▶ ──r──▶ ──:──▶ (1) ──[0-9]──▶ (2) ──▶ accepts
//	                                                  ◀──────────────┘
//
//	two of them, walked side by side          Set.Intersect
//	all of them, as sets of states, cached    DFA
//
// Keys are bytes, and so are lengths. An expression's class that holds all characters beyond ASCII, such as [^:], takes any
// byte from 0x80 on; one that holds some of them takes these in UTF-8. Assertions (^, $, \b) are taken for granted: an
// expression stands for a whole value.
package automaton

import (
	"errors"
	"fmt"
	"math/bits"
	"regexp/syntax"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// An Automaton takes the keys of one template or more, which are numbered. It does not change and may be shared.
type Automaton struct {
	states []state
	sets   []byteSet
	start  int32
}

// A state is one of three things.
type state struct {
	op       op
	set      int32 // opByte: which of sets; opAccept: the template's number
	out, alt int32 // where to go on; alt is opSplit's second way
}

type op uint8

const (
	opByte   op = iota // takes a byte of a set
	opSplit            // goes two ways and takes nothing
	opAccept           // the key is whole
)

// mostStates bounds an automaton, at 16 bytes each. A template has about as many as its key has bytes, a placeholder as its
// longest value if it has one.
const mostStates = 1 << 20

// ErrTooLarge says that templates need more states than an Automaton may have.
var ErrTooLarge = errors.New("the values that its placeholders may take need too many states")

// New returns the automaton of the given keys, which are numbered from 0 in their order.
func New(keys ...schema.Key) (*Automaton, error) {
	b := builder{numbers: map[byteSet]int32{}}
	for i, k := range keys {
		start, err := b.key(k, int32(i))
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", k.String(), err)
		}
		if i == 0 {
			b.start = start
		} else {
			b.start = b.add(state{op: opSplit, out: b.start, alt: start})
		}
	}
	if len(keys) == 0 {
		b.start = b.take(byteSet{}, 0)
	}
	return &b.Automaton, nil
}

// A builder makes an Automaton from its end to its beginning: each of its methods returns the state from which its piece is
// taken, to go on at next.
type builder struct {
	Automaton
	numbers map[byteSet]int32 // of sets
	full    bool
}

func (b *builder) key(k schema.Key, number int32) (at int32, err error) {
	at = b.add(state{op: opAccept, set: number})
	for i := len(k) - 1; i >= 0; i-- {
		if k[i].Type == nil {
			at = b.literal(k[i].Literal, at)
			continue
		}
		re, err := syntax.Parse(k[i].Type.Regexp(), syntax.Perl)
		if err != nil {
			return 0, err
		}
		at = b.expression(re.Simplify(), at)
	}
	if b.full {
		return 0, ErrTooLarge
	}
	return at, nil
}

func (b *builder) add(s state) int32 {
	if len(b.states) >= mostStates {
		b.full = true
		return 0
	}
	b.states = append(b.states, s)
	return int32(len(b.states) - 1)
}

func (b *builder) take(set byteSet, next int32) int32 {
	n, ok := b.numbers[set]
	if !ok {
		n = int32(len(b.sets))
		b.sets = append(b.sets, set)
		b.numbers[set] = n
	}
	return b.add(state{op: opByte, set: n, out: next})
}

func (b *builder) literal(text string, next int32) int32 {
	for i := len(text) - 1; i >= 0; i-- {
		var set byteSet
		set.add(text[i], text[i])
		next = b.take(set, next)
	}
	return next
}

// A byteSet is a set of bytes, a bit each.
type byteSet [4]uint64

func (s *byteSet) add(lo, hi byte) {
	for c := int(lo); c <= int(hi); c++ {
		s[c>>6] |= 1 << (c & 63)
	}
}

func (s *byteSet) has(c byte) bool { return s[c>>6]&(1<<(c&63)) != 0 }

// only returns the byte of the set if it has but one.
func (s *byteSet) only() (c byte, ok bool) {
	n := 0
	for i, word := range s {
		if n += bits.OnesCount64(word); word != 0 {
			c = byte(i<<6 + bits.TrailingZeros64(word))
		}
	}
	return c, n == 1
}
