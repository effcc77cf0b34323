package engine

import (
	"container/list"
	"fmt"
	"runtime/debug"

	"github.com/kvtool/kvtool/adapters/reference/wire"
)

// A waiter is a blocked client. All of it, and all queues of waiters, are under the lock of every shard.
type waiter struct {
	s       *Session
	cmd     *command
	args    [][]byte
	db      int
	serve   func(c *Call, key []byte) bool
	timeout func(c *Call)
	places  map[place]*list.Element
	timer   *timer
}

// waitingQueues are of those who wait for a key, in the order of their arrival.
type waitingQueues map[place]*list.List

// Block makes the client wait until one of keys is ready and serve, which is called with it, reports that it has answered; keys
// are tried in the order in which they become ready. After timeoutMS, 0 is never, onTimeout answers. Within a transaction nothing
// waits: onTimeout answers at once. All three are called with every shard locked; they see the arguments in their own call, as
// copies: what the handler has of them is overwritten by then.
func (c *Call) Block(keys [][]byte, timeoutMS int64, serve func(c *Call, key []byte) bool, onTimeout func(c *Call)) {
	s := c.s
	if s.state&executing != 0 {
		onTimeout(c)
		return
	}
	w := &waiter{
		s: s, cmd: c.cmd, args: c.Args, db: s.db, serve: serve, timeout: onTimeout, places: map[place]*list.Element{},
	}
	for _, key := range keys {
		at := place{s.db, string(key)}
		if w.places[at] != nil {
			continue
		}
		q := c.e.waiting[at]
		if q == nil {
			q = list.New()
			if c.e.waiting == nil {
				c.e.waiting = waitingQueues{}
			}
			c.e.waiting[at] = q
		}
		w.places[at] = q.PushBack(w)
	}
	if timeoutMS > 0 {
		w.timer = c.e.timers.after(c.e.clock.Now()+timeoutMS*1000, func(m *mail) { c.e.timeOut(w, m) })
	}
	c.e.blocked.Add(1)
	c.e.attend(someBlocked, true)
	s.waiting.Store(w)
}

// Blocked reports whether the session waits, for a key or for the end of a pause: it runs nothing until it is woken.
func (s *Session) Blocked() bool { return s.waiting.Load() != nil }

// Endless reports whether the session waits, and nothing but what others do will end that.
func (s *Session) Endless() bool {
	w := s.waiting.Load()
	return w != nil && w.timer == nil
}

// Ready says that a list or a sorted set has got elements: who waits for it is served when the command is over.
func (c *Call) Ready(key []byte) {
	if c.e.attention.Load()&someBlocked == 0 {
		return
	}
	at := place{c.s.db, string(key)}
	if c.e.waiting[at] == nil {
		return
	}
	for _, r := range c.e.ready {
		if r == at {
			return
		}
	}
	c.e.ready = append(c.e.ready, at)
}

// ReadyIn is Ready for a key of another database than the one that is selected.
func (c *Call) ReadyIn(db int, key []byte) {
	selected := c.s.db
	c.s.db = db
	c.Ready(key)
	c.s.db = selected
}

// serveReady serves those who wait for keys that have become ready, and for those that become ready by that (blocked.c:
// handleClientsBlockedOnKeys).
func (e *Engine) serveReady(m *mail, now int64) {
	for len(e.ready) > 0 {
		ready := e.ready
		e.ready = nil
		for _, at := range ready {
			e.serveKey(at, m, now)
		}
	}
}

func (e *Engine) serveKey(at place, m *mail, now int64) {
	q := e.waiting[at]
	if q == nil {
		return
	}
	key := []byte(at.key)
	for el := q.Front(); el != nil; {
		w := el.Value.(*waiter)
		el = el.Next()
		c := w.call(m, now)
		if !c.Peek(key).OK() {
			return
		}
		if w.answer(c, func() bool { return w.serve(c, key) }) {
			w.finish(c)
		}
	}
}

// call returns the call that answers a waiter: what it writes goes to the waiter's inbox by finish.
func (w *waiter) call(m *mail, now int64) *Call {
	out := &wire.Writer{}
	if w.s.resp3.Load() {
		out.SetProtocol(3)
	}
	return &Call{Args: w.args, Out: out, s: w.s, e: w.s.e, cmd: w.cmd, now: now, mail: m}
}

// answer calls fn, which answers the waiter. If it panics, the client is told so, and the server goes on.
func (w *waiter) answer(c *Call, fn func() bool) (done bool) {
	defer func() {
		if p := recover(); p != nil {
			c.Out.Reset()
			c.Fail(ErrInternal)
			c.e.opts.Log(fmt.Sprintf("internal error in %s: %v\n%s", w.cmd.name, p, debug.Stack()))
			done = true
		}
	}()
	return fn()
}

// finish ends the wait with what c has answered.
func (w *waiter) finish(c *Call) {
	if c.failed {
		w.cmd.stats.failed.Add(1)
	}
	if b := c.Out.Bytes(); len(b) > 0 {
		w.s.send(c.mail, b)
	}
	w.s.e.remove(w)                    // only now: from here on the session runs what it is asked next
	c.mail.to = append(c.mail.to, w.s) // even if there was something in its inbox: it is to go on
}

// remove takes a waiter out of its queues.
func (e *Engine) remove(w *waiter) {
	for at, el := range w.places {
		q := e.waiting[at]
		q.Remove(el)
		if q.Len() == 0 {
			delete(e.waiting, at)
		}
	}
	if w.timer != nil {
		e.timers.stop(w.timer)
	}
	w.s.waiting.Store(nil)
	w.s.woken.Store(true)
	if e.blocked.Add(-1) == 0 {
		e.attend(someBlocked, false)
	}
}

// timeOut answers a waiter whose time is over.
func (e *Engine) timeOut(w *waiter, m *mail) {
	if w.s.waiting.Load() != w {
		return
	}
	c := w.call(m, e.clock.Now()/1000)
	w.answer(c, func() bool {
		w.timeout(c)
		return true
	})
	w.finish(c)
}

// forget removes what the engine keeps of a session that waits.
func (e *Engine) forget(s *Session) {
	if s.waiting.Load() == nil {
		return
	}
	e.exclusively(func(*mail) {
		if w := s.waiting.Load(); w != nil && w != postponed {
			e.remove(w)
		}
	})
	e.undelay(s)
}

// Unblock ends the wait of another session, as if its time were over or with an error; it reports whether it was waiting for a
// key. The command that calls it needs every shard.
func (c *Call) Unblock(id int64, withError bool) bool {
	s := c.e.sessionByID(id)
	if s == nil {
		return false
	}
	w := s.waiting.Load()
	if w == nil || w == postponed {
		return false
	}
	answer := w.call(c.mail, c.now)
	if withError {
		answer.Fail(ErrUnblocked)
	} else {
		w.timeout(answer)
	}
	w.finish(answer)
	return true
}

// readyIn makes all keys of a database that somebody waits for ready, as after SWAPDB (db.c: scanDatabaseForReadyKeys).
func (e *Engine) readyIn(db int) {
	for at := range e.waiting {
		if at.db == db {
			e.ready = append(e.ready, at)
		}
	}
}
