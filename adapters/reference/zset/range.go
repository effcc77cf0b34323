package zset

import (
	"iter"
	"math/rand/v2"

	"github.com/zeebo/xxh3"

	"github.com/kvtool/kvtool/adapters/reference/arena"
)

// from returns the items from a rank on.
func (t *tree) from(rank int) iter.Seq[item] {
	return func(yield func(item) bool) {
		id, i := t.seek(rank)
		for ; id != 0; i = 0 {
			l := t.leaves.at(id)
			for ; i < int(l.n); i++ {
				if !yield(l.at(i)) {
					return
				}
			}
			id = l.next
		}
	}
}

// From returns the members from a rank on, in order, with their scores.
func (s *Set) From(rank int) iter.Seq2[[]byte, float64] {
	return func(yield func([]byte, float64) bool) {
		if rank < 0 || rank >= s.Len() {
			return
		}
		id, i := s.tree.seek(rank)
		for ; id != 0; i = 0 {
			l := s.tree.leaves.at(id)
			for ; i < int(l.n); i++ {
				if !yield(memberIn(s.heap.Bytes(arena.Ref(l.ref[i]))), l.score[i]) {
					return
				}
			}
			id = l.next
		}
	}
}

// Back returns the members from a rank down to the first, with their scores.
func (s *Set) Back(rank int) iter.Seq2[[]byte, float64] {
	return func(yield func([]byte, float64) bool) {
		if rank < 0 || rank >= s.Len() {
			return
		}
		id, i := s.tree.seek(rank)
		for {
			l := s.tree.leaves.at(id)
			for ; i >= 0; i-- {
				if !yield(memberIn(s.heap.Bytes(arena.Ref(l.ref[i]))), l.score[i]) {
					return
				}
			}
			if id = l.prev; id == 0 {
				return
			}
			i = int(s.tree.leaves.at(id).n) - 1
		}
	}
}

// Members appends to dst n members from a rank on, up or down; the Set must have so many. Without a call for each it takes half of
// the time of From.
func (s *Set) Members(dst [][]byte, rank, n int, down bool) [][]byte {
	heap := s.heap
	for id, i := s.tree.seek(rank); n > 0; {
		l := s.tree.leaves.at(id)
		if down {
			for ; i >= 0 && n > 0; i, n = i-1, n-1 {
				dst = append(dst, memberIn(heap.Bytes(arena.Ref(l.ref[i]))))
			}
			if id = l.prev; n > 0 {
				i = int(s.tree.leaves.at(id).n) - 1
			}
			continue
		}
		for ; i < int(l.n) && n > 0; i, n = i+1, n-1 {
			dst = append(dst, memberIn(heap.Bytes(arena.Ref(l.ref[i]))))
		}
		id, i = l.next, 0
	}
	return dst
}

// Random returns a member, each with the same chance. The Set must not be empty.
func (s *Set) Random(r *rand.Rand) (member []byte, score float64) {
	id, i := s.tree.seek(r.IntN(s.Len()))
	l := s.tree.leaves.at(id)
	return s.member(l.ref[i]), l.score[i]
}

// RemoveRange takes out n members from a rank on, and tells gone of each before.
func (s *Set) RemoveRange(rank, n int, gone func(member []byte)) {
	for n > 0 {
		id, i := s.tree.seek(rank)
		whole := *s.tree.leaves.at(id) // what is left of it may move
		for ; i < int(whole.n) && n > 0; i, n = i+1, n-1 {
			member := s.member(whole.ref[i])
			gone(member)
			s.drop(xxh3.Hash(member), whole.at(i))
		}
	}
}

// Scan yields the members of a part of the set and returns the cursor of the next part: 0 is the first, and the end. A member
// that is there from the first call to the last is seen at least once.
func (s *Set) Scan(cursor uint64, yield func(member []byte, score float64)) (next uint64) {
	var room [32]uint32
	refs, next := s.index.Scan(room[:0], cursor)
	for _, ref := range refs {
		yield(s.member(ref), s.score(ref))
	}
	return next
}
