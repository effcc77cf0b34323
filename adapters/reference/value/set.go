package value

import (
	"iter"
	"math/rand/v2"
	"strconv"

	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/adapters/reference/table"
	"github.com/kvtool/kvtool/internal/memory"
)

// A set of strings is packed up to so many members of so many bytes. A server has no such form before 7.2, so these are no
// settings: they are where looking through all members stops being cheap.
const (
	packedSetMembers = 64
	packedSetMember  = 64
)

// A Set is a set at a key, or the one that is to be there. It is an intset while all members are integers and few
// (set-max-intset-entries), and a hashtable to a client from then on.
type Set struct {
	shard *keyspace.Shard
	item  keyspace.Item
	kind  keyspace.Kind // 0 while it is empty and new
	bytes []byte        // of a small one
	table *table.Table  // of a large one
	ours  bool          // bytes are a copy that may be changed
}

// setTable is the Object of a large set.
type setTable struct{ *table.Table }

func (o setTable) Clone(to *keyspace.Shard) (keyspace.Object, bool) {
	t, ok := o.Table.Clone(to.Heap())
	return setTable{t}, ok
}

// packedSetSize returns what a set takes that is packed here and a hashtable in a server.
func packedSetSize(b []byte, m *memory.Model) int64 {
	p := packed.Listpack(b)
	var buf [packed.IntBytes]byte
	elements, n := int64(0), int64(0)
	for at := p.First(); at < p.End(); n++ {
		var member []byte
		member, at = p.At(at, buf[:])
		elements += m.SDS(int64(len(member)))
	}
	return m.Set(n, elements)
}

// OpenSet returns the set that it is, or an empty one if the key is not there. it has to be a set of s.
func OpenSet(s *keyspace.Shard, it keyspace.Item) Set {
	v := Set{shard: s, item: it, kind: it.Kind()}
	if o, ok := it.Object().(setTable); ok {
		v.table = o.Table
	} else {
		v.bytes = it.Bytes()
	}
	return v
}

// NewSet returns an empty set, to be put at a key of s.
func NewSet(s *keyspace.Shard) Set { return Set{shard: s} }

// Len returns the number of members.
func (v *Set) Len() int {
	switch v.kind {
	case keyspace.KindSetInts:
		return packed.Intset(v.bytes).Len()
	case keyspace.KindSetPacked:
		return packed.Listpack(v.bytes).Len()
	case keyspace.KindSetTable:
		return v.table.Len()
	}
	return 0
}

// Ints returns the members of an intset.
func (v *Set) Ints() (packed.Intset, bool) {
	return v.bytes, v.kind == keyspace.KindSetInts
}

// Has reports whether member is one.
func (v *Set) Has(member []byte) bool {
	switch v.kind {
	case keyspace.KindSetInts:
		n, ok := packed.Int(member)
		return ok && packed.Intset(v.bytes).Has(n)
	case keyspace.KindSetPacked:
		p := packed.Listpack(v.bytes)
		return p.Find(member, p.First(), 1) >= 0
	case keyspace.KindSetTable:
		return v.table.Has(member)
	}
	return false
}

// Add makes member one, and reports whether it was not one before. It fails if the arena is full.
func (v *Set) Add(member []byte) (added, ok bool) {
	n, isInt := packed.Int(member)
	if v.kind == 0 {
		v.begin(isInt)
	}
	switch v.kind {
	case keyspace.KindSetTable:
		return v.table.Set(member, nil)
	case keyspace.KindSetPacked:
		return v.addPacked(member)
	}
	if isInt {
		return v.addInt(n)
	}
	if !v.leaveInts() {
		return false, false
	}
	return v.Add(member)
}

// begin makes an empty set, for a first member that is an integer or not.
func (v *Set) begin(ints bool) {
	v.kind, v.ours = keyspace.KindSetPacked, true
	v.bytes = append(v.shard.Scratch(256), packed.New()...)
	if ints {
		v.kind = keyspace.KindSetInts
		v.bytes = append(v.shard.Scratch(64), packed.NewIntset()...)
	}
}

// own makes a copy of the bytes that may grow by n.
func (v *Set) own(n int) {
	if !v.ours {
		v.bytes = append(v.shard.Scratch(len(v.bytes)+n), v.bytes...)
		v.ours = true
	}
}

func (v *Set) addInt(n int64) (added, ok bool) {
	ints := packed.Intset(v.bytes)
	if ints.Has(n) {
		return false, true
	}
	v.own(8)
	v.bytes, _ = packed.Intset(v.bytes).Add(n)
	if packed.Intset(v.bytes).Len() > min(v.shard.Limits().SetInts, 1<<30) {
		return true, v.leaveInts()
	}
	return true, true
}

func (v *Set) addPacked(member []byte) (added, ok bool) {
	p := packed.Listpack(v.bytes)
	if p.Find(member, p.First(), 1) >= 0 {
		return false, true
	}
	if p.Len() >= packedSetMembers || len(member) > packedSetMember {
		if !v.spread() {
			return false, false
		}
		return v.table.Set(member, nil)
	}
	v.own(packed.EntrySize(member))
	v.bytes = packed.Listpack(v.bytes).Append(member)
	return true, true
}

