package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/drift/orphans"
	"github.com/kvtool/kvtool/keydesign/lint"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
)

// gateFlags decide whether what a report says is a failure. Always, set before bind, is for commands that gate by themselves;
// others do when they are told what fails or what to compare with.
type gateFlags struct {
	always       bool
	failOn       failOn
	baseline     string
	newBaseline  string
	tolerance    percent
	inconclusive string
	strict       bool
	show         string
	exitZero     bool
	fleet        bool // what is judged is the report of a fleet
}

// failOn is the severity from which findings fail, as a flag that knows whether somebody has set it.
type failOn struct {
	report.Severity
	given bool
}

// Set reads error, warning, info or never.
func (f *failOn) Set(s string) error {
	f.given = true
	return f.Severity.Set(s)
}

func (g *gateFlags) bind(c *cobra.Command) {
	if g.always {
		g.failOn.Severity = report.Error
	}
	g.tolerance = 0.10
	f := c.Flags()
	f.Var(&g.failOn, "fail-on", "exit 1 if there is a finding as bad as this: error, warning, info, never")
	f.StringVar(&g.baseline, "baseline", "", "compare with the report in `FILE`: only what is new or worse fails; findings fail from error on unless --fail-on says otherwise")
	f.StringVar(&g.newBaseline, "write-baseline", "", "write what was found to `FILE`, to compare with later")
	f.Var(&g.tolerance, "tolerance", "a finding is worse if its measure has grown by more than this share of the baseline's")
	bindWord(c, &g.inconclusive, "inconclusive", "", "`VERDICT` on a sampled number that may be on either side of its limit: pass, fail (default: exit 4)", "pass", "fail")
	f.BoolVar(&g.strict, "strict", false, "fail on suppressions without a finding and on entries of the baseline that are fixed")
	bindWord(c, &g.show, "show", "new", "`WHICH` findings to print: new, or all, with those that are existing, suppressed and fixed", "new", "all")
	bindExitZero(c, &g.exitZero)
	fixedValues(c, "fail-on", "error", "warning", "info", "never")
	complete(c, "baseline", completeReports)
}

// A gate is what a report is judged by. It is read before there is a report, so that no scan is lost to a mistake in it.
type gate struct {
	flags  *gateFlags
	policy report.Policy
	base   *report.Report
	// severities are what the findings of some rules are to be; empty: they do not count.
	severities map[string]report.Severity
	past       bool // the verdict is that of a saved report, which failed when it was made and not now
}

// gate reads what the flags and the configuration name. Targets are the names of what is to be looked at;
// without a time it is now.
func (e *Env) gate(ctx context.Context, g *gateFlags, now instant, targets ...string) (*gate, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	p := report.Policy{
		FailOn: g.failOn.Severity, Tolerance: float64(g.tolerance), Undecided: report.Verdict(g.inconclusive),
		Strict: g.strict, Always: g.always, Now: now.clock(e.Now)(), Targets: targets,
	}
	if err := e.configurePolicy(&p); err != nil {
		return nil, err
	}
	path, err := e.baselinePath(g)
	if err != nil {
		return nil, err
	}
	base, err := e.readBaseline(ctx, path, g.fleet)
	if err != nil {
		return nil, err
	}
	severities, err := e.severities()
	if err != nil {
		return nil, err
	}
	if base != nil && !g.failOn.given {
		p.FailOn = report.Error
	}
	return &gate{flags: g, policy: p, base: base, severities: severities}, nil
}

// asked reports whether anything was asked of the gate.
func (g *gateFlags) asked() bool { return g.always || g.failOn.given || g.strict || g.baseline != "" }

func (g *gateFlags) check() error {
	return checkPath("--write-baseline "+g.newBaseline, g.newBaseline)
}

// readBaseline reads the report to compare with, nil if the path is empty. One that cannot be read whole is a mistake of who
// named it: nothing could be said to be new.
func (e *Env) readBaseline(ctx context.Context, path string, fleet bool) (*report.Report, error) {
	if path == "" {
		return nil, nil
	}
	r, err := e.readReport(ctx, path)
	switch {
	case err != nil:
	case fleet && r.Kind != report.KindFleet:
		err = kv.Usagef("%s: the report of one target is no baseline of several", path)
	case !fleet && r.Kind == report.KindFleet:
		err = kv.Usagef("%s: a report of a fleet is no baseline of one target", path)
	}
	if err != nil {
		return nil, meantFile(&codeError{exitUsage, fmt.Errorf("--baseline %w", err)}, path, "write one: --write-baseline FILE")
	}
	return r, nil
}

