package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/kvtool/kvtool/kv"
)

// openToScan opens a target whose keys are to be read. Where that is billed, what it will cost is said, and nothing is read until
// it is accepted: by --yes, or by somebody at a terminal.
func (e *Env) openToScan(ctx context.Context, t kv.Target) (kv.Store, error) {
	store, err := e.Open(ctx, t)
	if err != nil {
		return nil, err
	}
	if err := e.accept(ctx, store); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

// accept asks whether a scan may cost what it costs.
func (e *Env) accept(ctx context.Context, store kv.Store) error {
	planner, ok := store.(kv.Planner)
	if !ok {
		return nil
	}
	p, err := planner.Plan(ctx)
	if err != nil {
		return err
	}
	if p.Free {
		return nil
	}
	e.say("plan", p.String())
	switch {
	case e.yes:
		return nil
	case !e.TTY || !e.StderrTTY:
		return kv.WithHint(kv.Usagef("a scan of this store is billed: %s", p), "--yes, if that is meant; or read an export: ddb-export:DIR")
	}
	fmt.Fprint(e.Stderr, "kvtool: type yes to go on: ")
	if line, err := readLine(e.Stdin); err != nil || line != "yes" {
		return kv.Usagef("not confirmed: nothing was read")
	}
	return nil
}
