package infer

import (
	"cmp"
	"slices"

	"github.com/zeebo/xxh3"
)

// A sig is one continuation of a node: a path from it to the end of a key,
// hashed, with the number of keys that take it. abs hashes the same path with
// words as wildcards, and several words in a row within a token as one, so
// that `:alice:x` and `:bob-b:x` have one abs.
type sig struct {
	exact, abs uint64
	rest       uint64 // abs of what follows the words the path begins with
	lead       bool   // the path begins with a word within the token
	keys       int64
}

// maxSigs is how many continuations of a node are looked at: those with the
// smallest hashes, which are the same in any order of the keys.
const maxSigs = 256

// the hash of the path that ends here.
const endHash = 0x5bd1e995

// sigsOf returns the continuations of n, by exact hash.
func sigsOf(n *node) []sig {
	if n.sigs == nil {
		n.sigs = gather(n, func(*node) bool { return true })
	}
	return n.sigs
}

// tokenSigs returns the continuations of n that leave its token.
func tokenSigs(n *node) []sig {
	return gather(n, func(k *node) bool { return isStrong(k.sep) })
}

func gather(n *node, want func(*node) bool) []sig {
	var s []sig
	inner := int64(0)
	for _, k := range n.kids {
		inner += k.keys
		if !want(k) {
			continue
		}
		for _, c := range sigsOf(k) {
			s = append(s, lead(k, c))
		}
	}
	if n.leaf != noLeaf {
		s = append(s, sig{exact: endHash, abs: endHash, rest: endHash, keys: max(n.keys-inner, 1)})
	}
	slices.SortFunc(s, func(a, b sig) int { return cmp.Compare(a.exact, b.exact) })
	s = slices.CompactFunc(s, func(a, b sig) bool { return a.exact == b.exact })
	if len(s) > maxSigs {
		s = slices.Clone(s[:maxSigs])
	}
	return s
}

// lead puts the piece of k before the path c.
func lead(k *node, c sig) sig {
	word := k.kind == 0 && k.text != "" || wild(k.kind)
	s := sig{keys: c.keys}
	kind := uint64(k.kind)
	if k.kind == mRun {
		kind = mStr
	}
	if k.kind != 0 {
		s.exact = mix(c.exact, kind<<8|uint64(k.sep))
	} else {
		s.exact = mix(c.exact, xxh3.HashStringSeed(k.text, 1+uint64(k.sep)))
	}
	if !word {
		s.abs = s.exact
		if k.kind != 0 {
			s.abs = mix(c.abs, kind<<8|uint64(k.sep))
		} else {
			s.abs = mix(c.abs, 0xff00|uint64(k.sep))
		}
		s.rest = s.abs
		return s
	}
	rest := c.abs
	if c.lead {
		rest = c.rest
	}
	s.rest = rest
	s.lead = !isStrong(k.sep)
	s.abs = mix(rest, mStr<<8|uint64(k.sep))
	return s
}

// overlap returns which share of the keys of a takes continuations of b.
func overlap(a, b []sig) float64 {
	total, common := int64(0), int64(0)
	for _, s := range a {
		total += s.keys
		_, ok := slices.BinarySearchFunc(b, s.exact, func(x sig, h uint64) int { return cmp.Compare(x.exact, h) })
		if ok {
			common += s.keys
		}
	}
	if total == 0 {
		return 0
	}
	return float64(common) / float64(total)
}

// overlapAbs is overlap with words as wildcards.
func overlapAbs(a, b []sig) float64 {
	known := make(map[uint64]struct{}, len(b))
	for _, s := range b {
		known[s.abs] = struct{}{}
	}
	total, common := int64(0), int64(0)
	for _, s := range a {
		total += s.keys
		if _, ok := known[s.abs]; ok {
			common += s.keys
		}
	}
	return float64(common) / float64(max(total, 1))
}
