package cmd

import (
	"context"
	"errors"
	"time"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

// judgedFlags are those of commands that read one target, hold what they find against rules, and may keep their report.
type judgedFlags struct {
	viewFlags
	gateFlags
	args     []string
	schema   schemaFlag
	declared *schema.Schema // by the flag
	save     saveFlag
}

// begin refuses what cannot be, check first, before anything is read. Findings are judged as of now.
func (o *judgedFlags) begin(ctx context.Context, env *Env, now instant, check func() error) ([]output, *gate, error) {
	outs, err := o.parse()
	if err != nil {
		return nil, nil, err
	}
	if err := errors.Join(check(), o.save.check(outs)); err != nil {
		return nil, nil, err
	}
	if o.declared, err = o.schema.load(); err != nil {
		return nil, nil, err
	}
	g, err := env.gate(ctx, &o.gateFlags, now, env.targetOf(o.args))
	return outs, g, err
}

// A scanning is a target that is being read, with who is told of it and how long it may take.
type scanning struct {
	ctx      context.Context
	progress *progress
	store    kv.Store
	end      func()
}

// openScan opens the target to be read. What it returns is to be ended.
func (o *judgedFlags) openScan(ctx context.Context, env *Env, outs []output, mode string, limit time.Duration, noDemo bool) (*scanning, error) {
	p := env.newProgress(mode, o.quiet)
	ctx, cancel := withTimeout(ctx, limit)
	store, err := env.openSpared(ctx, o.args, noDemo, &o.save, outs, p.opening)
	if err != nil {
		p.clear()
		cancel()
		return nil, err
	}
	return &scanning{ctx, p, store, func() {
		store.Close()
		p.clear()
		cancel()
	}}, nil
}
