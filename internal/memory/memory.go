// Package memory says what a value costs in the memory of a server of the Redis family: what MEMORY USAGE key SAMPLES 0
// would print for it. It knows structs, encodings, allocators and versions. It does not know where the lengths come from:
// the dump walker has them from length prefixes, the reference engine from its live contents.
//
// The one idea is that a size is a sum of allocations, and an allocator rounds each of them up to a class. A Model is a
// Profile (which allocator, which version, which state) turned into tables, so that a cost is a few additions:
//
//	m := memory.New(memory.Profile{})
//	size := m.Key(len(key)) + m.Hash(n, elements)  // elements: the sum of m.SDS over fields and values
//	size := m.Key(len(key)) + m.Blob(len(listpack)) // any value in one block: listpack, ziplist, intset, zipmap
//
// MEMORY USAGE adds the sizes of structs as they are, so its sum falls short of what the server uses by what the allocator
// adds to them: 8 bytes for each entry of a dict where the quantum is 16. A Profile that is Allocated counts that too, for
// the comparison of a sum with used_memory.
//
// The key's part (Key) is apart from the value's (every other method), because an engine that renames a key moves one
// without the other. All figures are bytes on a 64-bit server. A Model is read-only after New and safe for concurrent use.
package memory

// Sizes of the structs that MEMORY USAGE adds as they are, without rounding (Redis 7.0, object.c: objectComputeSize).
const (
	robj      = 16  // server.h: redisObject
	dictEntry = 24  // dict.h: key, value, next
	pointer   = 8   // one bucket of a dict's table
	zset      = 16  // server.h: zset
	zskiplist = 32  // server.h: zskiplist
	quicklist = 40  // quicklist.h: quicklist
	streamID  = 16  // counted once for each element of a rax
	raxNode   = 244 // the server's guess at a node; they are far smaller
	streamNAK = 24  // stream.h: one pending entry
)

// EmbstrMax is the longest string that is one block with its object (encoding embstr).
const EmbstrMax = 44

// A Model computes sizes for one Profile.
type Model struct {
	p       Profile
	shape   shape
	robj    int64                  // structs, as they count in this profile
	entry   int64                  // of a dict
	classes [tableMax/8 + 1]uint16 // by (n+7)/8
	sds     [tableMax]uint16       // by length
	members []uint32               // of Member, where keys are in one block with their objects
	spread  []float64              // of children
	skip    int64                  // mean size of a skiplist node without its member, in 1/2^skipShift bytes
}

// tableMax is the length up to which Class and SDS are one look-up: more than most elements have.
const tableMax = 1024

// New returns the model of p.
func New(p Profile) *Model {
	m := &Model{p: p, shape: p.Version.shape()}
	m.robj, m.entry = m.fixed(robj), m.fixed(dictEntry)
	for i := range m.classes {
		m.classes[i] = uint16(p.Allocator.class(int64(i) * 8))
	}
	for i := range m.sds {
		m.sds[i] = uint16(p.Allocator.class(sdsRequest(int64(i))))
	}
	m.skip = m.skiplistNode()
	if m.shape.buckets {
		m.spread = newSpread()
		m.members = make([]uint32, tableMax)
		for i := range m.members {
			m.members[i] = uint32(m.member(int64(i)))
		}
	}
	return m
}

// fixed returns what a struct of n bytes counts as.
func (m *Model) fixed(n int64) int64 {
	if m.p.Allocated {
		return m.p.Allocator.class(n)
	}
	return n
}

// Profile returns what New was given.
func (m *Model) Profile() Profile { return m.p }

// Class returns the size of the block that the allocator gives for a request of n bytes.
func (m *Model) Class(n int64) int64 {
	if uint64(n) <= tableMax && m.p.Allocator != Libc {
		return int64(m.classes[(n+7)>>3])
	}
	return m.p.Allocator.class(n)
}

// SDS returns the size of a simple dynamic string of n bytes: what a key name, a field, a member or a raw value costs.
func (m *Model) SDS(n int64) int64 {
	if uint64(n) < tableMax {
		return int64(m.sds[n])
	}
	return m.longSDS(n)
}

func (m *Model) longSDS(n int64) int64 { return m.p.Allocator.class(sdsRequest(n)) }

// sdsRequest returns what sds.c asks of the allocator for n bytes: header, bytes, NUL. The header grows with the length;
// an empty string gets the header of the next size up, because it is expected to grow.
func sdsRequest(n int64) int64 {
	switch {
	case n <= 0:
		return 4
	case n < 1<<5:
		return n + 2
	case n < 1<<8:
		return n + 4
	case n < 1<<16:
		return n + 6
	case n < 1<<32:
		return n + 10
	default:
		return n + 18
	}
}

