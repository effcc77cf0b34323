package export

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// Options of a scan. The zero value reads everything with one shard and says nothing on the way.
type Options struct {
	Match    string
	Limiter  *kv.Limiter
	Parallel int // shards at once; 0 is 1
	Every    time.Duration
	Update   func(keys int64) // is told every so often how many keys there were, from the goroutine that scans
	// Classify returns what tells the template of a key, by its number, to one goroutine. It may be nil.
	Classify func() func(key string) int
	Expect   kv.Field // facts that a record without them was refused
}

// A Result says what an export has written.
type Result struct {
	Keys    int64
	Lacking int64 // those that did not tell all that was expected
}

// A WriteError is the failure of what rows are written to, and not of what they are read from.
type WriteError struct{ Err error }

func (e *WriteError) Error() string { return e.Err.Error() }

func (e *WriteError) Unwrap() error { return e.Err }

// Keys writes a row for every key of the store to every writer. With an error the rows that were read before it are written,
// too. It does not close the writers. The rows come in the order of the scan, which is the same every time if one shard is
// read of a store that does not change.
func Keys(ctx context.Context, store kv.Store, t *Table, ws []Writer, opt Options) (Result, error) {
	var lacking atomic.Int64
	keys, err := Scan(ctx, store, t.Want(), opt, func() Sink {
		r := &rows{expect: opt.Expect & t.Want(), allLacking: &lacking}
		for _, w := range ws {
			r.batches = append(r.batches, w.NewBatch())
		}
		if opt.Classify != nil {
			r.classify = opt.Classify()
		}
		return r
	})
	return Result{keys, lacking.Load()}, err
}

// rows hands the records of one shard to a batch of every writer.
type rows struct {
	batches    []Batch
	classify   func(key string) int
	expect     kv.Field
	lacking    int64
	allLacking *atomic.Int64 // of all shards
}

func (w *rows) Take(r *kv.Record) error {
	if w.expect&^r.Known != 0 {
		w.lacking++
	}
	template := NoTemplate
	if w.classify != nil && r.Has(kv.FieldName) {
		template = w.classify(r.Key)
	}
	for _, b := range w.batches {
		if err := b.Add(r, template); err != nil {
			return &WriteError{err}
		}
	}
	return nil
}

func (w *rows) End() error {
	w.allLacking.Add(w.lacking)
	for _, b := range w.batches {
		if err := b.Flush(); err != nil {
			return &WriteError{err}
		}
	}
	return nil
}

// A Sink takes the records of one shard, from one goroutine.
type Sink interface {
	Take(r *kv.Record) error
	End() error // behind the last record, even if the scan failed
}

// Scan reads the store with a sink for each shard and returns how many records there were. A shard that fails does not
// stop the others, so that what can be read is read; an error of a sink does, and so does a shard that must begin anew.
func Scan(ctx context.Context, store kv.Store, want kv.Field, opt Options, sink func() Sink) (int64, error) {
	shards, err := kv.Shards(ctx, store, max(1, opt.Parallel))
	if err != nil {
		return 0, fmt.Errorf("dividing the keyspace: %w", err)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s := &scan{store: store, opt: opt, want: want}
	ends := make(chan end, len(shards))
	gate := make(chan struct{}, max(1, opt.Parallel))
	for _, shard := range shards {
		go func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			e := s.shard(ctx, shard, sink)
			if e.fatal {
				stop(e.err)
			}
			ends <- e
		}()
	}
	return s.wait(ends, len(shards))
}

// A scan is one reading of a store in progress.
type scan struct {
	store kv.Store
	opt   Options
	want  kv.Field
	keys  atomic.Int64
}

// An end is how a shard ended.
type end struct {
	err   error
	fatal bool   // the others need not go on
	bug   string // a panic
}

// wait collects the ends of all shards.
func (s *scan) wait(ends <-chan end, open int) (int64, error) {
	var tick <-chan time.Time
	if s.opt.Every > 0 && s.opt.Update != nil {
		t := time.NewTicker(s.opt.Every)
		defer t.Stop()
		tick = t.C
	}
	var errs []error
	for open > 0 {
		select {
		case <-tick:
			s.opt.Update(s.keys.Load())
		case e := <-ends:
			open--
			if e.bug != "" {
				panic(e.bug)
			}
			if e.fatal { // the others ended because of it
				errs = []error{e.err}
			} else if len(errs) != 1 || !fatal(errs[0]) {
				errs = append(errs, e.err)
			}
		}
	}
	return s.keys.Load(), errors.Join(errs...)
}

func fatal(err error) bool {
	var w *WriteError
	return errors.As(err, &w) || errors.Is(err, kv.ErrRestart)
}

// countEvery is how many records pass between two looks of others at how many there were.
const countEvery = 256

// shard reads one shard.
func (s *scan) shard(ctx context.Context, shard kv.Shard, sink func() Sink) (e end) {
	defer func() {
		if p := recover(); p != nil { // a bug: to be met by whoever called
			e.bug = fmt.Sprintf("%v\n%s", p, debug.Stack())
		}
	}()
	to := sink()
	n := int64(0)
	opt := kv.ScanOptions{Shard: shard, Match: s.opt.Match, Want: s.want, Limiter: s.opt.Limiter}
	for r, err := range s.store.Scan(ctx, opt) {
		if err == nil {
			err = to.Take(r)
		}
		if err != nil {
			e.err = err
			break
		}
		if n++; n%countEvery == 0 {
			s.keys.Add(countEvery)
		}
	}
	s.keys.Add(n % countEvery)
	if err := to.End(); e.err == nil {
		e.err = err
	}
	e.fatal = e.err != nil && fatal(e.err)
	return e
}
