package memory

import (
	"math"

	"github.com/kvtool/kvtool/kv"
)

// What one element of a table takes in MEMORY USAGE where only the size of the whole is known: entry, share of the table,
// strings of ordinary length. They bound an estimate that is a few percent of the size: half as long strings make it a third
// larger.
const (
	usualMember = 70  // of a set
	usualField  = 100 // of a hash, with its value
	usualScored = 120 // of a sorted set, with its node
)

// usualListpack is what a listpack of a stream takes with its part of the tree: up to 4,096 bytes and 100 entries.
const usualListpack = 3000

// Rounding returns by how much the memory that a value takes exceeds size, what MEMORY USAGE prints for it without its key:
// the allocator rounds up structs that are counted as they are, and the nodes of a stream's tree are far smaller than the
// server's guess. n is the number of elements; negative says that it is unknown, and it is estimated. For the comparison of a
// sum of sizes with used_memory.
func (m *Model) Rounding(typ kv.Type, enc kv.Encoding, size, n int64) int64 {
	switch enc {
	case kv.EncodingHashtable, kv.EncodingSkiplist:
		if m.shape.buckets {
			return m.tableRounding(enc)
		}
		if n < 0 {
			n = size / usual(typ, enc)
		}
		n = min(n, size/dictEntry) // whatever the server says
		if typ == kv.TypeSet && m.shape.bareMembers {
			return m.rounds(m.shape.dict) + m.bareMembers(n)
		}
		return m.rounds(m.shape.dict) + n*m.rounds(dictEntry)
	case kv.EncodingQuicklist:
		nodes := size/fillNode + 1
		return m.rounds(quicklist) + nodes*(m.rounds(m.shape.quicklistNode)+m.rest((size-quicklist)/nodes))
	case kv.EncodingStream:
		s := Stream{listpacks: size/usualListpack + 1}
		s.tree = Rax{keys: s.listpacks, nodes: 2 * s.listpacks, bytes: s.listpacks * (m.run(16) + m.leaf())}
		return s.Rounding(m)
	case kv.EncodingListpack, kv.EncodingZiplist, kv.EncodingIntset, kv.EncodingZipmap:
		return m.rest(size - robj)
	case kv.EncodingEmbstr:
		return m.rest(size + 2) // an embstr counts two bytes less of itself
	}
	return 0
}

// fillNode is the size up to which a server fills a node of a list (list-max-listpack-size -2).
const fillNode = 8192

func usual(typ kv.Type, enc kv.Encoding) int64 {
	switch {
	case enc == kv.EncodingSkiplist:
		return usualScored
	case typ == kv.TypeHash:
		return usualField
	}
	return usualMember
}

// bareMembers is Rounding for the entries of a set since Redis 7.2: MEMORY USAGE goes on counting a whole one for each member,
// but the first in a bucket needs none, and those behind it have no value.
func (m *Model) bareMembers(n int64) int64 {
	s := float64(slots(n))
	first := int64(s * -math.Expm1(-float64(n)/s))
	return (n-min(first, n))*m.Class(dictEntry-pointer) - n*dictEntry
}

// KeyRounding is what Rounding is to Key: the entry of the main dict.
func (m *Model) KeyRounding() int64 {
	if m.packs() {
		return 0
	}
	return m.rounds(dictEntry)
}

// ExpiryRounding is the same of an entry of the expires dict.
func (m *Model) ExpiryRounding() int64 {
	if m.shape.buckets {
		return 0
	}
	return m.rounds(dictEntry)
}

// tableRounding is that of tables whose entries are counted as they are allocated.
func (m *Model) tableRounding(enc kv.Encoding) int64 {
	if enc == kv.EncodingSkiplist {
		return m.rounds(zset) + m.rounds(skipHeader) + m.rounds(hashtableStruct)
	}
	return m.rounds(hashtableStruct)
}

// CountedInKeys returns what a server counts for each key as overhead of its main dict (MEMORY STATS, db.N) although Key
// and the value have it, too: the entry and the object.
func (m *Model) CountedInKeys() int64 {
	if m.packs() {
		return robj
	}
	return dictEntry + robj
}

// rounds returns what the allocator adds to a struct of n bytes.
func (m *Model) rounds(n int64) int64 { return m.Class(n) - m.fixed(n) }

// rest returns what the allocator adds to a block that counts with its n bytes.
func (m *Model) rest(n int64) int64 {
	if !m.exact() || n <= 0 {
		return 0
	}
	return m.Class(n) - n
}

// Rounding returns by how much the memory that the stream takes exceeds Size.
func (s *Stream) Rounding(m *Model) int64 {
	if m.p.Allocated {
		return 0
	}
	extra := m.rounds(m.shape.stream)
	if !m.shape.raxExact {
		extra += s.tree.size(m) + s.trees - s.guess()
	}
	if s.listpacks > 0 {
		extra += s.listpacks * m.rest(s.bytes/s.listpacks)
	}
	return extra
}
