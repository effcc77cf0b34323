package chart

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// A Range is where most of something lies: from its middle to its far end, on a scale of powers. Text says both.
type Range struct {
	Label       string
	Middle, End float64
	Text        string
}

// Ranges draws a line for each range over one logarithmic axis, with a dot in its middle. Ticks are places on that axis. What is
// not above 0 is not drawn, but named.
func Ranges(title string, rs []Range, ticks []Tick) Drawing {
	var b strings.Builder
	label(&b, "h", 0, 0, title)
	low, high := math.Inf(1), math.Inf(-1)
	across := func(v float64) {
		if v > 0 && !math.IsInf(v, 0) {
			low, high = min(low, math.Log10(v)), max(high, math.Log10(v))
		}
	}
	for i := range rs {
		across(rs[i].Middle)
		across(rs[i].End)
	}
	for _, t := range ticks {
		across(t.At)
	}
	const top = line / 2
	bottom := top + len(rs)*line
	x := func(v float64) float64 { return names + longest*share(math.Log10(v), low, high) }
	for _, t := range ticks {
		if t.At > 0 {
			fmt.Fprintf(&b, "<line class=\"a\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>", x(t.At), top, x(t.At), bottom)
			centred(&b, "d", x(t.At), float64(bottom+line-3), t.Text)
		}
	}
	for i := range rs {
		r, y := &rs[i], top+i*line
		fmt.Fprintf(&b, "<g><title>%s: %s</title>", html.EscapeString(r.Label), html.EscapeString(r.Text))
		label(&b, "n", 0, y+12, shorten(r.Label))
		if r.Middle > 0 && r.End >= r.Middle {
			fmt.Fprintf(&b, "<line class=\"r\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>", x(r.Middle), y+8, x(r.End), y+8)
			fmt.Fprintf(&b, "<circle class=\"b\" cx=\"%.1f\" cy=\"%d\" r=\"4\"/>", x(r.Middle), y+8)
		}
		label(&b, "d", numbers, y+12, r.Text)
		b.WriteString("</g>\n")
	}
	return Drawing{height: bottom + 2*line, title: title, body: b.String(), lines: true, tiles: true}
}
