package cmd

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/drift/ttl"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/lint"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// ttlOptions are the flags of drift ttl.
type ttlOptions struct {
	judgedFlags
	forecast span
}

const ttlLong = `Say how the keys of each template expire: by which law (fixed, jittered,
sliding, mixed), with which TTL, estimated from what is left of it and with its
interval; which share has none; which were given in a wrong unit; what expires
at once, and how much in each hour of the day to come. With a schema the
estimates are held against what it declares (KD071), keys against those that
they belong or lead to (KD066, KD067), and sliding TTLs against max_age (KD070).

Of templates with fewer than 200 keys that expire nothing is estimated: they are
"insufficient", which is no finding. That each use sets a TTL anew is known only
where the store tells idle times; else it may be that ever more keys are written
("rising").

TARGET may be a FILE.kvr that an audit has saved: then no store is asked.`

func newTTLCmd(env *Env) *cobra.Command {
	o := ttlOptions{forecast: span(ttl.DefaultForecast)}
	c := &cobra.Command{
		Use:   "ttl [TARGET | FILE.kvr]",
		Short: "Say how keys expire, and hold that against the schema",
		Long:  ttlLong,
		Example: "  kvtool drift ttl redis://127.0.0.1:6379 --schema keys.yaml\n" +
			"  kvtool drift ttl dump.rdb --forecast 7d\n" +
			"  kvtool drift ttl prod.kvr --fail-on warning",
		Args:              atMostOne,
		ValidArgsFunction: env.completeTargets,
		RunE: func(c *cobra.Command, args []string) error {
			o.args = args
			return runTTL(c.Context(), env, &o)
		},
	}
	o.viewFlags.bind(c)
	o.gateFlags.bind(c)
	o.scanFlags.bind(c)
	o.schema.bind(c)
	o.save.bind(c)
	f := c.Flags()
	f.Var(&o.forecast, "forecast", "how far ahead to say what expires: 24h, 7d")
	bindNow(c, &o.now)
	return c
}

func runTTL(ctx context.Context, env *Env, o *ttlOptions) error {
	outs, g, err := o.begin(ctx, env, o.check)
	if err != nil {
		return err
	}
	r, scanErr := o.read(ctx, env, outs)
	if r == nil {
		return scanErr
	}
	explain(r, scanErr)
	failed := o.save.write(r)
	judged := o.judged(r)
	r, err = o.laws(r)
	if err != nil {
		return err
	}
	addFixes(r)
	if o.declared != nil {
		r.Design = designOf(o.declared, len(judged))
		g.policy.Suppressions = append(g.policy.Suppressions, lint.Suppressions(o.declared)...)
	}
	code := partialCode(r, scanErr)
	r = g.judge(env, r, judged)
	return g.conclude(env, &o.viewFlags, outs, r, code, scanErr, failed)
}

// check refuses what cannot be meant.
func (o *ttlOptions) check() error {
	switch {
	case o.forecast <= 0:
		return kv.WithHint(kv.Usagef("--forecast must be longer than nothing"), "--forecast 24h")
	case o.depth == audit.DepthCount:
		return kv.WithHint(kv.Usagef("--depth count asks for names alone"), "adaptive asks a sample")
	}
	return nil
}

// judged are the rules about expiry that were held against the keys of r.
func (o *ttlOptions) judged(r *report.Report) map[string]bool {
	judged := map[string]bool{}
	for id := range ran(r, keydesign.Binding(o.declared)) {
		if slices.Contains(ttl.Rules(), id) {
			judged[id] = true
		}
	}
	return judged
}

// laws makes the report of what was read.
func (o *ttlOptions) laws(r *report.Report) (*report.Report, error) {
	if blind(r) {
		r.Kind = report.KindTTL
		return r, nil
	}
	facts, err := keydesign.FactsBound(o.declared, r)
	if err != nil {
		return nil, kv.WithHint(err, "save the audit with its templates, and with the same --schema: kvtool audit TARGET --save FILE.kvr")
	}
	out := *r
	out.Kind, out.Tool, out.Parts, out.Resume = report.KindTTL, tool(), nil, nil
	found := []report.Finding{}
	for _, f := range r.Findings {
		if slices.Contains(ttl.Rules(), f.Rule) {
			found = append(found, f)
		}
	}
	sec, more := ttl.Report(facts, found, ttl.Options{
		Forecast: time.Duration(o.forecast),
		Scanned:  time.Duration(r.Coverage.Elapsed),
	})
	out.Sections = []report.Section{sec}
	out.Findings = together(found, more)
	if why := untold(r, "ttl"); why != "" { // an empty table looks as if there were no keys
		out.Skipped = append(slices.Clip(out.Skipped), report.Skip{Name: sec.Name, Why: "needs ttl: " + why})
	}
	return &out, nil
}

// untold returns why the target of r tells nothing of a fact; empty if it does.
func untold(r *report.Report, fact string) string {
	for _, f := range r.Target.Facts {
		if f.Name == fact && f.How == kv.Missing.String() {
			return f.Why
		}
	}
	return ""
}

// read returns the templates of the target: of a snapshot file as they were saved, of anything else after a scan.
func (o *ttlOptions) read(ctx context.Context, env *Env, outs []output) (*report.Report, error) {
	as := keydesign.Binding(o.declared)
	path := env.targetOf(o.args)
	if !isSnapshot(path) {
		return o.scan(ctx, env, outs, as)
	}
	if err := spareTarget(kv.Target{Path: path}, o.writes(outs)...); err != nil {
		return nil, err
	}
	saved, damage := env.readReport(ctx, path)
	if saved == nil {
		return nil, damage
	}
	r, err := audit.Merge(as, audit.Saved{Name: path, Report: saved, Damaged: damage != nil})
	if err != nil {
		return nil, err
	}
	return r, damage
}

func (o *ttlOptions) scan(ctx context.Context, env *Env, outs []output, as []*audit.Analyzer) (*report.Report, error) {
	s, err := o.open(ctx, env, o.quiet, opening{args: o.args, writes: o.writes(outs)})
	if err != nil {
		return nil, err
	}
	defer s.end()
	return s.audit(as, s.options())
}
