// Package keyspace holds one shard of the reference engine: the databases with their keys, when they expire, which of them go when
// memory is short, and what they take. It knows neither commands nor what is in a value.
//
// The one idea is that a record is everything that is known of a key, in one block of an arena, found by a dict of refs: a look-up
// is two cache lines, and whatever grows with the number of keys holds no pointer. Only a large value is an Object of Go's, and it
// has a slot.
//
//	all       hash ──▶ ref ─┐
//	                        ├──▶ record  kind │ state │ expiry │ key │ value
//	volatile  hash ──▶ ref ─┘                                          └─▶ slot ──▶ Object
//
// Two ledgers are kept. The real one is what the arenas and the tables take here. The modelled one is what a server would count for
// the same contents (package memory); it is used_memory, and maxmemory is held to it.
//
// Everything is called with Mu held, and time stands still between two calls of Tick: so what is done in one command sees one time.
package keyspace

import (
	"math/rand/v2"
	"sync"

	"github.com/zeebo/xxh3"

	"github.com/kvtool/kvtool/adapters/reference/arena"
	"github.com/kvtool/kvtool/adapters/reference/dict"
	"github.com/kvtool/kvtool/internal/evict"
	"github.com/kvtool/kvtool/internal/memory"
)

// Options make a Shard.
type Options struct {
	Databases int           // 0 is 1
	Seed      uint64        // of eviction's samples, and of Random
	Heap      int64         // bytes that keys may take, and values; 0 is all that refs can name, 32 GiB
	Model     *memory.Model // of used_memory; nil is that of Redis 7.0 as Debian builds it
	Settings  Settings
	Limits    Limits

	// Size returns what the bytes of a value that is no string would take in a server, the object's header included. nil counts
	// them as one block.
	Size func(k Kind, value []byte, m *memory.Model) int64
	// Expired and Evicted are called for each key that goes by itself, before it does, Added for each that is new. They may be nil.
	// They must not call the Shard.
	Expired, Evicted, Added func(db int, key []byte)
}

// Settings may be changed while there are keys, with Configure.
type Settings struct {
	MaxMemory int64 // modelled bytes of this shard; 0 is none
	Policy    evict.Kind
	Samples   int // maxmemory-samples; 0 is 5
	LFU       evict.LFU
	Expiry    Expiry
	Effort    int  // active-expire-effort, 1 to 10; 0 is 1
	HZ        int  // calls of Cron in a second; 0 is 10
	Frozen    bool // keys neither expire nor are evicted by themselves, as under CLIENT PAUSE; one that is due is absent all the same
}

// Limits decide over encodings. The zero value is no limit at all; DefaultLimits are those of Redis 7.0.
type Limits struct {
	HashEntries, HashValue int // hash-max-listpack-entries, hash-max-listpack-value
	ZSetEntries, ZSetValue int // zset-max-listpack-entries, zset-max-listpack-value
	SetInts                int // set-max-intset-entries
	ListSize               int // list-max-listpack-size: entries, or -1 to -5 for 4 to 64 KiB
	HLLSparse              int // hll-sparse-max-bytes
}

// DefaultLimits returns the limits of a 7.0.15 server without a configuration file (config.c).
func DefaultLimits() Limits {
	return Limits{HashEntries: 512, HashValue: 64, ZSetEntries: 128, ZSetValue: 64, SetInts: 512, ListSize: -2, HLLSparse: 3000}
}

// An Object is a large value. What it holds outside of Go's memory is in the arena of its shard.
type Object interface {
	// Len returns the number of elements.
	Len() int
	// Size returns what it would take in a server, the object's header included and the key not. It must be quick: it is asked
	// for after each change.
	Size(m *memory.Model) int64
	// Release gives back what it has in the arena. It is not used afterwards.
	Release()
	// Clone returns a copy in another shard, or the same; false if that is full.
	Clone(to *Shard) (Object, bool)
}

// A Shard is a part of all keys, in every database.
type Shard struct {
	Mu sync.Mutex

	o       Options
	now     int64        // Unix ms
	records *arena.Arena // keys, which may be moved
	heap    *arena.Arena // values of their own
	model   *memory.Model
	limits  Limits
	random  *rand.Rand
	spaces  []*space
	objects []slot
	unused  uint32 // slots without an Object; 0 ends
	policy  evict.Policy
	ledger  ledger
	stats   Stats
	cycle   cycle
	wheel   *wheel // nil unless expiry is exact
	made    uint32 // databases, those that were flushed included
	scratch []byte

	warmed byte // of what Warm has read: or else nothing would be read
}

// A space is a database.
type space struct {
	id            uint32 // of its own, also after SWAPDB
	all, volatile *keys
	cursor        uint64 // of the active cycle, in volatile
	ttl           int64  // average, ms
}

