package zset

import (
	"encoding/binary"
	"math"

	"github.com/kvtool/kvtool/adapters/reference/arena"
)

// A record is the score, the length of the member as a varint, and the member.

// recordBytes returns the length of the record of a member of n bytes.
func recordBytes(n int) int {
	var length [binary.MaxVarintLen64]byte
	return 8 + binary.PutUvarint(length[:], uint64(n)) + n
}

// record makes one; 0 if the arena is full.
func (s *Set) record(member []byte, score float64) uint32 {
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
func (s *Set) member(ref uint32) []byte { return memberIn(s.heap.Bytes(arena.Ref(ref))) }

// memberIn returns the member of the record that b begins with. It is inlined where loops need it.
func memberIn(b []byte) []byte {
	if n := int(b[8]); n < 0x80 {
		return b[9 : 9+n]
	}
	return longMember(b)
}

func longMember(b []byte) []byte {
	n, w := binary.Uvarint(b[8:])
	return b[8+w : 8+w+int(n)]
}
