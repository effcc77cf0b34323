package render

import (
	"cmp"
	"fmt"
	"html/template"
	"strings"

	"github.com/kvtool/kvtool/internal/chart"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// An htmlSection is a part of the page: numbers, and tables with what is drawn of them.
type htmlSection struct {
	ID, Title string
	Numbers   []named
	Parts     []htmlPart
}

type htmlPart struct {
	Figures []template.HTML
	Table   *htmlTable
	kind    Figure
}

// An htmlTable is a table of the page. Where it only says at length what a figure shows it is folded.
type htmlTable struct {
	Title, Caption, Summary string
	Folded, Open            bool
	Wide                    bool // more than paper takes
	Heads                   []htmlCell
	Rows                    []htmlRow
}

// paperColumns is how many columns of numbers stand beside each other on paper. A wider table stays folded there: a figure shows it.
const paperColumns = 10

type htmlRow struct {
	Rest  bool // stands for the rows that are left out
	Cells []htmlCell
}

type htmlCell struct {
	Text              string
	Head, Number, Key bool
	Badge             string
	Bar               string // how long the bar behind the number is, in hundredths
}

func (p *htmlPage) section(s *report.Section) htmlSection {
	out := htmlSection{ID: "section-" + anchor(s.Name), Title: p.clean(heading(cmp.Or(s.Title, s.Name)))}
	for i := range s.Metrics {
		m := &s.Metrics[i]
		text := p.clean(metric(m, p.o.ASCII))
		if m.How != "" {
			text += " (" + p.clean(m.How) + ")"
		}
		out.Numbers = append(out.Numbers, named{p.clean(strings.ReplaceAll(m.Name, "_", " ")), text})
	}
	if d, ok := changes(s, p.o); ok {
		out.Parts = append(out.Parts, htmlPart{Figures: []template.HTML{p.figure(d)}, kind: Changes})
	}
	for i := range s.Tables {
		t := &s.Tables[i]
		part := htmlPart{Figures: p.figures(s, t), Table: p.table(s, t), kind: FigureOf(t)}
		if part.Table != nil && len(part.Figures) > 0 {
			part.Table.Folded = true
			part.Table.Open = !isPlot(t) && t.Name != heatmapTable
			part.Table.Wide = !part.Table.Open && len(part.Table.Heads) > paperColumns
		}
		if part.Table != nil || len(part.Figures) > 0 {
			out.Parts = append(out.Parts, part)
		}
	}
	return out
}

// anchor makes a name part of an id.
func anchor(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, name)
}

// figures draws a table. The numbers of a figure stand in its marks, and in the table below it.
func (p *htmlPage) figures(s *report.Section, t *report.Table) []template.HTML {
	o := p.o
	o.Top = min(cmp.Or(o.Top, p.rows), p.rows)
	if o.Top > barRows {
		o.Top = 0
	}
	var out []template.HTML
	for _, d := range drawings(p.r, s, t, o) {
		out = append(out, p.figure(d))
	}
	return out
}

// figure writes a drawing. Everything in it that comes from outside was cleaned by us and escaped by package chart.
func (p *htmlPage) figure(d chart.Drawing) template.HTML {
	p.charts++
	return template.HTML(d.Figure(fmt.Sprintf("chart-%d", p.charts), "The table below it has the same numbers.")) //nolint:gosec // see above
}

