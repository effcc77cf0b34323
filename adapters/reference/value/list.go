package value

import (
	"iter"

	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/list"
	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/internal/memory"
)

// smallList is the longest that a list is kept as bytes: beyond it, copying the bytes at each push costs more than an Object.
const smallList = 1 << 10

// A List is a view on a list: on the only node of a short one, which is bytes, or on a list of nodes. Its encoding is quicklist
// either way, and it has the nodes that it would have in a server.
type List struct {
	s     *keyspace.Shard
	it    keyspace.Item
	pack  packed.Listpack // without nodes
	own   bool            // pack is a copy
	nodes *listNodes
	full  bool // something had no room
}

// listNodes is a list of nodes as an Object.
type listNodes struct {
	*list.List
	model *memory.Model
}

func (o *listNodes) Size(m *memory.Model) int64 {
	if m == o.model {
		return m.List(o.Bytes())
	}
	sum := int64(0)
	for i := range o.Nodes() {
		sum += m.QuicklistNode(int64(o.Node(i).Size()))
	}
	return m.List(sum)
}

func (o *listNodes) Clone(to *keyspace.Shard) (keyspace.Object, bool) {
	l, ok := o.List.Clone(to.Heap())
	return &listNodes{l, to.Model()}, ok
}

// packedListSize is what the bytes of a short list would take in a server.
func packedListSize(b []byte, m *memory.Model) int64 {
	return m.List(m.QuicklistNode(int64(packed.Listpack(b).Size())))
}

// emptyPack is a listpack of nothing.
var emptyPack = packed.New()

// OpenList returns a view on it, which is a list or no key. It is valid until Put, or until the shard is changed by another way.
func OpenList(s *keyspace.Shard, it keyspace.Item) List {
	l := List{s: s, it: it}
	switch it.Kind() {
	case keyspace.KindListNodes:
		l.nodes = it.Object().(*listNodes)
	case keyspace.KindListPacked:
		l.pack = it.Bytes()
	default:
		l.pack = emptyPack
	}
	return l
}

// Len returns the number of elements.
func (l *List) Len() int {
	if l.nodes != nil {
		return l.nodes.Len()
	}
	return l.pack.Len()
}

// edit makes pack a copy with room for n bytes more.
func (l *List) edit(n int) {
	if !l.own {
		l.pack, l.own = append(l.s.Scratch(len(l.pack)+n), l.pack...), true
	}
}

// spread makes nodes of the bytes. The first of them is as long as they are.
func (l *List) spread() {
	o := &listNodes{list.New(l.s.Heap(), l.s.Model(), l.s.Limits().ListSize), l.s.Model()}
	if l.pack.Len() > 0 && !o.AppendNode(l.pack) {
		l.full = true
		return
	}
	l.nodes, l.pack = o, nil
}

// room makes nodes of the bytes if an element of n bytes more would not be in the first node, or would make it long.
func (l *List) room(n int) {
	if l.nodes != nil {
		return
	}
	if !list.Fits(l.pack.Len(), l.pack.Size(), l.s.Limits().ListSize, n) && l.pack.Len() > 0 || len(l.pack)+n > smallList {
		l.spread()
	}
}

// Nodes returns the nodes that the list has in a server.
func (l *List) Nodes() iter.Seq[packed.Listpack] {
	nodes, pack := l.nodes, l.pack
	return func(yield func(packed.Listpack) bool) {
		if nodes == nil {
			if pack.Len() > 0 {
				yield(pack)
			}
			return
		}
		for i := range nodes.Nodes() {
			if !yield(nodes.Node(i)) {
				return
			}
		}
	}
}

// AppendNode adds a node at the end, whatever the limits say: a list that was saved has the nodes that it had. A node without
// elements is none.
func (l *List) AppendNode(p packed.Listpack) {
	switch {
	case p.Len() == 0:
		return
	case l.Len() == 0 && l.nodes == nil && len(p) <= smallList:
		l.edit(len(p))
		l.pack = append(l.pack[:0], p...)
		return
	case l.nodes == nil:
		l.spread()
	}
	l.full = l.nodes == nil || !l.nodes.AppendNode(p) || l.full
}

// Push adds an element at the front or at the end.
func (l *List) Push(elem []byte, front bool) {
	l.room(len(elem))
	if l.nodes != nil {
		l.full = !l.nodes.Push(elem, front) || l.full
		return
	}
	l.edit(packed.EntrySize(elem))
	at := l.pack.End()
	if front {
		at = l.pack.First()
	}
	l.pack = l.pack.Insert(at, elem)
}

