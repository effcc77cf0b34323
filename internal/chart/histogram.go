package chart

import (
	"fmt"
	"html"
	"strings"
)

// Parts of a histogram, in pixels.
const (
	histogramHeight = 150
	histogramWidth  = Width - 2*margin
	widestColumn    = 72
	columnRune      = 7.3
)

// Histogram draws cells as columns beside each other, in their order. Each has its label below and its value above, where there is
// room for them, and both as its title; the greatest always has them. None is negative.
func Histogram(title string, cells []Cell) Drawing {
	var b strings.Builder
	label(&b, "h", 0, 0, title)
	const top, base = 2 * line, 2*line + histogramHeight
	at := most(cells)
	high := 0.0
	if at >= 0 {
		high = cells[at].Value
	}
	step := min(histogramWidth/float64(max(1, len(cells))), widestColumn)
	every := spared(cells, step)
	for i := range cells {
		c := &cells[i]
		height := 0.0
		if high > 0 {
			height = max(0, c.Value/high*histogramHeight)
		}
		if c.Value > 0 {
			height = max(height, 1)
		}
		x, class := float64(i)*step, "b"
		if i == at {
			class = "b k"
		}
		middle := x + (step-2)/2
		fmt.Fprintf(&b, "<g><title>%s: %s</title><rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
			html.EscapeString(c.Label), html.EscapeString(c.Text), class, x, base-height, max(step-2, 0.5), height)
		if i == at || float64(len([]rune(c.Text)))*columnRune <= step-2 {
			centred(&b, "n", inside(middle, c.Text), base-height-5, c.Text)
		}
		if i%every == 0 {
			centred(&b, "d", inside(middle, c.Label), base+line-3, c.Label)
		}
		b.WriteString("</g>\n")
	}
	fmt.Fprintf(&b, "<line class=\"a\" x1=\"0\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>\n", base, step*float64(len(cells))-2, base)
	y := base + line
	if at >= 0 {
		y += line
		label(&b, "d", 0, y, "the most: "+cells[at].Label+", "+cells[at].Text)
	}
	return Drawing{height: y + line/2, title: title, body: b.String(), lines: true, tiles: true}
}

// spared returns how many columns share a label, so that labels do not touch: all of them, every second, fifth, tenth and so on.
func spared(cells []Cell, step float64) int {
	longest := 0
	for i := range cells {
		longest = max(longest, len([]rune(cells[i].Label)))
	}
	need := (float64(longest) + 1) * columnRune
	for every, i := 1, 0; ; i++ {
		if float64(every)*step >= need || every >= len(cells) {
			return every
		}
		every = []int{2, 5, 10}[i%3]
		for range i / 3 {
			every *= 10
		}
	}
}

// inside moves the middle of a text so that it does not leave the drawing.
func inside(middle float64, text string) float64 {
	half := float64(len([]rune(text))) * columnRune / 2
	return min(max(middle, half), histogramWidth-half)
}

func centred(b *strings.Builder, class string, x, y float64, text string) {
	fmt.Fprintf(b, "<text class=\"%s\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">%s</text>", class, x, y, html.EscapeString(text))
}
