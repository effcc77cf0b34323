package cmd

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/audit/triage"
	"github.com/kvtool/kvtool/keydesign/lint"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

const checkLong = `Hold a store to the schema that its keys are designed by, and fail if it became
worse: the command for a CI job.

The schema is linted, each key is bound to the template that it belongs to, and
what the keys are is held against what the schema says, against the budgets of
.kvtool.yaml, and against a baseline. What .kvtool-ignore.yaml accepts does not
fail. The schema is that of --schema, else keydesign.schema of .kvtool.yaml,
else keys.yaml in this folder.

TARGET is what it is for audit, or a FILE.kvr that an audit or a check with the
same schema has saved: then no store is asked anything.`

const checkExample = `  kvtool keydesign check redis://127.0.0.1:6379 --schema keys.yaml
  kvtool keydesign check dump.rdb --write-baseline base.json
  kvtool keydesign check dump.rdb --baseline base.json -o text -o json=a.json`

func newCheckCmd(env *Env) *cobra.Command {
	o := auditOptions{gateFlags: gateFlags{always: true}}
	c := &cobra.Command{
		Use:               "check [TARGET]",
		Short:             "Hold a store to its schema, budgets and baseline; for CI",
		Long:              checkLong,
		Example:           checkExample,
		Args:              atMostOne,
		ValidArgsFunction: env.completeTargets,
		RunE: func(c *cobra.Command, args []string) error {
			o.args = args
			return runCheck(c.Context(), env, o)
		},
	}
	o.bind(c)
	return c
}

func runCheck(ctx context.Context, env *Env, o auditOptions) error {
	outs, err := o.parse()
	if err != nil {
		return err
	}
	if o.declared, err = env.openSchema(o.schema.paths); err != nil {
		return err
	}
	if err := errors.Join(bindable(o.declared), checkIgnores(o.declared)); err != nil {
		return err
	}
	g, err := env.gate(ctx, &o.gateFlags, o.now, env.targetOf(o.args))
	if err != nil {
		return err
	}
	limits, err := env.budgets(o.declared)
	if err != nil {
		return err
	}
	r, scanErr := o.readOrScan(ctx, env, outs)
	if r == nil {
		return scanErr
	}
	explain(r, scanErr)
	failed := o.save.write(r)
	code := partialCode(r, scanErr)
	linted := lint.Check(o.declared)
	judged := ran(r, analyzersOf(o.declared, o.top))
	maps.Copy(judged, linted.Judged)
	o.followed(judged)
	for _, id := range o.ruled {
		judged[id] = true
	}
	r = checked(r, o.declared, &linted, len(judged))
	addFixes(r)
	g.policy.Checks = limits.measure(r, g.base, o.declared)
	g.policy.Suppressions = append(g.policy.Suppressions, lint.Suppressions(o.declared)...)
	r = g.judge(env, r, judged)
	return g.conclude(env, &o.viewFlags, outs, r, code, scanErr, failed)
}

// readOrScan returns the report of the target: of a snapshot file as it was saved, of anything else after a scan.
func (o *auditOptions) readOrScan(ctx context.Context, env *Env, outs []output) (*report.Report, error) {
	target := env.targetOf(o.args)
	if !isSnapshot(target) {
		return o.read(ctx, env, outs)
	}
	if o.refs {
		return nil, kv.Usagef("--refs: a snapshot holds no values and no names to follow; give the store or a dump")
	}
	if err := errors.Join(o.save.check(outs), spareTarget(kv.Target{Path: target}, writtenBy(outs, o.save.written())...)); err != nil {
		return nil, err
	}
	saved, damage := env.readReport(ctx, target)
	if saved == nil {
		return nil, damage
	}
	as := analyzersOf(o.declared, audit.ConfigOf(saved).Top)
	r, err := audit.Merge(as, audit.Saved{Name: target, Report: saved, Damaged: damage != nil})
	if err != nil {
		return nil, err
	}
	r.Tool = tool()
	o.ruled = triage.MergeSetup(r, saved)
	return r, damage
}

// checked returns the report of a check: what an audit has found of the keys, and what lint has of their schema.
func checked(r *report.Report, s *schema.Schema, l *lint.Result, rules int) *report.Report {
	c := *r
	c.Kind = report.KindCheck
	c.Design = designOf(s, rules)
	c.Sections = append(slices.Clone(r.Sections), l.Section)
	c.Findings = together(r.Findings, l.Findings)
	return &c
}

// together returns the findings of both lists. What a schema declares and what its keys are may break the same rule for the
// same template: that is one finding, the worse of the two, or the one that was observed.
func together(observed, declared []report.Finding) []report.Finding {
	all := slices.Clone(observed)
	at := map[string]int{}
	for i := range all {
		at[all[i].Fingerprint()] = i
	}
	for _, f := range declared {
		i, again := at[f.Fingerprint()]
		switch {
		case !again:
			all = append(all, f)
		case f.Severity != all[i].Severity && f.Severity.AtLeast(all[i].Severity):
			all[i] = f
		}
	}
	report.SortFindings(all)
	return all
}
