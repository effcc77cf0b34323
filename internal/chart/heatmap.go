package chart

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Cells of a heat map, in pixels, and how many stand in a row.
const (
	cell    = 22
	gap     = 1
	columns = 32
)

const shades = 6

// Heatmap draws cells in rows, the darker the greater. Least and greatest are the texts of the ends of the scale.
func Heatmap(title string, cells []Cell, least, greatest string) Drawing {
	var b strings.Builder
	label(&b, "h", 0, 0, title)
	low, high := math.Inf(1), math.Inf(-1)
	for i := range cells {
		low, high = min(low, cells[i].Value), max(high, cells[i].Value)
	}
	top := line / 2
	for i := range cells {
		x, y := place(i)
		fmt.Fprintf(&b, "<rect class=\"s%d\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"><title>%s: %s</title></rect>\n",
			shade(cells[i].Value, low, high), x, top+y, cell, cell, html.EscapeString(cells[i].Label), html.EscapeString(cells[i].Text))
	}
	rows := (len(cells) + columns - 1) / columns
	y := top + rows*(cell+gap) + line
	if i := most(cells); i >= 0 {
		x, at := place(i)
		fmt.Fprintf(&b, "<rect class=\"m\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n", x, top+at, cell, cell)
		label(&b, "d", 0, y, "outlined, the most: "+cells[i].Label+", "+cells[i].Text)
	}
	scale(&b, y, least, greatest)
	return Drawing{height: y + line, title: title, body: b.String()}
}

// place returns where cell i is.
func place(i int) (x, y int) { return i % columns * (cell + gap), i / columns * (cell + gap) }

// scale draws the shades with the texts of their ends, at the right.
func scale(b *strings.Builder, y int, least, greatest string) {
	const swatch = 16
	x := Width - 2*margin - shades*swatch - 90
	fmt.Fprintf(b, "<text class=\"d\" text-anchor=\"end\" x=\"%d\" y=\"%d\">%s</text>\n", x-6, y, html.EscapeString(least))
	for i := range shades {
		fmt.Fprintf(b, "<rect class=\"s%d\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"12\"/>\n", i, x+i*swatch, y-10, swatch)
	}
	label(b, "d", x+shades*swatch+6, y, greatest)
}

// shade returns the shade of a value between low and high; all are the lightest where there is no difference.
func shade(v, low, high float64) int {
	if !(high > low) || math.IsNaN(v) {
		return 0
	}
	return min(shades-1, int((v-low)/(high-low)*shades))
}
