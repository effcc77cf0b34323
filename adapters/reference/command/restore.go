package command

import (
	"github.com/kvtool/kvtool/adapters/reference/dump"
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/adapters/reference/value"
	"github.com/kvtool/kvtool/internal/evict"
	"github.com/kvtool/kvtool/kv"
)

// restoreOptions are those of RESTORE; -1 is that there is none.
type restoreOptions struct {
	replace, absolute bool
	idle, freq        int64 // seconds; counter
}

func restoreArguments(c *engine.Call) (o restoreOptions, ok bool) {
	o.idle, o.freq = -1, -1
	for i := 4; i < len(c.Args); i++ {
		switch arg := c.Args[i]; {
		case is(arg, "replace"):
			o.replace = true
		case is(arg, "absttl"):
			o.absolute = true
		case is(arg, "idletime") && i+1 < len(c.Args) && o.freq == -1:
			i++
			if o.idle, ok = c.Int(c.Args[i]); !ok {
				return o, false
			}
			if o.idle < 0 {
				c.Fail("ERR Invalid IDLETIME value, must be >= 0")
				return o, false
			}
		case is(arg, "freq") && i+1 < len(c.Args) && o.idle == -1:
			i++
			if o.freq, ok = c.Int(c.Args[i]); !ok {
				return o, false
			}
			if o.freq < 0 || o.freq > 255 {
				c.Fail("ERR Invalid FREQ value, must be >= 0 and <= 255")
				return o, false
			}
		default:
			c.Fail(engine.ErrSyntax)
			return o, false
		}
	}
	return o, true
}

// restore is RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME s] [FREQ n].
func restore(c *engine.Call) {
	o, ok := restoreArguments(c)
	if !ok {
		return
	}
	key := c.Args[1]
	if !o.replace && c.Write(key).OK() {
		c.Fail("BUSYKEY Target key name already exists.")
		return
	}
	ms, ok := c.Int(c.Args[2])
	if !ok {
		return
	}
	if ms < 0 {
		c.Fail("ERR Invalid TTL value, must be >= 0")
		return
	}
	code, body, ok := dump.Open(c.Args[3])
	if !ok {
		c.Fail("ERR DUMP payload version or checksum are wrong")
		return
	}
	v, err := new(dump.Reader).Read(code, body, false)
	if err != nil || code > dump.Newest || !intact(v) {
		c.Fail("ERR Bad data format")
		return
	}
	if ms != 0 && !o.absolute {
		ms += c.Now()
	}
	restoreValue(c, key, v, ms, o)
}

// restoreValue makes v, which is intact, the value of a key, which may be there. One that has expired already only deletes it.
func restoreValue(c *engine.Call, key []byte, v *dump.Value, ms int64, o restoreOptions) {
	s, hash := c.Shard(key)
	old := c.Peek(key)
	if ms != 0 && ms <= c.Now() {
		if c.Delete(old) {
			c.Changed(key, 'g', "del")
		}
		c.Out.OK()
		return
	}
	c.Delete(old)
	it, ok := build(s, c.DB(), key, hash, v)
	if ok && ms != 0 {
		if it, ok = s.SetExpiry(it, ms); !ok {
			s.Delete(it)
		}
	}
	if !ok {
		c.Fail(engine.ErrOOM)
		return
	}
	setAccess(s, it, o.idle, o.freq)
	c.Changed(key, 'g', "restore")
	c.Arrived(it)
	c.Out.OK()
}

// setAccess tells the eviction policy when, or how often, a key was used; -1 is not known. What is of the other kind of policy
// than the one in force is not looked at (object.c: objectSetLRUOrLFU).
func setAccess(s *keyspace.Shard, it keyspace.Item, idle, freq int64) {
	lfu := s.Settings().Policy.LFU()
	switch {
	case lfu && freq >= 0:
		it.SetState(s.Settings().LFU.State(uint8(freq), s.Now()))
	case !lfu && idle >= 0:
		it.SetState(evict.IdleState(idle, s.Now()))
	}
}

