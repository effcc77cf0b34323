package command

import (
	"math"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/adapters/reference/value"
	"github.com/kvtool/kvtool/kv"
)

func listCommands() []engine.Command {
	return []engine.Command{
		{Name: "lpush", Run: func(c *engine.Call) { push(c, true, false) }},
		{Name: "rpush", Run: func(c *engine.Call) { push(c, false, false) }},
		{Name: "lpushx", Run: func(c *engine.Call) { push(c, true, true) }},
		{Name: "rpushx", Run: func(c *engine.Call) { push(c, false, true) }},
		{Name: "lpop", Run: func(c *engine.Call) { pop(c, true) }},
		{Name: "rpop", Run: func(c *engine.Call) { pop(c, false) }},
		{Name: "llen", Run: llen},
		{Name: "lindex", Run: lindex},
		{Name: "lset", Run: lset},
		{Name: "linsert", Run: linsert},
		{Name: "lrange", Run: lrange},
		{Name: "ltrim", Run: ltrim},
		{Name: "lrem", Run: lrem},
		{Name: "lpos", Run: lpos},
		{Name: "lmove", Run: lmove},
		{Name: "rpoplpush", Run: rpoplpush},
		{Name: "lmpop", Run: lmpop},
		{Name: "blpop", Run: func(c *engine.Call) { blockingPop(c, true) }},
		{Name: "brpop", Run: func(c *engine.Call) { blockingPop(c, false) }},
		{Name: "blmove", Run: blmove},
		{Name: "brpoplpush", Run: brpoplpush},
		{Name: "blmpop", Run: blmpop},
	}
}

// pushEvent and popEvent name the events of either end.
func pushEvent(front bool) string {
	if front {
		return "lpush"
	}
	return "rpush"
}

func popEvent(front bool) string {
	if front {
		return "lpop"
	}
	return "rpop"
}

// writeList opens the list at a key to change it; it answers the error itself.
func writeList(c *engine.Call, key []byte) (l value.List, ok bool) {
	it := c.Write(key)
	if !typed(c, it, kv.TypeList) {
		return l, false
	}
	s, _ := c.Shard(key)
	return value.OpenList(s, it), true
}

// readList opens the list at Args[1] to read it; an empty one if there is none. It answers the error itself.
func readList(c *engine.Call) (l value.List, ok bool) {
	it := c.Read(c.Args[1])
	if !typed(c, it, kv.TypeList) {
		return l, false
	}
	s, _ := c.Shard(c.Args[1])
	return value.OpenList(s, it), true
}

// putList writes a list back; it answers the error itself.
func putList(c *engine.Call, l *value.List, key []byte) bool {
	_, hash := c.Shard(key)
	if _, ok := l.Put(c.DB(), key, hash); !ok {
		c.Fail(engine.ErrOOM)
		return false
	}
	return true
}

func push(c *engine.Call, front, mustExist bool) {
	key := c.Args[1]
	l, ok := writeList(c, key)
	if !ok {
		return
	}
	isNew := l.Len() == 0
	if isNew && mustExist {
		c.Out.Int(0)
		return
	}
	for _, elem := range c.Args[2:] {
		l.Push(elem, front)
	}
	n := l.Len()
	if !putList(c, &l, key) {
		return
	}
	c.Out.Int(int64(n))
	c.Changed(key, 'l', pushEvent(front))
	if isNew {
		c.Ready(key)
	}
}

// pop is LPOP and RPOP.
func pop(c *engine.Call, front bool) {
	if len(c.Args) > 3 {
		c.FailArity()
		return
	}
	count, counted := int64(1), len(c.Args) == 3
	if counted {
		var ok bool
		if count, ok = intWithin(c, c.Args[2], 0, math.MaxInt64, engine.ErrNotPositive); !ok {
			return
		}
	}
	l, ok := writeList(c, c.Args[1])
	switch {
	case !ok:
	case l.Len() == 0 && counted:
		c.Out.NullArray()
	case l.Len() == 0:
		c.Out.Null()
	case count == 0:
		c.Out.Array(0)
	case counted:
		popSome(c, &l, c.Args[1], front, count)
	default:
		popOne(c, &l, c.Args[1], front)
	}
}

// popOne answers with the element at an end of a list that has one, and takes it out.
func popOne(c *engine.Call, l *value.List, key []byte, front bool) {
	var buf [packed.IntBytes]byte
	i := l.Len() - 1
	if front {
		i = 0
	}
	c.Out.Bulk(l.Index(i, buf[:]))
	l.Delete(i, 1)
	popped(c, l, key, front)
}

