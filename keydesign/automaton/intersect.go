package automaton

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// A Set is the keys of one template, to be compared with others. It is for one goroutine at a time.
type Set struct {
	key  schema.Key
	form *Automaton // once it was needed, if it is small enough to be kept
}

// keptStates is how large an automaton a Set keeps: a schema may have thousands of templates.
const keptStates = 1 << 12

// SetOf returns the keys that a template takes.
func SetOf(k schema.Key) *Set { return &Set{key: k} }

// Intersect returns a shortest key that both templates take, of letters and digits where that is possible; ok is false if they
// have none in common. Where that would take too long to find out, which no schema that a person wrote has shown, or a type's
// expression is none, it is false, too.
func (s *Set) Intersect(o *Set) (witness string, ok bool) {
	if !mayMeet(s.key, o.key) {
		return "", false
	}
	x, err := s.automaton()
	if err != nil {
		return "", false
	}
	y, err := o.automaton()
	if err != nil {
		return "", false
	}
	return x.intersect(y)
}

func (s *Set) automaton() (*Automaton, error) {
	if s.form != nil {
		return s.form, nil
	}
	a, err := New(s.key)
	if err == nil && len(a.states) <= keptStates {
		s.form = a
	}
	return a, err
}

// mayMeet reports whether the literals at the ends of two keys leave room for a key that both take.
func mayMeet(a, b schema.Key) bool {
	if len(a) == 0 || len(b) == 0 {
		return true
	}
	x, y := a[0].Literal, b[0].Literal
	u, v := a[len(a)-1].Literal, b[len(b)-1].Literal
	return (strings.HasPrefix(x, y) || strings.HasPrefix(y, x)) && (strings.HasSuffix(u, v) || strings.HasSuffix(v, u))
}

// A walk is two automata, side by side: breadth first through the pairs of states that one key leads to.
type walk struct {
	a, b  *Automaton
	seen  map[pair]bool
	steps []step // those that were reached, and those of them that are to be left
	stack []pair
}

type pair struct{ a, b int32 }

type step struct {
	pair
	from int32 // the step before, or -1
	by   byte
}

// mostPairs bounds a walk, at about 50 bytes each.
const mostPairs = 1 << 20

func (a *Automaton) intersect(b *Automaton) (witness string, ok bool) {
	w := walk{a: a, b: b, seen: map[pair]bool{}}
	w.reach(pair{a.start, b.start}, -1, 0)
	for i := 0; i < len(w.steps) && len(w.seen) < mostPairs; i++ {
		x, y := &a.states[w.steps[i].a], &b.states[w.steps[i].b]
		if x.op == opAccept {
			return w.key(i), true
		}
		if c, ok := common(&a.sets[x.set], &b.sets[y.set]); ok {
			w.reach(pair{x.out, y.out}, int32(i), c)
		}
	}
	return "", false
}

// reach adds the pairs that p leads to without another byte.
func (w *walk) reach(p pair, from int32, by byte) {
	w.stack = append(w.stack[:0], p)
	for len(w.stack) > 0 && len(w.seen) < mostPairs {
		p := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		if w.seen[p] {
			continue
		}
		w.seen[p] = true
		x, y := &w.a.states[p.a], &w.b.states[p.b]
		switch {
		case x.op == opSplit:
			w.stack = append(w.stack, pair{x.alt, p.b}, pair{x.out, p.b})
		case y.op == opSplit:
			w.stack = append(w.stack, pair{p.a, y.alt}, pair{p.a, y.out})
		case x.op == y.op:
			w.steps = append(w.steps, step{p, from, by})
		}
	}
}

// key returns the bytes that lead to a step.
func (w *walk) key(i int) string {
	var key []byte
	for s := w.steps[i]; s.from >= 0; s = w.steps[s.from] {
		key = append(key, s.by)
	}
	slices.Reverse(key)
	return string(key)
}

// readable is the bytes that a witness is made of if it can be, those first that are read best.
const readable = "a1bcdefghijklmnopqrstuvwxyz023456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.:/"

// common returns a byte that is in both sets.
func common(a, b *byteSet) (c byte, ok bool) {
	set := byteSet{a[0] & b[0], a[1] & b[1], a[2] & b[2], a[3] & b[3]}
	for i := range len(readable) {
		if set.has(readable[i]) {
			return readable[i], true
		}
	}
	for _, i := range [...]int{1, 0, 2, 3} { // 0x40 on, then what is left of ASCII, then the rest
		if set[i] != 0 {
			return byte(i<<6 + bits.Len64(set[i]) - 1), true
		}
	}
	return 0, false
}
