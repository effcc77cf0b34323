package report

import (
	"cmp"
	"slices"
)

// A Verdict is what a gate says.
type Verdict string

// The verdicts.
const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Inconclusive Verdict = "inconclusive"
)

// A Gate is the decision that becomes the exit code.
type Gate struct {
	FailOn   Severity `json:"fail_on,omitempty"`  // empty: no finding fails
	Statuses []Status `json:"statuses,omitempty"` // of the findings that fail; those without a status are new
	Verdict  Verdict  `json:"verdict"`
	Why      []string `json:"why,omitempty"`
	Checks   []Check  `json:"checks,omitempty"`   // budgets, or thresholds of a run
	Warnings []string `json:"warnings,omitempty"` // of suppressions that end, have ended, or are about nothing
}

// Fails reports whether a finding that was judged fails the gate; without one, none does.
func (g *Gate) Fails(f *Finding) bool {
	return g != nil && slices.Contains(g.Statuses, cmp.Or(f.Status, New)) && f.Severity.AtLeast(g.FailOn)
}
