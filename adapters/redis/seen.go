package redis

import (
	"hash/maphash"
	"slices"

	"github.com/kvtool/kvtool/internal/slot"
)

// maxSeen bounds how many keys a seen remembers, of eight bytes each.
const maxSeen = 1 << 20

// seen remembers which keys a reading has yielded, so that a slot which moved can be read again where it is now without
// counting a key twice. Its memory is bounded: when it is full it forgets every other slot that it remembers, and says
// which it still does.
//
// An entry is a slot in 14 bits and a hash of the key in 50: of a million keys in one slot, one in a thousand million is
// taken for another.
type seen struct {
	seed    maphash.Seed
	most    int
	entries []uint64
	sorted  int    // entries[:sorted] can be searched
	every   uint16 // slots that are a multiple of this are remembered
}

func newSeen(most int) seen { return seen{seed: maphash.MakeSeed(), most: most, every: 1} }

func (s *seen) entry(n uint16, db int, key string) uint64 {
	hash := maphash.String(s.seed, key) + uint64(db)*0x9e3779b97f4a7c15
	return uint64(n)<<50 | hash>>14
}

// add remembers a key.
func (s *seen) add(n uint16, db int, key string) {
	for len(s.entries) >= s.most && s.every < slot.Count {
		s.forget()
	}
	if s.every < slot.Count && n%s.every == 0 {
		s.entries = append(s.entries, s.entry(n, db, key))
	}
}

// forget drops every other slot that is remembered, and the last one too.
func (s *seen) forget() {
	s.every *= 2
	s.entries = slices.DeleteFunc(s.entries, func(e uint64) bool { return s.every >= slot.Count || uint16(e>>50)%s.every != 0 })
	s.sorted = 0
}

// remembers returns the slots whose keys, all that were yielded, are remembered.
func (s *seen) remembers() (set slot.Set) {
	if s.every >= slot.Count {
		return set
	}
	for n := 0; n < slot.Count; n += int(s.every) {
		set.Add(n, n)
	}
	return set
}

// index makes what was added so far known to has.
func (s *seen) index() {
	slices.Sort(s.entries)
	s.sorted = len(s.entries)
}

// has reports whether the key was added before the last call of index.
func (s *seen) has(n uint16, db int, key string) bool {
	_, found := slices.BinarySearch(s.entries[:s.sorted], s.entry(n, db, key))
	return found
}
