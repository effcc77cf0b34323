package keyspace

import (
	"cmp"
	"math/rand/v2"

	"github.com/kvtool/kvtool/adapters/reference/dict"
	"github.com/kvtool/kvtool/internal/evict"
)

// Configure changes the settings. Under another policy of Redis's the keys keep their states, as in a server, whatever those mean
// then; the others begin anew.
func (s *Shard) Configure(set Settings) {
	set.Samples, set.Effort, set.HZ = cmp.Or(set.Samples, 5), cmp.Or(set.Effort, 1), cmp.Or(set.HZ, 10)
	old := s.o.Settings
	s.o.Settings = set
	s.ledger.sharing = sharesIntegers(set.MaxMemory, set.Policy)
	if set.Expiry != old.Expiry || set.Expiry == ExpireExact && s.wheel == nil {
		s.wind()
	}
	if s.policy != nil && old.Policy == set.Policy && (set.Policy.WhatIf() || old.Samples == set.Samples && old.LFU == set.LFU) {
		return
	}
	s.policy = evict.New(set.Policy, host{s}, evict.Options{Samples: set.Samples, LFU: set.LFU, Now: s.Now, Seed: s.o.Seed})
	if set.Policy.WhatIf() || old.Policy.WhatIf() {
		s.introduce()
	}
}

// Settings returns what Configure was given last.
func (s *Shard) Settings() Settings { return s.o.Settings }

// introduce tells a new policy of every key.
func (s *Shard) introduce() {
	for db := range s.spaces {
		for it := range s.each(db) {
			it.record().setState(s.policy.Add(evict.Record{Ref: evict.Ref(it.ref), ID: it.hash}))
		}
	}
}

// Reclaim drops keys until the shard keeps to its limit with so many other bytes in use: the arguments of the command that comes
// next, and what else a server would count. A server does it before every command. expired, which may be nil, says after each 16
// keys whether time is up.
func (s *Shard) Reclaim(other int64, expired func() bool) evict.Outcome {
	limit := s.o.Settings.MaxMemory
	if limit <= 0 || s.o.Settings.Frozen {
		return evict.Within
	}
	return evict.Reclaim(s.policy, short{s, other}, limit, expired)
}

// short is what evict.Reclaim sees of a Shard that may be short of memory.
type short struct {
	s     *Shard
	other int64
}

func (l short) Used() int64 { return l.s.Used() + l.other }

func (l short) Drop(ref evict.Ref) {
	it := l.s.item(uint32(ref))
	if l.s.o.Evicted != nil {
		l.s.o.Evicted(it.DB(), it.Key())
	}
	l.s.stats.Evicted++
	l.s.Delete(it)
}

// item returns a key by its record, which is there.
func (s *Shard) item(ref uint32) Item {
	h := Hash(s.at(ref).key())
	for db, sp := range s.spaces {
		if sp.all.Has(h, ref) {
			return Item{s, h, ref, int32(db)}
		}
	}
	return Item{}
}

// A host is what the policy sees of a Shard.
type host struct{ s *Shard }

func (h host) Spaces() int { return len(h.s.spaces) }

func (h host) Keys(db int, volatile bool) evict.Keys {
	if volatile {
		return h.s.spaces[db].volatile
	}
	return h.s.spaces[db].all
}

func (h host) ID(ref evict.Ref) uint64    { return Hash(h.s.at(uint32(ref)).key()) }
func (h host) State(ref evict.Ref) uint32 { return h.s.at(uint32(ref)).state() }
func (h host) Expiry(ref evict.Ref) int64 { return h.s.at(uint32(ref)).expiry() }

// keys are the keys of a database, or those of them that have an expiry.
type keys struct {
	*dict.Dict
	s     *Shard
	table table // as a server would have it
	room  []evict.Ref
}

func (k *keys) Sample(dst []evict.Ref, n int, random *rand.Rand) []evict.Ref {
	return evict.Run(dst, k.Dict, n, random)
}

func (k *keys) Random(random *rand.Rand) evict.Ref {
	if k.room == nil {
		k.room = make([]evict.Ref, 0, 16)
	}
	return evict.Any(k.room, k.Dict, random)
}

func (k *keys) Find(id uint64) evict.Ref {
	for p := k.Probe(id); ; {
		ref := p.Next()
		if ref == 0 || Hash(k.s.at(ref).key()) == id {
			return evict.Ref(ref)
		}
	}
}
