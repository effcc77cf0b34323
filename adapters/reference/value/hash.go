package value

import (
	"iter"
	"math/rand/v2"

	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/adapters/reference/table"
)

// A Hash is a view on a hash: on the bytes of a small one, field, value, field, value, or on a table.
type Hash struct {
	s     *keyspace.Shard
	it    keyspace.Item
	pack  packed.Listpack // without a table
	own   bool            // pack is a copy
	table *table.Table
	full  bool // something had no room
}

// hashTable is a large hash as an Object.
type hashTable struct{ *table.Table }

func (o hashTable) Clone(to *keyspace.Shard) (keyspace.Object, bool) {
	t, ok := o.Table.Clone(to.Heap())
	return hashTable{t}, ok
}

// OpenHash returns a view on it, which is a hash or no key. It is valid until Put, or until the shard is changed by another way.
func OpenHash(s *keyspace.Shard, it keyspace.Item) Hash {
	h := Hash{s: s, it: it}
	switch it.Kind() {
	case keyspace.KindHashTable:
		h.table = it.Object().(hashTable).Table
	case keyspace.KindHashPacked:
		h.pack = it.Bytes()
	default:
		h.pack = emptyPack
	}
	return h
}

// Warm reads what is about to be read for fields of a large hash, and changes nothing.
func (h *Hash) Warm(fields [][]byte) {
	if h.table != nil {
		h.table.Warm(fields)
	}
}

// Len returns the number of fields.
func (h *Hash) Len() int {
	if h.table != nil {
		return h.table.Len()
	}
	return h.pack.Len() / 2
}

// IsPacked reports whether the encoding is listpack.
func (h *Hash) IsPacked() bool { return h.table == nil }

// find returns where the value of a field is in the bytes, or -1.
func (h *Hash) find(field []byte) int {
	at := h.pack.Find(field, h.pack.First(), 2)
	if at >= 0 {
		at = h.pack.Next(at)
	}
	return at
}

// Has reports whether there is a field.
func (h *Hash) Has(field []byte) bool {
	if h.table != nil {
		return h.table.Has(field)
	}
	return h.find(field) >= 0
}

// Get returns the value of a field, valid until the hash changes. buf has room for a number.
func (h *Hash) Get(field, buf []byte) (value []byte, ok bool) {
	if h.table != nil {
		return h.table.Get(field)
	}
	at := h.find(field)
	if at < 0 {
		return nil, false
	}
	value, _ = h.pack.At(at, buf)
	return value, true
}

// Expect makes a table of the bytes if one of the strings that are to be put in is too long for them (t_hash.c:
// hashTypeTryConversion).
func (h *Hash) Expect(elems ...[]byte) {
	if h.table != nil {
		return
	}
	for _, elem := range elems {
		if len(elem) > h.s.Limits().HashValue {
			h.spread()
			return
		}
	}
}

// spread makes a table of the bytes. There is no way back.
func (h *Hash) spread() {
	t, ok := tableOf(h.pack, h.s)
	if !ok {
		h.full = true
		return
	}
	h.table, h.pack = t, nil
}

// tableOf is apart from spread so that a Hash need not be where the garbage collector looks.
func tableOf(pack packed.Listpack, s *keyspace.Shard) (t *table.Table, ok bool) {
	t = table.New(s.Heap(), s.Model())
	t.Expect(pack.Len() / 2)
	for field, value := range pairs(pack) {
		if _, ok := t.Set(field, value); !ok {
			t.Release()
			return nil, false
		}
	}
	return t, true
}

// edit makes pack a copy with room for n bytes more.
func (h *Hash) edit(n int) {
	if !h.own {
		h.pack, h.own = append(h.s.Scratch(len(h.pack)+n), h.pack...), true
	}
}

// Set gives a field a value, and reports whether it is new.
func (h *Hash) Set(field, value []byte) (added bool) {
	if h.table == nil {
		if len(field) > h.s.Limits().HashValue || len(value) > h.s.Limits().HashValue {
			h.spread()
		}
		if h.table == nil {
			return h.setPacked(field, value)
		}
	}
	added, ok := h.table.Set(field, value)
	h.full = h.full || !ok
	return added
}