// Key returns the cost of a key's name of n bytes and its entry in the main dict; where keys are in one block with their
// objects, what that block has beyond an object.
func (m *Model) Key(n int64) int64 {
	if m.packs() {
		return m.object(n, false) - m.robj
	}
	size := m.SDS(n) + m.entry
	if m.p.Cluster {
		size += m.shape.clusterEntry
	}
	return size
}

// String returns the cost of a string of n bytes. isInt says that it is stored as a number (see IsInt).
func (m *Model) String(n int64, isInt bool) int64 {
	switch {
	case isInt:
		return m.robj
	case n > EmbstrMax:
		return m.robj + m.SDS(n)
	case m.exact():
		return m.robj + n + 2
	default:
		return m.Class(robj + 4 + n) // object, header of 3, NUL
	}
}

// Blob returns the cost of a value that is one block of n bytes: listpack, ziplist, intset or zipmap.
func (m *Model) Blob(n int64) int64 { return m.robj + m.blob(n) }

// blob returns what a block of n bytes counts as.
func (m *Model) blob(n int64) int64 {
	if m.exact() {
		return n
	}
	return m.Class(n)
}

// exact reports whether blocks count with their bytes.
func (m *Model) exact() bool { return m.shape.exactBlobs && !m.p.Allocated }

// Hash returns the cost of a hash of n fields as a hash table. elements is the sum of Field over them, for Redis the sum of
// SDS over fields and values.
func (m *Model) Hash(n, elements int64) int64 {
	if m.shape.buckets {
		return m.robj + hashtableMeta + m.hashtable(n, 1, m.p.State == Live || n <= converts) + elements
	}
	if n <= converts {
		return m.robj + m.dict(n, m.shape.rehash, minSlots, true) + n*m.entry + elements
	}
	return m.robj + m.dict(n, m.shape.rehash, m.shape.firstHash, m.p.State == Live) + n*m.entry + elements
}

// Set returns the cost of a set of n members as a hash table. elements is the sum of SDS over the members.
func (m *Model) Set(n, elements int64) int64 {
	if m.shape.buckets {
		return m.robj + m.hashtable(n, 1, m.p.State == Live) + elements
	}
	first := m.shape.firstSet
	if n <= converts {
		first = minSlots
	}
	return m.robj + m.dict(n, rehashOnce, first, m.p.State == Live) + n*m.entry + elements
}

// HashExpiring returns the cost of a hash table of n fields of which some expire, from the sum of Field over them and the longest
// field or value.
func (m *Model) HashExpiring(n, elements, longest int64, e *Expiries) int64 {
	if m.shape.buckets {
		// A listpack that becomes a table because of an expiry is sized once; one that does for its length grows from then on. A
		// field that gets its expiry by a command of its own takes one more step of the table that grows.
		grew := m.p.State == Live && (n > converts || longest > packedMost)
		steps := 1 + e.Len()/max(1, n)
		return m.robj + hashtableMeta + m.hashtable(n, steps, grew) + elements + e.size(m)
	}
	return m.Hash(n, elements) + m.HashTTL(n, e.Len())
}

// HashTTL returns what field expiry adds to a hash table of n fields of which ttls have one. From the sources of Redis 7.4:
// each field becomes an mstr with 2 B of metadata, or 26 B with an expiry, and the dict carries the root of the buckets.
func (m *Model) HashTTL(n, ttls int64) int64 {
	if ttls == 0 {
		return 0
	}
	return 72 + 2*n + 24*ttls
}

// Backlen returns how many bytes an entry of n bytes takes more in a listpack, for the length by which the listpack is read from its
// end. The limits are the server's own, all but the first one short of the round ones (listpack.c: lpEncodeBacklen).
func Backlen[N int | int64](n N) N {
	switch {
	case n <= 127:
		return 1
	case n < 16383:
		return 2
	case n < 2097151:
		return 3
	case n < 268435455:
		return 4
	default:
		return 5
	}
}

// ListpackEx returns the cost of a hash as one listpack of n bytes with expiries: object, struct of 40 bytes, listpack.
func (m *Model) ListpackEx(n int64) int64 { return m.robj + m.Class(40) + m.Class(n) }

