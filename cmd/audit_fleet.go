package cmd

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"github.com/kvtool/kvtool/keydesign/lint"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// auditJobs is how many stores are audited at a time: each takes its part of a processor, and of memory.
const auditJobs = 4

// auditFleet audits several targets.
func auditFleet(ctx context.Context, env *Env, o auditOptions) error {
	if o.resume != "" {
		return kv.WithHint(kv.Usagef("--resume with several targets"), "one at a time: kvtool audit TARGET --resume FILE.kvr")
	}
	chosen, err := choose(analyzersOf(o.declared, o.top), o.only)
	if err != nil {
		return err
	}
	if err := errors.Join(o.checkDepth(chosen), o.checkRefs()); err != nil {
		return err
	}
	var spared sync.Once
	f := fleetRun{
		fleetFlags: o.fleetFlags, view: &o.viewFlags, gates: &o.gateFlags, save: &o.save, progress: o.progress, timeout: o.timeout, now: o.now,
		kind: report.KindAudit, most: auditJobs,
		look: func(ctx context.Context, env *Env, name string) (*looked, error) {
			one, mine := o, *env
			slow, err := one.becomeOf(&mine, name)
			if err != nil {
				return nil, err
			}
			if slow {
				spared.Do(func() { env.say("note", "targets with env: prod: at most "+prodWords()+" each (--rate changes that)") })
			}
			return one.look(ctx, &mine)
		},
	}
	if o.declared != nil {
		f.suppressed = lint.Suppressions(o.declared)
	}
	return f.run(ctx, env, o.args)
}

// becomeOf makes the options, and env, which is a copy, those of one target of several: what the command line and the environment leave open is as the target's
// profile has it. Slow says that it is held to what is right for a store in production.
func (o *auditOptions) becomeOf(env *Env, name string) (slow bool, err error) {
	given := o.flags
	o.args, o.save, o.progress, o.timeout = []string{name}, saveFlag{}, "none", 0
	o.only, o.ruled = slices.Clone(o.only), nil
	own := pflag.NewFlagSet(name, pflag.ContinueOnError)
	if !given.Changed("rate") {
		own.Var(&o.rate, "rate", "")
	}
	most := impact(env.impact)
	if !given.Changed("max-impact") {
		own.Var(&most, "max-impact", "")
	}
	p := env.conf.profile(strings.TrimPrefix(name, "@"))
	if err := env.setFlags(own, p); err != nil {
		return false, err
	}
	env.impact = kv.Impact(most)
	return env.spare(own, p), nil
}

// look audits one target.
func (o *auditOptions) look(ctx context.Context, env *Env) (*looked, error) {
	r, err := o.read(ctx, env, nil)
	if r == nil {
		return nil, err
	}
	judged := o.finish(r, err)
	return &looked{r: r, judged: judged, code: partialCode(r, err)}, err
}
