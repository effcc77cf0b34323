package command

import (
	"math"
	"strconv"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/number"
	"github.com/kvtool/kvtool/adapters/reference/wire"
)

// rawOf makes of a string, or of no key, one that is kept as raw and is at least n bytes long, the new ones zero (db.c:
// dbUnshareStringValue; sdsgrowzero). It answers the error itself.
func rawOf(c *engine.Call, key []byte, it keyspace.Item, n int64) (value []byte, ok bool) {
	old := it.Bytes()
	if it.Kind() == keyspace.KindRaw && int64(len(old)) >= n {
		return old, true
	}
	s, hash := c.Shard(key)
	it, ok = s.Resize(c.DB(), key, hash, it, keyspace.KindRaw, int(max(n, int64(len(old)))))
	if !ok {
		c.Fail(engine.ErrOOM)
		return nil, false
	}
	return it.Bytes(), true
}

func appendTo(c *engine.Call) {
	key, tail := c.Args[1], c.Args[2]
	it := c.Write(key)
	if !isString(c, it) {
		return
	}
	n := int64(len(it.Bytes()))
	if !it.OK() {
		if !put(c, key, it, stringKind(tail), tail) {
			c.Fail(engine.ErrOOM)
			return
		}
	} else {
		if tooLong(c, n, int64(len(tail))) {
			return
		}
		value, ok := rawOf(c, key, it, n+int64(len(tail)))
		if !ok {
			return
		}
		copy(value[n:], tail)
	}
	c.Changed(key, '$', "append")
	c.Out.Int(n + int64(len(tail)))
}

func setRange(c *engine.Call) {
	at, ok := c.Int(c.Args[2])
	if !ok {
		return
	}
	if at < 0 {
		c.Fail("ERR offset is out of range")
		return
	}
	key, part := c.Args[1], c.Args[3]
	it := c.Write(key)
	if !isString(c, it) {
		return
	}
	if len(part) == 0 {
		c.Out.Int(int64(len(it.Bytes())))
		return
	}
	if tooLong(c, at, int64(len(part))) {
		return
	}
	value, ok := rawOf(c, key, it, at+int64(len(part)))
	if !ok {
		return
	}
	copy(value[at:], part)
	c.Changed(key, '$', "setrange")
	c.Out.Int(int64(len(value)))
}

func incrBy(c *engine.Call) {
	if by, ok := c.Int(c.Args[2]); ok {
		increment(c, by)
	}
}

func decrBy(c *engine.Call) {
	by, ok := c.Int(c.Args[2])
	switch {
	case !ok:
	case by == math.MinInt64:
		c.Fail("ERR decrement would overflow")
	default:
		increment(c, -by)
	}
}

// increment is INCR and its relatives.
func increment(c *engine.Call, by int64) {
	key := c.Args[1]
	it := c.Write(key)
	if !isString(c, it) {
		return
	}
	n := int64(0)
	if it.OK() {
		var ok bool
		if n, ok = wire.ParseInt(it.Bytes()); !ok {
			c.Fail(engine.ErrNotInteger)
			return
		}
	}
	if by < 0 && n < math.MinInt64-by || by > 0 && n > math.MaxInt64-by {
		c.Fail(engine.ErrOverflow)
		return
	}
	n += by
	var digits [20]byte
	if !put(c, key, it, keyspace.KindInt, strconv.AppendInt(digits[:0], n, 10)) {
		c.Fail(engine.ErrOOM)
		return
	}
	c.Changed(key, '$', "incrby")
	c.Out.Int(n)
}

func incrByFloat(c *engine.Call) {
	key := c.Args[1]
	it := c.Write(key)
	if !isString(c, it) {
		return
	}
	var value number.LongDouble
	ok := true
	if it.OK() {
		value, ok = number.ParseLongDouble(it.Bytes())
	}
	by, ok2 := number.ParseLongDouble(c.Args[2])
	if !ok || !ok2 {
		c.Fail(engine.ErrNotFloat)
		return
	}
	sum := value.Add(by)
	if !sum.IsFinite() {
		c.Fail(engine.ErrWouldBeNaN)
		return
	}
	var digits [64]byte
	text := sum.AppendHuman(digits[:0])
	if !put(c, key, it, textKind(text), text) {
		c.Fail(engine.ErrOOM)
		return
	}
	c.Changed(key, '$', "incrbyfloat")
	c.Out.Bulk(text)
}
