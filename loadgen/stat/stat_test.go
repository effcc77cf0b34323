package stat

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func near(a, b, by float64) bool { return math.Abs(a-b) <= by }

func TestWilson(t *testing.T) {
	// Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
	for _, c := range [][4]float64{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}} {
		low, high := Wilson(c[0], c[1])
		if !near(low, c[2], 5e-5) || !near(high, c[3], 5e-5) {
			t.Errorf("%v of %v: %.4f to %.4f, want %v to %v", c[0], c[1], low, high, c[2], c[3])
		}
	}
	if low, high := Wilson(0, 0); low != 0 || high != 1 {
		t.Errorf("of nothing: %v to %v", low, high)
	}
}

func TestStudentZ(t *testing.T) {
	for n, want := range map[int]float64{1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 9: 2.262, 30: 2.042, 1000: 1.962} {
		if got := StudentZ(n); !near(got, want, 0.006*want) {
			t.Errorf("%d degrees: %.3f, want %.3f", n, got, want)
		}
	}
}

// The chances of rank sums are those of all signs tried out.
func TestSignedRank(t *testing.T) {
	for n := 1; n <= 12; n++ {
		counts := make([]float64, n*(n+1)/2+1)
		for signs := range 1 << n {
			sum := 0
			for rank := 1; rank <= n; rank++ {
				if signs>>(rank-1)&1 == 1 {
					sum += rank
				}
			}
			counts[sum]++
		}
		total := 0.0
		for sum, got := range signedRank(n) {
			total += counts[sum] / float64(int(1)<<n)
			if !near(got, total, 1e-12) {
				t.Fatalf("n=%d: %v up to %d, want %v", n, got, sum, total)
			}
		}
	}
}

// The interval and the test say the same: zero is outside where p is small. And 95 % of intervals hold the truth.
func TestPaired(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const of = 4000
	missed := 0
	for range of {
		ds := make([]float64, 10)
		for i := range ds {
			ds[i] = 0.3 + rng.NormFloat64()
		}
		s := Paired(ds)
		if outside := s.Low > 0 || s.High < 0; outside != (s.P <= 0.05) {
			t.Fatalf("%v: %+v", ds, s)
		}
		if s.Low > s.At || s.High < s.At {
			t.Fatalf("%+v", s)
		}
		if s.Low > 0.3 || s.High < 0.3 {
			missed++
		}
	}
	if low, high := Wilson(float64(missed), of); low > 0.05 || high < 0.035 {
		t.Errorf("%d of %d intervals missed", missed, of)
	}
	if s := Paired(nil); !math.IsInf(s.Low, -1) || s.P != 1 {
		t.Errorf("of nothing: %+v", s)
	}
	if s := Paired([]float64{1, 2, 3, 4, 5}); !math.IsInf(s.High, 1) || s.P != 2.0/32 || s.At != 3 {
		t.Errorf("of five: %+v", s)
	}
	if s := Paired([]float64{0, 0, 0, 0, 0, 0}); s.P != 1 || s.At != 0 {
		t.Errorf("of zeros: %+v", s)
	}
}

func TestPairsFor(t *testing.T) {
	for metrics, want := range []int{1: 6, 2: 7, 4: 8, 10: 9} {
		if got := PairsFor(metrics); want > 0 && got != want {
			t.Errorf("%d metrics: %d, want %d", metrics, got, want)
		}
	}
}

func TestHolm(t *testing.T) {
	if got := Holm([]float64{0.03, 0.01, 0.04}); !near(got[0], 0.06, 1e-12) || !near(got[1], 0.03, 1e-12) || !near(got[2], 0.06, 1e-12) {
		t.Error(got)
	}
	rapid.Check(t, func(t *rapid.T) {
		ps := rapid.SliceOfN(rapid.Float64Range(0, 1), 1, 8).Draw(t, "p")
		for i, p := range Holm(ps) {
			if p < ps[i] || p > min(1, ps[i]*float64(len(ps))) {
				t.Fatalf("%v of %v", p, ps[i])
			}
		}
	})
}

// regression returns a series in which each value remembers a part of the one before.
func regression(rng *rand.Rand, n int, memory float64) []float64 {
	xs := make([]float64, n)
	for i := range xs {
		if xs[i] = rng.NormFloat64(); i > 0 {
			xs[i] += memory * xs[i-1]
		}
	}
	return xs
}

func TestBlockLength(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	if got := BlockLength(regression(rng, 2000, 0)); got != 1 {
		t.Errorf("independent: %d", got)
	}
	// The means of blocks of m of a first-order series are correlated by about a/(m(1-a²)), which is 0.1 at 22 for a = 0.8.
	if got := BlockLength(regression(rng, 20_000, 0.8)); got < 12 || got > 45 {
		t.Errorf("dependent: %d", got)
	}
	if got := BlockLength([]float64{1, 2, 3, 4, 5, 6, 7, 8}); got != 8 {
		t.Errorf("a trend has no blocks: %d", got)
	}
	if a := Autocorrelation([]float64{1, 1, 1}); a != 0 {
		t.Errorf("of what does not vary: %v", a)
	}
}