// Steps of rehashing, in thousandths of the old table's buckets, until the old table is gone. A step moves one chain and
// skips empty buckets, of which a full table has a share of 1/e. Adding a member to a set takes one step, and so does adding
// to a hash since 7.2; a sorted set, and a hash before, takes two, because it looks the member up first. (Measured on 7.0.15:
// 0.632, 0.316, 0.316.)
const (
	rehashOnce  = 632
	rehashTwice = 316
)

const (
	minSlots   = 4
	converts   = 128 // fields or members up to which a table began as a listpack: it is one for their length
	packedMost = 64  // the longest element of a listpack (hash-max-listpack-value)
	converted  = 256 // of a hash that outgrows a listpack of 128 entries, the limit of the shipped redis.conf
)

// dict returns the size of a dict and its tables with n entries, without the entries. One that grew keeps its old table for
// so many thousandths of its growth, unless its table is the first it had, of so many buckets.
func (m *Model) dict(n, rehash, first int64, grew bool) int64 {
	s := slots(n)
	size := m.fixed(m.shape.dict) + m.fixed(pointer*s)
	if old := s / 2; grew && s > first && (n-old)*1000 < old*rehash {
		size += pointer * old
	}
	return size
}

// slots returns the number of buckets of a dict's table: the power of two that is at least n, and at least 4.
func slots(n int64) int64 {
	return max(minSlots, powerOfTwo(n))
}

const (
	skipShift  = 20
	skipLevels = 32 // server.h: ZSKIPLIST_MAXLEVEL
)

// ZSet returns the cost of a sorted set of n members as a skiplist and a dict. elements is the sum of Member over the
// members, in bytes; for Redis that of SDS.
// The levels of skiplist nodes are random and not in any file: they count with their mean.
func (m *Model) ZSet(n, elements int64) int64 {
	if m.shape.buckets {
		return m.robj + m.fixed(zset) + m.fixed(skipHeader) + m.hashtable(n, 2, m.p.State == Live) + elements
	}
	header := m.Class(24 + 16*skipLevels)
	return m.robj + m.fixed(zset) + m.fixed(zskiplist) + m.dict(n, rehashTwice, m.shape.firstZSet, m.p.State == Live) + header + n*m.entry + elements + (n*m.skip)>>skipShift
}

// skiplistNode returns the mean size of a node: level l has probability 3/4 * (1/4)^(l-1) and costs 16 bytes a level.
func (m *Model) skiplistNode() int64 {
	mean, rest := int64(0), int64(1)<<40 // exact for twenty levels; the others weigh nothing
	for level := int64(1); level < skipLevels; level++ {
		p := rest - rest/4
		mean += p / (1 << 20) * m.Class(24+16*level)
		rest /= 4
	}
	return mean
}

// QuicklistNode returns the cost of one node of a list that holds n bytes: a listpack, or one plain item.
func (m *Model) QuicklistNode(n int64) int64 {
	return m.fixed(m.shape.quicklistNode) + m.blob(n)
}

// List returns the cost of a list: nodes is the sum of QuicklistNode over its nodes.
func (m *Model) List(nodes int64) int64 { return m.robj + m.fixed(quicklist) + nodes }

// Module returns the cost of a module's value of n serialised bytes. It is not modelled: the bytes of the file stand for
// what the module holds.
func (m *Model) Module(n int64) int64 { return m.robj + n }

// Keyspace returns the cost of the dicts of one database beyond what Key counts: the table of the main dict, and the
// expiry dict's table and entries.
func (m *Model) Keyspace(keys, withTTL int64) int64 {
	return m.MainDict(keys) + m.ExpiresDict(withTTL)
}

// allSteps is for tables that a server goes on moving in its idle time: an old one is soon gone.
const allSteps = 1 << 20

// MainDict returns the cost of the table of a main dict of so many keys, whose entries Key counts.
func (m *Model) MainDict(keys int64) int64 {
	if m.shape.buckets {
		return m.hashtable(keys, allSteps, m.p.State == Live)
	}
	return pointer * slots(keys)
}

// ExpiresDict returns the cost of the table and the entries of an expires dict.
func (m *Model) ExpiresDict(withTTL int64) int64 {
	switch {
	case withTTL == 0:
		return 0
	case m.shape.buckets:
		return m.hashtable(withTTL, allSteps, m.p.State == Live)
	}
	return pointer*slots(withTTL) + m.entry*withTTL
}

// BareListpack reports whether a list that fits one node is a listpack without a quicklist around it.
func (m *Model) BareListpack() bool { return m.shape.bareListpack }
