package report

import "time"

// A Policy says what fails a report. The zero value fails nothing and there is no verdict.
type Policy struct {
	FailOn    Severity // findings as bad as this fail; empty: no finding does
	Statuses  []Status // of the findings that fail; nil is DefaultStatuses
	Tolerance float64  // a measure that has grown by more than this share of what it was is worse
	// Undecided is what a number counts as that may be on either side of its limit, or that nobody has measured. Empty is
	// Inconclusive.
	Undecided    Verdict
	Strict       bool                   // suppressions without a finding and baseline entries that are fixed fail
	Always       bool                   // there is a verdict even where nothing can fail
	Checks       []Check                // budgets with their heads
	Suppressions []Suppression          // the first that is live and matches counts
	Targets      []string               // names of what was looked at, which a suppression may be bound to
	Ran          func(rule string) bool // whether a rule was judged; nil: every one was
	Now          time.Time
}

// DefaultStatuses are those of findings that fail where a Policy does not say.
func DefaultStatuses() []Status { return []Status{New, Worsened, Expired} }

func (p *Policy) statuses() []Status {
	if p.Statuses == nil {
		return DefaultStatuses()
	}
	return p.Statuses
}

func (p *Policy) ran(rule string) bool { return p.Ran == nil || p.Ran(rule) }

// advisory reports whether nothing can fail by p.
func (p *Policy) advisory() bool {
	for i := range p.Checks {
		if p.Checks[i].Level == Error {
			return false
		}
	}
	return p.FailOn == "" && !p.Strict
}

// gates reports whether there is a verdict by p.
func (p *Policy) gates() bool { return p.Always || p.Strict || p.FailOn != "" || len(p.Checks) > 0 }

// undecided is the verdict on what cannot be told.
func (p *Policy) undecided() Verdict {
	if p.Undecided == "" {
		return Inconclusive
	}
	return p.Undecided
}
