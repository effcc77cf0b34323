package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/learn"
	"github.com/kvtool/kvtool/loadgen/scenario"
	"github.com/kvtool/kvtool/loadgen/trace"
	"github.com/kvtool/kvtool/report/render"
)

// learnOptions are the flags of load learn.
type learnOptions struct {
	scanFlags
	args     []string
	out      string
	minShare percent
	window   time.Duration
	source   string
	trace    string
	length   time.Duration
}

const loadLearnLong = `Write the scenario of the load that a store is under, for kvtool load run: the
templates of its keys, how many there are, their types, sizes and TTLs; the
operations and their rates; and which keys are used most. Each number carries,
under x-learnt, how much it was learnt from, and what nobody knows is marked as
assumed.

SOURCE is a keys.yaml, whose access entries are the operations; a snapshot file
of an audit, which knows keys and no operations; or a store. A store is only
read. Operations and rates are what its counters of commands (INFO commandstats)
grow by in --window, all clients together. Which keys are used is seen where the
server counts that (HOTKEYS, Redis 8.6), in a --trace, or with --source monitor,
which costs the server up to half of its speed meanwhile.`

const loadLearnExample = `  kvtool load learn keys.yaml --out scenario.yaml
  kvtool load learn redis://127.0.0.1:6379 --window 30s --out scenario.yaml
  kvtool load learn audit.kvr`

func newLoadLearnCmd(env *Env) *cobra.Command {
	o := learnOptions{minShare: 0.001}
	c := &cobra.Command{
		Use:     "learn TARGET | keys.yaml | FILE.kvr",
		Short:   "Write a scenario from a store, an audit or a design",
		Long:    loadLearnLong,
		Example: loadLearnExample,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return kv.WithHint(kv.Usagef("%s takes one SOURCE, not %d", c.CommandPath(), len(args)), "usage: "+c.UseLine())
			}
			return nil
		},
		ValidArgsFunction: env.completeTargets,
		RunE: func(c *cobra.Command, args []string) error {
			o.args = args
			return runLoadLearn(c.Context(), env, &o)
		},
	}
	o.scanFlags.bind(c)
	f := c.Flags()
	f.StringVar(&o.out, "out", "", "write to `FILE` instead of stdout")
	f.Var(&o.minShare, "min-share", "leave out templates with less than this share of the keys and of the bytes")
	f.DurationVar(&o.window, "window", 10*time.Second, "how long the counters of commands are watched; 0: not at all")
	bindWord(c, &o.source, "source", "auto", "where accesses are seen: auto, server, monitor, none",
		"auto", "server", "monitor", "none")
	bindTrace(c, &o.trace)
	f.DurationVarP(&o.length, "duration", "d", time.Minute, "how long the scenario is")
	return c
}

func runLoadLearn(ctx context.Context, env *Env, o *learnOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	d, k, err := o.draft(ctx, env)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := d.Write(&text); err != nil {
		return err
	}
	s, err := scenario.Parse("scenario", text.Bytes(), nil) // nothing that cannot be run is written
	if err != nil {
		return fmt.Errorf("what was learnt is no scenario: %s", err.Error())
	}
	if o.out == "" {
		_, err = env.Stdout.Write(text.Bytes())
	} else {
		err = writeFile(o.out, func(w io.Writer) error { _, err := w.Write(text.Bytes()); return err })
	}
	if err != nil {
		return err
	}
	if o.out != "" {
		last := &s.Phases[len(s.Phases)-1]
		fmt.Fprintf(env.Stdout, "%s: %s, %s, %s/s\n", render.Clean(o.out, false), humanize.Counted(int64(len(s.Schema.Templates)), "template"),
			humanize.Counted(int64(len(s.Ops)), "operation"), humanize.Count(last.Rate.Values[0]))
		for _, c := range d.Comments[1:] {
			fmt.Fprintf(env.Stdout, "  %s\n", render.Clean(c, false))
		}
	}
	if k != nil {
		return k.incomplete()
	}
	return nil
}

func (o *learnOptions) check() error {
	if err := checkPath("--out "+o.out, o.out); err != nil {
		return err
	}
	switch {
	case o.window < 0 || o.length <= 0:
		return kv.WithHint(kv.Usagef("--window must not be negative, and --duration more than nothing"), "--window 30s, --duration 5m")
	case o.source == "monitor" && o.window > monitorLongest:
		return kv.WithHint(kv.Usagef("--window %s of MONITOR", o.window), "10s at most: it may halve what the server can do")
	case o.source == "monitor" && o.window == 0, o.source == "server" && o.window == 0:
		return kv.WithHint(kv.Usagef("--source %s without a --window", o.source), "--window 5s")
	case o.trace != "" && o.source != "auto":
		return kv.WithHint(kv.Usagef("--trace with --source %s", o.source), "leave one of the two out")
	}
	return nil
}

