package replay

import (
	"context"
	"strings"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// Bounds of what a connection may do.
const (
	retries   = 5                      // connections that may be lost in a row
	pause     = 100 * time.Millisecond // before each new one
	tooLate   = time.Millisecond       // of the generator, per command
	mostRows  = 1 << 20                // seconds that have a row
	mostKinds = 256                    // names of commands, and of errors, that are told apart
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
	classes map[string]*Class
	seconds []Second
	failed  int // connections lost in a row

	due, done, unsent, armed, broken uint64
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
			w.abandon(it, false)
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
	left := due - w.now()
	if left <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(left)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// abandon counts what was not sent, or not answered: if it was due by the end, it has waited at least until then. In a closed loop
// nothing is due before its connection is free.
func (w *worker) abandon(it item, sent bool) {
	end := w.now()
	if e := time.Duration(w.end.Load()); e > 0 {
		end = e
	}
	if end < it.due || w.opt.AsFast && !sent {
		return
	}
	w.due++
	w.unsent++
	if w.opt.AsFast {
		return
	}
	w.class(it.name).Response.Record(end - it.due)
	if s := w.second(it.due); s != nil {
		s.Due++
		s.Response.Record(end - it.due)
	}
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
		w.lose(ctx)
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

// lose counts the batch as not answered and opens a new connection, unless too many were lost in a row.
func (w *worker) lose(ctx context.Context) {
	for _, it := range w.batch {
		w.count(w.class(it.name), "connection lost")
		w.abandon(it, true)
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
	lag := max(0, sent-max(due, w.free))
	c := w.class(it.name)
	c.Response.Record(done - due)
	c.Service.Record(done - sent)
	c.Lag.Record(lag)
	w.due++
	w.done++
	s := w.second(due)
	if s != nil {
		s.Due++
		s.Done++
		s.Response.Record(done - due)
		if lag > tooLate {
			s.Late++
		}
	}
	if res.Status == kv.Failed {
		word, _, _ := strings.Cut(res.Err.Error(), " ")
		w.count(c, word)
		if s != nil {
			s.Errors++
		}
	}
}

func (w *worker) count(c *Class, word string) {
	if _, ok := c.Errors[word]; !ok && len(c.Errors) >= mostKinds {
		word = "other"
	}
	c.Errors[word]++
}

func (w *worker) class(name string) *Class {
	c := w.classes[name]
	if c == nil {
		if len(w.classes) >= mostKinds {
			name = "other"
		}
		if c = w.classes[name]; c == nil {
			c = &Class{Name: name, Errors: map[string]uint64{}}
			w.classes[name] = c
		}
	}
	return c
}

// second returns the row of a time, nil beyond the last that is kept.
func (w *worker) second(at time.Duration) *Second {
	i := int(at / time.Second)
	if i >= mostRows {
		return nil
	}
	for len(w.seconds) <= i {
		w.seconds = append(w.seconds, Second{})
	}
	return &w.seconds[i]
}
