package render

import (
	"fmt"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// watched says how long the servers were watched, and how they did.
func (t *text) watched() []string {
	s := seconds(t.r.Coverage.Elapsed)
	if s == 0 {
		return []string{"no two readings"}
	}
	out := []string{t.clean(humanize.Duration(s))}
	if v := t.r.Section("vitals"); v != nil {
		for i := range v.Metrics {
			if m := &v.Metrics[i]; m.Name == "commands" {
				out = append(out, metric(m, t.ascii)+" commands")
			}
		}
	}
	return out
}

// causes draws what a triage has found, each with what says so, what to do now and what not to do.
//
//	1  E TR003 script-hog  scripts took 91% of the time in 12 calls of 758 ms
//	       evidence  calls 12   mean 758 ms   ping max 1.1 s
//	       do        take the loop out of the script …
//	       do not    use SHUTDOWN NOSAVE …
func (t *text) causes() {
	t.gap()
	fs := t.o.shown(t.r.Findings)
	if len(fs) == 0 {
		t.line(span{"CAUSES", bold}, span{text: "  none: nothing that these figures show makes it slow"})
		t.budgets()
		return
	}
	t.line(span{"CAUSES", bold}, span{text: "    " + counts(t.r)})
	top := t.o.Top
	if top == 0 {
		top = firstRows
	}
	for i := range fs[:min(top, len(fs))] {
		t.cause(&fs[i], i+1)
	}
	if n := len(fs) - top; n > 0 {
		t.line(span{text: fmt.Sprintf("%s%s more: --top %d shows all", spaces(4), humanize.Exact(int64(n)), len(fs))})
	}
	t.budgets()
	t.accepted()
}

// causeIndent is where the lines below a cause begin, and causeLabel how wide their labels are.
const (
	causeIndent = 5
	causeLabel  = 10
)

func (t *text) cause(f *report.Finding, n int) {
	lead := []span{
		{text: padLeft(fmt.Sprint(n), 2) + "  "},
		{letter(f.Severity), severityStyle(f.Severity)},
		{text: " " + t.clean(f.Rule) + "  "},
	}
	at := 0
	for _, s := range lead {
		at += columns(s.text)
	}
	status := statusWord(f)
	for i, words := range wrap(t.clean(f.Message), t.width-at-columns(status)-2) {
		if i > 0 {
			lead, status = []span{{text: spaces(at)}}, ""
		}
		t.line(append(lead, span{words, bold}, span{text: "  " + status})...)
	}
	var evidence []string
	for i := range f.Evidence {
		m := &f.Evidence[i]
		evidence = append(evidence, t.clean(strings.ReplaceAll(m.Name, "_", " "))+" "+metric(m, t.ascii))
	}
	t.below("evidence", strings.Join(evidence, ", "))
	var keys []string
	for _, k := range f.Samples {
		keys = append(keys, t.clean(human(k, report.UnitKey, t.ascii)))
	}
	t.below("keys", strings.Join(keys, ", "))
	t.below("do", t.clean(f.Fix))
	t.below("do not", t.clean(strings.TrimPrefix(f.Avoid, "do not ")))
}

// below draws a labelled text under a cause.
func (t *text) below(label, words string) {
	if words == "" {
		return
	}
	lead := spaces(causeIndent) + pad(label, causeLabel)
	for _, line := range wrap(words, t.width-causeIndent-causeLabel) {
		t.line(span{lead, dim}, span{text: line})
		lead = spaces(causeIndent + causeLabel)
	}
}

// notRuledOut says which causes nobody has looked for, and why.
func (t *text) notRuledOut() {
	if len(t.r.Skipped) > 0 {
		t.gap()
		t.line(span{"NOT RULED OUT", bold})
		for _, group := range bySkipReason(t.r.Skipped) {
			for _, line := range wrap(t.clean(group), t.width-4) {
				t.line(span{text: spaces(4) + line})
			}
		}
	}
	if fs := t.o.shown(t.r.Findings); len(fs) > 0 {
		t.gap()
		t.items("next", "kvtool keydesign explain "+t.clean(fs[0].Rule))
	}
}
