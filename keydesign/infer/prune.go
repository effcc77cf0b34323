package infer

import (
	"cmp"
	"slices"

	"github.com/zeebo/xxh3"
)

// When the budget is spent, the templates found so far become rules: the many
// shapes of a template with folded words shrink to one shape with marks for
// the words, and a sample of the others.
//
//	doc:how-to-sail doc:old-bell … (90,000)   ->   doc:␅ and 64 of them
//
// From then on a key of a new shape that a rule accepts is counted under the
// rule. A share of such keys is let in all the same, so that a name that turns
// up late (doc:count:{int}) is not lost if it has many keys. The sample is the
// shapes with the smallest hashes, the share is decided by the hash of the
// key: neither depends on the order. What the rules are does, a little.
const (
	sampleShapes = 64 // shapes kept of a template, quartered when not enough
	leastShapes  = 1
	letIn        = 16 // one in so many keys that a rule accepts is let in; doubled by each pruning
)

// rules are the templates that stand for pruned shapes.
type rules struct {
	matcher matcher
	shapes  []string // with marks for folded words
	leaves  []int32
	share   uint64 // see letIn
}

// accept returns the rule for the shape, or noLeaf.
func (r *rules) accept(shape string) int32 {
	r.matcher.steps = maxSteps
	return r.matcher.walk(r.matcher.root, shape)
}

// admit reports whether a key that a rule accepts is let in.
func (r *rules) admit(key string) bool { return xxh3.HashString(key)%r.share == 0 }

// prune shrinks the table to half of the budget, if it can.
func (t *Tree[S]) prune() {
	t.pruned = true
	share := uint64(letIn)
	if t.rules != nil {
		share = 2 * t.rules.share
	}
	t.shrink(share)
	t.full = 4*t.table.bytes > 3*t.budget
}

// room returns how many shapes of each template fit into half of the budget, with a rule for those that have more; or the fewest.
func (t *Tree[S]) room(members [][]int32) int {
	for keep := sampleShapes; keep > leastShapes; keep /= 4 {
		bytes := 0
		for _, m := range members {
			for _, i := range m[:min(keep+1, len(m))] {
				bytes += t.table.leaves[i].cost()
			}
		}
		if bytes <= t.budget/2 {
			return keep
		}
	}
	return leastShapes
}

// shrink keeps as many shapes of each template as there is room for, and makes rules of those that had more.
func (t *Tree[S]) shrink(share uint64) {
	p := infer(t.table.leaves)
	shapes := make([]string, len(p.ends))
	members := p.members()
	keep := t.room(members)
	r := &rules{share: share, matcher: matcher{strict: true}}
	var ends []pattern
	rule := make([]int32, len(p.ends))
	drop := make([]bool, len(p.of))
	for g, m := range members {
		shapes[g], rule[g] = p.ends[g].shape(), noLeaf
		if len(m) <= keep {
			continue
		}
		rule[g] = int32(len(ends))
		ends = append(ends, p.ends[g])
		r.shapes = append(r.shapes, shapes[g])
		slices.SortFunc(m, func(a, b int32) int {
			return cmp.Compare(t.table.leaves[a].hash, t.table.leaves[b].hash)
		})
		for _, i := range m[keep:] {
			drop[i] = true
		}
	}
	r.matcher.root = compile(ends)
	r.matcher.root.forget()
	t.rebuild(r, p.of, rule, drop)
}

// forget lets go of the trie that the states were made from.
func (s *state) forget() {
	s.from = nil
	for _, k := range s.kids {
		k.forget()
	}
}

