package cmd

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen"
	"github.com/kvtool/kvtool/loadgen/findings"
	"github.com/kvtool/kvtool/loadgen/inject"
	"github.com/kvtool/kvtool/loadgen/play"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/loadgen/scenario"
	"github.com/kvtool/kvtool/loadgen/threshold"
)

// loadFlags are the flags of commands that load a store with a scenario.
type loadFlags struct {
	viewFlags
	storeFlags
	runFlags
	boardFlags
	scenario    string
	rate        rate
	constant    bool
	duration    time.Duration
	warmup      time.Duration
	conns       int
	concurrency int
	pipeline    int
	requests    uint64
	workers     int
	seed        uint64
	noFill      bool
	inject      bool
	set         []string
	part        string
	startAt     string
	abortOn     []string
}

const loadRunLong = `Load a store with a scenario, and say how long operations take from when they
were due: an operation that has to wait because the store stood still has
waited.

With --rate operations come whether or not those before them are done (open
loop). With --concurrency each connection begins the next when the last is done
(closed loop): response times understate waiting then.

No TARGET is ref:?preset=empty, the store inside kvtool. Everything is written
under one prefix, with a TTL, and removed at the end. A target that a
configuration calls env: prod is refused, and so is one that is not empty,
without --allow-writes.`

const loadRunExample = `  kvtool load run -s leaderboard
  kvtool load run redis://127.0.0.1:6379 -s session-cache --rate 2k/s -d 10s
  kvtool load run ref: -s counters --concurrency 10 --requests 100000
  kvtool load run -s cache-aside --threshold 'p99 < 5ms' -o json=run.json`

func newLoadRunCmd(env *Env) *cobra.Command {
	var o loadFlags
	var emit emitFlags
	c := &cobra.Command{
		Use:               "run [TARGET]",
		Short:             "Load a store with a scenario",
		Long:              loadRunLong,
		Example:           loadRunExample,
		Args:              atMostOne,
		ValidArgsFunction: env.completeTargets,
		RunE: func(c *cobra.Command, args []string) error {
			if err := emit.check(c); err != nil {
				return err
			}
			if emit.emit != "" {
				return emitLoad(c.Context(), env, c, &o, &emit, args)
			}
			return runLoad(c.Context(), env, &o, args)
		},
	}
	o.bind(c)
	o.boardFlags.bind(c)
	emit.bind(c)
	return c
}

func (o *loadFlags) bind(c *cobra.Command) {
	o.bindScenario(c)
	o.runFlags.bind(c)
	o.bindWorkload(c)
	f := c.Flags()
	f.StringVar(&o.part, "part", "", "`I/N`: one of N parts of the load, counted from 0, or env:NAME/N, with the number in a variable; load merge puts them together")
	f.StringVar(&o.startAt, "start-at", "", "begin at `TIME`, as all parts do: 2026-03-01T10:00:00Z")
	f.StringArrayVar(&o.abortOn, "abort-on", nil, "end the run as soon as this holds of its last ten seconds, repeatable: 'p99 > 100ms'")
	f.BoolVar(&o.inject, "inject", false, "do what the scenario does to the server and its connections: on this machine alone")
}

// bindWorkload binds the flags that say what is done, and how fast.
func (o *loadFlags) bindWorkload(c *cobra.Command) {
	f := c.Flags()
	f.Var(&o.rate, "rate", "open loop: so many operations a second, 20k/s")
	_ = f.SetAnnotation("rate", ofLoad, []string{"yes"}) // scan.rate of a target is another one; the flag is there
	f.DurationVarP(&o.duration, "duration", "d", 0, "how long, instead of the scenario's phases")
	f.DurationVar(&o.warmup, "warmup", 0, "how long before that, without being recorded")
	f.IntVar(&o.concurrency, "concurrency", 0, "closed loop: connections, each of which does one thing after the other")
	f.IntVar(&o.pipeline, "pipeline", 1, "closed loop: operations of a connection in flight")
	f.Uint64Var(&o.requests, "requests", 0, "stop after so many operations")
}

