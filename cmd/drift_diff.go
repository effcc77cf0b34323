package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/drift/compare"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// driftDiffOptions are the flags of drift diff.
type driftDiffOptions struct {
	auditOptions
	normalise bool
	template  string
}

const driftDiffLong = `Compare two states of a keyspace, or two keyspaces: templates that have come,
gone or been renamed; keys, bytes, sizes, types, encodings; how keys expire;
what the servers say of themselves.

BASE and HEAD are snapshots (FILE.kvr, of drift snapshot or audit --save) or
targets, which are read now. What has changed counts only if it is more than
chance: of templates with fewer than 200 keys on a side nothing but their number
is compared. The command fails if a finding is as bad as --fail-on says.

With --normalise shares are compared, not numbers: of environments of different
size. Snapshots that were taken with --schema need it again.`

func newDriftDiffCmd(env *Env) *cobra.Command {
	o := driftDiffOptions{auditOptions: auditOptions{gateFlags: gateFlags{always: true}}}
	c := &cobra.Command{
		Use:   "diff BASE HEAD",
		Short: "Compare two snapshots, or two stores",
		Long:  driftDiffLong,
		Example: "  kvtool drift diff monday.kvr redis://127.0.0.1:6379\n" +
			"  kvtool drift diff monday.kvr friday.kvr --fail-on warning\n" +
			"  kvtool drift diff @staging @prod --normalise",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return kv.WithHint(kv.Usagef("%s takes two arguments, not %d", c.CommandPath(), len(args)), "usage: "+c.UseLine())
			}
			return nil
		},
		Annotations:       map[string]string{readsConfig: "yes"},
		ValidArgsFunction: env.completeTargets,
		RunE: func(c *cobra.Command, args []string) error {
			o.args = args
			return runDriftDiff(c.Context(), env, o)
		},
	}
	o.viewFlags.bind(c)
	o.gateFlags.bind(c)
	o.schema.bind(c)
	f := c.Flags()
	f.BoolVar(&o.normalise, "normalise", false, "compare shares, not numbers: of environments of different size")
	f.StringVar(&o.template, "template", "", "compare only templates that match `GLOB`")
	bindDepth(c, &o.depth)
	bindRate(c, &o.rate)
	bindMaxImpact(c)
	bindTimeout(c, &o.timeout)
	bindNow(c, &o.now)
	bindProgress(c, &o.progress)
	return c
}

func runDriftDiff(ctx context.Context, env *Env, o driftDiffOptions) error {
	outs, err := o.parse()
	if err != nil {
		return err
	}
	if o.declared, err = o.schema.load(); err != nil {
		return err
	}
	g, err := env.gate(ctx, &o.gateFlags, o.now, o.args...)
	if err != nil {
		return err
	}
	ctx, cancel := withTimeout(ctx, o.timeout) // of both sides
	defer cancel()
	var sides [2]*compare.Side
	var failed error
	for i, arg := range o.args {
		r, err := o.state(ctx, env, arg, writtenBy(outs))
		if r == nil {
			return targetError(ended(ctx, err))
		}
		failed = errors.Join(failed, err)
		if sides[i], err = compare.Load(arg, o.declared, r); err != nil {
			return kv.WithHint(kv.Usagef("%w", err), "snapshots are compared that were taken alike: with the same --schema or without one, and with all analyses")
		}
	}
	r := compare.Diff(sides[0], sides[1], compare.Options{Normalise: o.normalise, Template: o.template})
	r.Tool = tool()
	explain(r, failed)
	addFixes(r)
	judged := map[string]bool{}
	for _, rule := range compare.Rules() {
		judged[rule.ID] = true
	}
	code := partialCode(r, failed)
	return g.conclude(env, &o.viewFlags, outs, g.judge(env, r, judged), code, failed, nil)
}

// state returns the saved run of a snapshot file, or reads a target as one.
func (o *driftDiffOptions) state(ctx context.Context, env *Env, arg string, writes []written) (*report.Report, error) {
	if isSnapshot(arg) {
		if err := spareTarget(kv.Target{Path: arg}, writes...); err != nil {
			return nil, err
		}
		return env.readReport(ctx, arg)
	}
	s, err := o.open(ctx, env, o.quiet, opening{args: []string{arg}, noDemo: true, writes: writes})
	if err != nil {
		return nil, err
	}
	defer s.end()
	as := append(keydesign.Analyzers(o.declared), audit.Analyzers(audit.Config{Top: o.top})...)
	opt := s.options()
	opt.Settings = settingsOf(s.ctx, s.store)
	r, err := s.audit(as, opt)
	if r != nil && err != nil && r.Coverage.Keys == 0 { // everything would seem to be gone
		return nil, fmt.Errorf("%s: %w", arg, err)
	}
	return r, err
}
