package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// briefLines is the most that Brief writes.
const briefLines = 12

// briefWidth is where a line is cut, so that a chat does not break it.
const briefWidth = 100

// Brief writes at most twelve plain lines to paste into a chat: what was looked at, how bad it is, the worst findings
// and the largest templates. It names no key.
func Brief(w io.Writer, r *report.Report, o Options) error {
	t := &text{r: o.Keys.apply(r), o: o, page: newPage(w, Options{ASCII: o.ASCII, Width: briefWidth})}
	c := &r.Coverage
	lines := []string{
		fmt.Sprintf("kvtool %s of %s", clean(r.Kind, o.ASCII), t.clean(r.Target.URL)),
		strings.Join(append([]string{humanize.Exact(c.Keys) + " keys"}, t.scan()...), ", "),
	}
	for _, why := range c.Why {
		lines = append(lines, t.clean(why))
	}
	lines = lines[:min(len(lines), 4)]
	lines = append(lines, strings.ReplaceAll(counts(r), "   ", ", "))
	end := t.briefEnd()
	room := briefLines - len(lines) - len(end)
	lines = append(lines, t.briefFindings(room)...)
	for _, l := range append(lines, end...) {
		t.line(span{text: l})
	}
	return t.close()
}

// briefFindings lists the worst findings in at most room lines.
func (t *text) briefFindings(room int) []string {
	var lines []string
	for i := range t.r.Findings {
		if len(lines) == room {
			lines[room-1] = fmt.Sprintf("and %d more", len(t.r.Findings)-room+1)
			break
		}
		f := &t.r.Findings[i]
		l := fmt.Sprintf("%s %s %s: %s", letter(f.Severity), t.clean(f.Rule), cutMiddle(t.clean(f.Subject), 30, t.mark), t.clean(f.Message))
		if f.Measure != nil {
			m := " (" + metric(f.Measure, t.ascii) + ")"
			l = cutEnd(l, briefWidth-columns(m), t.mark) + m
		}
		lines = append(lines, l)
	}
	return lines
}

// briefEnd is what comes after the findings: the largest templates and the verdict.
func (t *text) briefEnd() []string {
	var lines []string
	if l := t.briefTemplates(); l != "" {
		lines = append(lines, l)
	}
	if g := t.r.Gate; g != nil {
		lines = append(lines, strings.TrimSuffix(fmt.Sprintf("gate: %s: %s", g.Verdict, t.clean(gateWhy(g))), ": "))
	}
	return lines
}

// briefTop is how many templates are named.
const briefTop = 4

func (t *text) briefTemplates() string {
	tab := templateTable(t.r)
	if tab == nil {
		return ""
	}
	share := -1
	for i, c := range tab.Columns {
		if c.Unit == report.UnitRatio && c.Sum && share < 0 {
			share = i
		}
	}
	if share < 0 {
		return ""
	}
	var parts []string
	for _, row := range tab.Rows[:min(briefTop, len(tab.Rows))] {
		if _, ok := row[share].Number(); ok {
			parts = append(parts, cutMiddle(human(row[0], report.UnitKey, t.ascii), 24, t.mark)+" "+human(row[share], report.UnitRatio, t.ascii))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "largest: " + strings.Join(parts, ", ")
}
