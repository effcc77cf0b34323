package memory

import "github.com/kvtool/kvtool/kv"

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
		if n < 0 {
			n = size / usual(typ, enc)
		}
		return m.rounds(m.shape.dict) + n*m.rounds(dictEntry)
	case kv.EncodingQuicklist:
		nodes := size/fillNode + 1
		return m.rounds(quicklist) + nodes*(m.rounds(m.shape.quicklistNode)+m.rest((size-quicklist)/nodes))
	case kv.EncodingStream:
		s := Stream{listpacks: size/usualListpack + 1}
		s.tree.keys, s.tree.nodes = s.listpacks, 2*s.listpacks
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

// KeyRounding is what Rounding is to Key: the entry of the main dict.
func (m *Model) KeyRounding() int64 { return m.rounds(dictEntry) }

// ExpiryRounding is the same of an entry of the expires dict.
func (m *Model) ExpiryRounding() int64 { return m.rounds(dictEntry) }

// CountedInKeys returns what a server counts for each key as overhead of its main dict (MEMORY STATS, db.N) although Key
// and the value have it, too: the entry and the object.
func (m *Model) CountedInKeys() int64 { return dictEntry + robj }

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
	keys, nodes := s.tree.keys+s.keys, s.tree.count()+s.nodes
	extra := (raxAllocated-raxNode)*nodes - streamID*keys + m.rounds(m.shape.stream)
	if s.listpacks > 0 {
		extra += s.listpacks * m.rest(s.bytes/s.listpacks)
	}
	return extra
}