// setPacked replaces a value in its place, if the new one is as long: the usual case of a counter or a flag.
func (h *Hash) setPacked(field, value []byte) (added bool) {
	at := h.find(field)
	var room [96]byte
	entry := packed.AppendEntry(room[:0], value)
	switch {
	case at < 0:
		h.edit(packed.EntrySize(field) + len(entry))
		h.pack = h.pack.Append(field).AppendEntry(entry)
	case h.pack.Next(at)-at == len(entry):
		copy(h.pack[at:], entry)
	default:
		h.edit(len(entry))
		h.pack = h.pack.Replace(at, value)
	}
	if h.pack.Len()/2 > h.s.Limits().HashEntries {
		h.spread()
	}
	return at < 0
}

// Adopt makes fields of p, whatever the length of its elements: a hash that was saved packed stays so unless it has too many
// fields. The hash must be empty, and p have pairs of different fields.
func (h *Hash) Adopt(p packed.Listpack) {
	h.edit(len(p))
	if h.pack = append(h.pack[:0], p...); h.pack.Len()/2 > h.s.Limits().HashEntries {
		h.spread()
	}
}

// Delete takes out a field, and reports whether it was there.
func (h *Hash) Delete(field []byte) bool {
	if h.table != nil {
		return h.table.Delete(field)
	}
	at := h.pack.Find(field, h.pack.First(), 2)
	if at < 0 {
		return false
	}
	h.edit(0)
	h.pack = h.pack.Delete(at, 2)
	return true
}

// All returns the fields with their values: in the order in which they came, from bytes. The hash must not change meanwhile. A
// pair is valid until the next.
func (h *Hash) All() iter.Seq2[[]byte, []byte] {
	if h.table != nil {
		return h.table.All()
	}
	return pairs(h.pack)
}

// pairs returns each two elements that follow each other.
func pairs(pack packed.Listpack) iter.Seq2[[]byte, []byte] {
	return func(yield func(first, second []byte) bool) {
		var buf [2 * packed.IntBytes]byte
		for at := pack.First(); at < pack.End(); {
			first, next := pack.At(at, buf[:packed.IntBytes:packed.IntBytes])
			second, next := pack.At(next, buf[packed.IntBytes:])
			if !yield(first, second) {
				return
			}
			at = next
		}
	}
}

// Scan calls visit for some fields, those of bytes all at once, and returns the cursor that goes on; 0 is the first, and the end.
func (h *Hash) Scan(cursor uint64, visit func(field, value []byte)) (next uint64) {
	if h.table != nil {
		return h.table.Scan(cursor, visit)
	}
	for field, value := range h.All() {
		visit(field, value)
	}
	return 0
}

// Random returns a field with its value, every one with the same chance. buf has room for two numbers. There must be a field.
func (h *Hash) Random(random *rand.Rand, buf []byte) (field, value []byte) {
	if h.table != nil {
		return h.table.Random(random)
	}
	return h.pair(2*random.IntN(h.Len()), buf)
}

// pair returns element i of the bytes with the one behind it.
func (h *Hash) pair(i int, buf []byte) (field, value []byte) {
	field, next := h.pack.At(h.pack.Offset(i), buf[:packed.IntBytes:packed.IntBytes])
	value, _ = h.pack.At(next, buf[packed.IntBytes:])
	return field, value
}

// Put makes the hash the value of the key that it was opened for, or deletes the key if it is empty. It reports false if something
// that was to be put in had no room; what had is there.
func (h *Hash) Put(db int, key []byte, hash uint64) (keyspace.Item, bool) {
	switch {
	case h.Len() == 0:
		if h.it.OK() {
			h.s.Delete(h.it)
		} else if h.table != nil {
			h.table.Release()
		}
		return keyspace.Item{}, !h.full
	case h.table == nil && !h.own:
		return h.it, !h.full
	case h.table == nil:
		it, ok := h.s.PutBytes(db, key, hash, h.it, keyspace.KindHashPacked, h.pack)
		return it, ok && !h.full
	case h.it.Kind() == keyspace.KindHashTable:
		h.s.Settle(h.it)
		return h.it, !h.full
	}
	it, ok := h.s.PutObject(db, key, hash, h.it, keyspace.KindHashTable, hashTable{h.table})
	if !ok {
		h.table.Release()
	}
	return it, ok && !h.full
}
