package command

import (
	"math/rand/v2"
	"slices"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/hll"
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/kv"
)

func hllCommands() []engine.Command {
	return []engine.Command{
		{Name: "pfadd", Run: pfadd},
		{Name: "pfcount", Run: pfcount},
		{Name: "pfmerge", Run: pfmerge},
		{Name: "pfdebug", Run: pfdebug},
		{Name: "pfselftest", Run: pfselftest},
	}
}

// isHLL reports whether a key that is there may be a HyperLogLog; it answers the error itself.
func isHLL(c *engine.Call, it keyspace.Item) bool {
	if !typed(c, it, kv.TypeString) {
		return false
	}
	if it.Kind() == keyspace.KindInt || !hll.Valid(it.Bytes()) {
		c.Fail(engine.ErrNotHLL)
		return false
	}
	return true
}

// growth is how the sparse values of a shard grow.
func growth(s *keyspace.Shard) hll.Growth {
	return hll.Growth{Most: s.Limits().HLLSparse, Room: s.Room}
}

// editHLL returns the value of a key to be changed: a dense one where it is, any other as a copy with the room that it has; a new
// one if there is none.
func editHLL(s *keyspace.Shard, it keyspace.Item) []byte {
	switch b := it.Bytes(); {
	case !it.OK():
		return hll.New()
	case hll.Dense(b) && it.Kind() == keyspace.KindRaw:
		return b
	default:
		room := it.Room()
		return append(s.Scratch(room), b...)[:len(b):room]
	}
}

// putHLL writes a value back, with the room that it has; it answers the error itself.
func putHLL(c *engine.Call, key []byte, it keyspace.Item, b []byte) bool {
	s, hash := c.Shard(key)
	if old := it.Bytes(); it.Kind() == keyspace.KindRaw && len(old) == len(b) && &old[0] == &b[0] {
		return true
	}
	if _, ok := s.PutRoom(c.DB(), key, hash, it, keyspace.KindRaw, b, cap(b)); !ok {
		c.Fail(engine.ErrOOM)
		return false
	}
	return true
}

func pfadd(c *engine.Call) {
	key := c.Args[1]
	s, _ := c.Shard(key)
	it := c.Write(key)
	if it.OK() && !isHLL(c, it) {
		return
	}
	b, updated := editHLL(s, it), !it.OK()
	for _, elem := range c.Args[2:] {
		var changed, ok bool
		if b, changed, ok = hll.Add(b, elem, growth(s)); !ok {
			if putHLL(c, key, it, b) { // what was changed before that was found stays, in silence
				c.Fail(engine.ErrCorruptHLL)
			}
			return
		}
		updated = updated || changed
	}
	if updated {
		hll.Invalidate(b)
	}
	switch {
	case !putHLL(c, key, it, b):
	case updated:
		c.Changed(key, '$', "pfadd")
		c.Out.Int(1)
	default:
		c.Out.Int(0)
	}
}

func pfcount(c *engine.Call) {
	if len(c.Args) > 2 {
		pfcountUnion(c)
		return
	}
	key := c.Args[1]
	it := c.Read(key)
	if !it.OK() {
		c.Out.Int(0)
		return
	}
	if !isHLL(c, it) {
		return
	}
	b := it.Bytes()
	n, fresh := hll.Cached(b)
	if !fresh {
		var ok bool
		if n, ok = hll.Count(b); !ok {
			c.Fail(engine.ErrCorruptHLL)
			return
		}
	}
	if !fresh || it.Kind() != keyspace.KindRaw { // a value that is looked at becomes raw, as in a server
		s, _ := c.Shard(key)
		b = editHLL(s, it)
		if !fresh {
			hll.SetCached(b, n)
		}
		if !putHLL(c, key, it, b) {
			return
		}
	}
	if !fresh {
		c.Touched(key)
	}
	c.Out.Int(int64(n))
}

// pfcountUnion counts several keys as one.
func pfcountUnion(c *engine.Call) {
	var r hll.Registers
	if _, ok := mergeHLLs(c, &r, c.Args[1:]); ok {
		c.Out.Int(int64(r.Count()))
	}
}

