package render

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// A grid is a table laid out as text: its first column names the row, the others stand behind it.
//
//	MEMORY BY TEMPLATE   KEYS       MEM
//	session:{uid}       4.60M  3.90 GiB
//	(212 more)          4.41M  2.10 GiB
type grid struct {
	cols []gridColumn
	rows int
}

type gridColumn struct {
	title string
	cells []string
	right bool // numbers stand to the right
	cut   bool // a name: may be cut in the middle
	of    int  // column of the report that it shows; -1 if none
	rank  int
	width int
	word  int // width of the longest word, which is broken only where there is no other way; of a name, which is cut, 0
}

// newGrid formats the first top rows of t, with one more row for what is left out, and what fs says about them.
func newGrid(p *page, t *report.Table, title string, top int, fs []report.Finding) *grid {
	rows, more := fold(t, top)
	g := &grid{rows: len(rows)}
	for c, col := range t.Columns {
		if hidden(t, c) {
			continue
		}
		gc := gridColumn{
			title: p.clean(cmp.Or(col.Title, strings.ReplaceAll(col.Name, "_", " "))),
			right: !isText(col.Unit),
			cut:   col.Unit == report.UnitKey,
			rank:  col.Rank,
			of:    c,
		}
		for _, row := range rows {
			gc.cells = append(gc.cells, human(row[c], col.Unit, p.ascii))
		}
		if more != nil {
			gc.cells = append(gc.cells, moreCell(more[c], col, p.ascii))
		}
		g.cols = append(g.cols, gc)
	}
	if len(g.cols) == 0 {
		return nil
	}
	g.addBars(p, t, rows)
	g.addFindings(p, t, rows, fs)
	if more != nil {
		g.rows++
	}
	for i := range g.cols {
		g.cols[i].cells = append(g.cols[i].cells, make([]string, g.rows-len(g.cols[i].cells))...)
	}
	g.nameRows(p, title, more != nil, t.Omitted+int64(len(t.Rows)-len(rows)))
	return g
}

// nameRows heads the first column with the title and labels the row of what was left out. Where the first column holds
// numbers, which need their own heading, another is put before it.
func (g *grid) nameRows(p *page, title string, more bool, omitted int64) {
	if g.cols[0].right {
		g.cols = slices.Insert(g.cols, 0, gridColumn{cells: make([]string, g.rows), of: -1})
	}
	g.cols[0].rank = 0
	if title != "" {
		g.cols[0].title = strings.ToUpper(p.clean(title))
	}
	if more {
		g.cols[0].cells[g.rows-1] = "(" + humanize.Exact(omitted) + " more)"
	}
}

// hidden reports whether a column has nothing to show: keys that the user did not ask for, or facts that the store does not
// tell of any row.
func hidden(t *report.Table, c int) bool {
	if len(t.Rows) == 0 {
		return false
	}
	return !slices.ContainsFunc(t.Rows, func(row []report.Value) bool { return !row[c].IsNull() })
}

// moreCell is a cell of the row for what was left out. Where nothing can be said of many rows at once, it is empty.
func moreCell(v report.Value, col report.Column, ascii bool) string {
	if v.IsNull() && !col.Sum {
		return ""
	}
	return human(v, col.Unit, ascii)
}

// fold returns the first top rows of t and one that stands for all others, including those that the analysis left out
// itself; nil if none were.
func fold(t *report.Table, top int) (rows [][]report.Value, more []report.Value) {
	if top <= 0 || top >= len(t.Rows) {
		return t.Rows, t.More
	}
	more = make([]report.Value, len(t.Columns))
	for c, col := range t.Columns {
		if !col.Sum {
			continue
		}
		more[c] = sum(t, c, top)
	}
	return t.Rows[:top], more
}

// sum adds up column c from row top on, with what the analysis left out. Something unknown makes the sum unknown.
func sum(t *report.Table, c, top int) report.Value {
	total := 0.0
	for _, row := range t.Rows[top:] {
		n, ok := row[c].Number()
		if !ok {
			return report.Null
		}
		total += n
	}
	if t.More != nil {
		n, ok := t.More[c].Number()
		if !ok {
			return report.Null
		}
		total += n
	}
	return report.Number(total)
}

// comfortable is how much of a line a name may take before other columns are given up for it.
func comfortable(width int) int { return max(20, width*2/5) }

