package join

import (
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A naive join is two maps.
type naive struct {
	exists map[uint64]bool
	refers []map[Pair]bool
}

func newNaive(relations int) *naive {
	n := &naive{exists: map[uint64]bool{}, refers: make([]map[Pair]bool, relations)}
	for r := range n.refers {
		n.refers[r] = map[Pair]bool{}
	}
	return n
}

// relation returns what a sample of the references of a relation should give.
func (n *naive) relation(r int, sample uint64) (want Relation) {
	to := map[uint64]int64{}
	for p := range n.refers[r] {
		if p.To%sample != 0 {
			continue
		}
		want.References++
		if !n.exists[p.To] {
			want.Missing++
			to[p.To]++
			want.Pairs = append(want.Pairs, p)
		}
	}
	for _, k := range to {
		want.Clusters++
		want.Squares += k * k
	}
	slices.SortFunc(want.Pairs, comparePairs)
	return want
}

func TestAgainstNaive(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		relations := rapid.IntRange(1, 3).Draw(t, "relations")
		opt := Options{
			Memory: rapid.SampledFrom([]int64{0, 1 << 20, 20_000, 4000}).Draw(t, "memory"),
			Spill:  rapid.SampledFrom([]string{"", dir}).Draw(t, "spill"),
			Sample: rapid.SampledFrom([]uint64{0, 1, 4}).Draw(t, "sample"),
		}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		n, j := newNaive(relations), New(relations, opt)
		keys := make([]uint64, 1+rng.IntN(300))
		for i := range keys {
			keys[i] = rng.Uint64()
		}
		b, other := j.Batch(), j.Batch()
		for range rng.IntN(6000) { // many come twice
			k := keys[rng.IntN(len(keys))]
			if rng.IntN(3) == 0 && k%5 != 0 {
				n.exists[k] = true
				check(t, b.Exists(k))
				continue
			}
			r, p := rng.IntN(relations), Pair{k, uint64(rng.IntN(50))}
			n.refers[r][p] = true
			check(t, other.Refers(r, p))
		}
		check(t, b.Flush())
		check(t, other.Flush())
		got, err := j.Finish()
		check(t, err)
		if opt.Spill != "" && got.Sample > max(1, opt.Sample) {
			t.Fatalf("a sample of 1 in %d, with a disk", got.Sample)
		}
		for r := range relations {
			want := n.relation(r, got.Sample)
			if !same(got.Relations[r], want) {
				t.Fatalf("relation %d, plan %s, 1 in %d: %+v, want %+v", r, got.Plan, got.Sample, got.Relations[r], want)
			}
		}
	})
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%d folders are left", len(left))
	}
}

func check(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

func same(a, b Relation) bool {
	slices.SortFunc(a.Pairs, comparePairs)
	return a.References == b.References && a.Missing == b.Missing && a.Clusters == b.Clusters && a.Squares == b.Squares &&
		slices.Equal(a.Pairs, b.Pairs)
}

// The interval of a sample holds the truth in at least 94 of 100 runs: few orphans and many, by themselves and many to one.
func TestCoverage(t *testing.T) {
	for _, c := range []struct {
		name           string
		missing, every int
		sample         uint64
	}{
		{"few", 100, 1, 16},
		{"many", 5000, 1, 16},
		{"five to one", 2000, 5, 16},
		{"half", 300, 1, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, uint64(c.missing)))
			const runs = 1000
			truth, held := 0, 0
			for i := range c.missing / c.every {
				truth += 1 + i%(2*c.every-1)
			}
			for range runs {
				j := New(1, Options{Sample: c.sample})
				b := j.Batch()
				for i := range c.missing / c.every {
					to := rng.Uint64()
					for k := range 1 + i%(2*c.every-1) {
						if err := b.Refers(0, Pair{to, uint64(k)}); err != nil {
							t.Fatal(err)
						}
					}
				}
				if err := b.Flush(); err != nil {
					t.Fatal(err)
				}
				res, err := j.Finish()
				if err != nil {
					t.Fatal(err)
				}
				_, low, high := res.Relations[0].Estimate(res.Sample)
				if low <= float64(truth) && float64(truth) <= high {
					held++
				}
			}
			t.Logf("%.1f %% of the intervals hold the truth", 100*float64(held)/runs)
			if held < runs*94/100 {
				t.Errorf("%d of %d intervals hold the truth", held, runs)
			}
		})
	}
}

// BenchmarkJoin is a stream of keys and references, one missing in a thousand, on disk beyond 256 MB.
func BenchmarkJoin(b *testing.B) {
	j := New(1, Options{Memory: 256 << 20, Spill: b.TempDir(), Keep: 1000})
	batch := j.Batch()
	for i := range b.N {
		h := mix(uint64(i / 4))
		if i%4 == 0 && i%1000 != 0 {
			_ = batch.Exists(h)
		}
		if err := batch.Refers(0, Pair{h, uint64(i)}); err != nil {
			b.Fatal(err)
		}
	}
	_ = batch.Flush()
	if _, err := j.Finish(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrefs/s")
}

// mix is the finisher of splitmix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
