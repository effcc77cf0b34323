package engine

import (
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/kv"
)

// ReadUntouched is Read that counts no access: the eviction policy does not see it (LOOKUP_NOTOUCH).
func (c *Call) ReadUntouched(key []byte) keyspace.Item {
	it := c.Inspect(key)
	if !it.OK() {
		c.Notify('m', "keymiss", key)
	}
	return it
}

// Inspect is ReadUntouched without an event for a key that is not there (LOOKUP_NONOTIFY).
func (c *Call) Inspect(key []byte) keyspace.Item {
	s, h := c.place(key)
	it := s.Find(c.s.db, key, h)
	if it.OK() {
		s.hits++
	} else {
		s.misses++
	}
	return it
}

// WriteIn is Write for a database that need not be the one that is selected. The key must be among the arguments.
func (c *Call) WriteIn(db int, key []byte) keyspace.Item {
	s, h := c.place(key)
	it := s.Find(db, key, h)
	if it.OK() {
		s.Touch(it)
	}
	return it
}

// Expire removes a key if it is due, and reports whether it is.
func (c *Call) Expire(it keyspace.Item) bool {
	if !it.Due() {
		return false
	}
	s, hash := c.Shard(it.Key())
	s.Find(it.DB(), it.Key(), hash)
	return true
}

// Arrived says that a key is there that was not, by another way than an element at a time: who waits for a list or a sorted set
// of that name is served when the command is over (db.c: dbAdd).
func (c *Call) Arrived(it keyspace.Item) {
	if t := it.Type(); t != kv.TypeList && t != kv.TypeZSet {
		return
	}
	c.ReadyIn(it.DB(), it.Key())
}

// Fill calls fn with every shard locked, for what puts keys in that are no client's: a dump that is loaded.
func (e *Engine) Fill(fn func(shard func(key []byte) (*keyspace.Shard, uint64))) {
	e.exclusively(func(*mail) {
		fn(func(key []byte) (*keyspace.Shard, uint64) {
			h := keyspace.Hash(key)
			return e.shards[e.shardOf(h)].Shard, h
		})
	})
}