// leaveInts makes a set of strings of an intset. There is no way back.
func (v *Set) leaveInts() bool {
	ints := packed.Intset(v.bytes)
	if ints.Len() > packedSetMembers {
		return v.spread()
	}
	var buf [packed.IntBytes]byte
	p := append(make(packed.Listpack, 0, 12*ints.Len()+packedSetMember), packed.New()...)
	for i := range ints.Len() {
		p = p.Append(strconv.AppendInt(buf[:0], ints.At(i), 10))
	}
	v.kind, v.bytes, v.ours = keyspace.KindSetPacked, p, true
	return true
}

// spread makes a table of a small set. If the arena is full the set remains what it is.
func (v *Set) spread() bool {
	t := table.NewKeys(v.shard.Heap(), v.shard.Model())
	if v.kind == keyspace.KindSetInts {
		t.Expect(v.Len()) // in a server it becomes a table only now (t_set.c: setTypeConvert)
	}
	for member := range v.All() {
		if _, ok := t.Set(member, nil); !ok {
			t.Release()
			return false
		}
	}
	v.kind, v.table, v.bytes, v.ours = keyspace.KindSetTable, t, nil, false
	return true
}

// Remove takes member out and reports whether it was one.
func (v *Set) Remove(member []byte) bool {
	switch v.kind {
	case keyspace.KindSetInts:
		n, ok := packed.Int(member)
		if !ok || !packed.Intset(v.bytes).Has(n) {
			return false
		}
		v.own(0)
		v.bytes, _ = packed.Intset(v.bytes).Remove(n)
		return true
	case keyspace.KindSetPacked:
		p := packed.Listpack(v.bytes)
		at := p.Find(member, p.First(), 1)
		if at < 0 {
			return false
		}
		v.own(0)
		v.bytes = packed.Listpack(v.bytes).Delete(at, 1)
		return true
	case keyspace.KindSetTable:
		return v.table.Delete(member)
	}
	return false
}

// All returns the members, those of an intset in ascending order. The set must not change meanwhile.
func (v *Set) All() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) { v.each(yield) }
}

func (v *Set) each(yield func([]byte) bool) {
	switch v.kind {
	case keyspace.KindSetInts:
		ints := packed.Intset(v.bytes)
		buf := make([]byte, 0, packed.IntBytes)
		for i := range ints.Len() {
			if !yield(strconv.AppendInt(buf, ints.At(i), 10)) {
				return
			}
		}
	case keyspace.KindSetPacked:
		eachPacked(v.bytes, yield)
	case keyspace.KindSetTable:
		for member := range v.table.All() {
			if !yield(member) {
				return
			}
		}
	}
}

func eachPacked(p packed.Listpack, yield func([]byte) bool) {
	buf := make([]byte, 0, packed.IntBytes)
	for at := p.First(); at < p.End(); {
		var member []byte
		member, at = p.At(at, buf)
		if !yield(member) {
			return
		}
	}
}

// Random returns a member, each with the same chance; one that is a number is written to buf. The set must not be empty.
func (v *Set) Random(r *rand.Rand, buf []byte) []byte {
	switch v.kind {
	case keyspace.KindSetInts:
		ints := packed.Intset(v.bytes)
		return strconv.AppendInt(buf[:0], ints.At(r.IntN(ints.Len())), 10)
	case keyspace.KindSetPacked:
		p := packed.Listpack(v.bytes)
		member, _ := p.At(p.Offset(r.IntN(p.Len())), buf)
		return member
	}
	member, _ := v.table.Random(r)
	return member
}

// Scan visits the members of a part of the set, and returns the cursor of the next part: 0 is the first, and the end. A small set
// has one part.
func (v *Set) Scan(cursor uint64, visit func(member []byte)) (next uint64) {
	if v.table != nil {
		return v.table.Scan(cursor, func(member, _ []byte) { visit(member) })
	}
	for member := range v.All() {
		visit(member)
	}
	return 0
}

// Put writes what was changed to the key: an empty set deletes it. It fails, and the key is what it was, if the arena is full.
func (v *Set) Put(db int, key []byte, hash uint64) (keyspace.Item, bool) {
	ok := true
	switch {
	case v.Len() == 0:
		if v.item.OK() {
			v.shard.Delete(v.item)
		}
		*v = Set{shard: v.shard}
	case v.table != nil:
		if v.item, ok = v.shard.PutObject(db, key, hash, v.item, v.kind, setTable{v.table}); !ok {
			v.table.Release()
		}
	case v.ours:
		v.item, ok = v.shard.PutBytes(db, key, hash, v.item, v.kind, v.bytes)
		v.bytes, v.ours = v.item.Bytes(), false
	}
	return v.item, ok
}

// Replace puts a set that is not empty at a key in the place of whatever is there, without its expiry, as SET does (db.c: setKey).
func (v *Set) Replace(db int, key []byte, hash uint64, old keyspace.Item) (keyspace.Item, bool) {
	v.item = old
	it, ok := v.Put(db, key, hash)
	if ok && it.Expiry() != 0 {
		v.item, ok = v.shard.SetExpiry(it, 0)
	}
	return v.item, ok
}

// Release gives back what a set that was not put has in the arena.
func (v *Set) Release() {
	if v.table != nil {
		v.table.Release()
	}
}
