package zset

import "bytes"

// mostDepth bounds the inner nodes of a path: six children at least, 4 billion members.
const mostDepth = 16

// A tree keeps items in order: by score, then by the bytes of their members.
type tree struct {
	set    *Set
	leaves pool[leaf]
	inners pool[inner]
	root   uint32
	depth  int // inner nodes above a leaf
}

// A path is how a leaf was reached: the inner nodes and which child was taken in each.
type path struct {
	node [mostDepth]uint32
	kid  [mostDepth]int
	leaf uint32
	end  bool // an item is put in at the end of the set
}

func (t *tree) init(s *Set) {
	t.set = s
	t.root = t.leaves.get()
}

// bytes returns the memory of the nodes.
func (t *tree) bytes() int64 { return int64(t.leaves.nodes())*256 + int64(t.inners.nodes())*248 }

// compare orders items as Redis does.
func (t *tree) compare(a, b item) int {
	switch {
	case a.score < b.score:
		return -1
	case a.score > b.score:
		return 1
	case a.ref == b.ref:
		return 0
	}
	return bytes.Compare(t.set.member(a.ref), t.set.member(b.ref))
}

// child returns the last child of p whose first item is not after x, or 0.
func (t *tree) child(p *inner, x item) int {
	i := 1
	for i < int(p.n) && (p.score[i] < x.score || p.score[i] == x.score && t.compare(p.first(i), x) <= 0) {
		i++
	}
	return i - 1
}

// slot returns where x is in l, or belongs.
func (t *tree) slot(l *leaf, x item) int {
	i := 0
	for i < int(l.n) && (l.score[i] < x.score || l.score[i] == x.score && t.compare(l.at(i), x) < 0) {
		i++
	}
	return i
}

// descend finds the leaf where x is or belongs.
func (t *tree) descend(x item) (p path) {
	id := t.root
	for d := range t.depth {
		in := t.inners.at(id)
		p.node[d], p.kid[d] = id, t.child(in, x)
		id = in.kid[p.kid[d]]
	}
	p.leaf = id
	return p
}

// fix sets the first item of the leaf in the nodes above, as far as it is their first too.
func (t *tree) fix(p *path) { t.fixAbove(p, t.depth, t.leaves.at(p.leaf).at(0)) }

// insert puts in an item that is not there.
func (t *tree) insert(x item) {
	p := t.descend(x)
	for d := range t.depth {
		t.inners.at(p.node[d]).count[p.kid[d]]++
	}
	l := t.leaves.at(p.leaf)
	i := t.slot(l, x)
	if l.n < leafMost {
		l.open(i)
		l.put(i, x)
		if i == 0 {
			t.fix(&p)
		}
		return
	}
	t.splitLeaf(&p, i, x)
}

// splitLeaf divides a full leaf and puts x at i of what it was. At the end of the set the new leaf begins empty, so that members
// that come in order fill theirs.
func (t *tree) splitLeaf(p *path, i int, x item) {
	id := t.leaves.get()
	l, right := t.leaves.at(p.leaf), t.leaves.at(id)
	cut := leafMost / 2
	p.end = i == leafMost && l.next == 0
	if p.end {
		cut = leafMost
	}
	l.give(cut, right)
	t.link(id, l.next)
	t.link(p.leaf, id)
	if i <= cut && cut < leafMost {
		l.open(i)
		l.put(i, x)
	} else {
		right.open(i - cut)
		right.put(i-cut, x)
	}
	if i == 0 {
		t.fix(p)
	}
	t.grow(p, t.depth-1, right.at(0), id, uint32(right.n))
}

// grow puts a new child behind the one of the path at depth d, and divides the node there if it is full.
func (t *tree) grow(p *path, d int, first item, kid, count uint32) {
	if d < 0 {
		t.raise(first, kid, count)
		return
	}
	in, i := t.inners.at(p.node[d]), p.kid[d]
	in.count[i] -= count
	if in.n < innerMost {
		in.open(i + 1)
		in.put(i+1, first, kid, count)
		return
	}
	id := t.inners.get()
	in, right := t.inners.at(p.node[d]), t.inners.at(id)
	cut := innerMost / 2
	if p.end {
		cut = innerMost - 1
	}
	in.give(cut, right)
	if i+1 <= cut {
		in.open(i + 1)
		in.put(i+1, first, kid, count)
	} else {
		right.open(i + 1 - cut)
		right.put(i+1-cut, first, kid, count)
	}
	t.grow(p, d-1, right.first(0), id, right.sum())
}

// raise makes a new root of the old one and its new neighbour.
func (t *tree) raise(first item, kid, count uint32) {
	id := t.inners.get()
	in := t.inners.at(id)
	in.n = 2
	in.put(0, t.firstOf(t.root), t.root, t.countOf(t.root))
	in.put(1, first, kid, count)
	t.root = id
	t.depth++
}

// firstOf and countOf are of a node at the top.
func (t *tree) firstOf(id uint32) item {
	if t.depth == 0 {
		return t.leaves.at(id).at(0)
	}
	return t.inners.at(id).first(0)
}

func (t *tree) countOf(id uint32) uint32 {
	if t.depth == 0 {
		return uint32(t.leaves.at(id).n)
	}
	return t.inners.at(id).sum()
}