// A slot is where an Object is, and what is charged for it.
type slot struct {
	object  Object
	charged int64
	next    uint32 // of the unused
}

// Stats count what went by itself.
type Stats struct {
	Expired  int64 // keys past their expiry that were removed
	Evicted  int64
	CutShort int64 // cycles of expiry that ran out of time (expired_time_cap_reached_count)
}

// New returns an empty Shard at the time 0; Tick sets it.
func New(o Options) *Shard {
	if o.Heap == 0 {
		o.Heap = arena.Limit
	}
	if o.Model == nil {
		o.Model = memory.New(memory.Profile{Allocator: memory.Jemalloc16, State: memory.Live, Allocated: true})
	}
	s := &Shard{
		o: o, records: arena.New(o.Heap), heap: arena.New(o.Heap), model: o.Model, limits: o.Limits, random: rand.New(rand.NewPCG(o.Seed, 0)),
		spaces: make([]*space, max(1, o.Databases)), objects: make([]slot, 1),
	}
	s.ledger = newLedger(o.Model)
	for i := range s.spaces {
		s.spaces[i] = s.newSpace()
	}
	s.Configure(o.Settings)
	return s
}

func (s *Shard) newSpace() *space {
	hashed := func(ref uint32) uint64 { return Hash(s.at(ref).key()) }
	s.made++
	return &space{id: s.made, all: &keys{Dict: dict.New(hashed), s: s}, volatile: &keys{Dict: dict.New(hashed), s: s}}
}

// Hash returns the hash of a key by which Find and the Put methods go. Its lowest bits choose a bucket and its highest eight a tag:
// who has several shards chooses one by ShardOf.
func Hash(key []byte) uint64 { return xxh3.Hash(key) }

// ShardOf returns which of n shards, a power of two up to 256, a key of the hash is in.
func ShardOf(hash uint64, n int) int { return int(hash>>48) & (n - 1) }

// Tick sets the time, Unix ms. It is called once before each command, with the lock taken. Where expiry is exact, what is due goes.
// Items that were found before are not valid afterwards.
func (s *Shard) Tick(now int64) {
	s.now = now
	s.turn()
	if s.records.Sparse() {
		s.records.Compact(movesPerTick, s.moved)
	}
}

// How many records are moved before a command, a little more than the blocks that one frees, so that the arena stays dense when values
// become shorter or longer; and by Cron, in some 50 µs.
const (
	movesPerTick = 4
	movesPerCron = 200
)

// moved is told of a record that is in another place now.
func (s *Shard) moved(from, to arena.Ref) {
	r := s.at(uint32(to))
	hash := Hash(r.key())
	for _, sp := range s.spaces {
		if sp.all.Replace(hash, uint32(from), uint32(to)) {
			if r.expires() {
				sp.volatile.Replace(hash, uint32(from), uint32(to))
			}
			break
		}
	}
	s.policy.Move(evict.Record{Ref: evict.Ref(from), ID: hash, State: r.state()}, evict.Ref(to))
}

// Now returns the time that Tick set.
func (s *Shard) Now() int64 { return s.now }

// Heap returns the arena for what an Object holds. What is in it stays where it is.
func (s *Shard) Heap() *arena.Arena { return s.heap }

// Model returns the model of the modelled ledger.
func (s *Shard) Model() *memory.Model { return s.model }

// Limits returns the thresholds of encodings, which may be changed.
func (s *Shard) Limits() *Limits { return &s.limits }

// Scratch returns an empty buffer with room for n bytes: for a small value while it is changed. There is one a shard, valid until
// the next call.
func (s *Shard) Scratch(n int) []byte {
	if cap(s.scratch) < n {
		s.scratch = make([]byte, 0, 2*n)
	}
	return s.scratch[:0]
}

// Random returns the shard's own generator.
func (s *Shard) Random() *rand.Rand { return s.random }

// Stats returns the counters since New or ResetStats.
func (s *Shard) Stats() Stats { return s.stats }

// ResetStats sets the counters to 0, as CONFIG RESETSTAT does.
func (s *Shard) ResetStats() { s.stats = Stats{} }

// Databases returns the number of databases.
func (s *Shard) Databases() int { return len(s.spaces) }

// Len returns the number of keys of a database, those that are past their expiry and were not removed yet included, as DBSIZE does.
func (s *Shard) Len(db int) int { return s.spaces[db].all.Len() }

// Volatile returns the number of keys of a database that have an expiry.
func (s *Shard) Volatile(db int) int { return s.spaces[db].volatile.Len() }

func (s *Shard) at(ref uint32) record { return record(s.records.Bytes(arena.Ref(ref))) }
