package compare

import (
	"fmt"
	"slices"
	"time"

	"github.com/kvtool/kvtool/report"
)

// Report makes the report of changes between two designs, which are called by the names given.
func Report(changes []Change, before, after string, now time.Time) *report.Report {
	return &report.Report{
		Schema:   report.Schema,
		Kind:     report.KindDiff,
		Target:   report.Target{Adapter: "schema", URL: before + " → " + after, Facts: []report.Fact{}},
		Taken:    now.UTC(),
		Coverage: report.Coverage{Complete: true},
		Sections: []report.Section{section(changes)},
		Findings: []report.Finding{},
		Skipped:  []report.Skip{},
	}
}

func section(changes []Change) report.Section {
	table := report.Table{Name: "changes", Title: "CHANGES", Columns: []report.Column{
		{Name: "class", Unit: report.UnitText},
		{Name: "template", Unit: report.UnitKey},
		{Name: "change", Unit: report.UnitText},
		{Name: "old", Unit: report.UnitText},
		{Name: "new", Unit: report.UnitText},
	}}
	for _, c := range changes {
		table.Rows = append(table.Rows, []report.Value{
			report.Text(string(c.Class)), report.Text(c.Template), report.Text(c.What), text(c.Old), text(c.New),
		})
	}
	s := report.Section{Name: "diff", Title: "DIFF", Metrics: []report.Metric{}, Tables: []report.Table{}}
	for _, class := range Classes() {
		s.Metrics = append(s.Metrics, report.Metric{Name: string(class), Value: report.Number(Count(changes, class)), Unit: report.UnitCount})
	}
	if len(table.Rows) > 0 {
		s.Tables = append(s.Tables, table)
	}
	return s
}

// text is a text or, if there is none, null.
func text(s string) report.Value {
	if s == "" {
		return report.Null
	}
	return report.Text(s)
}

// Count returns how many changes are of the class.
func Count(changes []Change, class Class) int {
	n := 0
	for _, c := range changes {
		if c.Class == class {
			n++
		}
	}
	return n
}

// Judge sets the gate of the report of changes: it fails if one is as bad as failOn. With an empty failOn there is no gate.
func Judge(r *report.Report, changes []Change, failOn Class) {
	if failOn == "" {
		return
	}
	severity := map[Class]report.Severity{Breaking: report.Error, Risky: report.Warning}[failOn]
	r.Gate = &report.Gate{FailOn: severity, Verdict: report.Pass}
	if slices.ContainsFunc(changes, func(c Change) bool { return c.Class.AtLeast(failOn) }) {
		r.Gate.Verdict = report.Fail
		for _, class := range Classes() {
			if n := Count(changes, class); n > 0 && class.AtLeast(failOn) {
				r.Gate.Why = append(r.Gate.Why, fmt.Sprintf("%s changes: %d", class, n))
			}
		}
	}
}
