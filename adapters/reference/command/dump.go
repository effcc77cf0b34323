package command

import (
	"sync"

	"github.com/kvtool/kvtool/adapters/reference/dump"
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/adapters/reference/value"
)

func dumpCommands() []engine.Command {
	writers := &sync.Pool{New: func() any { return new(dump.Writer) }}
	return []engine.Command{
		{Name: "dump", Run: func(c *engine.Call) { dumpKey(c, writers) }},
		{Name: "restore", Run: restore},
	}
}

func dumpKey(c *engine.Call, writers *sync.Pool) {
	key := c.Args[1]
	it := c.Read(key)
	if !it.OK() {
		c.Out.Null()
		return
	}
	s, _ := c.Shard(key)
	w := writers.Get().(*dump.Writer)
	c.Out.Bulk(dump.Seal(body(w, s, it)))
	writers.Put(w)
}

// body returns the code and the body of a key's value (rdb.c: rdbSaveObject).
func body(w *dump.Writer, s *keyspace.Shard, it keyspace.Item) []byte {
	switch k := it.Kind(); k {
	case keyspace.KindListPacked, keyspace.KindListNodes:
		return listBody(w, value.OpenList(s, it))
	case keyspace.KindSetInts:
		ints := packed.Intset(it.Bytes())
		width := (len(ints) - 1) / ints.Len()
		return w.Intset([]byte{dump.Intset}, ints.Len(), width, ints.At)
	case keyspace.KindSetPacked, keyspace.KindSetTable:
		set := value.OpenSet(s, it)
		b := dump.Length([]byte{dump.Set}, set.Len())
		for member := range set.All() {
			b = w.String(b, member)
		}
		return b
	case keyspace.KindHashPacked:
		return packBody(w, dump.HashListpack, it.Bytes())
	case keyspace.KindHashTable:
		hash := value.OpenHash(s, it)
		b := dump.Length([]byte{dump.Hash}, hash.Len())
		for field, v := range hash.All() {
			b = w.String(w.String(b, field), v)
		}
		return b
	case keyspace.KindZSetPacked:
		return packBody(w, dump.ZSetListpack, it.Bytes())
	case keyspace.KindZSetTree:
		set := value.OpenZSet(s, it)
		b := dump.Length([]byte{dump.ZSet}, set.Len())
		for member, score := range set.Back(set.Len() - 1) {
			b = dump.Double(w.String(b, member), score)
		}
		return b
	}
	return w.String([]byte{dump.String}, it.Bytes())
}

func packBody(w *dump.Writer, code byte, p packed.Listpack) []byte {
	return w.Listpack([]byte{code}, p[p.First():], p.Len())
}

func listBody(w *dump.Writer, l value.List) []byte {
	n := 0
	for range l.Nodes() {
		n++
	}
	b := dump.Length([]byte{dump.Quicklist}, n)
	for p := range l.Nodes() {
		b = w.Listpack(dump.Length(b, dump.Packed), p[p.First():], p.Len())
	}
	return b
}
