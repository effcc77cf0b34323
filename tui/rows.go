package tui

import (
	"math"
	"slices"

	"github.com/kvtool/kvtool/internal/chart"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
)

// How a list is drawn: which of its columns, how wide, and the rows around the cursor, each once as long as it does not change.

// A lineKey is what a line of a list is drawn from besides what stays the same as long as the list does.
type lineKey struct {
	row, width int // row -1 is the headings
	marked     bool
	side       string
}

// mostDrawn is how many lines are kept.
const mostDrawn = 2000

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
	// shorter than shortName no name is cut for the sake of more than leastColumns columns.
	shortName    = 6
	leastColumns = 5
	gap          = 2
	gutter       = 2
	leastBar     = 8
	mostBar      = 24
	longName     = 48
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
	short := func() bool { return f.wide[0] < min(name, shortName) && len(f.cols) > leastColumns }
	for (f.total(f.wide[0]) > width || short()) && len(f.cols) > 1 { // columns without a rank, too
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

// drop leaves out the column of the highest rank, the last of several. It reports false where no column has a rank.
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
