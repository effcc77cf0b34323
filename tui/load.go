package tui

import (
	"github.com/kvtool/kvtool/internal/chart"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
)

func loads() screen {
	return screen{
		name: "load", title: "Load", short: "Load", doc: "how the store answers under load",
		lacks: func(d *doc) string {
			if loadTable(d) != nil {
				return ""
			}
			return "Load: not in this report. kvtool load run TARGET -s SCENARIO --tui shows a run; kvtool tui RUN.kvr one that was kept with --out."
		},
		lists: func(d *doc, v *view, k *look) []*list {
			ls := []*list{listOf(titleOf(d, loadTable(d)), loadTable(d))}
			if d.r.Gate != nil && len(d.r.Gate.Checks) > 0 {
				ls = append(ls, checkList(d.r.Gate.Checks, k.ascii))
			}
			return ls
		},
		draw:    drawLoad,
		section: func(d *doc) string { return sectionOf(d, loadTable(d)) },
	}
}

// loadTable is the table of operations, or of what a comparison or a search for the greatest rate has found.
func loadTable(d *doc) *report.Table {
	return d.firstTable([2]string{"latency", "latency"}, [2]string{"compare", "latency"}, [2]string{"compare", "rate"},
		[2]string{"find_max", "steps"})
}

// checkList is the limits of a run and how it stands against them.
func checkList(cs []report.Check, ascii bool) *list {
	l := &list{title: sentence(report.LimitsWord(cs)), bar: -1, cols: []report.Column{
		{Name: "limit", Unit: report.UnitText},
		{Name: markColumn, Title: "verdict", Unit: report.UnitText},
		{Name: "is", Unit: report.UnitText},
		{Name: "why", Unit: report.UnitText, Rank: 1},
	}}
	for i := range cs {
		c := &cs[i]
		word := map[report.Verdict]string{report.Pass: "ok", report.Fail: "FAIL", report.Inconclusive: "?"}[c.Verdict]
		l.rows = append(l.rows, row{key: c.Name, mark: verdictStyle(c.Verdict), cells: []report.Value{
			report.Text(c.Name), report.Text(word), report.Text(render.Human(c.Head, c.Unit, ascii)), report.Text(c.Why),
		}})
	}
	return l
}

func drawLoad(s *sight) block {
	series := s.d.firstTable([2]string{"seconds", "seconds"})
	parts := []part{{5, s.lists[0].count() + 4, func(h int) block {
		if s.wider() && len(s.lists) > 1 {
			left := s.width * 11 / 20
			return beside(s.list(0, left, h, ""), s.list(1, s.width-left, h, ""))
		}
		return s.list(0, s.width, h, "")
	}}}
	if series != nil {
		parts = append(parts, part{5, len(series.Columns) + 1, func(h int) block {
			return s.box(s.width, h, "Second by second", s.span(series), func(w, h int) block { return s.overTime(series, w, h) })
		}})
	}
	if len(s.lists) > 1 && !s.wider() {
		parts = append(parts, part{4, s.lists[1].count() + 3, func(h int) block { return s.list(1, s.width, h, "") }})
	}
	parts = append(parts, part{4, 100, func(h int) block { return s.box(s.width, h, "Health", "", s.loadHealth()) }})
	return stack(s.width, s.height, parts...)
}

// loadHealth is whether the run can be believed, what went wrong and what happened.
func (s *sight) loadHealth() func(w, h int) block {
	return func(w, h int) block {
		var fs []fact
		for _, section := range []string{"health", "run", "server", "checks"} {
			fs = append(fs, s.d.factsOf(section, s.ascii)...)
		}
		for _, name := range [][2]string{{"health", "errors"}, {"seconds", "events"}} {
			if t := tableOf(s.d.r, name[0], name[1]); t != nil {
				for _, r := range t.Rows {
					fs = append(fs, fact{
						name: render.Human(r[0], t.Columns[0].Unit, s.ascii), value: render.Human(r[1], t.Columns[1].Unit, s.ascii), mark: warn,
					})
				}
			}
		}
		for _, why := range s.d.r.Coverage.Why {
			fs = append([]fact{{name: "note", value: render.Clean(why, s.ascii), mark: warn}}, fs...)
		}
		if s.width < 100 || len(fs) <= h {
			return s.facts(w, h, fs)
		}
		left := w / 2
		return beside(s.facts(left, h, fs[:h]), s.facts(w-left, h, fs[h:]))
	}
}

// span says what time a series covers.
func (s *sight) span(t *report.Table) string {
	u := t.Columns[0].Unit
	return render.Human(t.Rows[0][0], u, s.ascii) + " to " + render.Human(t.Rows[len(t.Rows)-1][0], u, s.ascii)
}

// overTime draws each number of a series as a shape of all of its time, the newest at the right.
func (s *sight) overTime(t *report.Table, w, h int) block {
	var out block
	room := max(8, w-2-14-22)
	for c := 1; c < len(t.Columns) && len(out) < h; c++ {
		if isWord(&t.Columns[c]) || !known(t, c) {
			continue
		}
		values := make([]float64, len(t.Rows))
		most, last := 0.0, 0.0
		for i, r := range t.Rows {
			v, ok := r[c].Number()
			if !ok {
				v = nan()
			} else {
				last = v
			}
			values[i] = v
			most = max(most, v)
		}
		shape := chart.Spark(chart.Thin(values, room, greatest), s.ascii)
		u := t.Columns[c].Unit
		say := render.Human(report.Number(last), u, s.ascii) + ", most " + render.Human(report.Number(most), u, s.ascii)
		out = append(out, s.pen(w).put(plain, " ").field(faint, render.Clean(heading(&t.Columns[c]), s.ascii), 13, false).put(plain, " ").
			put(accent, shape).put(plain, "  "+say).line())
	}
	return out.tall(w, h)
}
