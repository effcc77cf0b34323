package chart

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	s := Page("p", "d", Lines(Plot{
		Title: "rate", XTicks: []Tick{{0, "0 s"}, {10, "10 s"}}, YTicks: []Tick{{0, "0/s"}, {100, "100/s"}},
		Lines: []Line{
			{"done", []Point{{0, 10, "10/s at 0 s"}, {5, math.NaN(), "?"}, {10, 90, "90/s at 10 s"}}},
			{hostile, []Point{{0, 100, hostile}}},
			{"nothing", []Point{{0, math.NaN(), ""}, {1, math.Inf(1), ""}}},
			{"no points", nil},
		},
		Marks: []Mark{{4, "flash crowd " + hostile}},
	}))
	titles := parse(t, s, "title")
	for _, want := range []string{"done, at most 90/s at 10 s", "done: 10/s at 0 s", hostile + ": " + hostile, "flash crowd " + hostile} {
		if !slices.Contains(titles, want) {
			t.Errorf("no title %q in %q", want, titles)
		}
	}
	texts := parse(t, s, "text")
	for _, want := range []string{"rate", "10 s", "100/s", "done", "max 90/s at 10 s", "1  flash crowd " + hostile} {
		if !slices.ContainsFunc(texts, func(s string) bool { return s == want || strings.HasPrefix(want, strings.TrimSuffix(s, "…")) }) {
			t.Errorf("no text %q in %q", want, texts)
		}
	}
	// The line of two points with a gap between them is not drawn through the gap.
	if !strings.Contains(s, `d="M76.0 207.0M`) {
		t.Errorf("no gap in:\n%s", s)
	}
	if strings.Contains(s, "<script") || strings.Contains(s, "NaN") || strings.Contains(s, "Inf") || strings.Contains(s, "nothing") {
		t.Errorf("in:\n%s", s)
	}
	parse(t, Page("", "", Lines(Plot{})), "title")
}

// A long line has a bounded number of points that speak, and its greatest is among them.
func TestLongLine(t *testing.T) {
	l := Line{Name: "l"}
	for i := range 86_400 {
		y := float64(i % 7)
		if i == 54_321 {
			y = 1000
		}
		l.Points = append(l.Points, Point{float64(i), y, fmt.Sprint(i)})
	}
	titles := parse(t, Page("", "", Lines(Plot{Lines: []Line{l}})), "title")
	if !slices.Contains(titles, "l: 54321") || len(titles) > dots+5 {
		t.Errorf("%d titles", len(titles))
	}
}
