package zset

import (
	"cmp"
	"fmt"
	"iter"
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

func collect(items iter.Seq2[[]byte, float64]) (all []pair) {
	for m, x := range items {
		all = append(all, pair{x, string(m)})
	}
	return all
}

// checkMembers holds runs of members against the sorted ones.
func checkMembers(t *rapid.T, s *Set, want []pair) {
	for _, from := range []int{0, len(want) / 2, len(want) - 1} {
		for _, n := range []int{0, 1, leafMost, 3*leafMost + 1} {
			if len(want) == 0 {
				continue
			}
			up, down := min(n, len(want)-from), min(n, from+1)
			rising, falling := s.Members(nil, from, up, false), s.Members(nil, from, down, true)
			if len(rising) != up || len(falling) != down {
				t.Fatalf("from %d: %d members up and %d down, want %d and %d", from, len(rising), len(falling), up, down)
			}
			for i, m := range rising {
				if string(m) != want[from+i].member {
					t.Fatalf("%d up from %d: %q, want %q", i, from, m, want[from+i].member)
				}
			}
			for i, m := range falling {
				if string(m) != want[from-i].member {
					t.Fatalf("%d down from %d: %q, want %q", i, from, m, want[from-i].member)
				}
			}
		}
	}
}

// checkCounts holds what is counted below a score against the sorted members.
func checkCounts(t *rapid.T, s *Set, want []pair) {
	for _, score := range []float64{math.Inf(-1), -1, 0, 7, 24.5, 49, 100, math.Inf(1)} {
		below, _ := slices.BinarySearchFunc(want, score, func(p pair, x float64) int { return cmp.Compare(p.score, x) })
		with := below
		for with < len(want) && want[with].score == score {
			with++
		}
		if a, b := s.CountBelow(score, false), s.CountBelow(score, true); a != below || b != with {
			t.Fatalf("%d members below %v, %d with it; want %d and %d", a, score, b, below, with)
		}
	}
}

func checkSet(t *rapid.T, s *Set, model map[string]float64) {
	want := sorted(model)
	if s.Len() != len(want) {
		t.Fatalf("%d members, want %d", s.Len(), len(want))
	}
	if len(want) > 0 {
		checkNode(t, &s.tree, s.tree.root, 0, true)
	}
	for _, from := range []int{0, len(want) / 3, max(len(want)-1, 0)} {
		if got := collect(s.From(from)); !slices.Equal(got, want[from:]) {
			t.Fatalf("forward from %d: %v, want %v", from, got, want[from:])
		}
		back := slices.Clone(want[:min(from+1, len(want))])
		slices.Reverse(back)
		if got := collect(s.Back(from)); !slices.Equal(got, back) {
			t.Fatalf("back from %d: %v, want %v", from, got, back)
		}
	}
	checkMembers(t, s, want)
	checkCounts(t, s, want)
	for rank, p := range want {
		r, ok := s.Rank([]byte(p.member))
		x, is := s.Score([]byte(p.member))
		if !ok || !is || r != rank || x != p.score {
			t.Fatalf("%v has rank %d, want %d", p, r, rank)
		}
	}
}

func removeRange(t *rapid.T, s *Set, model map[string]float64, r *rand.Rand) {
	items := sorted(model)
	if len(items) == 0 {
		return
	}
	from := r.IntN(len(items))
	n := r.IntN(len(items) - from + 1)
	s.RemoveRange(from, n, func(member []byte) {
		if string(member) != items[from].member {
			t.Fatalf("%q is removed, want %q", member, items[from].member)
		}
		delete(model, string(member))
		from++
		n--
	})
	if n != 0 {
		t.Fatalf("%d members were not removed", n)
	}
}

// TestAgainstModel runs random histories: adding in order and at random, changing scores, and removing. Released, a set leaves
// nothing of itself in the arena, and another that shares it alone.
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		heap := arena.New(arena.Limit)
		s, model := New(heap), map[string]float64{}
		other, others := New(heap), map[string]float64{"another": 1, "one more": 2}
		for m, x := range others {
			other.Add([]byte(m), x)
		}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		name := func() string { return fmt.Sprint("m", r.IntN(800), strings.Repeat("x", r.IntN(2)*200)) }
		score := func() float64 { return float64(r.IntN(50)) }
		for range rapid.IntRange(1, 12).Draw(t, "rounds") {
			n := r.IntN(800)
			switch r.IntN(7) {
			case 0:
				for i := range n { // in order
					m := fmt.Sprintf("o%05d", i)
					s.Add([]byte(m), 100)
					model[m] = 100
				}
			case 1:
				for range n {
					m, x := name(), score()
					_, had := model[m]
					if added, ok := s.Add([]byte(m), x); !ok || added == had {
						t.Fatalf("%q: added %v, there before %v", m, added, had)
					}
					model[m] = x
				}
			case 2:
				for range n {
					m := name()
					model[m]++ // it often stays where it is
					s.Add([]byte(m), model[m])
				}
			case 3:
				items := sorted(model)
				from := 0
				if len(items) > 0 {
					from = r.IntN(len(items))
				}
				for _, p := range items[from:min(len(items), from+n)] { // a run of neighbours
					if !s.Remove([]byte(p.member)) {
						t.Fatalf("%q is no member", p.member)
					}
					delete(model, p.member)
				}
			case 4:
				for range n { // far, or to a neighbour's score
					m := name()
					if p := s.Find([]byte(m)); p.Found() {
						model[m] = score()
						s.Rescore(p, model[m])
					}
				}
			case 5:
				removeRange(t, s, model, r)
			case 6:
				for range n {
					m := name()
					if _, had := model[m]; s.Remove([]byte(m)) != had {
						t.Fatalf("%q was a member: %v", m, had)
					}
					delete(model, m)
				}
			}
			checkSet(t, s, model)
		}
		clone, ok := s.Clone(heap)
		if !ok {
			t.Fatal("no clone")
		}
		s.Release()
		checkSet(t, clone, model)
		clone.Release()
		checkSet(t, other, others)
		if other.Release(); heap.Live() != 0 {
			t.Fatalf("%d bytes are left", heap.Live())
		}
	})
}

