// Package lint judges a schema before there are any keys: it holds rules against what keys.yaml says, and against nothing
// else. It does not read files, ask stores, or know how findings look.
//
// The one idea is that a rule is a value: its documentation, the stores it is for, one function over a design, and two whole
// files, one that breaks it and one that does not. These files are what the documentation shows and what the tests run. A
// design is the schema with what follows from it, worked out once: segments, hash tags, lifetimes, populations.
//
//	schema.Schema ──▶ design ──▶ rules ──▶ findings ──▶ lint.ignore (report.Judge)
//
// What the file does not say is never guessed. A rule that lacks a fact is listed as not evaluated, which is not the same as
// passed.
package lint

import (
	"fmt"
	"time"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

// A Result is what the rules say of a schema.
type Result struct {
	Findings []report.Finding // worst first, without status: what Suppressions accept is among them
	Section  report.Section   // what was judged, and what was not
	Judged   map[string]bool  // rules that were held against the schema
}

// Run returns the findings on s. Those that a lint.ignore accepts have their status and reason, as of now.
func Run(s *schema.Schema) []report.Finding {
	r, _ := report.Judge(&report.Report{Findings: Check(s).Findings}, nil, report.Policy{Suppressions: Suppressions(s), Now: time.Now()})
	return r.Findings
}

// Check holds the rules against s.
func Check(s *schema.Schema) Result {
	d := newDesign(s)
	r := Result{Judged: map[string]bool{}}
	idle := map[string]string{} // why a rule was not judged
	all := rules()
	for i := range all {
		rule := &all[i]
		if why := rule.idle(d); why != "" {
			idle[rule.ID] = why
			continue
		}
		r.Judged[rule.ID] = true
		r.Findings = append(r.Findings, rule.findings(d)...)
	}
	report.SortFindings(r.Findings)
	r.Section = section(d, all, idle)
	return r
}

// findings asks one rule. A subject has one finding a rule: the worst, the first of several.
func (r *rule) findings(d *design) []report.Finding {
	var found []report.Finding
	at := map[string]int{} // subject
	r.check(d, func(f report.Finding) {
		f.Rule = r.ID
		i, again := at[f.Subject]
		switch {
		case !again:
			at[f.Subject] = len(found)
			found = append(found, f)
		case f.Severity.AtLeast(found[i].Severity) && f.Severity != found[i].Severity:
			found[i] = f
		}
	})
	return found
}

// idle returns why the rule cannot be held against d, or "".
func (r *rule) idle(d *design) string {
	if !r.appliesTo(d.store) {
		return "not for " + string(d.store)
	}
	if r.lacks == nil {
		return ""
	}
	return r.lacks(d)
}

// SectionName is the name of the section that says what was judged.
const SectionName = "schema"

func section(d *design, all []rule, idle map[string]string) report.Section {
	table := report.Table{Name: "not_evaluated", Columns: []report.Column{
		{Name: "rule", Unit: report.UnitText},
		{Name: "name", Unit: report.UnitText, Rank: 1},
		{Name: "why", Unit: report.UnitText},
	}}
	var left []report.Unjudged
	for i := range all {
		if why, ok := idle[all[i].ID]; ok {
			left = append(left, report.Unjudged{Rule: all[i].ID, Why: why})
			table.Rows = append(table.Rows, []report.Value{report.Text(all[i].ID), report.Text(all[i].Name), report.Text(why)})
		}
	}
	count := func(name string, n int) report.Metric {
		return report.Metric{Name: name, Value: report.Number(n), Unit: report.UnitCount}
	}
	return report.Section{
		Name: SectionName, Title: "SCHEMA",
		Metrics: []report.Metric{
			count("templates", len(d.Templates)),
			count("fields", len(d.Fields)),
			count("rules_evaluated", len(all)-len(idle)),
			count("rules_not_evaluated", len(idle)),
			{Name: "store", Value: report.Text(storeText(d)), Unit: report.UnitText},
		},
		Tables:       []report.Table{table},
		NotEvaluated: left,
	}
}

// storeText says what the rules go by, which the file may not say.
func storeText(d *design) string {
	if d.Store.Kind == "" {
		return fmt.Sprintf("%s (none declared)", d.store)
	}
	return string(d.store)
}
