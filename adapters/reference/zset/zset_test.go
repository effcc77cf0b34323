package zset

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/adapters/reference/arena"
)

type pair struct {
	score  float64
	member string
}

func comparePairs(a, b pair) int {
	return cmp.Or(cmp.Compare(a.score, b.score), strings.Compare(a.member, b.member))
}

// sorted is the naive model: a map, sorted on each read.
func sorted(model map[string]float64) []pair {
	items := make([]pair, 0, len(model))
	for m, s := range model {
		items = append(items, pair{s, m})
	}
	slices.SortFunc(items, comparePairs)
	return items
}

// checkNode holds the tree to its laws: sorted, counted, first items known, leaves equally deep.
func checkNode(t *rapid.T, tr *tree, id uint32, depth int, edge bool) (first item, count uint32) {
	if depth == tr.depth {
		l := tr.leaves.at(id)
		if l.n > leafMost || l.n < leafLeast && !edge {
			t.Fatalf("a leaf of %d", l.n)
		}
		return l.at(0), uint32(l.n)
	}
	in := tr.inners.at(id)
	if in.n > innerMost || in.n < 2 || in.n < innerLeast && !edge {
		t.Fatalf("an inner node of %d at depth %d", in.n, depth)
	}
	for i := range int(in.n) {
		f, n := checkNode(t, tr, in.kid[i], depth+1, edge && i == int(in.n)-1)
		if f != in.first(i) || n != in.count[i] {
			t.Fatalf("child %d has %d from %v on, and is taken for %d from %v on", i, n, f, in.count[i], in.first(i))
		}
	}
	return in.first(0), in.sum()
}

func checkSet(t *rapid.T, s *Set, model map[string]float64) {
	want := sorted(model)
	if s.Len() != len(want) {
		t.Fatalf("%d members, want %d", s.Len(), len(want))
	}
	if len(want) > 0 {
		checkNode(t, &s.tree, s.tree.root, 0, true)
	}
	var got []pair
	for m, x := range s.From(0) {
		got = append(got, pair{x, string(m)})
	}
	if !slices.Equal(got, want) {
		t.Fatalf("forward: %v, want %v", got, want)
	}
	if from := len(want) / 3; from < len(want) {
		for m, x := range s.From(from) {
			if string(m) != want[from].member || x != want[from].score {
				t.Fatalf("%q, %v has rank %d, want %v", m, x, from, want[from])
			}
			break
		}
	}
	for rank, p := range want {
		r, ok := s.Rank(p.member)
		x, is := s.Score(p.member)
		if !ok || !is || r != rank || x != p.score {
			t.Fatalf("%v has rank %d, want %d", p, r, rank)
		}
	}
}

// TestAgainstModel runs random histories: adding in order and at random, changing scores, and removing. Released, a set leaves nothing of
// itself in the arena, and another that shares it alone.
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		heap := arena.New(arena.Limit)
		s, model := New(heap), map[string]float64{}
		other, others := New(heap), map[string]float64{"another": 1, "one more": 2}
		for m, x := range others {
			other.Add(m, x)
		}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		name := func() string { return fmt.Sprint("m", r.IntN(800), strings.Repeat("x", r.IntN(2)*200)) }
		score := func() float64 { return float64(r.IntN(50)) }
		for range rapid.IntRange(1, 12).Draw(t, "rounds") {
			n := r.IntN(800)
			switch r.IntN(5) {
			case 0:
				for i := range n { // in order
					m := fmt.Sprintf("o%05d", i)
					s.Add(m, 100)
					model[m] = 100
				}
			case 1:
				for range n {
					m, x := name(), score()
					_, had := model[m]
					if added, ok := s.Add(m, x); !ok || added == had {
						t.Fatalf("%q: added %v, there before %v", m, added, had)
					}
					model[m] = x
				}
			case 2:
				for range n {
					m := name()
					model[m]++ // it often stays where it is
					s.Add(m, model[m])
				}
			case 3:
				items := sorted(model)
				from := 0
				if len(items) > 0 {
					from = r.IntN(len(items))
				}
				for _, p := range items[from:min(len(items), from+n)] { // a run of neighbours
					if !s.Remove(p.member) {
						t.Fatalf("%q is no member", p.member)
					}
					delete(model, p.member)
				}
			case 4:
				for range n {
					m := name()
					if _, had := model[m]; s.Remove(m) != had {
						t.Fatalf("%q was a member: %v", m, had)
					}
					delete(model, m)
				}
			}
			checkSet(t, s, model)
		}
		s.Release()
		checkSet(t, other, others)
		if other.Release(); heap.Live() != 0 {
			t.Fatalf("%d bytes are left", heap.Live())
		}
	})
}

func TestInfinite(t *testing.T) {
	s := New(arena.New(arena.Limit))
	for m, x := range map[string]float64{"a": math.Inf(1), "b": math.Inf(-1), "c": 0, "d": math.Copysign(0, -1)} {
		s.Add(m, x)
	}
	for rank, m := range []string{"b", "c", "d", "a"} {
		if r, _ := s.Rank(m); r != rank {
			t.Errorf("%s has rank %d, want %d", m, r, rank)
		}
	}
}

// TestFull: a member for which the arena has no room is none, and the set is as it was.
func TestFull(t *testing.T) {
	s, n := New(arena.New(1<<20)), 0
	for ; ; n++ {
		if _, ok := s.Add(fmt.Sprint(n), 1); !ok {
			break
		}
	}
	_, is := s.Score(fmt.Sprint(n))
	if n < 1000 || s.Len() != n || is {
		t.Errorf("%d members of %d; the last is one: %v", s.Len(), n, is)
	}
	if added, ok := s.Add("0", 7); added || !ok {
		t.Errorf("a score cannot change: added %v, ok %v", added, ok)
	}
}
