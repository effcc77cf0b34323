package tui

import (
	"fmt"
	"strings"
	"time"

	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
)

func triages() screen {
	return screen{
		name: "triage", title: "Triage", short: "Why", doc: "why the server is slow now, and what to do",
		keys: []binding{
			{keys: "enter l", label: "enter:detail", doc: "the cause alone; esc leads back", do: (*Model).toggleDetail},
			{keys: "v", label: "v:new/all", doc: "also those that are known, fixed or accepted", do: (*Model).toggleAll},
			{keys: "i", label: "i:suppress", doc: "accept the cause for a time, with a reason: a line in .kvtool-ignore.yaml", do: (*Model).suppress},
		},
		lacks: func(d *doc) string {
			if d.r.Kind == report.KindTriage {
				return ""
			}
			return "Triage: not in this report. kvtool triage TARGET --save why.kvr watches a server for ten seconds; then kvtool tui why.kvr"
		},
		lists: func(d *doc, v *view, k *look) []*list {
			ls := []*list{causeList(d, v, k)}
			if t := triageTable(d); t != nil {
				ls = append(ls, listOf(titleOf(d, t), t))
			}
			return ls
		},
		draw:    drawTriage,
		section: func(*doc) string { return "findings" },
	}
}

// triageTable is what was watched: the commands of a server, or the servers.
func triageTable(d *doc) *report.Table {
	return d.firstTable([2]string{"commands", "commands"}, [2]string{"servers", "servers"})
}

// causeList is the findings of a triage, the cause that explains most first.
func causeList(d *doc, v *view, k *look) *list {
	l := findingList(d, v, k)
	l.title = "Causes"
	if len(l.rows) == 0 && l.none == "nothing was found" {
		l.none = "none: nothing that these figures show makes it slow"
	}
	return l
}

func drawTriage(s *sight) block {
	l, p := &s.lists[0], &s.v.panes[0]
	var f *report.Finding
	if p.cursor < l.index.len() {
		f = l.finds[l.index.at(p.cursor)]
	}
	cause := func(w, h int) block {
		if f == nil {
			return s.box(w, h, "Not ruled out", "", func(w, h int) block { return s.facts(w, h, s.notRuledOut()) })
		}
		return s.finding(f, w, h)
	}
	if s.v.detail && f != nil {
		return cause(s.width, s.height)
	}
	vitals := func(w, h int) block {
		return s.box(w, h, "Vitals", s.watched(), func(w, h int) block { return s.facts(w, h, s.vitalFacts()) })
	}
	causes := part{5, max(5, l.index.len()+3), func(h int) block { return s.list(0, s.width, h, "") }}
	switch {
	case s.wider():
		right := s.width * 2 / 5
		return stack(s.width, s.height, causes, part{8, 100, func(h int) block {
			if len(s.lists) > 1 {
				half := h / 2
				return beside(cause(s.width-right, h), append(vitals(right, half), s.list(1, right, h-half, "")...))
			}
			return beside(cause(s.width-right, h), vitals(right, h))
		}})
	case s.wide():
		right := s.width * 2 / 5
		return stack(s.width, s.height, causes, part{8, 100, func(h int) block {
			return beside(cause(s.width-right, h), vitals(right, h))
		}})
	}
	parts := []part{causes, {6, 12, func(h int) block { return cause(s.width, h) }}}
	if s.height >= 20 {
		parts = append(parts, part{4, 100, func(h int) block { return vitals(s.width, h) }})
	}
	return stack(s.width, s.height, parts...)
}

// watched says for how long.
func (s *sight) watched() string {
	m := report.Metric{Name: "watched", Value: report.Seconds(time.Duration(s.d.r.Coverage.Elapsed)), Unit: report.UnitDuration}
	if s.d.r.Coverage.Elapsed <= 0 {
		return "no two readings"
	}
	return render.HumanMetric(&m, s.ascii)
}

// vitalFacts are how the servers did, and what could not be ruled out.
func (s *sight) vitalFacts() []fact {
	var fs []fact
	for _, why := range s.d.r.Coverage.Why {
		fs = append(fs, fact{name: "partial", value: render.Clean(why, s.ascii), mark: warn})
	}
	fs = append(fs, s.d.factsOf("vitals", s.ascii)...)
	if n := len(s.d.r.Skipped); n > 0 {
		names := make([]string, n)
		for i, x := range s.d.r.Skipped {
			names[i] = render.Clean(x.Name, s.ascii)
		}
		fs = append(fs, fact{name: "not ruled out", value: fmt.Sprintf("%d: %s", n, strings.Join(names, ", ")), mark: faint})
	}
	return fs
}

// notRuledOut are the causes that nobody has looked for, with why.
func (s *sight) notRuledOut() []fact {
	var fs []fact
	for _, x := range s.d.r.Skipped {
		fs = append(fs, fact{name: render.Clean(x.Name, s.ascii), value: render.Clean(x.Why, s.ascii)})
	}
	if fs == nil {
		fs = []fact{{name: "all causes", value: "were looked for", mark: good}}
	}
	return fs
}
