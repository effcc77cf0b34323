package triage

import (
	"context"
	"errors"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// Options say how long and how often a server is asked.
type Options struct {
	Window time.Duration // between the two readings
	Every  time.Duration // between two signs of life; 0 is a tenth of a second
	Since  time.Time     // since when the server is known not to answer; zero: it does
}

// probeEvery is the default of Options.Every: a hundred PINGs in ten seconds, which are some 100 µs of the server's time.
const probeEvery = 100 * time.Millisecond

// Begin takes the first reading of a server.
func Begin(ctx context.Context, e kv.Exam) *Span {
	w := &watch{exam: e, opt: Options{Every: probeEvery}, o: &Observation{Place: e.Place(), Began: time.Now(), Own: map[string]int64{}}}
	return &Span{w, w.reading(ctx, &w.o.Before, least)}
}

// A Span is the time between two readings in which something else is done.
type Span struct {
	watch *watch
	begun bool
}

// End takes the second reading, asks for the rest, and returns what was observed.
func (s *Span) End(ctx context.Context) *Observation {
	if s.begun {
		s.watch.finish(ctx)
	}
	return s.watch.o
}

// Watch asks one server. It never fails: what was not answered is in the observation, with the reason. It ends early when ctx does, and
// takes a second reading then if the server gives one at once.
func Watch(ctx context.Context, e kv.Exam, opt Options) *Observation {
	if opt.Every <= 0 {
		opt.Every = probeEvery
	}
	w := &watch{exam: e, opt: opt, o: &Observation{Place: e.Place(), Began: time.Now(), Since: opt.Since, Own: map[string]int64{}}}
	patience := max(opt.Window, least)
	if !opt.Since.IsZero() { // it has been waited for already
		patience = least
	}
	if w.reading(ctx, &w.o.Before, patience) {
		w.probe(ctx)
		w.finish(ctx)
	}
	return w.o
}

type watch struct {
	exam kv.Exam
	opt  Options
	o    *Observation
}

// least is how long an answer is waited for at least, and by a server that has not answered before.
const least = time.Second

// moment is how long a last answer is waited for after the watch was told to end.
const moment = 500 * time.Millisecond

// reading takes one, and tries again for a while if the server refuses: a script that keeps it busy may end.
func (w *watch) reading(ctx context.Context, to **kv.Vitals, patience time.Duration) bool {
	end := time.Now().Add(patience)
	for {
		asked := time.Now()
		v, err := within(ctx, patience, w.exam.Vitals)
		if err == nil {
			*to, w.o.Failed = v, nil
			return true
		}
		w.o.Failed, w.o.FailedAt = err, asked
		var refused kv.ReplyError
		if !errors.As(err, &refused) || ctx.Err() != nil || time.Now().After(end) || kv.Sleep(ctx, w.opt.Every) != nil {
			return false
		}
	}
}

// within asks with a limit of its own.
func within[T any](ctx context.Context, d time.Duration, ask func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return ask(ctx)
}

// probe asks for signs of life until the window is over.
func (w *watch) probe(ctx context.Context) {
	end := time.Now().Add(w.opt.Window)
	for left := w.opt.Window; left > 0 && ctx.Err() == nil; left = time.Until(end) {
		if kv.Sleep(ctx, min(left, w.opt.Every)) != nil {
			return
		}
		at := time.Now()
		took, err := within(ctx, max(left, least), w.exam.Ping)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			took = time.Since(at)
		}
		w.o.Own["ping"]++
		w.o.Probes = append(w.o.Probes, Probe{At: at, Took: took, Err: err})
	}
}

// finish takes the second reading, and asks for the rest.
func (w *watch) finish(ctx context.Context) {
	if ctx.Err() != nil { // who has waited for so long is to have what there is
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), moment)
		defer cancel()
	}
	w.o.Own["info"]++ // the first reading is counted in the second
	if !w.reading(ctx, &w.o.After, 2*least) {
		return
	}
	asked := time.Now()
	d, err := within(ctx, 2*least, func(ctx context.Context) (*kv.Details, error) { return w.exam.Details(ctx, w.o.After) })
	w.o.Details = d
	if err != nil {
		w.o.Failed, w.o.FailedAt = err, asked
	}
}
