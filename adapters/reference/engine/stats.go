package engine

import (
	"strings"
	"sync"
	"sync/atomic"
)

// commandStats are what is counted of a command, by all sessions.
type commandStats struct {
	calls, us, failed atomic.Int64
	rejected          atomic.Int64
	latency           histogram
}

// commandCounts are what a session has counted of its last run of one command, and not yet added.
type commandCounts struct {
	of                *command
	calls, us, failed int64
}

// count adds a call of cmd that took us microseconds.
func (s *Session) count(cmd *command, us int64, failed bool) {
	n := &s.counts
	if n.of != cmd {
		s.flushCounts()
		n.of = cmd
	}
	n.calls++
	n.us += us
	if failed {
		n.failed++
	}
}

// flushCounts adds what has been counted. The histogram takes the mean of a run: a run is of one batch, whose commands are alike.
func (s *Session) flushCounts() {
	n := &s.counts
	if s.call.dirty > 0 {
		s.e.cron.dirty.Add(s.call.dirty)
		s.call.dirty = 0
	}
	if n.of == nil {
		return
	}
	stats := &n.of.stats
	stats.calls.Add(n.calls)
	stats.us.Add(n.us)
	if n.failed > 0 {
		stats.failed.Add(n.failed)
	}
	stats.latency.add(n.us/n.calls, n.calls)
	*n = commandCounts{}
}

// errorStats counts error replies by their code (networking.c: afterErrorReply).
type errorStats struct {
	mu     sync.Mutex
	total  int64
	byCode map[string]int64
}

func (e *errorStats) count(text string) {
	code, _, ok := strings.Cut(text, " ")
	if !ok || len(code) > 32 {
		code = "ERR"
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.byCode == nil {
		e.byCode = map[string]int64{}
	}
	e.total++
	e.byCode[code]++
}

// A histogram counts durations by powers of two of 1024 ns, as LATENCY HISTOGRAM prints them.
type histogram struct{ buckets [24]atomic.Int64 }

func (h *histogram) add(us, n int64) {
	i := 0
	for i < len(h.buckets)-1 && us > LatencyBound(i) {
		i++
	}
	h.buckets[i].Add(n)
}

// LatencyBound returns the longest duration, in microseconds, that is counted in bucket i: the highest of those that
// hdr_histogram takes for the same as 1024 ns times a power of two, with two significant digits.
func LatencyBound(i int) int64 {
	ns := int64(1024) << i
	return (ns + ns>>7 - 1) / 1000
}

// ResetStats sets the counters to 0 that CONFIG RESETSTAT does. Every shard is locked.
func (e *Engine) ResetStats() {
	all := append([]*command(nil), e.table.list...)
	for _, c := range e.table.list {
		all = append(all, c.sub...)
	}
	for _, c := range all {
		for _, n := range []*atomic.Int64{&c.stats.calls, &c.stats.us, &c.stats.failed, &c.stats.rejected} {
			n.Store(0)
		}
		for i := range c.stats.latency.buckets {
			c.stats.latency.buckets[i].Store(0)
		}
	}
	for _, s := range e.shards {
		s.hits, s.misses = 0, 0
		s.ResetStats()
	}
	e.errors.mu.Lock()
	e.errors.total, e.errors.byCode = 0, nil
	e.errors.mu.Unlock()
	e.sessions.mu.Lock()
	e.sessions.received, e.sessions.rejected = 0, 0
	e.sessions.mu.Unlock()
}

// Started returns when the engine was made, in Unix microseconds.
func (e *Engine) Started() int64 { return e.start }
