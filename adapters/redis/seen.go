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
// which it still does; slots that are known to be moving it forgets last.
//
// What has been indexed is searched, and stays as it is until it is indexed anew: a slot that is forgotten while it is being
// read again is still told by it. So there are at most twice as many entries as may be remembered.
//
// An entry is a slot in 14 bits and a hash of the key in 50: of a million keys in one slot, one in a thousand million is
// taken for another.
type seen struct {
	seed    maphash.Seed
	most    int
	entries []uint64
	indexed int      // entries[:indexed] can be searched
	every   uint16   // slots that are a multiple of this are remembered
	moving  slot.Set // and these
}

func newSeen(most int, moving slot.Set) seen {
	return seen{seed: maphash.MakeSeed(), most: most, every: 1, moving: moving}
}

func (s *seen) entry(n uint16, db int, key string) uint64 {
	hash := maphash.String(s.seed, key) + uint64(db)*0x9e3779b97f4a7c15
	return uint64(n)<<50 | hash>>14
}

// add remembers a key.
func (s *seen) add(n uint16, db int, key string) {
	for s.keeps(n) && len(s.entries)-s.indexed >= s.most {
		s.forget()
	}
	if s.keeps(n) {
		s.entries = append(s.entries, s.entry(n, db, key))
	}
}

// keeps reports whether the keys of a slot are remembered.
func (s *seen) keeps(n uint16) bool {
	return s.moving.Has(n) || s.every < slot.Count && n%s.every == 0
}

// forget stops remembering every other slot, at last the one that is left, and then those that are moving. What is indexed
// stays.
func (s *seen) forget() {
	if s.every < slot.Count {
		s.every *= 2
	} else {
		s.moving = slot.Set{}
	}
	s.tidy()
}

// tidy drops the entries of slots that are not remembered, unless they are indexed.
func (s *seen) tidy() {
	kept := slices.DeleteFunc(s.entries[s.indexed:], func(e uint64) bool { return !s.keeps(uint16(e >> 50)) })
	s.entries = s.entries[:s.indexed+len(kept)]
}

// remembers returns the slots whose keys, all that were yielded, are remembered.
func (s *seen) remembers() slot.Set {
	set := s.moving
	for n := range uint16(slot.Count) {
		if s.keeps(n) {
			set.Add(int(n), int(n))
		}
	}
	return set
}

// index makes what was added so far known to has, as far as it is remembered: this may forget slots.
func (s *seen) index() {
	s.indexed = 0
	s.tidy()
	for len(s.entries) > s.most {
		s.forget()
	}
	slices.Sort(s.entries)
	s.indexed = len(s.entries)
}

// has reports whether the key was added before the last call of index.
func (s *seen) has(n uint16, db int, key string) bool {
	_, found := slices.BinarySearch(s.entries[:s.indexed], s.entry(n, db, key))
	return found
}
