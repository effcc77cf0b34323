package engine

import (
	"slices"
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
	s.lock(s.shardsOfTransaction()) // which are all if somebody has begun to wait for a key until the first had them
	s.tick()
	switch {
	case s.state&dirtyExec != 0:
		c.Fail(ErrExecAbort)
		s.discard()
		return
	case s.dirty.Load() || s.watchedExpired():
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

// A watch is a key that a session watches.
type watch struct {
	s       *Session
	at      place
	hash    uint64
	expired bool // it was past its expiry already: its going is no change
}

// watchers are the watches of each key. Its lock is taken with those of shards held, never before them.
type watchers struct {
	mu sync.Mutex
	of map[place][]*watch
}

// Watch makes EXEC fail if a key has changed until then.
func (c *Call) Watch(keys [][]byte) {
	for _, key := range keys {
		shard, hash := c.place(key)
		it := shard.Look(c.s.db, key, hash)
		c.s.watch(&watch{s: c.s, at: place{c.s.db, string(key)}, hash: hash, expired: it.OK() && it.Due()})
	}
}

func (s *Session) watch(made *watch) {
	for _, w := range s.watches {
		if w.at == made.at {
			return
		}
	}
	s.watches = append(s.watches, made)
	all := &s.e.watchers
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.of == nil {
		all.of = map[place][]*watch{}
	}
	all.of[made.at] = append(all.of[made.at], made)
	s.e.attend(someWatch, true)
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
	all := &s.e.watchers
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, w := range s.watches {
		rest := slices.DeleteFunc(all.of[w.at], func(other *watch) bool { return other == w })
		if len(rest) > 0 {
			all.of[w.at] = rest
		} else {
			delete(all.of, w.at)
		}
	}
	s.e.attend(someWatch, len(all.of) > 0)
	s.watches = nil
}

// watchedExpired reports whether a key that is watched has passed its expiry since. Its shards are locked.
func (s *Session) watchedExpired() bool {
	for _, w := range s.watches {
		it := s.e.shards[s.e.shardOf(w.hash)].Look(w.at.db, []byte(w.at.key), w.hash)
		if !w.expired && it.OK() && it.Due() {
			return true
		}
	}
	return false
}

// touchWatchers makes the transactions fail that watch a key.
func (e *Engine) touchWatchers(db int, key []byte) {
	e.watchers.mu.Lock()
	defer e.watchers.mu.Unlock()
	for _, w := range e.watchers.of[place{db, string(key)}] {
		if w.expired { // what was as good as absent goes
			w.expired = false
			continue
		}
		w.s.dirty.Store(true)
	}
}

// touchAll makes the transactions fail that watch a key for which there is one in db, or in other if that is not negative: what
// becomes of db is what other has (multi.c: touchAllWatchedKeysInDb). All shards are locked.
func (e *Engine) touchAll(db, other int) {
	e.watchers.mu.Lock()
	defer e.watchers.mu.Unlock()
	for at, list := range e.watchers.of {
		if at.db != db {
			continue
		}
		there, next := e.look(db, at.key), keyspace.Item{}
		if other >= 0 {
			next = e.look(other, at.key)
		}
		for _, w := range list {
			switch {
			case !there.OK() && !next.OK():
			case w.expired && !next.OK():
				w.expired = false
			case w.expired && next.Due():
			default:
				w.s.dirty.Store(true)
			}
		}
	}
}

func (e *Engine) look(db int, key string) keyspace.Item {
	b := []byte(key)
	hash := keyspace.Hash(b)
	return e.shards[e.shardOf(hash)].Look(db, b, hash)
}

// runsInMulti reports whether a command is run at once although others are queued.
func runsInMulti(name string) bool {
	switch name {
	case "exec", "discard", "multi", "watch", "quit", "reset":
		return true
	}
	return false
}
