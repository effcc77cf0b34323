package cmd

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// scanFlags say how keys are read. A command binds those of them that it has.
type scanFlags struct {
	match    string
	depth    audit.Depth
	rate     rate
	timeout  time.Duration
	noDemo   bool
	now      instant
	progress string
}

// bind binds them all but --now.
func (o *scanFlags) bind(c *cobra.Command) {
	bindMatch(c, &o.match)
	bindDepth(c, &o.depth)
	bindRate(c, &o.rate)
	bindMaxImpact(c)
	bindTimeout(c, &o.timeout)
	bindNoDemo(c, &o.noDemo)
	bindProgress(c, &o.progress)
}

// A scanning is a target that is being read, with who is told of it and how long it may take.
type scanning struct {
	ctx      context.Context
	env      *Env
	flags    *scanFlags
	target   kv.Target
	store    kv.Store
	progress *progress
	end      func()
}

// open opens the target to be read, and tells so. What it returns is to be ended.
func (o *scanFlags) open(ctx context.Context, env *Env, quiet bool, op opening) (*scanning, error) {
	s := &scanning{env: env, flags: o, progress: env.newProgress(o.progress, quiet)}
	ctx, cancel := withTimeout(ctx, o.timeout)
	s.ctx = ctx
	before := op.before
	op.before = func(t *kv.Target) error {
		if before != nil {
			if err := before(t); err != nil {
				return err
			}
		}
		s.progress.opening(t.String())
		return nil
	}
	op.noDemo = op.noDemo || o.noDemo
	op.use = toScan
	var err error
	if s.store, s.target, err = env.open(ctx, op); err != nil {
		s.progress.clear()
		cancel()
		return nil, err
	}
	s.end = func() {
		s.store.Close()
		s.progress.clear()
		cancel()
	}
	return s, nil
}

// options are what the flags say of a run.
func (s *scanning) options() audit.Options {
	o := s.flags
	return audit.Options{
		Match: o.match, Depth: o.depth, Limiter: kv.NewLimiter(float64(o.rate)), Parallel: parallel,
		Every: s.progress.every(), Update: s.progress.update, Now: o.now.clock(s.env.Now), Save: true,
	}
}

// audit runs analyses. The report is nil if there is nothing to report; with one, the error is what ended the scan early.
func (s *scanning) audit(as []*audit.Analyzer, opt audit.Options) (*report.Report, error) {
	s.progress.scanning()
	r, err := audit.Run(s.ctx, s.store, as, opt)
	if err = ended(s.ctx, err); r == nil || !worthReporting(r, err) {
		return nil, targetError(err)
	}
	s.progress.done(r.Coverage.Keys)
	r.Tool = tool()
	return r, err
}