// Shares of bursts: the interval holds the truth in about 95 of 100, which that of independent samples does in fewer than 60.
func TestShare(t *testing.T) {
	const of, blocks, each = 2000, 30, 1000
	rng := rand.New(rand.NewPCG(5, 6))
	missed, naive := 0, 0
	for range of {
		bs := make([]Block, blocks)
		var over float64
		for i := range bs {
			p := 0.002
			if rng.IntN(4) == 0 {
				p = 0.034 // one second of four has nearly all
			}
			for range int(float64(each)*p + rng.NormFloat64()*math.Sqrt(each*p) + 0.5) {
				bs[i].Over++
			}
			bs[i].Samples = each
			over += float64(bs[i].Over)
		}
		if low, high := Share(bs); low > 0.01 || high < 0.01 {
			missed++
		}
		if low, high := Wilson(over, blocks*each); low > 0.01 || high < 0.01 {
			naive++
		}
	}
	t.Logf("missed %d of %d, as independent samples %d", missed, of, naive)
	if missed > of/10 || naive < of*4/10 {
		t.Errorf("missed %d of %d, as independent samples %d", missed, of, naive)
	}
	if low, high := Share([]Block{{100, 1}}); low != 0 || high != 1 {
		t.Errorf("of one block: %v to %v", low, high)
	}
	if low, high := Share([]Block{{1000, 0}, {1000, 0}, {1000, 0}}); low > 1e-9 || high > 0.002 {
		t.Errorf("of none over: %v to %v", low, high)
	}
}

func TestStudentP(t *testing.T) {
	// The 97.5 % and 99.5 % points of Student's distribution, of which the tables have three decimals.
	for _, c := range []struct{ degrees, t, want float64 }{
		{1, 12.706, 0.05},
		{2, 4.303, 0.05},
		{5, 2.571, 0.05},
		{18, 2.101, 0.05},
		{30, 2.042, 0.05},
		{1000, 1.962, 0.05},
		{1, 63.657, 0.01},
		{9, 3.250, 0.01},
		{120, 2.617, 0.01},
		{7, 0, 1},
	} {
		if got := StudentP(c.t, c.degrees); !near(got, c.want, 0.001*c.want+1e-6) && !near(got, c.want, 3e-4) {
			t.Errorf("%v of %v degrees: %v, want %v", c.t, c.degrees, got, c.want)
		}
		if got, other := StudentP(c.t, c.degrees), StudentP(-c.t, c.degrees); got != other {
			t.Errorf("%v: %v on one side, %v on the other", c.t, got, other)
		}
	}
	if StudentP(math.NaN(), 5) != 1 || StudentP(3, 0) != 1 || StudentP(math.Inf(-1), 1) != 0 {
		t.Error("what is no number, or of no degrees, or infinite")
	}
	rapid.Check(t, func(t *rapid.T) {
		degrees := rapid.Float64Range(0.5, 500).Draw(t, "degrees")
		x, y := rapid.Float64Range(0, 50).Draw(t, "x"), rapid.Float64Range(0, 50).Draw(t, "y")
		p, q := StudentP(min(x, y), degrees), StudentP(max(x, y), degrees)
		if p < q-1e-9 || p > 1 || q < 0 {
			t.Fatalf("%v, then %v", p, q)
		}
	})
}

func TestWelch(t *testing.T) {
	// The variances are 12 of three and 4 of four, those of the means 4 and 1: t = 5/√5, degrees (4+1)²/(4²/2 + 1²/3).
	got, degrees := Welch([]float64{10 - math.Sqrt(12), 10, 10 + math.Sqrt(12)}, []float64{15 - math.Sqrt(6), 15, 15, 15 + math.Sqrt(6)})
	if !near(got, math.Sqrt(5), 1e-12) || !near(degrees, 25/(8+1.0/3), 1e-12) {
		t.Errorf("%v of %v degrees", got, degrees)
	}
	if got, _ := Welch([]float64{1, 1}, []float64{1, 1}); got != 0 {
		t.Errorf("of the same: %v", got)
	}
	if got, _ := Welch([]float64{1, 1}, []float64{0.5, 0.5}); !math.IsInf(got, -1) {
		t.Errorf("of what does not vary: %v", got)
	}
	if got, _ := Welch([]float64{1}, []float64{2, 3}); !math.IsNaN(got) {
		t.Errorf("of one: %v", got)
	}
}

// The interval of a difference of means is that of the textbooks, holds the truth in 95 of 100, and agrees with P.
func TestInverted(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	const of = 4000
	missed := 0
	for range of {
		a, b := make([]float64, 10), make([]float64, 10)
		for i := range a {
			a[i], b[i] = rng.NormFloat64(), 0.8+1.5*rng.NormFloat64()
		}
		at := mean(b) - mean(a)
		s := Inverted(at, func(shift float64) (float64, float64) {
			moved := make([]float64, len(b))
			for i := range b {
				moved[i] = b[i] - shift
			}
			return Welch(a, moved)
		})
		if s.Low > at || s.High < at || !near(at-s.Low, s.High-at, 1e-5) {
			t.Fatalf("%+v", s)
		}
		if outside := s.Low > 0 || s.High < 0; outside != (s.P <= 0.05) && !near(s.P, 0.05, 1e-4) {
			t.Fatalf("%+v", s)
		}
		if s.Low > 0.8 || s.High < 0.8 {
			missed++
		}
	}
	if low, high := Wilson(float64(missed), of); low > 0.05 || high < 0.04 {
		t.Errorf("%d of %d intervals missed", missed, of)
	}
	if s := Inverted(math.NaN(), nil); s.P != 1 || !math.IsInf(s.High, 1) {
		t.Errorf("of nothing: %+v", s)
	}
	if s := Inverted(1, func(float64) (float64, float64) { return 0, 5 }); s.P != 1 || !math.IsInf(s.Low, -1) {
		t.Errorf("where nothing is refused: %+v", s)
	}
}
