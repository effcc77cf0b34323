package audit

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// Options of a run. The zero value reads everything with one shard and reports once.
type Options struct {
	Match    string
	Depth    Depth
	Limiter  *kv.Limiter
	Parallel int                  // shards at once; 0 is 1
	Every    time.Duration        // report what there is so far this often, or less often where that costs much; 0 is once, at the end
	Update   func(*report.Report) // sees each partial report, from the goroutine that called Run; DepthAdaptive: only counts
	Now      func() time.Time     // nil is time.Now
	Save     bool                 // fill Parts of the report, and Resume if the scan ends early
	Settings map[string]string    // what the store is set to, to be saved with it; nil is not known
	// Resume is the report of a run that was saved and ended early: this one goes on where it ended. It must be of the same
	// store, analyzers and Match. Nil begins at the beginning.
	Resume *report.Report
}

// infoTimeout bounds the second look at a store after the scan, which may be dead by then.
const infoTimeout = 2 * time.Second

// Run scans store once for all analyzers. With an error it still returns the report of what was read, marked incomplete,
// unless nothing could be asked of the store at all. It merges in the order of the shards, so that equal input gives equal bytes,
// whoever looked meanwhile.
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
	r := &run{store: store, opt: opt, info: info, start: start, taken: info.Clock, shards: shards, folds: make([]fold, len(shards))}
	if r.taken.IsZero() {
		r.taken = start
	}
	r.choose(as)
	if opt.Resume != nil {
		if err := r.restore(opt.Resume); err != nil {
			return nil, err
		}
	}
	err = r.reduce(ctx)
	r.ended = true
	r.lookAgain(ctx)
	doc, failed := r.finish(err)
	return doc, errors.Join(err, failed)
}

// finish makes the report of a run that has ended, and saves it if it is to be saved: whole, or a shard at a time where a
// later run can go on with it.
func (r *run) finish(scanErr error) (*report.Report, error) {
	resume := r.resume(scanErr)
	var parts []report.Part
	var unsaved error
	for i := range r.folds {
		if resume == nil || r.folds[i].collectors == nil {
			continue
		}
		p, err := save(r.as, r.folds[i].collectors, i)
		unsaved = errors.Join(unsaved, err)
		parts = append(parts, p...)
	}
	merged, err := r.merged()
	if err != nil {
		return nil, err
	}
	doc := r.report(merged, scanErr)
	if !r.opt.Save || unsaved != nil {
		return doc, unsaved
	}
	if resume == nil {
		if parts, err = save(r.as, merged, 0); err != nil {
			return doc, err
		}
	}
	b := r.basis()
	store, err := saveStore(&b)
	doc.Parts, doc.Resume = append(parts, store), resume
	return doc, err
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
	each    kv.Field
	skipped []report.Skip
	shards  []kv.Shard
	folds   []fold          // one a shard
	looks   atomic.Int64    // how often partial results were asked for; a shard hands over a copy of its own each time
	before  report.Duration // what the run took that this one goes on with
	ended   bool            // every shard has been scanned to its end or to its error
}

// A fold is what one shard has handed over so far. It is kept apart until the report is made, so that a shard can take
// all of it back.
type fold struct {
	collectors []Collector // one an analyzer, at the end of the shard; before, those that its scan begins with, or nil
	forms      [][]byte    // the collectors as they were when somebody looked last; nil: nobody has
	keys       int64
	asked      int64 // keys that were asked for more than their names
	lacking    int64 // of these: keys that did not tell what they were asked, and the store can measure
	err        error // what ended the scan early
	mark       report.Mark
}

// choose keeps the analyzers that the store has the facts for.
func (r *run) choose(as []*Analyzer) {
	have := r.opt.Depth.have(r.info.Provides())
	for _, a := range as {
		if a.Kind&^r.info.Provides() != 0 {
			continue
		}
		if missing := a.Needs &^ have; missing != 0 {
			r.skipped = append(r.skipped, report.Skip{Name: a.Name, Why: r.whyMissing(missing)})
			continue
		}
		r.as = append(r.as, a)
		r.want |= (a.Needs | a.Uses) & have
		r.each |= a.Each & have
	}
}

