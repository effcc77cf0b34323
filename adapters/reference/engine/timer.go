package engine

import (
	"sync"
	"time"
)

// timers call functions at their times, with every shard locked. With a clock that is moved by hand that is when it is moved.
type timers struct {
	e    *Engine
	mu   sync.Mutex
	list []*timer // of a clock that is moved by hand; as many as there are clients that wait for a while
}

type timer struct {
	at   int64 // Unix µs
	fn   func(m *mail)
	real *time.Timer
}

// after returns a timer that calls fn at a time.
func (t *timers) after(at int64, fn func(m *mail)) *timer {
	made := &timer{at: at, fn: fn}
	if _, manual := t.e.clock.(*ManualClock); !manual {
		made.real = time.AfterFunc(time.Duration(at-t.e.clock.Now())*time.Microsecond, func() { t.e.exclusively(fn) })
		return made
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = append(t.list, made)
	return made
}

// stop makes a timer call nothing. One that is about to call its function finds out by itself that it is late.
func (t *timers) stop(x *timer) {
	if x.real != nil {
		x.real.Stop()
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, other := range t.list {
		if other == x {
			t.list = append(t.list[:i], t.list[i+1:]...)
			return
		}
	}
}

// next takes the timer that is due first, or returns nil.
func (t *timers) next() *timer {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := -1
	for i, x := range t.list {
		if x.at <= t.e.clock.Now() && (first < 0 || x.at < t.list[first].at) {
			first = i
		}
	}
	if first < 0 {
		return nil
	}
	due := t.list[first]
	t.list = append(t.list[:first], t.list[first+1:]...)
	return due
}

// Advance moves a clock that is moved by hand, does what falls due by that, and reports false if the clock is another.
func (e *Engine) Advance(d time.Duration) (ok bool) {
	e.exclusively(func(m *mail) { ok = e.advance(d, m) })
	return ok
}

// Advance is the engine's, for a command that is Whole.
func (c *Call) Advance(d time.Duration) bool { return c.e.advance(d, c.mail) }

func (e *Engine) advance(d time.Duration, m *mail) bool {
	clock, ok := e.clock.(*ManualClock)
	if !ok {
		return false
	}
	clock.Advance(d)
	for _, s := range e.shards {
		s.Tick(clock.Now() / 1000)
		s.Cron(nil)
	}
	for due := e.timers.next(); due != nil; due = e.timers.next() {
		due.fn(m)
	}
	return true
}
