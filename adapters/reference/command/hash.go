package command

import (
	"math"
	"strconv"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/number"
	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/adapters/reference/value"
	"github.com/kvtool/kvtool/adapters/reference/wire"
	"github.com/kvtool/kvtool/kv"
)

func hashCommands() []engine.Command {
	return []engine.Command{
		{Name: "hset", Run: hset, Warm: warmHash, Element: 2},
		{Name: "hmset", Run: hmset},
		{Name: "hsetnx", Run: hsetnx, Warm: warmHash, Element: 2},
		{Name: "hget", Run: hget, Warm: warmHash, Element: 2},
		{Name: "hmget", Run: hmget},
		{Name: "hgetall", Run: hgetall},
		{Name: "hkeys", Run: hkeys},
		{Name: "hvals", Run: hvals},
		{Name: "hdel", Run: hdel, Warm: warmHash, Element: 2},
		{Name: "hexists", Run: hexists, Warm: warmHash, Element: 2},
		{Name: "hlen", Run: hlen},
		{Name: "hstrlen", Run: hstrlen},
		{Name: "hincrby", Run: hincrby, Warm: warmHash, Element: 2},
		{Name: "hincrbyfloat", Run: hincrbyfloat},
		{Name: "hrandfield", Run: hrandfield},
		{Name: "hscan", Run: hscan},
	}
}

func warmHash(c *engine.Call, key []byte, fields [][]byte) {
	s, hash := c.Shard(key)
	if it := s.Look(c.DB(), key, hash); it.OK() && it.Type() == kv.TypeHash { // Look, as nothing has been asked yet
		h := value.OpenHash(s, it)
		h.Warm(fields)
	}
}

// writeHash opens the hash at Args[1] to change it; it answers the error itself.
func writeHash(c *engine.Call) (h value.Hash, ok bool) {
	it := c.Write(c.Args[1])
	if !typed(c, it, kv.TypeHash) {
		return h, false
	}
	s, _ := c.Shard(c.Args[1])
	return value.OpenHash(s, it), true
}

// readHash opens the hash at Args[1] to read it; an empty one if there is none. It answers the error itself.
func readHash(c *engine.Call) (h value.Hash, ok bool) {
	it := c.Read(c.Args[1])
	if !typed(c, it, kv.TypeHash) {
		return h, false
	}
	s, _ := c.Shard(c.Args[1])
	return value.OpenHash(s, it), true
}

// putHash writes a hash back to Args[1]; it answers the error itself.
func putHash(c *engine.Call, h *value.Hash) bool {
	_, hash := c.Shard(c.Args[1])
	if _, ok := h.Put(c.DB(), c.Args[1], hash); !ok {
		c.Fail(engine.ErrOOM)
		return false
	}
	return true
}

func hset(c *engine.Call) {
	if created, ok := setFields(c); ok {
		c.Out.Int(int64(created))
		c.Changed(c.Args[1], 'h', "hset")
	}
}

func hmset(c *engine.Call) {
	if _, ok := setFields(c); ok {
		c.Out.OK()
		c.Changed(c.Args[1], 'h', "hset")
	}
}

// setFields sets the fields among the arguments, and returns how many are new.
func setFields(c *engine.Call) (created int, ok bool) {
	if len(c.Args)%2 == 1 {
		c.FailArity()
		return 0, false
	}
	h, ok := writeHash(c)
	if !ok {
		return 0, false
	}
	h.Expect(c.Args[2:]...)
	for i := 2; i < len(c.Args); i += 2 {
		if h.Set(c.Args[i], c.Args[i+1]) {
			created++
		}
	}
	return created, putHash(c, &h)
}

func hsetnx(c *engine.Call) {
	h, ok := writeHash(c)
	if !ok {
		return
	}
	if h.Has(c.Args[2]) {
		c.Out.Int(0)
		return
	}
	h.Expect(c.Args[2:]...)
	h.Set(c.Args[2], c.Args[3])
	if putHash(c, &h) {
		c.Out.Int(1)
		c.Changed(c.Args[1], 'h', "hset")
	}
}

func hget(c *engine.Call) {
	if h, ok := readHash(c); ok {
		replyField(c, &h, c.Args[2])
	}
}

func hmget(c *engine.Call) {
	h, ok := readHash(c)
	if !ok {
		return
	}
	c.Out.Array(len(c.Args) - 2)
	for _, field := range c.Args[2:] {
		replyField(c, &h, field)
	}
}

func replyField(c *engine.Call, h *value.Hash, field []byte) {
	var buf [packed.IntBytes]byte
	if v, ok := h.Get(field, buf[:]); ok {
		c.Out.Bulk(v)
		return
	}
	c.Out.Null()
}

