package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/findmax"
	"github.com/kvtool/kvtool/loadgen/probe"
	"github.com/kvtool/kvtool/loadgen/threshold"
	"github.com/kvtool/kvtool/report"
)

// findMaxFlags are the flags of load find-max.
type findMaxFlags struct {
	loadFlags
	search  findmax.Options
	exact   percent
	settle  time.Duration
	probe   time.Duration
	atLeast rate
}

const loadFindMaxLong = `Find the highest rate at which a store keeps the limits, of which there must be
at least one.

A closed loop tells where to look. Then rates are run one after the other, from
a tenth of that: up to the first that misses a limit, and between that and the
last that kept them all. A rate has passed when the 95 % interval of the share
of operations over each limit is below what the limit allows; as long as it is
neither below nor above, more is measured. Between the steps a rate that has
passed is run again: if it fails, the machine has changed, and the search begins
anew, once. The rate that is told has passed twice more, at length.

Where kvtool itself is the limit the answer is "at least", and the exit code 4.
A scenario's phases are left out, but for its fills. The target is treated as by
load run: one prefix, TTLs, nothing left behind, never env: prod.`

const loadFindMaxExample = `  kvtool load find-max redis://cache -s session-cache --threshold 'p99 < 5ms'
  kvtool load find-max @staging -s mine.yaml --threshold 'p99(order) < 20ms'
  kvtool load find-max @staging -s ycsb-b --threshold 'p99<9ms' --at-least 9k/s`

// usualErrors is the limit of errors where none is given.
const usualErrors = "errors < 0.1%"

func newLoadFindMaxCmd(env *Env) *cobra.Command {
	o := findMaxFlags{exact: 0.02, loadFlags: loadFlags{pipeline: 1}}
	c := &cobra.Command{
		Use:               "find-max [TARGET]",
		Short:             "Find the highest rate at which a store keeps limits",
		Long:              loadFindMaxLong,
		Example:           loadFindMaxExample,
		Args:              atMostOne,
		ValidArgsFunction: env.completeTargets,
		RunE:              func(c *cobra.Command, args []string) error { return runFindMax(c.Context(), env, &o, args) },
	}
	o.bindScenario(c)
	f := c.Flags()
	bindThresholds(c, &o.thresholds)
	f.DurationVar(&o.probe, "probe", 5*time.Second, "how long the closed loop is, which tells where to look")
	f.DurationVar(&o.settle, "settle", 2*time.Second, "how long a rate runs before it is measured")
	f.DurationVar(&o.search.Shortest, "step", 10*time.Second, "how long a rate is measured, at least")
	f.DurationVar(&o.search.Longest, "step-max", time.Minute, "how long it is measured to have 1,000 samples over the limit; thrice that where it is undecided")
	f.DurationVar(&o.search.Confirm, "confirm", time.Minute, "how long the rate that is told is run, twice")
	f.Var(&o.exact, "precision", "how near the highest rate that passed is to the lowest that did not")
	f.Var(&o.atLeast, "at-least", "exit 1 if the highest rate is lower than this: 20k/s")
	return c
}

// check refuses what cannot lead to an answer. The limits of l have been read.
func (o *findMaxFlags) check(l *loading) error {
	own := func(t threshold.Threshold) bool { return t.Metric == "achieved" || t.Metric == "violations" }
	tails := false
	for i := range l.thresholds {
		t := &l.thresholds[i]
		if _, ok := t.Tail(); ok {
			tails = true
		}
		if strings.HasPrefix(t.Metric, "lag.") {
			return kv.WithHint(kv.Usagef("threshold %q: the send lag is kvtool's own, not the store's", t.Text), "where it is too long the answer is \"at least\"")
		}
		if t.Op != "" && !slices.Contains(operations(l), t.Op) {
			return kv.WithHint(kv.Usagef("threshold %q: the scenario has no operation %s", t.Text, t.Op), "it has "+strings.Join(operations(l), ", "))
		}
	}
	least := time.Duration(0)
	if tails {
		least = 2 * time.Second // a second is the unit of which an interval is made
	}
	switch {
	case !slices.ContainsFunc(l.thresholds, func(t threshold.Threshold) bool { return !own(t) }):
		return kv.WithHint(kv.Usagef("no limit: the highest rate at which what?"), "--threshold 'p99 < 5ms'")
	case o.search.Shortest < least:
		return kv.WithHint(kv.Usagef("--step %v: limits on percentiles need at least %v", o.search.Shortest, least), fmt.Sprintf("--step %v: the rarer what a limit is on, the longer it takes to see it", least))
	case o.search.Shortest <= 0 || o.search.Longest <= 0 || o.search.Confirm <= 0 || o.probe <= 0 || o.settle < 0:
		return kv.WithHint(kv.Usagef("--probe, --step, --step-max and --confirm must be positive, --settle not negative"), "leave out the one that is not to be changed")
	case o.exact < 0.001 || o.exact > 0.5:
		return kv.WithHint(kv.Usagef("--precision %s: want 0.1%% to 50%%", o.exact), "--precision 2%")
	}
	return nil
}

func operations(l *loading) []string {
	var names []string
	for i := range l.scenario.Ops {
		names = append(names, l.scenario.Ops[i].Name)
	}
	return names
}

