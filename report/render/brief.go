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
	lines := notEmpty(
		fmt.Sprintf("kvtool %s of %s", clean(r.Kind, o.ASCII), t.clean(r.Target.URL)),
		strings.Join(t.briefScope(), ", "),
	)
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

// briefScope says how much was looked at: keys, templates, or both.
func (t *text) briefScope() []string {
	var items []string
	switch t.r.Kind {
	case report.KindLoad:
		return t.briefRun()
	case report.KindFleet:
		return t.fleetWords()
	}
	if t.r.Kind != report.KindLint && t.r.Kind != report.KindDiff && t.r.Kind != report.KindCompare && t.r.Kind != report.KindFindMax {
		items = append([]string{humanize.Counted(t.r.Coverage.Keys, "key")}, t.scan()...)
	}
	if d := t.r.Design; d != nil {
		items = append(items, humanize.Counted(int64(d.Templates), "template"))
	}
	return items
}

// The tables and metrics of a run that people name first: those of loadgen/recording.
const (
	latencyTable  = "latency"
	healthSection = "health"
	runSection    = "run"
)

// briefRun says what a run has done and how long that took: "30.1k operations, 1.00k/s, p50 0.30 ms, p99 2.4 ms, 0 errors, valid".
func (t *text) briefRun() []string {
	items := t.runWords()
	if s := t.r.Section(latencyTable); s != nil && len(s.Tables) > 0 && len(s.Tables[0].Rows) > 0 {
		tab := &s.Tables[0]
		all := tab.Rows[len(tab.Rows)-1]
		for _, column := range []struct{ name, form string }{
			{"count", "%s operations"}, {"rate", "%s"}, {"p50", "p50 %s"}, {"p99", "p99 %s"}, {"errors", "%s errors"},
		} {
			for c := range tab.Columns {
				if tab.Columns[c].Name == column.name && !all[c].IsNull() {
					items = append(items, fmt.Sprintf(column.form, human(all[c], tab.Columns[c].Unit, t.ascii)))
				}
			}
		}
	}
	return append(items, notEmpty(t.named(healthSection, "verdict"))...)
}

// runWords says what was run: "counters, open loop".
func (t *text) runWords() []string {
	loop := t.named(runSection, "loop")
	if loop != "" {
		loop += " loop"
	}
	return notEmpty(t.named(runSection, "scenario"), loop)
}

// named writes a metric of a section, or "".
func (t *text) named(section, name string) string {
	if s := t.r.Section(section); s != nil {
		for i := range s.Metrics {
			if m := &s.Metrics[i]; m.Name == name {
				return t.clean(metric(m, t.ascii))
			}
		}
	}
	return ""
}

// briefFindings lists the worst findings that are open in at most room lines.
func (t *text) briefFindings(room int) []string {
	var lines []string
	fs := t.o.shown(t.r.Findings)
	for i := range fs {
		if len(lines) == room {
			lines[room-1] = fmt.Sprintf("and %d more", len(fs)-room+1)
			break
		}
		f := &fs[i]
		l := fmt.Sprintf("%s %s %s%s: %s", letter(f.Severity), t.clean(f.Rule), cutMiddle(t.clean(Subject(f)), 30, t.mark),
			t.briefPlace(f), t.clean(f.Message))
		if f.Measure != nil {
			m := " (" + metric(f.Measure, t.ascii) + ")"
			l = cutEnd(l, briefWidth-columns(m), t.mark) + m
		}
		lines = append(lines, l)
	}
	return lines
}

// briefPlace says where a finding is and what became of it: " (keys.yaml:14, new)".
func (t *text) briefPlace(f *report.Finding) string {
	if s := strings.Join(notEmpty(cutMiddle(t.clean(where(f.Pos)), 30, t.mark), string(f.Status)), ", "); s != "" {
		return " (" + s + ")"
	}
	return ""
}

// briefEnd is what comes after the findings: the budgets that are over, the largest templates and the verdict.
func (t *text) briefEnd() []string {
	lines := notEmpty(t.briefBudgets())
	if l := t.briefTemplates(); l != "" {
		lines = append(lines, l)
	}
	if g := t.r.Gate; g != nil {
		lines = append(lines, strings.TrimSuffix(fmt.Sprintf("gate: %s: %s", g.Verdict, t.clean(gateWhy(g))), ": "))
	}
	return lines
}

// briefBudgets names the budgets that are over; it is empty if none is.
func (t *text) briefBudgets() string {
	if t.r.Gate == nil {
		return ""
	}
	var over []string
	for i := range t.r.Gate.Checks {
		if c := &t.r.Gate.Checks[i]; c.Verdict == report.Fail {
			over = append(over, cutMiddle(t.clean(c.Name), 24, t.mark)+t.briefLimit(c))
		}
	}
	if over == nil {
		return ""
	}
	if report.LimitsWord(t.r.Gate.Checks) == thresholds {
		return "not kept: " + strings.Join(over, "; ")
	}
	return "over budget: " + strings.Join(over, "; ")
}

// briefLimit is how a budget stands behind its name, in which a threshold says its limit itself.
func (t *text) briefLimit(c *report.Check) string {
	if c.Threshold() {
		return " is " + budgetHead(c, t.ascii)
	}
	return " " + budgetText(c, t.ascii)
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
