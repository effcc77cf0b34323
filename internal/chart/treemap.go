package chart

import (
	"fmt"
	"html"
	"strings"
)

// A Tile is a part of a treemap: its area is its value, and its shade is Share of something else, from 0 to 1; NaN is not known.
type Tile struct {
	Cell
	Share     float64
	ShareText string
	Rest      bool // stands for many that are not named
}

// Parts of a treemap, in pixels.
const (
	treemapHeight = 300
	tileGap       = 1.5
	tilePad       = 7
	tileRune      = 7.3 // width of a character
	tileLine      = 15
)

// Treemap draws tiles as areas of one rectangle, the greatest first. Labels stand in the tiles that have room for them; every tile
// has label, value and share as its title. Shares says what the shade is a share of; empty draws one shade.
func Treemap(title string, tiles []Tile, shares string) Drawing {
	var b strings.Builder
	label(&b, "h", 0, 0, title)
	const top, width = line / 2, Width - 2*margin
	weights := make([]float64, len(tiles))
	for i := range tiles {
		weights[i] = tiles[i].Value
	}
	for i, r := range Squarify(weights, width, treemapHeight) {
		if r.W > 2*tileGap && r.H > 2*tileGap {
			r.Y += top
			tiles[i].draw(&b, r, shares)
		}
	}
	y := top + treemapHeight + line
	if shares != "" {
		label(&b, "d", 0, y, "area: "+title+"; shade: "+shares)
		scale(&b, y, "0%", "100%")
		y += line
	}
	return Drawing{height: y, title: title, body: b.String(), tiles: true}
}

func (t *Tile) draw(b *strings.Builder, r Rect, shares string) {
	said := t.Label + ": " + t.Text
	if shares != "" && t.ShareText != "" {
		said += ", " + t.ShareText + " " + shares
	}
	shade := t.shade(shares)
	fmt.Fprintf(b, "<g><title>%s</title><rect class=\"t s%d\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2\"/>",
		html.EscapeString(said), shade, r.X, r.Y, r.W-tileGap, r.H-tileGap)
	room := int((r.W - 2*tilePad) / tileRune)
	if r.H >= tileLine+tilePad && room >= 4 {
		class := "n"
		if shade >= darkShade {
			class = "w"
		}
		at := r.Y + tileLine + 1
		fmt.Fprintf(b, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">%s</text>", class, r.X+tilePad, at, html.EscapeString(shortenTo(t.Label, room)))
		if r.H >= 2*tileLine+tilePad && len([]rune(t.Text)) <= room {
			fmt.Fprintf(b, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">%s</text>", class, r.X+tilePad, at+tileLine, html.EscapeString(t.Text))
		}
	}
	b.WriteString("</g>\n")
}

// darkShade is the shade from which text is drawn in the colour of the ground.
const darkShade = 4

// shade goes by the share. Without one it is light, and so is what stands for many.
func (t *Tile) shade(shares string) int {
	switch {
	case t.Rest:
		return 0
	case shares == "":
		return 2
	}
	return shade(t.Share, 0, 1)
}
