package command

import (
	"math"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/value"
	"github.com/kvtool/kvtool/kv"
)

// popEnd says from which end of a sorted set members are popped.
type popEnd uint8

const (
	popMin popEnd = iota
	popMax
)

// A zpopReply is the form of an answer.
type zpopReply struct {
	key  bool // before the members
	nest bool // each member with its score is an array of its own
}

// popInto answers up to n members of one end, and takes them out. The set must not be empty.
func popInto(c *engine.Call, v *value.ZSet, key []byte, end popEnd, n int64, form zpopReply) {
	count := int(min(n, int64(v.Len())))
	start := c.Out.Len()
	switch {
	case form.key && form.nest:
		c.Out.Array(2)
		c.Out.Bulk(key)
		c.Out.Array(count)
	case form.key:
		c.Out.Array(2*count + 1)
		c.Out.Bulk(key)
	case form.nest:
		c.Out.Array(count)
	default:
		c.Out.Array(2 * count)
	}
	from, first := 0, 0
	if end == popMax {
		from, first = v.Len()-1, v.Len()-count
	}
	eachOfRange(v, from, count, end == popMax, func(member []byte, score float64) {
		if form.nest {
			c.Out.Array(2)
		}
		c.Out.Bulk(member)
		c.Out.Double(score)
	})
	v.RemoveRange(first, count)
	left := v.Len()
	_, hash := c.Shard(key)
	if _, ok := v.Put(c.DB(), key, hash); !ok {
		c.Out.Truncate(start)
		c.Fail(engine.ErrOOM)
		return
	}
	changedOrGone(c, key, 'z', [...]string{"zpopmin", "zpopmax"}[end], left)
}

func zpop(c *engine.Call, end popEnd) {
	if len(c.Args) > 3 {
		c.Fail(engine.ErrSyntax)
		return
	}
	n := int64(1)
	if len(c.Args) == 3 {
		var ok bool
		if n, ok = intWithin(c, c.Args[2], 0, math.MaxInt64, engine.ErrNotPositive); !ok {
			return
		}
	}
	v, ok := writeZSet(c, c.Args[1])
	switch {
	case !ok:
	case n == 0 || v.Len() == 0:
		c.Out.Array(0)
	default:
		popInto(c, &v, c.Args[1], end, n, zpopReply{nest: len(c.Args) == 3 && c.Out.RESP3()})
	}
}

// zpopFirst pops from the first of keys that is there, and reports whether it has answered: an error, too.
func zpopFirst(c *engine.Call, keys [][]byte, end popEnd, n int64, form zpopReply) bool {
	for _, key := range keys {
		v, ok := writeZSet(c, key)
		if !ok {
			return true
		}
		if v.Len() > 0 {
			popInto(c, &v, key, end, n, form)
			return true
		}
	}
	return false
}

// A zmpopRequest is what ZMPOP and BZMPOP are asked for.
type zmpopRequest struct {
	keys  [][]byte
	end   popEnd
	count int64
}

// zmpopOptions reads numkeys key … MIN|MAX [COUNT n] from args[from] on. It answers the error itself.
func zmpopOptions(c *engine.Call, from int) (r zmpopRequest, ok bool) {
	n, ok := intWithin(c, c.Args[from], 1, math.MaxInt64, engine.ErrNumKeys)
	if !ok {
		return r, false
	}
	rest := c.Args[from+1:]
	if n >= int64(len(rest)) {
		c.Fail(engine.ErrSyntax)
		return r, false
	}
	r = zmpopRequest{keys: rest[:n], count: 1}
	switch end := rest[n]; {
	case is(end, "min"):
	case is(end, "max"):
		r.end = popMax
	default:
		c.Fail(engine.ErrSyntax)
		return r, false
	}
	switch rest = rest[n+1:]; {
	case len(rest) == 0:
		return r, true
	case !is(rest[0], "count") || len(rest) == 1:
		c.Fail(engine.ErrSyntax)
		return r, false
	}
	if r.count, ok = intWithin(c, rest[1], 1, math.MaxInt64, engine.ErrCount); ok && len(rest) > 2 {
		c.Fail(engine.ErrSyntax)
		ok = false
	}
	return r, ok
}

func zmpop(c *engine.Call) {
	r, ok := zmpopOptions(c, 1)
	if ok && !zpopFirst(c, r.keys, r.end, r.count, zpopReply{key: true, nest: true}) {
		c.Out.NullArray()
	}
}

func bzpop(c *engine.Call, end popEnd) {
	last := len(c.Args) - 1
	if timeout, ok := timeoutMS(c, c.Args[last]); ok {
		zpopOrBlock(c, c.Args[1:last], timeout, end, 1, zpopReply{key: true})
	}
}

func bzmpop(c *engine.Call) {
	r, ok := zmpopOptions(c, 2)
	if !ok {
		return
	}
	if timeout, ok := timeoutMS(c, c.Args[1]); ok {
		zpopOrBlock(c, r.keys, timeout, r.end, r.count, zpopReply{key: true, nest: true})
	}
}

// zpopOrBlock waits for the first key to have members if none has.
func zpopOrBlock(c *engine.Call, keys [][]byte, timeout int64, end popEnd, n int64, form zpopReply) {
	if zpopFirst(c, keys, end, n, form) {
		return
	}
	serve := func(c *engine.Call, key []byte) bool {
		it := c.Write(key)
		if !it.OK() || it.Type() != kv.TypeZSet {
			return false
		}
		s, _ := c.Shard(key)
		v := value.OpenZSet(s, it)
		popInto(c, &v, key, end, n, form)
		return true
	}
	c.Block(keys, timeout, serve, noArray)
}
