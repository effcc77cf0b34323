// Package list holds the large lists of the reference engine.
//
// The one idea is a quicklist without pointers: chunks of elements, each a listpack in a block of the arena, and a deque that knows
// of each chunk where it is and how many elements it has. An index is found by adding up counts from the nearer end, 16 bytes a
// chunk, and only then does a chunk get read:
//
//	deque   │ ref, 120 │ ref, 131 │ ref, 64 │          index 200 is element 80 of the second
//	             ▼          ▼         ▼
//	arena    listpack   listpack   listpack
//
// Chunks are filled, divided, merged and dropped as quicklist.c of Redis 7.0 does it, so that a list has as many as it would have
// there, each as long: that is what package memory sums up. Compression of the inner nodes is not done.
package list

import (
	"iter"

	"github.com/kvtool/kvtool/adapters/reference/arena"
	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/internal/memory"
)

// A List is a sequence of strings. It is not safe for concurrent use. Elements that it returns are valid until the List or another
// user of its arena changes; those that it is given must not be part of it. Edits report false, and change nothing, if the arena
// is full.
type List struct {
	heap  *arena.Arena
	model *memory.Model
	fill  int
	nodes deque
	n     int
	bytes int64 // modelled, of all nodes
}

// New returns an empty List whose chunks are in heap. fill is the setting list-max-listpack-size, which holds for the life of the
// List: -1 to -5 is 4 to 64 KiB a chunk, 0 or more the number of elements.
func New(heap *arena.Arena, m *memory.Model, fill int) *List {
	return &List{heap: heap, model: m, fill: fill}
}

// Len returns the number of elements.
func (l *List) Len() int { return l.n }

// Nodes returns the number of chunks.
func (l *List) Nodes() int { return l.nodes.len() }

// Bytes returns what a Redis would count for the chunks: what Model.List asks for.
func (l *List) Bytes() int64 { return l.bytes }

// Node returns a chunk.
func (l *List) Node(i int) packed.Listpack { return l.pack(l.nodes.at(i)) }

func (l *List) pack(nd *node) packed.Listpack {
	return packed.Listpack(l.heap.Bytes(nd.ref)[:nd.used:nd.size])
}

// AppendNode adds a chunk at the end, which must have an element, whatever the limits say: a list that was saved comes back with
// the chunks that it had.
func (l *List) AppendNode(p packed.Listpack) bool { return l.addNode(l.Nodes(), p) }

// addNode makes a copy of p the i-th chunk.
func (l *List) addNode(i int, p packed.Listpack) bool {
	nd := node{}
	if !l.reserve(&nd, len(p)) {
		return false
	}
	nd.used = uint32(copy(l.heap.Bytes(nd.ref), p))
	nd.count = uint32(p.Len())
	l.nodes.insert(i, nd)
	l.n += int(nd.count)
	l.bytes += l.model.QuicklistNode(int64(p.Size()))
	return true
}

// reserve makes the block of a node have size bytes at least. One that is already long gets some room for more.
func (l *List) reserve(nd *node, size int) bool {
	if size <= int(nd.size) {
		return true
	}
	if size > safetyBytes {
		size += size / 8
	}
	return l.move(nd, arena.Rounded(size))
}

// move gives a node another block.
func (l *List) move(nd *node, size int) bool {
	made := l.heap.Alloc(size)
	if made == 0 {
		return false
	}
	if nd.ref != 0 {
		copy(l.heap.Bytes(made), l.heap.Bytes(nd.ref)[:nd.used])
		l.heap.Free(nd.ref, int(nd.size))
	}
	nd.ref, nd.size = made, uint32(size)
	return true
}

// keep notes that a node was edited in its block to be p, of so many elements more. A block that is half empty is exchanged.
func (l *List) keep(nd *node, p packed.Listpack, more int) {
	l.bytes -= l.model.QuicklistNode(int64(l.pack(nd).Size()))
	l.n += more
	nd.count += uint32(more)
	nd.used = uint32(len(p))
	l.bytes += l.model.QuicklistNode(int64(p.Size()))
	if size := arena.Rounded(len(p)); size <= int(nd.size)/2 && more < 0 {
		l.move(nd, size) // if there is no room, it stays
	}
}

