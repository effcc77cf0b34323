package cmd

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/kvr"
)

// factFlags say how a keyspace is read of which only the templates are wanted.
type factFlags struct {
	match    string
	depth    audit.Depth
	rate     rate
	timeout  time.Duration
	noDemo   bool
	progress string
}

func (o *factFlags) bind(c *cobra.Command) {
	bindMatch(c, &o.match)
	bindDepth(c, &o.depth)
	bindRate(c, &o.rate)
	bindMaxImpact(c)
	bindTimeout(c, &o.timeout)
	bindNoDemo(c, &o.noDemo)
	bindProgress(c, &o.progress)
}

// A keyspace is what is known of the keys of a target or of a snapshot file.
type keyspace struct {
	*keydesign.Facts
	report *report.Report
	code   int   // of the exit, where not all was read
	err    error // why
}

// keyspace reads the target or the snapshot file that args name, or the target that stands for none. Spare returns an error if
// a flag would write over what is read.
func (o *factFlags) keyspace(ctx context.Context, env *Env, args []string, spare func(kv.Target) error) (*keyspace, error) {
	k := &keyspace{}
	var err error
	if len(args) > 0 && isSnapshot(args[0]) {
		err = o.load(ctx, env, args[0], k, spare)
	} else {
		err = o.scan(ctx, env, args, k, spare)
	}
	if err != nil {
		return nil, err
	}
	if k.Facts, err = keydesign.FactsOf(k.report); err != nil {
		return nil, kv.WithHint(err, "save the audit with its templates and without --schema: kvtool audit TARGET --save FILE.kvr")
	}
	return k, nil
}

// load reads a snapshot file.
func (o *factFlags) load(ctx context.Context, env *Env, path string, k *keyspace, spare func(kv.Target) error) error {
	if err := spare(kv.Target{Path: path}); err != nil {
		return err
	}
	r, damage := env.readReport(ctx, path)
	if r == nil {
		return damage
	}
	k.report, k.code, k.err = r, exitCode(damage), damage
	return nil
}

// isSnapshot reports whether a snapshot file is at the path.
func isSnapshot(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, headSize)
	n, _ := f.Read(head) // what cannot be read is none
	return kvr.IsFile(head[:n])
}

// scan reads the keys of a target.
func (o *factFlags) scan(ctx context.Context, env *Env, args []string, k *keyspace, spare func(kv.Target) error) error {
	p := env.newProgress(o.progress, false)
	ctx, cancel := withTimeout(ctx, o.timeout)
	defer cancel()
	target, err := env.resolve(ctx, args, o.noDemo)
	if err != nil {
		return err
	}
	if err := spare(target); err != nil {
		return err
	}
	p.opening(target.String())
	defer p.clear()
	store, err := env.openToScan(ctx, target)
	if err != nil {
		return targetError(err)
	}
	defer store.Close()
	p.scanning()
	r, err := audit.Run(ctx, store, keydesign.Inference(), audit.Options{
		Match: o.match, Depth: o.depth, Limiter: kv.NewLimiter(float64(o.rate)), Parallel: parallel,
		Every: p.every(), Update: p.update, Now: env.Now, Save: true,
	})
	if err = ended(ctx, err); r == nil || !worthReporting(r, err) {
		return targetError(err)
	}
	p.done(r.Coverage.Keys)
	explain(r, err)
	k.report, k.code, k.err = r, partialCode(r, err), err
	return nil
}

// incomplete returns the error of a command that has done what it could with a keyspace of which not all was read, or nil.
func (k *keyspace) incomplete() error {
	if k.code == exitOK {
		return nil
	}
	return &codeError{k.code, errors.Join(k.err)}
}
