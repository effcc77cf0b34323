package audit

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// Options of a run. The zero value reads everything with one shard and reports once.
type Options struct {
	Match    string
	Limiter  *kv.Limiter
	Parallel int                  // shards at once; 0 is 1
	Every    time.Duration        // hand over partial results this often; 0 is once, at the end
	Update   func(*report.Report) // sees each partial report, from the goroutine that called Run
	Now      func() time.Time     // nil is time.Now
}

// infoTimeout bounds the second look at a store after the scan, which may be dead by then.
const infoTimeout = 2 * time.Second

// Run scans store once for all analyzers. With an error it still returns the report of what was read, marked incomplete,
// unless nothing could be asked of the store at all. A run with Every 0 merges in the order of the shards, so that equal
// input gives equal bytes.
func Run(ctx context.Context, store kv.Store, as []*Analyzer, opt Options) (*report.Report, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	info, err := store.Info(ctx)
	if err != nil {
		return nil, err
	}
	shards, err := kv.Shards(ctx, store, max(1, opt.Parallel))
	if err != nil {
		return nil, fmt.Errorf("dividing the keyspace: %w", err)
	}
	start := opt.Now()
	r := &run{store: store, opt: opt, info: info, start: start, taken: info.Clock}
	if r.taken.IsZero() {
		r.taken = start
	}
	r.choose(as)
	err = r.reduce(ctx, shards)
	r.ended = true
	r.lookAgain(ctx)
	return r.report(err), err
}

// A run is one pass in progress. It belongs to the goroutine that called Run; shards reach it through a channel.
type run struct {
	store   kv.Store
	opt     Options
	info    *kv.Info
	start   time.Time // by the run's clock
	taken   time.Time // by the store's clock
	as      []*Analyzer
	want    kv.Field
	skipped []report.Skip
	merged  []Collector // one an analyzer; nil until something was handed over
	keys    int64
	lacking int64 // keys that did not tell what the store can measure
	ended   bool  // every shard has been scanned to its end or to its error
}

// choose keeps the analyzers that the store has the facts for.
func (r *run) choose(as []*Analyzer) {
	have := r.info.Provides()
	for _, a := range as {
		if missing := a.Needs &^ have; missing != 0 {
			r.skipped = append(r.skipped, report.Skip{Name: a.Name, Why: r.whyMissing(missing)})
			continue
		}
		r.as = append(r.as, a)
		r.want |= (a.Needs | a.Uses) & have
	}
}

func (r *run) whyMissing(missing kv.Field) string {
	for _, f := range r.info.Facts {
		if f.Field&missing != 0 && f.Why != "" {
			return fmt.Sprintf("needs %s: %s", missing, f.Why)
		}
	}
	return fmt.Sprintf("needs %s: this target does not tell", missing)
}

// A handover is what a shard has folded since its last one.
type handover struct {
	shard      int
	collectors []Collector
	keys       int64
	lacking    int64
	err        error // of the scan; only with last
	last       bool
	bug        string // a panic of the shard
}

// reduce scans the shards side by side and merges what they hand over. A shard that fails does not stop the others: what
// can be read is read.
func (r *run) reduce(ctx context.Context, shards []kv.Shard) error {
	parts := make(chan handover, len(shards))
	gate := make(chan struct{}, max(1, r.opt.Parallel))
	for i, s := range shards {
		go func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			defer func() {
				if p := recover(); p != nil { // a bug: to be met by whoever called Run
					parts <- handover{shard: i, last: true, bug: fmt.Sprintf("%v\n%s", p, debug.Stack())}
				}
			}()
			r.scan(ctx, i, s, parts)
		}()
	}
	ends := make([]handover, len(shards))
	errs := make([]error, len(shards))
	next := r.start.Add(r.opt.Every)
	for open := len(shards); open > 0; {
		h := <-parts
		r.keys += h.keys
		r.lacking += h.lacking
		if h.bug != "" {
			panic(h.bug)
		}
		if h.last {
			open--
			errs[h.shard] = h.err
		}
		if r.opt.Every == 0 {
			ends[h.shard] = h
			continue
		}
		r.merge(h.collectors)
		next = r.update(next)
	}
	for _, h := range ends {
		r.merge(h.collectors)
	}
	return errors.Join(errs...)
}

// checkEvery is how many records pass between two looks at the clock: rare enough to cost nothing, often enough for a
// scan that is held to a few hundred keys a second.
const checkEvery = 64

// scan folds one shard. It owns its collectors until it hands them over.
func (r *run) scan(ctx context.Context, shard int, s kv.Shard, parts chan<- handover) {
	measured := r.info.Measures() & r.want
	h := handover{shard: shard, collectors: r.collectors()}
	handed := time.Now()
	for rec, err := range r.store.Scan(ctx, kv.ScanOptions{Shard: s, Match: r.opt.Match, Want: r.want, Limiter: r.opt.Limiter}) {
		if err != nil {
			h.err = err
			break
		}
		for _, c := range h.collectors {
			c.Observe(rec)
		}
		h.keys++
		if measured&^rec.Known != 0 {
			h.lacking++
		}
		if r.opt.Every > 0 && h.keys%checkEvery == 0 && time.Since(handed) >= r.opt.Every {
			parts <- h
			h = handover{shard: shard, collectors: r.collectors()}
			handed = time.Now()
		}
	}
	h.last = true
	parts <- h
}

func (r *run) collectors() []Collector {
	cs := make([]Collector, len(r.as))
	for i, a := range r.as {
		cs[i] = a.New(r.taken)
	}
	return cs
}

func (r *run) merge(cs []Collector) {
	if r.merged == nil {
		r.merged = cs
		return
	}
	for i, c := range cs {
		r.merged[i].Merge(c)
	}
}

// update hands out a partial report once next has passed, and returns when the next one is due. A report that takes long
// is made less often, so that looking never costs more than a tenth of the run.
func (r *run) update(next time.Time) time.Time {
	began := r.opt.Now()
	if r.opt.Update == nil || began.Before(next) {
		return next
	}
	r.opt.Update(r.report(nil))
	took := r.opt.Now().Sub(began)
	return began.Add(max(r.opt.Every, 10*took))
}

// lookAgain asks the store what it learned during the scan. Where it no longer answers, the first answer stands.
func (r *run) lookAgain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), infoTimeout)
	defer cancel()
	if info, err := r.store.Info(ctx); err == nil {
		info.Keys, info.KeysKnown = r.info.Keys, r.info.KeysKnown
		r.info = info
	}
}
