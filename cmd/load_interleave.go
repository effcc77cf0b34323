package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen"
	"github.com/kvtool/kvtool/loadgen/compare"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/report"
)

// An interleaving runs a scenario against two targets in turn: base, head, head, base and so on, so that what drifts is as often
// for the one as for the other. Each run is one of its own, with keys of its own. The two runs of a pair do the same operations;
// those of another pair do others, so that what is said is not of one sequence of operations alone.
type interleaving struct {
	o        *loadCompareOptions
	progress *progress
	sides    [2]*loading // base and head
	metrics  []compare.Metric
	seed     uint64 // of the first pair
	class    int    // of the operation that is compared; -1 is all
	runs     []*sideRun
	values   [2][][]float64 // of the pairs that count
	void     int            // pairs that do not
}

// A sideRun is one run of one side.
type sideRun struct {
	pair, side int
	rec        *recording.Recording
	values     []float64
	violations int64
}

// sideNames are the sides, as the report names them.
func sideNames() [2]string { return [2]string{"base", "head"} }

func runInterleaved(ctx context.Context, env *Env, o *loadCompareOptions, targets []string) error {
	outs, err := o.parse()
	if err != nil {
		return err
	}
	if o.pairs < 1 || o.pairs > mostPairs {
		return kv.WithHint(kv.Usagef("--pairs %d: want 1 to %d", o.pairs, mostPairs), "ten tell a change of 5 % on a quiet machine")
	}
	progress := env.newProgress(o.storeFlags.progress, o.quiet)
	x := &interleaving{o: o, progress: progress, metrics: o.metrics(), class: -1}
	for i, target := range targets {
		l := &loading{loaded: loaded{env: env, progress: progress}, o: &o.loadFlags}
		if err := l.read(); err != nil {
			return err
		}
		if err := l.open(ctx, []string{target}, &o.storeFlags); err != nil {
			return err
		}
		defer l.close()
		x.sides[i] = l
	}
	if err := x.chooseClass(); err != nil {
		return err
	}
	x.seed = x.sides[0].scenario.Seed
	runErr := x.run(ctx)
	x.progress.clear()
	if len(x.runs) == 0 {
		return targetError(ended(ctx, runErr))
	}
	return x.conclude(ctx, env, outs, runErr)
}

// mostPairs is how many pairs are run at most: more is more than is compared.
const mostPairs = 500

func (x *interleaving) chooseClass() error {
	if x.o.operation == "" {
		return nil
	}
	names := operations(x.sides[0])
	if x.class = slices.Index(names, x.o.operation); x.class < 0 {
		return kv.WithHint(kv.Usagef("--op %s: the scenario has no such operation", x.o.operation), "it has "+strings.Join(names, ", "))
	}
	return nil
}

// run runs the pairs, as long as nothing ends it. Of a pair of which one run is missing nothing is kept but the run.
func (x *interleaving) run(ctx context.Context) error {
	for i := range x.o.pairs {
		order := [2]int{0, 1}
		if compare.HeadFirst(i) {
			order = [2]int{1, 0}
		}
		var pair [2]*sideRun
		for _, side := range order {
			r, err := x.one(ctx, i, side)
			if r != nil {
				x.runs = append(x.runs, r)
			}
			if err != nil {
				return err
			}
			pair[side] = r
		}
		x.add(pair)
	}
	return nil
}

// one runs one side once.
func (x *interleaving) one(ctx context.Context, pair, side int) (*sideRun, error) {
	l := x.sides[side]
	l.scenario.Seed = x.seed + uint64(pair)
	rec, err := l.once(ctx)
	if rec == nil {
		return nil, err
	}
	r := &sideRun{pair: pair, side: side, rec: rec, violations: l.player.Metrics()["violations"]}
	for _, m := range x.metrics {
		v, measureErr := measure(rec, x.class, m)
		if measureErr != nil {
			return nil, errors.Join(err, measureErr)
		}
		r.values = append(r.values, v)
	}
	if sum := rec.Sum(); err == nil && sum.ErrorCount() >= sum.Done {
		err = &codeError{exitTarget, fmt.Errorf("%s: of %d operations none went well: %s", l.info.Target, sum.Due, strings.Join(sortedKeys(sum.Errors), ", "))}
	}
	return r, err
}

// once runs the scenario with keys of its own, asks for what has to hold at the end, and removes what was written. An error with a
// recording says why that is not whole.
func (l *loading) once(ctx context.Context) (*recording.Recording, error) {
	if err := l.prepare(ctx); err != nil {
		return nil, err
	}
	rec, err := loadgen.Run(ctx, l.driver, l.phases(ctx), l.options(ctx))
	if l.figures != nil { // of this run alone
		l.figures.Close()
		l.figures = nil
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTime)
	defer cancel()
	if rec != nil && err == nil {
		err = l.verify(after)
	}
	if !l.o.keep {
		if _, cleanErr := l.clean(after, l.player.Prefix()); cleanErr != nil && ctx.Err() == nil {
			err = errors.Join(err, fmt.Errorf("removing what was written: %w", cleanErr))
		}
	}
	return rec, err
}

// measure returns a metric of a run: operations a second, or seconds; 0 where nothing was done.
func measure(rec *recording.Recording, class int, m compare.Metric) (float64, error) {
	if m.Quantile == 0 {
		return rec.Rate(class)
	}
	h, err := rec.Histogram(class, recording.Response, 0, len(rec.Seconds))
	if err != nil || h.Count() == 0 {
		return 0, err
	}
	return h.Quantile(m.Quantile).Seconds(), nil
}

