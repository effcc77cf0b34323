package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/loadgen/threshold"
	"github.com/kvtool/kvtool/report"
)

// abortSeconds is how far back a run looks for a reason to end: far enough for a percentile to mean something, and short enough for
// a store that has begun to suffer to be left alone.
const abortSeconds = 10

// An aborter ends a run in which something holds that must not. It belongs to the goroutine that is told each second; once that run
// is over, anybody may ask why it was ended.
type aborter struct {
	on  []threshold.Threshold // each is a reason
	end context.CancelCauseFunc
	why error
}

// errAborted is in the error of a run that was ended by its own rule.
var errAborted = errors.New("aborted")

// newAborter reads --abort-on.
func newAborter(texts []string) (*aborter, error) {
	a := &aborter{}
	for _, text := range texts {
		t, err := threshold.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("--abort-on: %w", err)
		}
		a.on = append(a.on, t)
	}
	return a, nil
}

// context is what a run is to be in.
func (a *aborter) context(ctx context.Context) context.Context {
	ctx, a.end = context.WithCancelCause(ctx)
	return ctx
}

// watch returns an Update that looks at the last seconds before it hands on what it is told.
func (a *aborter) watch(next func(*recording.Recording)) func(*recording.Recording) {
	if len(a.on) == 0 {
		return next
	}
	return func(rec *recording.Recording) {
		a.look(rec)
		if next != nil {
			next(rec)
		}
	}
}

// look ends the run if something holds in its last seconds. What cannot be judged yet, such as a percentile of too few, is no reason.
func (a *aborter) look(rec *recording.Recording) {
	if a.why != nil || len(rec.Seconds) == 0 {
		return
	}
	last := *rec
	last.Seconds = rec.Seconds[max(0, len(rec.Seconds)-abortSeconds):]
	checks, err := threshold.Judge(a.on, &last, nil)
	if err != nil { // what the run has recorded cannot be read: its report will say so
		return
	}
	for i := range checks {
		if c := &checks[i]; c.Verdict == report.Pass {
			a.why = fmt.Errorf("%w in second %d: %s (%s in the last %d s)", errAborted, len(rec.Seconds), c.Name, headOf(c), len(last.Seconds))
			a.end(a.why)
			return
		}
	}
}

// headOf is what was measured, in words.
func headOf(c *report.Check) string {
	x, _ := c.Head.Number()
	switch c.Unit {
	case report.UnitDuration:
		return humanize.Duration(x)
	case report.UnitRatio:
		return humanize.Ratio(x)
	}
	return humanize.Count(x)
}

// judge fails the report of a run that was aborted.
func (a *aborter) judge(r *report.Report) {
	if a.why == nil {
		return
	}
	r.Gate.Verdict = report.Fail
	if why := a.why.Error(); !slices.Contains(r.Gate.Why, why) {
		r.Gate.Why = append(r.Gate.Why, why)
	}
}
