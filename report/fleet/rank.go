package fleet

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/report"
)

// SectionName is the section of a fleet's report with a row for each target.
const SectionName = "fleet"

// Rank writes the rows of the fleet into r, which was collected of the targets and judged, the target that needs somebody first. It
// gives each target the findings as they were judged, and the state Failed if one of them fails; it puts the targets in the
// order of their rows.
func Rank(r *report.Report, targets []Target) {
	judged := map[string][]report.Finding{}
	for _, f := range r.Findings {
		judged[f.Scope] = append(judged[f.Scope], f)
	}
	for i := range targets {
		t := &targets[i]
		t.Report.Findings = append([]report.Finding{}, judged[t.Name]...)
		if t.State == OK && slices.ContainsFunc(t.Report.Findings, func(f report.Finding) bool { return r.Gate.Fails(&f) }) {
			t.State = Failed
		}
	}
	slices.SortStableFunc(targets, compare)
	r.Targets = nil
	tab := report.Table{Name: "targets", Columns: columns()}
	for i := range targets {
		r.Targets = append(r.Targets, targets[i].Report)
		tab.Rows = append(tab.Rows, row(&targets[i]))
	}
	r.Sections = []report.Section{{Name: SectionName, Title: "Targets", Metrics: tallies(targets), Tables: []report.Table{tab}}}
}

// compare orders targets: those of which nothing is known before all that is known to be bad, and what is well last.
func compare(a, b Target) int {
	return cmp.Or(
		cmp.Compare(class(&a), class(&b)),
		cmp.Compare(b.count(report.Error), a.count(report.Error)),
		cmp.Compare(b.count(report.Warning), a.count(report.Warning)),
		cmp.Compare(b.count(report.Info), a.count(report.Info)),
		cmp.Compare(a.Name, b.Name),
	)
}

// class is how urgently somebody should look at a target, 0 first.
func class(t *Target) int {
	at := slices.Index([]State{NoAccess, Crashed, Mistake}, t.State)
	switch {
	case at >= 0:
		return at
	case t.count(report.Error) > 0:
		return 3
	case t.count(report.Warning) > 0:
		return 4
	case t.State == Partial:
		return 5
	case t.State == Stopped, t.State == Waiting:
		return 6
	}
	return 7
}

// count counts the findings of a severity that are neither fixed nor accepted.
func (t *Target) count(s report.Severity) int {
	n := 0
	for i := range t.Report.Findings {
		if f := &t.Report.Findings[i]; f.Severity == s && stands(f) {
			n++
		}
	}
	return n
}

func stands(f *report.Finding) bool { return f.Status != report.Fixed && f.Status != report.Suppressed }

// A figure is a column that shows a metric of a target's report.
type figure struct {
	section, metric string
	report.Column
}

func figures() []figure {
	return []figure{
		{"totals", "keys", report.Column{Name: "keys", Unit: report.UnitCount, Sum: true, Rank: 2}},
		{"totals", "bytes", report.Column{Name: "bytes", Title: "mem of keys", Unit: report.UnitBytes, Sum: true, Rank: 2}},
		{"vitals", "commands", report.Column{Name: "commands", Title: "cmd/s", Unit: report.UnitRate, Sum: true, Rank: 2}},
		{"vitals", "used_memory", report.Column{Name: "used_memory", Title: "mem", Unit: report.UnitBytes, Sum: true, Rank: 2}},
		{"vitals", "ping_max", report.Column{Name: "ping_max", Title: "ping max", Unit: report.UnitDuration, Rank: 3}},
		{"vitals", "main_thread", report.Column{Name: "main_thread", Title: "thread", Unit: report.UnitRatio, Rank: 4}},
		{"vitals", "hit_rate", report.Column{Name: "hit_rate", Title: "hit rate", Unit: report.UnitRatio, Rank: 5}},
	}
}

func columns() []report.Column {
	cols := []report.Column{
		{Name: "target", Unit: report.UnitText},
		{Name: "state", Unit: report.UnitText},
		{Name: "error", Title: "E", Unit: report.UnitCount, Sum: true},
		{Name: "warning", Title: "W", Unit: report.UnitCount, Sum: true},
		{Name: "info", Title: "I", Unit: report.UnitCount, Sum: true, Rank: 6},
		{Name: "worst", Title: "what", Unit: report.UnitText},
	}
	for _, f := range figures() {
		cols = append(cols, f.Column)
	}
	return append(cols,
		report.Column{Name: "version", Unit: report.UnitText, Rank: 7},
		report.Column{Name: "url", Unit: report.UnitText, Rank: 8})
}

func row(t *Target) []report.Value {
	out := []report.Value{report.Text(t.Name), report.Text(string(t.State))}
	for _, s := range report.Severities {
		n := report.Null
		if t.looked {
			n = report.Number(t.count(s))
		}
		out = append(out, n)
	}
	out = append(out, known(worst(t)))
	for _, f := range figures() {
		out = append(out, metric(t.Report, f.section, f.metric))
	}
	tg := &t.Report.Target
	version := tg.Product
	if tg.Version != "" {
		version += " " + tg.Version
	}
	return append(out, known(version), known(tg.URL))
}

// known is a text, or Null where there is none.
func known(s string) report.Value {
	if s == "" {
		return report.Null
	}
	return report.Text(s)
}

// worst says in a line what is wrong with a target: why nothing is known of it, or its worst finding.
func worst(t *Target) string {
	if !t.looked {
		return t.Why
	}
	for i := range t.Report.Findings {
		if f := &t.Report.Findings[i]; stands(f) {
			if f.Subject == "server" || strings.Contains(f.Message, f.Subject) {
				return f.Rule + " " + f.Message
			}
			return f.Rule + " " + f.Subject + ": " + f.Message
		}
	}
	return t.Why
}

func metric(r *report.Report, section, name string) report.Value {
	s := r.Section(section)
	if s == nil {
		return report.Null
	}
	for i := range s.Metrics {
		if s.Metrics[i].Name == name {
			return s.Metrics[i].Value
		}
	}
	return report.Null
}

// tallies count the targets by their states; a state that no target is in is left out.
func tallies(targets []Target) []report.Metric {
	n := map[State]int{}
	for i := range targets {
		n[targets[i].State]++
	}
	out := []report.Metric{{Name: "targets", Value: report.Number(len(targets)), Unit: report.UnitCount}}
	for _, s := range []struct {
		state State
		name  string
	}{
		{OK, "ok"},
		{Failed, "failed"},
		{Partial, "partial"},
		{NoAccess, "no_access"},
		{Mistake, "mistake"},
		{Stopped, "stopped"},
		{Waiting, "not_begun"},
		{Crashed, "crashed"},
	} {
		if n[s.state] > 0 {
			out = append(out, report.Metric{Name: s.name, Value: report.Number(n[s.state]), Unit: report.UnitCount})
		}
	}
	return out
}