// rebuild makes a new table of the leaves that are not dropped and of the
// rules, which take those that are.
func (t *Tree[S]) rebuild(r *rules, of, rule []int32, drop []bool) {
	old, stats := t.table, t.stats
	t.table, t.stats, t.rules = newTable(), nil, r
	t.table.sketches = old.sketches
	for _, shape := range r.shapes {
		hash := xxh3.HashString(shape)
		i := t.table.find([]byte(shape), hash)
		if i < 0 {
			i = t.insert(shape, hash, marks(shape))
		}
		r.leaves = append(r.leaves, int32(i))
	}
	for i := range old.leaves {
		l := &old.leaves[i]
		if drop[i] {
			to := rule[of[i]]
			t.fold(int(r.leaves[to]), r.shapes[to], l, stats[i])
			continue
		}
		j := t.table.find([]byte(l.shape), l.hash)
		if j < 0 {
			j = t.insert(l.shape, l.hash, len(l.slots))
		}
		t.table.absorb(j, l)
		t.stats[j].Merge(stats[i])
	}
}

// fold counts leaf l under the rule whose leaf is i.
func (t *Tree[S]) fold(i int, rule string, l *leaf, stats S) {
	f := leaf{keys: l.keys, slots: make([]slot, 0, marks(rule))}
	if l.shape == rule {
		f.slots = l.slots
	} else {
		align(rule, l.shape, func(from, to, mark int) {
			if mark >= 0 && mark < len(l.slots) && to-from == 1 {
				f.slots = append(f.slots, l.slots[mark])
				return
			}
			f.slots = append(f.slots, l.word(from, to, mark))
		})
	}
	t.table.absorb(i, &f)
	t.stats[i].Merge(stats)
}

// word returns a slot for one folded word, shape[from:to] of the leaf, whose
// first mark is number mark.
func (l *leaf) word(from, to, mark int) slot {
	text := l.shape[from:to]
	s := slot{n: l.keys, few: []uint64{xxh3.HashString(text)}}
	for i := range len(text) {
		if isMark(text[i]) && mark >= 0 && mark < len(l.slots) {
			s.lo, s.hi = s.lo+l.slots[mark].lo, s.hi+l.slots[mark].hi
			mark++
			continue
		}
		s.lo, s.hi = s.lo+1, s.hi+1
	}
	return s
}

// marks counts the marks of a shape.
func marks(shape string) int {
	n := 0
	for i := range len(shape) {
		if isMark(shape[i]) {
			n++
		}
	}
	return n
}

// align finds what stands in shape for each mark of rule, which accepts it:
// shape[from:to], whose first mark is number mark of the shape; -1 if there is
// none in it.
func align(rule, shape string, yield func(from, to, mark int)) {
	pos, mark := 0, 0
	for rule != "" {
		var r, p piece
		if r, rule = next(rule); pos >= len(shape) {
			if isMark(r.kind) {
				yield(pos, pos, -1)
			}
			continue
		}
		from := pos
		if r.sep != 0 {
			from++
		}
		before := mark
		for first := true; pos < len(shape); first = false {
			var rest string
			p, rest = next(shape[pos:])
			if !first && r.kind != mRest && (r.kind != mRun || isStrong(p.sep) || starts(rule, p)) {
				break
			}
			pos = len(shape) - len(rest)
			if p.kind != 0 {
				mark++
			}
		}
		if isMark(r.kind) {
			if mark == before {
				yield(from, pos, -1)
			} else {
				yield(from, pos, before)
			}
		}
	}
}

// starts reports whether the rule goes on with the piece p.
func starts(rule string, p piece) bool {
	if rule == "" {
		return false
	}
	r, _ := next(rule)
	return r == p
}

// follow sets the lexer to the shape of the rule, with the values that the
// lexed key has there.
func (l *lexer) follow(rule string) {
	shape, vals := string(l.shape), slices.Clone(l.vals)
	offset := make([]int32, len(shape)+1) // of each byte of the shape in the key
	pos, mark := int32(0), 0
	for i := range len(shape) {
		offset[i] = pos
		if pos++; isMark(shape[i]) {
			pos = vals[mark].hi
			mark++
		}
	}
	offset[len(shape)] = pos
	l.shape, l.vals = append(l.shape[:0], rule...), l.vals[:0]
	align(rule, shape, func(from, to, _ int) {
		l.vals = append(l.vals, span{offset[from], offset[to]})
	})
}
