package infer

import (
	"cmp"
	"slices"

	"github.com/zeebo/xxh3"
)

const (
	widest    = 4096 // words a position may keep after the first pruning
	narrowest = 8
)

// A thinning says which positions of the keyspace were thinned and which words
// they kept. When the budget is spent, a position with more than width words
// keeps the words with the most keys and a sample of the others, chosen by
// hash, so that the same words are chosen whatever the order; the rest of them
// become one `{str}` piece, and so do all further words.
//
//	user:ann user:bob … user:zoe user:config(heavy)   ->  user:bob user:config user:␄
//
// The sample keeps the position's look: Templates folds it by the same rules
// as before, and the ␄ goes with the words that were folded.
type thinning struct {
	width  int
	folded map[uint64]struct{} // hashes of the shapes before thinned positions
	kept   map[uint64]struct{} // hashes of those shapes with a kept word behind
	full   bool                // no further thinning helps: new shapes become {path}
}

func (h *thinning) active() bool { return h.folded != nil }

func (h *thinning) merge(o *thinning) {
	if !o.active() {
		return
	}
	h.start()
	if h.width == 0 || o.width < h.width {
		h.width = o.width
	}
	for k := range o.folded {
		h.folded[k] = struct{}{}
	}
	for k := range o.kept {
		h.kept[k] = struct{}{}
	}
	h.full = h.full || o.full
}

func (h *thinning) start() {
	if h.folded == nil {
		h.folded, h.kept = map[uint64]struct{}{}, map[uint64]struct{}{}
	}
}

// reduce replaces the words of the lexed key that were not kept.
func (h *thinning) reduce(l *lexer) {
	shape := string(l.shape)
	if h.full {
		l.shape = append(l.shape[:0], mRest)
		l.vals = append(l.vals[:0], span{0, int32(len(l.key))})
		return
	}
	vals := slices.Clone(l.vals)
	l.shape, l.vals = l.shape[:0], l.vals[:0]
	h.walk(shape, func(p piece, fold bool) {
		if p.sep != 0 {
			l.shape = append(l.shape, p.sep)
		}
		switch {
		case p.kind != 0:
			l.shape = append(l.shape, p.kind)
			if len(vals) > 0 {
				l.vals, vals = append(l.vals, vals[0]), vals[1:]
			}
		case fold:
			l.shape = append(l.shape, mStr)
			l.vals = append(l.vals, span{})
		default:
			l.shape = append(l.shape, p.text...)
		}
	})
}

// reduceLeaf returns a copy of f with its words reduced in the same way.
func (h *thinning) reduceLeaf(f *leaf) leaf {
	r := leaf{keys: f.keys}
	var shape []byte
	j := 0
	if h.full {
		shape = append(shape, mRest)
		r.slots = make([]slot, 1)
	} else {
		h.walk(f.shape, func(p piece, fold bool) {
			if p.sep != 0 {
				shape = append(shape, p.sep)
			}
			switch {
			case p.kind != 0:
				shape = append(shape, p.kind)
				if j < len(f.slots) {
					r.slots = append(r.slots, f.slots[j])
				}
				j++
			case fold:
				shape = append(shape, mStr)
				s := slot{n: f.keys, lo: uint16(len(p.text)), hi: uint16(len(p.text))}
				s.few = []uint64{xxh3.HashString(p.text)}
				r.slots = append(r.slots, s)
			default:
				shape = append(shape, p.text...)
			}
		})
	}
	r.shape = string(shape)
	r.hash = shapeHash(shape)
	return r
}

// walk calls yield for each piece of shape and says whether it is folded.
func (h *thinning) walk(shape string, yield func(p piece, fold bool)) {
	var prefix uint64
	for rest := shape; rest != ""; {
		var p piece
		p, rest = next(rest)
		fold := false
		if p.kind == 0 && p.text != "" {
			if _, thinned := h.folded[prefix]; thinned {
				_, kept := h.kept[p.after(prefix)]
				fold = !kept
			}
		}
		yield(p, fold)
		if fold {
			p = piece{sep: p.sep, kind: mStr}
		}
		prefix = p.after(prefix)
	}
}

// prune thins the widest positions until half of the budget is free.
func (t *Tree[S]) prune() {
	h := &t.thin
	h.start()
	if h.width == 0 {
		h.width = 2 * widest
	}
	for t.table.bytes > t.budget/2 {
		if h.width <= narrowest {
			h.full = true
			return
		}
		h.width /= 2
		root := plant(t.table.leaves)
		h.thin(root, 0)
		t.rebuild()
	}
}

// rebuild reduces every leaf by the thinning.
func (t *Tree[S]) rebuild() {
	old, stats := t.table, t.stats
	t.table, t.stats = newTable(), nil
	t.table.sketches = old.sketches
	for i := range old.leaves {
		r := t.thin.reduceLeaf(&old.leaves[i])
		if j := t.table.find([]byte(r.shape), r.hash); j >= 0 {
			t.table.absorb(j, &r)
			t.stats[j].Merge(stats[i])
			continue
		}
		j := t.table.insert(r.shape, r.hash, 0)
		t.table.leaves[j].keys, t.table.leaves[j].slots = r.keys, r.slots
		t.table.bytes += slotCost * len(r.slots)
		t.stats = append(t.stats, stats[i])
	}
}

// thin decides for n and all below which words are kept.
func (h *thinning) thin(n *node, prefix uint64) {
	var words []*node
	for _, k := range n.kids {
		if k.kind == 0 && k.text != "" {
			words = append(words, k)
		}
	}
	if len(words) > h.width {
		h.choose(words, prefix)
	}
	for _, k := range n.kids {
		h.thin(k, k.after(prefix))
	}
}

// choose keeps a quarter of the width for the words with the most keys and a
// quarter for a sample by hash.
func (h *thinning) choose(words []*node, prefix uint64) {
	h.folded[prefix] = struct{}{}
	for _, w := range words {
		delete(h.kept, w.after(prefix))
	}
	quota := h.width / 4
	slices.SortFunc(words, func(a, b *node) int {
		return cmp.Or(cmp.Compare(b.keys, a.keys), cmp.Compare(a.after(prefix), b.after(prefix)))
	})
	for _, w := range words[:quota] {
		h.kept[w.after(prefix)] = struct{}{}
	}
	light := words[quota:]
	slices.SortFunc(light, func(a, b *node) int { return cmp.Compare(a.after(prefix), b.after(prefix)) })
	for _, w := range light[:min(quota, len(light))] {
		h.kept[w.after(prefix)] = struct{}{}
	}
}
