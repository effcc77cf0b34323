package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/drift/hotkeys"
	"github.com/kvtool/kvtool/drift/skew"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/trace"
	"github.com/kvtool/kvtool/report"
)

// skewOptions are the flags of skew.
type skewOptions struct {
	judgedFlags
	by      []string
	metrics []string
	ops     string
	trace   string
	window  time.Duration
	plan    bool
}

const skewLong = `Measure how evenly a keyspace is spread: over the slots and nodes of a cluster,
and over hash tags, prefixes, templates and logical databases; keys, bytes and
operations apart. Beside max/mean stands what chance alone would make it. Of a
store that is no cluster the slots are those that a cluster would have.

Operations are known from LFU counters where the store keeps them, from a trace
(--trace FILE), or from MONITOR (--ops monitor), which costs the server much.
With --plan the report ends with the moves of slots that bring each node under
1.3 times the mean. No move is made.

TARGET may be a FILE.kvr: one that skew has saved tells all, one of an audit the
templates, and of a cluster the slots and nodes.`

const skewExample = `  kvtool skew redis+cluster://127.0.0.1:7000 --plan
  kvtool skew dump.rdb --by slot,template
  kvtool skew redis://127.0.0.1:6379 --trace monitor.txt
  kvtool skew dump.rdb -o svg=skew.svg`

func newSkewCmd(env *Env) *cobra.Command {
	var o skewOptions
	c := &cobra.Command{
		Use:               "skew [TARGET]",
		Short:             "Measure how evenly keys, bytes and operations are spread",
		Long:              skewLong,
		Example:           skewExample,
		Args:              atMostOne,
		ValidArgsFunction: env.completeTargets,
		RunE: func(c *cobra.Command, args []string) error {
			o.args = args
			return runSkew(c.Context(), env, &o)
		},
	}
	o.viewFlags.bind(c)
	o.gateFlags.bind(c)
	f := c.Flags()
	f.StringSliceVar(&o.by, "by", nil, "show only these `DIMENSIONS`: "+strings.Join(skew.Dimensions(),
		", ")+" (prefix is all three)")
	f.StringSliceVar(&o.metrics, "metric", nil, "show only keys, bytes, ops; the first is what --plan balances (default bytes)")
	bindWord(c, &o.ops, "ops", "auto", "where operations are seen: auto (LFU counters, else what servers count by slot), none, lfu, slots, monitor, trace",
		"auto", "none", "lfu", "slots", "monitor", "trace")
	bindTrace(c, &o.trace)
	f.DurationVar(&o.window, "window", monitorWindow, "how long MONITOR may run: 10s at most")
	f.BoolVar(&o.plan, "plan", false, "list the moves of slots that bring each node under 1.3 times the mean; none is made")
	bindMatch(c, &o.match)
	bindRate(c, &o.rate)
	bindMaxImpact(c)
	bindTimeout(c, &o.timeout)
	bindNoDemo(c, &o.noDemo)
	bindProgress(c, &o.progress)
	o.schema.bind(c)
	o.save.bind(c)
	return c
}

func (o *skewOptions) check() error {
	if o.trace != "" && o.ops == "auto" {
		o.ops = "trace"
	}
	for _, d := range o.by {
		if !slices.Contains(skew.Dimensions(), d) && d != "prefix" {
			return meantWord(kv.Usagef("--by %q", d), d, skew.Dimensions(), "dimensions: "+strings.Join(skew.Dimensions(), ", "))
		}
	}
	for _, m := range o.metrics {
		if !slices.Contains(skew.Metrics(), skew.Metric(m)) {
			return meantWord(kv.Usagef("--metric %q", m), m, []string{"keys", "bytes", "ops"}, "metrics: keys, bytes, ops")
		}
	}
	switch {
	case (o.ops == "trace") != (o.trace != ""):
		return kv.WithHint(kv.Usagef("--ops %s and --trace %q do not go together", o.ops, o.trace), "--trace FILE is enough")
	case o.window <= 0 || o.window > monitorLongest:
		return kv.WithHint(kv.Usagef("--window %s of MONITOR", o.window), "10s at most: it may halve what the server can do")
	}
	return nil
}

