// Package table holds the large hashes and large sets of the reference engine: keys, each with a value or all without, of any
// number.
//
// The one idea is that an entry is one block of the arena and the dict knows it by its Ref, so that a table of any size has no
// pointer for the garbage collector to follow:
//
//	dict  hash ──▶ ref ──▶  length │ key │ length │ value        a set has no second half
//
// What it all would take in a Redis is known at any time: the entries are summed up as they change, and the buckets followed.
package table

import (
	"encoding/binary"
	"iter"
	"math/rand/v2"

	"github.com/zeebo/xxh3"

	"github.com/kvtool/kvtool/adapters/reference/arena"
	"github.com/kvtool/kvtool/adapters/reference/dict"
	"github.com/kvtool/kvtool/internal/memory"
)

// A Table maps keys to values, or is a set of keys. It is not safe for concurrent use. Keys and values that it returns are part of
// the arena: valid until the Table or another user of its arena changes.
type Table struct {
	heap     *arena.Arena
	model    *memory.Model
	dict     *dict.Dict
	valued   bool
	elements int64       // modelled, of all keys and values
	server   memory.Dict // the buckets that a server would have
	warmed   byte        // of what Warm has read: or else nothing would be read
}

// New returns an empty Table of keys with values, whose entries are in heap.
func New(heap *arena.Arena, m *memory.Model) *Table { return newTable(heap, m, true) }

// NewKeys returns an empty Table of keys alone.
func NewKeys(heap *arena.Arena, m *memory.Model) *Table { return newTable(heap, m, false) }

func newTable(heap *arena.Arena, m *memory.Model, valued bool) *Table {
	t := &Table{heap: heap, model: m, valued: valued}
	t.dict = dict.New(func(ref uint32) uint64 { return xxh3.Hash(t.key(ref)) })
	return t
}

// Len returns the number of keys.
func (t *Table) Len() int { return t.dict.Len() }

// Size returns what a hash or set of this content would take in a server.
func (t *Table) Size(m *memory.Model) int64 {
	elements := t.elements
	if m != t.model {
		elements = 0
		for key, value := range t.All() {
			elements += t.cost(m, key, value)
		}
	}
	if t.valued {
		return m.HashTable(int64(t.Len()), elements, &t.server)
	}
	return m.SetTable(int64(t.Len()), elements, &t.server)
}

// cost is what the strings of an entry would take.
func (t *Table) cost(m *memory.Model, key, value []byte) int64 {
	n := m.SDS(int64(len(key)))
	if t.valued {
		n += m.SDS(int64(len(value)))
	}
	return n
}

// Expect says that n keys will come to a Table that is empty: a server makes room for them at once, where it turns a listpack or
// an intset into a table.
func (t *Table) Expect(n int) { t.server.Expect(int64(n)) }

// Has reports whether key is there.
func (t *Table) Has(key []byte) bool {
	t.server.Touch(1)
	return t.find(key, xxh3.Hash(key)) != 0
}

// Get returns the value of key.
func (t *Table) Get(key []byte) (value []byte, ok bool) {
	t.server.Touch(1)
	ref := t.find(key, xxh3.Hash(key))
	if ref == 0 {
		return nil, false
	}
	_, value = t.entry(ref)
	return value, true
}

// Set gives key a value, and reports whether it is new. It fails and changes nothing if the arena is full. A Table of keys alone
// drops the value.
func (t *Table) Set(key, value []byte) (added, ok bool) {
	h := xxh3.Hash(key)
	t.server.Touch(1)
	ref := t.find(key, h)
	if ref != 0 {
		return false, !t.valued || t.replace(ref, h, key, value)
	}
	if ref = t.make(key, value); ref == 0 {
		return false, false
	}
	t.dict.Add(h, ref)
	t.elements += t.cost(t.model, key, value)
	if t.valued {
		t.server.Touch(1) // t_hash.c looks a new field up twice, t_set.c a new member once
	}
	t.server.Grow(int64(t.Len()))
	return true, true
}

// replace gives the entry at ref another value, in its block if that is as long as one for the new value would be.
func (t *Table) replace(ref uint32, h uint64, key, value []byte) bool {
	_, old := t.entry(ref)
	was := t.entryBytes(len(key), len(old))
	t.elements += t.model.SDS(int64(len(value))) - t.model.SDS(int64(len(old)))
	if n := t.entryBytes(len(key), len(value)); n == was || arena.Rounded(n) == arena.Rounded(was) {
		b := t.heap.Bytes(arena.Ref(ref))[uvarintBytes(len(key))+len(key):]
		copy(b[binary.PutUvarint(b, uint64(len(value))):], value)
		return true
	}
	made := t.make(key, value)
	if made == 0 {
		t.elements -= t.model.SDS(int64(len(value))) - t.model.SDS(int64(len(old)))
		return false
	}
	t.dict.Replace(h, ref, made)
	t.heap.Free(arena.Ref(ref), was)
	return true
}