// table returns a table as it is shown, nil if nothing is in it.
func (p *htmlPage) table(s *report.Section, t *report.Table) *htmlTable {
	rows, more := fold(t, p.rows)
	out := &htmlTable{Title: p.clean(heading(cmp.Or(t.Title, s.Title)))}
	out.Caption = out.Title
	var shown []int
	for c := range t.Columns {
		if col := &t.Columns[c]; !hidden(t, c) {
			shown = append(shown, c)
			title := cmp.Or(strings.TrimSpace(col.Title), strings.ReplaceAll(col.Name, "_", " "))
			out.Heads = append(out.Heads, htmlCell{Text: p.clean(title), Number: !isText(col.Unit)})
		}
	}
	if len(shown) == 0 || len(rows) == 0 && more == nil {
		return nil
	}
	most := sharesOf(t, rows)
	for _, row := range rows {
		out.Rows = append(out.Rows, htmlRow{Cells: p.cells(t, row, shown, most)})
	}
	all := t.Omitted + int64(len(t.Rows))
	out.Summary = "Table: " + humanize.Counted(all, "row")
	if more != nil {
		rest := htmlRow{Rest: true, Cells: []htmlCell{{Text: countMore(t, rows), Head: true, Number: !isText(t.Columns[shown[0]].Unit)}}}
		for _, c := range shown[1:] {
			rest.Cells = append(rest.Cells, htmlCell{Text: p.clean(moreCell(more[c], t.Columns[c], p.o.ASCII)), Number: !isText(t.Columns[c].Unit)})
		}
		out.Rows = append(out.Rows, rest)
		out.Caption += fmt.Sprintf(": the first %s of %s", humanize.Exact(int64(len(rows))), humanize.Exact(all))
	}
	return out
}

// sharesOf returns the greatest share among rows, if the table has shares of a whole; 0 if not.
func sharesOf(t *report.Table, rows [][]report.Value) float64 {
	most := 0.0
	for c, col := range t.Columns {
		if col.Unit != report.UnitRatio || !col.Sum {
			continue
		}
		for _, row := range rows {
			if n, ok := row[c].Number(); ok && n > most {
				most = n
			}
		}
		break
	}
	return most
}

// cells are the cells of a row. Behind the first column of shares that add up to a whole stands a bar.
func (p *htmlPage) cells(t *report.Table, row []report.Value, shown []int, most float64) []htmlCell {
	var out []htmlCell
	barred := false
	for i, c := range shown {
		col := &t.Columns[c]
		cell := htmlCell{Head: i == 0, Number: !isText(col.Unit), Text: p.clean(human(row[c], col.Unit, p.o.ASCII))}
		if s, ok := row[c].Text(); ok && col.Unit == report.UnitKey {
			cell.Key, cell.Text = true, p.name(s)
		}
		if n, ok := row[c].Number(); ok && col.Unit == report.UnitRatio && col.Sum && !barred && most > 0 {
			cell.Bar, barred = number(float64(int(n/most*100+0.5))), true
		}
		out = append(out, cell)
	}
	return out
}

// checks is the table of the limits that were set, nil if none were.
func (p *htmlPage) checks() *htmlTable {
	g := p.r.Gate
	if g == nil || len(g.Checks) == 0 {
		return nil
	}
	word := report.LimitsWord(g.Checks)
	t := &htmlTable{Title: upperFirst(word), Caption: "Each limit, and how the report stands against it", Heads: []htmlCell{{Text: strings.TrimSuffix(word, "s")}}}
	names := []string{"limit", "base", "measured"}
	if word == thresholds {
		names = names[2:]
	}
	for _, n := range names {
		t.Heads = append(t.Heads, htmlCell{Text: n, Number: true})
	}
	t.Heads = append(t.Heads, htmlCell{Text: "verdict"}, htmlCell{Text: "why"})
	for i := range g.Checks {
		c := &g.Checks[i]
		cells := []htmlCell{{Text: p.name(c.Name), Head: true, Key: true}}
		numbers := budgetNumbers(c, p.o.ASCII)
		for _, n := range numbers[len(numbers)-len(names):] {
			cells = append(cells, htmlCell{Text: p.clean(n), Number: true})
		}
		said, class := verdictWord(c.Verdict)
		if c.Verdict == report.Fail && c.Level != report.Error {
			class = "warning"
		}
		cells = append(cells, htmlCell{Text: said, Badge: class}, htmlCell{Text: strings.Join(notEmpty(overBy(c), p.clean(c.Why)), "; ")})
		t.Rows = append(t.Rows, htmlRow{Cells: cells})
	}
	return t
}