func runFindMax(ctx context.Context, env *Env, o *findMaxFlags, args []string) error {
	outs, err := o.parse()
	if err != nil {
		return err
	}
	l := &loading{loaded: loaded{env: env, progress: env.newProgress(o.storeFlags.progress, o.quiet)}, o: &o.loadFlags}
	if err := l.read(); err != nil {
		return err
	}
	if err := o.check(l); err != nil {
		return err
	}
	if err := l.limitErrors(usualErrors); err != nil {
		return err
	}
	if err := l.open(ctx, args, &o.storeFlags); err != nil {
		return err
	}
	defer l.close()
	if err := l.prepare(ctx); err != nil {
		return err
	}
	res, guess, runErr := o.find(ctx, l)
	runErr = ended(ctx, runErr)
	l.progress.clear()
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTime)
	defer cancel()
	if runErr == nil || said(runErr) {
		if err := l.verify(after); err != nil { // the rates stand; what has to hold at the end is not known
			runErr = errors.Join(runErr, &codeError{exitIncomplete, err})
		}
	}
	r := o.report(l, res, guess, runErr)
	if !o.keep {
		l.leave(after, r, l.player.Prefix())
	}
	if guess == 0 {
		if errors.Is(runErr, probe.ErrUndecidable) {
			return kv.Usagef("%w", runErr)
		}
		return targetError(runErr)
	}
	return o.conclude(l, outs, r, runErr)
}

// find searches. It returns a result also with an error, and the rate of the closed loop, which is 0 where there was none.
func (o *findMaxFlags) find(ctx context.Context, l *loading) (*findmax.Result, float64, error) {
	p := &probe.Prober{
		Driver: l.driver, Workload: l.player.Mix(l.weights()), Limits: l.thresholds, Options: l.options(ctx), Settle: o.settle, Constant: o.constant,
	}
	p.Options.Server = nil // of a rate what counts is what the store says at its end
	guess, rarest, err := p.Closed(ctx, l.fills(), o.probe)
	if err != nil {
		return &findmax.Result{}, 0, err
	}
	l.progress.say("find-max", "a closed loop does "+humanize.Rate(guess))
	opt := o.search
	opt.Guess, opt.Rarest, opt.Precision = guess, rarest, float64(o.exact)
	opt.Step = func(s *findmax.Step) { l.progress.say("find-max", s.Line()) }
	res, err := findmax.Search(ctx, p.Rate, opt)
	return res, guess, err
}

// report makes the document, and judges it.
func (o *findMaxFlags) report(l *loading, res *findmax.Result, guess float64, runErr error) *report.Report {
	var limits []string
	for i := range l.thresholds {
		limits = append(limits, l.thresholds[i].Text)
	}
	counts := map[string]float64{}
	for name, n := range l.player.Metrics() {
		counts[name] = float64(n)
	}
	r := &report.Report{
		Schema: report.Schema, Kind: report.KindFindMax, Tool: tool(), Taken: l.env.Now(), Findings: []report.Finding{}, Skipped: []report.Skip{},
		Target: report.Target{Adapter: "load", URL: l.info.Target, Product: l.info.Product, Version: l.info.Version, Facts: []report.Fact{}, Notes: []string{
			"scenario " + l.scenario.Name, "limits: " + strings.Join(limits, ", "),
		}},
		Sections: []report.Section{res.Report(guess), checksSection(counts, l.player.Evidence())},
		Coverage: report.Coverage{Complete: runErr == nil},
		Gate:     &report.Gate{Verdict: report.Pass},
	}
	fail := func(v report.Verdict, why string) {
		if r.Gate.Verdict == report.Pass || v == report.Fail {
			r.Gate.Verdict = v
		}
		r.Gate.Why = append(r.Gate.Why, why)
	}
	switch {
	case errors.Is(runErr, findmax.ErrNone) && !res.AtLeast:
		fail(report.Fail, runErr.Error())
	case runErr != nil:
		r.Coverage.Why = []string{"the search was not ended: " + oneLine(runErr)}
		fail(report.Inconclusive, oneLine(runErr))
	case o.atLeast > 0:
		c := res.Check(float64(o.atLeast))
		r.Gate.Checks = []report.Check{c}
		if c.Verdict != report.Pass {
			fail(c.Verdict, strings.TrimSuffix(c.Name+": "+c.Why, ": "))
		}
	case res.AtLeast:
		fail(report.Inconclusive, res.Why())
	}
	if n := counts["violations"]; n > 0 {
		fail(report.Fail, fmt.Sprintf("violations == 0: there were %.0f", n))
	}
	return r
}

// said reports whether an error is one that the gate tells, and no more than that.
func said(err error) bool {
	return errors.Is(err, findmax.ErrNone) || errors.Is(err, findmax.ErrDrift) || errors.Is(err, probe.ErrUnsteady)
}

// conclude writes the report and decides the exit code. What the gate says already is not said again.
func (o *findMaxFlags) conclude(l *loading, outs []output, r *report.Report, err error) error {
	code := gateCode(r.Gate)
	if err != nil && !said(err) {
		code = worst(code, exitCode(targetError(err)))
	}
	if failed := o.write(l.env, outs, r, code); failed != nil {
		return &codeError{worst(exitUsage, code), failed}
	}
	switch {
	case code == exitOK:
		return nil
	case said(err):
		return &codeError{code, nil}
	}
	return &codeError{code, err}
}
