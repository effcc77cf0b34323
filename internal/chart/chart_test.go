package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

// parse checks that s is XML, and returns the texts of its elements of the given name.
func parse(t *testing.T, s, name string) []string {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(s))
	var texts []string
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatalf("%v in:\n%s", err, s)
		}
		if e, ok := tok.(xml.StartElement); ok && e.Name.Local == name {
			var text string
			if err := d.DecodeElement(&text, &e); err != nil {
				t.Fatal(err)
			}
			texts = append(texts, text)
		}
	}
}

const hostile = `</title><script>alert(1)</script>&"'`

func TestPageSaysEverythingAsText(t *testing.T) {
	cells := []Cell{{"0-63", 1, "1"}, {"64-127", 9, "nine"}, {hostile, 3, hostile}}
	s := Page("all "+hostile, "what there is", Heatmap("keys", cells, "1", "9"), Bars("mem", cells))
	titles := parse(t, s, "title")
	for _, want := range []string{"all " + hostile, "0-63: 1", "64-127: nine", hostile + ": " + hostile} {
		n := 0
		for _, got := range titles {
			if got == want {
				n++
			}
		}
		if n == 0 {
			t.Errorf("no title %q", want)
		}
	}
	if strings.Contains(s, "<script") {
		t.Error("a label is markup")
	}
	if !strings.Contains(s, "outlined, the most: 64-127, nine") || !strings.Contains(s, `role="img"`) {
		t.Error("the greatest is not named, or the page has no role")
	}
}

func TestShadeOfCells(t *testing.T) {
	for _, c := range []struct {
		v, low, high float64
		want         int
	}{
		{0, 0, 6, 0},
		{0.9, 0, 6, 0},
		{1, 0, 6, 1},
		{5.9, 0, 6, 5},
		{6, 0, 6, 5},
		{3, 3, 3, 0},
		{math.NaN(), 0, 1, 0},
		{1, math.Inf(1), math.Inf(-1), 0},
	} {
		if got := shade(c.v, c.low, c.high); got != c.want {
			t.Errorf("shade(%g, %g, %g) = %d, want %d", c.v, c.low, c.high, got, c.want)
		}
	}
}

func TestEmpty(t *testing.T) {
	parse(t, Page("", "", Heatmap("", nil, "", ""), Bars("", nil)), "title")
	parse(t, Page("", ""), "title")
}

func TestShorten(t *testing.T) {
	long := strings.Repeat("ä", 100)
	if got := shorten(long); len([]rune(got)) != nameRune {
		t.Errorf("%d characters", len([]rune(got)))
	}
	if shorten("user:{id}") != "user:{id}" {
		t.Error("a short label was cut")
	}
}
