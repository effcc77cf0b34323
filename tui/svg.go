package tui

import (
	"fmt"
	"html"
	"strings"

	"github.com/kvtool/kvtool/report/render"
)

// A character of a picture, in pixels.
const (
	charWidth  = 8.4
	lineHeight = 17
	svgMargin  = 10
)

// SVG draws a frame as a picture of a dark terminal: for documents and bug reports. A frame has one character a column, so each run of
// a style is put where it begins, whatever font there is.
func SVG(frame string) string {
	lines := strings.Split(strings.TrimRight(frame, "\n"), "\n")
	width := 0
	var b strings.Builder
	for y, line := range lines {
		column := 0
		for _, run := range runsOf(line) {
			n := render.Columns(run.text)
			x, top := svgMargin+float64(column)*charWidth, svgMargin+y*lineHeight
			if run.sgr == "7" {
				fmt.Fprintf(&b, "<rect class=\"c7\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>\n", x, top, float64(n)*charWidth, lineHeight)
			}
			if strings.TrimSpace(run.text) != "" {
				fmt.Fprintf(&b, "<text class=\"t%s\" x=\"%.1f\" y=\"%d\" textLength=\"%.1f\">%s</text>\n",
					strings.ReplaceAll(run.sgr, ";", "_"), x, top+13, float64(n)*charWidth, html.EscapeString(run.text))
			}
			column += n
		}
		width = max(width, column)
	}
	w, h := 2*svgMargin+float64(width)*charWidth, 2*svgMargin+len(lines)*lineHeight
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%d" viewBox="0 0 %.0f %d" role="img" aria-label="a screen of kvtool tui">
<style>text{font:14px ui-monospace,Menlo,Consolas,monospace;fill:#d0d7de;white-space:pre}.c7{fill:#d0d7de}.t7{fill:#0d1117}.t1{font-weight:bold;fill:#fff}
.t2{fill:#8b949e}.t36{fill:#56b4e9}.t1_31{font-weight:bold;fill:#ff7b72}.t33{fill:#e69f00}.t32{fill:#3fb950}</style>
<rect width="100%%" height="100%%" rx="6" fill="#0d1117"/>
%s</svg>
`, w, h, w, h, b.String())
}

// A styled is a run of text in one style, as SGR writes it.
type styled struct{ sgr, text string }

// runsOf takes a line of a frame apart.
func runsOf(line string) []styled {
	var out []styled
	for line != "" {
		before, rest, found := strings.Cut(line, "\x1b[")
		if before != "" {
			out = append(out, styled{"", before})
		}
		if !found {
			break
		}
		sgr, rest, _ := strings.Cut(rest, "m")
		text, after, _ := strings.Cut(rest, "\x1b[m")
		out = append(out, styled{sgr, text})
		line = after
	}
	return out
}
