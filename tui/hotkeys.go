package tui

import (
	"cmp"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/kvtool/kvtool/report"
)

func hotKeys() screen {
	return screen{
		name: "hotkeys", title: "Hot keys", short: "Hot", doc: "which keys get most of the work",
		keys: []binding{
			{keys: "enter l", label: "enter:open", doc: "to the template of the key, in Keyspace", do: (*Model).openSubject},
			{keys: "w", label: "w:window", doc: "watch the keys that are used anew, for as long as you say", do: (*Model).askWindow},
			{keys: "r", label: "r:reads/writes", doc: "what is listed by its reads, by its writes, and by all work again", do: (*Model).nextTraffic},
			{keys: "f", label: "f:freeze", doc: "keep what is shown while the source goes on", do: (*Model).pause},
		},
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
				if c := l.column(traffic()[v.metric]); c >= 0 {
					l.bar = c
				}
				l.marks = d.marks
			}
			return ls
		},
		draw:    drawHotKeys,
		section: func(d *doc) string { return sectionOf(d, hotTable(d)) },
	}
}

// traffic are the columns that the lists of hot keys can be about; the first, which is none, is all work.
func traffic() []string { return []string{"", "reads", "writes"} }

// nextTraffic makes the lists of hot keys about another kind of work: their bars and their order.
func (m *Model) nextTraffic() tea.Cmd {
	m.refresh()
	if len(m.lists) == 0 {
		return nil
	}
	v, kinds := m.view(), traffic()
	if m.lists[0].column(kinds[1]) < 0 && m.lists[0].column(kinds[2]) < 0 {
		m.say("reads and writes are not told apart here", nil)
		return nil
	}
	for v.metric = (v.metric + 1) % len(kinds); v.metric > 0 && m.lists[0].column(kinds[v.metric]) < 0; {
		v.metric = (v.metric + 1) % len(kinds)
	}
	for i := range m.lists {
		v.panes[i].metric, v.panes[i].order = 0, order{by: m.lists[i].column(kinds[v.metric]) + 1}
	}
	m.changed()
	return nil
}

// askWindow asks for how long keys are to be watched.
func (m *Model) askWindow() tea.Cmd {
	switch {
	case m.o.Window != nil:
		m.asking = prompt{kind: windowPrompt}
	case m.o.Live:
		m.say("a run shows no single keys", nil)
	default:
		m.say("nothing to watch: this is a saved report", nil)
	}
	return nil
}

// watch watches keys anew.
func (m *Model) watch(text string) {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		m.say("", fmt.Errorf("%q is no time such as 30s", clean(text, m.look.ascii)))
		return
	}
	if err := m.o.Window(d); err != nil {
		m.say("", err)
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
		return s.figures(w, h, "Skew", func(w, h int) block { return s.facts(w, h, s.d.factsOf(sectionOf(s.d, hotTable(s.d)), s.ascii)) })
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
			both := func() block { return beside(s.list(1, left, h, ""), right(s.width-left, h)) }
			if s.v.pane == 1 {
				return both()
			}
			return s.once("both", s.width, h, both)
		case nodes != nil && s.wide():
			return beside(figures(s.width/2, h), s.table(s.width-s.width/2, h, nodes))
		}
		return figures(s.width, h)
	}})
	return stack(s.width, s.height, parts...)
}
