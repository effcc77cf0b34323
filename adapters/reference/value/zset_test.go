package value

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

	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/kv"
)

type pair struct {
	member string
	score  float64
}

func sortedPairs(model map[string]float64) []pair {
	all := make([]pair, 0, len(model))
	for m, x := range model {
		all = append(all, pair{m, x})
	}
	slices.SortFunc(all, func(a, b pair) int { return cmp.Or(cmp.Compare(a.score, b.score), strings.Compare(a.member, b.member)) })
	return all
}

func collect(items iter.Seq2[[]byte, float64]) (all []pair) {
	for m, x := range items {
		all = append(all, pair{string(m), x})
	}
	return all
}

func checkZSet(t *rapid.T, s *keyspace.Shard, key []byte, model map[string]float64, large bool, r *rand.Rand) {
	it := s.Find(0, key, keyspace.Hash(key))
	if it.OK() != (len(model) > 0) {
		t.Fatalf("the key is there: %v, with %d members", it.OK(), len(model))
	}
	v := OpenZSet(s, it)
	if v.Len() != len(model) {
		t.Fatalf("%d members, want %d", v.Len(), len(model))
	}
	if !it.OK() {
		return
	}
	if want := map[bool]kv.Encoding{true: kv.EncodingSkiplist, false: kv.EncodingListpack}[large]; it.Encoding() != want {
		t.Fatalf("%v is %s, want %s", model, it.Encoding(), want)
	}
	want := sortedPairs(model)
	elements := int64(0)
	for rank, p := range want {
		n, ok := v.Rank([]byte(p.member))
		x, is := v.Score([]byte(p.member))
		if !ok || !is || n != rank || x != p.score {
			t.Fatalf("%v has rank %d and score %v, want rank %d", p, n, x, rank)
		}
		elements += s.Model().SDS(int64(len(p.member)))
	}
	if size := s.Model().ZSet(int64(len(want)), elements); large && it.Size(s.Model())-s.Model().Key(int64(len(key))) != size {
		t.Fatalf("the size is %d, want %d", it.Size(s.Model()), size)
	}
	from := r.IntN(len(want))
	back := slices.Clone(want[:from+1])
	slices.Reverse(back)
	if got := collect(v.From(from)); !slices.Equal(got, want[from:]) {
		t.Fatalf("from %d: %v, want %v", from, got, want[from:])
	}
	if got := collect(v.Back(from)); !slices.Equal(got, back) {
		t.Fatalf("back from %d: %v, want %v", from, got, back)
	}
	checkScoreRange(t, &v, want, r)
}

func checkScoreRange(t *rapid.T, v *ZSet, want []pair, r *rand.Rand) {
	bound := func() float64 {
		return []float64{math.Inf(-1), math.Inf(1), want[r.IntN(len(want))].score, r.Float64() * 10}[r.IntN(4)]
	}
	rg := ScoreRange{bound(), bound(), r.IntN(2) == 0, r.IntN(2) == 0}
	var in []pair
	for _, p := range want {
		if (p.score > rg.Min || p.score == rg.Min && !rg.MinEx) && (p.score < rg.Max || p.score == rg.Max && !rg.MaxEx) {
			in = append(in, p)
		}
	}
	low, high := v.ScoreRange(rg)
	if !slices.Equal(want[low:high], in) {
		t.Fatalf("%+v is %v, want %v", rg, want[low:high], in)
	}
}

