// Package dict holds the hash table of the reference engine: its keyspace, and its large hashes and sets.
//
// The one idea is that a table which is scanned by position needs no cursor that survives a rehash. Entries stand in one
// slice; an index finds them by key. Deleting moves the last entry into the gap:
//
//	delete B   [A B C D]  ->  [A D C]
//
// so whoever walks the positions downwards never misses an entry that was there throughout: what moves, moves from the part
// already walked. The order is that of the calls made, on every platform; Go's own map is only asked for single keys.
package dict

// small is the number of entries up to which comparing keys one by one beats an index, and saves its memory.
const small = 8

// A Dict maps keys to values. The zero value is an empty Dict. It is not safe for concurrent use.
type Dict[V any] struct {
	items []item[V]
	index map[string]int32 // nil while the Dict has been small
}

type item[V any] struct {
	key   string
	value V
}

// New returns a Dict with room for n entries.
func New[V any](n int) *Dict[V] {
	d := &Dict[V]{items: make([]item[V], 0, n)}
	if n > small {
		d.index = make(map[string]int32, n)
	}
	return d
}

// Len returns the number of entries.
func (d *Dict[V]) Len() int { return len(d.items) }

// At returns the entry at position i, 0 <= i < Len.
func (d *Dict[V]) At(i int) (key string, value V) { return d.items[i].key, d.items[i].value }

// Get returns the value of key.
func (d *Dict[V]) Get(key string) (value V, ok bool) {
	if i := d.find(key); i >= 0 {
		return d.items[i].value, true
	}
	return value, false
}

// Set gives key a value. It returns the value before, if there was one.
func (d *Dict[V]) Set(key string, value V) (old V, had bool) {
	if i := d.find(key); i >= 0 {
		old, d.items[i].value = d.items[i].value, value
		return old, true
	}
	d.items = append(d.items, item[V]{key, value})
	switch {
	case d.index != nil:
		d.index[key] = int32(len(d.items) - 1)
	case len(d.items) > small:
		d.index = make(map[string]int32, 2*len(d.items))
		for i := range d.items {
			d.index[d.items[i].key] = int32(i)
		}
	}
	return old, false
}

// Delete removes key. It returns its value, if there was one.
func (d *Dict[V]) Delete(key string) (old V, had bool) {
	i := d.find(key)
	if i < 0 {
		return old, false
	}
	old = d.items[i].value
	last := len(d.items) - 1
	d.items[i] = d.items[last]
	d.items[last] = item[V]{}
	d.items = d.items[:last]
	if d.index != nil {
		delete(d.index, key)
		if i != last {
			d.index[d.items[i].key] = int32(i)
		}
	}
	return old, true
}

func (d *Dict[V]) find(key string) int {
	if d.index != nil {
		if i, ok := d.index[key]; ok {
			return int(i)
		}
		return -1
	}
	for i := range d.items {
		if d.items[i].key == key {
			return i
		}
	}
	return -1
}
