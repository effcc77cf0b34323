package keyspace

import "math/bits"

// A wheel knows when the next key expires, to the millisecond, without a goroutine or a timer for each: eight levels of 64 slots, a
// slot of a level as long as all of the one below.
//
//	level 0   64 slots of 1 ms
//	level 1   64 slots of 64 ms       a slot whose time comes is dealt out below
//	level 2   64 slots of 4.1 s
//	…
//
// A timer names a key by its hash and its database, not by its record: the record may have gone, or moved, and then nothing is
// found. So nobody has to take a timer out; the wheel is made anew when most of them are for nothing.
type wheel struct {
	now    int64
	slots  [wheelLevels][wheelSlots][]timer
	filled [wheelLevels]uint64 // which slots have timers
	late   []timer             // due when they were put in
	n      int
}

const (
	wheelBits   = 6
	wheelSlots  = 1 << wheelBits
	wheelLevels = 8
	wheelEnd    = 1 << (wheelBits * wheelLevels) // ms: the year 10889; whatever expires later never does
)

// A timer goes off for a key at a time. The key may expire later by then, which it gets another timer for, or not at all.
type timer struct {
	hash  uint64
	due   int64
	space uint32
}

func (w *wheel) add(t timer) {
	w.n++
	if t.due <= w.now {
		w.late = append(w.late, t)
		return
	}
	level := (bits.Len64(uint64(t.due^w.now)) - 1) / wheelBits
	i := t.due >> (wheelBits * level) % wheelSlots
	w.slots[level][i] = append(w.slots[level][i], t)
	w.filled[level] |= 1 << i
}

// next returns the slot whose time comes first, and when that is. The lowest level that has one has it: what is above begins only
// when all of the levels below is over.
func (w *wheel) next() (level, i int, at int64) {
	for level = range wheelLevels {
		if w.filled[level] == 0 {
			continue
		}
		i = bits.TrailingZeros64(w.filled[level]) // of those behind now, which are all there are
		span := int64(1) << (wheelBits * (level + 1))
		return level, i, w.now&^(span-1) + int64(i)<<(wheelBits*level)
	}
	return 0, 0, wheelEnd
}

// advance sets the time, and calls off for each timer that is due.
func (w *wheel) advance(now int64, off func(timer)) {
	late := w.late
	w.late = nil
	w.n -= len(late)
	for _, t := range late {
		off(t)
	}
	for {
		level, i, at := w.next()
		if at > now {
			break
		}
		w.now = at
		timers := w.slots[level][i]
		w.slots[level][i] = nil
		w.filled[level] &^= 1 << i
		w.n -= len(timers)
		for _, t := range timers {
			if t.due <= at {
				off(t)
			} else {
				w.add(t)
			}
		}
	}
	w.now = max(w.now, now)
}

// watch sees to it that a key has a timer that goes off no later than it expires. before is its expiry until now, 0 for none: a
// timer for that is there, and a later expiry is found when it goes off.
func (s *Shard) watch(it Item, before int64) {
	if s.wheel == nil {
		return
	}
	if due := it.Expiry(); before == 0 || due < before {
		s.wheel.add(timer{it.hash, min(due, wheelEnd-1), s.spaces[it.db].id})
	}
}

// wind makes the wheel of all keys that have an expiry, or drops it where there is no need for one.
func (s *Shard) wind() {
	s.wheel = nil
	if s.o.Settings.Expiry != ExpireExact {
		return
	}
	s.wheel = &wheel{now: s.now}
	for db, sp := range s.spaces {
		for ref := range sp.volatile.refs() {
			s.watch(Item{s, Hash(s.at(ref).key()), ref, int32(db)}, 0)
		}
	}
}

// idleTimers is up to how many timers may be for nothing.
const idleTimers = 1024

// turn removes the keys that are due now.
func (s *Shard) turn() {
	if s.wheel == nil || s.o.Settings.Frozen {
		return
	}
	s.wheel.advance(s.now, s.goOff)
	volatile := 0
	for _, sp := range s.spaces {
		volatile += sp.volatile.Len()
	}
	if s.wheel.n > 2*volatile+idleTimers {
		s.wind()
	}
}

// goOff removes the key of a timer if it is due, and winds the timer up again if it expires later. Of two keys with one hash the
// second goes when somebody looks for it.
func (s *Shard) goOff(t timer) {
	for db, sp := range s.spaces {
		if sp.id != t.space {
			continue
		}
		ref := uint32(sp.volatile.Find(t.hash))
		if ref == 0 {
			return
		}
		it := Item{s, t.hash, ref, int32(db)}
		if s.due(it.record()) {
			s.expire(it)
		} else {
			s.watch(it, 0)
		}
		return
	}
}
