package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/kvtool/kvtool/report"
)

// changeColumn begins the names of columns that say by how much another has changed since the base.
const changeColumn = "change_"

func isChange(c *report.Column) bool { return strings.HasPrefix(c.Name, changeColumn) }

// against returns r as it is seen from an earlier report: behind each number that adds up stands by how much it has changed, rows that
// have gone are there again, and findings have a status. Neither of the two is changed.
func against(r, base *report.Report) *report.Report {
	c := *r
	c.Sections = slices.Clone(r.Sections)
	for i := range c.Sections {
		s := &c.Sections[i]
		s.Tables = slices.Clone(s.Tables)
		for j := range s.Tables {
			if was := tableOf(base, s.Name, s.Tables[j].Name); was != nil {
				s.Tables[j] = changes(&s.Tables[j], was)
			}
		}
	}
	if !slices.ContainsFunc(r.Findings, func(f report.Finding) bool { return f.Status != "" }) {
		judged, _ := report.Judge(r, base, report.Policy{Now: r.Taken, Tolerance: 0.1})
		c.Findings = judged.Findings
	}
	return &c
}

// A changed is a column of a table with the column of the same in the base.
type changed struct{ now, was int }

// countedAlike are the columns of t of which a change can be said.
func countedAlike(t, was *report.Table) []changed {
	if len(t.Columns) == 0 || t.Columns[0].Unit != report.UnitKey && t.Columns[0].Unit != report.UnitText || t.Name == heatmap {
		return nil
	}
	var cs []changed
	for c := range t.Columns {
		if col := &t.Columns[c]; col.Sum && (col.Unit == report.UnitCount || col.Unit == report.UnitBytes) {
			if at := columnOf(was, col.Name); at >= 0 && was.Columns[at].Unit == col.Unit {
				cs = append(cs, changed{c, at})
			}
		}
	}
	return cs
}

// changes returns t with what has changed since it was was. What either of them has left out is not known to have come or gone.
func changes(t, was *report.Table) report.Table {
	cs := countedAlike(t, was)
	if cs == nil {
		return *t
	}
	out := *t
	out.Columns, out.Rows, out.More = nil, nil, nil
	for c := range t.Columns {
		out.Columns = append(out.Columns, t.Columns[c])
		if at := slices.IndexFunc(cs, func(x changed) bool { return x.now == c }); at >= 0 {
			col := t.Columns[c]
			out.Columns = append(out.Columns, report.Column{Name: changeColumn + col.Name, Title: "+/-", Unit: col.Unit, Sum: true})
		}
	}
	out.Columns = append(out.Columns, report.Column{Name: "since_base", Title: "base", Unit: report.UnitText, Rank: 1})
	before := map[string][]report.Value{}
	for _, r := range was.Rows {
		name, _ := r[0].Text()
		before[name] = r
	}
	for _, r := range t.Rows {
		name, _ := r[0].Text()
		out.Rows = append(out.Rows, changedRow(t, cs, r, before[name], was.Omitted == 0))
		delete(before, name)
	}
	if t.More != nil {
		out.More = changedRow(t, cs, t.More, nil, false)
	}
	if t.Omitted > 0 {
		return out
	}
	for _, r := range was.Rows {
		if name, _ := r[0].Text(); before[name] != nil {
			out.Rows = append(out.Rows, goneRow(t, cs, r))
		}
	}
	return out
}

// changedRow is a row with its changes. Whole says that the base has left out no row: what is not in it is new.
func changedRow(t *report.Table, cs []changed, r, was []report.Value, whole bool) []report.Value {
	var out []report.Value
	for c := range t.Columns {
		out = append(out, r[c])
		at := slices.IndexFunc(cs, func(x changed) bool { return x.now == c })
		if at < 0 {
			continue
		}
		v, ok := r[c].Number()
		by := report.Null
		switch {
		case !ok:
		case was != nil:
			if w, known := was[cs[at].was].Number(); known {
				by = report.Number(v - w)
			}
		case whole:
			by = report.Number(v)
		}
		out = append(out, by)
	}
	if was == nil && whole {
		return append(out, report.Text("new"))
	}
	return append(out, report.Null)
}

// goneRow is a row that only the base has.
func goneRow(t *report.Table, cs []changed, was []report.Value) []report.Value {
	var out []report.Value
	for c := range t.Columns {
		at := slices.IndexFunc(cs, func(x changed) bool { return x.now == c })
		switch {
		case c == 0:
			out = append(out, was[0])
		case at < 0:
			out = append(out, report.Null)
		default:
			w, ok := was[cs[at].was].Number()
			gone := report.Null
			if ok {
				gone = report.Number(-w)
			}
			out = append(out, report.Number(0), gone)
		}
	}
	return append(out, report.Text("gone"))
}

// A baseMsg is an earlier report that was asked for.
type baseMsg struct {
	path string
	r    *report.Report
	err  error
}

// askBase asks for the file of an earlier report.
func (m *Model) askBase() tea.Cmd {
	if m.o.Base == nil {
		m.say("there is nothing to compare with here", nil)
		return nil
	}
	m.asking = prompt{kind: basePrompt}
	return nil
}

// readBase reads it, elsewhere.
func (m *Model) readBase(path string) tea.Cmd {
	return func() tea.Msg {
		r, err := m.o.Base(path)
		return baseMsg{path, r, err}
	}
}

// compare shows what has changed since the base, or no longer; without one it asks for one.
func (m *Model) compare() tea.Cmd {
	if m.base == nil {
		return m.askBase()
	}
	m.comparing = !m.comparing
	m.read()
	return nil
}

// compareWith takes a report as the base.
func (m *Model) compareWith(msg baseMsg) {
	if msg.err != nil {
		m.say("", msg.err)
		return
	}
	m.base, m.comparing = msg.r, true
	m.say("compared with "+clean(msg.path, m.look.ascii)+"; d: without", nil)
	m.read()
}

// read makes of the newest report what is looked up in it.
func (m *Model) read() {
	if m.snap == nil || m.snap.Report == nil {
		return
	}
	r := m.snap.Report
	if m.comparing {
		r = against(r, m.base)
	}
	m.doc = docOf(r)
	m.changed()
}
