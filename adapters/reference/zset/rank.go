package zset

import "iter"

// rank returns the number of items before x, which is there.
func (t *tree) rank(x item) int {
	p := t.descend(x)
	n := t.slot(t.leaves.at(p.leaf), x)
	for d := range t.depth {
		n += t.before(p.node[d], p.kid[d])
	}
	return n
}

// before returns the number of items below the children of a node before child i.
func (t *tree) before(id uint32, i int) (n int) {
	for _, c := range t.inners.at(id).count[:i] {
		n += int(c)
	}
	return n
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

// stays reports whether x may have another score where it is: between its neighbours in its leaf.
func (t *tree) stays(x item, score float64) bool {
	l := t.leaves.at(t.descend(x).leaf)
	i := t.slot(l, x)
	if i == 0 || i == int(l.n)-1 || l.score[i-1] >= score || l.score[i+1] <= score {
		return false
	}
	l.score[i] = score
	return true
}

// From returns the members from a rank on, in order, with their scores. The bytes are valid until the set changes.
func (s *Set) From(rank int) iter.Seq2[[]byte, float64] {
	return func(yield func([]byte, float64) bool) {
		if rank < 0 || rank >= s.Len() {
			return
		}
		id, i := s.tree.seek(rank)
		for ; id != 0; id, i = s.tree.leaves.at(id).next, 0 {
			for l := s.tree.leaves.at(id); i < int(l.n); i++ {
				if !yield(s.member(l.ref[i]), l.score[i]) {
					return
				}
			}
		}
	}
}