func runSkew(ctx context.Context, env *Env, o *skewOptions) error {
	outs, g, err := o.begin(ctx, env, o.check)
	if err != nil {
		return err
	}
	var r *report.Report
	var runErr error
	if target := env.targetOf(o.args); isSnapshot(target) {
		r, runErr = o.load(ctx, env, target, outs)
	} else {
		r, runErr = o.scan(ctx, env, outs)
	}
	if r == nil {
		return runErr
	}
	explain(r, runErr)
	addFixes(r)
	failed := o.save.write(r)
	judged := ran(r, o.analyzers(nil))
	if s := r.Section(skew.Name); s != nil && slices.ContainsFunc(s.Metrics,
		func(m report.Metric) bool { return m.Name == "operations" }) {
		judged[keydesign.NodeSkew] = true
	}
	code := partialCode(r, runErr)
	r = g.judge(env, r, judged)
	return g.conclude(env, &o.viewFlags, outs, r, code, runErr, failed)
}

// analyzers are skew itself and those of a cluster's slots and nodes, which have the rules.
func (o *skewOptions) analyzers(lfu *hotkeys.Decoder) []*audit.Analyzer {
	as := []*audit.Analyzer{skew.Analyzer(skew.Options{Schema: o.declared, LFU: lfu})}
	for _, a := range keydesign.Analyzers(o.declared) {
		if a.Name == "nodes" || a.Name == "slots" {
			as = append(as, a)
		}
	}
	return as
}

// scan reads the target and then, if that is asked for, what is done to its keys.
func (o *skewOptions) scan(ctx context.Context, env *Env, outs []output) (*report.Report, error) {
	s, err := o.open(ctx, env, o.quiet, opening{args: o.args, writes: o.writes(outs)})
	if err != nil {
		return nil, err
	}
	defer s.end()
	info, err := s.store.Info(s.ctx)
	if err != nil {
		return nil, targetError(ended(s.ctx, err))
	}
	lfu, note, unknown := o.counters(s.ctx, s.store, info)
	as := o.analyzers(lfu)
	r, err := s.audit(as, s.options())
	if r == nil {
		return nil, err
	}
	if note != "" {
		r.Target.Notes = append(r.Target.Notes, note)
	}
	if blind(r) { // it has no part in what was read
		r.Kind = report.KindSkew
		return r, err
	}
	c, loadErr := audit.Load(as[0], r)
	if loadErr != nil {
		return nil, loadErr
	}
	return o.finish(s.ctx, env, s.store, r, c.(*skew.Collector), err, unknown)
}

// counters decides whether LFU counters are read as operations, and says why not where they could not be; with an error, if they were
// asked for.
func (o *skewOptions) counters(ctx context.Context, store kv.Store, info *kv.Info) (*hotkeys.Decoder, string, error) {
	if o.ops != "auto" && o.ops != "lfu" {
		return nil, "", nil
	}
	f := freqFact(info)
	if f.How == kv.Missing {
		if o.ops == "lfu" {
			return nil, "", kv.WithHint(errors.New(f.Why), "maxmemory-policy allkeys-lfu counts them; or give a --trace")
		}
		return nil, "operations: " + f.Why, nil
	}
	d := decoder(ctx, store)
	return &d, "operations are " + d.Unit() + ", as LFU counters tell them", nil
}

// finish adds the operations, and makes the report's sections. Unknown is why the operations that were asked for are not.
func (o *skewOptions) finish(ctx context.Context, env *Env, store kv.Store, r *report.Report, c *skew.Collector,
	scanErr, unknown error,
) (*report.Report, error) {
	err := unknown
	switch o.ops {
	case "trace":
		err = o.readTrace(ctx, env, c)
	case "monitor":
		err = o.monitor(ctx, env, store, c)
	case "slots":
		err = o.bySlot(ctx, store, c, r)
	case "auto":
		if err := o.bySlot(ctx, store, c, r); ctx.Err() != nil {
			return nil, ended(ctx, err)
		}
	}
	if err != nil {
		err = ended(ctx, err)
		r.Coverage.Complete = false
		r.Coverage.Why = append(r.Coverage.Why, "operations: "+err.Error())
	}
	o.sections(r, c)
	return r, errors.Join(scanErr, err)
}

// sections replaces what the collectors have said by what is known now.
func (o *skewOptions) sections(r *report.Report, c *skew.Collector) {
	out := audit.Output{Section: report.Section{
		Name: skew.Name, Title: "SKEW", Metrics: []report.Metric{},
		Tables: []report.Table{},
	}}
	c.Report(&out)
	skew.Keep(&out.Section, o.by, o.metrics)
	r.Sections = []report.Section{out.Section}
	if o.plan {
		of := skew.Bytes
		if len(o.metrics) > 0 {
			of = skew.Metric(o.metrics[0])
		}
		r.Sections = append(r.Sections, c.Plan(of))
	}
	r.Findings = together(r.Findings, out.Findings)
	r.Kind = report.KindSkew
}

