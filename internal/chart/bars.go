package chart

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// Parts of a line of bars, in pixels.
const (
	names    = 280
	longest  = 340
	numbers  = names + longest + 8
	nameRune = 37 // characters that stand in names
)

// Bars draws cells below each other, as long as they are great. None is negative.
func Bars(title string, cells []Cell) Drawing {
	var b strings.Builder
	label(&b, "h", 0, 0, title)
	high := 0.0
	if i := most(cells); i >= 0 {
		high = cells[i].Value
	}
	y := line / 2
	for i := range cells {
		c := &cells[i]
		width := 0.0
		if high > 0 {
			width = max(0, c.Value/high*longest)
		}
		fmt.Fprintf(&b, "<g><title>%s: %s</title>", html.EscapeString(c.Label), html.EscapeString(c.Text))
		label(&b, "n", 0, y+12, shorten(c.Label))
		fmt.Fprintf(&b, "<rect class=\"b\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"14\"/>", names, y+1, width)
		label(&b, "d", numbers, y+12, c.Text)
		b.WriteString("</g>\n")
		y += line
	}
	return Drawing{height: y + line/2, title: title, body: b.String()}
}

// shorten cuts a label in its middle, so that its ends are seen.
func shorten(s string) string { return shortenTo(s, nameRune) }

func shortenTo(s string, most int) string {
	n := utf8.RuneCountInString(s)
	if n <= most {
		return s
	}
	r := []rune(s)
	head := most * 2 / 3
	return string(r[:head]) + "…" + string(r[n-(most-head-1):])
}
