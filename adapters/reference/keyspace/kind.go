package keyspace

import (
	"github.com/kvtool/kvtool/internal/evict"
	"github.com/kvtool/kvtool/kv"
)

// A Kind is a type with its encoding, and whether the value is bytes or an Object. 0 is none.
type Kind uint8

// The kinds. Those of bytes are put with PutBytes, those of an Object with PutObject. A small list and a small set of strings are
// bytes, too, though a server calls them quicklist and hashtable at any size: what they take here need not be what they would take
// there.
const (
	KindInt        Kind = iota + 1 // bytes: the decimal text
	KindEmbstr                     // bytes
	KindRaw                        // bytes
	KindListPacked                 // bytes: the only node of a quicklist
	KindListNodes                  // Object
	KindSetInts                    // bytes: an intset
	KindSetPacked                  // bytes; hashtable to a client
	KindSetTable                   // Object
	KindHashPacked                 // bytes: a listpack
	KindHashTable                  // Object
	KindZSetPacked                 // bytes: a listpack
	KindZSetTree                   // Object; skiplist to a client
	KindStream                     // Object
)

var kinds = [...]struct {
	typ    kv.Type
	enc    kv.Encoding
	object bool
}{
	KindInt:        {kv.TypeString, kv.EncodingInt, false},
	KindEmbstr:     {kv.TypeString, kv.EncodingEmbstr, false},
	KindRaw:        {kv.TypeString, kv.EncodingRaw, false},
	KindListPacked: {kv.TypeList, kv.EncodingQuicklist, false},
	KindListNodes:  {kv.TypeList, kv.EncodingQuicklist, true},
	KindSetInts:    {kv.TypeSet, kv.EncodingIntset, false},
	KindSetPacked:  {kv.TypeSet, kv.EncodingHashtable, false},
	KindSetTable:   {kv.TypeSet, kv.EncodingHashtable, true},
	KindHashPacked: {kv.TypeHash, kv.EncodingListpack, false},
	KindHashTable:  {kv.TypeHash, kv.EncodingHashtable, true},
	KindZSetPacked: {kv.TypeZSet, kv.EncodingListpack, false},
	KindZSetTree:   {kv.TypeZSet, kv.EncodingSkiplist, true},
	KindStream:     {kv.TypeStream, kv.EncodingStream, true},
}

// Type returns what TYPE prints.
func (k Kind) Type() kv.Type { return kinds[k].typ }

// Encoding returns what OBJECT ENCODING prints.
func (k Kind) Encoding() kv.Encoding { return kinds[k].enc }

// IsObject reports whether a value of the kind is an Object.
func (k Kind) IsObject() bool { return kinds[k].object }

// IsString reports whether the kind is one of the three of strings.
func (k Kind) IsString() bool { return k >= KindInt && k <= KindRaw }

// sharesIntegers reports whether a server with the policy shares the objects of small numbers: a policy that keeps the time or the
// frequency of accesses in the object cannot (server.h: MAXMEMORY_FLAG_NO_SHARED_INTEGERS).
func sharesIntegers(limit int64, k evict.Kind) bool {
	return limit == 0 || !(k.LFU() || k == evict.AllKeysLRU || k == evict.VolatileLRU)
}
