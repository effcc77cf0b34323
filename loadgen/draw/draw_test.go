package draw

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// chi2 returns the statistic of counts against probabilities, of the bins in which at least five are expected, and their number.
func chi2(counts []int, p func(i int) float64, n int) (x float64, bins int) {
	restCount, restP := n, 1.0
	for i, c := range counts {
		want := p(i) * float64(n)
		if want < 5 {
			break
		}
		x += (float64(c) - want) * (float64(c) - want) / want
		restCount, restP, bins = restCount-c, restP-p(i), bins+1
	}
	if want := restP * float64(n); want >= 5 {
		x += (float64(restCount) - want) * (float64(restCount) - want) / want
		bins++
	}
	return x, bins
}

// held fails unless ranks are drawn with the probabilities p. The bound is five deviations of the statistic: one false alarm in
// millions, were the seed not fixed.
func held(t *testing.T, name string, r Ranking, n int, p func(i int) float64) {
	t.Helper()
	const draws = 200_000
	src, counts := NewSource(1, 2), make([]int, n)
	for range draws {
		counts[r.Rank(src, int64(n))]++
	}
	x, bins := chi2(counts, p, draws)
	if free := float64(bins - 1); x > free+5*math.Sqrt(2*free) {
		t.Errorf("%s of %d: chi² %.0f with %.0f degrees of freedom", name, n, x, free)
	}
}

func TestRankings(t *testing.T) {
	const n = 1000
	held(t, "uniform", Uniform{}, n, func(int) float64 { return 1.0 / n })
	for _, a := range []float64{0.5, 0.99, 1, 1.2, 2.5} {
		sum := 0.0
		for i := range n {
			sum += math.Pow(float64(i+1), -a)
		}
		held(t, "zipf", Zipf{a}, n, func(i int) float64 { return math.Pow(float64(i+1), -a) / sum })
	}
	held(t, "hotspot", Hotspot{0.8, 100}, n, func(i int) float64 {
		if i < 100 {
			return 0.8 / 100
		}
		return 0.2 / (n - 100)
	})
	// Of the exponential law cut off at n, ranks of one bin have the mass between their bounds.
	e := Exponential{0.95, 0.5}
	scale := e.Within * n / -math.Log1p(-e.Share)
	all := -math.Expm1(-n / scale)
	held(t, "exponential", e, n, func(i int) float64 {
		return math.Exp(-float64(i)/scale) * -math.Expm1(-1/scale) / all
	})
}

// TestBounds: whatever the law and the population, ranks and numbers lie in it.
func TestBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 1<<50).Draw(t, "n")
		a := rapid.Float64Range(0.01, 5).Draw(t, "a")
		rankings := []Ranking{Uniform{}, Zipf{a}, Hotspot{rapid.Float64Range(0, 1).Draw(t, "share"), rapid.Int64Range(1, 1<<40).Draw(t, "keys")}, Exponential{0.95, 0.857}}
		src := NewSource(rapid.Uint64().Draw(t, "seed"), 1)
		for _, r := range rankings {
			for _, c := range []Chooser{NewScattered(r, n, 7), NewGrowing(r, n), NewSequence(n)} {
				if x := c.Choose(src); x < 0 || x >= n {
					t.Fatalf("%T %T: %d of %d", r, c, x, n)
				}
			}
		}
	})
}

// TestScattered: the popular are not neighbours, a shift makes others popular, and a crowd has its share.
func TestScattered(t *testing.T) {
	c, src := NewScattered(Zipf{1.5}, 1000, 3), NewSource(1, 1)
	top := func() (best int64, share float64) {
		counts := map[int64]int{}
		for range 20_000 {
			counts[c.Choose(src)]++
		}
		for k, n := range counts {
			if n > counts[best] {
				best = k
			}
		}
		return best, float64(counts[best]) / 20_000
	}
	first, share := top()
	c.Shift(nil, 500)
	second, _ := top()
	if first == second || share < 0.3 {
		t.Errorf("before the shift %d (%.2f), then %d", first, share, second)
	}
	c.Shift(Uniform{}, 0)
	if _, share := top(); share > 0.01 {
		t.Errorf("uniform: %.2f", share)
	}
	c.Crowd(0.4)
	if hot, share := top(); math.Abs(share-0.4) > 0.02 || hot == first || hot == second {
		t.Errorf("a crowd of 40%% has %.2f", share)
	}
	c.Crowd(0)
	if _, share := top(); share > 0.01 {
		t.Errorf("after the crowd %.2f", share)
	}
}

