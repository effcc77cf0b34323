package sketch

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// However a stream is divided, every bound that Heavy promises holds against exact counts.
func TestHeavyHoldsItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		places := rapid.IntRange(1, 12).Draw(t, "places")
		parts := make([]*Heavy, rapid.IntRange(1, 5).Draw(t, "parts"))
		for i := range parts {
			parts[i] = NewHeavy(places)
		}
		exact, total := map[string]int64{}, int64(0)
		for i, k := range rapid.SliceOfN(rapid.IntRange(0, 40), 0, 400).Draw(t, "stream") {
			key, w := fmt.Sprint(k*k/40), int64(i%3+1)
			exact[key] += w
			total += w
			parts[rapid.IntRange(0, len(parts)-1).Draw(t, "part")].Add(key, w, HeavySums{w})
		}
		h := parts[0]
		for _, p := range parts[1:] {
			h.Merge(p)
		}
		checkHeavy(t, h, exact, total, places)
		h.Add("late", 7, HeavySums{7})
		exact["late"] += 7
		checkHeavy(t, h, exact, total+7, places)
	})
}

func checkHeavy(t *rapid.T, h *Heavy, exact map[string]int64, total int64, places int) {
	if h.Total() != total || h.Len() > places {
		t.Fatalf("total %d of %d, %d keys in %d places", h.Total(), total, h.Len(), places)
	}
	top, _ := h.Top(places)
	inTable := map[string]bool{}
	for _, e := range top {
		inTable[e.Key] = true
		if f := exact[e.Key]; f > e.Count || e.Count-e.Error > f || e.Error > total/int64(places) || e.Sums[0] > f {
			t.Fatalf("%+v, and the truth is %d of %d", e, f, total)
		}
	}
	for key, f := range exact {
		if !inTable[key] && (f > total/int64(places) || f > h.Bound()) {
			t.Fatalf("%q with %d of %d is not in the table; bound %d", key, f, total, h.Bound())
		}
	}
	counts := make([]int64, 0, len(exact))
	for _, f := range exact {
		counts = append(counts, f)
	}
	slices.SortFunc(counts, func(a, b int64) int { return int(b - a) })
	for n := 1; n <= len(top); n++ {
		some, next := h.Top(n)
		for _, e := range some {
			if e.Count-e.Error >= next && exact[e.Key] < counts[min(n, len(counts))-1] {
				t.Fatalf("%+v is said to be among the first %d of %v", e, n, counts)
			}
		}
	}
}

// The targets of issue 8: precision at 100 of at least .98 from Zipf .8 to 1.2 in one pass of ten million accesses, merged from
// eight shards; every key that is called guaranteed is truly one of the hundred; the exponent within .05 (drift.md).
func TestHeavyPrecision(t *testing.T) {
	draws := 1_000_000 // fewer accesses are harder: the hundredth and the next are closer to each other
	if os.Getenv("KVTOOL_SOAK") != "" {
		draws = 10_000_000
	}
	for _, c := range []struct {
		s             float64
		draws, shards int
	}{{0.8, draws, 8}, {0.99, 1_000_000, 8}, {1.2, draws, 8}, {0.8, 1_000_000, 1}} {
		precision, wrong, alpha := heavyPrecision(c.s, c.draws, c.shards)
		t.Logf("zipf %.2f, %d accesses, %d shards: precision@100 %.2f, exponent %.3f", c.s, c.draws, c.shards, precision, alpha)
		if precision < 0.98 || wrong > 0 || math.Abs(alpha-c.s) > 0.05 {
			t.Errorf("zipf %.2f, %d shards: precision@100 %.2f, %d guaranteed keys are wrong, exponent %.3f", c.s, c.shards, precision,
				wrong, alpha)
		}
	}
}

