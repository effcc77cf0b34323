package simulate

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/internal/random"
	"github.com/kvtool/kvtool/keydesign/schema"
)

func TestPermutation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 3000).Draw(t, "n")
		p := random.NewPermutation(n, rapid.Uint64().Draw(t, "seed"))
		seen := make([]bool, n)
		for i := range n {
			x := p.At(i)
			if x < 0 || x >= n || seen[x] {
				t.Fatalf("%d of %d becomes %d", i, n, x)
			}
			seen[x] = true
		}
	})
}

func TestZeta(t *testing.T) {
	for _, a := range []float64{0.5, 0.9, 1, 1.1, 2} {
		for _, n := range []int{1, 10, 999, 1000, 1001, 54_321} {
			want := 0.0
			for r := 1; r <= n; r++ {
				want += math.Pow(float64(r), -a)
			}
			if got := zeta(float64(n), a); math.Abs(got/want-1) > 1e-10 {
				t.Errorf("zeta(%d, %g) = %.12f, want %.12f", n, a, got, want)
			}
		}
	}
}

// Sizes have the median and the percentiles that are declared.
func TestQuantiles(t *testing.T) {
	q := quantilesOf(schema.Dim{P50: 600, P99: 2048, Max: 8192})
	if q.At(0.5) != 600 || math.Abs(float64(q.At(0.99))-2048) > 1 || q.At(1-1e-12) != 8192 || q.At(1e-12) < 1 {
		t.Errorf("%d, %d, %d", q.At(0.5), q.At(0.99), q.At(1-1e-12))
	}
	if same := quantilesOf(schema.Dim{P50: 7, P99: 7, Max: 7}); same.At(0.01) != 7 || same.At(0.99) != 7 {
		t.Error("a size alone is all sizes")
	}
	if up := quantilesOf(schema.Dim{P50: 1024, Max: 16384}); up.At(0.5) != 1024 || up.At(0.9) >= 16384 {
		t.Errorf("%d", up.At(0.9))
	}
}

// A sliding TTL starts anew with each use: keys that are used often have most of their life left.
func TestAges(t *testing.T) {
	for _, v := range []float64{0.01, 0.5, 0.99} {
		if a := ageOf(v, 100, 0); math.Abs(a-100*v) > 1e-6 {
			t.Errorf("unused: %g", a)
		}
		if a := ageOf(v, 100, 10); a > 1 {
			t.Errorf("used ten times a second, and %g s old", a)
		}
		if a := ageOf(v, 100, 0.01); a < 0 || a > 100 {
			t.Errorf("%g s old", a)
		}
	}
}

func TestGini(t *testing.T) {
	for _, c := range []struct {
		xs   []float64
		want float64
	}{{[]float64{1, 1, 1, 1}, 0}, {[]float64{0, 0, 0, 4}, 0.75}, {[]float64{1, 2, 3, 4}, 0.25}} {
		s := spreadOf(len(c.xs), func(i int) float64 { return c.xs[i] }, things{})
		if math.Abs(s.gini-c.want) > 1e-12 {
			t.Errorf("%v: %g, want %g", c.xs, s.gini, c.want)
		}
	}
}
