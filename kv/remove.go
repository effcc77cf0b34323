package kv

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Remover is a store that keys can be removed from, and put back. It is the only interface through which anything is ever
// written, and drift clean --apply and --undo are the only ones who use it.
//
// Nothing is removed that was not dumped before: a Change names the digest of what it removes.
type Remover interface {
	// Identify says which server this is. An empty ID is one that does not say.
	Identify(ctx context.Context) (Identity, error)
	// Digest tells keys from what they were without reading them: the store computes it. It calls fn for each in the order of names,
	// with nil where there is no such key.
	Digest(ctx context.Context, names []Name, fn func(i int, d *Digest)) error
	// Dump reads keys whole, and calls fn for each in the order of names, with nil where there is no such key.
	Dump(ctx context.Context, names []Name, fn func(i int, d *Dump)) error
	// Change changes keys, each in one atomic step and only if it still is as the change says. In a cluster all keys of a change
	// are of one slot. It calls fn for each as soon as its outcome is known, so that with an error what is known is known.
	Change(ctx context.Context, changes []Change, fn func(i int, o Outcome)) error
	// Restore writes dumps of keys that are not there: one that is there is left alone.
	Restore(ctx context.Context, dumps []Dump, fn func(i int, o Outcome)) error
	// Expire takes back changes of an expiry.
	Expire(ctx context.Context, backs []ExpiryBack, fn func(i int, o Outcome)) error
}

// An Identity is a server, or the primaries of a cluster.
type Identity struct {
	ID      string // changes when a server is started anew; of a cluster those of all primaries
	Version string
	Replica bool          // it is written to by its primary alone
	Cluster bool          // keys of different slots cannot be looked at in one step
	Lag     time.Duration // since the last word of the replica that has been silent longest
	// Lineage are names of what it holds, which outlive a restart or a failover where the server keeps them: the histories that
	// replicas follow, the nodes of a cluster. Two servers that share one hold what came from one another.
	Lineage []string
}

// A Digest is what a key is, in a few bytes.
type Digest struct {
	Type    Type
	SHA1    string // of what Dump.Value would be, in hexadecimal digits; empty where the server refuses to tell
	Freq    uint8  // the LFU counter, after the value was read
	HasFreq bool
}

// A Dump is a key, whole: what it takes to write it again.
type Dump struct {
	Name
	Type     Type
	ExpireAt time.Time // zero: never. To the millisecond
	Idle     time.Duration
	HasIdle  bool
	Freq     uint8 // the LFU counter, before the value was read
	HasFreq  bool
	Value    []byte    // in the store's own form, with a checksum of its own
	Now      time.Time // by the clock of the server that has the key, when it was read
}

// A Change is what is to become of a key, and what it must still be.
type Change struct {
	Name
	Type    Type
	Digest  string    // SHA-1 of Dump.Value, in hexadecimal digits
	Expires string    // none; some; >N: more than N milliseconds are left
	Missing string    // a key of the same database that must still be missing; "" is none
	Says    []Saying  // at most two; with Missing, of Name alone
	To      time.Time // when it is to expire; zero: it is deleted
}

// A Saying is what the value of the key itself, or of one other of the same database, must still say.
type Saying struct {
	Key   string
	Field string // of a hash; "" is the whole of a string
	Text  string
	Lost  bool   // there is no such field
	SHA1  string // set: the whole value has this digest, whatever it says
}

// An ExpiryBack gives a key its expiry back.
type ExpiryBack struct {
	Name
	Digest string
	Set    time.Time // the expiry that Change has given it
	Was    time.Time // and the one before; zero: none
}

// An Outcome is what became of a change.
type Outcome string

// The outcomes. All but Done mean that nothing was changed.
const (
	Done     Outcome = "done"
	Gone     Outcome = "gone"     // there is no such key any more
	Present  Outcome = "present"  // Restore: the key is there
	NewType  Outcome = "type"     // it is of another type
	NewValue Outcome = "changed"  // its value is another
	NewTTL   Outcome = "ttl"      // its expiry is not as it was
	Parent   Outcome = "parent"   // what was missing is there
	Restored Outcome = "restored" // it was removed, then what was missing was there: it was put back at once
	Expired  Outcome = "expired"  // Restore: its time is over
	Refused  Outcome = "refused"  // the server will not
)

// RemoverOf returns s as a Remover. The error is errors.ErrUnsupported where it is none.
func RemoverOf(s Store) (Remover, error) {
	if r, ok := s.(Remover); ok {
		return r, nil
	}
	return nil, fmt.Errorf("nothing is ever written to this kind of target: %w", errors.ErrUnsupported)
}
