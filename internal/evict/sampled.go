package evict

import "math/rand/v2"

// sampled is each of Redis's policies (evict.c). Their states are those of the LRU clock, for LFU those of its counter; the
// random ones and volatile-ttl keep the clock too, for OBJECT IDLETIME.
type sampled struct {
	kind   Kind
	host   Host
	o      Options
	random *rand.Rand
	pool   pool
	space  int   // that the last random victim was of
	refs   []Ref // of one sample
}

func (s *sampled) Kind() Kind { return s.kind }

func (s *sampled) Add(Record) uint32 {
	now := s.o.Now()
	if s.kind.LFU() {
		return s.o.LFU.New(now)
	}
	return LRUClock(now)
}

func (s *sampled) Touch(r Record) uint32 {
	now := s.o.Now()
	if s.kind.LFU() {
		return s.o.LFU.Touch(r.State, now, s.random)
	}
	return LRUClock(now)
}

func (s *sampled) Move(Record, Ref) {} // the pool knows IDs, not refs

func (s *sampled) Remove(Record) {} // the pool may name what is gone

func (s *sampled) Victim() (Ref, bool) {
	switch s.kind {
	case NoEviction:
		return 0, false
	case AllKeysRandom, VolatileRandom:
		return s.anyone()
	}
	return s.best()
}

// anyone takes a record of each space in turn.
func (s *sampled) anyone() (Ref, bool) {
	spaces := s.host.Spaces()
	for range spaces {
		s.space = (s.space + 1) % spaces
		keys := s.host.Keys(s.space, s.kind.Volatile())
		if keys.Len() > 0 {
			return keys.Random(s.random), true
		}
	}
	return 0, false
}

// best samples every space, then takes the best candidate that is still there.
func (s *sampled) best() (Ref, bool) {
	for s.populate() {
		for c, ok := s.pool.take(); ok; c, ok = s.pool.take() {
			if ref := s.host.Keys(int(c.space), s.kind.Volatile()).Find(c.id); ref != 0 {
				return ref, true
			}
		}
	}
	return 0, false
}

// populate offers a sample of each space to the pool. It returns false if there is nothing to sample.
func (s *sampled) populate() (any bool) {
	now := s.o.Now()
	for space := range s.host.Spaces() {
		keys := s.host.Keys(space, s.kind.Volatile())
		if keys.Len() == 0 {
			continue
		}
		any = true
		s.refs = keys.Sample(s.refs[:0], s.o.Samples, s.random)
		for _, ref := range s.refs {
			s.consider(ref, space, now)
		}
	}
	return any
}

func (s *sampled) consider(ref Ref, space int, now int64) {
	score := s.score(ref, now)
	if s.pool.n == poolSize && score <= s.pool.at[0].score {
		return // an ID costs a hash of the key
	}
	s.pool.offer(candidate{id: s.host.ID(ref), space: int32(space), score: score})
}

// score is how much a record is worth dropping.
func (s *sampled) score(ref Ref, now int64) uint64 {
	switch s.kind {
	case VolatileTTL:
		return ttlScore(s.host.Expiry(ref))
	case AllKeysLFU, VolatileLFU:
		return 255 - uint64(s.o.LFU.Count(s.host.State(ref), now))
	}
	return uint64(IdleTime(s.host.State(ref), now).Milliseconds())
}
