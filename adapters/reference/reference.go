// Package reference is the built-in store behind ref: and demo:, an engine of the five types of Redis 7.0. It owns the presets that
// fill the engine, and what an audit sees of it. The keys, their expiry and their values are in its children; package engine lets
// commands at them, and package server clients.
//
// The one idea is that nothing in it depends on the machine. Time comes from a clock that is injected, every random number
// from a seed, and every order from the order of the calls; so the demo keyspace is the same bytes everywhere, and a test
// can wait a month in no time.
//
//	ref:, demo: ── store ───▶ engine ──▶ 8 keyspace.Shards by hash of the key, a lock each
//	preset ── generator ──────────────▶   └ value: strings, hashes, lists, sets, sorted sets
//
// What a key would cost a server is computed by internal/memory from the lengths that the values keep.
package reference

import (
	"errors"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/command"
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/kv"
)

// ErrMemory says that there was no room for what should be put in.
var ErrMemory = errors.New("the engine is full: it holds at most 32 GiB a shard")

// numShards bounds into how many parts a scan can be divided. The order of a scan depends on it, so the machine does not decide.
const numShards = 8

// profile is the server whose memory the sizes are those of: Redis 7.0 as Debian builds it.
func profile() memory.Profile {
	return memory.Profile{Allocator: memory.Jemalloc16, Version: memory.Redis70, State: memory.Loaded}
}

// A store is an engine that was opened as a target. It is safe for concurrent use. A key whose time has come is gone, and its
// memory with it, at the due millisecond.
type store struct {
	target kv.Target
	fixed  time.Time // what the clock says, always; zero is now
	engine *engine.Engine
	model  *memory.Model
}

// newStore returns an empty store.
func newStore(target kv.Target, fixed time.Time) (*store, error) {
	clock := engine.SystemClock()
	if !fixed.IsZero() {
		clock = engine.NewManualClock(fixed)
	}
	e, err := newEngine(clock)
	return &store{target: target, fixed: fixed, engine: e, model: memory.New(profile())}, err
}

func newEngine(clock engine.Clock) (*engine.Engine, error) {
	return engine.New(engine.Options{Shards: numShards, Clock: clock, Expiry: keyspace.ExpireExact}, command.Table())
}

// find returns a key, and its shard, which is locked until unlock is called.
func (s *store) find(key []byte) (shard *keyspace.Shard, it keyspace.Item, unlock func()) {
	hash := keyspace.Hash(key)
	shard, unlock = s.engine.Lock(keyspace.ShardOf(hash, numShards))
	return shard, shard.Find(0, key, hash), unlock
}

// fill fills the store with the contents of p.
func (s *store) fill(p Preset) (err error) {
	s.engine.Exclusively(func(shards []*keyspace.Shard) { err = Fill(shards, p) })
	return err
}