// judge returns r with its statuses and its verdict, and says what its owner should know. Ran holds the rules that were judged.
func (g *gate) judge(env *Env, r *report.Report, ran map[string]bool) *report.Report {
	p := g.policy
	p.Targets = append(p.Targets, r.Target.URL)
	for id, severity := range g.severities {
		if severity == "" {
			delete(ran, id)
		}
	}
	p.Ran = func(rule string) bool { return ran[rule] }
	g.policy.Ran = p.Ran
	if r.Gate != nil && p.Checks == nil { // of a saved report
		p.Checks = slices.Clone(r.Gate.Checks)
		for i := range p.Checks {
			if g.base != nil {
				p.Checks[i].Base = report.Null
			}
		}
	}
	judged, warnings := report.Judge(g.weighed(r), g.base, p)
	for _, w := range warnings {
		env.say("warning", w)
	}
	if judged.Gate == nil {
		return judged
	}
	if left := unjudged(analyzers(0), r.Skipped); left != "" {
		judged.Gate.Why = append(judged.Gate.Why, left)
	}
	if isDemo(r) {
		judged.Gate.Why = append(judged.Gate.Why, "(demo: data, not your store)")
	}
	return judged
}

// ranIn returns the rules that a saved report was judged by.
func ranIn(r *report.Report) map[string]bool {
	judged := map[string]bool{}
	switch {
	case r.Kind == report.KindLint:
	case r.Design != nil:
		judged = ran(r, analyzersOf(&schema.Schema{}, 0)) // the rules are the same for every schema
	default:
		judged = ran(r, analyzers(0))
	}
	if r.Section(orphans.SectionName) != nil { // its references were followed
		for _, rule := range orphans.Rules() {
			judged[rule.ID] = true
		}
	}
	if r.Kind != report.KindLint && r.Kind != report.KindCheck {
		return judged
	}
	linted := r.Section(lint.SectionName)
	for _, rule := range lint.Rules() {
		judged[rule.ID] = judged[rule.ID] || linted == nil || linted.Evaluated(rule.ID)
	}
	return judged
}

// ran returns the rules of the analyses that were held against the keys of r.
func ran(r *report.Report, as []*audit.Analyzer) map[string]bool {
	rules := map[string]bool{}
	for _, a := range as {
		if slices.ContainsFunc(r.Skipped, func(s report.Skip) bool { return s.Name == a.Name }) {
			continue
		}
		s := r.Section(a.Name)
		for _, rule := range a.Rules {
			if s == nil || s.Evaluated(rule.ID) {
				rules[rule.ID] = true
			}
		}
	}
	return rules
}

// writeBaseline writes what of a judged report later ones are compared with. What was not read would be missing from it.
func (g *gate) writeBaseline(env *Env, r *report.Report) error {
	path := g.flags.newBaseline
	switch {
	case path == "":
		return nil
	case !r.Coverage.Complete:
		env.say("warning", "not everything was read: "+path+" is not written")
		return nil
	}
	b := g.policy.Baseline(r, g.base)
	if err := writeFile(path, func(w io.Writer) error { return render.JSON(w, b, render.Options{Keys: render.KeysTemplate}) }); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// conclude writes r, which has been judged, and decides the exit code: that of the gate, unless code says more. Err is what
// kept the report from being complete, if anything did; failed what could not be written before.
func (g *gate) conclude(env *Env, v *viewFlags, outs []output, r *report.Report, code int, err, failed error) error {
	if !g.past {
		code = worst(gateCode(r.Gate), code)
	}
	if g.flags.exitZero && (code == exitGate || code == exitIncomplete) {
		code = exitOK
	}
	v.all = g.flags.show == "all"
	failed = errors.Join(failed, g.writeBaseline(env, r), v.write(env, outs, r, code))
	if failed != nil {
		return &codeError{worst(exitUsage, code), errors.Join(failed, err)}
	}
	if code == exitOK && err == nil {
		return nil
	}
	return &codeError{code, err}
}
