package render

import (
	"fmt"
	"slices"

	"github.com/kvtool/kvtool/internal/chart"
	"github.com/kvtool/kvtool/report"
)

// Columns that the page adds to a table where there is room: a bar beside a share of the whole, and what was found about
// the row. They say nothing that is not said elsewhere, so a bar is dropped before most columns of the report; but what was
// found makes one look twice, and the mark "!" takes no room.

// Widths from which a table gets them, the length of a bar, and how they rank among the columns of the report.
const (
	barsFrom    = 120
	barWidth    = 16
	rulesFrom   = 100
	rankOfBar   = 4
	rankOfRules = 2
	rankOfMark  = 1
)

// addBars puts a bar behind the first column of shares that add up to a whole. It must be called before rows are named.
func (g *grid) addBars(p *page, t *report.Table, rows [][]report.Value) {
	share := slices.IndexFunc(t.Columns, func(c report.Column) bool { return c.Unit == report.UnitRatio && c.Sum })
	if p.width < barsFrom || share < 0 {
		return
	}
	most := 0.0
	for _, row := range rows {
		n, _ := row[share].Number()
		most = max(most, n)
	}
	if most <= 0 {
		return
	}
	c := gridColumn{rank: rankOfBar, of: -1}
	for _, row := range rows {
		n, _ := row[share].Number()
		c.cells = append(c.cells, chart.Bar(n/most, barWidth, p.ascii))
	}
	at := slices.IndexFunc(g.cols, func(c gridColumn) bool { return c.of == share })
	g.cols = slices.Insert(g.cols, at+1, c)
}

// addFindings says beside each row which rules its name is the subject of: "KD040 +1", or where there is little room "!"
// for anything worse than info.
func (g *grid) addFindings(p *page, t *report.Table, rows [][]report.Value, fs []report.Finding) {
	if len(t.Columns) == 0 || t.Columns[0].Unit != report.UnitKey {
		return
	}
	c := gridColumn{title: "findings", rank: rankOfRules, of: -1}
	if p.width < rulesFrom {
		c.title, c.rank = "", rankOfMark
	}
	any := false
	for _, row := range rows {
		name, _ := row[0].Text()
		cell := aboutSubject(p, name, fs)
		any = any || cell != ""
		c.cells = append(c.cells, cell)
	}
	if any {
		g.cols = append(g.cols, c)
	}
}

// aboutSubject names the worst rule found about a subject and counts the others.
func aboutSubject(p *page, subject string, fs []report.Finding) string {
	first, more := "", 0
	for i := range fs {
		f := &fs[i]
		switch {
		case f.Subject != subject || !present(f):
		case p.width < rulesFrom:
			if f.Severity != report.Info {
				return "!"
			}
		case first == "":
			first = p.clean(f.Rule)
		case first != p.clean(f.Rule):
			more++
		}
	}
	if more > 0 {
		return fmt.Sprintf("%s +%d", first, more)
	}
	return first
}
