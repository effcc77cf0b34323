package simulate

import (
	"cmp"

	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// A cost is what a key takes in memory, in bytes: its name and the entry of the main table, its value, and its entry in the table
// of what expires. The tables themselves are counted once, for all keys of a node.
type cost struct{ key, value, expiry int64 }

// A coster computes costs. Of a server of the Redis family it does so by internal/memory, as used_memory counts.
type coster struct {
	store Store
	m     *memory.Model
}

func newCoster(w *world, allocated bool) *coster {
	return &coster{w.store, memory.New(memory.Profile{
		Version: w.version(), Allocator: w.o.Memory, State: memory.Live,
		Cluster: w.store.Kind == schema.RedisCluster, Allocated: allocated,
	})}
}

// version returns the release whose sizes count. A version is that of the kind of store that it is declared with.
func (w *world) version() memory.Version {
	product, version := string(cmp.Or(w.o.Store.Kind, w.s.Store.Kind)), w.s.Store.Version
	if product == string(schema.Valkey) && w.s.Store.Kind != schema.Valkey {
		version = "9"
	}
	return memory.ParseVersion(product, version)
}

// Overheads of an item of Memcached 1.6: its header and the number for CAS, the terminators of name and value, and the steps of the
// slabs, of which each is a quarter larger than the one before (memcached.h: item; slabs.c, -f 1.25 -n 48).
const (
	itemHeader = 56
	itemEnds   = 3
	firstChunk = 96
	largeItem  = 512 << 10
)

func memcachedItem(key, value int64) int64 {
	n := itemHeader + itemEnds + key + value
	chunk := int64(firstChunk)
	for chunk < n && chunk < largeItem {
		chunk = (chunk*5/4 + 7) &^ 7
	}
	return max(n, chunk)
}

// of returns the cost of d.
func (c *coster) of(d *Draw) cost {
	n := int64(len(d.Key))
	switch {
	case c.store.Kind == schema.Memcached:
		return cost{key: n, value: memcachedItem(n, d.Value.Bytes) - n}
	case !c.store.redisFamily():
		return cost{key: n, value: d.Value.Bytes}
	}
	x := cost{key: c.m.Key(n)}
	if d.TTL > 0 {
		x.key += c.m.Expiry(n)
	}
	x.value = c.value(n, &d.Value, d.TTL > 0)
	return x
}

func (c *coster) value(key int64, v *Value, expires bool) int64 {
	switch v.Type {
	case "hash":
		return c.hash(v)
	case "list":
		return c.list(v)
	case "set":
		return c.set(v)
	case "zset":
		return c.zset(v)
	case "stream":
		return c.stream(v)
	case "json":
		return c.m.Module(v.Bytes)
	}
	size, _ := c.m.StringOf(key, v.Bytes, v.Number, expires)
	return size
}

// Limits of the compact encodings as the server ships with them.
const (
	hashEntries  = 512 // hash-max-listpack-entries
	zsetEntries  = 128
	setEntries   = 128 // since 7.2
	packedString = 64
	listNode     = 8192 // list-max-listpack-size -2
	streamNode   = 4096
	streamBatch  = 100
)

// Parts of a listpack (listpack.c).
const (
	packHeader = 7 // with its end
	packScore  = 5 // a whole number of 24 bits
)

// packed returns what a string of n bytes takes in a listpack.
func packed(n int64) int64 {
	switch {
	case n < 64:
		n++
	case n < 4096:
		n += 2
	default:
		n += 5
	}
	for limit := int64(128); ; limit <<= 7 { // its length once more, 7 bits a byte
		n++
		if n-1 < limit || limit >= 1<<35 {
			return n
		}
	}
}

func (c *coster) hash(v *Value) int64 {
	named, others := int64(len(v.Fields)), v.Elements-int64(len(v.Fields))
	longest := max(v.Element, FieldName)
	pack := packHeader + v.Elements*packed(v.Element) + others*packed(FieldName)
	table := others * c.m.Field(FieldName, v.Element, false)
	for _, f := range v.Fields[:named] {
		n := int64(len(f))
		longest = max(longest, n)
		pack += packed(n)
		table += c.m.Field(n, v.Element, false)
	}
	if v.Elements <= hashEntries && longest <= packedString {
		return c.m.Blob(pack)
	}
	return c.m.Hash(v.Elements, table)
}

func (c *coster) set(v *Value) int64 {
	if c.m.BareListpack() && v.Elements <= setEntries && v.Element <= packedString {
		return c.m.Blob(packHeader + v.Elements*packed(v.Element))
	}
	return c.m.Set(v.Elements, v.Elements*c.m.SDS(v.Element))
}

func (c *coster) zset(v *Value) int64 {
	if v.Elements <= zsetEntries && v.Element <= packedString {
		return c.m.Blob(packHeader + v.Elements*(packed(v.Element)+packScore))
	}
	return c.m.ZSet(v.Elements, v.Elements*c.m.Member(v.Element)/memory.MemberUnit)
}

// list fills nodes as quicklist.c does: as long as an element, with eight bytes for what it may add, fits.
func (c *coster) list(v *Value) int64 {
	e := packed(v.Element)
	a := int64(1)
	if room := listNode - packHeader - v.Element - 8; room > 0 {
		a += room / e
	}
	full, rest := v.Elements/a, v.Elements%a
	if c.m.BareListpack() && full+min(rest, 1) <= 1 {
		return c.m.Blob(packHeader + v.Elements*e)
	}
	nodes := full * c.m.QuicklistNode(packHeader+a*e)
	if rest > 0 {
		nodes += c.m.QuicklistNode(packHeader + rest*e)
	}
	return c.m.List(nodes)
}

// stream has entries of one field, named as those of a hash, in listpacks of a hundred or four kilobytes.
func (c *coster) stream(v *Value) int64 {
	const head, entry = 7 + packHeader + FieldName + 2, 9 // of a listpack; flags, ID and length of an entry
	e := entry + packed(v.Element)
	a := max(1, min(streamBatch, (streamNode-head)/e))
	var s memory.Stream
	for n, left := uint64(0), v.Elements; left > 0; n, left = n+1, left-a {
		s.Add(c.m, streamID(uint64(n)*uint64(a)), head+min(a, left)*e)
	}
	return s.Size(c.m)
}

// streamID is the ID of an entry that was added so many milliseconds after the first.
func streamID(n uint64) *[16]byte {
	var id [16]byte
	for i := range 8 {
		id[i] = byte((bornAt + n) >> (56 - 8*i))
	}
	return &id
}

const bornAt = 1_767_225_600_000 // 2026
