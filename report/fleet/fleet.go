// Package fleet makes one report of many: what came of looking at each target of a fleet, the one that needs somebody first. It owns
// what is kept of each and in which order they stand; how a target is looked at, and what an exit code is, it does not know.
//
// The one idea is that a target is a row whatever became of it. One that is dead, or that nobody got round to, is as much a
// result as one that is well, and hides none of the others. What is kept of a target is bounded, so that a fleet of hundreds is
// looked at in the memory of one:
//
//	report of a target ──Keep──▶ its numbers and worst findings ──Collect──▶ report ──report.Judge──▶ ──Rank──▶ rows, worst first
package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/report"
)

// A State is what came of a target.
type State string

// The states.
const (
	OK       State = "ok"
	Failed   State = "failed"    // by the gate
	Partial  State = "partial"   // not everything was read
	NoAccess State = "no access" // it could not be reached, or did not let us in
	Mistake  State = "mistake"   // of who named it: there is no such target, or it is none
	Stopped  State = "stopped"   // while it was looked at, from outside
	Waiting  State = "not begun" // everything was stopped before its turn
	Crashed  State = "crashed"   // a bug of ours
)

// MostTargets is how many a fleet may have.
const MostTargets = 1000

// mostFindings is how many of a target's findings are kept, the worst ones.
const mostFindings = 50

// A Target is one of a fleet.
type Target struct {
	Name   string
	URL    string // as it is printed, where it is known; a report says it better
	State  State
	Why    string         // of a state that is not OK
	Report *report.Report // what Keep has kept; nil if there was no report
	Left   int            // findings that were not kept
	looked bool           // there was a report
}

// Keep keeps of a target's report what a fleet's report has of it: its numbers, its worst findings and what was not looked at, but none
// of its tables.
func (t *Target) Keep(r *report.Report) {
	kept := &report.Report{
		Schema: r.Schema, Kind: r.Kind, Tool: r.Tool, Target: r.Target, Taken: r.Taken, Coverage: r.Coverage, Skipped: r.Skipped,
		Sections: []report.Section{},
	}
	kept.Target.Name = t.Name
	if m := sumServers(r); m != nil {
		kept.Sections = append(kept.Sections, *m)
	}
	for i := range r.Sections {
		if s := &r.Sections[i]; len(s.Metrics) > 0 {
			kept.Sections = append(kept.Sections, report.Section{Name: s.Name, Title: s.Title, Metrics: s.Metrics, Tables: []report.Table{}})
		}
	}
	report.SortFindings(r.Findings)
	n := min(len(r.Findings), mostFindings)
	t.Left = len(r.Findings) - n
	kept.Findings = slices.Clone(r.Findings[:n])
	for i := range kept.Findings {
		kept.Findings[i].Scope = t.Name
	}
	t.Report, t.looked = kept, true
}

// sumServers returns the vitals of a target that has several servers: what they do together, and the worst of each.
func sumServers(r *report.Report) *report.Section {
	s := r.Section("servers")
	if s == nil || r.Section("vitals") != nil || len(s.Tables) == 0 {
		return nil
	}
	tab := &s.Tables[0]
	out := &report.Section{Name: "vitals", Title: "Vitals", Tables: []report.Table{}, Metrics: []report.Metric{
		{Name: "servers", Value: report.Number(len(tab.Rows)), Unit: report.UnitCount},
	}}
	for c, col := range tab.Columns {
		add := map[string]func(a, b float64) float64{
			"commands": plus, "used_memory": plus, "main_thread": greater, "ping_max": greater,
		}[col.Name]
		if add == nil {
			continue
		}
		total, known := 0.0, false
		for _, row := range tab.Rows {
			if v, ok := row[c].Number(); ok {
				total, known = add(total, v), true
			}
		}
		if known {
			out.Metrics = append(out.Metrics, report.Metric{Name: col.Name, Value: report.Number(total), Unit: col.Unit})
		}
	}
	return out
}

func plus(a, b float64) float64    { return a + b }
func greater(a, b float64) float64 { return max(a, b) }

// A Look says what a fleet is called, of which kind the reports of its targets are, and by whom and when it was looked at.
type Look struct {
	Name, Kind string
	Tool       report.Tool
	Taken      time.Time
}

// Collect makes the report of a fleet, which is to be judged and ranked then.
func Collect(l Look, targets []Target) *report.Report {
	r := &report.Report{
		Schema: report.Schema, Kind: report.KindFleet, Tool: l.Tool, Taken: l.Taken, Target: report.Target{Adapter: "fleet", URL: l.Name, Facts: []report.Fact{}},
		Sections: []report.Section{}, Findings: []report.Finding{}, Skipped: []report.Skip{}, Coverage: report.Coverage{Complete: true},
	}
	by := map[State][]string{}
	for i := range targets {
		t := &targets[i]
		if t.Report == nil {
			t.Report = unseen(t, l)
		}
		kept := t.Report
		r.Targets = append(r.Targets, kept)
		r.Findings = append(r.Findings, kept.Findings...)
		r.Coverage.Keys += kept.Coverage.Keys
		if t.State != OK {
			r.Coverage.Complete = false
			by[t.State] = append(by[t.State], t.Name)
		}
		if t.Left > 0 {
			r.Coverage.Why = append(r.Coverage.Why, fmt.Sprintf("%s: of its findings the worst %d are here, and %d are not", t.Name, mostFindings, t.Left))
		}
	}
	for _, s := range []State{Crashed, Mistake, NoAccess, Partial, Stopped, Waiting} {
		if names := by[s]; names != nil {
			r.Coverage.Why = append(r.Coverage.Why, fmt.Sprintf("%s: %d of %d targets: %s", s, len(names), len(targets), few(names)))
		}
	}
	report.SortFindings(r.Findings)
	return r
}

// unseen is the report of a target that there is none of.
func unseen(t *Target, l Look) *report.Report {
	return &report.Report{
		Schema: report.Schema, Kind: l.Kind, Tool: l.Tool, Taken: l.Taken,
		Target:   report.Target{Adapter: "unknown", Name: t.Name, URL: t.URL, Facts: []report.Fact{}},
		Sections: []report.Section{}, Findings: []report.Finding{}, Skipped: []report.Skip{},
		Coverage: report.Coverage{Why: []string{cmp.Or(t.Why, string(t.State))}},
	}
}

// few lists the first of some names.
func few(names []string) string {
	const most = 5
	if n := len(names); n > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), n-most)
	}
	return strings.Join(names, ", ")
}