// add takes a pair into account, unless one of its runs says more of kvtool than of its store.
func (x *interleaving) add(pair [2]*sideRun) {
	for _, r := range pair {
		if v, _ := r.rec.Verdict(); v != recording.Valid && v != recording.RateMissed {
			x.void++
			x.tell(pair, string(v))
			return
		}
	}
	for side, r := range pair {
		x.values[side] = append(x.values[side], r.values)
	}
	x.tell(pair, "")
}

// tell shows how the pairs go.
func (x *interleaving) tell(pair [2]*sideRun, void string) {
	p := x.progress
	if p.every() == 0 {
		return
	}
	parts := []string{fmt.Sprintf("pair %d/%d", pair[0].pair+1, x.o.pairs)}
	for i, m := range x.metrics {
		if m.Name == "p50" || m.Name == "p99" {
			parts = append(parts, fmt.Sprintf("%s %s | %s", m.Name, humanize.Duration(pair[0].values[i]), humanize.Duration(pair[1].values[i])))
		}
	}
	if void != "" {
		parts = append(parts, "does not count: "+void)
	}
	p.say("compare", strings.Join(parts, "  "))
}

// conclude writes what the pairs say, all or those that were done.
func (x *interleaving) conclude(ctx context.Context, env *Env, outs []output, runErr error) error {
	es := compare.Pairs(x.metrics, x.values[0], x.values[1], compare.Options{Practical: float64(x.o.practical)})
	r, err := x.report(es)
	if err != nil {
		return err
	}
	code := exitOK
	if err := ended(ctx, runErr); err != nil {
		err = targetError(err)
		if code = exitCode(err); code != exitInterrupted {
			env.say("error", oneLine(err))
		}
	}
	return x.o.conclude(env, outs, r, es, code)
}

// errorLimit is which share of operations may fail: what fails fast is not faster.
const errorLimit = 0.001

func (x *interleaving) report(es []compare.Effect) (*report.Report, error) {
	base, head := x.sides[0].info, x.sides[1].info
	first := x.runs[0].rec
	meta := first.Meta
	meta.Server = strings.TrimSpace(head.Product + " " + head.Version)
	r := x.o.draft(es, &meta, []string{base.Target, head.Target})
	r.Taken = first.Began
	r.Target.Notes = append(r.Target.Notes, "base is "+strings.TrimSpace(base.Product+" "+base.Version)+", head is "+meta.Server)
	done := len(x.values[0]) + x.void
	if done < x.o.pairs {
		r.Coverage = report.Coverage{Why: []string{fmt.Sprintf("incomplete: %d of %d pairs were run", done, x.o.pairs)}}
	}
	if x.void > 0 {
		r.Target.Notes = append(r.Target.Notes, fmt.Sprintf("pairs that do not count, for kvtool was the limit or connections were lost: %d", x.void))
	}
	runs, checks, err := x.runsSection()
	if err != nil {
		return nil, err
	}
	r.Sections = append(r.Sections, runs)
	return x.o.judge(r, es, checks), nil
}

// runsSection has every run, in the order in which they were made, and the checks that hold for all of a side.
func (x *interleaving) runsSection() (report.Section, []report.Check, error) {
	t := report.Table{Name: "runs", Title: "IN THEIR ORDER", Columns: []report.Column{
		{Name: "pair", Unit: report.UnitCount},
		{Name: "side", Unit: report.UnitText},
		{Name: "seed", Unit: report.UnitCount, Rank: 1},
	}}
	for _, m := range x.metrics {
		unit := report.UnitDuration
		if m.Quantile == 0 {
			unit = report.UnitRate
		}
		t.Columns = append(t.Columns, report.Column{Name: m.Name, Unit: unit})
	}
	t.Columns = append(t.Columns, report.Column{Name: "errors", Unit: report.UnitCount, Sum: true},
		report.Column{Name: "verdict", Unit: report.UnitText}, report.Column{Name: "why", Unit: report.UnitText, Rank: 1})
	var failed, done [2]uint64
	var violations [2]int64
	for _, r := range x.runs {
		sum := r.rec.Sum()
		verdict, why := r.rec.Verdict()
		row := []report.Value{report.Number(r.pair + 1), report.Text(sideNames()[r.side]), report.Number(r.rec.Meta.Seed)}
		for _, v := range r.values {
			row = append(row, report.Number(v))
		}
		t.Rows = append(t.Rows, append(row, report.Number(sum.ErrorCount()), report.Text(string(verdict)), report.Text(why)))
		failed[r.side], done[r.side] = failed[r.side]+sum.ErrorCount(), done[r.side]+sum.Done
		violations[r.side] += max(r.violations, int64(sum.Violations))
	}
	var checks []report.Check
	for side, name := range sideNames() {
		checks = append(checks,
			report.Check{
				Name: "errors/" + name, Unit: report.UnitRatio, Level: report.Error,
				Limit: report.Number(errorLimit), Head: report.Number(float64(failed[side]) / float64(max(done[side], 1))),
			},
			report.Check{Name: "violations/" + name, Unit: report.UnitCount, Level: report.Error, Limit: report.Number(0), Head: report.Number(violations[side])})
	}
	metrics := []report.Metric{
		{Name: "pairs", Value: report.Number(len(x.values[0]) + x.void), Unit: report.UnitCount},
		{Name: "pairs_void", Value: report.Number(x.void), Unit: report.UnitCount},
	}
	return report.Section{Name: "runs", Title: "RUNS", Metrics: metrics, Tables: []report.Table{t}}, checks, nil
}
