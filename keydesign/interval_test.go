package keydesign

import (
	"math"
	"testing"
)

func TestWilson(t *testing.T) {
	for _, c := range []struct {
		part, whole int64
		want        float64
	}{{0, 100, 0}, {1, 10, 0.017876}, {5, 100, 0.021544}, {640, 9000, 0.065982}, {10, 10, 0.722467}} {
		if got := wilsonLow(c.part, c.whole); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%d of %d: %.6f, want %.6f", c.part, c.whole, got, c.want)
		}
	}
}