// TestZSetAgainstMap runs random histories against a sorted map, with every option of ZADD.
func TestZSetAgainstMap(t *testing.T) {
	scores := []float64{0, 1, -1, 0.1, 1e17, 1 << 62, -1e300, math.Inf(1), math.Inf(-1), math.Copysign(0, -1), 3, 4, 5}
	rapid.Check(t, func(t *rapid.T) {
		s := newShard()
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		key, model, large := []byte("key"), map[string]float64{}, false
		for range rapid.IntRange(1, 25).Draw(t, "rounds") {
			v := OpenZSet(s, s.Find(0, key, keyspace.Hash(key)))
			large = large && len(model) > 0
			members := 1 + r.IntN(12)
			for range r.IntN(30) {
				m := fmt.Sprint(r.IntN(members), strings.Repeat("x", r.IntN(5)/4*r.IntN(30)))
				switch r.IntN(4) {
				case 0:
					_, had := model[m]
					if v.Remove([]byte(m)) != had {
						t.Fatalf("%q was a member: %v", m, had)
					}
					delete(model, m)
				default:
					o := AddOptions{NX: r.IntN(5) == 0, XX: r.IntN(5) == 0, GT: r.IntN(5) == 0, LT: r.IntN(5) == 0, Increment: r.IntN(4) == 0}
					addBoth(t, &v, model, m, scores[r.IntN(len(scores))], o)
				}
				large = large || len(model) > 6 || len(m) > 20 && hasKey(model, m)
			}
			if n := len(model); n > 0 && r.IntN(5) == 0 {
				from := r.IntN(n)
				count := r.IntN(n - from + 1)
				v.RemoveRange(from, count)
				for _, p := range sortedPairs(model)[from : from+count] {
					delete(model, p.member)
				}
			}
			if _, ok := v.Put(0, key, keyspace.Hash(key)); !ok {
				t.Fatal("no room")
			}
			checkZSet(t, s, key, model, large, r)
		}
		if it := s.Find(0, key, keyspace.Hash(key)); it.OK() {
			s.Delete(it)
		}
		checkEmpty(t, s)
	})
}

func hasKey(model map[string]float64, m string) bool {
	_, ok := model[m]
	return ok
}

// addBoth adds to the set and to the model, by the words of the documentation of ZADD.
func addBoth(t *rapid.T, v *ZSet, model map[string]float64, m string, score float64, o AddOptions) {
	old, had := model[m]
	want := Updated
	next := score
	if o.Increment && had {
		next = old + score
	}
	switch {
	case had && o.NX || !had && o.XX:
		want = Nothing
	case had && next != next:
		want = NotANumber
	case had && (o.GT && next <= old || o.LT && next >= old):
		want = Nothing
	case had && next == old:
		want = Same
	case !had:
		want = Added
	}
	got, x := v.Add([]byte(m), score, o)
	if got != want || (got == Added || got == Updated || got == Same) && x != next {
		t.Fatalf("%q, %v to %v with %+v: outcome %d with %v, want %d with %v", m, old, score, o, got, x, want, next)
	}
	if got == Added || got == Updated {
		model[m] = next
	}
}

