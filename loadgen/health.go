package loadgen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/kvtool/kvtool/loadgen/recording"
)

// errorCount counts errors by a word.
type errorCount struct {
	mu sync.Mutex
	n  map[string]uint64
}

func (e *errorCount) add(word string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.n == nil {
		e.n = map[string]uint64{}
	}
	e.n[word]++
}

// Health is what is known of the generator itself. The zero value knows nothing yet.
type Health struct {
	Lost     int64             // sessions that had to be opened again
	Tightest time.Duration     // the lowest limit of latency that the run is to be judged by; 0 is none
	Ended    error             // from outside, before its time: why
	Before   map[string]uint64 // errors of phases that are not recorded, by a word

	seconds int           // that were watched
	busy    int           // of them, those in which the processors were the limit
	cpu     time.Duration // that was used in them
	waited  time.Duration // in which it could have used more: of all threads
	took    time.Duration
	slips   int // times at which the process stood still
}

// When a generator is no longer believed: load.md, section 2.3.
const (
	busyShare   = 0.85 // of the processors that it may use
	badSeconds  = 0.05 // of all: with more, the verdict is that of the seconds
	lagShare    = 0.1  // of the tightest limit
	looseLag    = time.Millisecond
	leastSeries = 100 // operations of a second, for its 99th percentile to mean anything
	standstill  = 700 * time.Millisecond
	// waitShare is for how much of the time one thread may have waited for a processor where the rate was missed. What arrives
	// meanwhile lies there, so that the generator may be why; where nothing is idle no operation is sent late that would show it.
	waitShare = 0.2
)

// A timed is an event at its time since the epoch.
type timed struct {
	at time.Duration
	Event
}

func (t *timed) do(r *runner) {
	if t.Breaks {
		r.excused.Store(true)
	}
	if t.Do != nil {
		t.Do()
	}
	if r.build != nil {
		r.build.Event(t.at-r.origin, t.Name)
	}
}

// events are those of a stretch, in their order.
func (r *runner) events(p *plan) []timed {
	var all []timed
	for i := range p.phases {
		for _, e := range p.phases[i].Events {
			all = append(all, timed{p.from[i] + e.At, e})
		}
	}
	slices.SortStableFunc(all, func(a, b timed) int { return cmp.Compare(a.at, b.at) })
	return all
}

