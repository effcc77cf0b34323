package command

import (
	"math"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/kv"
)

func stringCommands() []engine.Command {
	return []engine.Command{
		{Name: "get", Run: get},
		{Name: "set", Run: set},
		{Name: "setnx", Run: setNX},
		{Name: "setex", Run: setEX},
		{Name: "psetex", Run: pSetEX},
		{Name: "getset", Run: getSet},
		{Name: "getdel", Run: getDel},
		{Name: "getex", Run: getEX},
		{Name: "mget", Run: mGet},
		{Name: "mset", Run: mSet},
		{Name: "msetnx", Run: mSetNX},
		{Name: "strlen", Run: strLen},
		{Name: "getrange", Run: getRange},
		{Name: "substr", Run: getRange},
		{Name: "append", Run: appendTo},
		{Name: "setrange", Run: setRange},
		{Name: "incr", Run: func(c *engine.Call) { increment(c, 1) }},
		{Name: "decr", Run: func(c *engine.Call) { increment(c, -1) }},
		{Name: "incrby", Run: incrBy},
		{Name: "decrby", Run: decrBy},
		{Name: "incrbyfloat", Run: incrByFloat},
		{Name: "lcs", Run: lcs},
	}
}

// embstr is the longest string that shares a block with its object (object.c: OBJ_ENCODING_EMBSTR_SIZE_LIMIT).
const embstr = 44

// stringKind returns how a server keeps a string that it is given whole (object.c: tryObjectEncoding).
func stringKind(value []byte) keyspace.Kind {
	if len(value) <= 20 {
		if _, ok := packed.Int(value); ok {
			return keyspace.KindInt
		}
	}
	return textKind(value)
}

// textKind is stringKind for one that is not looked at for being a number.
func textKind(value []byte) keyspace.Kind {
	if len(value) <= embstr {
		return keyspace.KindEmbstr
	}
	return keyspace.KindRaw
}

// put gives a key a string; old is the key as it was found, and its expiry stays. It reports false if there is no room.
func put(c *engine.Call, key []byte, old keyspace.Item, k keyspace.Kind, value []byte) bool {
	s, hash := c.Shard(key)
	_, ok := s.PutBytes(c.DB(), key, hash, old, k, value)
	return ok
}

// overwrite is put that takes the expiry away (db.c: setKey).
func overwrite(c *engine.Call, key []byte, old keyspace.Item, k keyspace.Kind, value []byte) bool {
	if old.Expiry() != 0 {
		s, _ := c.Shard(key)
		old, _ = s.SetExpiry(old, 0) // less than before: there is room for it
	}
	return put(c, key, old, k, value)
}

// isString reports whether it is a string or no key. It answers the error itself.
func isString(c *engine.Call, it keyspace.Item) bool {
	if it.OK() && !it.Kind().IsString() {
		c.Fail(engine.ErrWrongType)
		return false
	}
	return true
}

// answer answers with a string or null, and reports false if it is neither (t_string.c: getGenericCommand).
func answer(c *engine.Call, it keyspace.Item) bool {
	switch {
	case !it.OK():
		c.Out.Null()
	case !it.Kind().IsString():
		c.Fail(engine.ErrWrongType)
		return false
	default:
		c.Out.Bulk(it.Bytes())
	}
	return true
}

func get(c *engine.Call) { answer(c, c.Read(c.Args[1])) }

func mGet(c *engine.Call) {
	c.Out.Array(len(c.Args) - 1)
	for _, key := range c.Args[1:] {
		if it := c.Read(key); it.Type() == kv.TypeString {
			c.Out.Bulk(it.Bytes())
		} else {
			c.Out.Null()
		}
	}
}

func strLen(c *engine.Call) {
	if it := c.Read(c.Args[1]); isString(c, it) {
		c.Out.Int(int64(len(it.Bytes())))
	}
}

func getSet(c *engine.Call) {
	key, value := c.Args[1], c.Args[2]
	if !answer(c, c.Read(key)) {
		return
	}
	if !overwrite(c, key, c.Write(key), stringKind(value), value) {
		c.Fail(engine.ErrOOM)
		return
	}
	c.Changed(key, '$', "set")
}

func getDel(c *engine.Call) {
	key := c.Args[1]
	it := c.Read(key)
	if answer(c, it) && c.Delete(it) {
		c.Changed(key, 'g', "del")
	}
}

func mSet(c *engine.Call) {
	if setAll(c) {
		c.Out.OK()
	}
}

func mSetNX(c *engine.Call) {
	if len(c.Args)%2 == 0 {
		c.FailArity()
		return
	}
	for i := 1; i < len(c.Args); i += 2 {
		if c.Write(c.Args[i]).OK() {
			c.Out.Int(0)
			return
		}
	}
	if setAll(c) {
		c.Out.Int(1)
	}
}

// setAll sets all keys of MSET.
func setAll(c *engine.Call) bool {
	if len(c.Args)%2 == 0 {
		c.FailArity()
		return false
	}
	for i := 1; i < len(c.Args); i += 2 {
		key, value := c.Args[i], c.Args[i+1]
		if !overwrite(c, key, c.Write(key), stringKind(value), value) {
			c.Fail(engine.ErrOOM)
			return false
		}
		c.Changed(key, '$', "set")
	}
	return true
}

// getRange is GETRANGE and SUBSTR: both ends count, and negative ones are from the end of the string.
func getRange(c *engine.Call) {
	first, ok := c.Int(c.Args[2])
	if !ok {
		return
	}
	last, ok := c.Int(c.Args[3])
	if !ok {
		return
	}
	it := c.Read(c.Args[1])
	if !isString(c, it) {
		return
	}
	value := it.Bytes()
	if first < 0 && last < 0 && first > last {
		c.Out.Text("")
		return
	}
	first, last = span(first, last, int64(len(value)))
	if first > last {
		c.Out.Text("")
		return
	}
	c.Out.Bulk(value[first : last+1])
}

// span makes of two places, each of which may be negative and then counts from the end, places among n; first is above last if
// there are none between.
func span(first, last, n int64) (int64, int64) {
	if first < 0 {
		first = max(0, first+n)
	}
	if last < 0 {
		last = max(0, last+n)
	}
	return first, min(last, n-1)
}

// tooLong answers an error if a string of so many bytes, and more after them, is too long (t_string.c: checkStringLength).
func tooLong(c *engine.Call, size, more int64) bool {
	if size > math.MaxInt64-more || size+more > int64(c.Engine().MaxBulk()) {
		c.Fail("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
		return true
	}
	return false
}
