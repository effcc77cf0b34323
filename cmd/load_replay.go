package cmd

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/findings"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/loadgen/replay"
	"github.com/kvtool/kvtool/loadgen/threshold"
	"github.com/kvtool/kvtool/loadgen/trace"
	"github.com/kvtool/kvtool/report"
)

// replayFlags are the flags of load replay.
type replayFlags struct {
	viewFlags
	storeFlags
	runFlags
	replay.Options
	trace   string
	columns []string
	speed   string
}

const loadReplayLong = `Do again what a trace says was done: at its times, faster, or as fast as the
store answers. A trace is the output of redis-cli MONITOR, an append-only file,
a cache trace of Twitter, CSV with a line of names (or --columns), JSON lines.

What comes of it is what load run says of a scenario: the operations are the
commands of the trace, and a command is due when the trace says so.

Every key is put under one prefix and has a TTL; what names no key, or may touch
others, is left out and counted. What was written is removed at the end. What is
env: prod is refused, and a target that is not empty without --allow-writes.`

const loadReplayExample = `  kvtool load replay --trace monitor.txt
  kvtool load replay @staging --trace cluster52.csv --speed 2x --allow-writes
  kvtool load replay redis://a --trace monitor.txt --threshold 'p99 < 5ms'`

func newLoadReplayCmd(env *Env) *cobra.Command {
	var o replayFlags
	c := &cobra.Command{
		Use:               "replay [TARGET]",
		Short:             "Do again what a trace says was done",
		Long:              loadReplayLong,
		Example:           loadReplayExample,
		Args:              atMostOne,
		ValidArgsFunction: env.completeTargets,
		RunE: func(c *cobra.Command, args []string) error {
			return runLoadReplay(c.Context(), env, &o, args)
		},
	}
	o.viewFlags.bind(c)
	o.storeFlags.bind(c)
	o.runFlags.bind(c)
	f := c.Flags()
	bindTrace(c, &o.trace)
	f.StringSliceVar(&o.columns, "columns", nil, "columns of a CSV without a line of names: "+strings.Join(trace.Columns(), ", "))
	f.StringVar(&o.speed, "speed", "1x", "so many times as fast as it was: `2x`")
	f.BoolVar(&o.AsFast, "as-fast", false, "as fast as the store answers (closed loop): the times of the trace do not count")
	f.IntVar(&o.Amplify, "amplify", 1, "copies of each command, on keys of their own")
	f.IntVar(&o.Conns, "conns", 50, "connections; a client of the trace keeps to one")
	f.IntVar(&o.Pipeline, "pipeline", 1, "commands of a connection in flight, where as many are due")
	f.DurationVarP(&o.For, "duration", "d", 0, "how long (default: until the trace ends)")
	f.StringVar(&o.Prefix, "prefix", "", "of every key (default kvtool:replay-TIME:)")
	f.DurationVar(&o.TTL, "max-ttl", 24*time.Hour, "TTL of what the trace gives none")
	f.Uint64Var(&o.Seed, "seed", 1, "of what is left to chance: values, and when within a second what is known to the second is due")
	return c
}

// settle refuses what cannot be before anything is opened.
func (o *replayFlags) settle(env *Env) error {
	factor, ok := strings.CutSuffix(o.speed, "x")
	if _, err := fmt.Sscanf(factor, "%g", &o.Speed); !ok || err != nil || !(o.Speed > 0) || o.Speed > 1e6 {
		return kv.WithHint(kv.Usagef("--speed %q: want a factor such as 2x", o.speed), "2x is twice as fast, 0.5x half as fast; --as-fast leaves the times out")
	}
	for _, c := range o.columns {
		if !slices.Contains(trace.Columns(), c) {
			return kv.WithHint(kv.Usagef("--columns: there is no column %q", c), "columns are "+strings.Join(trace.Columns(), ", "))
		}
	}
	switch {
	case o.trace == "":
		return kv.WithHint(kv.Usagef("kvtool load replay: --trace is missing"), "redis-cli MONITOR > monitor.txt records one")
	case o.Amplify < 1 || o.Conns < 1 || o.Pipeline < 1 || o.For < 0 || o.timeout < 0 || o.TTL < time.Second:
		return kv.WithHint(kv.Usagef("--amplify, --conns and --pipeline must be 1 or more, times not negative, --max-ttl at least 1s"), "leave out the one that is not to be changed")
	case strings.ContainsAny(o.Prefix, "{}*?[]\\"):
		return kv.WithHint(kv.Usagef("--prefix %q: no braces, and no characters of a pattern", o.Prefix), "--prefix replay:")
	}
	if o.Prefix == "" {
		o.Prefix = "kvtool:replay-" + env.Now().UTC().Format("20060102-150405") + ":"
	}
	o.Timeout = cmp.Or(o.timeout, 5*time.Second)
	return nil
}

// A replaying is a replay that was prepared.
type replaying struct {
	loaded
	o          *replayFlags
	in         *bufio.Reader
	thresholds []threshold.Threshold
	gate       *gate // of findings
	keys       *findings.Keys
}

