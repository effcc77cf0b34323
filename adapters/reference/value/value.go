// Package value holds the types of values as views on a key of the keyspace: what an element is, which encoding a value has and
// when it changes. It knows no commands.
//
// The one idea is that a view hides whether a value is small or large. A small one is bytes in the record, read where they are; a
// change copies them to a buffer of the shard, and Put writes them back. A large one is an Object, changed where it is; Put settles
// what it takes. So a handler opens a view, reads, changes and puts, and never asks which of both it has:
//
//	it := c.Write(key)                  it.Bytes()  ──▶  buffer  ──▶  PutBytes
//	set := value.OpenSet(shard, it)        ╲
//	set.Add(member); set.Put(…)             ╲─▶ it.Object()  ──▶  PutObject, Settle
//
// Encodings and the moments of conversion are those of Redis 7.0, as OBJECT ENCODING tells them. What is kept may be smaller: a
// small set of strings is packed, though a server makes a table of it at once.
//
// A view is valid until its key is written by another one, and of one shard only one view may be under change at a time. Members
// that a view returns are valid until it changes.
package value

import (
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/internal/memory"
)

// Size returns what the bytes of a small value would take in a server, the object's header included: keyspace.Options.Size.
func Size(k keyspace.Kind, value []byte, m *memory.Model) int64 {
	switch k {
	case keyspace.KindSetInts:
		return m.Blob(int64(packed.Intset(value).Size()))
	case keyspace.KindSetPacked:
		return packedSetSize(value, m)
	case keyspace.KindListPacked:
		return packedListSize(value, m)
	case keyspace.KindHashPacked, keyspace.KindZSetPacked:
		return m.Blob(int64(packed.Listpack(value).Size()))
	}
	return m.Blob(int64(len(value)))
}
