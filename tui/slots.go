package tui

import (
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/kvtool/kvtool/internal/chart"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
)

func slots() screen {
	return screen{
		name: "slots", title: "Slots", short: "Slots", doc: "how evenly slots, partitions or nodes are filled",
		keys: []binding{
			{keys: "h left", doc: "one cell to the left", do: (*Model).cellLeft},
			{keys: "l right", label: "arrows:move", doc: "one cell to the right", do: (*Model).cellRight},
			{keys: "enter", label: "enter:cell", doc: "all that the report has of the cell or the row; esc leads back", do: (*Model).toggleDetail},
			{keys: "m", label: "m:metric", doc: "of what: memory, keys, operations", do: (*Model).nextMetric},
			{keys: "n", label: "n:next hot", doc: "to the fullest cell, then to the next", do: (*Model).nextHot},
			{keys: "g", label: "g:group", doc: "the lists by another group: nodes, slots, hash tags, prefixes", do: (*Model).nextGroup},
		},
		lacks: func(d *doc) string {
			if len(slotTables(d)) > 0 || heatTable(d) != nil {
				return ""
			}
			why := d.skipped("slots", "nodes")
			if why == "" {
				why = "not in this report"
			}
			return "Slots and nodes: " + why + ". kvtool skew TARGET --save skew.kvr says where a cluster would keep the keys."
		},
		lists: func(d *doc, v *view, k *look) []*list {
			var ls []*list
			if t := heatTable(d); t != nil {
				l := listOf("Heat map", t)
				l.fixed = true // a map keeps its order
				ls = append(ls, l)
			}
			ts := slotTables(d)
			for i := range ts {
				if t := ts[(v.part+i)%len(ts)]; len(ls) < maxPanes {
					ls = append(ls, listOf(titleOf(d, t), t))
				}
			}
			return ls
		},
		draw: drawSlots,
		section: func(d *doc) string {
			if t := heatTable(d); t != nil {
				return sectionOf(d, t)
			}
			for _, t := range slotTables(d) {
				return sectionOf(d, t)
			}
			return ""
		},
	}
}

// heatmap is the name of tables that are drawn as a map.
const heatmap = "heatmap"

// heatTable is a table of many cells of equal meaning, whatever they are: slots, partitions, token ranges.
func heatTable(d *doc) *report.Table {
	if d == nil {
		return nil
	}
	for i := range d.r.Sections {
		for j := range d.r.Sections[i].Tables {
			if t := &d.r.Sections[i].Tables[j]; t.Name == heatmap && len(t.Rows) > 1 && len(metricsOf(t)) > 0 {
				return t
			}
		}
	}
	return nil
}

// slotTables are the tables of places, each a group that the keys are in: nodes first, then the fullest parts.
func slotTables(d *doc) []*report.Table {
	var ts []*report.Table
	for _, n := range [][2]string{
		{"nodes", "nodes"},
		{"skew", "by_node"},
		{"placement", "nodes"},
		{"slots", "top_slots"},
		{"skew", "by_slot"},
		{"placement", "top_parts"},
		{"partition_keys", "partition_keys"},
		{"slabs", "slabs"},
		{"slots", "hash_tags"},
		{"skew", "by_tag"},
		{"skew", "by_prefix1"},
		{"skew", "by_prefix2"},
		{"skew", "by_prefix3"},
		{"skew", "by_template"},
		{"skew", "by_db"},
		{"totals", "databases"},
	} {
		if t := tableOf(d.r, n[0], n[1]); t != nil {
			ts = append(ts, t)
		}
	}
	return ts
}

// metricsOf are the columns of a heat map that can be drawn, bytes first.
func metricsOf(t *report.Table) []int {
	var cs []int
	for c := range t.Columns {
		if t.Columns[c].Sum && known(t, c) {
			cs = append(cs, c)
		}
	}
	slices.SortStableFunc(cs, func(a, b int) int {
		return btoi(t.Columns[a].Unit != report.UnitBytes) - btoi(t.Columns[b].Unit != report.UnitBytes)
	})
	return cs
}

// heatLabel is what stands before a row of a heat map.
const heatLabel = 12

// perRow is how many cells a row of a heat map has: a power of two, so that rows begin at round numbers.
func perRow(width, cells int) int {
	n := 16
	for n*2 <= width-heatLabel-3 && n*2 <= 128 && n < cells {
		n *= 2
	}
	return n
}

// nextGroup shows the lists of places by the next group, and gives them the keys.
func (m *Model) nextGroup() tea.Cmd {
	m.refresh()
	if len(m.lists) == 0 {
		return nil
	}
	n := len(slotTables(m.doc))
	if n < 2 {
		m.say("this report has one group only", nil)
		return nil
	}
	v, first := m.view(), btoi(heatTable(m.doc) != nil)
	for i := first; i < maxPanes; i++ {
		v.panes[i] = pane{}
	}
	v.part, v.pane, v.detail = (v.part+1)%n, first, false
	m.changed()
	return nil
}

func drawSlots(s *sight) block {
	t := heatTable(s.d)
	if l := &s.lists[s.v.pane]; s.v.detail && l.at(&s.v.panes[s.v.pane]) != nil {
		return s.place(l, l.index.at(s.v.panes[s.v.pane].cursor), t != nil && s.v.pane == 0)
	}
	if t == nil {
		return s.listsBelow(0)
	}
	per := perRow(s.width-2, len(t.Rows))
	rows := (len(t.Rows) + per - 1) / per
	return stack(s.width, s.height,
		part{min(rows, 5) + 4, rows + 4, func(h int) block { return s.heat(t, s.width, h, per) }},
		part{5, 100, func(h int) block { c := *s; c.height = h; return c.listsBelow(1) }})
}

