package kv

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"
)

// A Tracer watches what is done to the keys of a store while it is done.
type Tracer interface {
	// Trace yields what it sees until ctx or one of the bounds of opt ends it. An error is the last thing yielded. However it
	// ends, nothing stays switched on at the store. An access is valid until the next step; its Key may be kept.
	Trace(ctx context.Context, opt TraceOptions) iter.Seq2[*Access, error]
	// Traces says of each source, the best one first, whether this store and this user have it, now. Name is the source's,
	// and How is Missing where it cannot be had; Why and Hint say more.
	Traces(ctx context.Context) ([]Fact, error)
}

// A TraceSource is how accesses are seen.
type TraceSource string

// The sources. A server's own count costs its clients next to nothing and tells sums by key; a watch sends each access on, and what
// its reader is too slow for the server drops and counts; MONITOR sends each command on, and may halve what a server can do.
const (
	TraceServer  TraceSource = "server"
	TraceWatch   TraceSource = "watch"
	TraceMonitor TraceSource = "monitor"
)

// TraceOptions bound a trace. Each bound ends it; there is none without.
type TraceOptions struct {
	Source TraceSource
	Window time.Duration // at least one is needed of a source that costs: a window of 0 is an error
	Count  int64         // accesses, over all nodes; 0 is no bound
	Bytes  int64         // bytes received, over all nodes; 0 is no bound
	Keys   int           // of TraceServer: how many of the hottest to ask each node for
	// Told hears, in words for people, what the store does or says meanwhile: that a trace ended early, and why.
	Told func(string)
}

// An OpKind says what an operation does to a key.
type OpKind uint8

// The kinds. An operation that may do either is a write.
const (
	OpUnknown OpKind = iota
	OpRead
	OpWrite
)

// An Access is one operation on one key, or, where a source only tells sums, all of them together.
type Access struct {
	Key   string
	DB    int
	Kind  OpKind
	At    time.Time     // zero if the source does not tell
	N     int64         // operations; 0 where the source does not count them
	Bytes int64         // that went over the network; 0 where the source does not tell
	CPU   time.Duration // of the server; 0 where the source does not tell
	Place string        // the node; empty where there is one
	// Lost counts the operations that the source knows it has missed since the access before.
	Lost int64
	// Dead says of a write that what it wrote was gone at once: its expiry lay in the past.
	Dead bool
	// Whole marks the last access of a node that tells sums: no key, but what all keys took, those not named too.
	Whole bool
}

// TraceAll watches n servers side by side, each in a goroutine in which watch runs, and yields what they tell as it comes, in batches.
// The window of opt ends it, as does stop, which watch may call for all of them; it has to end then, and so does what is still read.
// What one of them fails with is the last thing yielded, behind what the others have told.
func TraceAll(
	ctx context.Context, opt TraceOptions, n int, watch func(watching context.Context, stop func(), i int, out chan<- []Access) error,
) iter.Seq2[*Access, error] {
	return func(yield func(*Access, error) bool) {
		if opt.Window <= 0 {
			yield(nil, Usagef("a trace without an end: the window is 0"))
			return
		}
		watching, stop := context.WithTimeout(ctx, opt.Window)
		defer stop()
		batches, errs := make(chan []Access, n), make(chan error, 1)
		failed := make([]error, n)
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() { failed[i] = watch(watching, stop, i, batches) })
		}
		go func() {
			all.Wait()
			close(batches)
			errs <- errors.Join(failed...)
		}()
		more := true
		for batch := range batches {
			for i := range batch {
				if more = more && yield(&batch[i], nil); !more {
					stop() // and go on reading, so that every server is told to end
					break
				}
			}
		}
		if err := <-errs; err != nil && more {
			yield(nil, err)
		} else if ctx.Err() != nil && more {
			yield(nil, ctx.Err())
		}
	}
}

// TracerOf returns s as a Tracer, or an error that wraps errors.ErrUnsupported.
func TracerOf(s Store) (Tracer, error) {
	if t, ok := s.(Tracer); ok {
		return t, nil
	}
	return nil, fmt.Errorf("this store does not tell what is done to its keys: %w", errors.ErrUnsupported)
}

// A StatsSource tells counters and settings that are the servers' and no key's.
type StatsSource interface {
	// Stats returns one Stats for each server, of what this user may ask.
	Stats(ctx context.Context) ([]Stats, error)
}

// Stats are what one server counts and how it is set.
type Stats struct {
	Place    string
	At       time.Time
	Settings map[string]string // by the server's own names; those that it does not tell are not there
	Calls    []Calls           // since it began to count, each command by itself; nil where it does not tell
	Slots    []SlotStats       // lowest first; nil where the server does not count by slot
	SlotsWhy string            // why there are none, or less than all
}

// SlotStats are counters of one slot since the server began to count. Bytes and CPU are 0 where it counts keys alone.
type SlotStats struct {
	Slot  uint16
	Keys  int64
	CPU   time.Duration
	Bytes int64 // in and out
}

// StatsOf returns s as a StatsSource, or an error that wraps errors.ErrUnsupported.
func StatsOf(s Store) (StatsSource, error) {
	if t, ok := s.(StatsSource); ok {
		return t, nil
	}
	return nil, fmt.Errorf("this store has no counters of servers: %w", errors.ErrUnsupported)
}
