package render

import (
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/chart"
	"github.com/kvtool/kvtool/report"
)

// heatRows is from how many rows on a map says more than its rows.
const heatRows = 32

// isHeat reports whether a table is one to be drawn as a map of shades.
func isHeat(t *report.Table) bool { return t.Name == heatmapTable && len(t.Rows) >= heatRows }

// heat draws a map of cells in rows, for the first column of bytes that is known, else the first that adds up.
func (t *text) heat(tab *report.Table, title string) {
	col := barColumn(tab)
	for c := range tab.Columns {
		if known := !hidden(tab, c) && tab.Columns[c].Sum; known && (col < 0 || hidden(tab, col)) {
			col = c
		}
	}
	if col < 0 {
		return
	}
	cells := barCells(tab.Rows, tab, col, t.o)
	greatest := slices.MaxFunc(cells, byValue)
	t.line(span{strings.ToUpper(t.clean(title)), bold}, span{text: "  " + t.clean(columnName(&tab.Columns[col], t.o)) +
		" of " + t.clean(cells[0].Label) + " and so on; the most: " + t.clean(greatest.Label) + ", " + t.clean(greatest.Text)})
	wide := heatRows
	if t.width >= 2*heatRows+20 {
		wide = 2 * heatRows
	}
	for from := 0; from < len(cells); from += wide {
		row := cells[from:min(from+wide, len(cells))]
		var b strings.Builder
		for i := range row {
			b.WriteRune(chart.Shade(row[i].Value, greatest.Value, t.o.ASCII))
		}
		t.line(span{text: padLeft(t.clean(row[0].Label), 12) + " "}, span{text: b.String()})
	}
}
