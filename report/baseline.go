package report

import "slices"

// budgetsSection is where a baseline keeps the heads of budgets.
const budgetsSection = "budgets"

// Baseline returns what of a judged report a later one can be held against, small enough to be reviewed: the findings without
// those that are suppressed or fixed, and the heads of the budgets. There are no key names in it and no texts that would
// change with each run. Of old, the baseline before it or nil, it keeps what p did not judge.
func (p *Policy) Baseline(r, old *Report) *Report {
	b := &Report{
		Schema: r.Schema, Kind: r.Kind, Tool: r.Tool, Taken: r.Taken,
		Target:   Target{Adapter: r.Target.Adapter, URL: r.Target.URL, Facts: []Fact{}},
		Coverage: Coverage{Keys: r.Coverage.Keys, Complete: r.Coverage.Complete},
		Sections: []Section{}, Findings: []Finding{}, Skipped: []Skip{},
	}
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Status != Suppressed && f.Status != Fixed {
			b.Findings = append(b.Findings, f.entry())
		}
	}
	for _, f := range accepted(old) {
		if !p.ran(f.Rule) {
			b.Findings = append(b.Findings, f.entry())
		}
	}
	SortFindings(b.Findings)
	if r.Gate != nil && len(r.Gate.Checks) > 0 {
		b.Sections = append(b.Sections, heads(r.Gate.Checks))
	}
	return b
}

// entry is what a baseline keeps of f.
func (f *Finding) entry() Finding {
	e := Finding{Rule: f.Rule, Severity: f.Severity, Scope: f.Scope, Subject: f.Subject}
	if f.Measure != nil {
		m := *f.Measure
		e.Measure = &m
	}
	return e
}

func heads(checks []Check) Section {
	s := Section{Name: budgetsSection, Title: "BUDGETS", Metrics: []Metric{}, Tables: []Table{}}
	for i := range checks {
		c := &checks[i]
		s.Metrics = append(s.Metrics, Metric{Name: c.Name, Value: c.Head, Unit: c.Unit, Interval: c.Interval})
	}
	return s
}

// head returns the value that a budget had in a baseline or in any report with a gate; Null if it had none.
func (r *Report) head(name string, unit Unit) Value {
	if s := r.Section(budgetsSection); s != nil {
		i := slices.IndexFunc(s.Metrics, func(m Metric) bool { return m.Name == name && m.Unit == unit })
		if i >= 0 {
			return s.Metrics[i].Value
		}
	}
	if r.Gate != nil {
		i := slices.IndexFunc(r.Gate.Checks, func(c Check) bool { return c.Name == name && c.Unit == unit })
		if i >= 0 {
			return r.Gate.Checks[i].Head
		}
	}
	return Null
}

// BaselineMetric is the name under which the evidence of a finding holds what its measure was in the baseline.
const BaselineMetric = "baseline"

// withoutBaseline returns a copy of the evidence of a finding that knows of no baseline.
func withoutBaseline(evidence []Metric) []Metric {
	return slices.DeleteFunc(slices.Clone(evidence), func(m Metric) bool { return m.Name == BaselineMetric })
}