// popSome answers with count elements from an end, or as many as there are, and takes them out.
func popSome(c *engine.Call, l *value.List, key []byte, front bool, count int64) {
	n := int(min(count, int64(l.Len())))
	first := l.Len() - n
	if front {
		first = 0
	}
	replyRange(c, l, first, first+n, !front)
	l.Delete(first, n)
	popped(c, l, key, front)
}

// popped writes a list back from which elements were taken (t_list.c: listElementsRemoved).
func popped(c *engine.Call, l *value.List, key []byte, front bool) {
	gone := l.Len() == 0
	_, hash := c.Shard(key)
	l.Put(c.DB(), key, hash)
	c.Changed(key, 'l', popEvent(front))
	if gone {
		c.Notify('g', "del", key)
	}
}

// replyRange answers elements lo to hi-1, the last one first if reverse is set.
func replyRange(c *engine.Call, l *value.List, lo, hi int, reverse bool) {
	c.Out.Array(hi - lo)
	for elem := range l.Range(lo, hi, reverse) {
		c.Out.Bulk(elem)
	}
}

func llen(c *engine.Call) {
	if l, ok := readList(c); ok {
		c.Out.Int(int64(l.Len()))
	}
}

func lindex(c *engine.Call) {
	l, ok := readList(c)
	if !ok {
		return
	}
	n := int64(l.Len())
	if n == 0 {
		c.Out.Null()
		return
	}
	i, ok := c.Int(c.Args[2])
	if !ok {
		return
	}
	if i < 0 {
		i += n
	}
	if i < 0 || i >= n {
		c.Out.Null()
		return
	}
	var buf [packed.IntBytes]byte
	c.Out.Bulk(l.Index(int(i), buf[:]))
}

func lset(c *engine.Call) {
	key := c.Args[1]
	l, ok := writeList(c, key)
	if !ok {
		return
	}
	n := int64(l.Len())
	if n == 0 {
		c.Fail(engine.ErrNoKey)
		return
	}
	i, ok := c.Int(c.Args[2])
	if !ok {
		return
	}
	if i < 0 {
		i += n
	}
	if i < 0 || i >= n {
		c.Fail(engine.ErrOutOfRange)
		return
	}
	l.Set(int(i), c.Args[3])
	if putList(c, &l, key) {
		c.Out.OK()
		c.Changed(key, 'l', "lset")
	}
}

func linsert(c *engine.Call) {
	after := is(c.Args[2], "after")
	if !after && !is(c.Args[2], "before") {
		c.Fail(engine.ErrSyntax)
		return
	}
	key := c.Args[1]
	l, ok := writeList(c, key)
	switch {
	case !ok:
		return
	case l.Len() == 0:
		c.Out.Int(0)
		return
	case !l.Insert(c.Args[3], c.Args[4], after):
		c.Out.Int(-1)
		return
	}
	n := l.Len()
	if putList(c, &l, key) {
		c.Out.Int(int64(n))
		c.Changed(key, 'l', "linsert")
	}
}

// bounds makes elements lo to hi-1 of two indices, both included, negative ones from the end.
func bounds(first, last int64, n int) (lo, hi int) {
	count := int64(n)
	if first < 0 {
		first = max(0, first+count)
	}
	if last < 0 {
		last += count
	}
	if first > last || first >= count {
		return 0, 0
	}
	return int(first), int(min(last, count-1)) + 1
}

func lrange(c *engine.Call) {
	first, ok := c.Int(c.Args[2])
	if !ok {
		return
	}
	last, ok := c.Int(c.Args[3])
	if !ok {
		return
	}
	if l, ok := readList(c); ok {
		lo, hi := bounds(first, last, l.Len())
		replyRange(c, &l, lo, hi, false)
	}
}

func ltrim(c *engine.Call) {
	first, ok := c.Int(c.Args[2])
	if !ok {
		return
	}
	last, ok := c.Int(c.Args[3])
	if !ok {
		return
	}
	key := c.Args[1]
	l, ok := writeList(c, key)
	if !ok {
		return
	}
	if n := l.Len(); n > 0 {
		lo, hi := bounds(first, last, n)
		l.Delete(hi, n-hi)
		l.Delete(0, lo)
		if !putList(c, &l, key) {
			return
		}
		c.Changed(key, 'l', "ltrim")
		if lo == hi {
			c.Notify('g', "del", key)
		}
	}
	c.Out.OK()
}

func lrem(c *engine.Call) {
	count, ok := c.Int(c.Args[2])
	if !ok {
		return
	}
	key := c.Args[1]
	l, ok := writeList(c, key)
	if !ok {
		return
	}
	removed := l.Remove(c.Args[3], int(count))
	if removed > 0 {
		gone := l.Len() == 0
		putList(c, &l, key)
		c.Changed(key, 'l', "lrem")
		if gone {
			c.Notify('g', "del", key)
		}
	}
	c.Out.Int(int64(removed))
}
