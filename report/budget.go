package report

import (
	"cmp"
	"slices"
)

// A Check is one limit on a metric, and how the report stands against it: a budget or, with a Sign, a threshold of a run. Limits
// that were not set and numbers that nobody knows are Null.
type Check struct {
	Name     string    `json:"name"` // bytes_per_entity of uid: bytes/uid; of a threshold all that it says: p99 < 5ms
	Unit     Unit      `json:"unit"`
	Sign     string    `json:"sign,omitempty"`     // of a threshold: how head is to stand to the limit, < <= > >= or ==
	Limit    Value     `json:"limit"`              // most that head may be, where there is no sign
	MaxDelta Value     `json:"max_delta"`          // most that it may have grown since the baseline, as a share of base
	Base     Value     `json:"base"`               // of the baseline
	Head     Value     `json:"head"`               // of this report
	Interval *Interval `json:"interval,omitempty"` // of head, 95 %; nil if exact
	Delta    Value     `json:"delta"`              // how much head has grown, as a share of base
	Verdict  Verdict   `json:"verdict"`
	Level    Severity  `json:"level"` // error fails the gate, warning does not
	Why      string    `json:"why,omitempty"`
}

// Over returns by how much head is over its limit, as a share of it, and whether it is over a limit that is known.
func (c *Check) Over() (float64, bool) {
	limit, known := c.Limit.Number()
	head, measured := c.Head.Number()
	if !known || !measured || head <= limit || limit == 0 || c.Sign != "" && c.Verdict != Fail {
		return 0, false
	}
	return head/limit - 1, true
}

// Threshold reports whether c is a threshold of a run, and no budget of a keyspace.
func (c *Check) Threshold() bool { return c.Sign != "" }

// LimitsWord is what people call such checks: budgets, or thresholds.
func LimitsWord(checks []Check) string {
	if len(checks) > 0 && !slices.ContainsFunc(checks, func(c Check) bool { return !c.Threshold() }) {
		return "thresholds"
	}
	return "budgets"
}

// checks returns the budgets with their verdicts. Base may be nil.
func (j *judge) checks(base *Report) []Check {
	var all []Check
	for _, c := range j.Checks {
		if base != nil && c.Base.IsNull() {
			c.Base = base.head(c.Name, c.Unit)
		}
		c.decide(base != nil)
		if c.Verdict == Inconclusive {
			c.Verdict = j.undecided()
		}
		all = append(all, c)
	}
	return all
}

// decide sets the verdict: against the limit, and against the baseline where growth is limited. Without a baseline there is
// nothing that could have grown; one that does not know the number decides nothing.
func (c *Check) decide(compared bool) {
	if c.Threshold() && c.Verdict != "" {
		return // it was judged where the run was known
	}
	head := Metric{Value: c.Head, Interval: c.Interval}
	if head.Value.IsNull() {
		c.Verdict, c.Why = Inconclusive, cmp.Or(c.Why, "no samples")
		return
	}
	c.Verdict = Pass
	if limit, ok := c.Limit.Number(); ok {
		c.Verdict = head.against(limit)
	}
	base, known := c.Base.Number()
	if now, _ := head.Value.Number(); known && base > 0 {
		c.Delta = Number(now/base - 1)
		if now <= grown(base, 0) && grown(now, 0) >= base {
			c.Delta = Number(0)
		}
	}
	grow, limited := c.MaxDelta.Number()
	switch {
	case !limited:
	case known:
		c.Verdict = worse(c.Verdict, head.against(grown(base, grow)))
	case compared:
		c.Verdict, c.Why = worse(c.Verdict, Inconclusive), "the baseline does not hold it: write a new one"
	default:
		c.Why = cmp.Or(c.Why, "no baseline: growth is not judged")
	}
	if c.Verdict == Inconclusive && c.Why == "" {
		c.Why = "the limit is within the error of sampling"
	}
}

// worse returns the verdict that says more.
func worse(a, b Verdict) Verdict {
	for _, v := range [...]Verdict{Fail, Inconclusive} {
		if a == v || b == v {
			return v
		}
	}
	return Pass
}
