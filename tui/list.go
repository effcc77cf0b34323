package tui

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/report"
)

// A list is what the keys of a pane move in: a table of the report, or one that was made of it. It holds values; only the rows that
// show are ever written as text.
type list struct {
	title string
	cols  []report.Column
	rows  []row              // that were made; nil of a table of the report, which is read where it lies
	table [][]report.Value   // of the report
	keep  []int              // the columns of table that the list has
	marks map[string]style   // of what the rows of table are about
	bar   int                // the column of shares that a bar is drawn of where there is room; -1 is none
	more  int64              // rows that the report has left out
	fixed bool               // the rows were filtered and sorted when the list was made
	none  string             // why there are no rows
	nodes []*node            // of a tree, one a row
	finds []*report.Finding  // of findings, one a row
	wide  []int              // columns that each column of the list takes; nil: not measured
	most  float64            // greatest value of the bar's column
	rest  []report.Value     // their sums, a column each; nil where they are not known
	sums  []float64          // of all rows, of columns that add up; nil: not known yet
	drawn map[lineKey]string // lines that were drawn before
}

// A row is one line of a list.
type row struct {
	cells  []report.Value
	key    string // what the row is about, as the report has it: what is copied
	mark   style
	indent int    // columns
	sign   string // before the name, of a tree
	unique string // what it is known by where several rows are about the same
}

// id is what a row is known by when the list is made anew.
func (r *row) id() string { return cmp.Or(r.unique, r.key) }

// sampleRows is how many rows decide how wide columns are: as many as one looks at, so that a list of a million rows costs no more.
const sampleRows = 2000

// count is how many rows a list has.
func (l *list) count() int { return max(len(l.rows), len(l.table)) }

// value is a cell.
func (l *list) value(i, c int) report.Value {
	if l.rows != nil {
		return l.rows[i].cells[c]
	}
	return l.table[i][l.keep[c]]
}

// row returns what a row is besides its cells.
func (l *list) row(i int) row {
	if l.rows != nil {
		return l.rows[i]
	}
	if len(l.keep) == 0 {
		return row{}
	}
	key, _ := l.value(i, 0).Text()
	return row{key: key, mark: l.marks[key]}
}

// listOf makes a list of a table of the report.
func listOf(title string, t *report.Table) *list {
	l := &list{title: title, bar: -1, none: "none"}
	if t == nil {
		return l
	}
	l.more = t.Omitted
	if t.More != nil {
		l.rest = make([]report.Value, 0, len(t.Columns))
	}
	keep := make([]int, 0, len(t.Columns))
	for c := range t.Columns {
		if known(t, c) {
			keep = append(keep, c)
			l.cols = append(l.cols, t.Columns[c])
			if t.More != nil {
				l.rest = append(l.rest, t.More[c])
			}
		}
	}
	l.table, l.keep = t.Rows, keep
	for c := range l.cols { // of memory rather than of keys
		if share := l.cols[c].Unit == report.UnitRatio && l.cols[c].Sum; share && (l.bar < 0 || l.cols[c-1].Unit == report.UnitBytes) {
			l.bar = c
		}
	}
	return l
}

// known reports whether the store tells anything of a column, in the rows that one looks at first.
func known(t *report.Table, c int) bool {
	rows := t.Rows[:min(len(t.Rows), sampleRows)]
	return len(rows) == 0 || slices.ContainsFunc(rows, func(r []report.Value) bool { return !r[c].IsNull() })
}

// column returns the place of a column, -1 if the list has none of that name.
func (l *list) column(name string) int {
	return slices.IndexFunc(l.cols, func(c report.Column) bool { return c.Name == name })
}

// heading is what a column is called.
func heading(c *report.Column) string {
	return cmp.Or(strings.TrimSpace(c.Title), strings.ReplaceAll(c.Name, "_", " "))
}

// A filter chooses rows by their texts: a part of one in either case, !part for those without it, r:EXPRESSION.
type filter struct {
	text string
	not  bool
	part string
	re   *regexp.Regexp
}

// filterOf reads what was typed.
func filterOf(text string) (filter, error) {
	f := filter{text: text, part: strings.ToLower(text)}
	if rest, ok := strings.CutPrefix(f.part, "!"); ok && rest != "" {
		f.not, f.part = true, rest
	}
	if expr, ok := strings.CutPrefix(text, "r:"); ok {
		re, err := regexp.Compile(expr)
		if err != nil {
			return f, fmt.Errorf("not an expression: %s", expr)
		}
		f.re = re
	}
	return f, nil
}

func (f *filter) takes(s string) bool {
	switch {
	case f.text == "":
		return true
	case f.re != nil:
		return f.re.MatchString(s)
	}
	return strings.Contains(strings.ToLower(s), f.part) != f.not
}

// takes reports whether a filter takes any text of a row; one that excludes must take all.
func (l *list) takes(f *filter, i int) bool {
	if f.text == "" {
		return true
	}
	for c := range l.cols {
		if s, ok := l.value(i, c).Text(); ok && f.takes(s) != f.not {
			return !f.not
		}
	}
	return f.not
}

// An order is by which column a list is sorted; 0 is as the report has it, n is column n-1.
type order struct {
	by      int
	reverse bool
}

// next is the order by the next of n columns.
func (o order) next(n int) order {
	return order{by: (o.by + 1) % (n + 1)}
}

// word says the order for a person.
func (o order) word(cols []report.Column) string {
	var words []string
	if o.by > 0 && o.by <= len(cols) {
		words = append(words, "sort: "+heading(&cols[o.by-1]))
	}
	if o.reverse {
		words = append(words, "reversed")
	}
	return strings.Join(words, " ")
}

// An index says which rows of a list show, in their order.
type index struct {
	n    int
	rows []int // nil: the first n, as they are
}

func (x *index) len() int { return x.n }

// at is the row that shows in a place.
func (x *index) at(i int) int {
	if x.rows == nil {
		return i
	}
	return x.rows[i]
}

// show returns which rows of l are shown, in their order.
func (l *list) show(f *filter, o order) index {
	c := o.by - 1
	sorted := c >= 0 && c < len(l.cols)
	if l.fixed || f.text == "" && !sorted && !o.reverse {
		return index{n: l.count()}
	}
	rows := make([]int, 0, l.count())
	for i := range l.count() {
		if l.takes(f, i) {
			rows = append(rows, i)
		}
	}
	switch {
	case sorted:
		slices.SortStableFunc(rows, func(a, b int) int { return compare(l.value(a, c), l.value(b, c), o.reverse) })
	case o.reverse:
		slices.Reverse(rows)
	}
	return index{len(rows), rows}
}

// compare orders values: numbers with the greatest first, texts from a to z, what is not known last in either direction.
func compare(a, b report.Value, reverse bool) int {
	if a.IsNull() || b.IsNull() {
		return btoi(a.IsNull()) - btoi(b.IsNull())
	}
	x, number := a.Number()
	y, _ := b.Number()
	s, _ := a.Text()
	t, _ := b.Text()
	by := cmp.Compare(s, t)
	if number {
		by = cmp.Compare(y, x)
	}
	if reverse {
		return -by
	}
	return by
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// sum is what the rows of a list hold of a column, those that the report has left out as well.
func (l *list) sum(c int) float64 {
	if l.sums == nil {
		l.sums = make([]float64, len(l.cols))
		for i := range l.count() {
			for c := range l.sums {
				v, _ := l.value(i, c).Number()
				l.sums[c] += v
			}
		}
		for c := range l.rest {
			v, _ := l.rest[c].Number()
			l.sums[c] += v
		}
	}
	return l.sums[c]
}