func (r *run) whyMissing(missing kv.Field) string {
	if r.opt.Depth == DepthCount && missing&r.info.Provides() != 0 {
		return fmt.Sprintf("needs %s: --depth count asks for names alone", missing)
	}
	for _, f := range r.info.Facts {
		if f.Field&missing != 0 && f.Why != "" {
			return fmt.Sprintf("needs %s: %s", missing, f.Why)
		}
	}
	return fmt.Sprintf("needs %s: this target does not tell", missing)
}

// A handover is what a shard tells of itself: how many keys came since its last one, and what it knows of all of them.
type handover struct {
	shard int
	fold
	took time.Duration // to copy what is known
	void bool          // all that the shard has handed over before is void
	last bool          // nothing follows
	bug  string        // a panic of the shard
}

// reduce scans the shards side by side and takes in what they hand over. A shard that fails does not stop the others: what
// can be read is read.
func (r *run) reduce(ctx context.Context) error {
	handed := make(chan handover, len(r.shards))
	gate := make(chan struct{}, max(1, r.opt.Parallel))
	open := 0
	for i, s := range r.shards {
		f := &r.folds[i]
		m, cs := f.mark, f.collectors // a copy: the fold is the reducer's
		if m.State == report.MarkDone {
			continue
		}
		open++
		f.collectors = nil
		go func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			defer func() {
				if p := recover(); p != nil { // a bug: to be met by whoever called Run
					handed <- handover{shard: i, last: true, bug: fmt.Sprintf("%v\n%s", p, debug.Stack())}
				}
			}()
			r.scan(ctx, i, s, m, cs, handed)
		}()
	}
	l := r.lookout()
	defer l.stop()
	for open > 0 {
		select {
		case h := <-handed:
			if h.bug != "" {
				panic(h.bug)
			}
			if h.last {
				open--
			}
			r.folds[h.shard].take(&h)
			l.answered(&h)
		case <-l.alarm:
			l.rings()
		}
		if open > 0 && l.complete(min(open, cap(gate))) {
			l.report()
		}
	}
	errs := make([]error, len(r.folds))
	for i := range r.folds {
		errs[i] = r.folds[i].err
	}
	return errors.Join(errs...)
}

// take adds what a shard hands over to what it handed over before.
func (f *fold) take(h *handover) {
	if h.void {
		*f = fold{}
	}
	if h.forms != nil || h.last {
		f.forms, f.collectors = h.forms, h.collectors
	}
	f.keys += h.keys
	f.asked += h.asked
	f.lacking += h.lacking
	f.err, f.mark = h.err, h.mark
}

// mergeAll merges each of more into the collector of the same analyzer, and returns the result. Either may be nil.
func mergeAll(cs, more []Collector) []Collector {
	if cs == nil || more == nil {
		return append(cs, more...)
	}
	for i, c := range more {
		cs[i].Merge(c)
	}
	return cs
}

// maxRestarts is how often the scan of a shard may begin anew: a store that moves more often than that is not to be read
// while it does.
const maxRestarts = 3

// scan folds one shard, from its beginning again whenever the store says that this is the only way to go on. It begins with the
// given collectors, or with nil with fresh ones.
func (r *run) scan(ctx context.Context, shard int, s kv.Shard, m report.Mark, cs []Collector, handed chan<- handover) {
	for restarts := 0; ; restarts++ {
		if cs == nil {
			cs = r.collectors()
		}
		t := r.trackOf(&m)
		s.From = t.from
		h := r.pass(ctx, shard, s, &t, cs, handed)
		if !errors.Is(h.err, kv.ErrRestart) {
			handed <- h
			return
		}
		switch {
		case ctx.Err() != nil:
			h.err = ctx.Err()
		case restarts == maxRestarts:
			h.err = kv.WithHint(fmt.Errorf("shard %q has begun anew %d times: %w", s.Name, restarts, h.err), "audit again when its servers have settled")
		default:
			handed <- handover{shard: shard, void: true}
			m, cs = report.Mark{}, nil
			continue
		}
		handed <- h
		return
	}
}

