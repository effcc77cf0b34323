package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/drift/hotkeys"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/trace"
	"github.com/kvtool/kvtool/report"
)

// hotkeysOptions are the flags of hotkeys.
type hotkeysOptions struct {
	judgedFlags
	source   string
	trace    string
	window   time.Duration
	accesses int64
	bytes    int64
	weight   string
}

const hotkeysLong = `Find the keys and templates that get most of the work, reads and writes apart:
what helps against the one does not help against the other.

The best source that the target has is taken, and the report says which, and why
the better ones were not: the server's own count (HOTKEYS, Redis 8.6), else a
watch (Memcached, which drops and counts what kvtool is too slow for), else LFU
counters (maxmemory-policy …-lfu). MONITOR is used only if --source asks for it:
while it runs, the server sends each command to kvtool as well, and may do half
of what it can do otherwise. It ends by itself after --window, --max-accesses or
--max-bytes, or when the server answers others much slower than before. With
--trace a file is read, of what redis-cli MONITOR printed or a cache trace of
Twitter, and no server is asked.`

const hotkeysExample = `  kvtool hotkeys redis://127.0.0.1:6379
  kvtool hotkeys redis://127.0.0.1:6379 --source monitor --window 5s
  kvtool hotkeys memcached://127.0.0.1:11211 --window 30s
  kvtool hotkeys --trace monitor.txt
  kvtool hotkeys dump.rdb -o json=hot.json`

// The longest that MONITOR may run, and what it does without being told.
const (
	monitorLongest  = 10 * time.Second
	monitorWindow   = 5 * time.Second
	monitorAccesses = 200_000
	monitorBytes    = 256 << 20
	serverWindow    = 30 * time.Second
)

// monitorCost is said before MONITOR is sent.
func monitorCost(window time.Duration) string {
	return fmt.Sprintf("MONITOR for %s at most: the server sends each command to kvtool as well, and may do half of what it can otherwise", window)
}

func newHotkeysCmd(env *Env) *cobra.Command {
	var o hotkeysOptions
	c := &cobra.Command{
		Use:               "hotkeys [TARGET]",
		Short:             "Find the keys that get most of the work",
		Long:              hotkeysLong,
		Example:           hotkeysExample,
		Args:              atMostOne,
		ValidArgsFunction: env.completeTargets,
		RunE: func(c *cobra.Command, args []string) error {
			o.args = args
			return runHotkeys(c.Context(), env, &o)
		},
	}
	o.viewFlags.bind(c)
	o.gateFlags.bind(c)
	f := c.Flags()
	bindWord(c, &o.source, "source", "auto", "where accesses are seen: auto, server, watch, lfu, monitor, trace",
		"auto", "server", "watch", "lfu", "monitor", "trace")
	bindTrace(c, &o.trace)
	f.DurationVar(&o.window, "window", 0, "watch for so long (default 30s; of MONITOR 5s, and 10s at most)")
	f.Int64Var(&o.accesses, "max-accesses", monitorAccesses, "stop MONITOR after so many accesses")
	f.Int64Var(&o.bytes, "max-bytes", monitorBytes, "stop MONITOR after so many bytes")
	bindWord(c, &o.weight, "weight", "", "what makes a key hot: ops, cpu, bytes (default ops, or cpu where a server counts time)",
		"ops", "cpu", "bytes")
	bindRate(c, &o.rate)
	bindMaxImpact(c)
	bindProgress(c, &o.progress)
	bindNoDemo(c, &o.noDemo)
	o.save.bind(c)
	o.schema.bind(c)
	return c
}

