package infer

import "github.com/kvtool/kvtool/internal/saved"

// Stats is what a caller keeps for each leaf: bytes, TTLs, sample keys. S is a
// pointer type. Merge must be commutative and associative, and must not keep
// hold of its argument; Clone must return a value that shares nothing; Form
// writes or reads it.
type Stats[S any] interface {
	Merge(S)
	Clone() S
	Form(*saved.Form)
}

// Options bound the memory of a Tree. The zero value is good.
type Options struct {
	// MaxNodes bounds what a tree holds from key to key, in nodes of 64 bytes
	// (0 is 500,000: 32 MB). The trie that Templates and pruning make and drop
	// takes up to four times as much while they run.
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
	stats    []S    // beside table.leaves
	rules    *rules // nil until the budget is spent
	pruned   bool
	full     bool // no pruning helps any more: new shapes become {path}
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
	i := t.leaf(key)
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
func (t *Tree[S]) leaf(key string) int {
	hash := shapeHash(t.lexer.shape)
	if i := t.table.find(t.lexer.shape, hash); i >= 0 {
		return i
	}
	if t.rules != nil {
		if r := t.rules.accept(string(t.lexer.shape)); r >= 0 && (t.full || !t.rules.admit(key)) {
			t.lexer.follow(t.rules.shapes[r])
			return int(t.rules.leaves[r])
		}
	}
	if t.table.bytes > t.budget {
		if !t.full {
			t.prune()
		}
		if t.full {
			t.lexer.rest()
			hash = shapeHash(t.lexer.shape)
			if i := t.table.find(t.lexer.shape, hash); i >= 0 {
				return i
			}
		}
	}
	return t.insert(string(t.lexer.shape), hash, len(t.lexer.vals))
}

// rest makes the lexed key one {path}.
func (l *lexer) rest() {
	l.shape = append(l.shape[:0], mRest)
	l.vals = append(l.vals[:0], span{0, int32(len(l.key))})
}

// path returns the leaf of {path}, for what comes when the tree is full.
func (t *Tree[S]) path() int {
	shape := []byte{mRest}
	hash := shapeHash(shape)
	if i := t.table.find(shape, hash); i >= 0 {
		return i
	}
	return t.insert(string(shape), hash, 1)
}

func (t *Tree[S]) insert(shape string, hash uint64, slots int) int {
	i := t.table.insert(shape, hash, slots)
	t.stats = append(t.stats, t.newStats())
	return i
}

// Merge adds the keys of o to t. o must not be used again.
func (t *Tree[S]) Merge(o *Tree[S]) {
	t.keys += o.keys
	t.pruned = t.pruned || o.pruned
	t.full = t.full || o.full
	for i := range o.table.leaves {
		t.take(&o.table.leaves[i], o.stats[i])
	}
}

// take adds a leaf of another table to t's.
func (t *Tree[S]) take(l *leaf, stats S) {
	i := t.table.find([]byte(l.shape), l.hash)
	if i < 0 && t.table.bytes > t.budget && !t.full {
		t.prune()
	}
	if i < 0 && t.rules != nil {
		if r := t.rules.accept(l.shape); r >= 0 {
			t.fold(int(t.rules.leaves[r]), t.rules.shapes[r], l, stats)
			return
		}
	}
	if i < 0 && t.full {
		t.fold(t.path(), string([]byte{mRest}), l, stats)
		return
	}
	if i < 0 {
		i = t.insert(l.shape, l.hash, len(l.slots))
	}
	t.table.absorb(i, l)
	t.stats[i].Merge(stats)
}

// isMark reports whether b stands for a value.
func isMark(b byte) bool { return b != 0 && b < mOpen }
