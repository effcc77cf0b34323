package findmax

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/report"
)

// The interval of the report has the truth in it: its lower end has passed, its upper end has failed for certain.
func TestReport(t *testing.T) {
	opt := Options{Guess: 100_000, Rarest: 0.01}
	res, err := Search(context.Background(), steady(43_210, nil), opt)
	if err != nil {
		t.Fatal(err)
	}
	s := res.Report(opt.Guess)
	most := s.Metrics[0]
	if x, _ := most.Value.Number(); most.Name != MetricMax || x != res.Max || most.Interval == nil ||
		most.Interval.Low > 43_210 || most.Interval.High < 43_210 || most.Interval.High > 43_210*1.03 {
		t.Errorf("%+v", most)
	}
	steps := s.Tables[0]
	if len(steps.Rows) != len(res.Steps) {
		t.Errorf("%d rows of %d steps", len(steps.Rows), len(res.Steps))
	}
	r := report.Report{Schema: report.Schema, Sections: []report.Section{s}}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	for i := range res.Steps {
		step := &res.Steps[i]
		if line := step.Line(); !strings.Contains(line, string(step.Verdict)) || step.Verdict == Fail != strings.Contains(line, "fail: p99") {
			t.Errorf("%q", line)
		}
	}
}

// What is undecided is no upper end, nor is what failed before the machine changed, nor what the generator could not do.
func TestFailed(t *testing.T) {
	res := &Result{Max: 100, Restarts: 1, Steps: []Step{
		{Search: 0, Rate: 101, Verdict: Fail},
		{Search: 1, Rate: 90, Verdict: Fail}, // by chance: it is below what was confirmed
		{Search: 1, Rate: 102, Verdict: Undecided},
		{Search: 1, Rate: 103, Verdict: Fail, Bound: "it was late"},
		{Search: 1, Rate: 110, Verdict: Fail},
		{Search: 1, Rate: 104, Verdict: Fail},
		{Search: 1, Rate: 105, Verdict: Pass},
	}}
	if got := res.Failed(); got != 104 {
		t.Errorf("%v", got)
	}
	if got := (&Result{Max: 5}).Failed(); got != 0 {
		t.Errorf("%v", got)
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		res  Result
		want report.Verdict
	}{
		{Result{Max: 100}, report.Pass},
		{Result{Max: 99}, report.Fail},
		{Result{}, report.Fail},
		{Result{Max: 99, AtLeast: true}, report.Inconclusive},
		{Result{Max: 101, AtLeast: true, NotPassed: 120}, report.Pass},
	} {
		if got := c.res.Check(100); got.Verdict != c.want || got.Verdict == report.Inconclusive != (got.Why != "") {
			t.Errorf("%+v: %+v", c.res, got)
		}
	}
	if why := (&Result{Max: 99, AtLeast: true, NotPassed: 120}).Why(); !strings.Contains(why, "kvtool itself") {
		t.Error(why)
	}
	if why := (&Result{Max: 99, AtLeast: true}).Why(); !strings.Contains(why, "nothing failed") {
		t.Error(why)
	}
	if math.IsNaN((&Tail{}).share()) {
		t.Error("the share of nothing")
	}
}
