package engine

import (
	"fmt"
	"math"

	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/wire"
	"github.com/kvtool/kvtool/kv"
)

// MaxBulk returns the longest string that a command may make, in bytes: proto-max-bulk-len.
func (e *Engine) MaxBulk() int64 { return wire.MaxBulk }

// Name returns the name of the command that runs, in lower case.
func (c *Call) Name() string { return c.e.table.nameOf(c.Args) }

func (t *table) nameOf(args [][]byte) string {
	if c, _ := t.resolve(args); c != nil {
		return c.name
	}
	return string(args[0])
}

// Int32 reads a 32-bit integer; it answers the error itself.
func (c *Call) Int32(arg []byte) (int64, bool) {
	n, ok := c.Int(arg)
	if ok && (n < math.MinInt32 || n > math.MaxInt32) {
		c.Fail(fmt.Sprintf("ERR value is out of range, value must between %d and %d", math.MinInt32, math.MaxInt32))
		return 0, false
	}
	return n, ok
}

// ReadUntouched is Read that counts no access: the eviction policy does not see it (LOOKUP_NOTOUCH).
func (c *Call) ReadUntouched(key []byte) keyspace.Item {
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

// ChangedIn is Changed for a database that need not be the one that is selected.
func (c *Call) ChangedIn(db int, key []byte, class byte, event string) {
	selected := c.s.db
	c.s.db = db
	c.Changed(key, class, event)
	c.s.db = selected
}

// Arrived says that a key is there that was not, by another way than an element at a time: who waits for a list or a sorted set of
// that name is served when the command is over (db.c: dbAdd).
func (c *Call) Arrived(it keyspace.Item) {
	if t := it.Type(); t != kv.TypeList && t != kv.TypeZSet {
		return
	}
	selected := c.s.db
	c.s.db = it.DB()
	c.Ready(it.Key())
	c.s.db = selected
}

// Shards returns all shards. The command must be Whole.
func (c *Call) Shards() []*keyspace.Shard {
	all := make([]*keyspace.Shard, len(c.e.shards))
	for i, s := range c.e.shards {
		all[i] = s.Shard
	}
	return all
}
