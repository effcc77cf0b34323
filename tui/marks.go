package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// What a user marks and measures by: rows that are added up and copied together, the number that a list is about, its units.

// units are how amounts are written.
type units uint8

const (
	scaledUnits units = iota // 3.90 GiB
	exactUnits               // 4187593113
	shareUnits               // of the whole list: 42%
	unitsEnd
)

func (u units) word() string {
	return [...]string{"as people read them", "exact", "as shares of the list"}[u]
}

// toggleMark marks the row under the cursor, or no longer, and goes on to the next.
func (m *Model) toggleMark() tea.Cmd {
	l, p := m.focus()
	if l == nil || l.at(p) == nil {
		return nil
	}
	if m.cellsPerRow() > 1 {
		m.say("cells of a map cannot be marked", nil)
		return nil
	}
	r := l.at(p)
	if p.marks == nil {
		p.marks = map[string]bool{}
	}
	if p.marks[r.id()] {
		delete(p.marks, r.id())
	} else {
		p.marks[r.id()] = true
	}
	l.weigh(p)
	return m.move(1)
}

// weigh adds up what is marked.
func (s *shown) weigh(p *pane) {
	s.marked, s.sums = 0, nil
	if len(p.marks) == 0 {
		return
	}
	s.sums = make([]float64, len(s.cols))
	for i := range s.count() {
		if r := s.row(i); !p.marks[r.id()] {
			continue
		}
		s.marked++
		for c := range s.cols {
			v, _ := s.value(i, c).Number()
			s.sums[c] += v
		}
	}
}

// markNote says what is marked: 3 marked: 4.61M keys, 3.91 GiB.
func (s *shown) markNote(k *look) string {
	if s.marked == 0 {
		return ""
	}
	var sums []string
	for c := range s.cols {
		if col := &s.cols[c]; col.Sum && (col.Unit == report.UnitBytes || col.Unit == report.UnitCount) && !isChange(col) {
			text := written(col, report.Number(s.sums[c]), k.ascii)
			if col.Unit == report.UnitCount {
				text += " " + clean(heading(col), k.ascii)
			}
			sums = append(sums, text)
		}
	}
	note := humanize.Exact(int64(s.marked)) + " marked"
	if len(sums) > 0 {
		note += ": " + strings.Join(sums, ", ")
	}
	return note
}

// markedKeys are the names of what is marked, in the order of the list, each once: several findings may be about the same.
func (s *shown) markedKeys(p *pane) []string {
	var keys []string
	known := map[string]bool{"": true}
	for i := range s.count() {
		if r := s.row(i); p.marks[r.id()] && !known[r.key] {
			keys, known[r.key] = append(keys, r.key), true
		}
	}
	return keys
}

// nextUnits writes amounts in another way.
func (m *Model) nextUnits() tea.Cmd {
	m.look.units = (m.look.units + 1) % unitsEnd
	m.say("amounts "+m.look.units.word(), nil)
	m.changed()
	return nil
}

// metricsIn are the columns of a list that it can be about.
func metricsIn(cols []report.Column) []int {
	var cs []int
	for c := range cols {
		if cols[c].Sum && !isWord(&cols[c]) && cols[c].Unit != report.UnitRatio {
			cs = append(cs, c)
		}
	}
	return cs
}

// metricOf is the column that was chosen, -1 if a list is as the report has it.
func (p *pane) metricOf(cols []report.Column) int {
	if ms := metricsIn(cols); p.metric > 0 && len(ms) > 0 {
		return ms[(p.metric-1)%len(ms)]
	}
	return -1
}

// orderOf is the order of a list: the one that was asked for, else by its metric.
func (p *pane) orderOf(cols []report.Column) order {
	if c := p.metricOf(cols); c >= 0 && p.order.by == 0 {
		return order{by: c + 1, reverse: p.order.reverse}
	}
	return p.order
}

// nextListMetric makes a list about another number: its bars and its order.
func (m *Model) nextListMetric() tea.Cmd {
	l, p := m.focus()
	if l == nil {
		return nil
	}
	ms := metricsIn(l.cols)
	if len(ms) == 0 {
		m.say("nothing in this list adds up", nil)
		return nil
	}
	p.metric = (p.metric + 1) % (len(ms) + 1)
	p.order.by = 0
	m.changed()
	return nil
}
