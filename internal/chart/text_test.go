package chart

import (
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestBar(t *testing.T) {
	for _, c := range []struct {
		share float64
		width int
		ascii bool
		want  string
	}{
		{0, 4, false, ""},
		{math.NaN(), 4, false, ""},
		{-1, 4, false, ""},
		{1e-9, 4, false, "▏"},
		{0.5, 4, false, "██"},
		{0.53, 4, false, "██▏"},
		{1, 4, false, "████"},
		{7, 4, false, "████"},
		{math.Inf(1), 4, false, "████"},
		{0.5, 4, true, "##"},
		{1, 0, false, ""},
	} {
		if got := Bar(c.share, c.width, c.ascii); got != c.want {
			t.Errorf("Bar(%g, %d, %v) = %q, want %q", c.share, c.width, c.ascii, got, c.want)
		}
	}
}

func TestSpark(t *testing.T) {
	values := []float64{0, 1, math.NaN(), 8, -3}
	if got := Spark(values, false); got != "▁▂ █▁" {
		t.Errorf("%q", got)
	}
	if got := Spark(values, true); got != "_. @_" {
		t.Errorf("%q", got)
	}
	if got := Spark([]float64{0, 0}, false); got != "▁▁" {
		t.Errorf("nothing is %q", got)
	}
}

func TestShade(t *testing.T) {
	for v, want := range map[float64]rune{0: ' ', -1: ' ', 1e-9: '·', 25: '▒', 100: '█', 1000: '█'} {
		if got := Shade(v, 100, false); got != want {
			t.Errorf("Shade(%g of 100) = %q, want %q", v, got, want)
		}
	}
	if got := Shade(math.NaN(), 1, true); got != ' ' {
		t.Errorf("what is not known is %q", got)
	}
}

func TestColumns(t *testing.T) {
	got := Columns([]float64{1, 4, math.NaN(), 0, 16}, 2, false)
	if want := []string{"    █", "▁▄  █"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	got = Columns([]float64{1, 8, 16}, 2, true)
	if want := []string{"  #", ".##"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func anyValue() *rapid.Generator[float64] {
	return rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, 1, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, 5e-324}))
}

// Whatever the numbers are, charts of characters have their size, and with ascii no byte beyond.
func TestTextCharts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(anyValue(), 0, 50).Draw(t, "values")
		ascii := rapid.Bool().Draw(t, "ascii")
		height := rapid.IntRange(0, 6).Draw(t, "height")
		lines := Columns(values, height, ascii)
		if len(lines) != height {
			t.Fatalf("%d lines, want %d", len(lines), height)
		}
		for _, l := range append(lines, Spark(values, ascii)) {
			if utf8.RuneCountInString(l) != len(values) {
				t.Fatalf("%q for %d values", l, len(values))
			}
			if i := strings.IndexFunc(l, func(r rune) bool { return ascii && r > '~' }); i >= 0 {
				t.Fatalf("%q is not ASCII", l)
			}
		}
		for _, v := range values {
			if n := utf8.RuneCountInString(Bar(v, height, ascii)); n > height {
				t.Fatalf("a bar of %d in %d columns", n, height)
			}
			Shade(v, greatest(values), ascii)
		}
	})
}

func TestThin(t *testing.T) {
	values := []float64{1, 2, 3, 9, 5, 6, 7}
	if got := Thin(values, 3, greatest); !slices.Equal(got, []float64{2, 9, 7}) {
		t.Errorf("%v", got)
	}
	if got := Thin(values, 9, greatest); !slices.Equal(got, values) {
		t.Errorf("few are changed: %v", got)
	}
}
