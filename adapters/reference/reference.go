// Package reference is the built-in store behind ref: and demo:, an engine of the five types of Redis 7.0. It owns the
// keyspace, expiry, encodings and thresholds, and the presets that fill it. It speaks no protocol and keeps no files.
//
// The one idea is that nothing in it depends on the machine. Time comes from a clock that is injected, every random number
// from a seed, and every order from the order of the calls; so the demo keyspace is the same bytes everywhere, and a test
// can wait a month in no time.
//
//	Engine ── 16 buckets by hash of the key, a lock each
//	            bucket ─┬ dict   key ─▶ entry ─▶ value: str, hash, list, set, zset
//	                    ├ queue  entries with an expiry, the earliest first
//	                    └ arena  the members of large sorted sets
//
// Large values are in dict and zset, small ones in packed: each a structure with a naive model beside it in its test. What
// a key would cost a server is computed by internal/memory from the lengths that the values keep.
//
// What is in an arena is freed by hand. A value goes in four ways, by DEL, by its expiry, for another one and when its last
// element goes, and each ends in entry.release.
package reference

import (
	"errors"
	"sync"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/arena"
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/kv"
	"github.com/zeebo/xxh3"
)

// Errors that a caller branches on. Their texts are the server's own.
var (
	ErrWrongType  = errors.New("WRONGTYPE Operation against a key holding the wrong kind of value")
	ErrNotInteger = errors.New("ERR value is not an integer or out of range")
	ErrOverflow   = errors.New("ERR increment or decrement would overflow")
	ErrNotFloat   = errors.New("ERR value is not a valid float")
	ErrMemory     = errors.New("OOM command not allowed when used memory > 'maxmemory'.") //nolint:revive // the full stop is the server's
)

// Options make an Engine. The zero value is an empty one on the real clock.
type Options struct {
	Clock func() time.Time // nil is time.Now
}

// An Engine is a store of five types. It is safe for concurrent use; a call sees and changes one key in one step. A key
// whose time has come is gone, and its memory with it, at the due millisecond: no call made then or later sees it.
type Engine struct {
	clock   func() time.Time
	model   *memory.Model
	limits  limits
	buckets [numBuckets]bucket
}

// numBuckets bounds how many shards a scan can be divided into. The order of a scan depends on it.
const numBuckets = 16

// limits are the settings that decide over encodings, at the defaults of Redis 7.0 (config.c).
type limits struct {
	hashEntries, hashValue int // hash-max-listpack-entries, hash-max-listpack-value
	zsetEntries, zsetValue int // zset-max-listpack-entries, zset-max-listpack-value
	intset                 int // set-max-intset-entries
	listNode               int // bytes of a list's node: list-max-listpack-size -2
}

func defaultLimits() limits {
	return limits{hashEntries: 512, hashValue: 64, zsetEntries: 128, zsetValue: 64, intset: 512, listNode: 8192}
}

// profile is the server whose memory the sizes are those of: Redis 7.0 as Debian builds it.
func profile() memory.Profile {
	return memory.Profile{Allocator: memory.Jemalloc16, Version: memory.Redis70, State: memory.Loaded}
}

// New returns an empty engine.
func New(opt Options) *Engine { return newSized(opt, 0) }

// newSized returns an engine with room for about n keys.
func newSized(opt Options, n int) *Engine {
	e := &Engine{clock: opt.Clock, model: memory.New(profile()), limits: defaultLimits()}
	if e.clock == nil {
		e.clock = time.Now
	}
	for i := range e.buckets {
		e.buckets[i].heap = arena.New(arena.Limit)
		e.buckets[i].keys = newOrdered[*entry](n/numBuckets + n/numBuckets/16)
	}
	return e
}

// A bucket holds the keys of one hash class.
type bucket struct {
	mu   sync.RWMutex
	keys *ordered[*entry]
	due  queue
	heap *arena.Arena
}

// An entry is a key with its value.
type entry struct {
	key string
	val value
	at  int64 // expiry in ms since the epoch; 0 is none
	pos int   // in the bucket's queue, where at is set
}

// expired reports whether e is gone at now: at its due millisecond. The server is one millisecond later.
func (e *entry) expired(now int64) bool { return e.at != 0 && e.at <= now }

// A value is what a key holds.
type value interface {
	kind() kv.Type
	encoding() kv.Encoding
	length() int
	size(m *memory.Model) int64 // bytes in a server, without the key
}

// release frees what the value has in the arena. The value is not used afterwards.
func (e *entry) release() {
	if v, ok := e.val.(interface{ release() }); ok {
		v.release()
	}
}

func (e *Engine) now() int64 { return e.clock().UnixMilli() }

func (e *Engine) bucket(key string) *bucket {
	return &e.buckets[xxh3.HashString(key)%numBuckets]
}

// lock returns the bucket of key, locked and rid of what has expired.
func (e *Engine) lock(key string) *bucket {
	b := e.bucket(key)
	b.mu.Lock()
	b.expire(e.now())
	return b
}

// expire removes every key that is due.
func (b *bucket) expire(now int64) {
	for len(b.due) > 0 && b.due[0].expired(now) {
		en := b.due[0]
		b.keys.Delete(en.key)
		b.due.remove(en)
		en.release()
	}
}

// put gives key a value and no expiry.
func (b *bucket) put(key string, v value) {
	if en, had := b.keys.Get(key); had {
		b.setExpiry(en, 0)
		en.release()
		en.val = v
		return
	}
	b.keys.Set(key, &entry{key: key, val: v})
}

// drop removes key and reports whether it was there.
func (b *bucket) drop(key string) bool {
	en, had := b.keys.Delete(key)
	if had {
		b.setExpiry(en, 0)
		en.release()
	}
	return had
}

// lookup returns the value of key as a V. It returns the zero V where there is none, and ErrWrongType where the value is
// something else.
func lookup[V value](b *bucket, key string) (v V, ok bool, err error) {
	en, had := b.keys.Get(key)
	if !had {
		return v, false, nil
	}
	if v, ok = en.val.(V); !ok {
		return v, false, ErrWrongType
	}
	return v, true, nil
}

// read calls fn with the value of key, if it has one.
func read[V value](e *Engine, key string, fn func(V)) error {
	b := e.lock(key)
	defer b.mu.Unlock()
	v, ok, err := lookup[V](b, key)
	if ok {
		fn(v)
	}
	return err
}

// update calls fn with the value of key, or with a new one. A value that is empty afterwards is gone, and its key with it.
func update[V value](e *Engine, key string, create func() V, fn func(V)) error {
	b := e.lock(key)
	defer b.mu.Unlock()
	v, ok, err := lookup[V](b, key)
	if err != nil {
		return err
	}
	if !ok {
		v = create()
	}
	fn(v)
	switch {
	case v.length() == 0:
		b.drop(key)
	case !ok:
		b.put(key, v)
	}
	return nil
}