func runHotkeys(ctx context.Context, env *Env, o *hotkeysOptions) error {
	outs, g, err := o.begin(ctx, env, o.check)
	if err != nil {
		return err
	}
	var r *report.Report
	var runErr error
	if o.source == "trace" {
		r, runErr = o.readTrace(ctx, env)
	} else {
		r, runErr = o.watch(ctx, env, outs)
	}
	if r == nil {
		return runErr
	}
	explain(r, runErr)
	addFixes(r)
	judged := map[string]bool{}
	if len(r.Skipped) == 0 {
		judged = hotkeys.Judged(o.source)
	}
	code := partialCode(r, runErr)
	failed := o.save.write(r)
	r = g.judge(env, r, judged)
	return g.conclude(env, &o.viewFlags, outs, r, code, runErr, failed)
}

// check refuses what cannot be meant, and settles what follows from other flags.
func (o *hotkeysOptions) check() error {
	if o.trace != "" && o.source == "auto" {
		o.source = "trace"
	}
	switch {
	case o.source == "trace" && o.trace == "":
		return kv.WithHint(kv.Usagef("--source trace without a trace"), "--trace FILE")
	case o.source == "trace" && len(o.args) > 0:
		return kv.WithHint(kv.Usagef("--trace and a TARGET: a trace is read without any store"), "leave one of the two out")
	case o.trace != "" && o.source != "trace":
		return kv.WithHint(kv.Usagef("--trace with --source %s", o.source), "a trace is a source of its own: leave one of the two out")
	case o.save.path != "" && o.trace != "" && samePlace(o.trace, o.save.path):
		return kv.WithHint(kv.Usagef("--save %s: that is the trace", o.save.path), "give another path: the trace would be gone")
	case o.window < 0 || o.accesses < 0 || o.bytes < 0:
		return kv.WithHint(kv.Usagef("--window, --max-accesses and --max-bytes must not be negative"), "leave out the one that is not to be changed")
	case o.source == "monitor" && o.window > monitorLongest:
		return kv.WithHint(kv.Usagef("--window %s of MONITOR", o.window),
			"10s at most: it may halve what the server can do; watch several times instead")
	}
	return o.checkWeight()
}

// checkWeight refuses what the source does not tell.
func (o *hotkeysOptions) checkWeight() error {
	tells := map[string]string{"server": "cpu, bytes", "watch": "ops, bytes", "monitor": "ops", "lfu": "ops", "trace": "ops, bytes"}[o.source]
	if tells != "" && !strings.Contains(tells, o.weight) {
		return kv.WithHint(kv.Usagef("--weight %s: the source %s does not tell it", o.weight, o.source), "it tells "+tells)
	}
	return nil
}

func (o *hotkeysOptions) counter(standard hotkeys.Weight) *hotkeys.Counter {
	w := hotkeys.Weight(o.weight)
	if w == "" {
		w = standard
	}
	return hotkeys.New(hotkeys.Options{Weight: w, Schema: o.declared})
}

// openTrace opens the file of a trace; - is stdin.
func (e *Env) openTrace(ctx context.Context, path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(&stdin{ctx: ctx, r: e.Stdin}), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, meantFile(&codeError{exitTarget, fmt.Errorf("%s: %w", path, reason(err))}, path, "")
	}
	return f, nil
}

// readTrace counts the accesses of a file.
func (o *hotkeysOptions) readTrace(ctx context.Context, env *Env) (*report.Report, error) {
	in, err := env.openTrace(ctx, o.trace)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	c := o.counter(hotkeys.Ops)
	n, err := tally(ctx, trace.Read(in), c)
	if err != nil && n == 0 {
		return nil, ended(ctx, fmt.Errorf("%s: %w", o.trace, err))
	}
	info := &kv.Info{Adapter: "trace", Target: "trace:" + o.trace}
	return o.document(env, info, c, hotkeys.Source{Name: "trace"}, ended(ctx, err)), ended(ctx, err)
}

// tally adds accesses to c until they or ctx end, and returns how many.
func tally(ctx context.Context, accesses accessSeq, c *hotkeys.Counter) (n int64, err error) {
	for a, err := range accesses {
		if err != nil {
			return n, err
		}
		c.Add(a)
		if n++; n&0xfff == 0 && ctx.Err() != nil {
			return n, ctx.Err()
		}
	}
	return n, nil
}

