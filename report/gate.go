package report

import "fmt"

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
	FailOn  Severity `json:"fail_on"`
	Verdict Verdict  `json:"verdict"`
	Why     []string `json:"why,omitempty"`
}

// Judge sets r.Gate: the report fails if a finding is as bad as failOn, and is inconclusive if none is but not all was
// read. With an empty failOn there is no gate.
func (r *Report) Judge(failOn Severity) {
	r.Gate = nil
	if failOn == "" {
		return
	}
	n := 0
	for i := range r.Findings {
		if r.Findings[i].Severity.AtLeast(failOn) {
			n++
		}
	}
	switch {
	case n > 0:
		r.Gate = &Gate{failOn, Fail, []string{fmt.Sprintf("findings of severity %s or worse: %d", failOn, n)}}
	case !r.Coverage.Complete:
		r.Gate = &Gate{failOn, Inconclusive, []string{"not everything was read"}}
	default:
		r.Gate = &Gate{failOn, Pass, nil}
	}
}