// watch looks after a stretch: events at their time, the generator's health and the server's figures each second, and the end of
// those who wait for a server that does not answer. It returns when over is closed.
func (r *runner) watch(p *plan, over <-chan struct{}) {
	events := r.events(p)
	var server sync.WaitGroup
	defer server.Wait()
	asked := make(chan struct{}, 1) // one question at a time
	last, cpu, waited := r.now(), ProcessCPU(), ProcessWait()
	second := last.Truncate(time.Second) + r.origin%time.Second
	for second <= last {
		second += time.Second
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	done, closed := r.ctx.Done(), false
	for {
		now := r.now()
		for len(events) > 0 && events[0].at <= now {
			events[0].do(r)
			events = events[1:]
		}
		if now >= second {
			used, wait := ProcessCPU(), ProcessWait()
			r.health.Add(now-last, used-cpu, wait-waited, now-second)
			r.conclude(p, &server, asked)
			r.look(now, &server, asked)
			last, cpu, waited = now, used, wait
			for second <= now {
				second += time.Second
			}
		}
		limit := p.last(r.opt.Timeout)
		if now > limit && !closed {
			closed = true
			r.lost.Add(int64(r.close())) // whoever still waits is told that there is no reply
		}
		if closed {
			limit = never
		}
		wake := min(second, limit)
		if len(events) > 0 {
			wake = min(wake, events[0].at)
		}
		timer.Reset(max(wake-now+1, 0))
		select {
		case <-timer.C:
		case <-over:
			return
		case <-done:
			p.stop(r.now())
			for _, w := range r.workers {
				w.wake()
			}
			done = nil
		}
	}
}

// Add counts one second of the generator, in which its threads ran and waited, and which ended late by slip.
func (h *Health) Add(took, cpu, waited, slip time.Duration) {
	waited = max(waited, 0) // threads may have ended
	h.seconds++
	h.took, h.cpu, h.waited = h.took+took, h.cpu+cpu, h.waited+waited
	if (cpu + waited).Seconds() > busyShare*took.Seconds()*float64(runtime.GOMAXPROCS(0)) {
		h.busy++
	}
	if slip > standstill {
		h.slips++
	}
}

// look shows what is there, and asks the server for its figures without waiting for them.
func (r *runner) look(now time.Duration, server *sync.WaitGroup, asked chan struct{}) {
	if r.build == nil {
		return
	}
	if r.opt.Update != nil {
		for _, w := range r.workers {
			w.mu.Lock()
			w.rec.Flush()
			w.mu.Unlock()
		}
		r.opt.Update(r.build.Snapshot())
	}
	at := int((now-r.origin)/time.Second) - 1
	r.question(server, asked, func(figures map[string]float64) { r.build.Add(max(at, 0), &recording.Second{Server: figures}) })
}

// question asks the server for its figures, and tells them when they are there: it does not wait for them, and asks nothing as long as
// the last question has no answer.
func (r *runner) question(server *sync.WaitGroup, asked chan struct{}, tell func(figures map[string]float64)) {
	if r.opt.Server == nil {
		return
	}
	select {
	case asked <- struct{}{}:
	default:
		return
	}
	server.Go(func() {
		defer func() { <-asked }()
		ctx, cancel := context.WithTimeout(r.ctx, time.Second)
		defer cancel()
		if figures := r.opt.Server(ctx); len(figures) > 0 {
			tell(figures)
		}
	})
}

// judge ends the recording with a verdict on the run.
func (r *runner) judge(part *recording.Part) (*recording.Recording, error) {
	h := &r.health
	h.Lost, h.Tightest, h.Ended, h.Before = r.lost.Load(), r.opt.Tightest, context.Cause(r.ctx), r.unsaved.n
	if err := h.Judge(r.build.Snapshot(), part); err != nil {
		return nil, err
	}
	return r.build.Finish(*part)
}

// Judge sets the verdict on a part of a run from what was recorded of it and what is known of the generator.
func (h *Health) Judge(rec *recording.Recording, part *recording.Part) error {
	if h.took > 0 {
		part.CPUShare = h.cpu.Seconds() / h.took.Seconds() / float64(runtime.GOMAXPROCS(0))
	}
	slow, all, err := h.slowSeconds(rec)
	if err != nil {
		return err
	}
	sum := rec.Sum()
	switch {
	case h.Ended != nil:
		part.Verdict, part.Why = recording.Incomplete, h.Ended.Error()
		if errors.Is(h.Ended, context.Canceled) {
			part.Why = "interrupted"
		}
	case h.busy > 0 && float64(h.busy) > badSeconds*float64(h.seconds):
		part.Verdict = recording.GeneratorBound
		part.Why = fmt.Sprintf("kvtool could have used more than 85%% of the processors in %d of %d seconds", h.busy, h.seconds)
	case slow > 0 && float64(slow) > badSeconds*float64(all):
		part.Verdict = recording.GeneratorBound
		part.Why = fmt.Sprintf("operations were sent late by kvtool itself: p99 over %s in %d of %d seconds", h.lagLimit(), slow, all)
	case h.slips > 0:
		part.Verdict, part.Why = recording.Unstable, fmt.Sprintf("the process stood still %d times", h.slips)
	case h.Lost > 0:
		part.Verdict, part.Why = recording.Unstable, fmt.Sprintf("connections were lost: %d", h.Lost)
	case !rec.Meta.Closed && sum.Achieved() < 0.99 && h.waited.Seconds() > waitShare*h.took.Seconds():
		part.Verdict = recording.GeneratorBound
		part.Why = fmt.Sprintf("%d of %d operations were done, and kvtool waited for a processor for %.0f%% of the time", sum.Done, sum.Due,
			100*h.waited.Seconds()/h.took.Seconds())
	case !rec.Meta.Closed && sum.Achieved() < 0.99:
		part.Verdict, part.Why = recording.RateMissed, fmt.Sprintf("%d of %d operations were done", sum.Done, sum.Due)
	case len(h.Before) > 0:
		part.Why = fmt.Sprintf("before the recording there were errors: %v", h.Before)
	}
	return nil
}

// lagLimit is how late operations may be sent.
func (h *Health) lagLimit() time.Duration {
	if h.Tightest == 0 {
		return looseLag
	}
	return time.Duration(lagShare * float64(h.Tightest))
}

// slowSeconds counts the seconds in which the generator was late, of those that have enough operations to say so.
func (h *Health) slowSeconds(rec *recording.Recording) (slow, all int, err error) {
	for i := range rec.Seconds {
		lags, err := rec.Histogram(-1, recording.Lag, i, i+1)
		if err != nil {
			return 0, 0, err
		}
		if lags.Count() < leastSeries {
			continue
		}
		all++
		if lags.Quantile(0.99) > h.lagLimit() {
			slow++
		}
	}
	return slow, all, nil
}
