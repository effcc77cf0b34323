package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

func seconds(d report.Duration) float64 { return time.Duration(d).Seconds() }

// tally counts the findings that are present by severity, in the order of report.Severities.
func tally(r *report.Report) [len(report.Severities)]int {
	var n [len(report.Severities)]int
	for i := range r.Findings {
		for s, sev := range report.Severities {
			if f := &r.Findings[i]; f.Severity == sev && present(f) {
				n[s]++
			}
		}
	}
	return n
}

// counts writes the tally: "3 error   7 warning   12 info".
func counts(r *report.Report) string {
	var parts []string
	if r.Kind == report.KindDiff { // it has changes, and no findings
		for i := range r.Sections {
			for _, m := range r.Sections[i].Metrics {
				parts = append(parts, human(m.Value, m.Unit, true)+" "+clean(m.Name, true))
			}
		}
		return strings.Join(parts, "   ")
	}
	for i, n := range tally(r) {
		parts = append(parts, fmt.Sprintf("%d %s", n, report.Severities[i]))
	}
	return strings.Join(parts, "   ")
}

// letter is a severity in one column.
func letter(s report.Severity) string {
	if s == "" {
		return "?"
	}
	return strings.ToUpper(string(s[:1]))
}

func severityStyle(s report.Severity) style {
	switch s {
	case report.Error:
		return red
	case report.Warning:
		return yellow
	}
	return cyan
}

// fixFrom is the width from which a line also has room for what to do.
const fixFrom = 120

// findings draws the worst findings that are to be shown, and says how many more there are and how the budgets stand.
func (t *text) findings() {
	t.gap()
	if !t.judged() {
		t.line(span{"FINDINGS", bold}, span{text: "    " + counts(t.r)})
	}
	fs := t.o.shown(t.r.Findings)
	top := t.o.Top
	switch {
	case top == 0 && t.o.Section != "":
		top = len(fs)
	case top == 0:
		top = firstRows
	}
	t.list(fs[:min(top, len(fs))])
	if n := len(fs) - top; n > 0 {
		t.line(span{text: fmt.Sprintf("%s%s more: --top %d shows all, -o json all of each", spaces(9), humanize.Exact(int64(n)), len(fs))})
	}
	t.budgets()
	t.accepted()
}

// accepted says how much is not shown because it is known or accepted. What is to be said of suppressions is a warning, and
// stands elsewhere.
func (t *text) accepted() {
	t.gap()
	t.labelled(span{}, 3, t.o.hiddenCounts(t.r.Findings))
}

// list draws findings as suits who reads them: by their lines in keys.yaml, or one a line.
func (t *text) list(fs []report.Finding) {
	switch {
	case len(fs) == 0 && t.judged():
		t.line(span{text: "no findings"})
	case t.designed() && t.width < barsFrom:
		t.blocks(fs)
	case t.designed():
		t.rowsOf(fs)
	default:
		l := t.findingLayout(fs)
		for i := range fs {
			t.finding(&fs[i], l)
		}
	}
}

// A findingLayout is the widths of the columns of a finding: rule, subject, message, measure, status, fix. Fixes that are too long
// for a column of their own stand below the message.
type findingLayout struct {
	rule, subject, message, measure, status, fix int
	fixBelow                                     bool
}

// findingLayout gives the message what the others leave. Subjects are cut before the message gets too narrow to read.
func (t *text) findingLayout(fs []report.Finding) findingLayout {
	l := findingLayout{}
	for i := range fs {
		f := &fs[i]
		l.rule = max(l.rule, columns(t.clean(f.Rule)))
		l.subject = max(l.subject, columns(t.clean(Subject(f))))
		l.message = max(l.message, columns(t.clean(f.Message)))
		if f.Measure != nil {
			l.measure = max(l.measure, columns(metric(f.Measure, t.ascii)))
		}
		if n := columns(statusWord(f)); n > 0 {
			l.status = max(l.status, n+2)
		}
		l.fix = max(l.fix, columns(t.fix(f)))
	}
	l.subject = min(l.subject, max(18, t.width/4))
	room := t.width - (2 + l.rule + 2 + l.subject + 2 + 2 + l.measure + l.status)
	switch {
	case t.width < fixFrom:
		l.fix = 0
	case l.message+2+l.fix <= room:
		room -= l.fix + 2
	default:
		l.fix, l.fixBelow = 0, true
	}
	l.message = min(l.message, room)
	return l
}

// fix is what to do about a finding, or "".
func (t *text) fix(f *report.Finding) string {
	if f.Fix == "" {
		return ""
	}
	return "fix: " + t.clean(f.Fix)
}

// finding draws one finding. A message that does not fit goes on below.
func (t *text) finding(f *report.Finding, l findingLayout) {
	fix, measure, status := "", "", statusWord(f)
	if l.fix > 0 {
		fix = t.fix(f)
	}
	if f.Measure != nil {
		measure = metric(f.Measure, t.ascii)
	}
	lead := []span{
		{letter(f.Severity), severityStyle(f.Severity)},
		{text: " " + pad(t.clean(f.Rule), l.rule) + "  "},
		{text: pad(cutMiddle(t.clean(Subject(f)), l.subject, t.mark), l.subject) + "  "},
	}
	below := []span{{text: spaces(2 + l.rule + 2 + l.subject + 2)}}
	messages := wrap(t.clean(f.Message), l.message)
	for i := range max(1, len(messages)) {
		if i > 0 {
			lead, measure, status, fix = below, "", "", ""
		}
		t.line(append(lead[:len(lead):len(lead)],
			span{text: pad(nth(messages, i), l.message) + "  " + padLeft(measure, l.measure)},
			span{padLeft(status, l.status), bold}, span{"  " + fix, dim})...)
	}
	if l.fixBelow {
		for _, words := range wrap(t.fix(f), t.width-columns(below[0].text)) {
			t.line(below[0], span{words, dim})
		}
	}
}

func nth(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}
