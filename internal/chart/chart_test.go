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

// A figure of a page is an element that has a name and a description of its own, and holds what the drawing has.
func TestFigure(t *testing.T) {
	ds := []Drawing{
		Treemap(hostile, []Tile{{Cell: Cell{"a" + hostile, 5, "five"}, Share: 0.9, ShareText: "90%"}, {Cell: Cell{"b", 1, "one"}, Share: math.NaN()}}, "no TTL"),
		Histogram(hostile, []Cell{{"<1h", 3, "three"}, {"a" + hostile, 5, "five"}, {"none", 0, "0"}}),
		Ranges(hostile, []Range{{"a" + hostile, 10, 1000, "five"}, {"unknown", 0, 0, "-"}}, []Tick{{1, "1 B"}, {math.NaN(), ""}}),
		Bars(hostile, []Cell{{"a" + hostile, 5, "five"}}),
		Heatmap(hostile, []Cell{{"a" + hostile, 5, "five"}}, "0", "5"),
	}
	for i, d := range ds {
		s := d.Figure("chart-7", "the table says it, too")
		if titles := parse(t, s, "title"); titles[0] != d.Title() || d.Title() != hostile {
			t.Errorf("figure %d is called %q", i, titles[0])
		}
		if about := parse(t, s, "desc"); len(about) != 1 || about[0] != "the table says it, too" {
			t.Errorf("figure %d is described as %q", i, about)
		}
		for _, want := range []string{`aria-labelledby="chart-7-title chart-7-about"`, "five", "a&lt;/title&gt;"} {
			if !strings.Contains(s, want) {
				t.Errorf("figure %d has no %s:\n%s", i, want, s)
			}
		}
		if strings.Contains(s, "NaN") || strings.Contains(s, "Inf") || strings.Contains(s, "<script") || strings.Contains(s, "%!") {
			t.Errorf("figure %d:\n%s", i, s)
		}
	}
	for _, d := range []Drawing{Treemap("", nil, ""), Histogram("", nil), Ranges("", nil, nil), Histogram("", make([]Cell, 2000))} {
		if s := d.Figure("x", ""); strings.Contains(s, "NaN") || strings.Contains(s, "Inf") {
			t.Errorf("of nothing: %s", s)
		}
	}
}