// bindScenario binds what any command that loads a store with a scenario has.
func (o *loadFlags) bindScenario(c *cobra.Command) {
	o.viewFlags.bind(c)
	o.storeFlags.bind(c)
	f := c.Flags()
	f.StringVarP(&o.scenario, "scenario", "s", "", "`NAME|FILE`: what is done; load list names those that come with kvtool")
	f.StringArrayVar(&o.set, "set", nil, "`PATH=VALUE` in the place of what the scenario says, repeatable: ops.view.weight=3")
	f.BoolVar(&o.constant, "constant", false, "open loop: operations come evenly, instead of as independent clients do (Poisson)")
	f.IntVar(&o.conns, "conns", 0, "connections (default 50, or as the scenario says)")
	f.IntVar(&o.workers, "workers", 0, "goroutines that share the load (default one for each processor)")
	f.Uint64Var(&o.seed, "seed", 0, "of what is left to chance (default the scenario's)")
	f.BoolVar(&o.noFill, "no-fill", false, "do not write keys before")
}

// loadTarget is what no TARGET means to load.
const loadTarget = "ref:?preset=empty"

// A loading is a run that was prepared.
type loading struct {
	loaded
	o          *loadFlags
	scenario   *scenario.Scenario
	thresholds []threshold.Threshold
	gate       *gate            // of findings
	replicas   kv.ReplicaDriver // nil: the scenario needs none
	primary    string           // at the beginning
	network    *inject.Driver   // nil: nothing is done to connections
	player     *play.Player
	keys       *findings.Keys
	part       int
	parts      int
	start      time.Time // zero is at once
}

func runLoad(ctx context.Context, env *Env, o *loadFlags, args []string) error {
	outs, err := o.parse()
	if err != nil {
		return err
	}
	if err := o.check(outs); err != nil {
		return err
	}
	abort, err := newAborter(o.abortOn)
	if err != nil {
		return err
	}
	if o.tui {
		if err := o.checkBoard(env); err != nil {
			return err
		}
	}
	l := &loading{loaded: loaded{env: env}, o: o}
	l.refuse = l.checkFaults
	l.progress = env.newProgress(o.storeFlags.progress, o.quiet)
	if err := l.read(); err != nil {
		return err
	}
	if !o.inject { // what is done to the server makes errors
		if err := l.limitErrors(threshold.NoErrors); err != nil {
			return err
		}
	}
	if l.gate, err = env.findingsGate(ctx, &o.runFlags, args); err != nil {
		return err
	}
	if err := l.open(ctx, args, &o.storeFlags); err != nil {
		return err
	}
	defer l.close()
	if err := l.prepare(ctx); err != nil {
		return err
	}
	running := abort.context(ctx)
	defer abort.end(nil)
	rec, runErr := l.run(ctx, running, abort)
	if abort.why != nil && errors.Is(runErr, context.Canceled) {
		runErr = nil // the gate says it
	}
	l.progress.clear()
	if rec == nil {
		return targetError(ended(ctx, runErr))
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTime)
	defer cancel()
	if err := l.follow(after); err != nil {
		runErr = errors.Join(runErr, &codeError{exitIncomplete, err})
	}
	if running.Err() == nil {
		if err := l.verify(after); err != nil { // the run stands; what has to hold at its end is not known
			runErr = errors.Join(runErr, &codeError{exitIncomplete, err})
		}
	}
	r, err := l.report(after, rec)
	if err != nil {
		return err
	}
	abort.judge(r)
	return l.conclude(ctx, &o.viewFlags, &o.runFlags, outs, r, rec, runErr)
}

// run runs the load, behind a dashboard if that is asked for; running ends when the run is to.
func (l *loading) run(ctx, running context.Context, abort *aborter) (*recording.Recording, error) {
	if l.o.tui {
		return l.watched(ctx, running, abort)
	}
	opt := l.options(ctx)
	opt.Update = abort.watch(opt.Update)
	return loadgen.Run(running, l.driver, l.phases(ctx), opt)
}

// cleanTime bounds how long what was written is looked for; what is left then goes by its TTL.
const cleanTime = 30 * time.Second