// pass scans a shard once and returns its last handover. Its collectors stay its own until then: whoever looks before sees a copy, so
// that looking changes nothing. One that decides what to ask has keys in flight, of which no copy is made.
func (r *run) pass(ctx context.Context, shard int, s kv.Shard, t *track, cs []Collector, handed chan<- handover) handover {
	measured := r.info.Measures() & r.want
	asker := r.opt.Depth.asker(cs)
	if asker != nil && r.info.KeysKnown && r.opt.Match == "" {
		asker.Expect(r.info.Keys / int64(len(r.folds)))
	}
	h, looks := handover{shard: shard}, r.looks.Load()
	for rec, err := range r.store.Scan(ctx, r.scanOptions(s, t, asker)) {
		if err != nil {
			h.err = err
			break
		}
		if t.watches() && !t.observe(rec) {
			continue
		}
		if asker != nil {
			asker.Weigh(rec)
		}
		rec.Known &= r.opt.Depth.have(kv.AllFields) // a store may tell more than it was asked
		for _, c := range cs {
			c.Observe(rec)
		}
		h.count(rec, measured)
		if n := r.looks.Load(); n != looks {
			looks = n
			if asker == nil {
				h.copy(cs)
			}
			handed <- h
			h = handover{shard: shard}
		}
	}
	h.collectors, h.last, h.mark = cs, true, t.state(&h)
	return h
}

// copy hands over what collectors know. One that cannot be saved is met at the end of the run.
func (h *handover) copy(cs []Collector) {
	began := time.Now()
	h.forms, _ = formsOf(cs)
	h.took = time.Since(began)
}

func (r *run) scanOptions(s kv.Shard, t *track, asker Asker) kv.ScanOptions {
	opt := kv.ScanOptions{Shard: s, Match: r.opt.Match, Want: r.want, Each: r.each, Limiter: r.opt.Limiter}
	if t.on {
		opt.Mark = t.mark
	}
	if asker != nil {
		opt.Ask = func(key string) kv.Field {
			if asker.Ask(key) {
				return r.want
			}
			return r.want &^ asked
		}
	}
	return opt
}

// count counts a record that has been observed.
func (h *handover) count(rec *kv.Record, measured kv.Field) {
	h.keys++
	if rec.Stands() <= 0 {
		return
	}
	h.asked++
	if lacks(measured, rec) {
		h.lacking++
	}
}

func (r *run) collectors() []Collector {
	cs := make([]Collector, len(r.as))
	for i, a := range r.as {
		cs[i] = a.New(r.taken)
	}
	return cs
}

// merged returns the collectors of all shards together, merged in the order of the shards. Unless the run has ended these are
// copies.
func (r *run) merged() ([]Collector, error) {
	var all []Collector
	for i := range r.folds {
		cs := r.folds[i].collectors
		if !r.ended {
			var err error
			if cs, err = r.copyOf(&r.folds[i]); err != nil {
				return nil, err
			}
		}
		all = mergeAll(all, cs)
	}
	if all == nil {
		all = r.collectors()
	}
	return all, nil
}

// copyOf returns collectors that know what a shard knew when somebody looked last; nil if nobody has.
func (r *run) copyOf(f *fold) ([]Collector, error) {
	if f.forms == nil && f.collectors != nil { // it has ended
		var err error
		if f.forms, err = formsOf(f.collectors); err != nil {
			return nil, err
		}
	}
	if f.forms == nil {
		return nil, nil
	}
	cs := r.collectors()
	for i, form := range f.forms {
		if err := cs[i].UnmarshalBinary(form); err != nil {
			return nil, fmt.Errorf("copying %s: %w", r.as[i].Name, err)
		}
	}
	return cs, nil
}

// formsOf saves collectors.
func formsOf(cs []Collector) ([][]byte, error) {
	forms := make([][]byte, len(cs))
	for i, c := range cs {
		var err error
		if forms[i], err = c.AppendBinary(nil); err != nil {
			return nil, err
		}
	}
	return forms, nil
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

// lacks reports whether a record was not told something that can be measured. Of a module's value nobody knows the length.
func lacks(measured kv.Field, r *kv.Record) bool {
	lack := measured &^ r.Known
	return lack != 0 && (lack != kv.FieldLen || !r.Type.Opaque())
}
