package tui

import (
	"cmp"

	"github.com/kvtool/kvtool/report"
)

func hotKeys() screen {
	return screen{
		name: "hotkeys", title: "Hot keys", short: "Hot", doc: "which keys get most of the work",
		lacks: func(d *doc) string {
			if hotTable(d) != nil {
				return ""
			}
			return "Hot keys: " + cmp.Or(d.skipped("hotkeys"), "not in this report") +
				". They are watched apart from a scan: kvtool hotkeys TARGET --save hot.kvr, then kvtool tui hot.kvr"
		},
		lists: func(d *doc, v *view, k *look) []*list {
			ls := []*list{listOf("Hot keys", hotTable(d))}
			if t := d.firstTable([2]string{"hotkeys", "templates"}); t != nil {
				ls = append(ls, listOf("By template", t))
			}
			for _, l := range ls {
				l.bar = shareColumn(l)
				for i := range l.rows {
					l.rows[i].mark = d.marks[l.rows[i].key]
				}
			}
			return ls
		},
		draw:    drawHotKeys,
		section: func(d *doc) string { return sectionOf(d, hotTable(d)) },
	}
}

// hotTable is the table of hot keys: of accesses, of counters, of LFU, or of a simulation.
func hotTable(d *doc) *report.Table {
	return d.firstTable([2]string{"hotkeys", "keys"}, [2]string{"hotkeys", "counters"}, [2]string{"hot_keys", "hot_keys"}, [2]string{"hot", "hot"})
}

// shareColumn is the column that bars are drawn of: shares, though they need not add up.
func shareColumn(l *list) int {
	for c := range l.cols {
		if l.cols[c].Unit == report.UnitRatio && l.cols[c].Name == "share" {
			return c
		}
	}
	return l.bar
}

func drawHotKeys(s *sight) block {
	nodes := s.d.firstTable([2]string{"hotkeys", "nodes"})
	figures := func(w, h int) block {
		return s.box(w, h, "Skew", "", func(w, h int) block { return s.facts(w, h, s.d.factsOf(sectionOf(s.d, hotTable(s.d)), s.ascii)) })
	}
	parts := []part{{8, s.height / 2, func(h int) block { return s.list(0, s.width, h, "") }}}
	if len(s.lists) > 1 && !s.wide() {
		parts = append(parts, part{5, s.height / 3, func(h int) block { return s.list(1, s.width, h, "") }})
	}
	parts = append(parts, part{6, 100, func(h int) block {
		switch {
		case s.wide() && len(s.lists) > 1:
			left := s.width * 3 / 5
			right := figures
			if nodes != nil && h >= 14 {
				right = func(w, h int) block {
					return append(figures(w, h/2), s.table(w, h-h/2, nodes)...)
				}
			}
			return beside(s.list(1, left, h, ""), right(s.width-left, h))
		case nodes != nil && s.wide():
			return beside(figures(s.width/2, h), s.table(s.width-s.width/2, h, nodes))
		}
		return figures(s.width, h)
	}})
	return stack(s.width, s.height, parts...)
}
