package command

import (
	"bytes"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/value"
	"github.com/kvtool/kvtool/kv"
)

func setCommands() []engine.Command {
	return []engine.Command{
		{Name: "sadd", Run: sadd},
		{Name: "srem", Run: srem},
		{Name: "smove", Run: smove},
		{Name: "sismember", Run: sismember},
		{Name: "smismember", Run: smismember},
		{Name: "scard", Run: scard},
		{Name: "smembers", Run: smembers},
		{Name: "sscan", Run: sscan},
		{Name: "spop", Run: spop},
		{Name: "srandmember", Run: srandmember},
		{Name: "sinter", Run: func(c *engine.Call) { sinter(c, c.Args[1:], nil) }},
		{Name: "sinterstore", Run: func(c *engine.Call) { sinter(c, c.Args[2:], c.Args[1]) }},
		{Name: "sintercard", Run: sintercard},
		{Name: "sunion", Run: func(c *engine.Call) { sunion(c, c.Args[1:], nil) }},
		{Name: "sunionstore", Run: func(c *engine.Call) { sunion(c, c.Args[2:], c.Args[1]) }},
		{Name: "sdiff", Run: func(c *engine.Call) { sdiff(c, c.Args[1:], nil) }},
		{Name: "sdiffstore", Run: func(c *engine.Call) { sdiff(c, c.Args[2:], c.Args[1]) }},
	}
}

// readSet opens a set to read it. It answers WRONGTYPE itself.
func readSet(c *engine.Call, key []byte) (v value.Set, ok bool) {
	it := c.Read(key)
	if !typed(c, it, kv.TypeSet) {
		return v, false
	}
	s, _ := c.Shard(key)
	return value.OpenSet(s, it), true
}

// writeSet opens a set to change it. It answers WRONGTYPE itself.
func writeSet(c *engine.Call, key []byte) (v value.Set, ok bool) {
	it := c.Write(key)
	if !typed(c, it, kv.TypeSet) {
		return v, false
	}
	s, _ := c.Shard(key)
	return value.OpenSet(s, it), true
}

// putSet writes a set back. It answers the error itself.
func putSet(c *engine.Call, v *value.Set, key []byte) bool {
	_, hash := c.Shard(key)
	_, ok := v.Put(c.DB(), key, hash)
	if !ok {
		c.Fail(engine.ErrOOM)
	}
	return ok
}

func sadd(c *engine.Call) {
	key := c.Args[1]
	v, ok := writeSet(c, key)
	if !ok {
		return
	}
	n, room := 0, true
	for _, member := range c.Args[2:] {
		var added bool
		if added, room = v.Add(member); !room {
			break
		}
		if added {
			n++
		}
	}
	if (n > 0 || !room) && !putSet(c, &v, key) {
		return
	}
	if n > 0 {
		c.Changed(key, 's', "sadd")
	}
	if !room {
		c.Fail(engine.ErrOOM)
		return
	}
	c.Out.Int(int64(n))
}

func srem(c *engine.Call) {
	key := c.Args[1]
	v, ok := writeSet(c, key)
	if !ok {
		return
	}
	n := 0
	for _, member := range c.Args[2:] {
		if v.Remove(member) {
			n++
		}
	}
	if n > 0 {
		left := v.Len()
		if !putSet(c, &v, key) {
			return
		}
		changedOrGone(c, key, 's', "srem", left)
	}
	c.Out.Int(int64(n))
}

// changedOrGone publishes a change after which a value has left elements, and with none that the key is gone.
func changedOrGone(c *engine.Call, key []byte, class byte, event string, left int) {
	c.Changed(key, class, event)
	if left == 0 {
		c.Notify('g', "del", key)
	}
}

func smove(c *engine.Call) {
	from, to, member := c.Args[1], c.Args[2], c.Args[3]
	it, dst := c.Write(from), c.Write(to)
	if !it.OK() {
		c.Out.Int(0)
		return
	}
	if !typed(c, it, kv.TypeSet) || !typed(c, dst, kv.TypeSet) {
		return
	}
	s, _ := c.Shard(from)
	v := value.OpenSet(s, it)
	if string(from) == string(to) {
		c.Out.Int(oneIf(v.Has(member)))
		return
	}
	if !v.Remove(member) {
		c.Out.Int(0)
		return
	}
	left := v.Len()
	if !putSet(c, &v, from) {
		return
	}
	changedOrGone(c, from, 's', "srem", left)
	added, ok := addMember(c, to, member)
	if !ok { // it goes back where its room is
		v = value.OpenSet(s, c.Peek(from))
		_, _ = v.Add(member)
		_, hash := c.Shard(from)
		_, _ = v.Put(c.DB(), from, hash)
		return
	}
	if added {
		c.Changed(to, 's', "sadd")
	}
	c.Out.Int(1)
}

// addMember makes member one of the set at key. It fails, and says so, if there is no room.
func addMember(c *engine.Call, key, member []byte) (added, ok bool) {
	s, _ := c.Shard(key)
	v := value.OpenSet(s, c.Peek(key))
	if added, ok = v.Add(member); !ok {
		c.Fail(engine.ErrOOM)
		return false, false
	}
	return added, putSet(c, &v, key)
}

func sismember(c *engine.Call) {
	if v, ok := readSet(c, c.Args[1]); ok {
		c.Out.Int(oneIf(v.Has(c.Args[2])))
	}
}

func smismember(c *engine.Call) {
	v, ok := readSet(c, c.Args[1])
	if !ok {
		return
	}
	c.Out.Array(len(c.Args) - 2)
	for _, member := range c.Args[2:] {
		c.Out.Int(oneIf(v.Has(member)))
	}
}

func scard(c *engine.Call) {
	if v, ok := readSet(c, c.Args[1]); ok {
		c.Out.Int(int64(v.Len()))
	}
}

func smembers(c *engine.Call) {
	v, ok := readSet(c, c.Args[1])
	if !ok {
		return
	}
	c.Out.Set(v.Len())
	bulkMembers(c, &v)
}

// bulkMembers answers all members, one after the other.
func bulkMembers(c *engine.Call, v *value.Set) {
	if ints, ok := v.Ints(); ok {
		for i := range ints.Len() {
			c.Out.BulkInt(ints.At(i))
		}
		return
	}
	for member := range v.All() {
		c.Out.Bulk(member)
	}
}

func sscan(c *engine.Call) {
	cursor, ok := scanCursor(c, c.Args[2])
	if !ok {
		return
	}
	v, ok := readSet(c, c.Args[1])
	switch {
	case !ok:
		return
	case v.Len() == 0:
		scanReply(c, 0, 0)
		return
	}
	r, ok := scanOptions(c, 3, false)
	if !ok {
		return
	}
	at, seen, matched := c.Out.Begin(), int64(0), 0
	for steps := r.scanSteps(); ; steps-- {
		cursor = v.Scan(cursor, func(member []byte) {
			seen++
			if r.match(member) {
				c.Out.Bulk(member)
				matched++
			}
		})
		if cursor == 0 || steps == 0 || seen >= r.count {
			break
		}
	}
	endScan(c, at, cursor, matched)
}

// endScan makes the answer of a scan of the n strings that have been written since at.
func endScan(c *engine.Call, at int, next uint64, n int) {
	found := bytes.Clone(c.Out.Bytes()[at:])
	c.Out.Truncate(at)
	scanReply(c, next, n)
	c.Out.Raw(found)
}

func oneIf(v bool) int64 {
	if v {
		return 1
	}
	return 0
}
