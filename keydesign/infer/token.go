package infer

import (
	"cmp"
	"maps"
	"slices"
)

// A token is one path of weakly joined pieces from a node to where the token
// ends: where keys end or a strong separator follows.
type token struct {
	path []*node
	end  *node
	sigs []sig

	values int64   // how many values its slots stand for; 1 for words only
	text   bool    // it has a word
	soft   bool    // it has no hard type
	open   bool    // it begins with a folded word
	folded bool    // its slots are folded words only
	suffix []*node // the words behind the slots, when cut off path
}

// How many values a token with slots may have to count as an accident of a
// free text, rather than as a template: my-post-{int}; my-post-{str}, which
// counts as that many words.
const (
	lightValues = 8
	lightWords  = 32
)

// tokens folds free text. Slugs like how-to-fold-a-trie have any number of
// words, so that folding word by word leaves thousands of shapes; but all of
// them stand in one place and continue in one way. The tokens behind n that do
// are counted as one crowd, whatever the number of their pieces. What remains
// is looked at again behind each first piece (post-how-to-…), in this order
// because more is seen from further out.
func (f *folder) tokens(n *node) {
	for _, sep := range leads(n) {
		if n == f.root || isStrong(sep) {
			f.free(n, sep)
			for _, k := range slices.Clone(n.kids) {
				if k.sep == sep {
					f.within(k)
				}
			}
		}
	}
}

// within folds free text behind k, which ends inside a token.
func (f *folder) within(k *node) {
	if len(k.kids) == 0 {
		return
	}
	for _, sep := range leads(k) {
		if !isStrong(sep) && sep != 0 {
			f.free(k, sep)
		}
	}
	f.types(k)
	for _, c := range slices.Clone(k.kids) {
		if !isStrong(c.sep) {
			f.within(c)
		}
	}
	k.sigs = nil
}

// free folds the free text behind sep.
func (f *folder) free(n *node, sep byte) {
	f.run(n, sep, false)
	f.run(n, sep, true)
	f.smear(n, sep)
}

// tokensOf returns the tokens behind sep that are made of several pieces or
// are a word.
func tokensOf(n *node, sep byte) []token {
	var all []token
	var walk func(t token, k *node)
	walk = func(t token, k *node) {
		path := append(t.path[:len(t.path):len(t.path)], k)
		t.path = path
		t.soft = t.soft && !hard(k.kind)
		t.text = t.text || k.kind == 0 && k.text != ""
		if k.kind != 0 {
			t.values = max(t.values, k.distinct())
			t.folded = t.folded && wild(k.kind)
		}
		if len(path) == 1 {
			t.open = wild(k.kind)
		}
		ends := k.leaf != noLeaf
		for _, c := range k.kids {
			if isStrong(c.sep) {
				ends = true
			} else {
				walk(t, c)
			}
		}
		if ends && t.soft && (len(path) > 1 || t.text || t.open) {
			t.end, t.sigs = k, tokenSigs(k)
			all = append(all, t)
		}
	}
	for _, k := range n.kids {
		if k.sep == sep {
			walk(token{values: 1, soft: true, folded: true}, k)
		}
	}
	return all
}

// run folds the tokens behind sep into one {str} if they are a crowd.
func (f *folder) run(n *node, sep byte, abs bool) {
	if len(n.kids) < 2 {
		return
	}
	all := tokensOf(n, sep)
	if len(all) < 3 {
		return
	}
	hash := func(s sig) uint64 {
		if abs {
			return s.abs
		}
		return s.exact
	}
	groups := bySuffix(all)
	for _, suffix := range slices.Sorted(maps.Keys(groups)) {
		f.collapse(n, sep, f.crowdOf(n, groups[suffix], abs, hash))
	}
}

// fewSuffixes is how many words may end the tokens of a crowd for them to be
// names rather than part of the text: {str}.settings, {str}.default.
const fewSuffixes = 8

