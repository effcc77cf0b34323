package zset

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// sorted is the naive model: a map, sorted on each read.
func sorted(model map[string]float64) []Item {
	items := make([]Item, 0, len(model))
	for m, s := range model {
		items = append(items, Item{s, m})
	}
	slices.SortFunc(items, Item.Compare)
	return items
}

// check holds the tree to its laws: sorted, counted, first items known, all leaves equally deep, no node too empty or full.
func check(t interface{ Fatalf(string, ...any) }, nd *node, root bool) (depth int) {
	if w := nd.width(); w > fanout || !root && w < fanout/2 || root && nd.kids != nil && w < 2 {
		t.Fatalf("a node of width %d", w)
	}
	n := len(nd.items)
	for i, kid := range nd.kids {
		d := check(t, kid, false)
		if i > 0 && d != depth {
			t.Fatalf("leaves at depths %d and %d", d, depth)
		}
		depth = d
		n += kid.n
	}
	if n != nd.n {
		t.Fatalf("a node counts %d of %d", nd.n, n)
	}
	return depth + 1
}

// TestAgainstModel runs random histories, with bulk steps so that the tree gets several levels.
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, model := New(), map[string]float64{}
		scores := rapid.OneOf(rapid.Float64Range(-3, 3), rapid.SampledFrom([]float64{0, 1, -1, math.Inf(1), math.Inf(-1)}))
		member := rapid.Custom(func(t *rapid.T) string { return fmt.Sprint(rapid.IntRange(0, 9999).Draw(t, "member")) })
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				m, x := member.Draw(t, "member"), scores.Draw(t, "score")
				_, had := model[m]
				if s.Add(m, x) == had {
					t.Fatalf("adding %q, member before: %v", m, had)
				}
				model[m] = x
			},
			"add many": func(t *rapid.T) {
				r := rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "seed")))
				for range rapid.IntRange(1, 600).Draw(t, "n") {
					m, x := fmt.Sprint(r.IntN(10000)), float64(r.IntN(50))
					s.Add(m, x)
					model[m] = x
				}
			},
			"remove": func(t *rapid.T) {
				m := member.Draw(t, "member")
				_, had := model[m]
				if s.Remove(m) != had {
					t.Fatalf("removing %q, member before: %v", m, had)
				}
				delete(model, m)
			},
			"remove many": func(t *rapid.T) {
				items := sorted(model)
				lo := rapid.IntRange(0, len(items)).Draw(t, "from")
				for _, it := range items[lo:rapid.IntRange(lo, len(items)).Draw(t, "to")] {
					s.Remove(it.Member)
					delete(model, it.Member)
				}
			},
			"": func(t *rapid.T) { compare(t, s, sorted(model)) },
		})
	})
}

func compare(t *rapid.T, s *Set, want []Item) {
	check(t, s.root, true)
	if got := slices.Collect(s.From(0)); !slices.Equal(got, want) || s.Len() != len(want) {
		t.Fatalf("length %d: %v, want %v", s.Len(), got, want)
	}
	for i, it := range want {
		if rank, ok := s.Rank(it.Member); !ok || rank != i {
			t.Fatalf("rank of %v = %d, %v, want %d", it, rank, ok, i)
		}
	}
	from := rapid.IntRange(0, len(want)).Draw(t, "rank")
	if got := slices.Collect(s.From(from)); !slices.Equal(got, want[from:]) {
		t.Fatalf("from rank %d: %v, want %v", from, got, want[from:])
	}
	x := rapid.Float64Range(-3, 3).Draw(t, "score")
	before, _ := slices.BinarySearchFunc(want, Item{Score: x}, Item.Compare)
	if got := s.Before(Item{Score: x}); got != before {
		t.Fatalf("%d items before score %v, want %d", got, x, before)
	}
}

func BenchmarkAdd(b *testing.B) {
	s, r := New(), rand.New(rand.NewPCG(1, 2))
	members := make([]string, 1<<16)
	for i := range members {
		members[i] = fmt.Sprintf("member:%08d", i)
	}
	for i := 0; b.Loop(); i++ {
		s.Add(members[i%len(members)], r.Float64())
	}
}

func BenchmarkRank(b *testing.B) {
	s := New()
	for i := range 1 << 16 {
		s.Add(fmt.Sprintf("member:%08d", i), float64(i*7919%65536))
	}
	for i := 0; b.Loop(); i++ {
		s.Rank("member:00012345")
	}
}
