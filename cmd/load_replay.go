package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/replay"
	"github.com/kvtool/kvtool/loadgen/trace"
	"github.com/kvtool/kvtool/report"
)

// loadReplayOptions are the flags of load replay.
type loadReplayOptions struct {
	viewFlags
	replay.Options
	args        []string
	trace       string
	columns     []string
	speed       string
	allowWrites bool
	keep        bool
}

const loadReplayLong = `Do again what a trace says was done: at its times, faster, or as fast as the
store answers. A trace is the output of redis-cli MONITOR, an append-only file,
a cache trace of Twitter, CSV with a line of names (or --columns), JSON lines.

Every key is put under one prefix and has a TTL; what names no key, or may touch
others, is left out and counted. What was written is removed at the end. What is
env: prod is refused, and a target that is not empty without --allow-writes.`

// emptyTarget is what loads go to where nobody says: the built-in store, without data.
const emptyTarget = "ref:?preset=empty"

func newLoadReplayCmd(env *Env) *cobra.Command {
	var o loadReplayOptions
	c := &cobra.Command{
		Use:   "replay [TARGET]",
		Short: "Do again what a trace says was done",
		Long:  loadReplayLong,
		Example: "  kvtool load replay ref:?preset=empty --trace monitor.txt\n" +
			"  kvtool load replay @staging --trace cluster52.csv --speed 2x --allow-writes",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: env.completeTargets,
		RunE: func(c *cobra.Command, args []string) error {
			o.args = args
			return runLoadReplay(c.Context(), env, o)
		},
	}
	o.viewFlags.bind(c)
	f := c.Flags()
	f.StringVar(&o.trace, "trace", "", "`FILE` of what was done, - for stdin")
	f.StringSliceVar(&o.columns, "columns", nil, "columns of a CSV without a line of names: "+strings.Join(trace.Columns(), ", "))
	f.StringVar(&o.speed, "speed", "1x", "so many times as fast as it was: `2x`")
	f.BoolVar(&o.AsFast, "as-fast", false, "as fast as the store answers: the times of the trace do not count")
	f.IntVar(&o.Amplify, "amplify", 1, "copies of each command, on keys of their own")
	f.IntVar(&o.Conns, "conns", 50, "connections; a client of the trace keeps to one")
	f.IntVar(&o.Pipeline, "pipeline", 1, "commands of a connection that are sent together, where as many are due")
	f.DurationVarP(&o.For, "duration", "d", 0, "end after this time (default: with the trace)")
	f.DurationVar(&o.Timeout, "timeout", 5*time.Second, "of an answer")
	f.StringVar(&o.Prefix, "prefix", "", "of every key (default kvtool:replay-TIME:)")
	f.DurationVar(&o.TTL, "max-ttl", 24*time.Hour, "TTL of what the trace gives none")
	f.Uint64Var(&o.Seed, "seed", 1, "of values, and of when within a second what is known to the second is due")
	f.BoolVar(&o.allowWrites, "allow-writes", false, "write to a target that is not empty")
	f.BoolVar(&o.keep, "keep", false, "leave what was written")
	return c
}

// check refuses what cannot be before anything is opened.
func (o *loadReplayOptions) check(env *Env) error {
	factor, ok := strings.CutSuffix(o.speed, "x")
	if _, err := fmt.Sscanf(factor, "%g", &o.Speed); !ok || err != nil || !(o.Speed > 0) || o.Speed > 1e6 {
		return kv.Usagef("--speed %q: want a factor such as 2x", o.speed)
	}
	for _, c := range o.columns {
		if !slices.Contains(trace.Columns(), c) {
			return kv.WithHint(kv.Usagef("--columns: there is no column %q", c), "columns are "+strings.Join(trace.Columns(), ", "))
		}
	}
	switch {
	case o.trace == "":
		return kv.WithHint(kv.Usagef("kvtool load replay: --trace is missing"), "redis-cli MONITOR > monitor.txt records one")
	case o.Amplify < 1 || o.Conns < 1 || o.Pipeline < 1 || o.For < 0 || o.Timeout < 0 || o.TTL < time.Second:
		return kv.Usagef("--amplify, --conns and --pipeline must be 1 or more, times not negative, --max-ttl at least 1s")
	case strings.ContainsAny(o.Prefix, "{}*?[]\\"):
		return kv.Usagef("--prefix %q: no braces, and no characters of a pattern", o.Prefix)
	}
	if o.Prefix == "" {
		o.Prefix = "kvtool:replay-" + env.Now().UTC().Format("20060102-150405") + ":"
	}
	return nil
}

