package reference

// small is the number of entries up to which comparing keys one by one beats an index, and saves its memory.
const small = 8

// An ordered is a table in the order of the calls made: a gap is filled with the last entry, so that a walk downwards misses none
// that was there throughout. The zero value is empty. It is not safe for concurrent use.
type ordered[V any] struct {
	items []item[V]
	index map[string]int32 // nil while it has been small
}

type item[V any] struct {
	key   string
	value V
}

// newOrdered returns an empty one with room for n entries.
func newOrdered[V any](n int) *ordered[V] {
	d := &ordered[V]{items: make([]item[V], 0, n)}
	if n > small {
		d.index = make(map[string]int32, n)
	}
	return d
}

// Len returns the number of entries.
func (d *ordered[V]) Len() int { return len(d.items) }

// At returns the entry at position i, 0 <= i < Len.
func (d *ordered[V]) At(i int) (key string, value V) { return d.items[i].key, d.items[i].value }

// Get returns the value of key.
func (d *ordered[V]) Get(key string) (value V, ok bool) {
	if i := d.find(key); i >= 0 {
		return d.items[i].value, true
	}
	return value, false
}

// Set gives key a value. It returns the value before, if there was one.
func (d *ordered[V]) Set(key string, value V) (old V, had bool) {
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
func (d *ordered[V]) Delete(key string) (old V, had bool) {
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

func (d *ordered[V]) find(key string) int {
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