// fit drops columns, the highest rank first, until the rest is at most width wide; then it shortens names.
func (g *grid) fit(width int) {
	for i := range g.cols {
		c := &g.cols[i]
		c.width = columns(c.title)
		for _, cell := range c.cells {
			c.width = max(c.width, columns(cell))
		}
	}
	for g.needs(width) > width && g.drop() {
	}
	for i := range g.cols {
		g.cols[i].width, g.cols[i].word = min(g.cols[i].width, width), g.cols[i].longestWord()
	}
	for excess := g.total() - width; excess > 0; excess = g.total() - width {
		if !g.shrink() {
			break
		}
	}
}

const columnGap = 2

// total is the width of a row.
func (g *grid) total() int {
	n := columnGap * (len(g.cols) - 1)
	for _, c := range g.cols {
		n += c.width
	}
	return n
}

// needs is the width of a row whose names are no longer than is comfortable.
func (g *grid) needs(width int) int {
	n := columnGap * (len(g.cols) - 1)
	for _, c := range g.cols {
		if c.cut || !c.right {
			n += min(c.width, max(comfortable(width), columns(c.title)))
		} else {
			n += c.width
		}
	}
	return n
}

// drop removes the column of the highest rank, the last of several, and reports whether there was one to remove.
func (g *grid) drop() bool {
	worst := -1
	for i, c := range g.cols {
		if c.rank > 0 && (worst < 0 || c.rank >= g.cols[worst].rank) {
			worst = i
		}
	}
	if worst < 0 {
		return false
	}
	g.cols = slices.Delete(g.cols, worst, worst+1)
	return true
}

// narrowest is how far a name is shortened before others lose as much.
const narrowest = 8

// shrink takes one column from the widest text and reports whether any could spare it. Words are broken only where there is no
// other way.
func (g *grid) shrink() bool {
	widest := g.widest(func(c *gridColumn) int { return max(narrowest, c.word) })
	if widest == nil {
		widest = g.widest(func(*gridColumn) int { return narrowest })
	}
	if widest == nil {
		return false
	}
	widest.width--
	return true
}

// widest returns the widest column of text that is wider than its least, or nil.
func (g *grid) widest(least func(*gridColumn) int) *gridColumn {
	var w *gridColumn
	for i := range g.cols {
		if c := &g.cols[i]; !c.right && c.width > least(c) && (w == nil || c.width > w.width) {
			w = c
		}
	}
	return w
}

// longestKept is the longest word that is kept whole at the cost of other columns: more is a path, not a word.
const longestKept = 24

func (c *gridColumn) longestWord() int {
	n := 0
	if c.cut {
		return 0
	}
	for _, cell := range c.cells {
		for _, word := range strings.Fields(cell) {
			n = max(n, min(columns(word), longestKept))
		}
	}
	return n
}

// draw writes the grid with its heading.
func (g *grid) draw(p *page) {
	g.fit(p.width)
	head := make([]span, 0, 2*len(g.cols))
	for i, c := range g.cols {
		head = append(head, span{c.place(c.title, i, p), bold})
	}
	p.line(head...)
	for r := range g.rows {
		g.row(p, r)
	}
}

// row draws one row. Words that do not fit into their column go on below; a name is cut.
func (g *grid) row(p *page, r int) {
	cells := make([][]string, len(g.cols))
	lines := 1
	for i := range g.cols {
		c := &g.cols[i]
		cells[i] = []string{c.cells[r]}
		if !c.right && !c.cut && columns(c.cells[r]) > c.width {
			cells[i] = wrap(c.cells[r], c.width)
		}
		lines = max(lines, len(cells[i]))
	}
	for n := range lines {
		line := make([]span, 0, len(g.cols))
		for i, c := range g.cols {
			line = append(line, span{text: c.place(nth(cells[i], n), i, p)})
		}
		p.line(line...)
	}
}

// place puts text into its column, behind the gap.
func (c *gridColumn) place(text string, i int, p *page) string {
	gap := ""
	if i > 0 {
		gap = spaces(columnGap)
	}
	switch {
	case c.right:
		return gap + padLeft(text, c.width)
	case c.cut:
		return gap + pad(cutMiddle(text, c.width, p.mark), c.width)
	}
	return gap + pad(cutEnd(text, c.width, p.mark), c.width)
}
