package render

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/chart"
	"github.com/kvtool/kvtool/report"
)

// heatmapTable is the name of tables that are drawn as a map, and not as bars.
const heatmapTable = "heatmap"

// barRows is how many bars a table gets where the user does not say.
const barRows = 12

// SVG draws the report: each of its tables as FigureOf says.
func SVG(w io.Writer, r *report.Report, o Options) error {
	r = o.Keys.apply(r)
	section, table, _ := strings.Cut(o.Section, ".")
	if section != "" && r.Section(section) == nil {
		return noSection(r, section)
	}
	var ds []chart.Drawing
	for i := range r.Sections {
		s := &r.Sections[i]
		if section != "" && s.Name != section {
			continue
		}
		if d, ok := changes(s, o); ok && table == "" {
			ds = append(ds, d)
		}
		for j := range s.Tables {
			if table == "" || s.Tables[j].Name == table {
				ds = append(ds, drawings(r, s, &s.Tables[j], o)...)
			}
		}
	}
	title := "kvtool " + r.Kind + " " + clean(r.Target.URL, o.ASCII)
	about := strings.Join(strings.Fields(clean(r.Target.Product+" "+r.Target.Version, o.ASCII)+": "+counts(r)), " ")
	if len(ds) == 0 {
		about = "nothing in this report can be drawn"
		title += ": " + about
	}
	_, err := io.WriteString(w, chart.Page(title, about, ds...))
	return err
}

func heatmap(t *report.Table, c int, o Options) chart.Drawing {
	cs := barCells(t.Rows, t, c, o)
	least := slices.MinFunc(cs, byValue)
	greatest := slices.MaxFunc(cs, byValue)
	return chart.Heatmap(columnName(&t.Columns[0], o)+": "+columnName(&t.Columns[c], o), cs, least.Text, greatest.Text)
}

func byValue(a, b chart.Cell) int { return cmp.Compare(a.Value, b.Value) }

// barCells are rows as their first column and one number.
func barCells(rows [][]report.Value, t *report.Table, c int, o Options) []chart.Cell {
	cs := make([]chart.Cell, len(rows))
	for i, row := range rows {
		n, _ := row[c].Number()
		cs[i] = chart.Cell{Label: rowName(t, row, o), Value: n, Text: human(row[c], t.Columns[c].Unit, o.ASCII)}
	}
	return cs
}

// barColumn returns the column to draw: the first of bytes that adds up, else the first that does; -1 if none does.
func barColumn(t *report.Table) int {
	sums := func(c report.Column) bool { return c.Sum }
	if c := slices.IndexFunc(t.Columns, func(c report.Column) bool { return c.Sum && c.Unit == report.UnitBytes }); c >= 0 {
		return c
	}
	return slices.IndexFunc(t.Columns, sums)
}

func columnName(c *report.Column, o Options) string {
	return clean(cmp.Or(c.Title, strings.ReplaceAll(c.Name, "_", " ")), o.ASCII)
}