// drop frees n chunks from the i-th on.
func (l *List) drop(i, n int) {
	for k := i; k < i+n; k++ {
		l.discard(l.nodes.at(k))
	}
	l.nodes.remove(i, n)
}

// discard frees the block of a node, which has no elements then.
func (l *List) discard(nd *node) {
	l.bytes -= l.model.QuicklistNode(int64(l.pack(nd).Size()))
	l.n -= int(nd.count)
	l.heap.Free(nd.ref, int(nd.size))
	*nd = node{}
}

// takes reports whether chunk i exists and takes one more element of n bytes.
func (l *List) takes(i, n int) bool {
	if i < 0 || i >= l.Nodes() {
		return false
	}
	nd := l.nodes.at(i)
	return Fits(int(nd.count), l.pack(nd).Size(), l.fill, n)
}

// Push adds an element at the front or at the end.
func (l *List) Push(s []byte, front bool) bool {
	i, at := l.Nodes()-1, l.Nodes()
	if front {
		i, at = 0, 0
	}
	if !l.takes(i, len(s)) {
		return l.pushNode(at, s)
	}
	return l.pushInto(i, s, front)
}

// pushNode makes a chunk of one element.
func (l *List) pushNode(i int, s []byte) bool {
	var room [128]byte
	return l.addNode(i, append(packed.Listpack(room[:0]), packed.New()...).Append(s))
}

// pushInto adds an element at an end of chunk i.
func (l *List) pushInto(i int, s []byte, front bool) bool {
	nd := l.nodes.at(i)
	at := int(nd.used)
	if front {
		at = l.pack(nd).First()
	}
	return l.insertInto(nd, at, s)
}

func (l *List) insertInto(nd *node, at int, s []byte) bool {
	if !l.reserve(nd, int(nd.used)+packed.EntrySize(s)) {
		return false
	}
	l.keep(nd, l.pack(nd).Insert(at, s), 1)
	return true
}

// Pop takes the first or last element of a List that has one, and appends it to dst.
func (l *List) Pop(dst []byte, front bool) []byte {
	i, nth := l.Nodes()-1, -1
	if front {
		i, nth = 0, 0
	}
	nd := l.nodes.at(i)
	p := l.pack(nd)
	at := p.Offset(nth)
	var buf [packed.IntBytes]byte
	elem, _ := p.At(at, buf[:])
	dst = append(dst, elem...)
	if nd.count == 1 {
		l.drop(i, 1)
	} else {
		l.keep(nd, p.Delete(at, 1), -1)
	}
	return dst
}

// seek returns the chunk that has element i, and its place there.
func (l *List) seek(i int) (chunk, place int) {
	if i < l.n/2 {
		for chunk = 0; ; chunk++ {
			n := int(l.nodes.at(chunk).count)
			if i < n {
				return chunk, i
			}
			i -= n
		}
	}
	first := l.n
	for chunk = l.Nodes() - 1; ; chunk-- {
		if first -= int(l.nodes.at(chunk).count); first <= i {
			return chunk, i - first
		}
	}
}

// Index returns element i, 0 <= i < Len. buf has room for a number.
func (l *List) Index(i int, buf []byte) []byte {
	chunk, place := l.seek(i)
	p := l.Node(chunk)
	elem, _ := p.At(seek(p, place), buf)
	return elem
}

// Set makes s element i, 0 <= i < Len. Its chunk may become longer than the limit (quicklist.c: quicklistReplaceEntry).
func (l *List) Set(i int, s []byte) bool {
	chunk, place := l.seek(i)
	nd := l.nodes.at(chunk)
	at := seek(l.pack(nd), place)
	was := l.pack(nd).Next(at) - at
	if !l.reserve(nd, int(nd.used)+packed.EntrySize(s)-was) {
		return false
	}
	l.keep(nd, l.pack(nd).Replace(at, s), 0)
	return true
}

