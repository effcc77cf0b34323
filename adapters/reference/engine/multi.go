package engine

import (
	"bytes"
	"sync"

	"github.com/kvtool/kvtool/adapters/reference/keyspace"
)

// A transaction is what MULTI has queued.
type transaction struct {
	queue []queued
	flags Flag // of all commands in it
	bytes int
}

// queued is one command that waits for EXEC, with arguments of its own.
type queued struct {
	cmd  *command
	args [][]byte
}

// enqueue keeps a command for EXEC, unless that will refuse all of them anyway (multi.c: queueMultiCommand).
func (s *Session) enqueue(cmd *command, args [][]byte) {
	if s.state&dirtyExec == 0 && !s.dirty.Load() {
		args = copyArgs(args)
		for _, a := range args {
			s.multi.bytes += len(a)
		}
		s.multi.queue = append(s.multi.queue, queued{cmd, args})
		s.multi.flags |= cmd.flags
	}
	s.Out.Simple("QUEUED")
}

// copyArgs returns arguments that stay.
func copyArgs(args [][]byte) [][]byte {
	n := 0
	for _, a := range args {
		n += len(a)
	}
	room, copied := make([]byte, 0, n), make([][]byte, len(args))
	for i, a := range args {
		from := len(room)
		room = append(room, a...)
		copied[i] = room[from:len(room):len(room)]
	}
	return copied
}

// Multi begins a transaction; it reports false within one.
func (c *Call) Multi() bool {
	if c.s.state&inMulti != 0 {
		return false
	}
	c.s.state |= inMulti
	return true
}

// InMulti reports whether commands are queued.
func (c *Call) InMulti() bool { return c.s.state&inMulti != 0 }

// Discard ends a transaction without running it; it reports false if there is none.
func (c *Call) Discard() bool {
	if c.s.state&inMulti == 0 {
		return false
	}
	c.s.discard()
	return true
}

func (s *Session) discard() {
	s.multi = transaction{}
	s.state &^= inMulti | dirtyExec
	s.unwatch()
	s.dirty.Store(false)
}

// Exec runs the transaction and answers for all of its commands (multi.c: execCommand).
func (c *Call) Exec() {
	s := c.s
	if s.state&inMulti == 0 {
		c.Fail(ErrExecAlone)
		return
	}
	s.lock(s.shardsOfTransaction())
	s.tick()
	for _, w := range s.watches { // one that has expired goes, which makes the session dirty
		c.e.shards[c.e.shardOf(w.hash)].Find(w.at.db, []byte(w.at.key), w.hash)
	}
	switch {
	case s.state&dirtyExec != 0:
		c.Fail(ErrExecAbort)
		s.discard()
		return
	case s.dirty.Load():
		c.Out.NullArray()
		s.discard()
		return
	}
	s.unwatch()
	queue, args := s.multi.queue, c.Args
	s.state |= executing
	c.Out.Array(len(queue))
	for _, q := range queue {
		c.Args = q.args
		s.execute(q.cmd, q.args)
	}
	c.Args = args
	s.state &^= executing
	s.discard()
}

// shardsOfTransaction returns the shards that EXEC needs: those of what it runs, and those of what it has watched.
func (s *Session) shardsOfTransaction() uint64 {
	if len(s.e.shards) == 1 {
		return 1
	}
	var need uint64
	for _, w := range s.watches {
		need |= 1 << s.e.shardOf(w.hash)
	}
	if s.multi.flags&Write != 0 && s.e.attention.Load()&someBlocked != 0 {
		return s.e.everyShard()
	}
	for _, q := range s.multi.queue {
		switch q.cmd.lock {
		case lockAll:
			return s.e.everyShard()
		case lockOne, lockKeys:
			need |= s.shardsOf(q.cmd, q.args)
		}
	}
	return need
}

// place is a key of a database.
type place struct {
	db  int
	key string
}

// watch is a key that a session watches.
type watch struct {
	at   place
	hash uint64
}

// watchers are the sessions that watch a key. Its lock is taken with those of shards held, never before them.
type watchers struct {
	mu sync.Mutex
	of map[place][]*Session
}

// Watch makes EXEC fail if a key has changed until then.
func (c *Call) Watch(keys [][]byte) {
	s, w := c.s, &c.e.watchers
	for _, key := range keys {
		shard, hash := c.place(key)
		shard.Find(s.db, key, hash) // one that is due goes now: it is as good as absent, and its going no change
		at := place{s.db, string(key)}
		if s.watchesAlready(at) {
			continue
		}
		s.watches = append(s.watches, watch{at, hash})
		w.mu.Lock()
		if w.of == nil {
			w.of = map[place][]*Session{}
		}
		w.of[at] = append(w.of[at], s)
		c.e.attend(someWatch, true)
		w.mu.Unlock()
	}
}

func (s *Session) watchesAlready(at place) bool {
	for _, w := range s.watches {
		if w.at == at {
			return true
		}
	}
	return false
}

// Unwatch forgets all keys that are watched, and that one of them has changed.
func (c *Call) Unwatch() {
	c.s.unwatch()
	c.s.dirty.Store(false)
}

// unwatch forgets what is watched.
func (s *Session) unwatch() {
	if len(s.watches) == 0 {
		return
	}
	w := &s.e.watchers
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, watched := range s.watches {
		if rest := without(w.of[watched.at], s); len(rest) > 0 {
			w.of[watched.at] = rest
		} else {
			delete(w.of, watched.at)
		}
	}
	s.e.attend(someWatch, len(w.of) > 0)
	s.watches = s.watches[:0]
}

// without returns a list without a session.
func without(list []*Session, s *Session) []*Session {
	for i, other := range list {
		if other == s {
			return append(list[:i:i], list[i+1:]...)
		}
	}
	return list
}

// touchWatchers makes the transactions fail that watch a key.
func (e *Engine) touchWatchers(db int, key []byte) {
	e.watchers.mu.Lock()
	defer e.watchers.mu.Unlock()
	for _, s := range e.watchers.of[place{db, string(key)}] {
		s.dirty.Store(true)
	}
}

// touchAll makes the transactions fail that watch a key for which there is one in db, or in other if that is not negative. All
// shards are locked.
func (e *Engine) touchAll(db, other int) {
	e.watchers.mu.Lock()
	defer e.watchers.mu.Unlock()
	for at, list := range e.watchers.of {
		if at.db != db || !e.exists(db, at.key) && (other < 0 || !e.exists(other, at.key)) {
			continue
		}
		for _, s := range list {
			s.dirty.Store(true)
		}
	}
}

func (e *Engine) exists(db int, key string) bool {
	b := []byte(key)
	hash := keyspace.Hash(b)
	return e.shards[e.shardOf(hash)].Find(db, b, hash).OK()
}

// runsInMulti reports whether a command is run at once although others are queued.
func runsInMulti(name string) bool {
	switch name {
	case "exec", "discard", "multi", "watch", "quit", "reset":
		return true
	}
	return false
}

// is reports whether a name in any case is a command's.
func is(name []byte, lower string) bool { return bytes.EqualFold(name, []byte(lower)) }
