package cmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/audit/triage"
	"github.com/kvtool/kvtool/internal/abreast"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// triageOptions are the flags of triage.
type triageOptions struct {
	viewFlags
	gateFlags
	fleetFlags
	args     []string
	window   time.Duration
	save     saveFlag
	progress string
}

// triageWindow is how long a server is watched without being told.
const triageWindow = 10 * time.Second

const triageLong = `Say why a server is slow now. It is watched for ten seconds, by two readings of
what it counts and a PING ten times a second in between, and then asked once for
its slow log, its latency events and its clients. No key is read, nothing is
written, and what that costs the server is less than it spends on being idle.

What comes out is ranked: the cause that explains most first, with the numbers
that say so, what to do now and what not to do. Causes that cannot be ruled out,
because this user may not ask, are named with the reason. A server that does not
answer, is loading or is kept busy by a script is a finding, too.

Of several targets, such as all that .kvtool.yaml names @prod-…, there is a row
each, the one first that needs somebody. One that is dead hides no other.`

const triageExample = `  kvtool triage redis://127.0.0.1:6379
  kvtool triage redis://cache-1:6379 --window 30s -o text -o json=triage.json
  kvtool triage redis+cluster://node-1:6379 --fail-on error
  kvtool triage memcached://127.0.0.1:11211
  kvtool triage '@prod-*' --jobs 16`

func newTriageCmd(env *Env) *cobra.Command {
	var o triageOptions
	c := &cobra.Command{
		Use:               "triage [TARGET…]",
		Short:             "Say why a server is slow now, in ten seconds",
		Long:              triageLong,
		Example:           triageExample,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: env.completeTargets,
		RunE: func(c *cobra.Command, args []string) error {
			o.args = args
			return runTriage(c.Context(), env, &o)
		},
	}
	o.viewFlags.bind(c)
	o.gateFlags.bind(c)
	o.fleetFlags.bind(c)
	f := c.Flags()
	f.DurationVar(&o.window, "window", triageWindow, "watch for so long")
	bindProgress(c, &o.progress)
	o.save.bind(c)
	return c
}

// triageJobs is how many servers are watched at a time: that is waiting, for the most part.
const triageJobs = 32

func runTriage(ctx context.Context, env *Env, o *triageOptions) error {
	if o.window <= 0 {
		return kv.WithHint(kv.Usagef("--window %s is no time", o.window), "a time is 1s, 10s, 1m")
	}
	if env.isFleet(o.args) {
		f := fleetRun{
			fleetFlags: o.fleetFlags, view: &o.viewFlags, gates: &o.gateFlags, save: &o.save, progress: o.progress, kind: report.KindTriage, most: triageJobs,
			look: o.look,
		}
		return f.run(ctx, env, o.args)
	}
	outs, err := o.parse()
	if err != nil {
		return err
	}
	if err := o.save.check(outs); err != nil {
		return err
	}
	g, err := env.gate(ctx, &o.gateFlags, instant{}, env.targetOf(o.args))
	if err != nil {
		return err
	}
	p := env.newProgress(o.progress, o.quiet)
	got, err := o.watch(ctx, env, opening{
		args: o.args, writes: writtenBy(outs, o.save.written()),
		before: func(t *kv.Target) error { p.watching(t.String(), o.window); return nil },
	})
	p.clear()
	if got == nil {
		return err
	}
	failed := o.save.write(got.r)
	r := g.judge(env, got.r, got.judged)
	return g.conclude(env, &o.viewFlags, outs, r, got.code, err, failed)
}

// look watches one target of several.
func (o *triageOptions) look(ctx context.Context, env *Env, name string) (*looked, error) {
	return o.watch(ctx, env, opening{args: []string{name}})
}

// watch watches a target. With what it returns, the error is what ended the watch early.
func (o *triageOptions) watch(ctx context.Context, env *Env, op opening) (*looked, error) {
	op.noDemo = true
	r, err := env.triage(ctx, op, o.window)
	if r == nil {
		return nil, targetError(ended(ctx, err))
	}
	addFixes(r)
	got := &looked{r: r, judged: map[string]bool{}}
	for _, rule := range triage.Rules() {
		got.judged[rule.ID] = r.Coverage.Complete
	}
	if err = ended(ctx, err); err != nil || !r.Coverage.Complete {
		got.code = partialCode(r, err)
	}
	return got, err
}

// triage watches the servers of a target side by side and makes the report. It is nil where there is no server to be asked anything.
func (e *Env) triage(ctx context.Context, op opening, window time.Duration) (*report.Report, error) {
	opt := triage.Options{Window: window}
	var examiner kv.Examiner
	store, target, err := e.open(ctx, op)
	var unwell *kv.Unwell
	switch {
	case errors.As(err, &unwell):
		examiner, opt.Since = unwell, unwell.Since
	case err != nil:
		return nil, err
	default:
		defer store.Close()
		if examiner, err = kv.ExaminerOf(store); err != nil {
			return nil, kv.WithHint(kv.Usagef("%s: %w", target, err), "kvtool triage redis://HOST:PORT; a file is audited: kvtool audit FILE")
		}
	}
	exams, err := examiner.Examine(ctx)
	if err != nil {
		return nil, fmt.Errorf("examining %s: %w", target, err)
	}
	r := &report.Report{
		Schema: report.Schema, Tool: tool(), Taken: e.Now().UTC(),
		Target: report.Target{Adapter: target.Scheme, URL: target.String(), Facts: []report.Fact{}},
	}
	all := watchAll(ctx, exams, opt)
	triage.Report(r, all)
	for _, o := range all {
		if v := o.Before; v != nil {
			r.Target.Product, r.Target.Version = v.Product, v.Version
			break
		}
	}
	return r, context.Cause(ctx)
}

// watchAll watches each server in a goroutine, and returns what was observed in their order.
func watchAll(ctx context.Context, exams []kv.Exam, opt triage.Options) []*triage.Observation {
	all := make([]*triage.Observation, len(exams))
	abreast.Each(len(exams), len(exams), func(i int) {
		defer exams[i].Close()
		all[i] = triage.Watch(ctx, exams[i], opt)
	})
	return all
}
