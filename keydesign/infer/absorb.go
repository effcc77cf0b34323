package infer

// absorbable is the largest share, of the larger sibling, that a slot of one
// soft type may have to be taken for an accident of another: random hex
// without a letter is an int. Zero: never.
func absorbable(small, large byte) float64 {
	switch {
	case large == mInt:
		return 0
	case small == mInt:
		return .08
	case large == mHex && small != mHex:
		return .01
	}
	return .25
}

// types joins siblings of soft types where the smaller continues as the
// larger does. Hard types beside each other stay: that is a finding.
func (f *folder) types(n *node) {
	for changed := true; changed; {
		changed = false
		for _, small := range n.kids {
			if large := f.host(n, small); large != nil {
				n.drop(small)
				n.drop(large)
				f.merge(large, small)
				n.put(large)
				f.again(large)
				changed = true
				break
			}
		}
	}
}

// host returns the sibling that absorbs small, or nil.
func (f *folder) host(n *node, small *node) *node {
	if small.kind == 0 || hard(small.kind) {
		return nil
	}
	for _, large := range n.kids {
		if large == small || large.sep != small.sep || large.kind == 0 || hard(large.kind) || large.keys < small.keys {
			continue
		}
		share := absorbable(small.kind, large.kind)
		if sameLength(small.slot, large.slot) {
			share *= 2
		}
		if wild(small.kind) && wild(large.kind) {
			share = 1
		}
		if float64(small.keys) <= share*float64(large.keys) && overlap(sigsOf(small), sigsOf(large)) >= .9 {
			return large
		}
	}
	return nil
}

// sameLength reports whether all values of both have one length: a sign that
// they come from one generator.
func sameLength(a, b *slot) bool {
	return a != nil && b != nil && a.lo == a.hi && a.lo == b.lo && b.lo == b.hi && b.n >= 8
}

// minDepth is how many depths of one path make it a {path}.
const minDepth = 4

// paths folds /{str}/{str}/… of four and more depths into /{path}.
func (f *folder) paths(n *node) {
	first := n.pathKid()
	if first == nil {
		return
	}
	ends, k := 0, first
	for d := 0; k != nil && d < maxPieces; d++ {
		if k.leaf != noLeaf {
			ends++
		}
		k = k.pathKid()
	}
	if ends < minDepth {
		return
	}
	n.drop(first)
	all := &node{piece: piece{sep: '/', kind: mRest}, leaf: noLeaf, vals: &values{}}
	all.keys = first.keys
	f.endAll(all, first)
	all.vals.n = first.distinct()
	n.put(all)
}

func (n *node) pathKid() *node {
	if k := n.kid(piece{sep: '/', kind: mRun}); k != nil {
		return k
	}
	return n.kid(piece{sep: '/', kind: mStr})
}

// endAll makes every leaf below n end in into.
func (f *folder) endAll(into, n *node) {
	into.leaf = f.same(into.leaf, n.leaf)
	for _, k := range n.kids {
		f.endAll(into, k)
	}
}
