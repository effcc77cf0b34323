package cmd

import (
	"context"
	"errors"

	"github.com/kvtool/kvtool/kv"
)

// An opening is how a command comes by its target.
type opening struct {
	args   []string
	noDemo bool
	writes []written              // by the command, none over the target
	before func(*kv.Target) error // is shown what is about to be opened, and may add to it or refuse it; nil is nobody
	use    use
}

// open opens the target of a command, unless what the command writes would be written over it. Where what it is opened for is billed,
// or a burden to the server, that has to be accepted first. The target is known although it could not be opened.
func (e *Env) open(ctx context.Context, o opening) (kv.Store, kv.Target, error) {
	target, err := e.resolve(ctx, o.args, o.noDemo)
	if err == nil {
		err = spareTarget(target, o.writes...)
	}
	if err == nil && o.before != nil {
		err = o.before(&target)
	}
	if err != nil {
		return nil, target, err
	}
	store, err := e.Open(ctx, target)
	if err != nil {
		return nil, target, targetError(ended(ctx, meantTarget(err, target)))
	}
	if err := e.accept(ctx, store, o.use); err != nil {
		return nil, target, targetError(ended(ctx, errors.Join(err, store.Close())))
	}
	return store, target, nil
}