func TestGrowing(t *testing.T) {
	g, src := NewGrowing(Zipf{1.5}, 10), NewSource(1, 1)
	for range 90 {
		g.Grow()
	}
	newest := 0
	for range 1000 {
		if g.Choose(src) == 99 {
			newest++
		}
	}
	if newest < 300 {
		t.Errorf("the newest was chosen %d times of 1000", newest)
	}
}

func TestSizesAndTTLs(t *testing.T) {
	src := NewSource(5, 5)
	s := NewSize(schema.Dim{P50: 400, P99: 4096, Max: 10_000}, 0)
	const n = 100_000
	below, above := 0, 0
	for range n {
		switch d := s.Draw(src); {
		case d < 1 || d > 10_000:
			t.Fatal(d)
		case d <= 400:
			below++
		case d > 4096:
			above++
		}
	}
	if math.Abs(float64(below)/n-0.5) > 0.01 || math.Abs(float64(above)/n-0.01) > 0.002 {
		t.Errorf("%d up to the median, %d above the 99th percentile", below, above)
	}
	ttl := &schema.TTL{Policy: schema.TTLFixed, Value: 10 * time.Minute, Jitter: schema.Jitter{LowShare: -0.2, HighShare: 0.2}}
	low, high := time.Hour, time.Duration(0)
	for range 10_000 {
		d := TTL(ttl, time.Hour, src)
		low, high = min(low, d), max(high, d)
	}
	if low < 8*time.Minute || low > 8*time.Minute+10*time.Second || high > 12*time.Minute || high < 12*time.Minute-10*time.Second {
		t.Errorf("jittered from %s to %s", low, high)
	}
	if d := TTL(&schema.TTL{}, time.Hour, src); d != time.Hour {
		t.Error("no TTL is", d)
	}
	if d := TTL(ttl, time.Minute, src); d != time.Minute {
		t.Error("beyond the most", d)
	}
}

func TestWait(t *testing.T) {
	src, sum := NewSource(1, 9), time.Duration(0)
	for range 100_000 {
		sum += Wait(time.Millisecond, false, src)
	}
	if mean := sum / 100_000; mean < 980*time.Microsecond || mean > 1020*time.Microsecond {
		t.Error("mean", mean)
	}
	if Wait(time.Second, true, src) != time.Second {
		t.Error("a fixed wait")
	}
}

func TestAllocates(t *testing.T) {
	src, c := NewSource(1, 1), NewScattered(Zipf{0.99}, 1e6, 1)
	if n := testing.AllocsPerRun(1000, func() { c.Choose(src) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkZipf(b *testing.B) {
	src, c := NewSource(1, 1), NewScattered(Zipf{0.99}, 1e6, 1)
	b.ReportAllocs()
	for b.Loop() {
		c.Choose(src)
	}
}

// TestFixed: what a chooser has computed once draws the same ranks, also of a population that has grown meanwhile.
func TestFixed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z := Zipf{rapid.Float64Range(0.01, 5).Draw(t, "a")}
		n, grown := rapid.Int64Range(1, 1<<40).Draw(t, "n"), rapid.Int64Range(0, 1000).Draw(t, "grown")
		seed := rapid.Uint64().Draw(t, "seed")
		a, b := NewSource(seed, 1), NewSource(seed, 1)
		f := fixed(z, n)
		for range 50 {
			if x, y := z.Rank(a, n+grown), f.Rank(b, n+grown); x != y {
				t.Fatalf("rank %d, and %d by what was computed for %d", x, y, n)
			}
		}
	})
}