// Delete takes key out and reports whether it was there.
func (t *Table) Delete(key []byte) bool {
	h := xxh3.Hash(key)
	t.server.Touch(1)
	ref := t.find(key, h)
	if ref == 0 {
		return false
	}
	t.dict.Remove(h, ref)
	_, value := t.entry(ref)
	t.elements -= t.cost(t.model, key, value)
	t.server.Shrink(int64(t.Len()))
	t.free(ref)
	return true
}

// Scan calls visit for the keys of the bucket that cursor names, and returns the next cursor; 0 is the first, and the end. A key
// that is there from the first call to the last is visited at least once.
func (t *Table) Scan(cursor uint64, visit func(key, value []byte)) (next uint64) {
	var room [64]uint32
	refs, next := t.dict.Scan(room[:0], cursor)
	for _, ref := range refs {
		visit(t.entry(ref))
	}
	return next
}

// All returns the keys with their values, in no order. The Table must not change meanwhile.
func (t *Table) All() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		var room [64]uint32
		for cursor, more := uint64(0), true; more; more = cursor != 0 {
			var refs []uint32
			refs, cursor = t.dict.Scan(room[:0], cursor)
			for _, ref := range refs {
				if !yield(t.entry(ref)) {
					return
				}
			}
		}
	}
}

// Random returns a key with its value, every one with the same chance. The Table must not be empty.
func (t *Table) Random(random *rand.Rand) (key, value []byte) {
	t.server.Touch(fairSample)
	return t.entry(t.dict.Random(random))
}

// fairSample is how many entries a server looks at for a random one (dict.c: GETFAIR_NUM_ENTRIES).
const fairSample = 15

// Release gives the blocks of all entries back to the arena. The Table must not be used afterwards.
func (t *Table) Release() {
	var room [64]uint32
	for cursor, more := uint64(0), true; more; more = cursor != 0 {
		var refs []uint32
		refs, cursor = t.dict.Scan(room[:0], cursor)
		for _, ref := range refs {
			t.free(ref)
		}
	}
}

// Clone returns a Table of the same content, whose entries are in heap. It fails if that is full, and leaves nothing there.
func (t *Table) Clone(heap *arena.Arena) (*Table, bool) {
	c := newTable(heap, t.model, t.valued)
	c.Expect(t.Len())
	for key, value := range t.All() {
		if _, ok := c.Set(key, value); !ok {
			c.Release()
			return nil, false
		}
	}
	return c, true
}

// find returns the entry of key, whose hash is h, or 0.
func (t *Table) find(key []byte, h uint64) uint32 {
	for p := t.dict.Probe(h); ; {
		ref := p.Next()
		if ref == 0 || string(t.key(ref)) == string(key) {
			return ref
		}
	}
}

// make returns a new entry; 0 if the arena is full.
func (t *Table) make(key, value []byte) uint32 {
	ref := t.heap.Alloc(t.entryBytes(len(key), len(value)))
	if ref == 0 {
		return 0
	}
	b := t.heap.Bytes(ref)
	at := binary.PutUvarint(b, uint64(len(key)))
	at += copy(b[at:], key)
	if t.valued {
		at += binary.PutUvarint(b[at:], uint64(len(value)))
		copy(b[at:], value)
	}
	return uint32(ref)
}

func (t *Table) free(ref uint32) {
	key, value := t.entry(ref)
	t.heap.Free(arena.Ref(ref), t.entryBytes(len(key), len(value)))
}

// entryBytes returns the length of an entry.
func (t *Table) entryBytes(key, value int) int {
	n := uvarintBytes(key) + key
	if t.valued {
		n += uvarintBytes(value) + value
	}
	return n
}

func uvarintBytes(n int) int {
	w := 1
	for ; n >= 0x80; n >>= 7 {
		w++
	}
	return w
}

func (t *Table) key(ref uint32) []byte {
	key, _ := part(t.heap.Bytes(arena.Ref(ref)))
	return key
}

func (t *Table) entry(ref uint32) (key, value []byte) {
	key, rest := part(t.heap.Bytes(arena.Ref(ref)))
	if t.valued {
		value, _ = part(rest)
	}
	return key, value
}

// part returns the string that b begins with, its length before it, and what is behind.
func part(b []byte) (s, rest []byte) {
	n, w := int(b[0]), 1
	if n >= 0x80 {
		long, width := binary.Uvarint(b)
		n, w = int(long), width
	}
	return b[w : w+n : w+n], b[w+n:]
}