// heavyPrecision draws from half a million keys. The exact counts decide which keys are the hundred hottest; a key that has as
// many as the hundredth is one of them.
func heavyPrecision(s float64, draws, shards int) (precision float64, wrong int, alpha float64) {
	const keys = 500_000
	rng := rand.New(rand.NewPCG(uint64(s*100), 8))
	next := zipf(keys, s, rng)
	parts := make([]*Heavy, shards)
	for i := range parts {
		parts[i] = NewHeavy(10_000)
	}
	names := make([]string, keys)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	exact := make([]int64, keys)
	for range draws {
		k := next()
		exact[k]++
		parts[rng.IntN(shards)].Add(names[k], 1, HeavySums{})
	}
	h := parts[0]
	for _, p := range parts[1:] {
		h.Merge(p)
	}
	counts := slices.Clone(exact)
	slices.SortFunc(counts, func(a, b int64) int { return int(b - a) })
	top, bound := h.Top(100)
	hits := 0
	for _, e := range top {
		k, _ := strconv.Atoi(e.Key)
		truly := exact[k] >= counts[99]
		if truly {
			hits++
		}
		if !truly && e.Count-e.Error >= bound {
			wrong++
		}
	}
	var head []float64
	more, _ := h.Top(1000)
	for _, e := range more {
		head = append(head, float64(e.Count)-float64(e.Error)/2)
	}
	alpha, _, _ = Zipf(head)
	return float64(hits) / 100, wrong, alpha
}

// zipf returns draws of ranks from 0, by the alias method (A. J. Walker, 1977): one look into a table a draw.
func zipf(n int, s float64, rng *rand.Rand) func() int {
	share, sum := make([]float64, n), 0.0
	for i := range share {
		share[i] = math.Pow(float64(i+1), -s)
		sum += share[i]
	}
	alias := make([]int32, n)
	var small, large []int32
	for i := range share {
		share[i] *= float64(n) / sum
		if share[i] < 1 {
			small = append(small, int32(i))
		} else {
			large = append(large, int32(i))
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		alias[s] = l
		if share[l] -= 1 - share[s]; share[l] < 1 {
			large, small = large[:len(large)-1], append(small, l)
		}
	}
	for _, i := range append(small, large...) {
		share[i] = 1
	}
	return func() int {
		i := rng.IntN(n)
		if rng.Float64() < share[i] {
			return i
		}
		return int(alias[i])
	}
}

// The exponent from full counts: within .03 (drift.md, section 11).
func TestZipf(t *testing.T) {
	for _, s := range []float64{0.6, 0.8, 0.99, 1.2} {
		next := zipf(500_000, s, rand.New(rand.NewPCG(7, uint64(100*s))))
		counts := make([]float64, 500_000)
		for range 1_000_000 {
			counts[next()]++
		}
		slices.SortFunc(counts, func(a, b float64) int { return int(b - a) })
		n := 0
		for n < 1000 && counts[n] >= 20 {
			n++
		}
		alpha, ks, ok := Zipf(counts[:n])
		if !ok || math.Abs(alpha-s) > 0.03 || ks > 0.03 {
			t.Errorf("zipf %.2f is read as %.3f (distance %.3f, %d ranks)", s, alpha, ks, n)
		}
	}
	if _, ks, _ := Zipf([]float64{50, 50, 50, 50, 50, 50, 50, 50, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}); ks < 0.1 {
		t.Errorf("a step is called Zipf, distance %.3f", ks)
	}
	if _, _, ok := Zipf([]float64{3}); ok {
		t.Error("one key has an exponent")
	}
}

func BenchmarkHeavyAdd(b *testing.B) {
	next := zipf(500_000, 0.99, rand.New(rand.NewPCG(1, 2)))
	keys := make([]string, 1<<20)
	for i := range keys {
		keys[i] = fmt.Sprint("key:", next())
	}
	h := NewHeavy(10_000)
	for i := 0; b.Loop(); i++ {
		h.Add(keys[i&(1<<20-1)], 1, HeavySums{1})
	}
}
