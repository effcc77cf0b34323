package command

import (
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
)

func genericCommands() []engine.Command {
	return []engine.Command{
		{Name: "del", Run: del},
		{Name: "unlink", Run: del},
		{Name: "exists", Run: exists},
		{Name: "touch", Run: touch},
		{Name: "type", Run: typeOf},
		{Name: "rename", Run: func(c *engine.Call) { rename(c, false) }},
		{Name: "renamenx", Run: func(c *engine.Call) { rename(c, true) }},
		{Name: "copy", Run: copyKey},
		{Name: "move", Run: moveKey},
		{Name: "randomkey", Run: randomKey, Whole: true},
		{Name: "keys", Run: keys, Whole: true},
		{Name: "scan", Run: scan, Whole: true},
		{Name: "object", Sub: objectCommands()},
		{Name: "expire", Run: func(c *engine.Call) { expire(c, c.Now(), 1000) }},
		{Name: "pexpire", Run: func(c *engine.Call) { expire(c, c.Now(), 1) }},
		{Name: "expireat", Run: func(c *engine.Call) { expire(c, 0, 1000) }},
		{Name: "pexpireat", Run: func(c *engine.Call) { expire(c, 0, 1) }},
		{Name: "ttl", Run: func(c *engine.Call) { ttl(c, c.Now(), 1000) }},
		{Name: "pttl", Run: func(c *engine.Call) { ttl(c, c.Now(), 1) }},
		{Name: "expiretime", Run: func(c *engine.Call) { ttl(c, 0, 1000) }},
		{Name: "pexpiretime", Run: func(c *engine.Call) { ttl(c, 0, 1) }},
		{Name: "persist", Run: persist},
	}
}

func del(c *engine.Call) {
	n := int64(0)
	for _, key := range c.Args[1:] {
		if c.Delete(c.Peek(key)) {
			n++
			c.Changed(key, 'g', "del")
		}
	}
	c.Out.Int(n)
}

func exists(c *engine.Call) {
	n := int64(0)
	for _, key := range c.Args[1:] {
		if c.ReadUntouched(key).OK() {
			n++
		}
	}
	c.Out.Int(n)
}

func touch(c *engine.Call) {
	n := int64(0)
	for _, key := range c.Args[1:] {
		if c.Read(key).OK() {
			n++
		}
	}
	c.Out.Int(n)
}

func typeOf(c *engine.Call) {
	it := c.ReadUntouched(c.Args[1])
	if !it.OK() {
		c.Out.Simple("none")
		return
	}
	c.Out.Simple(string(it.Type()))
}

// rename is RENAME and RENAMENX.
func rename(c *engine.Call, nx bool) {
	from, to := c.Args[1], c.Args[2]
	it := c.Write(from)
	if !it.OK() {
		c.Fail(engine.ErrNoKey)
		return
	}
	if string(from) == string(to) {
		renamed(c, nx, 0)
		return
	}
	old := c.Write(to)
	if old.OK() && nx {
		c.Out.Int(0)
		return
	}
	if !carry(c, it, c.DB(), to, old) {
		c.Fail(engine.ErrOOM)
		return
	}
	c.Changed(from, 'g', "rename_from")
	c.Changed(to, 'g', "rename_to")
	renamed(c, nx, 1)
}

func renamed(c *engine.Call, nx bool, n int64) {
	if nx {
		c.Out.Int(n)
	} else {
		c.Out.OK()
	}
}

// carry gives a key another name or database, in the place of old if there is such a key. It reports false, and has changed
// nothing, if there is no room.
func carry(c *engine.Call, it keyspace.Item, db int, to []byte, old keyspace.Item) bool {
	from, _ := c.Shard(it.Key())
	s, hash := c.Shard(to)
	if s == from {
		if !supersede(c, s, it, to, old) {
			return false
		}
		moved, ok := s.Move(it, db, to, hash)
		if ok {
			c.Arrived(moved)
		}
		return ok
	}
	made, ok := duplicate(c, it, db, to, old)
	if ok {
		made.SetState(it.State())
		from.Delete(it)
	}
	return ok
}