// bySuffix groups the tokens by their last word, if few words end them all,
// and cuts it off them.
func bySuffix(all []token) map[string][]token {
	ends, several := map[string]int{}, 0
	for i := range all {
		if s := all[i].lastWord(); s != "" {
			ends[s]++
			several++
		}
	}
	groups := map[string][]token{}
	structural := len(ends) <= fewSuffixes && several >= 3*len(ends)
	for _, t := range all {
		s := ""
		if structural {
			s = t.lastWord()
		}
		if s != "" {
			last := len(t.path) - 1
			t.suffix, t.path = t.path[last:], t.path[:last]
		}
		groups[s] = append(groups[s], t)
	}
	return groups
}

// lastWord returns the word that ends a token of several pieces, with its
// separator, or "".
func (t *token) lastWord() string {
	k := t.path[len(t.path)-1]
	if len(t.path) < 2 || k.kind != 0 || k.sep == 0 || k.text == "" {
		return ""
	}
	return string(k.sep) + k.text
}

// crowdOf returns the tokens that are values of one slot, or nil.
func (f *folder) crowdOf(n *node, all []token, abs bool, hash func(sig) uint64) []token {
	count := map[uint64]int{}
	light, ways, keys, several := 0, 0, int64(0), false
	for i := range all {
		t := &all[i]
		if !t.light() {
			continue
		}
		light += t.words()
		several = several || len(t.path)+len(t.suffix) > 1
		keys += t.end.keys
		for _, h := range distinctHashes(t.sigs, hash) {
			count[h] += t.words()
			ways += t.words()
		}
	}
	if light == 0 || !several {
		return nil
	}
	need := fee(n, f.names[n], ways >= 2*light, keys >= manyKeys*int64(light))
	if abs {
		need *= abstract
	}
	join := false
	for i := range all {
		if t := &all[i]; t.ruled() {
			join = true
			for _, h := range distinctHashes(t.sigs, hash) {
				count[h] += 1 << 20
			}
		}
	}
	return crowded(all, count, hash, need, join)
}

func (t *token) light() bool {
	return t.values <= lightValues || t.folded && t.values <= lightWords
}

// ruled reports whether the token is a rule made by pruning: then there was a
// crowd already.
func (t *token) ruled() bool {
	return len(t.path) == 1 && t.path[0].kind == mRun && t.path[0].slot != nil
}

// words returns how many words a light token counts as.
func (t *token) words() int {
	if t.folded {
		return int(t.values)
	}
	return 1
}

// crowded returns the tokens of the crowd: the light ones, if they are more
// than need, and those heavy ones that are of the same kind: they begin with a
// folded word, or with a word that also begins several light ones.
func crowded(all []token, count map[uint64]int, hash func(sig) uint64, need float64, join bool) []token {
	var in []token
	first := map[*node]int{}
	light, others := 0, map[uint64]struct{}{}
	total := int64(0)
	for i := range all {
		t := &all[i]
		if !common(t.sigs, count, hash, need) {
			print := uint64(0)
			for _, s := range t.sigs {
				print += hash(s)
			}
			if t.light() {
				others[print] = struct{}{}
			}
			continue
		}
		in = append(in, *t)
		total += t.end.keys
		if t.light() {
			light += t.words()
			first[t.path[0]] += t.words()
		}
	}
	if !join && (float64(light) <= need+1+2*float64(len(others)) || len(first) < 3) {
		return nil
	}
	kept := in[:0]
	for _, t := range in {
		if t.light() || t.open || first[t.path[0]] >= 3 && 20*t.end.keys < total {
			kept = append(kept, t)
		}
	}
	return kept
}

func common(s []sig, count map[uint64]int, hash func(sig) uint64, need float64) bool {
	total, shared := int64(0), int64(0)
	for _, x := range s {
		total += x.keys
		if float64(count[hash(x)]) > need+1 {
			shared += x.keys
		}
	}
	return total > 0 && 2*shared >= total
}

