package memory

import (
	"maps"
	"slices"
)

// Expiries adds up what Valkey 9 keeps to find the fields of a hash that expire (vset.c). The zero value has none. Up to 127 stand
// in one sorted vector. More are divided by time, in a radix tree of buckets by the end of the time that each is for: at first
// 8,192 ms, and when a bucket is full it is divided again, down to 16 ms, or becomes a hash table if that cannot be.
//
//	one field     the hash points to it
//	to 127        vector of pointers
//	more          tree   …8192 ──▶ one    …16384 ──▶ vector    …24576 ──▶ table
//
// Of a hash with more than 64 Ki such fields it remembers so many, and takes the others for like them.
type Expiries struct {
	n       int64
	first   []int64             // sorted, as long as there is one vector
	windows map[int64][]expirer // by their number, once there is a tree
}

// An expirer is a bucket: the fields that expire before its end and after that of the one before. Times are Unix ms.
type expirer struct {
	end   int64
	times []int64 // nil in a table
	n     int64
}

const (
	vectorMost  = 127
	windowShift = 13 // 8,192 ms
	stepMask    = 15 // 16 ms
	mostTracked = 1 << 16
)

// Len returns the number of fields that expire.
func (e *Expiries) Len() int64 { return e.n }

// Add counts a field that expires at a time, in the order in which a server adds them.
func (e *Expiries) Add(ms int64) {
	e.n++
	ms = min(max(ms, 0), maxRequest) // whatever a dump says
	switch {
	case e.n > mostTracked:
	case e.windows != nil:
		e.put(ms)
	case e.n <= vectorMost:
		i, _ := slices.BinarySearch(e.first, ms)
		e.first = slices.Insert(e.first, i, ms)
	default:
		e.divide()
		e.put(ms)
	}
}

// divide makes a tree of the one vector: whole, if it is for one window.
func (e *Expiries) divide() {
	e.windows = map[int64][]expirer{}
	if w := window(e.first[0]); w == window(e.first[vectorMost-1]) {
		e.windows[w] = []expirer{{windowEnd(w), e.first, vectorMost}}
	} else {
		for _, ms := range e.first {
			e.put(ms)
		}
	}
	e.first = nil
}

func window(ms int64) int64 { return ms >> windowShift }

func windowEnd(w int64) int64 { return (w + 1) << windowShift }

// stepEnd is the end of the shortest bucket that a time can have.
func stepEnd(ms int64) int64 { return ms&^stepMask + stepMask + 1 }

// put adds a time to the tree.
func (e *Expiries) put(ms int64) {
	w := window(ms)
	buckets := e.windows[w]
	i := 0
	for i < len(buckets) && buckets[i].end <= ms {
		i++
	}
	if i == len(buckets) {
		e.windows[w] = append(buckets, expirer{windowEnd(w), []int64{ms}, 1})
		return
	}
	b := &buckets[i]
	switch {
	case b.times == nil:
		b.n++
	case b.n < vectorMost:
		b.times = append(b.times, ms)
		b.n++
	default:
		e.windows[w] = full(buckets, i)
		if e.windows[w][i].times == nil {
			e.windows[w][i].n++
			return
		}
		e.put(ms)
	}
}

// full makes room in a bucket whose vector is full: it ends sooner, or is two, or is a table.
func full(buckets []expirer, i int) []expirer {
	b := &buckets[i]
	slices.Sort(b.times)
	lo, hi := stepEnd(b.times[0]), stepEnd(b.times[len(b.times)-1])
	switch {
	case hi < b.end:
		b.end = hi
	case lo < hi:
		cut := middle(b.times)
		left := slices.Clone(b.times[:cut])
		b.times = b.times[cut:]
		b.n = int64(len(b.times))
		return slices.Insert(buckets, i, expirer{stepEnd(left[cut-1]), left, int64(cut)})
	default:
		b.times = nil
	}
	return buckets
}

// middle returns where sorted times may be divided, as near to the middle as can be, first before it. (findSplitPosition)
func middle(times []int64) int {
	parts := func(i int) bool { return i > 0 && i < len(times) && stepEnd(times[i-1]) < stepEnd(times[i]) }
	for off, mid := 0, len(times)/2; ; off++ {
		switch {
		case parts(mid - off):
			return mid - off
		case parts(mid + off):
			return mid + off
		}
	}
}

// size returns what all that takes.
func (e *Expiries) size(m *Model) int64 {
	if e.windows == nil {
		return m.pointers(e.n)
	}
	var tree Rax
	size := int64(0)
	tree.skip = 8
	for _, w := range slices.Sorted(maps.Keys(e.windows)) {
		for _, b := range e.windows[w] {
			tree.Add(m, bigEndian(b.end))
			if b.times == nil {
				size += m.hashtable(b.n, 1, true)
			} else {
				size += m.pointers(b.n)
			}
		}
	}
	size += tree.size(m)
	if e.n > mostTracked {
		size = int64(float64(size) / mostTracked * float64(e.n))
	}
	return size
}

// pointers returns the size of a vector of n fields; one needs none.
func (m *Model) pointers(n int64) int64 {
	if n < 2 {
		return 0
	}
	return m.Class(8 + pointer*n)
}

// bigEndian returns a time as the last 8 bytes of an ID.
func bigEndian(ms int64) *[16]byte {
	var id [16]byte
	for i := range 8 {
		id[15-i] = byte(ms >> (8 * i))
	}
	return &id
}
