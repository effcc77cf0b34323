package replay

import (
	"context"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen"
	"github.com/kvtool/kvtool/loadgen/recording"
)

// Bounds of what a connection may do.
const (
	retries   = 5                      // connections that may be lost in a row
	pause     = 100 * time.Millisecond // before each new one
	mostKinds = 256                    // names of commands that are told apart
)

// A worker is one connection.
type worker struct {
	*replay
	queue   chan item
	session kv.Session
	opened  time.Duration // when the session's clock began
	free    time.Duration // when the last answer came
	held    *item         // read from the queue, and not yet due
	batch   []item
	ops     []kv.Op
	out     []kv.Result
	rec     *recording.Recorder
	classes map[string]int // numbers of operations
	failed  int            // connections lost in a row
	armed   uint64
	broken  int64
}

func (w *worker) open(ctx context.Context) error {
	s, err := w.driver.Session(ctx, kv.SessionOptions{Timeout: w.opt.Timeout})
	w.session, w.opened = s, w.now()
	return err
}

func (w *worker) now() time.Duration { return time.Since(w.began) }

// run does what comes through the queue until it is closed. What comes after ctx has ended is only counted.
func (w *worker) run(ctx context.Context) {
	defer func() {
		if w.session != nil {
			w.session.Close()
		}
	}()
	for {
		it, ok := w.next()
		if !ok {
			return
		}
		if w.session == nil || !w.wait(ctx, it.due) {
			w.abandon(it)
			continue
		}
		w.gather(it)
		w.do(ctx)
	}
}

func (w *worker) next() (item, bool) {
	if w.held != nil {
		it := *w.held
		w.held = nil
		return it, true
	}
	it, ok := <-w.queue
	return it, ok
}

// wait waits until a time. It returns false if ctx ends before.
func (w *worker) wait(ctx context.Context, due time.Duration) bool {
	return kv.Sleep(ctx, due-w.now()) == nil
}

// abandon counts what was not sent: if it was due by the end, it has waited at least until then. In a closed loop nothing is due
// before its connection is free.
func (w *worker) abandon(it item) {
	end := w.now()
	if e := time.Duration(w.end.Load()); e > 0 {
		end = e
	}
	if end < it.due || w.opt.AsFast {
		return
	}
	w.rec.Due(it.due)
	w.rec.Unsent(end, w.class(it.name), end-it.due)
}

// gather takes what else is due by now and may be sent with it.
func (w *worker) gather(it item) {
	w.batch = append(w.batch[:0], it)
	now := w.now()
	for len(w.batch) < w.opt.Pipeline {
		select {
		case more, ok := <-w.queue:
			if !ok {
				return
			}
			if more.due > now {
				w.held = &more
				return
			}
			w.batch = append(w.batch, more)
		default:
			return
		}
	}
}

// do sends the batch and counts what came of it.
func (w *worker) do(ctx context.Context) {
	w.ops = w.ops[:0]
	for i := range w.batch {
		w.ops = append(w.ops, kv.Op{Args: w.batch[i].args})
		for _, arm := range w.batch[i].arm {
			w.ops = append(w.ops, kv.Op{Args: arm})
		}
	}
	for len(w.out) < len(w.ops) {
		w.out = append(w.out, kv.Result{})
	}
	if err := w.session.Do(w.ops, w.out[:len(w.ops)]); err != nil {
		w.lose(ctx, err)
		return
	}
	w.failed = 0
	at := 0
	for i := range w.batch {
		w.record(&w.batch[i], &w.out[at])
		at += 1 + len(w.batch[i].arm)
		w.armed += uint64(len(w.batch[i].arm))
	}
	w.free = w.now()
}

// lose counts the batch as failed and opens a new connection, unless too many were lost in a row.
func (w *worker) lose(ctx context.Context, err error) {
	now := w.now()
	for _, it := range w.batch {
		due := it.due
		if w.opt.AsFast {
			due = w.free
		}
		w.count(it.name, due, max(due, w.free), now, max(due, w.free), loadgen.ErrorWord(err))
	}
	w.session.Close()
	w.session = nil
	w.broken++
	for w.session == nil && w.failed < retries && ctx.Err() == nil {
		w.failed++
		if w.wait(ctx, w.now()+pause) && w.open(ctx) != nil {
			w.session = nil
		}
	}
	w.free = w.now()
}

// record counts one answer.
func (w *worker) record(it *item, res *kv.Result) {
	due, sent, done := it.due, w.opened+res.Sent, w.opened+res.Done
	if w.opt.AsFast {
		due = sent
	}
	failed := ""
	if res.Status == kv.Failed {
		failed = loadgen.ErrorWord(res.Err)
	}
	w.count(it.name, due, sent, done, max(due, w.free), failed)
}

// count counts one command, which could have been sent from free on.
func (w *worker) count(name string, due, sent, done, free time.Duration, failed string) {
	class := w.class(name)
	w.rec.Due(due)
	w.rec.Done(done, class, max(0, done-due), max(0, done-sent), max(0, sent-free))
	if failed != "" {
		w.rec.Error(done, class, failed)
	}
}

func (w *worker) class(name string) int {
	class, ok := w.classes[name]
	if !ok && len(w.classes) >= mostKinds {
		name = "other"
		class, ok = w.classes[name]
	}
	if !ok {
		class = w.rec.Class(name)
		w.classes[name] = class
	}
	return class
}
