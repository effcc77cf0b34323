package findmax

import (
	"fmt"
	"strconv"
	"time"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// Names of the report. Other programs read them: within report/v1 they stay.
const (
	SectionFindMax  = "find_max"
	TableSteps      = "steps"
	MetricMax       = "max"
	MetricAtLeast   = "at_least"
	MetricNotPassed = "not_passed"
	MetricFailed    = "failed_first"
	MetricClosed    = "closed_loop"
	MetricRestarts  = "restarts"
	MetricMeasured  = "measured"
)

// Report writes what was found, and every step. Guess is what the closed loop did.
func (r *Result) Report(guess float64) report.Section {
	s := report.Section{Name: SectionFindMax, Title: "HIGHEST RATE"}
	most := report.Metric{Name: MetricMax, Unit: report.UnitRate, Value: rateOf(r.Max)}
	if failed := r.Failed(); r.Max > 0 && !r.AtLeast && failed > 0 {
		most.Interval = &report.Interval{Low: r.Max, High: failed}
	}
	flag, by := 0, report.Null
	if r.AtLeast {
		flag = 1
	}
	if r.By != "" {
		by = report.Text(r.By)
	}
	took := time.Duration(0)
	for i := range r.Steps {
		took += r.Steps[i].Took
	}
	s.Metrics = []report.Metric{
		most,
		{Name: MetricAtLeast, Unit: report.UnitFlag, Value: report.Number(flag)},
		{Name: MetricNotPassed, Unit: report.UnitRate, Value: rateOf(r.NotPassed)},
		{Name: MetricFailed, Unit: report.UnitText, Value: by},
		{Name: MetricClosed, Unit: report.UnitRate, Value: rateOf(guess)},
		{Name: MetricRestarts, Unit: report.UnitCount, Value: report.Number(r.Restarts)},
		{Name: MetricMeasured, Unit: report.UnitDuration, Value: report.Seconds(took)},
	}
	s.Tables = []report.Table{r.steps()}
	return s
}

// rateOf is a rate, of which 0 is none.
func rateOf(rate float64) report.Value {
	if rate == 0 {
		return report.Null
	}
	return report.Number(rate)
}

// steps is the table of all rates that were run, in their order.
func (r *Result) steps() report.Table {
	t := report.Table{Name: TableSteps, Title: "STEPS", Columns: []report.Column{
		{Name: "step", Unit: report.UnitText},
		{Name: "rate", Unit: report.UnitRate},
		{Name: "took", Unit: report.UnitDuration, Rank: 3},
		{Name: "achieved", Unit: report.UnitRatio},
		{Name: "limit", Unit: report.UnitText, Rank: 2},
		{Name: "value", Unit: report.UnitDuration},
		{Name: "over", Unit: report.UnitRatio},
		{Name: "over_low", Unit: report.UnitRatio, Rank: 1},
		{Name: "over_high", Unit: report.UnitRatio, Rank: 1},
		{Name: "verdict", Unit: report.UnitText},
		{Name: "failed", Unit: report.UnitText},
		{Name: "why", Unit: report.UnitText, Rank: 4},
	}}
	for i := range r.Steps {
		s := &r.Steps[i]
		name := strconv.Itoa(i+1) + " " + string(s.Kind)
		if s.Search < r.Restarts {
			name += " (given up)"
		}
		row := []report.Value{
			report.Text(name), report.Number(s.Rate), report.Seconds(s.Took), report.Number(s.Achieved),
			report.Null, report.Null, report.Null, report.Null, report.Null, report.Text(string(s.Verdict)), report.Text(s.By), report.Text(s.Bound),
		}
		if tail := s.Tail; tail != nil {
			row[4], row[5] = report.Text(tail.Name+" < "+tail.Limit.String()), report.Seconds(tail.Value)
			row[6], row[7], row[8] = report.Number(tail.share()), report.Number(s.Low), report.Number(s.High)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// share is that of the samples over the limit.
func (t *Tail) share() float64 {
	var over, all uint64
	for _, b := range t.Blocks {
		over, all = over+b.Over, all+b.Samples
	}
	return float64(over) / float64(max(all, 1))
}

// Line says in one line what a step has shown.
func (t *Step) Line() string {
	text := fmt.Sprintf("%s %s %s", t.Kind, humanize.Rate(t.Rate), t.Verdict)
	if t.By != "" {
		text += ": " + t.By
	}
	if t.Bound != "" {
		text += ": " + t.Bound
	}
	if t.Tail != nil {
		text += fmt.Sprintf(" (%s %s, limit %s)", t.Tail.Name, humanize.Duration(t.Tail.Value.Seconds()), t.Tail.Limit)
	}
	return text
}

// Check holds the rate that was found against one that is asked for. Where all that is known is that it is higher than some rate
// below that, nothing is.
func (r *Result) Check(least float64) report.Check {
	c := report.Check{
		Name: fmt.Sprintf("max >= %g/s", least), Sign: ">=", Unit: report.UnitRate, Limit: report.Number(least), Head: rateOf(r.Max), Level: report.Error,
		Verdict: report.Pass,
	}
	switch {
	case r.Max >= least:
	case r.AtLeast:
		c.Verdict, c.Why = report.Inconclusive, "it may be higher: "+r.bound()
	default:
		c.Verdict = report.Fail
	}
	return c
}

// bound says why the rate is a lower bound.
func (r *Result) bound() string {
	if r.NotPassed == 0 {
		return "nothing failed up to there"
	}
	return "kvtool itself was the limit"
}

// Why says what the rate is worth, in words; empty if it is what was asked for.
func (r *Result) Why() string {
	if !r.AtLeast {
		return ""
	}
	return "at least " + humanize.Rate(r.Max) + ": " + r.bound()
}
