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
// Nodes have 248 bytes and stand in slices without pointers: the garbage collector does not look into a set of any size. Sets may
// share an arena; one that is no longer needed gives its records back with Release.
package zset

import (
	"encoding/binary"
	"math"

	"github.com/zeebo/xxh3"

	"github.com/kvtool/kvtool/adapters/reference/arena"
	"github.com/kvtool/kvtool/adapters/reference/dict"
)

// A Set is a sorted set. It is not safe for concurrent use. Scores must not be NaN.
type Set struct {
	heap  *arena.Arena
	index *dict.Dict
	tree  tree
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

// Score returns the score of member.
func (s *Set) Score(member string) (score float64, ok bool) {
	ref := s.find(member, xxh3.HashString(member))
	if ref == 0 {
		return 0, false
	}
	return s.score(ref), true
}

// Add gives member a score and reports whether it was no member before. It fails if the arena is full.
func (s *Set) Add(member string, score float64) (added, ok bool) {
	h := xxh3.HashString(member)
	if ref := s.find(member, h); ref != 0 {
		s.rescore(ref, score)
		return false, true
	}
	ref := s.record(member, score)
	if ref == 0 {
		return false, false
	}
	s.index.Add(h, ref)
	s.tree.insert(item{score, ref})
	return true, true
}

// rescore moves a member in the tree, unless it may stay where it is.
func (s *Set) rescore(ref uint32, score float64) {
	old := s.score(ref)
	if old == score {
		return
	}
	if s.tree.stays(item{old, ref}, score) {
		s.setScore(ref, score)
		return
	}
	s.tree.remove(item{old, ref})
	s.setScore(ref, score)
	s.tree.insert(item{score, ref})
}

// Remove takes member out and reports whether it was one.
func (s *Set) Remove(member string) bool {
	h := xxh3.HashString(member)
	ref := s.find(member, h)
	if ref == 0 {
		return false
	}
	s.tree.remove(item{s.score(ref), ref})
	s.index.Remove(h, ref)
	s.heap.Free(arena.Ref(ref), recordBytes(len(member)))
	return true
}

// Release gives the records of all members back to the arena. The set must not be used afterwards.
func (s *Set) Release() {
	id, _ := s.tree.seek(0)
	for id != 0 {
		l := s.tree.leaves.at(id)
		for _, ref := range l.ref[:l.n] {
			s.heap.Free(arena.Ref(ref), recordBytes(len(s.member(ref))))
		}
		id = l.next
	}
}

// Rank returns the number of members before member.
func (s *Set) Rank(member string) (rank int, ok bool) {
	ref := s.find(member, xxh3.HashString(member))
	if ref == 0 {
		return 0, false
	}
	return s.tree.rank(item{s.score(ref), ref}), true
}

// find returns the record of a member, whose hash is h, or 0.
func (s *Set) find(member string, h uint64) uint32 {
	for p := s.index.Probe(h); ; {
		ref := p.Next()
		if ref == 0 || string(s.member(ref)) == member {
			return ref
		}
	}
}

// recordBytes returns the length of the record of a member of n bytes.
func recordBytes(n int) int {
	var length [binary.MaxVarintLen64]byte
	return 8 + binary.PutUvarint(length[:], uint64(n)) + n
}

// record makes one; 0 if the arena is full.
func (s *Set) record(member string, score float64) uint32 {
	ref := s.heap.Alloc(recordBytes(len(member)))
	if ref == 0 {
		return 0
	}
	b := s.heap.Bytes(ref)
	n := 8 + binary.PutUvarint(b[8:], uint64(len(member)))
	copy(b[n:], member)
	s.setScore(uint32(ref), score)
	return uint32(ref)
}

func (s *Set) setScore(ref uint32, score float64) {
	binary.LittleEndian.PutUint64(s.heap.Bytes(arena.Ref(ref)), math.Float64bits(score))
}

func (s *Set) score(ref uint32) float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(s.heap.Bytes(arena.Ref(ref))))
}

// member returns the bytes of a record's member, valid until the set changes.
func (s *Set) member(ref uint32) []byte {
	b := s.heap.Bytes(arena.Ref(ref))[8:]
	if n := int(b[0]); n < 0x80 {
		return b[1 : 1+n]
	}
	n, w := binary.Uvarint(b)
	return b[w : w+int(n)]
}
