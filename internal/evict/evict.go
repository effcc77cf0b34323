// Package evict decides what a full store drops: the eight policies of Redis 7.0, and three others for the question what would
// happen under them. The reference engine and the cache simulator run the same code.
//
// The one idea is that a policy never sees a store. It sees refs, 24 bits of state that the host keeps beside each record, and
// a function of the host's that samples records; so it knows neither tables nor traces, and with an injected clock and seed the
// same calls give the same victims everywhere.
//
//	host                               policy
//	a record is made      ── Add ────▶ its first state
//	it is read or written ── Touch ──▶ its next state
//	memory is short       ── Victim ─▶ which record to drop
//	                     ◀─ Sample ──  some of yours, please
//	it is gone            ── Remove ─▶
//
// Redis's policies keep all they know in the state (a clock, or a counter with one) and in a pool of candidates; the others keep
// lists of their own and use the state as an index into them. Nothing that grows with the number of records holds a pointer.
package evict

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// A Ref names a record of the host for as long as it lives. 0 names none.
type Ref uint32

// StateMax is the greatest state: a host keeps 24 bits for each record.
const StateMax = 1<<24 - 1

// A Record is what a host tells a policy of one of its records.
type Record struct {
	Ref   Ref
	ID    uint64 // a hash of the key: the same if it is deleted and made again
	State uint32 // what Add or Touch returned last
}

// A Policy chooses victims. It is not safe for concurrent use: each shard of a host has its own.
type Policy interface {
	// Kind returns which policy it is.
	Kind() Kind
	// Add takes in a record that was just made, and returns its state. State of r is ignored.
	Add(r Record) uint32
	// Touch counts an access and returns the record's new state.
	Touch(r Record) uint32
	// Move says that the host calls the record to from now on.
	Move(r Record, to Ref)
	// Remove says that the record is gone, whoever removed it.
	Remove(r Record)
	// Victim returns the record to drop next. The host removes it and says so with Remove. ok is false if no record may be
	// dropped.
	Victim() (victim Ref, ok bool)
}

// A Host is the store that a policy works for.
type Host interface {
	// Spaces returns the number of keyspaces (databases of Redis), at least 1. Each is sampled apart.
	Spaces() int
	// Keys returns the records of a space, or those of them that have a TTL.
	Keys(space int, volatile bool) Keys
	// ID, State and Expiry return what the host knows of a record; Expiry in Unix ms, for a record that has a TTL.
	ID(Ref) uint64
	State(Ref) uint32
	Expiry(Ref) int64
}

// Keys is a set of records that can be sampled.
type Keys interface {
	// Len returns the number of records.
	Len() int
	// Sample appends at most n records to dst and returns it. They are neighbours in the host's table, from a random place on:
	// Run does it for a table. Every record must have a chance.
	Sample(dst []Ref, n int, random *rand.Rand) []Ref
	// Random returns one record, drawn as Redis draws it (Any does it for a table), and 0 if there is none.
	Random(random *rand.Rand) Ref
	// Find returns the record of the set with the ID, or 0.
	Find(id uint64) Ref
}

// A Kind is a policy by its name.
type Kind uint8

// The policies.
const (
	NoEviction Kind = iota
	AllKeysLRU
	AllKeysLFU
	AllKeysRandom
	VolatileLRU
	VolatileLFU
	VolatileRandom
	VolatileTTL
	// What if: no Redis has these.
	ExactLRU
	WTinyLFU
	S3FIFO
)

var kindNames = [...]string{
	"noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
	"exact-lru", "w-tinylfu", "s3-fifo",
}

func (k Kind) String() string { return kindNames[k] }

// WhatIf reports whether no Redis has the policy.
func (k Kind) WhatIf() bool { return k >= ExactLRU }

// Volatile reports whether the policy drops only records with a TTL.
func (k Kind) Volatile() bool { return k >= VolatileLRU && k <= VolatileTTL }

// LFU reports whether the state of a record counts its accesses, as Redis does it.
func (k Kind) LFU() bool { return k == AllKeysLFU || k == VolatileLFU }

// ParseKind reads a name as String writes it, in any case, as CONFIG SET does.
func ParseKind(name string) (Kind, error) {
	if i := slices.Index(kindNames[:], strings.ToLower(name)); i >= 0 {
		return Kind(i), nil
	}
	return 0, fmt.Errorf("%q is no eviction policy: it is one of %s", name, strings.Join(kindNames[:], ", "))
}

// Options are the settings of a policy. Defaults returns Redis's.
type Options struct {
	Samples int // maxmemory-samples: records looked at in each space before each eviction
	LFU     LFU
	Now     func() int64 // Unix ms
	Seed    uint64
}

// Defaults returns the settings that Redis has, with the given clock in Unix ms and seed.
func Defaults(now func() int64, seed uint64) Options {
	return Options{Samples: 5, LFU: LFU{LogFactor: 10, DecayTime: 1}, Now: now, Seed: seed}
}

// New returns the policy k for a host. The policies that are not Redis's must be told with Add of every record there is, and can
// keep StateMax records apart: a host that holds as many asks for a victim, as if it were out of memory.
func New(k Kind, h Host, o Options) Policy {
	random := rand.New(rand.NewPCG(o.Seed, uint64(k)))
	switch k {
	case ExactLRU:
		return &exactLRU{queues: newQueues(1)}
	case WTinyLFU:
		return newTinyLFU()
	case S3FIFO:
		return newS3FIFO()
	}
	return &sampled{kind: k, host: h, o: o, random: random}
}
