package engine

import (
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/number"
	"github.com/kvtool/kvtool/adapters/reference/wire"
)

// A Call is one request that runs. A handler keeps neither it nor its arguments, unless the command is a blocking one: those of
// Block may keep the arguments.
type Call struct {
	Args [][]byte // the name of the command first
	Out  *wire.Writer

	s      *Session
	e      *Engine
	cmd    *command
	mail   *mail
	now    int64
	dirty  int64  // changes since the last save, as INFO counts them
	hashed []byte // the key whose hash and shard these are
	hash   uint64
	shard  int
	failed bool
	mark   int // length of Out when the call began
}

// Session returns whose call it is.
func (c *Call) Session() *Session { return c.s }

// Engine returns where it runs.
func (c *Call) Engine() *Engine { return c.e }

// Name returns the name of the command as COMMAND has it: "client|list" of a subcommand.
func (c *Call) Name() string { return c.cmd.name }

// DB returns the number of the database that is selected.
func (c *Call) DB() int { return c.s.db }

// Now returns the time in Unix ms: the same for the whole of a call.
func (c *Call) Now() int64 { return c.now }

// Micros returns the time in Unix microseconds.
func (c *Call) Micros() int64 { return c.e.clock.Now() }

// MayBlock reports whether Block would make the client wait: not within a transaction.
func (c *Call) MayBlock() bool { return c.s.state&executing == 0 }

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

// Shards returns all shards, for a command that is Whole.
func (c *Call) Shards() []*keyspace.Shard { return c.e.plain }

// Read looks a key up to read its value: it counts an access, and a hit or a miss (db.c: lookupKeyRead).
func (c *Call) Read(key []byte) keyspace.Item {
	s, h := c.place(key)
	it := s.Find(c.s.db, key, h)
	if !it.OK() {
		s.misses++
		c.Notify('m', "keymiss", key)
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
func (c *Call) Peek(key []byte) keyspace.Item { return c.In(c.s.db, key) }

// In is Peek in another database.
func (c *Call) In(db int, key []byte) keyspace.Item {
	s, h := c.place(key)
	return s.Find(db, key, h)
}

// Delete removes an item, and reports whether there was one.
func (c *Call) Delete(it keyspace.Item) bool {
	if !it.OK() {
		return false
	}
	c.e.shards[c.e.shardOf(it.Hash())].Delete(it)
	return true
}

// Fail answers an error, in the place of what the call has answered so far; text begins with its code.
func (c *Call) Fail(text string) {
	c.failed = true
	c.Out.Truncate(c.mark)
	c.e.errors.count(text)
	c.Out.Error(text)
}

// FailArity answers that the number of arguments is wrong, where only the handler can tell.
func (c *Call) FailArity() { c.Fail("ERR wrong number of arguments for '" + c.cmd.name + "' command") }

// Int reads a 64-bit integer; it answers the error itself.
func (c *Call) Int(arg []byte) (int64, bool) {
	n, ok := wire.ParseInt(arg)
	if !ok {
		c.Fail(ErrNotInteger)
	}
	return n, ok
}

// Int32 reads an integer that fits into an int of C (object.c: getIntFromObjectOrReply); it answers the error itself.
func (c *Call) Int32(arg []byte) (int32, bool) {
	n, ok := wire.ParseInt(arg)
	switch {
	case !ok:
		c.Fail(ErrNotInteger)
	case n != int64(int32(n)):
		c.Fail(ErrNotInt32)
		ok = false
	}
	return int32(n), ok
}

// Float reads a number as Redis does; it answers the error itself.
func (c *Call) Float(arg []byte) (float64, bool) {
	f, ok := number.ParseDouble(arg)
	if !ok {
		c.Fail(ErrNotFloat)
	}
	return f, ok
}

// Select changes the database of the session; it reports false if there is none of that number.
func (c *Call) Select(n int64) bool {
	if n < 0 || n >= Databases {
		return false
	}
	c.s.db = int(n)
	return true
}

// Keys returns the number of keys in a database.
func (c *Call) Keys(db int) int64 {
	n := 0
	for _, s := range c.e.shards {
		n += s.Len(db)
	}
	return int64(n)
}

// Flush empties a database, or all if db is negative.
func (c *Call) Flush(db int) {
	for i := range Databases {
		if db >= 0 && i != db {
			continue
		}
		c.e.touchAll(i, -1)
		for _, s := range c.e.shards {
			s.Flush(i)
		}
	}
	c.e.invalidateAll(c.mail, c.s)
	c.dirty++
}

// Swap exchanges two databases.
func (c *Call) Swap(a, b int) {
	if a == b {
		return
	}
	c.e.touchAll(a, b)
	c.e.touchAll(b, a)
	for _, s := range c.e.shards {
		s.SwapDatabases(a, b)
	}
	c.dirty++
	c.e.readyIn(a)
	c.e.readyIn(b)
}