// Range returns elements lo to hi-1, the last one first if reverse is set.
func (l *List) Range(lo, hi int, reverse bool) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for lo < hi {
			i := lo
			if reverse {
				i = hi - 1
			}
			chunk, place := l.seek(i)
			for lo < hi {
				nd := l.nodes.at(chunk)
				from, to := place, min(int(nd.count), place+hi-lo)
				if reverse {
					from, to = max(0, place+1-(hi-lo)), place+1
				}
				for elem := range Elements(l.pack(nd), from, to, reverse) {
					if !yield(elem) {
						return
					}
				}
				if reverse {
					hi -= to - from
					if chunk--; chunk >= 0 {
						place = int(l.nodes.at(chunk).count) - 1
					}
				} else {
					lo += to - from
					chunk, place = chunk+1, 0
				}
			}
		}
	}
}

// Matches returns the places of the elements that equal s, among the first limit ones from the end that reverse names. A place
// is counted from that end.
func (l *List) Matches(s []byte, limit int, reverse bool) iter.Seq[int] {
	return func(yield func(int) bool) {
		before := 0
		for k := range l.Nodes() {
			if reverse {
				k = l.Nodes() - 1 - k
			}
			for i := range Matches(l.Node(k), s, limit-before, reverse) {
				if !yield(before + i) {
					return
				}
			}
			if before += int(l.nodes.at(k).count); before >= limit {
				return
			}
		}
	}
}

// Remove takes out the elements that equal s: at most n, from the front if n > 0, from the end if n < 0; all if n = 0. It returns
// how many.
func (l *List) Remove(s []byte, n int) (removed int) {
	most, reverse := Most(n)
	dropped := false
	for k := 0; k < l.Nodes() && removed < most; k++ {
		nd := l.nodes.at(k)
		if reverse {
			nd = l.nodes.at(l.Nodes() - 1 - k)
		}
		p, some := Remove(l.pack(nd), s, most-removed, reverse)
		removed += some
		switch {
		case some == int(nd.count):
			l.discardEdited(nd, p)
			dropped = true
		case some > 0:
			l.keep(nd, p, -some)
		}
	}
	if dropped {
		l.nodes.sweep()
	}
	return removed
}

// discardEdited frees a node all of whose elements were taken out of its block.
func (l *List) discardEdited(nd *node, p packed.Listpack) {
	l.keep(nd, p, -int(nd.count))
	l.discard(nd)
}

// Delete takes out n elements from the i-th on.
func (l *List) Delete(i, n int) {
	if n <= 0 {
		return
	}
	chunk, place := l.seek(i)
	if nd := l.nodes.at(chunk); place > 0 {
		some := min(n, int(nd.count)-place)
		l.cut(nd, place, some)
		n -= some
		chunk++
	}
	whole := 0
	for n > 0 && int(l.nodes.at(chunk+whole).count) <= n {
		n -= int(l.nodes.at(chunk + whole).count)
		whole++
	}
	l.drop(chunk, whole)
	if n > 0 {
		l.cut(l.nodes.at(chunk), 0, n)
	}
}

// cut takes n elements out of a chunk, not all of them.
func (l *List) cut(nd *node, place, n int) {
	p := l.pack(nd)
	l.keep(nd, p.Delete(seek(p, place), n), -n)
}

// Release gives the blocks of all chunks back to the arena. The List must not be used afterwards.
func (l *List) Release() { l.drop(0, l.Nodes()) }

// Clone returns a List of the same chunks, which are in heap. It fails if that is full, and leaves nothing there.
func (l *List) Clone(heap *arena.Arena) (*List, bool) {
	c := New(heap, l.model, l.fill)
	for i := range l.Nodes() {
		if !c.AppendNode(l.Node(i)) {
			c.Release()
			return nil, false
		}
	}
	return c, true
}