type accessSeq = func(yield func(*kv.Access, error) bool)

// document makes the report of what a counter has counted.
func (o *hotkeysOptions) document(env *Env, info *kv.Info, c *hotkeys.Counter, src hotkeys.Source, err error) *report.Report {
	sec, found := c.Report(src, o.top)
	r := &report.Report{
		Schema: report.Schema, Kind: report.KindHotkeys, Tool: tool(), Taken: env.Now().UTC(),
		Target: report.Target{
			Adapter: info.Adapter, URL: info.Target, Product: info.Product, Version: info.Version,
			Facts: []report.Fact{}, Notes: info.Notes,
		},
		Coverage: report.Coverage{Complete: err == nil},
		Sections: []report.Section{sec}, Findings: found, Skipped: []report.Skip{},
	}
	if r.Findings == nil {
		r.Findings = []report.Finding{}
	}
	if err != nil {
		r.Coverage.Why = []string{err.Error()}
	}
	report.SortFindings(r.Findings)
	return r
}

// watch opens the target and watches it by the best source that it has.
func (o *hotkeysOptions) watch(ctx context.Context, env *Env, outs []output) (*report.Report, error) {
	s, err := o.open(ctx, env, o.quiet, opening{args: o.args, writes: o.writes(outs)})
	if err != nil {
		return nil, err
	}
	defer s.end()
	s.progress.clear() // it may be watched, which no scan is
	info, err := s.store.Info(ctx)
	if err != nil {
		return nil, targetError(ended(ctx, err))
	}
	p, err := pick(ctx, s.store, info, o.source)
	if err != nil {
		return nil, targetError(ended(ctx, err))
	}
	if p.source == "" {
		return o.untold(env, info, p)
	}
	o.source = p.source
	if p.source == "lfu" {
		return o.readLFU(s, p)
	}
	return o.observe(ctx, env, p, info)
}

// untold is the report of a target that does not tell which of its keys are used.
func (o *hotkeysOptions) untold(env *Env, info *kv.Info, p *picked) (*report.Report, error) {
	err := fmt.Errorf("nothing here tells which keys are used: %s", strings.Join(p.why, "; "))
	hint := "give a --trace of the operations"
	if p.tracer != nil {
		hint = "set a policy of eviction that counts (maxmemory-policy allkeys-lfu), ask for --source monitor, or give a --trace"
	}
	r := o.document(env, info, o.counter(hotkeys.Ops), hotkeys.Source{Name: "none"}, err)
	r.Sections = []report.Section{}
	r.Skipped = append(r.Skipped, report.Skip{Name: hotkeys.Section, Why: strings.Join(p.why, "; ")})
	return r, kv.WithHint(err, hint)
}

// A picked is the source that was chosen, and why the better ones were not. It has no source where there is none.
type picked struct {
	source string
	tracer kv.Tracer
	why    []string
}

// pick chooses the source. What MONITOR costs nobody pays unasked.
func pick(ctx context.Context, store kv.Store, info *kv.Info, asked string) (*picked, error) {
	p := &picked{}
	tracer, err := kv.TracerOf(store)
	var facts []kv.Fact
	switch {
	case err == nil:
		p.tracer = tracer
		if facts, err = tracer.Traces(ctx); err != nil {
			return nil, err
		}
	case errors.Is(err, errors.ErrUnsupported):
		if asked == "server" || asked == "monitor" {
			p.why = []string{"the target has no " + asked}
		}
	default:
		return nil, err
	}
	facts = append(facts, freqFact(info))
	for _, name := range []string{"server", "watch", "lfu", "monitor"} {
		for _, f := range facts {
			if f.Name != name || asked != "auto" && asked != name {
				continue
			}
			if f.How != kv.Missing && (name != "monitor" || asked == name) {
				p.source = name
				return p, nil
			}
			p.why = append(p.why, refusal(name, f))
		}
	}
	if len(p.why) == 0 {
		p.why = []string{"the target has no " + asked}
	}
	return p, nil
}

