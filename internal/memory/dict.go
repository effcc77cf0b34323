package memory

import "math"

// A Dict follows the buckets of one hash table of a Redis as its entries come and go (dict.c). A table that is full gets another,
// twice as large; the entries of the old one move with each call that touches the table, a bucket at a time, and until the last
// one has moved both are there. Which buckets are empty nobody knows here: a step is reckoned to look at as many as it does in the
// mean. The zero value is a table without buckets.
type Dict struct {
	buckets, old int64
	left         float64 // of old that are still to be looked at
	pace         float64 // buckets that one step looks at, of which one is not empty
}

const (
	mostEmpty = 10 // buckets that a step looks at in vain (dictRehash)
	leastFill = 10 // percent, below which a table shrinks (HASHTABLE_MIN_FILL)
)

// Expect makes an empty table one for n entries: a server does so when it knows how many will come (dictExpand).
func (d *Dict) Expect(n int64) { *d = Dict{buckets: slots(n)} }

// Touch is n calls that look something up.
func (d *Dict) Touch(n int) {
	if d.old > 0 {
		if d.left -= d.pace * float64(n); d.left <= 0 {
			d.old = 0
		}
	}
}

// Wants returns the bytes of the table that Grow would make for n entries; 0 is none.
func (d *Dict) Wants(n int64) int64 {
	if d.old > 0 || n <= d.buckets {
		return 0
	}
	return pointer * slots(n)
}

// Buckets returns how many there are, in both tables.
func (d *Dict) Buckets() int64 { return d.buckets + d.old }

// Moving reports whether entries of an old table are still to be moved.
func (d *Dict) Moving() bool { return d.old > 0 }

// Grow is for an entry that has come: there are n now. Whoever calls it has called Touch for the look-up of its place.
func (d *Dict) Grow(n int64) {
	if d.old == 0 && n > d.buckets {
		d.resize(slots(n), n-1)
	}
}

// Shrink is for an entry that has gone, from a table that is looked after then: there are n left.
func (d *Dict) Shrink(n int64) {
	if d.old == 0 && d.buckets > minSlots && n*100/d.buckets < leastFill {
		d.resize(slots(n), n)
	}
}

// resize makes a table of other buckets for one of n entries.
func (d *Dict) resize(to, n int64) {
	if n > 0 {
		d.old, d.left = d.buckets, float64(d.buckets)
		empty := math.Exp(-float64(n) / float64(d.buckets)) // chance that a bucket is
		d.pace = (1 - math.Pow(empty, mostEmpty)) / (1 - empty)
	}
	d.buckets = to
}

// HashTable is Hash for a table whose buckets were followed. A server that has loaded its data made each table at once, whatever its
// history: the model of one goes by the number of entries alone.
func (m *Model) HashTable(n, elements int64, d *Dict) int64 {
	if m.shape.buckets || m.p.State == Loaded {
		return m.Hash(n, elements)
	}
	return m.tableOf(n, elements, d)
}

// SetTable is Set for a table whose buckets were followed.
func (m *Model) SetTable(n, elements int64, d *Dict) int64 {
	if m.shape.buckets || m.p.State == Loaded {
		return m.Set(n, elements)
	}
	return m.tableOf(n, elements, d)
}

func (m *Model) tableOf(n, elements int64, d *Dict) int64 {
	size := m.robj + m.fixed(m.shape.dict) + m.fixed(pointer*d.buckets) + n*m.entry + elements
	if d.old > 0 {
		size += m.fixed(pointer * d.old)
	}
	return size
}