// mergeHLLs raises registers to those of keys, and reports whether one of them is dense; it answers the error itself.
func mergeHLLs(c *engine.Call, r *hll.Registers, keys [][]byte) (dense, ok bool) {
	for _, key := range keys {
		it := c.Read(key)
		if !it.OK() {
			continue
		}
		if !isHLL(c, it) {
			return false, false
		}
		dense = dense || hll.Dense(it.Bytes())
		if !r.Merge(it.Bytes()) {
			c.Fail(engine.ErrCorruptHLL)
			return false, false
		}
	}
	return dense, true
}

func pfmerge(c *engine.Call) {
	var r hll.Registers
	dense, ok := mergeHLLs(c, &r, c.Args[1:])
	if !ok {
		return
	}
	key := c.Args[1]
	s, _ := c.Shard(key)
	it := c.Write(key)
	b := editHLL(s, it)
	if dense {
		if b, ok = hll.ToDense(b); !ok {
			c.Fail(engine.ErrCorruptHLL)
			return
		}
	}
	if b = r.Store(b, growth(s)); putHLL(c, key, it, b) {
		c.Changed(key, '$', "pfadd")
		c.Out.OK()
	}
}

func pfselftest(c *engine.Call) {
	if err := hll.SelfTest(rand.New(rand.NewPCG(uint64(c.Now()), 0))); err != nil {
		c.Fail("ERR " + err.Error())
		return
	}
	c.Out.OK()
}

// pfdebug shows what a value is made of. GETREG and TODENSE make it dense.
func pfdebug(c *engine.Call) {
	key := c.Args[2]
	it := c.Write(key)
	if !it.OK() {
		c.Fail(engine.ErrNoSuchKey)
		return
	}
	if !isHLL(c, it) {
		return
	}
	if it.Kind() != keyspace.KindRaw { // which is what dbUnshareStringValue makes of it
		s, hash := c.Shard(key)
		var ok bool
		if it, ok = s.PutBytes(c.DB(), key, hash, it, keyspace.KindRaw, slices.Clone(it.Bytes())); !ok {
			c.Fail(engine.ErrOOM)
			return
		}
	}
	what := c.Args[1]
	at := slices.IndexFunc(debugHLL, func(d hllDebug) bool { return is(what, d.name) })
	switch {
	case at < 0:
		c.Fail("ERR Unknown PFDEBUG subcommand '" + cString(what) + "'")
	case len(c.Args) != 3:
		c.Fail("ERR Wrong number of arguments for the '" + cString(what) + "' subcommand")
	default:
		debugHLL[at].run(c, key, it)
	}
}

type hllDebug struct {
	name string
	run  func(c *engine.Call, key []byte, it keyspace.Item)
}

var debugHLL = []hllDebug{
	{"getreg", func(c *engine.Call, key []byte, it keyspace.Item) {
		if it, ok := makeDense(c, key, it); ok {
			c.Out.Array(len(hll.Registers{}))
			for _, v := range hll.Of(it.Bytes()) {
				c.Out.Int(int64(v))
			}
		}
	}},
	{"decode", func(c *engine.Call, _ []byte, it keyspace.Item) {
		if hll.Dense(it.Bytes()) {
			c.Fail(engine.ErrNotSparse)
			return
		}
		c.Out.Bulk(hll.AppendRuns(nil, it.Bytes()))
	}},
	{"encoding", func(c *engine.Call, _ []byte, it keyspace.Item) {
		if hll.Dense(it.Bytes()) {
			c.Out.Simple("dense")
			return
		}
		c.Out.Simple("sparse")
	}},
	{"todense", func(c *engine.Call, key []byte, it keyspace.Item) {
		was := hll.Dense(it.Bytes())
		if _, ok := makeDense(c, key, it); ok && was {
			c.Out.Int(0)
		} else if ok {
			c.Out.Int(1)
		}
	}},
}

// makeDense makes the value of a key dense; it answers the error itself.
func makeDense(c *engine.Call, key []byte, it keyspace.Item) (keyspace.Item, bool) {
	s, hash := c.Shard(key)
	b, ok := hll.ToDense(it.Bytes())
	if !ok {
		c.Fail(engine.ErrCorruptHLL)
		return it, false
	}
	if it, ok = s.PutBytes(c.DB(), key, hash, it, keyspace.KindRaw, b); !ok {
		c.Fail(engine.ErrOOM)
	}
	return it, ok
}