func refusal(name string, f kv.Fact) string {
	if f.How != kv.Missing {
		return name + ": only if --source asks for it"
	}
	return name + ": " + f.Why
}

// freqFact says how LFU counters can be had.
func freqFact(info *kv.Info) kv.Fact {
	for _, f := range info.Facts {
		if f.Field == kv.FieldFreq {
			f.Name = "lfu"
			return f
		}
	}
	return kv.Fact{Name: "lfu", Why: "the target has no access counters"}
}

// readLFU reads the LFU counter of every key.
func (o *hotkeysOptions) readLFU(s *scanning, p *picked) (*report.Report, error) {
	if o.weight != "" && o.weight != "ops" {
		return nil, kv.WithHint(kv.Usagef("--weight %s: LFU counters tell accesses alone", o.weight), "--weight ops, or another --source")
	}
	opt := s.options()
	opt.Save = false // nothing reads it again
	r, err := s.audit([]*audit.Analyzer{hotkeys.LFU(decoder(s.ctx, s.store), o.declared)}, opt)
	if r == nil {
		return nil, err
	}
	r.Kind = report.KindHotkeys
	r.Target.Notes = append(r.Target.Notes, p.why...)
	r.Skipped = append(r.Skipped, report.Skip{Name: "KD023", Why: "an LFU counter cannot tell more than about 42 accesses a second: no share of a node follows from it"})
	return r, err
}

// decoder returns what the settings of the servers say of their counters, or the defaults where they do not tell.
func decoder(ctx context.Context, store kv.Store) hotkeys.Decoder {
	d := hotkeys.DefaultDecoder()
	s, err := kv.StatsOf(store)
	if err != nil {
		return d
	}
	all, err := s.Stats(ctx)
	if err != nil || len(all) == 0 {
		return d
	}
	factor, err1 := strconv.Atoi(all[0].Settings["lfu-log-factor"])
	decay, err2 := strconv.Atoi(all[0].Settings["lfu-decay-time"])
	if err1 != nil || err2 != nil || factor < 0 || decay < 0 {
		return d
	}
	return hotkeys.Decoder{LogFactor: factor, DecayTime: decay}
}

// observe watches a server.
func (o *hotkeysOptions) observe(ctx context.Context, env *Env, p *picked, info *kv.Info) (*report.Report, error) {
	opt := kv.TraceOptions{Source: kv.TraceServer, Window: o.window, Keys: max(o.top, 50)}
	standard := hotkeys.CPU
	if opt.Window == 0 {
		opt.Window = serverWindow
	}
	if p.source == "watch" {
		standard, opt.Source = hotkeys.Ops, kv.TraceWatch
	}
	if p.source == "monitor" {
		standard = hotkeys.Ops
		opt.Source, opt.Count, opt.Bytes = kv.TraceMonitor, o.accesses, o.bytes
		if opt.Window = o.window; opt.Window == 0 {
			opt.Window = monitorWindow
		}
		env.say("warning", monitorCost(opt.Window))
	}
	src := hotkeys.Source{Name: p.source, Why: strings.Join(p.why, "; ")}
	opt.Told = func(why string) { src.Ended = why }
	c := o.counter(standard)
	began := time.Now()
	n, err := tally(ctx, accessSeq(p.tracer.Trace(ctx, opt)), c)
	if c.Observed(min(time.Since(began), opt.Window+time.Second)); !info.Live {
		c.Observed(opt.Window) // by a clock that stands
	}
	err = ended(ctx, err)
	var refused kv.ReplyError
	switch {
	case n == 0 && errors.As(err, &refused): // the right to MONITOR shows only when it is used
		p.why = append(p.why, refusal(p.source, kv.Fact{Why: string(refused)}))
		r, _ := o.untold(env, info, p)
		return r, err
	case n == 0 && err != nil:
		return nil, targetError(err)
	}
	return o.document(env, info, c, src, err), err
}
