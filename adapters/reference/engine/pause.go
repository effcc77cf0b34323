package engine

import "sync"

// postponed is what a session waits for that has a command put off by CLIENT PAUSE.
var postponed = &waiter{}

// pause is the state of CLIENT PAUSE.
type pause struct {
	mu      sync.Mutex
	until   int64 // Unix µs
	all     bool  // every command, not only those that may change something
	timer   *timer
	delayed []*Session
}

// pauses reports whether a command with these flags has to wait at the time now.
func (e *Engine) pauses(flags Flag, now int64) bool {
	e.pause.mu.Lock()
	defer e.pause.mu.Unlock()
	return now < e.pause.until && (e.pause.all || flags&(Write|MayReplicate) != 0)
}

// Pause puts off commands for ms: all of them, or those that may change something. A longer or stricter pause that is on stays.
func (c *Call) Pause(ms int64, all bool) {
	p := &c.e.pause
	p.mu.Lock()
	defer p.mu.Unlock()
	until := c.s.last + ms*1000
	if c.s.last < p.until {
		until, all = max(until, p.until), all || p.all
	}
	p.until, p.all = until, all
	if p.timer != nil {
		c.e.timers.stop(p.timer)
	}
	p.timer = c.e.timers.after(until, c.e.endPause)
	c.e.attend(paused, true)
	c.e.freeze(true)
}

// Unpause ends the pause.
func (c *Call) Unpause() {
	c.e.resume(c.mail)
}

// endPause is called when a pause may be over: another may have taken its place.
func (e *Engine) endPause(m *mail) {
	e.pause.mu.Lock()
	over := e.clock.Now() >= e.pause.until
	e.pause.mu.Unlock()
	if over {
		e.resume(m)
	}
}

// resume wakes who has been put off. All shards are locked.
func (e *Engine) resume(m *mail) {
	p := &e.pause
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = 0
	e.attend(paused, false)
	e.freeze(false)
	for _, s := range p.delayed {
		s.waiting.Store(nil)
		s.woken.Store(true)
		m.to = append(m.to, s)
	}
	p.delayed = nil
}

// freeze stops keys from expiring and from being evicted, as a pause does. All shards are locked.
func (e *Engine) freeze(on bool) {
	for _, s := range e.shards {
		set := s.Settings()
		set.Frozen = on
		s.Configure(set)
	}
}

// delay keeps the request that is running until the pause is over.
func (s *Session) delay() {
	s.delayed = copyArgs(s.call.Args)
	p := &s.e.pause
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.until == 0 { // it has ended since: who reads Blocked goes on at once
		return
	}
	s.waiting.Store(postponed)
	p.delayed = append(p.delayed, s)
}

// undelay forgets that a session has been put off.
func (e *Engine) undelay(s *Session) {
	e.pause.mu.Lock()
	defer e.pause.mu.Unlock()
	e.pause.delayed = without(e.pause.delayed, s)
}

// Delayed returns a request that was put off and may run now, or nil. Whoever runs a session asks for it before it reads the
// next.
func (s *Session) Delayed() [][]byte {
	if s.delayed == nil || s.Blocked() {
		return nil
	}
	args := s.delayed
	s.delayed = nil
	return args
}
