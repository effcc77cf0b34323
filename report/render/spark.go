package render

import (
	"fmt"
	"math"
	"slices"

	"github.com/kvtool/kvtool/internal/chart"
	"github.com/kvtool/kvtool/report"
)

// What was measured second by second is many rows of numbers: people are shown its shape, a line for each column, and the numbers
// that say most of it. Columns that have a rank are left to who asks for the table.

// sparkWidth is how many columns of a page a shape takes at most.
const sparkWidth = 40

// sparkLeast is how many rows have a shape.
const sparkLeast = 3

// isSeries reports whether a table is what was measured second by second, and long enough to have a shape.
func isSeries(t *report.Table) bool {
	return t.Name == secondsTable && isPlot(t) && len(t.Rows) >= sparkLeast
}

// overTime draws a series.
//
//	OVER TIME    0 s to 29 s
//	done         ▇▇▇▇▇▇▂▇██▇▇  1.00k/s on average, 210/s at 14 s
//	p99          ▁▁▁▁▁▁█▁▁▁▁▁  at most 900 ms at 15 s
//	used memory  ▂▃▄▄▅▅▆▆▇▇██  from 2.10 MiB to 9.90 MiB
func (t *text) overTime(tab *report.Table) {
	s := overTime(tab, t.ascii, min(sparkWidth, t.width/2))
	if len(s.Rows) == 0 {
		return
	}
	t.gap()
	if g := newGrid(t.page, s, s.Title, len(s.Rows), nil); g != nil {
		g.draw(t.page)
	}
	t.gap()
}

// overTime makes of a series a table of shapes.
func overTime(tab *report.Table, ascii bool, width int) *report.Table {
	tab = withoutDrain(tab)
	at := func(row int) string { return human(tab.Rows[row][0], tab.Columns[0].Unit, ascii) }
	s := &report.Table{Title: "Over time", Columns: []report.Column{
		{Name: "of", Title: "", Unit: report.UnitText},
		{Name: "shape", Title: at(0) + " to " + at(len(tab.Rows)-1), Unit: report.UnitText},
		{Name: "says", Title: " ", Unit: report.UnitText},
	}}
	for c := 1; c < len(tab.Columns); c++ {
		col := &tab.Columns[c]
		if isText(col.Unit) || col.Rank > 0 || hidden(tab, c) || never(tab, c) {
			continue
		}
		name := columnName(col, Options{ASCII: ascii})
		s.Rows = append(s.Rows, []report.Value{
			report.Text(name), report.Text(spark(tab, c, width, ascii)), report.Text(gist(tab, c, ascii)),
		})
	}
	return s
}

// withoutDrain returns a series without the seconds at its end in which nothing was due any more: what was done then is the rest.
func withoutDrain(t *report.Table) *report.Table {
	due := slices.IndexFunc(t.Columns, func(c report.Column) bool { return c.Name == "due" })
	if due < 0 {
		return t
	}
	short := *t
	for n := len(short.Rows); n > sparkLeast; n = len(short.Rows) {
		if v, ok := short.Rows[n-1][due].Number(); !ok || v > 0 {
			break
		}
		short.Rows = short.Rows[:n-1]
	}
	return &short
}

// never reports whether a column counts what did not happen.
func never(t *report.Table, c int) bool {
	for _, row := range t.Rows {
		if v, ok := row[c].Number(); ok && v != 0 {
			return false
		}
	}
	return true
}

// spark draws a column in at most width characters: of seconds that share one, the longest of what takes time, the mean of the rest.
func spark(t *report.Table, c, width int, ascii bool) string {
	n := min(width, len(t.Rows))
	points := make([]float64, n)
	for i := range points {
		points[i] = together(t, c, i*len(t.Rows)/n, (i+1)*len(t.Rows)/n)
	}
	return chart.Spark(points, ascii)
}

// together is what rows from and before to have in a column; NaN is nothing.
func together(t *report.Table, c, from, to int) float64 {
	sum, most, n := 0.0, 0.0, 0
	for _, row := range t.Rows[from:to] {
		if v, ok := row[c].Number(); ok {
			sum, most, n = sum+v, max(most, v), n+1
		}
	}
	switch {
	case n == 0:
		return math.NaN()
	case t.Columns[c].Unit == report.UnitDuration && !t.Columns[c].Sum:
		return most
	}
	return sum / float64(n) // of what is counted, too: stretches may be of one row more
}

// gist says in words what a column says: how many, how long at most, from where to where.
func gist(t *report.Table, c int, ascii bool) string {
	col := &t.Columns[c]
	say := func(v float64) string { return human(report.Number(v), col.Unit, ascii) }
	low, high, first, last := -1, -1, -1, -1
	sum, n := 0.0, 0
	value := func(row int) float64 { v, _ := t.Rows[row][c].Number(); return v }
	for i, row := range t.Rows {
		v, ok := row[c].Number()
		if !ok {
			continue
		}
		if first < 0 {
			first = i
		}
		if low < 0 || v < value(low) {
			low = i
		}
		if high < 0 || v > value(high) {
			high = i
		}
		sum, n, last = sum+v, n+1, i
	}
	at := func(row int) string {
		return say(value(row)) + " at " + human(t.Rows[row][0], t.Columns[0].Unit, ascii)
	}
	switch {
	case n == 0:
		return ""
	case col.Sum:
		return fmt.Sprintf("%s, at most %s", say(sum), at(high))
	case col.Unit == report.UnitDuration:
		return "at most " + at(high)
	case say(value(low)) == say(value(high)):
		return say(value(high))
	case col.Unit == report.UnitRate:
		return fmt.Sprintf("%s on average, at least %s", say(sum/float64(n)), at(low))
	}
	return fmt.Sprintf("from %s to %s, at most %s", say(value(first)), say(value(last)), at(high))
}
