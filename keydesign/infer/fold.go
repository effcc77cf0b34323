package infer

import (
	"slices"
	"strings"
)

// A folder turns the trie of shapes into the trie of templates. Nodes merge;
// the leaves that end in one node are one template, and group remembers which
// (a union-find over leaf numbers).
type folder struct {
	group    []int32
	sketches int
	root     *node
	names    map[*node]bool // the root, and a prefix that most keys share
}

func newFolder(root *node, leaves int) *folder {
	f := &folder{root: root, sketches: maxSketches, group: make([]int32, leaves)}
	for i := range f.group {
		f.group[i] = int32(i)
	}
	f.names = map[*node]bool{root: true}
	for n := root; n != nil; {
		n = n.main()
		if n != nil {
			f.names[n] = true
		}
	}
	return f
}

// main returns the word that leads half of the keys of n, or nil.
func (n *node) main() *node {
	for _, k := range n.kids {
		if k.kind == 0 && 2*k.keys >= n.keys && len(k.kids) > 1 {
			return k
		}
	}
	return nil
}

// find returns the leaf that stands for the group of leaf i.
func (f *folder) find(i int32) int32 {
	for f.group[i] != i {
		f.group[i] = f.group[f.group[i]]
		i = f.group[i]
	}
	return i
}

func (f *folder) same(a, b int32) int32 {
	if a == noLeaf {
		return b
	}
	if b == noLeaf {
		return a
	}
	a, b = f.find(a), f.find(b)
	a, b = min(a, b), max(a, b)
	f.group[b] = a
	return a
}

// fold folds n and all below it, children first.
func (f *folder) fold(n *node) {
	for _, k := range n.kids {
		f.fold(k)
	}
	f.level(n)
}

// level folds the children of n, whose subtrees are folded.
func (f *folder) level(n *node) {
	n.sigs = nil
	if len(n.kids) < 2 {
		return
	}
	for _, sep := range leads(n) {
		f.digits(n, sep)
		for _, abs := range [...]bool{false, true} {
			if c := f.crowd(n, sep, abs); len(c) > 0 {
				f.slot(n, sep, mStr, c)
			}
		}
	}
	f.tokens(n)
	f.types(n)
	f.paths(n)
	n.sigs = nil
}

// leads returns the separators that lead the children of n, in order.
func leads(n *node) []byte {
	var s []byte
	for _, k := range n.kids {
		if len(s) == 0 || s[len(s)-1] != k.sep {
			s = append(s, k.sep)
		}
	}
	return s
}

// words returns the children of n that are words behind sep.
func words(n *node, sep byte) []*node {
	var w []*node
	for _, k := range n.kids {
		if k.sep == sep && k.kind == 0 && k.text != "" {
			w = append(w, k)
		}
	}
	return w
}

// crowd returns the words behind sep that are values of one slot: at least
// half of the keys of each take continuations that are common, and there are
// more of them than the fee. Siblings that continue in other ways speak
// against it: a position of many unlike things is a place of names.
func (f *folder) crowd(n *node, sep byte, abs bool) []*node {
	w := words(n, sep)
	star := n.kid(piece{sep: sep, kind: mStr})
	if len(w) == 0 || star == nil && len(w) <= feeFew {
		return nil
	}
	hash := func(s sig) uint64 {
		if abs {
			return s.abs
		}
		return s.exact
	}
	count := map[uint64]int{}
	ways, keys := 0, int64(0)
	for _, k := range w {
		keys += k.keys
		for _, h := range distinctHashes(sigsOf(k), hash) {
			count[h]++
			ways++
		}
	}
	many := ways >= 2*len(w)
	heavy := keys >= manyKeys*int64(len(w))
	need := fee(n, f.names[n], many, heavy)
	if abs {
		need *= abstract
	}
	if star != nil {
		for _, h := range distinctHashes(sigsOf(star), hash) {
			count[h] += int(min(star.distinct(), 1<<20))
		}
	}
	return pick(w, count, hash, need, star != nil)
}

// pick returns the words most of whose continuations are common to more than
// need words, if they outnumber what speaks against them or join a slot.
func pick(w []*node, count map[uint64]int, hash func(sig) uint64, need float64, join bool) []*node {
	var in []*node
	others := map[uint64]struct{}{}
	for _, k := range w {
		total, common := int64(0), int64(0)
		print := uint64(0)
		for _, s := range sigsOf(k) {
			total += s.keys
			if float64(count[hash(s)]) > need+1 {
				common += s.keys
			}
			print += hash(s)
		}
		if 2*common >= total {
			in = append(in, k)
		} else {
			others[print] = struct{}{}
		}
	}
	if !join && float64(len(in)) <= need+1+2*float64(len(others)) {
		return nil
	}
	return in
}

