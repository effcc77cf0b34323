package cmd

import (
	"context"
	"fmt"

	"github.com/kvtool/kvtool/kv"
)

// A use is what a store that bills is opened for.
type use int

const (
	toLook use = iota // at what costs nothing
	toScan
	toLoad
)

// accept asks whether what a store is opened for may cost what it costs. What that is is said, and nothing is read until it is accepted:
// by --yes, or by somebody at a terminal.
func (e *Env) accept(ctx context.Context, store kv.Store, u use) error {
	if u == toLook {
		return nil
	}
	p, err := kv.PlanOf(ctx, store)
	if err != nil || p.Free {
		return err
	}
	what, instead := "a scan of this store is billed: "+p.String(), "read an export: ddb-export:DIR"
	switch {
	case len(p.Burden) > 0:
		what, instead = "to read this store so is a burden to it", p.Instead
	case u == toLoad:
		what, instead = "a load of this store, and the scan that cleans up after it, is billed: "+p.String(), "load a server on this machine: ?endpoint=http://127.0.0.1:8000"
		e.say("plan", p.Load)
	}
	lines := p.Burden
	if len(lines) == 0 {
		lines = []string{p.String()}
	}
	for _, line := range lines {
		e.say("plan", line)
	}
	switch {
	case e.yes:
		return nil
	case !e.TTY || !e.StderrTTY:
		return kv.WithHint(kv.Usagef("%s", what), "--yes, if that is meant; or "+instead)
	}
	fmt.Fprint(e.Stderr, "kvtool: type yes to go on: ")
	if line, err := readLine(e.Stdin); err != nil || line != "yes" {
		return kv.Usagef("not confirmed: nothing was done")
	}
	return nil
}
