package tui

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/chart"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
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

// A lineKey is what a line of a list is drawn from besides what stays the same as long as the list does.
type lineKey struct {
	row, width int // row -1 is the headings
	marked     bool
	side       string
}

// mostDrawn is how many lines are kept.
const mostDrawn = 2000

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
	if o.by == 0 || o.by > len(cols) {
		return ""
	}
	s := "sort: " + heading(&cols[o.by-1])
	if o.reverse {
		s += " reversed"
	}
	return s
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
	if l.fixed || f.text == "" && !sorted {
		return index{n: l.count()}
	}
	rows := make([]int, 0, l.count())
	for i := range l.count() {
		if l.takes(f, i) {
			rows = append(rows, i)
		}
	}
	if sorted {
		slices.SortStableFunc(rows, func(a, b int) int { return compare(l.value(a, c), l.value(b, c), o.reverse) })
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

// measure finds out, once, how wide the columns of a list are.
func (l *list) measure(k *look) {
	if l.wide != nil || len(l.cols) == 0 {
		return
	}
	l.wide = make([]int, len(l.cols))
	for c := range l.cols {
		l.wide[c] = render.Columns(render.Clean(heading(&l.cols[c]), k.ascii))
	}
	for i := range min(l.count(), sampleRows) {
		for c := range l.cols {
			n := render.Columns(l.cell(k, i, c))
			if c == 0 {
				r := l.row(i)
				n += r.indent + render.Columns(r.sign)
			}
			l.wide[c] = max(l.wide[c], n)
		}
	}
	if l.bar >= 0 { // reports list what is largest first; a bar that would be longer than the longest is as long
		for i := range min(l.count(), sampleRows) {
			v, _ := l.value(i, l.bar).Number()
			l.most = max(l.most, v)
		}
	}
}

// cell is the text of a cell.
func (l *list) cell(k *look, i, c int) string {
	col, v := &l.cols[c], l.value(i, c)
	if n, ok := v.Number(); ok && k.units != scaledUnits && (col.Unit == report.UnitCount || col.Unit == report.UnitBytes) {
		if k.units == exactUnits {
			return signed(col, n, humanize.Exact(int64(math.Abs(n))))
		}
		if sum := l.sum(c); col.Sum && !isChange(col) && sum > 0 {
			return humanize.Ratio(n / sum)
		}
	}
	return written(col, v, k.ascii)
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

// written is a value for people; of a change with its sign.
func written(c *report.Column, v report.Value, ascii bool) string {
	if n, ok := v.Number(); ok && isChange(c) {
		return signed(c, n, render.Human(report.Number(math.Abs(n)), c.Unit, ascii))
	}
	return render.Human(v, c.Unit, ascii)
}

// signed puts its sign before the amount of a change.
func signed(c *report.Column, n float64, amount string) string {
	switch {
	case !isChange(c) || n == 0:
		return amount
	case n > 0:
		return "+" + amount
	}
	return "-" + amount
}

// isWord reports whether a column holds words, which stand to the left.
func isWord(c *report.Column) bool {
	return c.Unit == report.UnitKey || c.Unit == report.UnitText || c.Unit == ""
}

// A fit is how a list lies in a width: the columns that are shown, how wide each is, and how much is left for a bar.
type fit struct {
	cols []int
	wide []int
	bar  int
}

// Room that a name has at least, what stands between columns, and what the cursor takes at the left.
const (
	leastName = 14
	gap       = 2
	gutter    = 2
	leastBar  = 8
	mostBar   = 24
	longName  = 48
)

// fit drops columns, the highest rank first, until the rest has room; the name gets what is left, and a bar what it leaves.
func (l *list) fit(width int) fit {
	var f fit
	for c := range l.cols {
		f.cols = append(f.cols, c)
		w := l.wide[c]
		if isWord(&l.cols[c]) && c > 0 {
			w = min(w, max(leastName, width/4))
		}
		f.wide = append(f.wide, w)
	}
	if len(f.cols) == 0 {
		return f
	}
	name := min(l.wide[0], longName)
	for f.total(name) > width && f.drop(l) {
		name = min(l.wide[0], longName)
	}
	f.wide[0] = min(name, max(4, width-f.total(0)))
	for f.total(f.wide[0]) > width && len(f.cols) > 1 { // columns without a rank, too
		f.cols, f.wide = f.cols[:len(f.cols)-1], f.wide[:len(f.wide)-1]
		f.wide[0] = min(name, max(4, width-f.total(0)))
	}
	if left := width - f.total(f.wide[0]); l.bar >= 0 && l.most > 0 && left >= leastBar+gap && slices.Contains(f.cols, l.bar) {
		f.bar = min(left-gap, mostBar)
	}
	left := width - f.total(f.wide[0]) - f.bar - gap*btoi(f.bar > 0)
	for i := len(f.cols) - 1; i >= 0 && left > 0; i-- { // texts that were shortened, the last ones first
		if more := min(left, l.wide[f.cols[i]]-f.wide[i]); more > 0 {
			f.wide[i] += more
			left -= more
		}
	}
	return f
}

// total is the width of a row whose name takes so many columns.
func (f *fit) total(name int) int {
	n := gutter + name
	for _, w := range f.wide[1:] {
		n += gap + w
	}
	return n
}

// drop leaves out the column of the highest rank, the last of several, as long as names would be shorter than is comfortable.
func (f *fit) drop(l *list) bool {
	worst := -1
	for i, c := range f.cols {
		if i > 0 && l.cols[c].Rank > 0 && (worst < 0 || l.cols[c].Rank >= l.cols[f.cols[worst]].Rank) {
			worst = i
		}
	}
	if worst < 0 {
		return false
	}
	f.cols, f.wide = slices.Delete(f.cols, worst, worst+1), slices.Delete(f.wide, worst, worst+1)
	return true
}

// draw draws the rows around the cursor with their headings in so many lines. At is a place in index, -1 where nothing has the keys.
// Side is put at both ends of each line: a frame around a list that did not change is not drawn again either.
func (l *list) draw(k *look, width, height int, index index, at int, marks map[string]bool, side string) block {
	sided := func(line string) string { return side + line + side }
	out := make(block, 0, max(1, height))
	if index.len() == 0 || len(l.cols) == 0 {
		out = append(out, sided(k.pen(width).put(plain, blanks(gutter)).put(faint, render.Clean(l.none, k.ascii)).line()))
		return out.filled(sided(blanks(width)), height)
	}
	l.measure(k)
	f := l.fit(width)
	if height > 2 {
		out = append(out, l.kept(lineKey{-1, width, false, side}, func() string { return sided(l.head(k, &f, width)) }))
	}
	room := height - len(out)
	from := max(0, min(at-room/2, index.len()-room))
	for i := from; i < min(index.len(), from+room); i++ {
		row, marked := index.at(i), false
		if len(marks) > 0 {
			r := l.row(row)
			marked = marks[r.id()]
		}
		if i == at {
			out = append(out, sided(l.line(k, &f, width, row, true, marked)))
			continue
		}
		out = append(out, l.kept(lineKey{row, width, marked, side}, func() string { return sided(l.line(k, &f, width, row, false, marked)) }))
	}
	return out.filled(sided(blanks(width)), height)
}

// kept is a line that was drawn before, or is now.
func (l *list) kept(key lineKey, draw func() string) string {
	text, known := l.drawn[key]
	if !known {
		text = draw()
		if l.drawn == nil || len(l.drawn) >= mostDrawn {
			l.drawn = map[lineKey]string{}
		}
		l.drawn[key] = text
	}
	return text
}

func (l *list) head(k *look, f *fit, width int) string {
	p := k.pen(width).put(plain, blanks(gutter))
	for i, c := range f.cols {
		if i > 0 {
			p.put(plain, blanks(gap))
		}
		p.field(faint, render.Clean(heading(&l.cols[c]), k.ascii), f.wide[i], !isWord(&l.cols[c]))
	}
	return p.line()
}

func (l *list) line(k *look, f *fit, width, i int, at, marked bool) string {
	r := l.row(i)
	p := k.pen(width)
	sign := [gutter]byte{' ', ' '}
	if at {
		p.over, sign[0] = cursor, '>'
	}
	if marked {
		sign[1] = '*'
	}
	p.put(plain, string(sign[:]))
	for j, c := range f.cols {
		if j > 0 {
			p.put(plain, blanks(gap))
		}
		text, w := l.cell(k, i, c), f.wide[j]
		if j == 0 && (r.indent > 0 || r.sign != "") {
			p.put(plain, blanks(r.indent)).put(accent, r.sign)
			w -= r.indent + render.Columns(r.sign)
		}
		st := plain
		if j == 0 || l.cols[c].Name == markColumn {
			st = r.mark
		}
		if j == 0 || l.cols[c].Unit == report.UnitKey { // names that begin alike stay apart
			text = render.CutMiddle(text, max(0, w), k.ascii)
		}
		p.field(st, text, w, !isWord(&l.cols[c]))
	}
	if f.bar > 0 {
		v, _ := l.value(i, l.bar).Number()
		p.put(plain, blanks(gap)).put(accent, chart.Bar(v/l.most, f.bar, k.ascii))
	}
	return p.line()
}

// markColumn is the name of a column that has the style of its row.
const markColumn = "mark"
