package chart

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// A Band is a row of a map of time: what it is called, and a number for each stretch.
type Band struct {
	Name   string
	Values []float64
	Texts  []string // of each value
}

// Bands draws rows of shades over a common axis, the first band at the bottom. Shades go by the logarithm of the value, so that a few
// of a million show; what is nothing is not drawn. Ticks are at stretches.
func Bands(title string, bands []Band, ticks []Tick, least, greatest string) Drawing {
	var b strings.Builder
	label(&b, "h", 0, 0, title)
	const top = line / 2
	stretches, most := 0, 0.0
	for _, band := range bands {
		stretches = max(stretches, len(band.Values))
		for _, v := range band.Values {
			most = max(most, v)
		}
	}
	width := float64(Width-2*margin-plotLeft) / float64(max(1, stretches))
	for i, band := range bands {
		y := top + (len(bands)-1-i)*line
		fmt.Fprintf(&b, "<text class=\"d\" text-anchor=\"end\" x=\"%d\" y=\"%d\">%s</text>\n", plotLeft-6, y+line-5, html.EscapeString(band.Name))
		for j, v := range band.Values {
			if !(v > 0) {
				continue
			}
			shade := 1 + min(shades-2, int(math.Log1p(v)/math.Log1p(most)*(shades-1)))
			fmt.Fprintf(&b, "<rect class=\"s%d\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"><title>%s</title></rect>\n",
				shade, plotLeft+float64(j)*width, y, max(0.5, width-0.5), line-1, html.EscapeString(band.Texts[j]))
		}
	}
	y := top + len(bands)*line + line - 4
	for _, t := range ticks {
		fmt.Fprintf(&b, "<text class=\"d\" x=\"%.1f\" y=\"%d\">%s</text>\n", plotLeft+t.At*width, y, html.EscapeString(t.Text))
	}
	scale(&b, y+line, least, greatest)
	return Drawing{height: y + 2*line, title: title, body: b.String()}
}