func (o *skewOptions) readTrace(ctx context.Context, env *Env, c *skew.Collector) error {
	in, err := env.openTrace(ctx, o.trace)
	if err != nil {
		return err
	}
	defer in.Close()
	for a, err := range trace.Read(in) {
		if err != nil {
			return fmt.Errorf("%s: %w", o.trace, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.Access(a)
	}
	return nil
}

// bySlot adds what the servers of a cluster count by slot, unless operations are known already.
func (o *skewOptions) bySlot(ctx context.Context, store kv.Store, c *skew.Collector, r *report.Report) error {
	why := "the store counts nothing by slot"
	if store == nil || o.ops == "auto" && c.Counts(skew.Ops) {
		return nil
	}
	source, err := kv.StatsOf(store)
	if err == nil {
		var all []kv.Stats
		if all, err = source.Stats(ctx); err != nil {
			return targetError(err)
		}
		for i := range all {
			c.Slots(&all[i])
			if all[i].SlotsWhy != "" {
				why = all[i].SlotsWhy
			}
		}
	}
	if c.Counts(skew.Ops) {
		r.Target.Notes = append(r.Target.Notes, "operations are microseconds of the servers by slot, since they began to count (CLUSTER SLOT-STATS)")
		return nil
	}
	return kv.WithHint(&codeError{exitTarget, errors.New(why)}, "Valkey 8 and Redis 8.2 count by slot with cluster-slot-stats-enabled yes")
}

func (o *skewOptions) monitor(ctx context.Context, env *Env, store kv.Store, c *skew.Collector) error {
	t, err := kv.TracerOf(store)
	if err != nil {
		return targetError(err)
	}
	env.say("warning", monitorCost(o.window))
	opt := kv.TraceOptions{Source: kv.TraceMonitor, Window: o.window, Count: monitorAccesses, Bytes: monitorBytes}
	for a, err := range t.Trace(ctx, opt) {
		if err != nil {
			return targetError(err)
		}
		c.Access(a)
	}
	return nil
}

// load reads a snapshot file.
func (o *skewOptions) load(ctx context.Context, env *Env, path string, outs []output) (*report.Report, error) {
	if o.ops == "monitor" || o.save.path != "" {
		return nil, kv.WithHint(kv.Usagef("--ops monitor and --save need a store, and %s is a saved report", path), "leave them out, or name the store")
	}
	if err := spareTarget(kv.Target{Path: path}, o.writes(outs)...); err != nil {
		return nil, err
	}
	old, damage := env.readReport(ctx, path)
	if old == nil {
		return nil, damage
	}
	c, whole, err := skew.Saved(old, skew.Options{Schema: o.declared, LFU: usedLFU(old)})
	if err != nil {
		return nil, err
	}
	r := *old
	r.Target.Notes = slices.Clone(old.Target.Notes)
	if !whole {
		r.Target.Notes = append(r.Target.Notes, "an audit has saved no more than templates, and of a cluster slots and nodes: tags, prefixes and databases are not known")
	}
	r.Findings, r.Gate, r.Parts, r.Resume = keepRules(old.Findings, o.analyzers(nil)), nil, nil, nil
	return o.finish(ctx, env, nil, &r, c, damage, nil)
}

// usedLFU returns a decoder if a saved run has counted by LFU: what its settings were no longer matters.
func usedLFU(r *report.Report) *hotkeys.Decoder {
	for i := range r.Parts {
		if p := &r.Parts[i]; p.Analyzer == skew.Name && p.Config == skew.Analyzer(skew.Options{LFU: &hotkeys.Decoder{}}).Config {
			return &hotkeys.Decoder{}
		}
	}
	return nil
}

// keepRules returns the findings of the rules of analyses.
func keepRules(fs []report.Finding, as []*audit.Analyzer) []report.Finding {
	wanted := map[string]bool{}
	for _, a := range as {
		for _, r := range a.Rules {
			wanted[r.ID] = true
		}
	}
	kept := []report.Finding{}
	for _, f := range fs {
		if wanted[f.Rule] {
			kept = append(kept, f)
		}
	}
	return kept
}
