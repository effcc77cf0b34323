package kv

import (
	"context"
	"iter"
	"time"
)

// A Scanner yields records. A scan is at least once: a key may come twice while a table is rehashed. The record is valid
// until the next step; its Key may be kept. An error is the last thing yielded: every record before it was read whole.
type Scanner interface {
	Scan(ctx context.Context, opt ScanOptions) iter.Seq2[*Record, error]
}

// ScanOptions says what to read. The zero value reads every key and nothing about it but its name.
type ScanOptions struct {
	Shard   Shard    // zero: the whole keyspace
	Match   string   // glob in Redis's syntax; empty matches all. Pushed down where the store can
	Want    Field    // the facts worth paying for
	Limiter *Limiter // shared by all shards of a run; nil is unlimited
	Each    Field    // the facts of Want that are wanted of each key, also where a store would ask a sample of them
	// Ask says which facts of Want are worth paying for, for this key; nil is all of them. It is called from the goroutine
	// that consumes the scan, once for each key and in the order in which the keys are yielded, but ahead of them.
	Ask func(key string) Field
	// Mark is told, between two records, what a later scan can continue with: a Shard whose From lies behind every record
	// yielded so far. It may be nil, and a store that cannot continue never calls it.
	Mark func(Shard)
}

// A Store is open. It is safe for concurrent use and reading from it never changes it.
type Store interface {
	Scanner
	// Info probes the store. It is safe to call again: after a scan it also tells what the scan has learned.
	Info(ctx context.Context) (*Info, error)
	Close() error
}

// A Sharder divides its keyspace into disjoint parts that can be scanned at once: at most max, or one for each of its
// servers where it has more of them.
type Sharder interface {
	Shards(ctx context.Context, max int) ([]Shard, error)
}

// A Shard is one part of a keyspace. It is data, so that a run can record how far it got. Its name is the store's own, as is
// From, where the scan begins; nil is the beginning.
type Shard struct {
	Name string
	From []byte
}

// Shards divides s, or returns one shard that is all of it where the store cannot be divided.
func Shards(ctx context.Context, s Store, max int) ([]Shard, error) {
	if sh, ok := s.(Sharder); ok && max > 1 {
		return sh.Shards(ctx, max)
	}
	return []Shard{{}}, nil
}

// Info says what a store is and what it can tell.
type Info struct {
	Adapter string // name of the adapter
	Product string // what answered: redis, valkey, rdb, keys, …
	Version string // of the product, empty if unknown
	Target  string // the target, redacted
	// Live says that the contents change while they are read, so that the time a scan takes is part of the result.
	Live bool
	// Clock is the time the contents go by where that is not now: a dump's creation, a virtual clock. Zero is now.
	Clock     time.Time
	Keys      int64 // how many a whole scan would yield, about; only if KeysKnown
	KeysKnown bool
	Memory    int64 // bytes the store says that it uses; 0 if it does not say
	Resident  int64 // bytes of physical memory that its process holds; 0 if it does not say
	// Ledger lists what Memory consists of besides keys and their values; empty if the store does not say.
	Ledger []Line
	Server Server  // zero of what is no server
	Table  Table   // zero of what has no tables
	Pages  []Pages // of each database in a file, where its store was asked; nil where it was not
	Facts  []Fact
	// Burdens are what reading was to the servers; those that were read too short for it to be felt have none.
	Burdens []Burden
	Notes   []string // what a reader of the report must know of this store, a sentence each
}

// A Line is one part of a store's memory that is in no key.
type Line struct {
	Name  string // main_dict, expires_dict, replication_backlog, …
	Bytes int64
	How   How
	Why   string // as of a Fact
}

// A How says where a number comes from.
type How uint8

// Missing is the zero value: a fact nobody vouches for is not there.
const (
	Missing  How = iota
	Modelled     // computed by kvtool
	Sampled      // measured, of a sample of the keys
	Measured     // the store said so, or it follows exactly from the bytes that were read
)

func (h How) String() string { return [...]string{"missing", "modelled", "sampled", "measured"}[h] }

// A Fact says how far a Field (or, with Field 0, an ability such as scan) can be had from this store, now, by this user.
type Fact struct {
	Name  string
	Field Field
	How   How
	Why   string // required unless Measured: "NOPERM: this user may not run 'memory'"
	Hint  string // what would change it
}

// Provides returns every Field that is not Missing.
func (i *Info) Provides() Field { return i.fields(Modelled) }

// Measures returns every universal Field that is Measured: a record without one of them was refused to this user.
func (i *Info) Measures() Field { return i.fields(Measured) & Universal }

func (i *Info) fields(least How) Field {
	var f Field
	for _, x := range i.Facts {
		if x.How >= least {
			f |= x.Field
		}
	}
	return f
}
