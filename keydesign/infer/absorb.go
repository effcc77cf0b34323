package infer

import "strings"

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
	if small.kind == 0 || hard(small.kind) || small.kind == mRest {
		return nil
	}
	for _, large := range n.kids {
		if large == small || large.sep != small.sep || large.kind == 0 || hard(large.kind) || large.kind == mRest || large.keys < small.keys {
			continue
		}
		share := absorbable(small.kind, large.kind)
		if sameLength(small, large) {
			share = max(2*share, .5)
			if small.mixed() || large.mixed() {
				share = 1
			}
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
func sameLength(a, b *node) bool {
	la, ha := a.lengths()
	lb, hb := b.lengths()
	return la == ha && lb == hb && la == lb && b.distinct() >= 8
}

// lengths returns the range of the lengths of the tokens that end in n or, if
// none does, of its values.
func (n *node) lengths() (lo, hi int) {
	if n.hi > 0 {
		return int(n.lo), int(n.hi)
	}
	lo = maxLex
	if n.slot != nil {
		lo, hi = int(n.slot.lo), int(n.slot.hi)
	}
	if n.vals != nil {
		for _, w := range n.vals.words {
			lo, hi = min(lo, len(w)), max(hi, len(w))
		}
	}
	return lo, hi
}

// mixed reports whether the slot was folded from words of which some hold a
// digit: short pieces of random text, 3f beside 42.
func (n *node) mixed() bool {
	if n.vals == nil {
		return false
	}
	digits := 0
	for _, w := range n.vals.words {
		if strings.ContainsAny(w, "0123456789") {
			digits++
		}
	}
	return 4*digits >= len(n.vals.words)
}

// minDepth is how many depths of one path make it a {path}.
const minDepth = 4

// paths folds /{str}/{str}/… of four and more depths into /{path}.
func (f *folder) paths(n *node) {
	ends := 0
	for k := n.pathKid(); k != nil; k = k.pathKid() {
		if k.leaf != noLeaf {
			ends++
		}
		if k.kind == mRest {
			ends += minDepth
		}
	}
	first := n.pathKid()
	if ends < minDepth || first.kind == mRest && len(first.kids) == 0 && !n.otherPath() {
		return
	}
	all := newNode(piece{sep: '/', kind: mRest})
	all.vals = &values{}
	for _, kind := range [...]byte{mRest, mRun, mStr} {
		if k := n.kid(piece{sep: '/', kind: kind}); k != nil {
			n.drop(k)
			all.keys += k.keys
			all.vals.n += k.distinct()
			f.endAll(all, k)
		}
	}
	n.put(all)
}

// otherPath reports whether folded words stand beside a {path}.
func (n *node) otherPath() bool {
	return n.kid(piece{sep: '/', kind: mRun}) != nil || n.kid(piece{sep: '/', kind: mStr}) != nil
}

func (n *node) pathKid() *node {
	if k := n.kid(piece{sep: '/', kind: mRest}); k != nil {
		return k
	}
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
