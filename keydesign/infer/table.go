package infer

import "github.com/zeebo/xxh3"

// A leaf is one shape and what was counted under it.
type leaf struct {
	hash  uint64
	shape string
	keys  int64
	slots []slot // one for each mark of shape
}

// What a leaf costs, in bytes: the struct, its share of the hash table and of
// the caller's slice of statistics; each slot, with the hashes of a few values.
const (
	leafCost = 96
	slotCost = 152
)

func (l *leaf) cost() int { return leafCost + len(l.shape) + slotCost*len(l.slots) }

// A table holds the leaves: an open-addressing hash table (linear probing,
// load at most 1/2) of indices into leaves, so that an index is good for a
// caller's parallel slice.
type table struct {
	leaves   []leaf
	index    []int32 // leaf+1, 0 is free
	bytes    int     // sum of the leaves' costs
	sketches int     // how many more sketches may be made
}

func newTable() table {
	return table{index: make([]int32, 1024), sketches: maxSketches}
}

// find returns the leaf of shape, or -1.
func (t *table) find(shape []byte, hash uint64) int {
	mask := uint64(len(t.index) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		x := t.index[i]
		if x == 0 {
			return -1
		}
		if l := &t.leaves[x-1]; l.hash == hash && l.shape == string(shape) {
			return int(x - 1)
		}
	}
}

// insert adds a leaf for shape, which must not be there, and returns it.
func (t *table) insert(shape string, hash uint64, slots int) int {
	if 2*(len(t.leaves)+1) > len(t.index) {
		t.grow()
	}
	l := leaf{hash: hash, shape: shape}
	if slots > 0 {
		l.slots = make([]slot, slots)
	}
	t.leaves = append(t.leaves, l)
	t.bytes += l.cost()
	t.place(hash, int32(len(t.leaves)))
	return len(t.leaves) - 1
}

func (t *table) grow() {
	t.index = make([]int32, 2*len(t.index))
	for i := range t.leaves {
		t.place(t.leaves[i].hash, int32(i+1))
	}
}

func (t *table) place(hash uint64, x int32) {
	mask := uint64(len(t.index) - 1)
	i := hash & mask
	for t.index[i] != 0 {
		i = (i + 1) & mask
	}
	t.index[i] = x
}

// absorb adds the counts of o to leaf i, which has the same shape.
func (t *table) absorb(i int, o *leaf) {
	l := &t.leaves[i]
	l.keys += o.keys
	for j := range min(len(l.slots), len(o.slots)) {
		l.slots[j].merge(&o.slots[j], &t.sketches)
	}
}

// shapeHash has no seed: the same keys give the same result everywhere.
func shapeHash(shape []byte) uint64 { return xxh3.Hash(shape) }
