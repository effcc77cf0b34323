package infer

// Stats is what a caller keeps for each leaf: bytes, TTLs, sample keys. S is a
// pointer type. Merge must be commutative and associative, and must not keep
// hold of its argument; Clone must return a value that shares nothing.
type Stats[S any] interface {
	Merge(S)
	Clone() S
}

// Options bound the memory of a Tree and name its conventions. The zero value
// is good.
type Options struct {
	// MaxNodes bounds what a tree holds, in nodes of about 64 bytes (0 is
	// 500,000). A shape without numbers takes two, one with a number four.
	MaxNodes int
}

const (
	defaultNodes = 500_000
	nodeCost     = 64 // bytes
)

// Tree infers the templates of the keys that are added to it. One goroutine
// owns a Tree; for several shards make one each and Merge them.
type Tree[S Stats[S]] struct {
	newStats func() S
	lexer    lexer
	table    table
	stats    []S // beside table.leaves
	thin     thinning
	keys     int64
	budget   int // bytes
}

// New returns an empty Tree. newStats makes the statistics of a new leaf.
func New[S Stats[S]](newStats func() S, o Options) *Tree[S] {
	nodes := o.MaxNodes
	if nodes <= 0 {
		nodes = defaultNodes
	}
	return &Tree[S]{newStats: newStats, table: newTable(), budget: nodes * nodeCost}
}

// Keys returns how many keys were added.
func (t *Tree[S]) Keys() int64 { return t.keys }

// Add counts key and returns the statistics of the leaf it ends in, for the
// caller to update at once: they are valid until the next call on t.
func (t *Tree[S]) Add(key string) S {
	t.lexer.lex(key)
	t.keys++
	i := t.leaf()
	l := &t.table.leaves[i]
	l.keys++
	mark := 0
	for j := range t.lexer.vals {
		for mark < len(l.shape) && !isMark(l.shape[mark]) {
			mark++
		}
		if j >= len(l.slots) || mark >= len(l.shape) {
			break
		}
		v := t.lexer.vals[j]
		l.slots[j].add(l.shape[mark], key[v.lo:v.hi], &t.table.sketches)
		mark++
	}
	return t.stats[i]
}

// leaf returns the leaf of the lexed key. It makes one when the shape is new
// and the budget allows it.
func (t *Tree[S]) leaf() int {
	hash := shapeHash(t.lexer.shape)
	if i := t.table.find(t.lexer.shape, hash); i >= 0 {
		return i
	}
	if t.table.bytes > t.budget {
		t.prune()
	}
	if t.thin.active() {
		t.thin.reduce(&t.lexer)
		hash = shapeHash(t.lexer.shape)
		if i := t.table.find(t.lexer.shape, hash); i >= 0 {
			return i
		}
	}
	return t.insert(string(t.lexer.shape), hash, len(t.lexer.vals))
}

func (t *Tree[S]) insert(shape string, hash uint64, slots int) int {
	i := t.table.insert(shape, hash, slots)
	t.stats = append(t.stats, t.newStats())
	return i
}

// Merge adds the keys of o to t. o must not be used again.
func (t *Tree[S]) Merge(o *Tree[S]) {
	t.keys += o.keys
	t.thin.merge(&o.thin)
	for i := range o.table.leaves {
		l := &o.table.leaves[i]
		t.take(l, o.stats[i])
		if t.table.bytes > t.budget {
			t.prune()
		}
	}
}

// take adds a leaf of another table to t's.
func (t *Tree[S]) take(l *leaf, stats S) {
	shape, hash := l.shape, l.hash
	if i := t.table.find([]byte(shape), hash); i >= 0 {
		t.table.absorb(i, l)
		t.stats[i].Merge(stats)
		return
	}
	if t.thin.active() {
		if r := t.thin.reduceLeaf(l); r.shape != shape {
			l, hash = &r, r.hash
			if i := t.table.find([]byte(r.shape), hash); i >= 0 {
				t.table.absorb(i, l)
				t.stats[i].Merge(stats)
				return
			}
		}
	}
	i := t.insert(l.shape, hash, len(l.slots))
	t.table.absorb(i, l)
	t.stats[i].Merge(stats)
}

// isMark reports whether b stands for a value.
func isMark(b byte) bool { return b != 0 && b < mOpen }