func TestInfinite(t *testing.T) {
	s := New(arena.New(arena.Limit))
	for m, x := range map[string]float64{"a": math.Inf(1), "b": math.Inf(-1), "c": 0, "d": math.Copysign(0, -1)} {
		s.Add([]byte(m), x)
	}
	for rank, m := range []string{"b", "c", "d", "a"} {
		if r, _ := s.Rank([]byte(m)); r != rank {
			t.Errorf("%s has rank %d, want %d", m, r, rank)
		}
	}
}

// TestFull: a member for which the arena has no room is none, and the set is as it was.
func TestFull(t *testing.T) {
	s, n := New(arena.New(1<<20)), 0
	for ; ; n++ {
		if _, ok := s.Add([]byte(fmt.Sprint(n)), 1); !ok {
			break
		}
	}
	_, is := s.Score([]byte(fmt.Sprint(n)))
	if n < 1000 || s.Len() != n || is {
		t.Errorf("%d members of %d; the last is one: %v", s.Len(), n, is)
	}
	if added, ok := s.Add([]byte("0"), 7); added || !ok {
		t.Errorf("a score cannot change: added %v, ok %v", added, ok)
	}
}

// TestLex: among members of one score, ranks are by bytes.
func TestLex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfDistinct(rapid.StringMatching(`[a-c]{0,6}`), rapid.ID[string]).Draw(t, "members")
		s := New(arena.New(arena.Limit))
		for _, m := range names {
			s.Add([]byte(m), 3)
		}
		slices.Sort(names)
		bound := rapid.StringMatching(`[a-c]{0,6}`).Draw(t, "bound")
		before, is := slices.BinarySearch(names, bound)
		with := before
		if is {
			with++
		}
		if a, b := s.CountBefore([]byte(bound), false), s.CountBefore([]byte(bound), true); a != before || b != with {
			t.Fatalf("%d members before %q, %d with it; want %d and %d", a, bound, b, before, with)
		}
	})
}

// TestScan: every member that stays is seen, while others come and go.
func TestScan(t *testing.T) {
	s := New(arena.New(arena.Limit))
	for i := range 500 {
		s.Add(fmt.Appendf(nil, "stays%d", i), float64(i))
	}
	seen, cursor := map[string]float64{}, uint64(0)
	for i := 0; ; i++ {
		cursor = s.Scan(cursor, func(m []byte, x float64) { seen[string(m)] = x })
		if cursor == 0 {
			break
		}
		for j := range 40 {
			if i < 60 {
				s.Add(fmt.Appendf(nil, "comes%d", i*40+j), 1)
			} else {
				s.Remove(fmt.Appendf(nil, "comes%d", (i-60)*40+j))
			}
		}
	}
	for i := range 500 {
		if x, ok := seen[fmt.Sprint("stays", i)]; !ok || x != float64(i) {
			t.Fatalf("stays%d was seen: %v, with score %v", i, ok, x)
		}
	}
}

// TestRandom: 40 members drawn 40,000 times; the 99.99% point of χ² with 39 degrees of freedom is 85.
func TestRandom(t *testing.T) {
	s, r := New(arena.New(arena.Limit)), rand.New(rand.NewPCG(5, 5))
	for i := range 40 {
		s.Add(fmt.Append(nil, i), float64(i))
	}
	var times [40]float64
	for range 40_000 {
		m, x := s.Random(r)
		if string(m) != fmt.Sprint(x) {
			t.Fatalf("%q has score %v", m, x)
		}
		times[int(x)]++
	}
	var chi float64
	for _, n := range times {
		chi += (n - 1000) * (n - 1000) / 1000
	}
	if chi > 85 {
		t.Errorf("χ² = %v", chi)
	}
}

// TestNoAllocation: what a command does to a member allocates nothing.
func TestNoAllocation(t *testing.T) {
	s, r := New(arena.New(arena.Limit)), rand.New(rand.NewPCG(5, 5))
	members := make([][]byte, 10_000)
	for i := range members {
		members[i] = fmt.Appendf(nil, "member:%d", i)
		s.Add(members[i], float64(i))
	}
	var sum float64
	if n := testing.AllocsPerRun(200, func() {
		m := members[r.IntN(len(members))]
		p := s.Find(m)
		s.Rescore(p, s.ScoreAt(p)+100*r.Float64())
		sum += float64(s.RankAt(s.Find(m)) + s.CountBelow(50, true) + s.CountBefore(m, false))
		i := 0
		for _, x := range s.From(10) {
			sum += x
			if i++; i == 100 {
				break
			}
		}
		for _, x := range s.Back(500) {
			sum += x
			if i++; i == 200 {
				break
			}
		}
		s.Scan(r.Uint64(), func(_ []byte, x float64) { sum += x })
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