func hgetall(c *engine.Call) {
	h, ok := readHash(c)
	if !ok {
		return
	}
	c.Out.Map(h.Len())
	for field, v := range h.All() {
		c.Out.Bulk(field)
		c.Out.Bulk(v)
	}
}

func hkeys(c *engine.Call) {
	h, ok := readHash(c)
	if !ok {
		return
	}
	c.Out.Array(h.Len())
	for field := range h.All() {
		c.Out.Bulk(field)
	}
}

func hvals(c *engine.Call) {
	h, ok := readHash(c)
	if !ok {
		return
	}
	c.Out.Array(h.Len())
	for _, v := range h.All() {
		c.Out.Bulk(v)
	}
}

func hdel(c *engine.Call) {
	h, ok := writeHash(c)
	if !ok {
		return
	}
	deleted := 0
	for _, field := range c.Args[2:] {
		if h.Delete(field) {
			deleted++
		}
	}
	if deleted > 0 {
		gone := h.Len() == 0
		putHash(c, &h)
		c.Changed(c.Args[1], 'h', "hdel")
		if gone {
			c.Notify('g', "del", c.Args[1])
		}
	}
	c.Out.Int(int64(deleted))
}

func hexists(c *engine.Call) {
	h, ok := readHash(c)
	switch {
	case !ok:
	case h.Has(c.Args[2]):
		c.Out.Int(1)
	default:
		c.Out.Int(0)
	}
}

func hlen(c *engine.Call) {
	if h, ok := readHash(c); ok {
		c.Out.Int(int64(h.Len()))
	}
}

func hstrlen(c *engine.Call) {
	if h, ok := readHash(c); ok {
		var buf [packed.IntBytes]byte
		v, _ := h.Get(c.Args[2], buf[:])
		c.Out.Int(int64(len(v)))
	}
}

func hincrby(c *engine.Call) {
	by, ok := c.Int(c.Args[3])
	if !ok {
		return
	}
	h, ok := writeHash(c)
	if !ok {
		return
	}
	var buf [packed.IntBytes]byte
	n := int64(0)
	if v, has := h.Get(c.Args[2], buf[:]); has {
		if n, ok = wire.ParseInt(v); !ok {
			c.Fail(engine.ErrHashNotInteger)
			return
		}
	}
	if by < 0 && n < 0 && by < math.MinInt64-n || by > 0 && n > 0 && by > math.MaxInt64-n {
		c.Fail(engine.ErrOverflow)
		return
	}
	n += by
	h.Set(c.Args[2], strconv.AppendInt(buf[:0], n, 10))
	if putHash(c, &h) {
		c.Out.Int(n)
		c.Changed(c.Args[1], 'h', "hincrby")
	}
}

func hincrbyfloat(c *engine.Call) {
	by, ok := number.ParseLongDouble(c.Args[3])
	if !ok {
		c.Fail(engine.ErrNotFloat)
		return
	}
	if !by.IsFinite() {
		c.Fail(engine.ErrNaN)
		return
	}
	h, ok := writeHash(c)
	if !ok {
		return
	}
	var buf [packed.IntBytes]byte
	if v, has := h.Get(c.Args[2], buf[:]); has {
		old, ok := number.ParseLongDouble(v)
		if !ok {
			c.Fail(engine.ErrHashNotFloat)
			return
		}
		by = old.Add(by)
	}
	if !by.IsFinite() {
		c.Fail(engine.ErrWouldBeNaN)
		return
	}
	text := by.AppendHuman(nil)
	h.Set(c.Args[2], text)
	if putHash(c, &h) {
		c.Out.Bulk(text)
		c.Changed(c.Args[1], 'h', "hincrbyfloat")
	}
}

func hscan(c *engine.Call) {
	cursor, ok := scanCursor(c, c.Args[2])
	if !ok {
		return
	}
	h, ok := readHash(c)
	switch {
	case !ok:
		return
	case h.Len() == 0:
		scanReply(c, 0, 0)
		return
	}
	r, ok := scanOptions(c, 3, false)
	if !ok {
		return
	}
	at, seen, matched := c.Out.Begin(), int64(0), 0
	for steps := r.scanSteps(); ; steps-- {
		cursor = h.Scan(cursor, func(field, v []byte) {
			seen++
			if r.match(field) {
				c.Out.Bulk(field)
				c.Out.Bulk(v)
				matched += 2
			}
		})
		if cursor == 0 || steps == 0 || seen >= r.count {
			break
		}
	}
	endScan(c, at, cursor, matched)
}