func runLoadReplay(ctx context.Context, env *Env, o *replayFlags, args []string) error {
	outs, err := o.parse()
	if err != nil {
		return err
	}
	if err := errors.Join(o.settle(env), o.check(outs)); err != nil {
		return err
	}
	l := &replaying{loaded: loaded{env: env}, o: o, keys: findings.NewKeys(nil, 1, 1)}
	if l.thresholds, err = thresholdsOf(o.thresholds, o.AsFast); err != nil {
		return err
	}
	l.progress = env.newProgress(o.progress, o.quiet)
	l.in = bufio.NewReaderSize(&stdin{ctx: ctx, r: env.Stdin}, traceHead)
	if o.trace != "-" {
		f, err := os.Open(o.trace)
		if err != nil {
			return meantFile(kv.Usagef("--trace %s: %w", o.trace, reason(err)), o.trace, "")
		}
		defer f.Close()
		l.in = bufio.NewReaderSize(f, traceHead)
	}
	if l.gate, err = env.findingsGate(ctx, &o.runFlags, args); err != nil {
		return err
	}
	if err := l.open(ctx, args, &o.storeFlags); err != nil {
		return err
	}
	defer l.close()
	return l.run(ctx, outs)
}

// traceHead is how much of a trace tells it from others, in bytes.
const traceHead = 1 << 20

// run replays the trace, and writes what came of it.
func (l *replaying) run(ctx context.Context, outs []output) error {
	o := l.o
	opt := o.Options
	opt.Meta = l.meta()
	opt.Server, opt.Update = l.sampler(ctx), l.live()
	opt.Tightest, opt.Watch = tightest(l.thresholds), seen(l.keys, time.Now())
	res, runErr := replay.Run(ctx, l.driver, trace.Commands(l.in, trace.CommandOptions{Columns: o.columns}), opt)
	l.progress.clear()
	if res == nil {
		return targetError(ended(ctx, runErr))
	}
	if errors.Is(runErr, replay.ErrNoTimes) {
		return kv.WithHint(kv.Usagef("--trace %s: %w", o.trace, runErr), "--as-fast replays it all the same")
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTime)
	defer cancel()
	r, err := l.report(after, res)
	if err != nil {
		return err
	}
	if runErr != nil && ctx.Err() == nil { // of the trace; that it was interrupted the verdict says
		r.Coverage.Complete, r.Coverage.Why = false, append(r.Coverage.Why, oneLine(runErr))
	}
	return l.conclude(ctx, &o.viewFlags, &o.runFlags, outs, r, res.Recording, runErr)
}

// meta says what is replayed: two replays of one trace, by the same flags, are of one hash.
func (l *replaying) meta() recording.Meta {
	o := l.o
	h, name := sha256.New(), "stdin"
	if o.trace != "-" { // which may come slowly
		head, _ := l.in.Peek(traceHead) // what there is of it; an error comes again when it is read
		_, _ = h.Write(head)
		name = filepath.Base(o.trace)
	}
	about := fmt.Sprintf("speed %s, as fast %t, amplify %d, conns %d, pipeline %d, duration %v, max-ttl %v, columns %v",
		o.speed, o.AsFast, o.Amplify, o.Conns, o.Pipeline, o.For, o.TTL, o.columns)
	_, _ = h.Write([]byte("\x00" + about))
	return recording.Meta{
		Scenario: "replay of " + name, Hash: hex.EncodeToString(h.Sum(nil)[:8]), Version: tool().Version, CPU: generator(),
		Server: strings.TrimSpace(l.info.Product + " " + l.info.Version), Target: l.info.Target, Text: about,
	}
}

// report makes the document, with what is not in the recording, and cleans up.
func (l *replaying) report(ctx context.Context, res *replay.Result) (*report.Report, error) {
	r, err := loadReport(res.Recording)
	if err != nil {
		return nil, err
	}
	r.Sections = append(r.Sections, replaySection(res))
	counts := map[string]float64{}
	l.addFigures(counts) // before what was written is removed
	r = l.judgeFindings(l.gate, r, l.find(ctx, &findings.Run{Recording: res.Recording}, l.keys, l.o.Prefix))
	if !l.o.keep {
		l.leave(ctx, r, l.o.Prefix)
	}
	return r, judgeRun(r, res.Recording, l.thresholds, counts)
}

// replaySection says what of the trace was replayed, and what was not.
func replaySection(res *replay.Result) report.Section {
	s := report.Section{Name: "replay", Title: "REPLAY"}
	for _, m := range []struct {
		name string
		n    uint64
	}{{"read", res.Read}, {"unreadable", res.Lost}, {"ttl_commands", res.Armed}} {
		s.Metrics = append(s.Metrics, report.Metric{Name: m.name, Value: report.Number(m.n), Unit: report.UnitCount})
	}
	if len(res.Skipped) == 0 {
		return s
	}
	t := report.Table{Name: "skipped", Title: "LEFT OUT", Columns: []report.Column{
		{Name: "why", Unit: report.UnitText}, {Name: "count", Unit: report.UnitCount, Sum: true},
	}}
	for _, why := range slices.SortedFunc(maps.Keys(res.Skipped), func(a, b string) int {
		return cmp.Or(cmp.Compare(res.Skipped[b], res.Skipped[a]), cmp.Compare(a, b))
	}) {
		t.Rows = append(t.Rows, []report.Value{report.Text(why), report.Number(res.Skipped[why])})
	}
	s.Tables = []report.Table{t}
	return s
}