// prepare makes the player of the scenario.
func (l *loading) prepare(ctx context.Context) error {
	if err := l.reach(ctx); err != nil {
		return err
	}
	s, err := l.driver.Session(ctx, kv.SessionOptions{Timeout: 5 * time.Second})
	if err != nil {
		return targetError(ended(ctx, err))
	}
	defer s.Close()
	var id [4]byte
	_, _ = rand.Read(id[:]) // never fails
	l.keys = findings.NewKeys(l.scenario.Schema, runtime.GOMAXPROCS(0), play.WatchOne)
	l.player = play.New(l.scenario, play.Options{
		Run: l.runName(id), Scripts: play.HasScripts(s), Part: l.part, Parts: l.parts, Watch: l.keys.Seen,
		Replicas: l.replicaCount(),
	})
	if err := lacks(l.driver, l.player, l.scenario.Name); err != nil {
		return err
	}
	if l.o.pipeline > 1 && strings.HasPrefix(l.player.Form(), "WATCH") {
		return kv.WithHint(kv.Usagef("scenario %s with --pipeline %d: this store does what is atomic by WATCH, one at a time of a connection",
			l.scenario.Name, l.o.pipeline), "leave --pipeline out")
	}
	return nil
}

// read reads what can be refused before anything is opened.
func (l *loading) read() error {
	o := l.o
	switch {
	case o.scenario == "":
		return kv.WithHint(kv.Usagef("no scenario"), "-s NAME or -s FILE; kvtool load list names those that come with it")
	case o.rate > 0 && o.concurrency > 0:
		return kv.WithHint(kv.Usagef("--rate and --concurrency"), "the one is an open loop, the other a closed one: leave one out")
	case o.rate > mostRate:
		return kv.WithHint(kv.Usagef("--rate %s", &o.rate), "at most 100M/s")
	case o.pipeline > 1 && o.concurrency == 0:
		return kv.WithHint(kv.Usagef("--pipeline in an open loop"), "it needs --concurrency")
	case o.conns < 0 || o.concurrency < 0 || o.pipeline < 1 || o.duration < 0 || o.warmup < 0 || o.workers < 0:
		return kv.WithHint(kv.Usagef("--conns, --concurrency, --pipeline, --duration, --warmup and --workers must not be negative"), "leave out the one that is not to be changed")
	}
	var err error
	if l.scenario, err = readScenario(o.scenario, o.set); err != nil {
		return err
	}
	if err := l.readPart(); err != nil {
		return err
	}
	if o.seed != 0 {
		l.scenario.Seed = o.seed
	}
	own, err := l.env.loadLimits(l.scenario)
	if err != nil {
		return err
	}
	texts := slices.Concat(l.scenario.Thresholds, own, o.thresholds, []string{"violations == 0"})
	l.thresholds, err = thresholdsOf(texts, o.concurrency > 0)
	return err
}

// limitErrors adds a limit of errors where none is given.
func (l *loading) limitErrors(usual string) error {
	if slices.ContainsFunc(l.thresholds, func(t threshold.Threshold) bool { return t.Metric == "errors" }) {
		return nil
	}
	t, err := threshold.Parse(usual)
	l.thresholds = append(l.thresholds, t)
	return err
}

// mostRate is that of a scenario, too.
const mostRate = 100_000_000

// scenarioFile returns the file of a scenario: one that comes with kvtool, or one by its path, with or without its ending. A property
// file of YCSB becomes the scenario that it stands for.
func scenarioFile(name string) (file string, data []byte, err error) {
	if data, ok := scenario.Builtin(name); ok {
		return name + ".yaml", data, nil
	}
	for _, file = range []string{name, name + ".yaml"} {
		if data, err = os.ReadFile(file); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err := kv.Usagef("scenario %s: neither one of kvtool's nor a file", name)
		if near := cmp.Or(nearest(name, scenario.Builtins()), nearFile(name)); near != "" {
			return "", nil, kv.WithHint(err, "did you mean "+near+"?")
		}
		return "", nil, kv.WithHint(err, "kvtool load list names those that come with kvtool")
	case err != nil:
		return "", nil, &codeError{exitUsage, fmt.Errorf("%s: %w", file, reason(err))}
	case scenario.IsProperties(file, data):
		data, err = scenario.FromProperties(file, data)
	}
	return file, data, err
}

// readScenario returns the scenario that scenarioFile finds, with what each of set, a PATH=VALUE, puts in it.
func readScenario(name string, set []string) (*scenario.Scenario, error) {
	file, data, err := scenarioFile(name)
	if err != nil {
		return nil, err
	}
	s, err := scenario.Parse(file, data, os.ReadFile)
	if err != nil {
		return nil, err
	}
	for _, path := range set {
		if err := s.Set(path); err != nil {
			return nil, err
		}
	}
	return s, nil
}
