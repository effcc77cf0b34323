// Package chart draws numbers: as SVG (treemaps, histograms, heat maps, bars, ranges, lines), and in the characters of a terminal.
// Numbers and their texts go in, a string comes out; it knows neither reports nor units.
//
// The one idea is that a picture says nothing that is not also text. Every cell and bar carries its label and value as a title,
// which screen readers speak and browsers show, the greatest is outlined and named below, and shades differ in lightness, so that
// they are told apart without colours and on paper. There are no scripts, no fonts and nothing from outside: a file is whole.
package chart

import (
	"fmt"
	"html"
	"strings"
)

// Width is that of every picture, in pixels.
const Width = 760

// A Drawing is a part of a page, drawn from its upper left corner.
type Drawing struct {
	height int
	title  string
	body   string
	lines  bool // needs lineStyle
	tiles  bool // needs tileStyle: treemaps, histograms, ranges
}

// Title is what the drawing is called.
func (d Drawing) Title() string { return d.title }

const (
	margin = 16
	line   = 18 // of text
)

// style draws for light and dark grounds alike.
const style = `text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#1b1f24}
.h{font-weight:bold}.d{fill:#57606a}.m{fill:none;stroke:#c2410c;stroke-width:2}.b{fill:#2a6fb0}.g{fill:#fff}
.s0{fill:#f1f5f9}.s1{fill:#cfe0f1}.s2{fill:#9ec3e3}.s3{fill:#5f9fd0}.s4{fill:#2a6fb0}.s5{fill:#0b3c6f}
@media screen and (prefers-color-scheme:dark){text{fill:#e6edf3}.d{fill:#9aa4af}.g{fill:#0d1117}
.s0{fill:#1b222b}.s1{fill:#123a5e}.s2{fill:#1c5a8c}.s3{fill:#2b6ea6}.s4{fill:#7db8e6}.s5{fill:#d6ebfc}.m{stroke:#fb923c}}`

// lineStyle is added for lines: grid, marks of what happened, and six kinds of line that differ in colour and dashes.
const lineStyle = `
.a{stroke:#d0d7de;stroke-width:1}.e{stroke:#c2410c;stroke-width:1;stroke-dasharray:2 3}.o{fill:transparent}.o:hover{fill:#c2410c}
.l{fill:none;stroke:#2a6fb0;stroke-width:1.8}.l1{stroke:#9a3412;stroke-dasharray:7 3}.l2{stroke:#166534;stroke-dasharray:2 3}
.l3{stroke:#6b21a8;stroke-dasharray:10 3 2 3}.l4{stroke:#57606a;stroke-dasharray:4 2}.l5{stroke:#0f766e;stroke-dasharray:12 4}
@media screen and (prefers-color-scheme:dark){.a{stroke:#30363d}.l{stroke:#7db8e6}.l1{stroke:#fdba74}.l2{stroke:#86efac}.l3{stroke:#d8b4fe}
.l4{stroke:#9aa4af}.l5{stroke:#5eead4}.e{stroke:#fb923c}}`

// tileStyle is added for treemaps, where words on dark shades have the colour of the ground, for histograms and for ranges.
const tileStyle = `
.w{fill:#fff}.k{fill:#c2410c}.r{stroke:#9ec3e3;stroke-width:6;stroke-linecap:round}
@media screen and (prefers-color-scheme:dark){.w{fill:#0d1117}.k{fill:#fb923c}.r{stroke:#1c5a8c}}`

// Style is what the figures of a page need, once; for a page whose style sheet nests it under a selector of theirs.
func Style() string { return style + lineStyle + tileStyle }

// Figure is a drawing as an element of a page that has Style: it is as wide as there is room. Its title and description have ids
// that begin with id.
func (d Drawing) Figure(id, description string) string {
	return fmt.Sprintf(`<svg class="chart" viewBox="0 %[1]d %[2]d %[3]d" role="img" aria-labelledby="%[4]s-title %[4]s-about">
<title id="%[4]s-title">%[5]s</title><desc id="%[4]s-about">%[6]s</desc>
%[7]s</svg>`, -line, Width-margin, d.height+line, html.EscapeString(id), html.EscapeString(d.title), html.EscapeString(description), d.body)
}

// Page puts drawings below each other.
func Page(title, description string, ds ...Drawing) string {
	height := margin + 2*line
	style, lines, tiles := style, false, false
	var b strings.Builder
	for _, d := range ds {
		fmt.Fprintf(&b, "<g transform=\"translate(%d,%d)\">\n%s</g>\n", margin, height, d.body)
		height += d.height + margin
		lines, tiles = lines || d.lines, tiles || d.tiles
	}
	if lines {
		style += lineStyle
	}
	if tiles {
		style += tileStyle
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-labelledby="title description">
<title id="title">%s</title>
<desc id="description">%s</desc>
<style>%s</style>
<rect class="g" width="100%%" height="100%%"/>
<text class="h" x="%d" y="%d">%s</text>
%s</svg>
`, Width, height, Width, height, html.EscapeString(title), html.EscapeString(description), style, margin, margin+line/2, html.EscapeString(title), b.String())
}

// A Cell is a number with what it is called and how it is written.
type Cell struct {
	Label string
	Value float64
	Text  string
}

// most returns the index of the greatest value, the first of several; -1 without cells.
func most(cells []Cell) int {
	at := -1
	for i := range cells {
		if at < 0 || cells[i].Value > cells[at].Value {
			at = i
		}
	}
	return at
}

func label(b *strings.Builder, class string, x, y int, text string) {
	fmt.Fprintf(b, "<text class=\"%s\" x=\"%d\" y=\"%d\">%s</text>\n", class, x, y, html.EscapeString(text))
}
