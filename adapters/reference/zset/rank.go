package zset

import "bytes"

// rank returns the number of items before x, which is there.
func (t *tree) rank(x item) (n int) {
	id := t.root
	for range t.depth {
		in := t.inners.at(id)
		k := t.child(in, x)
		for _, c := range in.count[:k] {
			n += int(c)
		}
		id = in.kid[k]
	}
	return n + t.slot(t.leaves.at(id), x)
}

// seek returns the leaf of the item with a rank, and where it is in it.
func (t *tree) seek(rank int) (id uint32, i int) {
	id = t.root
	for range t.depth {
		in := t.inners.at(id)
		k := 0
		for rank >= int(in.count[k]) {
			rank -= int(in.count[k])
			k++
		}
		id = in.kid[k]
	}
	return id, rank
}

// count returns how many items are below a bound, which a prefix of the set is.
func (t *tree) count(below func(item) bool) (n int) {
	id := t.root
	for range t.depth {
		in := t.inners.at(id)
		k := 0
		for k+1 < int(in.n) && below(in.first(k+1)) {
			n += int(in.count[k])
			k++
		}
		id = in.kid[k]
	}
	l := t.leaves.at(id)
	i := 0
	for i < int(l.n) && below(l.at(i)) {
		i++
	}
	return n + i
}

// CountBelow returns how many members have a score below score, or one that equals it if with is set: the rank of the first that
// has not.
func (s *Set) CountBelow(score float64, with bool) int {
	if with {
		return s.tree.count(func(x item) bool { return x.score <= score })
	}
	return s.tree.count(func(x item) bool { return x.score < score })
}

// CountBefore returns how many members are before member in the order of their bytes, member included if with is set. All have to
// have the same score.
func (s *Set) CountBefore(member []byte, with bool) int {
	most := -1
	if with {
		most = 0
	}
	return s.tree.count(func(x item) bool { return bytes.Compare(s.member(x.ref), member) <= most })
}
