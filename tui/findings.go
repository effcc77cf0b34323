package tui

import (
	"fmt"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
)

func findings() screen {
	return screen{
		name: "findings", title: "Findings", short: "Find", doc: "what is wrong, why, and what to do",
		keys: []binding{
			{keys: "enter l", label: "enter:detail", doc: "the finding alone; esc leads back", do: (*Model).toggleDetail},
			{keys: "v", label: "v:new/all", doc: "also those that are known, fixed or accepted", do: (*Model).toggleAll},
			{keys: "i", label: "i:suppress", doc: "accept the finding for a time, with a reason: a line in .kvtool-ignore.yaml", do: (*Model).suppress},
			{keys: "o", label: "o:template", doc: "to what it is about, in Keyspace", do: (*Model).openSubject},
		},
		lacks:   func(*doc) string { return "" },
		lists:   func(d *doc, v *view, k *look) []*list { return []*list{findingList(d, v, k)} },
		draw:    drawFindings,
		section: func(*doc) string { return "findings" },
	}
}

// findingList is the findings that somebody should look at, the worst first as the report has them.
func findingList(d *doc, v *view, k *look) *list {
	l := &list{title: "Findings", bar: -1, none: "nothing was found", cols: []report.Column{
		{Name: "finding", Title: "rule", Unit: report.UnitText},
		{Name: markColumn, Title: "S", Unit: report.UnitText},
		{Name: "subject", Unit: report.UnitKey},
		{Name: "message", Title: "what", Unit: report.UnitText, Rank: 1},
		{Name: "measure", Title: "impact", Unit: report.UnitText, Rank: 2},
		{Name: "status", Unit: report.UnitText, Rank: 3},
	}}
	hidden := int64(0)
	compared := false
	for i := range d.r.Findings {
		f := &d.r.Findings[i]
		if !v.all && (!render.Present(f) || f.Status == report.Existing) {
			hidden++
			continue
		}
		compared = compared || f.Status != ""
		measure := report.Null
		if f.Measure != nil {
			measure = report.Text(render.HumanMetric(f.Measure, k.ascii))
		}
		l.finds = append(l.finds, f)
		l.rows = append(l.rows, row{key: f.Subject, unique: f.Fingerprint(), mark: severityStyle(f.Severity), cells: []report.Value{
			report.Text(f.Rule), report.Text(letter(f.Severity)), report.Text(render.Subject(f)), report.Text(f.Message), measure,
			report.Text(strings.ToLower(render.StatusWord(f))),
		}})
	}
	if !compared {
		l.cols = l.cols[:len(l.cols)-1]
	}
	if hidden > 0 {
		l.none = humanize.Counted(hidden, "finding") + " known or accepted (v: all)"
	}
	return l
}

// letter is a severity in one column.
func letter(s report.Severity) string {
	if s == "" {
		return "?"
	}
	return strings.ToUpper(string(s[:1]))
}

func drawFindings(s *sight) block {
	l, p := &s.lists[0], &s.v.panes[0]
	var f *report.Finding
	if p.cursor < l.index.len() {
		f = l.finds[l.index.at(p.cursor)]
	}
	n := render.Tally(s.d.r)
	count := fmt.Sprintf("%d error   %d warning   %d info", n[0], n[1], n[2])
	detail := func(w, h int) block {
		if f == nil {
			return s.box(w, h, "", "", func(int, int) block { return nil })
		}
		return s.finding(f, w, h)
	}
	switch {
	case s.v.detail && f != nil:
		return detail(s.width, s.height)
	case s.wide():
		left := s.width / 2
		return beside(s.list(0, left, s.height, count), detail(s.width-left, s.height))
	}
	return stack(s.width, s.height,
		part{7, s.height / 2, func(h int) block { return s.list(0, s.width, h, count) }},
		part{6, 100, func(h int) block { return detail(s.width, h) }})
}

// finding draws a finding in its frame; one that has the screen can be scrolled.
func (s *sight) finding(f *report.Finding, w, h int) block {
	lines, note, from := s.findingDetail(f, w-2), "", 0
	if s.v.detail && len(lines) > h-2 {
		s.v.scroll = min(s.v.scroll, len(lines)-(h-2)) // there are no more pages
		from = s.v.scroll
		note = fmt.Sprintf("pgup pgdn: %d-%d of %d lines", from+1, from+h-2, len(lines))
	}
	return s.box(w, h, s.ruleTitle(f), note, func(int, int) block { return lines[from:] })
}

// ruleTitle names a finding's rule.
func (s *sight) ruleTitle(f *report.Finding) string {
	title := render.Clean(f.Rule, s.ascii)
	if r := s.rules[f.Rule]; r != nil {
		title += " " + r.Name
	}
	return title
}

// said are the lines of a text beside its name; none where there is nothing to say.
func (s *sight) said(w int, name, text string, st style) block {
	if text == "" {
		return nil
	}
	var out block
	for i, line := range render.Wrap(render.Clean(text, s.ascii), max(8, w-13)) {
		if i > 0 {
			name = ""
		}
		out = append(out, s.pen(w).put(plain, " ").field(faint, name, 10, false).put(plain, " ").put(st, line).line())
	}
	return out
}

// findingDetail says all of a finding: what, why, evidence, what to do.
func (s *sight) findingDetail(f *report.Finding, w int) block {
	var out block
	say := func(name, text string, st style) { out = append(out, s.said(w, name, text, st)...) }
	say("about", render.Subject(f), strong)
	say(string(f.Severity), f.Message, severityStyle(f.Severity))
	if note := s.note(f); note != "" {
		say("accepted", note, good)
	}
	say("status", strings.ToLower(render.StatusWord(f)), plain)
	say("note", f.Note, plain)
	rule := s.rules[f.Rule]
	fix := f.Fix
	if fix == "" && rule != nil {
		fix = rule.Fix
	}
	say("fix", fix, good)
	say("do not", strings.TrimPrefix(f.Avoid, "do not "), warn)
	if f.Measure != nil {
		say("measure", f.Measure.Name+" "+render.HumanMetric(f.Measure, s.ascii), plain)
	}
	var evidence []string
	for i := range f.Evidence {
		evidence = append(evidence, strings.ReplaceAll(f.Evidence[i].Name, "_", " ")+" "+render.HumanMetric(&f.Evidence[i], s.ascii))
	}
	say("evidence", strings.Join(evidence, ", "), plain)
	for i, k := range f.Samples[:min(len(f.Samples), 3)] {
		name := ""
		if i == 0 {
			name = "such as"
		}
		say(name, render.CutMiddle(render.Human(k, report.UnitKey, s.ascii), max(8, w-13), s.ascii), plain)
	}
	if rule != nil {
		say("why", strings.Join(strings.Fields(strings.ReplaceAll(rule.Doc, "`", "")), " "), plain)
	}
	if f.Pos.Line > 0 {
		say("declared", fmt.Sprintf("%s:%d", f.Pos.File, f.Pos.Line), plain)
	}
	say("more", "kvtool keydesign explain "+f.Rule, faint)
	say("print", f.Fingerprint(), faint)
	return out
}
