// Package zset holds the large sorted sets of the reference engine.
//
// A set is an index of its members and a counted B+tree of them by score. A member is one record in the arena, with its score; the
// index finds it by its bytes, and the tree by its place. Every node knows how many members are below each child, so that a rank
// is a sum along one path, and what has a rank is found on one path:
//
//	index  member ──▶ ref                  record  score │ length │ bytes
//
//	inner   │ first a, 5 below │ first f, 4 below │
//	             ╱                     ╲
//	leaf    [a b c d e]   →      [f g h i]         rank of g = 5 + 1
//
// Nodes have 256 bytes and stand in slices without pointers: the garbage collector does not look into a set of any size. Leaves
// know their neighbours, so that a range is read in either direction without the nodes above. Sets may share an arena; one that is
// no longer needed gives its records back with Release.
//
// Members are bytes that the Set copies. What it returns of one is part of its record and valid until the Set changes.
package zset

import (
	"github.com/zeebo/xxh3"

	"github.com/kvtool/kvtool/adapters/reference/arena"
	"github.com/kvtool/kvtool/adapters/reference/dict"
)

// A Set is a sorted set. It is not safe for concurrent use. Scores must not be NaN.
type Set struct {
	heap  *arena.Arena
	index *dict.Dict
	tree  tree

	warmed byte // of what Warm has read: or else nothing would be read
}

// New returns an empty Set whose members are in heap.
func New(heap *arena.Arena) *Set {
	s := &Set{heap: heap}
	s.index = dict.New(func(ref uint32) uint64 { return xxh3.Hash(s.member(ref)) })
	s.tree.init(s)
	return s
}

// Len returns the number of members.
func (s *Set) Len() int { return s.index.Len() }

// A Place is where a member is, or would be: what Find finds, so that a member is looked for once whatever is done with it. It is
// valid until the Set changes.
type Place struct {
	hash uint64
	ref  uint32
}

// Found reports whether there is a member at the place.
func (p Place) Found() bool { return p.ref != 0 }

// Find returns the place of member.
func (s *Set) Find(member []byte) Place {
	h := xxh3.Hash(member)
	for p := s.index.Probe(h); ; {
		ref := p.Next()
		if ref == 0 || string(s.member(ref)) == string(member) {
			return Place{h, ref}
		}
	}
}

// ScoreAt returns the score of the member at p.
func (s *Set) ScoreAt(p Place) float64 { return s.score(p.ref) }

// Rescore gives the member at p another score. One that equals its score changes nothing, as in Redis: 0 does not become -0.
func (s *Set) Rescore(p Place, score float64) {
	x := item{s.score(p.ref), p.ref}
	if x.score == score {
		return
	}
	s.setScore(p.ref, score)
	s.tree.rescore(x, score)
}

// Insert makes member one, at p, where none is. It fails if the arena is full.
func (s *Set) Insert(p Place, member []byte, score float64) bool {
	ref := s.record(member, score)
	if ref == 0 {
		return false
	}
	s.index.Add(p.hash, ref)
	s.tree.insert(item{score, ref})
	return true
}

// Delete takes the member at p out.
func (s *Set) Delete(p Place) { s.drop(p.hash, item{s.score(p.ref), p.ref}) }

func (s *Set) drop(hash uint64, x item) {
	s.tree.remove(x)
	s.index.Remove(hash, x.ref)
	s.heap.Free(arena.Ref(x.ref), recordBytes(len(s.member(x.ref))))
}

// RankAt returns the number of members before the one at p.
func (s *Set) RankAt(p Place) int { return s.tree.rank(item{s.score(p.ref), p.ref}) }

// Score returns the score of member.
func (s *Set) Score(member []byte) (score float64, ok bool) {
	if p := s.Find(member); p.Found() {
		return s.ScoreAt(p), true
	}
	return 0, false
}

// Add gives member a score and reports whether it was no member before. It fails if the arena is full.
func (s *Set) Add(member []byte, score float64) (added, ok bool) {
	p := s.Find(member)
	if p.Found() {
		s.Rescore(p, score)
		return false, true
	}
	ok = s.Insert(p, member, score)
	return ok, ok
}

// Remove takes member out and reports whether it was one.
func (s *Set) Remove(member []byte) bool {
	p := s.Find(member)
	if p.Found() {
		s.Delete(p)
	}
	return p.Found()
}

// Rank returns the number of members before member.
func (s *Set) Rank(member []byte) (rank int, ok bool) {
	if p := s.Find(member); p.Found() {
		return s.RankAt(p), true
	}
	return 0, false
}

// Release gives the records of all members back to the arena. The Set must not be used afterwards.
func (s *Set) Release() {
	for x := range s.tree.from(0) {
		s.heap.Free(arena.Ref(x.ref), recordBytes(len(s.member(x.ref))))
	}
}

// Clone returns a Set of the same members in heap. It fails, and leaves nothing there, if that is full.
func (s *Set) Clone(heap *arena.Arena) (*Set, bool) {
	to := New(heap)
	for x := range s.tree.from(0) {
		member := s.member(x.ref)
		if !to.Insert(Place{hash: xxh3.Hash(member)}, member, x.score) {
			to.Release()
			return nil, false
		}
	}
	return to, true
}

// Bytes returns the memory that the Set takes beside the records of its members.
func (s *Set) Bytes() int64 { return s.index.Bytes() + s.tree.bytes() }