func distinctHashes(s []sig, hash func(sig) uint64) []uint64 {
	h := make([]uint64, len(s))
	for i := range s {
		h[i] = hash(s[i])
	}
	slices.Sort(h)
	return slices.Compact(h)
}

// slot replaces the children c of n by one of the given kind, and folds what
// came together below it.
func (f *folder) slot(n *node, sep, kind byte, c []*node) *node {
	into := n.kid(piece{sep: sep, kind: kind})
	if into == nil {
		into = newNode(piece{sep: sep, kind: kind})
	} else {
		n.drop(into)
	}
	if wild(kind) && into.vals == nil {
		into.vals = &values{}
	}
	for _, k := range c {
		if into.vals != nil && k.kind == 0 {
			into.vals.add(k.text)
		}
	}
	n.dropAll(c)
	f.merge(into, c...)
	n.put(into)
	f.again(into)
	return into
}

// merge adds the subtrees of all to n.
func (f *folder) merge(n *node, all ...*node) {
	if len(all) == 0 {
		return
	}
	n.sigs = nil
	n.wide = true
	total := len(n.kids)
	for _, o := range all {
		total += len(o.kids)
	}
	kids := append(make([]*node, 0, total), n.kids...)
	for _, o := range all {
		n.keys += o.keys
		n.lo, n.hi = min(n.lo, o.lo), max(n.hi, o.hi)
		n.leaf = f.same(n.leaf, o.leaf)
		if o.slot != nil {
			n.count(o.slot, &f.sketches)
		}
		if o.vals != nil {
			if n.vals == nil {
				n.vals = &values{}
			}
			n.vals.merge(o.vals)
		}
		kids = append(kids, o.kids...)
	}
	slices.SortStableFunc(kids, func(a, b *node) int { return a.compare(&b.piece) })
	n.kids = n.kids[:0]
	for i := 0; i < len(kids); {
		j := i + 1
		for j < len(kids) && kids[j].piece == kids[i].piece {
			j++
		}
		f.merge(kids[i], kids[i+1:j]...)
		n.kids = append(n.kids, kids[i])
		i = j
	}
}

// again folds the parts of n that merges have changed.
func (f *folder) again(n *node) {
	for i := 0; i < len(n.kids); i++ {
		if n.kids[i].wide {
			f.again(n.kids[i])
		}
	}
	n.wide = false
	f.level(n)
}

// drop removes the child k.
func (n *node) drop(k *node) {
	if i := slices.Index(n.kids, k); i >= 0 {
		n.kids = slices.Delete(n.kids, i, i+1)
	}
	n.sigs = nil
}

// dropAll removes the children in all, which are in order.
func (n *node) dropAll(all []*node) {
	i := 0
	n.kids = slices.DeleteFunc(n.kids, func(k *node) bool {
		if i < len(all) && all[i] == k {
			i++
			return true
		}
		return false
	})
	n.sigs = nil
}

// put inserts the child k in order.
func (n *node) put(k *node) {
	i, _ := slices.BinarySearchFunc(n.kids, k, func(a, b *node) int { return a.compare(&b.piece) })
	n.kids = slices.Insert(n.kids, i, k)
	n.sigs = nil
}

// digits folds words of one or two digits (shard-7) into the number beside
// them, or into one if there are enough.
func (f *folder) digits(n *node, sep byte) {
	var d []*node
	for _, k := range words(n, sep) {
		if strings.Trim(k.text, "0123456789") == "" {
			d = append(d, k)
		}
	}
	if len(d) == 0 {
		return
	}
	if number := n.kid(piece{sep: sep, kind: mInt}); number != nil {
		s := sigsOf(number)
		d = slices.DeleteFunc(d, func(k *node) bool { return overlap(sigsOf(k), s) < .5 })
		if len(d) > 0 {
			f.number(n, sep, d)
		}
		return
	}
	if len(d) > feeDigits {
		f.number(n, sep, d)
	}
}

// number folds words of digits into an int, and counts them as such.
func (f *folder) number(n *node, sep byte, d []*node) {
	for _, k := range d {
		var s slot
		s.add(mInt, k.text, &f.sketches)
		s.n = k.keys
		k.slot = &s
	}
	f.slot(n, sep, mInt, d)
}