// TestLexRange holds ranges by bytes against a filter, where all scores are equal, and where a listpack's are not against the words
// of the server's source.
func TestLexRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-c]{0,3}`), 1, 12, rapid.ID[string]).Draw(t, "members")
		s := newShard()
		v := NewZSet(s)
		mixed := len(names) <= 6 && rapid.Bool().Draw(t, "mixed")
		for i, m := range names {
			v.Add([]byte(m), map[bool]float64{true: float64(i), false: 0}[mixed], AddOptions{})
		}
		if !mixed {
			slices.Sort(names)
		}
		bounds := rapid.OneOf(rapid.SampledFrom([]string{"-", "+"}), rapid.StringMatching(`[\[(][a-c]{0,3}`))
		low, high := bounds.Draw(t, "low"), bounds.Draw(t, "high")
		r, ok := ParseLexRange([]byte(low), []byte(high))
		if !ok {
			t.Fatalf("%q, %q: no range", low, high)
		}
		from, to := v.LexRange(r, false)
		if got, want := names[from:to], lexForward(names, low, high); !slices.Equal(got, want) {
			t.Fatalf("%q from %q to %q: %q, want %q", names, low, high, got, want)
		}
		from, to = v.LexRange(r, true)
		slices.Reverse(names)
		if got, want := names[len(names)-to:len(names)-from], lexBack(names, low, high); !slices.Equal(got, want) {
			t.Fatalf("%q back from %q to %q: %q, want %q", names, high, low, got, want)
		}
	})
}

func lexGE(m, bound string) bool {
	return bound == "-" || bound != "+" && (m > bound[1:] || m == bound[1:] && bound[0] == '[')
}

func lexLE(m, bound string) bool {
	return bound == "+" || bound != "-" && (m < bound[1:] || m == bound[1:] && bound[0] == '[')
}

// lexForward is what the server does: nothing if the ends are beyond the range, else the run from the first that is not below it.
func lexForward(names []string, low, high string) (in []string) {
	if !lexGE(names[len(names)-1], low) || !lexLE(names[0], high) {
		return nil
	}
	for _, m := range names {
		switch {
		case len(in) == 0 && !lexGE(m, low):
		case !lexLE(m, high):
			return in
		default:
			in = append(in, m)
		}
	}
	return in
}

// lexBack is the same for names in reverse order.
func lexBack(names []string, low, high string) (in []string) {
	if !lexGE(names[0], low) || !lexLE(names[len(names)-1], high) {
		return nil
	}
	for _, m := range names {
		switch {
		case len(in) == 0 && !lexLE(m, high):
		case !lexGE(m, low):
			return in
		default:
			in = append(in, m)
		}
	}
	return in
}

func TestParseRanges(t *testing.T) {
	inf := math.Inf(1)
	for in, want := range map[[2]string]ScoreRange{
		{"1", "(2.5"}: {1, 2.5, false, true}, {"(-inf", "+INF"}: {-inf, inf, true, false}, {"", "("}: {0, 0, false, true},
		{"0x10", "1e400"}: {16, inf, false, false}, {" 1", "2\x00x"}: {1, 2, false, false},
	} {
		if r, ok := ParseScoreRange([]byte(in[0]), []byte(in[1])); !ok || r != want {
			t.Errorf("%q: %+v, %v; want %+v", in, r, ok, want)
		}
	}
	for _, s := range []string{"x", "1 ", "((1", "nan", "(nan", "1(", " ", "[1"} {
		if r, ok := ParseScoreRange([]byte(s), []byte("1")); ok {
			t.Errorf("%q is %+v", s, r)
		}
	}
	for _, s := range []string{"", "a", "--", "+x", "1", "{a"} {
		if r, ok := ParseLexRange([]byte("-"), []byte(s)); ok {
			t.Errorf("%q is %+v", s, r)
		}
	}
}

// TestZSetNoAllocation: ZADD, ZINCRBY, ZRANK and ranges of a large set at a key allocate nothing.
func TestZSetNoAllocation(t *testing.T) {
	s, key := newShard(), []byte("key")
	h := keyspace.Hash(key)
	members := make([][]byte, 2000)
	v := NewZSet(s)
	for i := range members {
		members[i] = fmt.Append(nil, "member", i)
		v.Add(members[i], float64(i), AddOptions{})
	}
	v.Put(0, key, h)
	r, sum := rand.New(rand.NewPCG(1, 1)), 0.0
	if n := testing.AllocsPerRun(200, func() {
		v := OpenZSet(s, s.Find(0, key, h))
		m := members[r.IntN(len(members))]
		v.Add(m, r.Float64()*20, AddOptions{Increment: true})
		v.Put(0, key, h)
		rank, _ := v.Rank(m)
		low, _ := v.ScoreRange(ScoreRange{Min: 5, Max: 7})
		n := 0
		for _, x := range v.Back(rank) {
			sum += x
			if n++; n == 100 {
				break
			}
		}
		for _, x := range v.From(low) {
			sum += x
			if n++; n == 200 {
				break
			}
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzRanges holds that what is read as a range is one that every member and score is either in, below or above.
func FuzzRanges(f *testing.F) {
	for _, s := range []string{"(1", "-inf", "0x1p3", "nan", "[a", "(", "-", "+", "[", "-\x00x", " 1"} {
		f.Add([]byte(s), []byte("+inf"), 1.5)
		f.Add([]byte("-"), []byte(s), 0.0)
	}
	f.Fuzz(func(t *testing.T, low, high []byte, x float64) {
		if r, ok := ParseScoreRange(low, high); ok {
			if r.Min != r.Min || r.Max != r.Max {
				t.Fatalf("%q, %q: %+v", low, high, r)
			}
			if x == x && r.empty() && r.above(x) && r.below(x) {
				t.Fatalf("%v is in %+v, which is empty", x, r)
			}
		}
		if r, ok := ParseLexRange(low, high); ok {
			if r.empty() && r.above(high) && r.below(high) {
				t.Fatalf("%q is in %+v, which is empty", high, r)
			}
			if !r.Min.Exclusive && !r.above(low[1:]) || r.Min.Exclusive && r.Min.Infinite == 0 && r.above(low[1:]) {
				t.Fatalf("%q is on the wrong side of %q", low[1:], low)
			}
		}
	})
}
