package zset

const (
	leafLeast  = leafMost / 2
	innerLeast = innerMost / 2
)

// remove takes out an item that is there.
func (t *tree) remove(x item) {
	p := t.descend(x)
	t.removeAt(&p, t.slot(t.leaves.at(p.leaf), x))
}

// removeAt takes out the item at i of the leaf of a path.
func (t *tree) removeAt(p *path, i int) {
	for d := range t.depth {
		t.inners.at(p.node[d]).count[p.kid[d]]--
	}
	l := t.leaves.at(p.leaf)
	l.shut(i)
	if t.depth == 0 {
		return
	}
	if l.n > 0 && i == 0 {
		t.fix(p)
	}
	if l.n < leafLeast {
		t.fillLeaf(p)
	}
}

// fillLeaf joins a leaf that has become too empty with a neighbour under the same node, or takes some of its members.
func (t *tree) fillLeaf(p *path) {
	d := t.depth - 1
	in := t.inners.at(p.node[d])
	i := max(p.kid[d]-1, 0) // the left of the two
	left, right := t.leaves.at(in.kid[i]), t.leaves.at(in.kid[i+1])
	if total := int(left.n + right.n); total > leafMost {
		t.levelLeaves(in, i, left, right, total/2)
		if i == 0 {
			t.fixAbove(p, d, left.at(0))
		}
		return
	}
	right.give(0, left)
	t.link(in.kid[i], right.next)
	t.leaves.release(in.kid[i+1])
	in.count[i] += in.count[i+1]
	in.shut(i + 1)
	t.settle(p, d, i, left.at(0))
}

// levelLeaves gives the left of two neighbours so many members.
func (t *tree) levelLeaves(in *inner, i int, left, right *leaf, n int) {
	var both leafPair
	m := both.take(left, right)
	left.n, right.n = 0, 0
	for j := range m {
		to := left
		if j >= n {
			to = right
		}
		to.n++
		to.put(int(to.n)-1, both[j])
	}
	in.count[i], in.count[i+1] = uint32(left.n), uint32(right.n)
	in.setFirst(i, left.at(0))
	in.setFirst(i+1, right.at(0))
}

// link makes two leaves neighbours; the second may be 0.
func (t *tree) link(id, next uint32) {
	t.leaves.at(id).next = next
	if next != 0 {
		t.leaves.at(next).prev = id
	}
}

type leafPair [2 * leafMost]item

func (b *leafPair) take(leaves ...*leaf) (n int) {
	for _, l := range leaves {
		for i := range int(l.n) {
			b[n] = l.at(i)
			n++
		}
	}
	return n
}

// settle is for the node at depth d once it has a child less: first is that of its child i. It may be the root with one child, or
// too empty itself.
func (t *tree) settle(p *path, d, i int, first item) {
	in := t.inners.at(p.node[d])
	in.setFirst(i, first)
	if i == 0 {
		t.fixAbove(p, d, first)
	}
	switch {
	case d == 0 && in.n == 1:
		t.root = in.kid[0]
		t.inners.release(p.node[0])
		t.depth--
	case d > 0 && in.n < innerLeast:
		t.fillInner(p, d)
	}
}

// fixAbove sets the first item of the node at depth d in those above, as far as it is their first too.
func (t *tree) fixAbove(p *path, d int, first item) {
	for d--; d >= 0; d-- {
		t.inners.at(p.node[d]).setFirst(p.kid[d], first)
		if p.kid[d] > 0 {
			return
		}
	}
}

// fillInner does to the node at depth d what fillLeaf does to a leaf.
func (t *tree) fillInner(p *path, d int) {
	in := t.inners.at(p.node[d-1])
	i := max(p.kid[d-1]-1, 0)
	left, right := t.inners.at(in.kid[i]), t.inners.at(in.kid[i+1])
	switch total := int(left.n + right.n); {
	case total <= innerMost:
		right.give(0, left)
		t.inners.release(in.kid[i+1])
		in.count[i] += in.count[i+1]
		in.shut(i + 1)
		t.settle(p, d-1, i, left.first(0))
		return
	case int(left.n) > total/2:
		moved := *right
		right.n = 0
		left.give(total/2, right)
		moved.give(0, right)
	default:
		var rest inner
		right.give(total/2-int(left.n), &rest)
		right.give(0, left)
		*right = rest
	}
	in.count[i], in.count[i+1] = left.sum(), right.sum()
	in.setFirst(i+1, right.first(0))
}
