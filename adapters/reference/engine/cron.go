package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kvtool/kvtool/internal/evict"
)

// cron is what is done now and then rather than for a command.
type cron struct {
	mu      sync.Mutex
	last    int64 // Unix µs
	sampled int64 // commands then
	rates   [16]int64
	next    int
	peak    atomic.Int64 // used_memory
	dirty   atomic.Int64 // changes

	evicting atomic.Bool // beside the commands
}

// HZ returns how often in a second Cron is to be called.
func (e *Engine) HZ() int64 { return e.settings.hz.Load() }

// Cron does what Redis does hz times in a second: keys expire, tables shrink, rates are sampled.
func (e *Engine) Cron() {
	for i, s := range e.shards {
		var m mail
		e.lockShards(1<<i, &m)
		s.Tick(e.clock.Now() / 1000)
		s.Cron(e.budget(int64(s.CronShare()) * 1e6 / 100 / e.HZ() / int64(len(e.shards))))
		e.unlockShards(1 << i)
		m.deliver()
	}
	var m mail
	e.trackers.mu.Lock()
	e.boundTrackers(&m, nil) // the limit may have been lowered
	e.trackers.mu.Unlock()
	m.deliver()
	e.sample()
}

// evictOn goes on evicting beside the commands where time was up, until all keep to maxmemory or nothing may go (evict.c:
// startEvictionTimeProc).
func (e *Engine) evictOn() {
	if !e.cron.evicting.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer e.cron.evicting.Store(false)
		for e.evictMore() {
			runtime.Gosched()
		}
	}()
}

// evictMore evicts for as long as may be before a command, and reports whether more is to go.
func (e *Engine) evictMore() (more bool) {
	for i, s := range e.shards {
		var m mail
		e.lockShards(1<<i, &m)
		s.Tick(e.clock.Now() / 1000)
		more = s.Reclaim(0, e.budget(e.settings.evictUS.Load())) == evict.Running || more
		e.unlockShards(1 << i)
		m.deliver()
	}
	return more
}

// budget returns a function that reports whether so many microseconds are over. Under a clock that is moved by hand it is nil:
// work is counted instead.
func (e *Engine) budget(us int64) func() bool {
	if _, manual := e.clock.(*ManualClock); manual {
		return nil
	}
	start := time.Now()
	return func() bool { return time.Since(start).Microseconds() > us }
}

// sample notes how many commands have run since the last time, ten times in a second at most.
func (e *Engine) sample() {
	c := &e.cron
	c.mu.Lock()
	defer c.mu.Unlock()
	now := e.clock.Now()
	if now-c.last < 100_000 {
		return
	}
	total := e.Commands()
	if c.last > 0 {
		c.rates[c.next%len(c.rates)] = (total - c.sampled) * 1e6 / (now - c.last)
		c.next++
	}
	c.last, c.sampled = now, total
}

// Rate returns the commands in a second, of the last one and a half seconds.
func (e *Engine) Rate() int64 {
	e.cron.mu.Lock()
	defer e.cron.mu.Unlock()
	var sum int64
	for _, r := range e.cron.rates {
		sum += r
	}
	return sum / int64(len(e.cron.rates))
}

// Commands returns how many commands have run.
func (e *Engine) Commands() int64 {
	var n int64
	e.table.each(func(c *command) { n += c.stats.calls.Load() })
	return n
}
