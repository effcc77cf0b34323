package chart

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The parts of a rectangle have areas in proportion to their weights, lie within it, and do not overlap.
func TestSquarify(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Float64Range(0, 1e6), 0, 60).Draw(t, "weights")
		if rapid.Bool().Draw(t, "sorted") {
			slices.SortFunc(weights, func(a, b float64) int { return int(math.Copysign(1, b-a)) })
		}
		w, h := rapid.Float64Range(1, 1000).Draw(t, "w"), rapid.Float64Range(1, 1000).Draw(t, "h")
		total := 0.0
		for _, v := range weights {
			total += v
		}
		rects := Squarify(weights, w, h)
		const tiny = 1e-6
		for i, r := range rects {
			want := 0.0
			if total > 0 {
				want = weights[i] / total * w * h
			}
			if math.Abs(r.W*r.H-want) > tiny*w*h {
				t.Fatalf("part %d has the area %g, not %g", i, r.W*r.H, want)
			}
			if r.X < -tiny || r.Y < -tiny || r.X+r.W > w+tiny*w || r.Y+r.H > h+tiny*h || r.W < 0 || r.H < 0 {
				t.Fatalf("part %d, %+v, is not within %g by %g", i, r, w, h)
			}
			for j, o := range rects[:i] {
				wide := min(r.X+r.W, o.X+o.W) - max(r.X, o.X)
				high := min(r.Y+r.H, o.Y+o.H) - max(r.Y, o.Y)
				if wide > tiny*w && high > tiny*h {
					t.Fatalf("parts %d and %d overlap by %g by %g", j, i, wide, high)
				}
			}
		}
	})
}

// The example of the paper: 6, 6, 4, 3, 2, 2, 1 in 6 by 4. Its first row is two squares of 3 by 2.
func TestSquarifyExample(t *testing.T) {
	got := Squarify([]float64{6, 6, 4, 3, 2, 2, 1}, 6, 4)
	for i, want := range []Rect{{0, 0, 3, 2}, {0, 2, 3, 2}} {
		if got[i] != want {
			t.Errorf("part %d is %+v, want %+v", i, got[i], want)
		}
	}
	for _, r := range got {
		if ratio := max(r.W/r.H, r.H/r.W); ratio > 3 {
			t.Errorf("%+v is far from a square", r)
		}
	}
}

func TestSquarifyOdd(t *testing.T) {
	for _, weights := range [][]float64{nil, {0}, {math.NaN(), -1, math.Inf(1)}, {1e300, 1e-300}, {math.MaxFloat64, math.MaxFloat64}} {
		for _, r := range Squarify(weights, 100, 100) {
			if !(r.W >= 0 && r.H >= 0 && r.X >= 0 && r.Y >= 0 && r.X+r.W < 101 && r.Y+r.H < 101) {
				t.Errorf("%v: %+v", weights, r)
			}
		}
	}
}