// smear joins tokens made of slots only that continue alike: what stands in
// {str}, {str}-{int} and {str}-{opaque} is one kind of value. So it is in
// {str}.json, {str}-{str}.json and so on, which end alike.
func (f *folder) smear(n *node, sep byte) {
	groups := map[string][]token{}
	for _, t := range tokensOf(n, sep) {
		if t.open || t.path[0].kind == mOpaque || t.path[0].kind == mHex {
			if suffix, ok := t.cutSuffix(); ok {
				groups[suffix] = append(groups[suffix], t)
			}
		}
	}
	for _, suffix := range slices.Sorted(maps.Keys(groups)) {
		in := groups[suffix]
		if len(in) < 2 || suffix != "" && len(in) < 3 {
			continue
		}
		largest := in[0]
		for _, t := range in[1:] {
			if cmp.Or(cmp.Compare(t.end.keys, largest.end.keys), cmp.Compare(len(largest.path), len(t.path))) > 0 {
				largest = t
			}
		}
		var alike []token
		for _, t := range in {
			if overlap(t.sigs, largest.sigs) >= .5 || overlapAbs(t.sigs, largest.sigs) >= .5 {
				alike = append(alike, t)
			}
		}
		if len(alike) >= 2 {
			f.collapse(n, sep, alike)
		}
	}
}

// cutSuffix takes the words behind the slots off the token, so that it ends
// with the last slot. ok is false if there are words among the slots.
func (t *token) cutSuffix() (suffix string, ok bool) {
	last := len(t.path) - 1
	for last > 0 && t.path[last].kind == 0 {
		suffix = string(t.path[last].sep) + t.path[last].text + suffix
		last--
	}
	for _, k := range t.path[:last] {
		if k.kind == 0 {
			return "", false
		}
	}
	if suffix != "" {
		t.suffix, t.path = t.path[last+1:], t.path[:last+1]
	}
	return suffix, true
}

// collapse moves what follows the tokens behind one {str}.
func (f *folder) collapse(n *node, sep byte, tokens []token) {
	if len(tokens) == 0 {
		return
	}
	into := n.kid(piece{sep: sep, kind: mRun})
	if into == nil {
		into = newNode(piece{sep: sep, kind: mRun})
		n.put(into)
	}
	if into.vals == nil {
		into.vals = &values{}
	}
	var cuts []*node
	for _, t := range tokens {
		if len(t.path) == 1 && t.path[0] == into {
			continue
		}
		cut := t.end.split()
		last := t.path[len(t.path)-1]
		cut.lo, cut.hi = last.lo, last.hi
		for i := len(t.suffix) - 1; i >= 0; i-- {
			s := cut
			s.piece = t.suffix[i].piece
			cut = newNode(piece{})
			cut.keys, cut.kids, cut.lo, cut.hi = s.keys, []*node{s}, last.lo, last.hi
		}
		if t.text && t.values == 1 {
			into.vals.add(t.String())
		} else {
			into.vals.n += t.values
		}
		prune(append(t.path[:len(t.path):len(t.path)], t.suffix...), cut.keys)
		cuts = append(cuts, cut)
	}
	n.kids = slices.DeleteFunc(n.kids, func(k *node) bool { return k != into && k.leaf == noLeaf && len(k.kids) == 0 })
	n.sigs = nil
	f.merge(into, cuts...)
	f.again(into)
}

// prune takes keys off the nodes of the path, and drops those in which nothing
// ends any more; the first is left for the caller to drop.
func prune(path []*node, keys int64) {
	for i := len(path) - 1; i >= 0; i-- {
		k := path[i]
		k.keys -= keys
		k.sigs = nil
		if i > 0 && k.leaf == noLeaf && len(k.kids) == 0 {
			path[i-1].drop(k)
		}
	}
}

// String returns the token as text, with no marks in it.
func (t *token) String() string {
	var b []byte
	for i, k := range t.path {
		if i > 0 && k.sep != 0 {
			b = append(b, k.sep)
		}
		b = append(b, k.text...)
	}
	return string(b)
}

// split takes from n what follows its token, as a node of its own.
func (n *node) split() *node {
	cut := newNode(piece{})
	cut.leaf = n.leaf
	var stay []*node
	inner := int64(0)
	for _, k := range n.kids {
		if isStrong(k.sep) {
			cut.kids = append(cut.kids, k)
		} else {
			stay = append(stay, k)
			inner += k.keys
		}
	}
	cut.keys = n.keys - inner
	n.kids, n.leaf, n.sigs = stay, noLeaf, nil
	return cut
}
