package chart

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// An Interval is a number with the ends of where it may be. Text says all three.
type Interval struct {
	Label            string
	Low, Value, High float64
	Text             string
}

// Intervals draws a line for each interval with a dot at its value, over one axis on which nothing, zero, is marked. Ticks are places on
// that axis. One whose ends are not known is a dot.
func Intervals(title string, is []Interval, ticks []Tick) Drawing {
	var b strings.Builder
	label(&b, "h", 0, 0, title)
	low, high := 0.0, 0.0
	across := func(v float64) {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			low, high = min(low, v), max(high, v)
		}
	}
	for i := range is {
		across(is[i].Low)
		across(is[i].Value)
		across(is[i].High)
	}
	for _, t := range ticks {
		across(t.At)
	}
	const top = line / 2
	bottom := top + len(is)*line
	x := func(v float64) float64 { return names + longest*share(v, low, high) }
	for _, t := range ticks {
		class := "a"
		if t.At == 0 {
			class = "e"
		}
		fmt.Fprintf(&b, "<line class=\"%s\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>", class, x(t.At), top, x(t.At), bottom)
		centred(&b, "d", x(t.At), float64(bottom+line-3), t.Text)
	}
	for i := range is {
		v, y := &is[i], top+i*line
		fmt.Fprintf(&b, "<g><title>%s: %s</title>", html.EscapeString(v.Label), html.EscapeString(v.Text))
		label(&b, "n", 0, y+12, shorten(v.Label))
		if v.High >= v.Low {
			fmt.Fprintf(&b, "<line class=\"r\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>", x(v.Low), y+8, x(v.High), y+8)
		}
		if !math.IsNaN(v.Value) {
			fmt.Fprintf(&b, "<circle class=\"b\" cx=\"%.1f\" cy=\"%d\" r=\"4\"/>", x(v.Value), y+8)
		}
		label(&b, "d", numbers, y+12, v.Text)
		b.WriteString("</g>\n")
	}
	return Drawing{height: bottom + 2*line, title: title, body: b.String(), lines: true, tiles: true}
}