func runLoadReplay(ctx context.Context, env *Env, o loadReplayOptions) error {
	outs, err := o.parse()
	if err != nil {
		return err
	}
	if err := o.check(env); err != nil {
		return err
	}
	var in io.Reader = env.Stdin
	if o.trace != "-" {
		f, err := os.Open(o.trace)
		if err != nil {
			return kv.Usagef("--trace %s: %w", o.trace, reason(err))
		}
		defer f.Close()
		in = f
	}
	store, driver, info, err := o.open(ctx, env)
	if err != nil {
		return err
	}
	defer store.Close()
	res, runErr := replay.Run(ctx, driver, trace.Commands(in, trace.CommandOptions{Columns: o.columns}), o.Options)
	if res == nil {
		return targetError(runErr)
	}
	if errors.Is(runErr, replay.ErrNoTimes) {
		return kv.WithHint(kv.Usagef("--trace %s: %w", o.trace, runErr), "--as-fast replays it all the same")
	}
	var cleanErr error
	if !o.keep {
		cleanErr = o.clean(store, driver)
	}
	r := &report.Report{
		Schema: report.Schema, Kind: report.KindLoad, Tool: tool(), Taken: env.Now(), Sections: res.Report(),
		Findings: []report.Finding{}, Skipped: []report.Skip{},
		Target: report.Target{Adapter: info.Adapter, URL: info.Target, Version: info.Version, Notes: []string{
			"trace " + o.trace, "writes only under " + o.Prefix + " : every key has a TTL",
		}},
		Coverage: report.Coverage{Complete: runErr == nil},
	}
	explain(r, runErr)
	code := map[string]int{"valid": exitOK, "rate-missed": exitGate}
	verdict, ok := code[res.Verdict()]
	if !ok {
		verdict = exitIncomplete
	}
	if runErr != nil {
		verdict = worst(verdict, exitCode(ended(ctx, runErr)))
	}
	err = errors.Join(o.write(env, outs, r, verdict), cleanErr)
	switch {
	case err != nil:
		return &codeError{worst(exitTarget, verdict), err}
	case verdict != exitOK:
		return &codeError{verdict, ended(ctx, runErr)}
	}
	return nil
}

// open opens the target, and refuses one that holds keys unless that is allowed.
func (o *loadReplayOptions) open(ctx context.Context, env *Env) (kv.Store, kv.Driver, *kv.Info, error) {
	args := o.args
	if len(args) == 0 {
		fmt.Fprintln(env.Stderr, "kvtool: no TARGET: using "+emptyTarget+" (reference engine, no keys)")
		args = []string{emptyTarget}
	}
	target, err := env.resolve(ctx, args, true)
	if err != nil {
		return nil, nil, nil, err
	}
	if prod := env.prodOf(args[0], target); prod != "" {
		return nil, nil, nil, kv.WithHint(kv.Usagef("%s is env: prod: it is never loaded", prod), "load a copy: kvtool serve dump.rdb")
	}
	store, err := env.Open(ctx, target)
	if err != nil {
		return nil, nil, nil, targetError(err)
	}
	driver, err := kv.DriverOf(store)
	if err != nil {
		store.Close()
		return nil, nil, nil, kv.WithHint(kv.Usagef("%s: %w", args[0], err), "loads run against servers of the Redis family, and ref:")
	}
	info, err := store.Info(ctx)
	if err != nil {
		store.Close()
		return nil, nil, nil, targetError(err)
	}
	if !o.allowWrites {
		for _, err := range store.Scan(ctx, kv.ScanOptions{}) {
			store.Close()
			if err != nil {
				return nil, nil, nil, targetError(ended(ctx, err))
			}
			return nil, nil, nil, kv.WithHint(kv.Usagef("%s is not empty", args[0]), "--allow-writes writes to it all the same, only under "+o.Prefix)
		}
	}
	return store, driver, info, nil
}

// cleanTime bounds how long what was written is looked for; what is left then goes by its TTL.
const cleanTime = 30 * time.Second

// clean removes what is under the prefix, also after an interrupt.
func (o *loadReplayOptions) clean(store kv.Store, driver kv.Driver) error {
	ctx, cancel := context.WithTimeout(context.Background(), cleanTime)
	defer cancel()
	s, err := driver.Session(ctx, kv.SessionOptions{Timeout: o.Timeout})
	if err != nil {
		return fmt.Errorf("cleaning up %s: %w", o.Prefix, err)
	}
	defer s.Close()
	var keys []string
	for r, err := range store.Scan(ctx, kv.ScanOptions{Match: o.Prefix + "*"}) {
		if err != nil {
			return fmt.Errorf("cleaning up %s: %w", o.Prefix, err)
		}
		if strings.HasPrefix(r.Key, o.Prefix) {
			keys = append(keys, r.Key)
		}
	}
	for some := range slices.Chunk(keys, 500) {
		ops := make([]kv.Op, len(some))
		for i, k := range some {
			ops[i] = kv.Op{Args: [][]byte{[]byte("UNLINK"), []byte(k)}}
		}
		if err := s.Do(ops, make([]kv.Result, len(ops))); err != nil {
			return fmt.Errorf("cleaning up %s: %w", o.Prefix, err)
		}
	}
	return nil
}