// Pop takes the first or last element of a list that has one, and appends it to dst.
func (l *List) Pop(dst []byte, front bool) []byte {
	if l.nodes != nil {
		return l.nodes.Pop(dst, front)
	}
	l.edit(0)
	nth := -1
	if front {
		nth = 0
	}
	var buf [packed.IntBytes]byte
	at := l.pack.Offset(nth)
	elem, _ := l.pack.At(at, buf[:])
	dst = append(dst, elem...)
	l.pack = l.pack.Delete(at, 1)
	return dst
}

// Rotate moves an element of a list that has one from an end to an end, and appends it to dst. Where there is no room it stays.
func (l *List) Rotate(dst []byte, from, to bool) []byte {
	elem := l.Pop(dst, from)
	l.Push(elem, to)
	if l.full && l.nodes != nil {
		l.nodes.Push(elem, from) // where it was there is room for it
	}
	return elem
}

// Index returns element i, 0 <= i < Len. buf has room for a number.
func (l *List) Index(i int, buf []byte) []byte {
	if l.nodes != nil {
		return l.nodes.Index(i, buf)
	}
	elem, _ := l.pack.At(l.pack.Offset(i), buf)
	return elem
}

// Set makes elem element i, 0 <= i < Len.
func (l *List) Set(i int, elem []byte) {
	if l.nodes == nil && len(l.pack)+len(elem) > smallList {
		l.spread()
	}
	if l.nodes != nil {
		l.full = !l.nodes.Set(i, elem) || l.full
		return
	}
	l.edit(packed.EntrySize(elem))
	l.pack = l.pack.Replace(l.pack.Offset(i), elem)
}

// Insert adds elem before or after the first element that equals pivot, and reports whether there is one.
func (l *List) Insert(pivot, elem []byte, after bool) bool {
	at := 0
	if l.nodes == nil {
		if at = l.pack.Find(pivot, l.pack.First(), 1); at < 0 {
			return false
		}
		l.room(len(elem))
	}
	if l.nodes != nil {
		found, ok := l.nodes.Insert(pivot, elem, after)
		l.full = l.full || !ok
		return found
	}
	l.edit(packed.EntrySize(elem))
	if after {
		at = l.pack.Next(at)
	}
	l.pack = l.pack.Insert(at, elem)
	return true
}

// Remove takes out the elements that equal elem: at most n, from the front if n > 0, from the end if n < 0; all if n = 0. It
// returns how many.
func (l *List) Remove(elem []byte, n int) (removed int) {
	if l.nodes != nil {
		return l.nodes.Remove(elem, n)
	}
	if l.pack.Find(elem, l.pack.First(), 1) < 0 {
		return 0
	}
	l.edit(0)
	most, reverse := list.Most(n)
	l.pack, removed = list.Remove(l.pack, elem, most, reverse)
	return removed
}

// Delete takes out n elements from the i-th on.
func (l *List) Delete(i, n int) {
	switch {
	case n <= 0:
	case l.nodes != nil:
		l.nodes.Delete(i, n)
	default:
		l.edit(0)
		l.pack = l.pack.Delete(l.pack.Offset(i), n)
	}
}

// Range returns elements lo to hi-1, the last one first if reverse is set. One is valid until the next.
func (l *List) Range(lo, hi int, reverse bool) iter.Seq[[]byte] {
	if l.nodes != nil {
		return l.nodes.Range(lo, hi, reverse)
	}
	return list.Elements(l.pack, lo, hi, reverse)
}

// Matches returns the places of the elements that equal elem, among the first limit ones from the end that reverse names. A place
// is counted from that end.
func (l *List) Matches(elem []byte, limit int, reverse bool) iter.Seq[int] {
	if l.nodes != nil {
		return l.nodes.Matches(elem, limit, reverse)
	}
	return list.Matches(l.pack, elem, limit, reverse)
}

// Put makes the list the value of the key that it was opened for, or deletes the key if it is empty. It reports false if something
// that was to be put in had no room; what had is there.
func (l *List) Put(db int, key []byte, hash uint64) (keyspace.Item, bool) {
	switch {
	case l.Len() == 0:
		if l.it.OK() {
			l.s.Delete(l.it)
		} else if l.nodes != nil {
			l.nodes.Release()
		}
		return keyspace.Item{}, !l.full
	case l.nodes == nil && !l.own:
		return l.it, !l.full
	case l.nodes == nil:
		it, ok := l.s.PutBytes(db, key, hash, l.it, keyspace.KindListPacked, l.pack)
		return it, ok && !l.full
	case l.it.Kind() == keyspace.KindListNodes:
		l.s.Settle(l.it)
		return l.it, !l.full
	}
	it, ok := l.s.PutObject(db, key, hash, l.it, keyspace.KindListNodes, l.nodes)
	if !ok {
		l.nodes.Release()
	}
	return it, ok && !l.full
}