// intact reports whether no member and no field is there twice.
func intact(v *dump.Value) bool {
	step := 1
	switch v.Type {
	case kv.TypeString, kv.TypeList:
		return true
	case kv.TypeHash:
		step = 2
	}
	seen := make(map[string]struct{}, len(v.Items)/step)
	for i := 0; i < len(v.Items); i += step {
		seen[string(v.Items[i])] = struct{}{}
	}
	return len(seen) == len(v.Items)/step
}

// build makes a key of a value; there must be no such key, and the value must be intact. Encodings are those that a server gives
// what it loads (rdb.c: rdbLoadObject): a value that was one block stays one unless it has too many elements. It reports false,
// and there is no key, if there is no room.
func build(s *keyspace.Shard, db int, key []byte, hash uint64, v *dump.Value) (keyspace.Item, bool) {
	var it keyspace.Item
	var ok bool
	switch v.Type {
	case kv.TypeList:
		it, ok = buildList(s, v).Put(db, key, hash)
	case kv.TypeSet:
		if v.Width > 0 && len(v.Items) <= s.Limits().SetInts {
			return s.PutBytes(db, key, hash, it, keyspace.KindSetInts, buildIntset(v))
		}
		set := value.NewSet(s)
		for _, member := range v.Items {
			if _, ok := set.Add(member); !ok {
				set.Release()
				return it, false
			}
		}
		it, ok = set.Put(db, key, hash)
	case kv.TypeHash:
		it, ok = buildHash(s, v).Put(db, key, hash)
	case kv.TypeZSet:
		return buildZSet(s, db, key, hash, v)
	default:
		text := v.Items[0]
		return s.PutBytes(db, key, hash, it, stringKind(text), text)
	}
	if !ok && it.OK() {
		s.Delete(it)
	}
	return it, ok
}

// buildList keeps the nodes that were saved.
func buildList(s *keyspace.Shard, v *dump.Value) *value.List {
	l := value.OpenList(s, keyspace.Item{})
	items := v.Items
	for _, n := range v.Nodes {
		p := packed.New()
		for _, item := range items[:n] {
			p = p.Append(item)
		}
		items = items[n:]
		l.AppendNode(p)
	}
	for _, item := range items {
		l.Push(item, false)
	}
	return &l
}

// buildIntset keeps the width that was saved.
func buildIntset(v *dump.Value) packed.Intset {
	ints := packed.Intset{byte(v.Width)}
	for _, item := range v.Items {
		n, _ := packed.Int(item)
		ints, _ = ints.Add(n)
	}
	return ints
}

func buildHash(s *keyspace.Shard, v *dump.Value) *value.Hash {
	h := value.OpenHash(s, keyspace.Item{})
	if v.Block {
		p := packed.New()
		for _, item := range v.Items {
			p = p.Append(item)
		}
		h.Adopt(p)
		return &h
	}
	for i := 0; i < len(v.Items); i += 2 {
		h.Set(v.Items[i], v.Items[i+1])
	}
	return &h
}

func buildZSet(s *keyspace.Shard, db int, key []byte, hash uint64, v *dump.Value) (keyspace.Item, bool) {
	members := make([]value.Scored, len(v.Items))
	for i, m := range v.Items {
		members[i] = value.Scored{Member: m, Score: v.Scores[i]}
	}
	sortScored(members)
	if v.Block && len(members) <= s.Limits().ZSetEntries {
		p := packed.New()
		var buf [32]byte
		for _, m := range members {
			p = p.Append(m.Member).Append(value.AppendScore(buf[:0], m.Score))
		}
		return s.PutBytes(db, key, hash, keyspace.Item{}, keyspace.KindZSetPacked, p)
	}
	set := value.NewZSet(s)
	if !set.Fill(members) {
		return keyspace.Item{}, false
	}
	return set.Put(db, key, hash)
}