// supersede deletes old, if there is such a key, provided that the record of another has room in its place.
func supersede(c *engine.Call, s *keyspace.Shard, it keyspace.Item, to []byte, old keyspace.Item) bool {
	if !old.OK() {
		return true
	}
	if !s.RoomFor(it, to) {
		return false
	}
	c.Delete(old)
	return true
}

// duplicate makes a copy of a key under another name or in another database, in the place of old if there is such a key, with its
// expiry. It reports false, and has changed nothing, if there is no room.
func duplicate(c *engine.Call, it keyspace.Item, db int, to []byte, old keyspace.Item) (made keyspace.Item, ok bool) {
	s, hash := c.Shard(to)
	if o := it.Object(); o != nil {
		clone, ok := o.Clone(s)
		if !ok {
			return made, false
		}
		if !supersede(c, s, it, to, old) {
			clone.Release()
			return made, false
		}
		if made, ok = s.PutObject(db, to, hash, keyspace.Item{}, it.Kind(), clone); !ok {
			clone.Release()
			return made, false
		}
	} else if !supersede(c, s, it, to, old) {
		return made, false
	} else if made, ok = s.PutBytes(db, to, hash, keyspace.Item{}, it.Kind(), it.Bytes()); !ok {
		return made, false
	}
	if ms := it.Expiry(); ms != 0 {
		with, ok := s.SetExpiry(made, ms)
		if !ok {
			s.Delete(made)
			return made, false
		}
		made = with
	}
	c.Arrived(made)
	return made, true
}

// copyKey is COPY from to [DB n] [REPLACE].
func copyKey(c *engine.Call) {
	db, replace := c.DB(), false
	for i := 3; i < len(c.Args); i++ {
		switch arg := c.Args[i]; {
		case is(arg, "replace"):
			replace = true
		case is(arg, "db") && i+1 < len(c.Args):
			i++
			var ok bool
			if db, ok = database(c, c.Args[i]); !ok {
				return
			}
		default:
			c.Fail(engine.ErrSyntax)
			return
		}
	}
	from, to := c.Args[1], c.Args[2]
	if db == c.DB() && string(from) == string(to) {
		c.Fail(engine.ErrSameObject)
		return
	}
	it := c.Read(from)
	if !it.OK() {
		c.Out.Int(0)
		return
	}
	old := c.WriteIn(db, to)
	if old.OK() && !replace {
		c.Out.Int(0)
		return
	}
	if _, ok := duplicate(c, it, db, to, old); !ok {
		c.Fail(engine.ErrOOM)
		return
	}
	c.ChangedIn(db, to, 'g', "copy_to")
	c.Out.Int(1)
}

// database reads the number of a database. It answers the error itself.
func database(c *engine.Call, arg []byte) (int, bool) {
	n, ok := c.Int32(arg)
	if ok && (n < 0 || n >= engine.Databases) {
		c.Fail(engine.ErrDBIndex)
		return 0, false
	}
	return int(n), ok
}

func moveKey(c *engine.Call) {
	db, ok := database(c, c.Args[2])
	if !ok {
		return
	}
	if db == c.DB() {
		c.Fail(engine.ErrSameObject)
		return
	}
	key := c.Args[1]
	it := c.Write(key)
	if !it.OK() || c.WriteIn(db, key).OK() {
		c.Out.Int(0)
		return
	}
	if !carry(c, it, db, key, keyspace.Item{}) {
		c.Fail(engine.ErrOOM)
		return
	}
	c.Changed(key, 'g', "move_from")
	c.ChangedIn(db, key, 'g', "move_to")
	c.Out.Int(1)
}

// randomKey draws a shard by the number of its keys, and a key of it.
func randomKey(c *engine.Call) {
	shards := c.Shards()
	random := shards[0].Random()
	for total := int(c.Keys(c.DB())); total > 0; total = int(c.Keys(c.DB())) {
		n := random.IntN(total)
		for _, s := range shards {
			if n -= s.Len(c.DB()); n >= 0 {
				continue
			}
			if it := s.RandomKey(c.DB()); it.OK() {
				c.Out.Bulk(it.Key())
				return
			}
			if s.Len(c.DB()) > 0 { // none of its keys may go, though all are due
				c.Out.Null()
				return
			}
			break
		}
	}
	c.Out.Null()
}