// listsBelow draws the lists from one on, beside each other where there is room.
func (s *sight) listsBelow(from int) block {
	ls := s.lists[from:]
	switch {
	case len(ls) == 0:
		return empty(s.width, s.height)
	case len(ls) > 1 && s.wide():
		left := s.width / 2
		return beside(s.list(from, left, s.height, ""), s.list(from+1, s.width-left, s.height, ""))
	case len(ls) > 1 && s.height >= 12:
		return append(s.list(from, s.width, s.height/2, ""), s.list(from+1, s.width, s.height-s.height/2, "")...)
	case s.v.pane > from && s.v.pane < len(s.lists):
		return s.list(s.v.pane, s.width, s.height, "")
	}
	return s.list(from, s.width, s.height, "")
}

// heat draws a map: a cell a character, shaded by the root of its value so that one great one does not hide all others.
func (s *sight) heat(t *report.Table, width, height, per int) block {
	ms := metricsOf(t)
	c := ms[s.v.metric%len(ms)]
	values := make([]float64, len(t.Rows))
	most := 0
	for i, r := range t.Rows {
		values[i], _ = r[c].Number()
		if values[i] > values[most] {
			most = i
		}
	}
	at := -1
	if s.v.pane == 0 {
		at = s.v.panes[0].cursor
	}
	scale := ""
	for i := range 6 {
		scale += string(chart.Shade(float64(i*i), 25, s.ascii))
	}
	note := "by " + render.Clean(heading(&t.Columns[c]), s.ascii) + "   low " + scale + " high"
	say := func(what string, i int) string {
		text := what + " " + render.Human(t.Rows[i][0], report.UnitText, s.ascii)
		for _, c := range ms {
			text = join(text, render.Human(t.Rows[i][c], t.Columns[c].Unit, s.ascii)+" "+render.Clean(heading(&t.Columns[c]), s.ascii))
		}
		return text
	}
	return s.frame(width, "Heat map", note, s.heatRows(t, values, values[most], width-2, height-4, per, at).tall(width-2, height-4).with(
		s.pen(width-2).put(plain, " "+say("cursor ", max(0, min(at, len(t.Rows)-1)))).line(),
		s.pen(width-2).put(plain, " "+say("fullest", most)).line(),
	), s.v.pane == 0 && len(s.lists) > 1)
}

func (b block) with(lines ...string) block { return append(b[:len(b):len(b)], lines...) }

// heatRows draws the rows of a map around the cursor.
func (s *sight) heatRows(t *report.Table, values []float64, most float64, width, height, per, at int) block {
	var out block
	rows := (len(values) + per - 1) / per
	from := max(0, min(max(at, 0)/per-height/2, rows-height))
	for y := from; y < rows && len(out) < height; y++ {
		p := s.pen(width)
		p.field(faint, render.Human(t.Rows[y*per][0], report.UnitText, s.ascii), heatLabel, true).put(plain, " ")
		for i := y * per; i < min(len(values), (y+1)*per); i++ {
			shade := chart.Shade(values[i], most, s.ascii)
			switch st := heatStyle(values[i], most); {
			case i == at:
				p.put(cursor, "X")
			default:
				p.put(st, string(shade))
			}
		}
		out = append(out, p.line())
	}
	return out
}

// place draws all that a row of a list of places has, or a cell of the map: how much that is of all, and in a cell which of the
// fullest slots are in it.
func (s *sight) place(l *shown, i int, cell bool) block {
	name := render.Human(l.value(i, 0), report.UnitText, s.ascii)
	var fs []fact
	for c := 1; c < len(l.cols); c++ {
		col := &l.cols[c]
		f := fact{name: render.Clean(heading(col), s.ascii), value: written(col, l.value(i, c), s.ascii)}
		if n, ok := l.value(i, c).Number(); ok && col.Sum && col.Unit != report.UnitRatio && !isChange(col) && l.sum(c) > 0 {
			f.note = humanize.Ratio(n/l.sum(c)) + " of all"
			if cell {
				f.note += ", " + humanize.Factor(n*float64(l.count())/l.sum(c)) + " the mean"
			}
		}
		fs = append(fs, f)
	}
	if cell {
		fs = append(fs, s.inCell(name)...)
	}
	title := render.Clean(heading(&l.cols[0]), s.ascii) + " " + render.CutMiddle(name, s.width/2, s.ascii)
	return s.box(s.width, s.height, title, "", func(w, h int) block { return s.facts(w, h, fs) })
}

// inCell are the rows of the lists of the fullest slots that are in a cell, which is called 7744-7807, or 7.
func (s *sight) inCell(cell string) []fact {
	low, high, _ := strings.Cut(cell, "-")
	from, err := strconv.Atoi(low)
	to, wide := strconv.Atoi(high)
	if err != nil {
		return nil
	}
	if wide != nil {
		to = from
	}
	var fs []fact
	for _, n := range [][2]string{{"slots", "top_slots"}, {"skew", "by_slot"}, {"placement", "top_parts"}} {
		t := tableOf(s.d.r, n[0], n[1])
		if t == nil {
			continue
		}
		for _, r := range t.Rows {
			name := render.Human(r[0], report.UnitText, s.ascii)
			if at, err := strconv.Atoi(name); err == nil && at >= from && at <= to {
				fs = append(fs, fact{name: render.Clean(heading(&t.Columns[0]), s.ascii) + " " + name, value: oneLine(t, r, 0, s.ascii)})
			}
		}
	}
	return fs
}

// heatStyle stresses what holds most of all.
func heatStyle(v, most float64) style {
	switch {
	case v >= most*0.8:
		return bad
	case v >= most*0.4:
		return warn
	}
	return accent
}