// draft learns from whatever SOURCE is. The keyspace is nil for a design.
func (o *learnOptions) draft(ctx context.Context, env *Env) (*scenario.Draft, *keyspace, error) {
	source := o.args[0]
	name := strings.TrimSuffix(filepath.Base(o.out), filepath.Ext(o.out))
	if o.out == "" {
		name = "learnt"
	}
	if ext := filepath.Ext(source); ext == ".yaml" || ext == ".yml" {
		s, err := loadSchema(source)
		if err != nil {
			return nil, nil, err
		}
		d, err := learn.FromSchema(s, name, filepath.Base(source))
		if err != nil {
			return nil, nil, &codeError{exitUsage, fmt.Errorf("%s: %w", source, err)}
		}
		d.Phases[len(d.Phases)-1].For = o.length
		return d, nil, nil
	}
	k, err := o.keyspace(ctx, env, o.args, written{"--out " + o.out, o.out})
	if err != nil {
		return nil, nil, err
	}
	if k.unread() {
		return nil, nil, k.incomplete()
	}
	src := &learn.Source{Name: name, Of: k.report.Target.URL, At: k.report.Taken, Facts: k.Facts, MinShare: float64(o.minShare), Length: o.length}
	if o.trace != "" {
		src.Uses, err = o.readUses(ctx, env, k.Facts)
	}
	if err == nil && !isSnapshot(source) && o.window > 0 {
		err = o.watch(ctx, env, src)
	}
	if err != nil {
		return nil, nil, err
	}
	d, err := learn.From(src)
	if err != nil {
		return nil, nil, &codeError{exitTarget, fmt.Errorf("%s: %w", k.report.Target.URL, err)}
	}
	return d, k, nil
}

// readUses counts the accesses of a file.
func (o *learnOptions) readUses(ctx context.Context, env *Env, f *keydesign.Facts) (*learn.Uses, error) {
	in, err := env.openTrace(ctx, o.trace)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	uses := learn.NewUses(f.Match)
	for a, err := range trace.Read(in) {
		if err != nil {
			return nil, ended(ctx, fmt.Errorf("%s: %w", o.trace, err))
		}
		uses.Add(a)
	}
	return uses, nil
}

// watch reads a server's counters twice, and sees meanwhile which keys are used, where that can be had. A target that is no server
// has neither.
func (o *learnOptions) watch(ctx context.Context, env *Env, src *learn.Source) error {
	store, _, err := env.open(ctx, opening{args: o.args, noDemo: o.noDemo})
	if err != nil {
		return err
	}
	defer store.Close()
	stats, err := kv.StatsOf(store)
	if errors.Is(err, errors.ErrUnsupported) && o.source != "monitor" && o.source != "server" {
		return nil
	}
	if err != nil {
		return targetError(err)
	}
	tracer, from, err := o.tracer(ctx, store)
	if err != nil {
		return err
	}
	before, err := stats.Stats(ctx)
	if err != nil {
		return targetError(ended(ctx, err))
	}
	fmt.Fprintf(env.Stderr, "kvtool: watching %s for %s\n", src.Of, o.window)
	if err := o.see(ctx, env, src, tracer, from); err != nil {
		return err
	}
	after, err := stats.Stats(ctx)
	if err != nil {
		return targetError(ended(ctx, err))
	}
	src.Mix = learn.Difference(before, after)
	if src.Mix.Reset {
		env.say("warning", "a server has begun to count anew meanwhile: the mix is assumed")
	}
	return nil
}

// tracer returns the source of accesses that was asked for, nil if there is none.
func (o *learnOptions) tracer(ctx context.Context, store kv.Store) (kv.Tracer, kv.TraceSource, error) {
	if o.source == "none" || o.trace != "" {
		return nil, "", nil
	}
	tracer, err := kv.TracerOf(store)
	if err != nil {
		return nil, "", nil
	}
	facts, err := tracer.Traces(ctx)
	if err != nil {
		return nil, "", targetError(ended(ctx, err))
	}
	for _, f := range facts {
		asked := o.source == f.Name || o.source == "auto" && f.Name == "server"
		switch {
		case asked && f.How != kv.Missing && f.Name == "monitor":
			return tracer, kv.TraceMonitor, nil
		case asked && f.How != kv.Missing:
			return tracer, kv.TraceServer, nil
		case asked && o.source != "auto":
			return nil, "", kv.WithHint(&codeError{exitTarget, errors.New(refusal(f.Name, f))}, f.Hint)
		}
	}
	return nil, "", nil
}

// see watches for the window.
func (o *learnOptions) see(ctx context.Context, env *Env, src *learn.Source, tracer kv.Tracer, from kv.TraceSource) error {
	end := time.Now().Add(o.window)
	if tracer != nil {
		if from == kv.TraceMonitor {
			env.say("warning", monitorCost(o.window))
		}
		src.Uses = learn.NewUses(src.Facts.Match)
		opt := kv.TraceOptions{
			Source: from, Window: o.window, Count: monitorAccesses, Bytes: monitorBytes, Keys: watchedKeys,
			Told: func(why string) { env.say("warning", why) },
		}
		for a, err := range tracer.Trace(ctx, opt) {
			if err != nil {
				return targetError(ended(ctx, err))
			}
			src.Uses.Add(a)
		}
	}
	left := time.NewTimer(time.Until(end))
	defer left.Stop()
	select {
	case <-left.C:
		return nil
	case <-ctx.Done():
		return ended(ctx, ctx.Err())
	}
}

// watchedKeys is how many of the most used keys a server is asked for.
const watchedKeys = 1000
