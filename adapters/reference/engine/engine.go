// Package engine runs commands on shards of a keyspace, for many sessions at once: it finds the command, checks the call, takes
// the locks that its keys need, and does what Redis does around a command: transactions, blocking, notifications, statistics. It
// knows no single command (New is given them) and no connection.
//
// The one idea is that a session runs its requests one after another and lets go of a shard only when it needs another or has no
// more requests, so that a pipeline takes a lock once for a run of commands, not once for each.
package engine

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/value"
	"github.com/kvtool/kvtool/internal/memory"
)

// MaxShards is the most shards there may be: a session keeps those that it holds in one word.
const MaxShards = 64

// RedisVersion is the version of Redis whose behaviour this is: clients choose by it what they may send.
const RedisVersion = "7.0.15"

// Databases is how many there are, as in Redis unless it is told otherwise.
const Databases = 16

// Options are the settings of an Engine. Zero values are usable.
type Options struct {
	Shards int   // a power of two; 0 is 1, which makes everything deterministic under a clock and a seed
	Clock  Clock // nil is the system's
	Seed   uint64
	Model  *memory.Model   // of used_memory; nil is that of Redis 7.0 as Debian builds it
	Expiry keyspace.Expiry // how keys go whose time has come
	Heap   int64           // bytes that the keys of a shard may take, and their values; 0 is 32 GiB
	WhatIf bool            // maxmemory-policy may be one that Redis does not have
	// Config are settings that it begins with, by the names of CONFIG GET; also those that cannot be changed later.
	Config [][2]string
	// Log is told what an operator should know: an internal error, with its stack.
	Log func(text string)
	// Shutdown is called by SHUTDOWN, from the goroutine of a session. Nil makes SHUTDOWN answer an error.
	Shutdown func()
	// Version is what INFO says of the program.
	Version string
}

// A Clock tells the time in Unix microseconds. It never goes backwards.
type Clock interface{ Now() int64 }

// An Engine is safe for concurrent use.
type Engine struct {
	opts   Options
	clock  Clock
	table  *table
	shards []*shard
	plain  []*keyspace.Shard // the same
	usage  *memory.Model     // of MEMORY USAGE
	start  int64             // Unix µs

	// attention has a bit for each reason to look closer at a command than is needed nearly always.
	attention atomic.Uint32
	slow      atomic.Int64 // µs from which on a command may have to be noted

	settings *settings
	sessions sessionList
	watchers watchers
	pubsub   pubsub
	monitors monitors
	slowlog  slowlog
	latency  latencyLog
	errors   errorStats
	timers   timers
	trackers trackers
	pause    pause
	cron     cron

	// Under the lock of every shard.
	waiting waitingQueues
	ready   []place
	blocked atomic.Int64
}

// A shard is one of the keyspace, with what the engine keeps for it. All of it is under its lock.
type shard struct {
	*keyspace.Shard
	mail         *mail // of who has the lock
	hits, misses int64
}

// New returns an empty Engine that knows commands.
func New(o Options, commands []Command) (*Engine, error) {
	o.Shards = max(1, o.Shards)
	if o.Shards > MaxShards || o.Shards&(o.Shards-1) != 0 {
		return nil, fmt.Errorf("%d shards: want a power of two up to %d", o.Shards, MaxShards)
	}
	if o.Clock == nil {
		o.Clock = SystemClock()
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	t, err := newTable(commands)
	if err != nil {
		return nil, err
	}
	e := &Engine{opts: o, clock: o.Clock, table: t, start: o.Clock.Now()}
	e.timers.e = e
	for i := range o.Shards {
		s := e.newShard(i)
		e.shards, e.plain = append(e.shards, s), append(e.plain, s.Shard)
	}
	e.usage = usageModel(e.shards[0].Model())
	newSettings(e)
	for _, c := range o.Config {
		if why := e.settings.begin(c[0], c[1]); why != "" {
			return nil, fmt.Errorf("%s %s: %s", c[0], c[1], why)
		}
	}
	return e, nil
}

func (e *Engine) newShard(i int) *shard {
	made := &shard{}
	made.Shard = keyspace.New(keyspace.Options{
		Databases: Databases,
		Heap:      e.opts.Heap,
		Seed:      e.opts.Seed + uint64(i),
		Model:     e.opts.Model,
		Limits:    keyspace.DefaultLimits(),
		Settings:  keyspace.Settings{Expiry: e.opts.Expiry},
		Size:      value.Size,
		Expired:   func(db int, key []byte) { e.changed(made.mail, nil, db, key, 'x', "expired") },
		Added: func(db int, key []byte) {
			if e.attention.Load()&someNotify != 0 {
				e.notify(made.mail, nil, db, key, 'n', "new")
			}
		},
		Evicted: func(db int, key []byte) { e.changed(made.mail, nil, db, key, 'e', "evicted") },
	})
	made.Tick(e.start / 1000)
	return made
}

// shardOf returns which shard holds a key with this hash.
func (e *Engine) shardOf(hash uint64) int { return keyspace.ShardOf(hash, len(e.shards)) }

// systemClock is the wall clock at the beginning and the monotonic one since: one cheap reading, and no step.
type systemClock struct {
	start time.Time
	unix  int64
}

// SystemClock returns the time of day as it was when this was called, running on.
func SystemClock() Clock {
	now := time.Now()
	return &systemClock{now, now.UnixMicro()}
}

func (c *systemClock) Now() int64 { return c.unix + time.Since(c.start).Microseconds() }

// A ManualClock is moved only by its owner.
type ManualClock struct{ us atomic.Int64 }

// NewManualClock returns a clock that stands at t.
func NewManualClock(t time.Time) *ManualClock {
	c := &ManualClock{}
	c.us.Store(t.UnixMicro())
	return c
}

// Now returns where the clock stands.
func (c *ManualClock) Now() int64 { return c.us.Load() }

// Advance moves the clock.
func (c *ManualClock) Advance(d time.Duration) { c.us.Add(d.Microseconds()) }
