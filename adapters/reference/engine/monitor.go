package engine

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
)

// monitors are the sessions that read what all others do.
type monitors struct {
	mu   sync.Mutex
	list []*Session
}

// Monitor makes the session one of them.
func (c *Call) Monitor() {
	c.s.state |= monitoring
	c.e.monitors.mu.Lock()
	defer c.e.monitors.mu.Unlock()
	c.e.monitors.list = append(c.e.monitors.list, c.s)
	c.e.attend(someMonitor, true)
}

func (s *Session) stopMonitor() {
	if s.state&monitoring == 0 {
		return
	}
	s.state &^= monitoring
	m := &s.e.monitors
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = without(m.list, s)
	s.e.attend(someMonitor, len(m.list) > 0)
}

// feedMonitors tells who monitors of a command that has run (replication.c: replicationFeedMonitors).
func (s *Session) feedMonitors(cmd *command, args [][]byte) {
	m := &s.e.monitors
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.list) == 0 {
		return
	}
	now := s.e.clock.Now()
	line := fmt.Appendf(nil, "+%d.%06d [%d %s] ", now/1e6, now%1e6, s.db, s.peer())
	for i, a := range args {
		if i > 0 {
			line = append(line, ' ')
		}
		if s.e.secret(cmd, args, i) {
			a = []byte("(redacted)")
		}
		line = AppendQuoted(line, a)
	}
	line = append(line, "\r\n"...)
	for _, to := range m.list {
		if to == s {
			s.Out.Raw(line)
			continue
		}
		to.send(&s.post, line)
	}
}

// peer returns the address as MONITOR prints it.
func (s *Session) peer() string {
	if s.origin.Unix {
		return "unix:" + s.origin.Local
	}
	return s.origin.Addr
}

// secret reports whether an argument may be a password, which no log shows.
func (e *Engine) secret(cmd *command, args [][]byte, i int) bool {
	switch cmd.name {
	case "auth":
		return i > 0
	case "hello":
		return i > 2 && (sameName(args[i-1], "auth") || sameName(args[i-2], "auth"))
	case "config|set":
		if i < 3 || i%2 == 0 {
			return false
		}
		x := e.settings.find(string(args[i-1]))
		return x != nil && strings.Contains(x.flags, "s")
	}
	return false
}

// AppendQuoted appends a string in double quotes, with what cannot be printed escaped (sds.c: sdscatrepr).
func AppendQuoted(b, s []byte) []byte {
	b = append(b, '"')
	for _, c := range s {
		switch {
		case c == '\\' || c == '"':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c == '\a':
			b = append(b, `\a`...)
		case c == '\b':
			b = append(b, `\b`...)
		case c >= ' ' && c <= '~':
			b = append(b, c)
		default:
			b = fmt.Appendf(b, "\\x%02x", c)
		}
	}
	return append(b, '"')
}

// slowlog keeps the commands that took longest.
type slowlog struct {
	mu      sync.Mutex
	next    int64
	entries []SlowEntry // the newest first
	max     atomic.Int64
}

// A SlowEntry is one command that was slow.
type SlowEntry struct {
	ID, Time, Microseconds int64 // Time is in Unix seconds
	Args                   [][]byte
	Addr, Name             string
}

// Limits of what is kept of the arguments (slowlog.h).
const (
	slowArgs = 32
	slowArg  = 128
)

// noteSlow is called for a command that took longer than one of the two logs asks for.
func (s *Session) noteSlow(cmd *command, args [][]byte, us int64) {
	if limit := s.e.settings.latencyMS.Load(); limit > 0 && us >= limit*1000 {
		event := "command"
		if cmd.flags&Fast != 0 {
			event = "fast-command"
		}
		s.e.latency.add(event, s.e.clock.Now()/1e6, us/1000)
	}
	limit := s.e.settings.slowUS.Load()
	if limit < 0 || us < limit || cmd.flags&SkipSlowlog != 0 || s.Blocked() {
		return
	}
	entry := SlowEntry{Time: s.e.clock.Now() / 1e6, Microseconds: us, Addr: s.origin.Addr, Name: s.name()}
	for i, a := range args {
		if i == slowArgs-1 && len(args) > slowArgs {
			entry.Args = append(entry.Args, fmt.Appendf(nil, "... (%d more arguments)", len(args)-slowArgs+1))
			break
		}
		switch {
		case s.e.secret(cmd, args, i):
			a = []byte("(redacted)")
		case len(a) > slowArg:
			a = fmt.Appendf(append([]byte(nil), a[:slowArg]...), "... (%d more bytes)", len(a)-slowArg)
		default:
			a = append([]byte(nil), a...)
		}
		entry.Args = append(entry.Args, a)
	}
	s.e.slowlog.add(entry)
}

func (l *slowlog) add(entry SlowEntry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entry.ID = l.next
	l.next++
	n := int(max(0, l.max.Load()))
	l.entries = append([]SlowEntry{entry}, l.entries[:min(len(l.entries), max(0, n-1))]...)
	l.entries = l.entries[:min(len(l.entries), n)]
}

// SlowLog returns the newest n slow commands, all if n is negative.
func (e *Engine) SlowLog(n int) []SlowEntry {
	l := &e.slowlog
	l.mu.Lock()
	defer l.mu.Unlock()
	if n < 0 || n > len(l.entries) {
		n = len(l.entries)
	}
	return append([]SlowEntry(nil), l.entries[:n]...)
}

// ResetSlowLog forgets them. The numbers go on.
func (e *Engine) ResetSlowLog() {
	e.slowlog.mu.Lock()
	defer e.slowlog.mu.Unlock()
	e.slowlog.entries = nil
}

// latencyLog keeps spikes by event (latency.c).
type latencyLog struct {
	mu     sync.Mutex
	events map[string]*LatencyEvent
}

// A LatencyEvent is what has been noted of one kind of event. Times are in Unix seconds, latencies in ms.
type LatencyEvent struct {
	Max     int64
	Samples [][2]int64 // time and latency, the oldest first
}

// latencySamples is how many are kept of an event.
const latencySamples = 160

func (l *latencyLog) add(event string, now, ms int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.events == nil {
		l.events = map[string]*LatencyEvent{}
	}
	ev := l.events[event]
	if ev == nil {
		ev = &LatencyEvent{}
		l.events[event] = ev
	}
	ev.Max = max(ev.Max, ms)
	if n := len(ev.Samples); n > 0 && ev.Samples[n-1][0] == now {
		ev.Samples[n-1][1] = max(ev.Samples[n-1][1], ms)
		return
	}
	if len(ev.Samples) == latencySamples {
		ev.Samples = ev.Samples[1:]
	}
	ev.Samples = append(ev.Samples, [2]int64{now, ms})
}

// LatencyEvents returns copies of all events.
func (e *Engine) LatencyEvents() map[string]LatencyEvent {
	l := &e.latency
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[string]LatencyEvent{}
	for name, ev := range l.events {
		all[name] = LatencyEvent{ev.Max, append([][2]int64(nil), ev.Samples...)}
	}
	return all
}

// ResetLatency forgets an event, and reports whether there was one.
func (e *Engine) ResetLatency(event string) bool {
	e.latency.mu.Lock()
	defer e.latency.mu.Unlock()
	_, ok := e.latency.events[event]
	delete(e.latency.events, event)
	return ok
}
