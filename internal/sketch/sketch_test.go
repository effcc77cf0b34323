package sketch

import (
	"cmp"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func draw(t *rapid.T) []uint32 {
	kinds := rapid.OneOf(rapid.Uint32Range(0, 50), rapid.Uint32Range(1000, 9000), rapid.Uint32())
	return rapid.SliceOfN(kinds, 0, 300).Draw(t, "numbers")
}

// However numbers are split and ordered, the bins are the same, and so they are if the limit is lowered on the way.
func TestBinsDoNotDependOnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := draw(t)
		limit := rapid.IntRange(1, 40).Draw(t, "limit")
		want := NewBins(limit)
		for _, x := range numbers {
			want.Add(x)
		}
		parts := make([]Bins, rapid.IntRange(1, 5).Draw(t, "parts"))
		for i := range parts {
			parts[i] = NewBins(limit + rapid.IntRange(0, 30).Draw(t, "more"))
		}
		for i, x := range rapid.Permutation(numbers).Draw(t, "order") {
			parts[i%len(parts)].Add(x)
		}
		got := NewBins(2 * limit)
		for i := range parts {
			got.Merge(&parts[i])
		}
		got.Limit(limit)
		if !slices.Equal(want.at, got.at) || !slices.Equal(want.count, got.count) || want.shift != got.shift {
			t.Fatalf("%v, split %v", want, got)
		}
	})
}

func TestBinsHoldEveryNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := draw(t)
		b := NewBins(rapid.IntRange(1, 40).Draw(t, "limit"))
		for _, x := range numbers {
			b.Add(x)
		}
		if b.Len() > b.most() || b.Total() != uint64(len(numbers)) {
			t.Fatalf("%d bins of %d, %d numbers of %d", b.Len(), b.most(), b.Total(), len(numbers))
		}
		slices.Sort(numbers)
		for k, x := range numbers {
			if bin, ok := b.Rank(uint64(k)); !ok || x < bin.Low || x > bin.High {
				t.Fatalf("number %d is %d, its bin %+v", k, x, bin)
			}
		}
	})
}

func TestBinsCloneSharesNothing(t *testing.T) {
	var b Bins
	b.Add(1)
	c := b.Clone()
	c.Add(1)
	c.Add(2)
	if b.Total() != 1 || c.Total() != 3 {
		t.Errorf("%d and %d", b.Total(), c.Total())
	}
}

func TestQuantilesAreClose(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var q Quantiles
	var all []int64
	for range 100_000 {
		v := int64(math.Exp(rng.NormFloat64()*1.5 + 6)) // about ten octaves
		all = append(all, v)
		q.Add(v)
	}
	slices.Sort(all)
	for _, p := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
		got, ok := q.At(p)
		want := all[max(1, int(math.Ceil(p*float64(len(all)))))-1]
		if err := math.Abs(float64(got-want)) / float64(want); !ok || err > 0.02 && got-want > 1 {
			t.Errorf("p%v is %d, want %d", 100*p, got, want)
		}
	}
	if q.Max() != all[len(all)-1] || q.Count() != int64(len(all)) {
		t.Errorf("max %d, count %d", q.Max(), q.Count())
	}
}

func TestQuantilesOfFewNumbers(t *testing.T) {
	var q Quantiles
	if _, ok := q.At(0.5); ok {
		t.Error("nothing has a median")
	}
	for _, v := range []int64{0, 1, 56, 200, -3} {
		q.Add(v)
	}
	for p, want := range map[float64]int64{0: 0, 0.5: 1, 0.7: 56, 1: 200} {
		if got, _ := q.At(p); got != want {
			t.Errorf("p%v is %d, want %d", 100*p, got, want)
		}
	}
	q.Add(math.MaxInt64)
	if got, _ := q.At(1); got != math.MaxInt64 {
		t.Errorf("the greatest is %d", got)
	}
}

func TestTopIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOf(rapid.IntRange(0, 30)).Draw(t, "numbers")
		n := rapid.IntRange(0, 8).Draw(t, "n")
		parts := []*Top[int]{NewTop(n, cmp.Compare[int]), NewTop(n, cmp.Compare[int])}
		for i, x := range numbers {
			parts[i%2].Add(x)
		}
		parts[0].Merge(parts[1])
		slices.Sort(numbers)
		want := numbers[:min(n, len(numbers))]
		if got := parts[0].Sorted(); len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

func TestAddDoesNotAllocate(t *testing.T) {
	var q Quantiles
	for v := range int64(100_000) {
		q.Add(v)
	}
	v := int64(0)
	if n := testing.AllocsPerRun(1000, func() { v += 97; q.Add(v % 100_000) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkQuantilesAdd(b *testing.B) {
	var q Quantiles
	rng := rand.New(rand.NewPCG(1, 2))
	vs := make([]int64, 1<<16)
	for i := range vs {
		vs[i] = int64(math.Exp(rng.NormFloat64()*1.5 + 6))
	}
	for i := 0; b.Loop(); i++ {
		q.Add(vs[i&(1<<16-1)])
	}
}
