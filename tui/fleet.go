package tui

import (
	"fmt"
	"strings"

	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
)

func fleets() screen {
	return screen{
		name: "fleet", title: "Fleet", short: "Fleet", doc: "several targets, the one first that needs somebody",
		keys: []binding{
			{keys: "enter l", label: "enter:detail", doc: "the target alone; esc leads back", do: (*Model).toggleDetail},
		},
		lacks: func(d *doc) string {
			if fleetTable(d) != nil {
				return ""
			}
			return "Fleet: this report is of one target. kvtool triage '@prod-*' --save fleet.kvr looks at several; then kvtool tui fleet.kvr"
		},
		lists: func(d *doc, _ *view, _ *look) []*list {
			l := listOf("Targets", fleetTable(d))
			l.marks = map[string]style{}
			for _, r := range fleetTable(d).Rows {
				name, _ := r[0].Text()
				l.marks[name] = d.targetStyle(name)
			}
			return []*list{l}
		},
		draw:    drawFleet,
		section: func(d *doc) string { return sectionOf(d, fleetTable(d)) },
	}
}

// fleetTable is the table with a row for each target.
func fleetTable(d *doc) *report.Table { return tableOf(d.r, "fleet", "targets") }

// target returns the report of a target of a fleet, nil if there is none.
func (d *doc) target(name string) *report.Report {
	for _, t := range d.r.Targets {
		if t.Target.Name == name {
			return t
		}
	}
	return nil
}

// targetStyle is how a target is marked: by its worst finding, or as bad where it was not read.
func (d *doc) targetStyle(name string) style {
	t := d.target(name)
	switch {
	case t == nil:
		return plain
	case !t.Coverage.Complete:
		return bad
	}
	st := plain
	for i := range t.Findings {
		if f := &t.Findings[i]; render.Present(f) && rankOf(severityStyle(f.Severity)) > rankOf(st) {
			st = severityStyle(f.Severity)
		}
	}
	return st
}

func drawFleet(s *sight) block {
	l, p := &s.lists[0], &s.v.panes[0]
	name := ""
	if p.cursor < l.index.len() {
		name, _ = l.value(l.index.at(p.cursor), 0).Text()
	}
	t := s.d.target(name)
	detail := func(w, h int) block {
		return s.box(w, h, render.Clean(name, s.ascii), "", func(w, h int) block {
			if t == nil {
				return nil
			}
			return s.targetDetail(t, w, h)
		})
	}
	if s.v.detail && t != nil {
		return detail(s.width, s.height)
	}
	return stack(s.width, s.height,
		part{6, max(6, s.height*3/5), func(h int) block { return s.list(0, s.width, h, s.fleetNote()) }},
		part{5, 100, func(h int) block { return detail(s.width, h) }})
}

// fleetNote counts the targets by what came of them: "12 targets   9 ok   2 no access".
func (s *sight) fleetNote() string {
	var out []string
	if sec := s.d.r.Section("fleet"); sec != nil {
		for i := range sec.Metrics {
			m := &sec.Metrics[i]
			out = append(out, render.HumanMetric(m, s.ascii)+" "+render.Clean(strings.ReplaceAll(m.Name, "_", " "), s.ascii))
		}
	}
	return strings.Join(out, "   ")
}

// targetDetail says all that is kept of a target: why it was not read, what was found, and its numbers.
func (s *sight) targetDetail(t *report.Report, w, h int) block {
	var out block
	say := func(name, text string, st style) { out = append(out, s.said(w, name, text, st)...) }
	tg := &t.Target
	say("url", tg.URL, plain)
	say("store", strings.TrimSpace(tg.Product+" "+tg.Version), plain)
	for _, why := range t.Coverage.Why {
		say("partial", why, bad)
	}
	shown := 0
	for i := range t.Findings {
		if f := &t.Findings[i]; render.Present(f) {
			shown++
			say(letter(f.Severity)+" "+f.Rule, f.Subject+": "+f.Message, severityStyle(f.Severity))
			say("  do", f.Fix, plain)
		}
	}
	if shown == 0 && t.Coverage.Complete {
		say("findings", "none", good)
	}
	out = append(out, s.pen(w).line())
	for i := range t.Sections {
		fs := figuresOf(&t.Sections[i], s.ascii)
		out = append(out, s.facts(w, len(fs), fs)...)
	}
	command := "audit"
	if t.Kind == report.KindTriage {
		command = "triage"
	}
	say("more", fmt.Sprintf("kvtool %s %s", command, tg.Name), faint)
	return out.tall(w, h)
}
