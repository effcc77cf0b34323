package infer

import (
	"cmp"
	"slices"
	"strings"
)

// A piece is one step of a shape: a separator (0 for none), then a word or the
// mark of a value.
type piece struct {
	sep  byte
	kind byte // 0 for a word
	text string
}

// next cuts the first piece off a shape that is not empty.
func next(shape string) (piece, string) {
	var p piece
	i := 0
	if isSep(shape[0]) {
		p.sep, i = shape[0], 1
	}
	if i < len(shape) && isMark(shape[i]) {
		p.kind = shape[i]
		return p, shape[i+1:]
	}
	j := i
	for j < len(shape) && !isMark(shape[j]) && !isSep(shape[j]) {
		j++
	}
	p.text = shape[i:j]
	return p, shape[j:]
}

// rank orders bytes so that all shapes that begin with the same pieces are
// neighbours: marks and separators before text.
func rank(b byte) int {
	switch {
	case isMark(b):
		return int(b)
	case isSep(b):
		return 256 + int(b)
	}
	return 512 + int(b)
}

func compareShapes(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return cmp.Compare(rank(a[i]), rank(b[i]))
		}
	}
	return cmp.Compare(len(a), len(b))
}

func (p *piece) compare(q *piece) int {
	if p.sep != q.sep {
		return cmp.Compare(p.sep, q.sep)
	}
	if p.kind != q.kind {
		return cmp.Compare(p.kind, q.kind)
	}
	return strings.Compare(p.text, q.text)
}

// mix combines two hashes; the order matters.
func mix(a, b uint64) uint64 {
	x := (a ^ 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9
	x ^= x>>29 ^ b
	x *= 0x94d049bb133111eb
	return x ^ x>>32
}

const noLeaf = -1

// A node of the trie of shapes. kids are in the order of piece.compare.
type node struct {
	piece
	kids []*node
	keys int64 // keys that pass or end here
	leaf int32 // a leaf that ends here, or noLeaf; see folder.same for the others
	lent bool  // slot is a leaf's, and must be cloned before it is changed
	wide bool  // folded from several words, and not looked at since
	lo   int32 // the shortest and longest token that ends here, in bytes
	hi   int32
	sigs []sig // cached; see sig.go
	slot *slot // of a typed piece: the values at this position
	vals *values
}

func newNode(p piece) *node { return &node{piece: p, leaf: noLeaf, lo: maxLex} }

// values are the words that a folded node stands for.
type values struct {
	words []string // the first maxValues, sorted
	n     int64    // how many, an upper bound where subtrees were merged
}

// maxValues is how many words of a folded slot are kept and shown.
const maxValues = 64

// add notes a word.
func (v *values) add(word string) {
	i, found := slices.BinarySearch(v.words, word)
	if found {
		return
	}
	v.n++
	if i < maxValues {
		v.words = slices.Insert(v.words, i, word)
		v.words = v.words[:min(len(v.words), maxValues)]
	}
}

// merge adds the words of o.
func (v *values) merge(o *values) {
	extra := o.n - int64(len(o.words))
	for _, w := range o.words {
		v.add(w)
	}
	v.n += extra
}

// distinct returns how many values a node stands for.
func (n *node) distinct() int64 {
	if n.kind == 0 {
		return 1
	}
	d := n.slot.distinct()
	if n.vals != nil {
		d += n.vals.n
	}
	return max(d, 1)
}

// plant builds the trie of the leaves. Leaf numbers are indices of leaves.
func plant(leaves []leaf) *node {
	order := make([]int32, len(leaves))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return compareShapes(leaves[a].shape, leaves[b].shape) })
	root := newNode(piece{})
	unlimited := 1 << 30
	for _, i := range order {
		root.grow(i, &leaves[i], &unlimited)
	}
	root.sortKids()
	return root
}

// grow adds the leaf to the trie. Leaves come in the order of compareShapes,
// so that a piece that exists is always the last child.
func (n *node) grow(i int32, l *leaf, sketches *int) {
	n.keys += l.keys
	mark, lo, hi := 0, int32(0), int32(0)
	for rest := l.shape; rest != ""; {
		var p piece
		p, rest = next(rest)
		last := len(n.kids) - 1
		if last < 0 || n.kids[last].piece != p {
			n.kids = append(n.kids, newNode(p))
			last++
		}
		n = n.kids[last]
		n.keys += l.keys
		if isStrong(p.sep) {
			lo, hi = 0, 0
		} else if p.sep != 0 {
			lo, hi = lo+1, hi+1
		}
		if p.kind != 0 {
			s := &l.slots[mark]
			n.count(s, sketches)
			lo, hi = lo+int32(s.lo), hi+int32(s.hi)
			mark++
		}
		lo, hi = lo+int32(len(p.text)), hi+int32(len(p.text))
		if rest == "" || isStrong(rest[0]) {
			n.lo, n.hi = min(n.lo, lo), max(n.hi, hi)
		}
	}
	n.leaf = i
}

// count adds a leaf's slot to that of the position.
func (n *node) count(s *slot, sketches *int) {
	if n.slot == nil {
		n.slot, n.lent = s, true
		return
	}
	if n.lent {
		n.slot, n.lent = n.slot.clone(), false
	}
	n.slot.merge(s, sketches)
}

func (n *node) sortKids() {
	slices.SortFunc(n.kids, func(a, b *node) int { return a.compare(&b.piece) })
	for _, k := range n.kids {
		k.sortKids()
	}
}

// kid returns the child with the given piece, or nil.
func (n *node) kid(p piece) *node {
	i, ok := slices.BinarySearchFunc(n.kids, p, func(k *node, p piece) int { return k.compare(&p) })
	if !ok {
		return nil
	}
	return n.kids[i]
}
