package evict

import (
	"math"
	"time"
)

// A Ledger is the memory of a host, in bytes as it counts them.
type Ledger interface {
	// Used returns what is used, the arguments of the command that room is made for included: so Redis counts them, and drops a
	// record before a new one of the same key is there, not after. It may fall by less than a record's size when that is dropped,
	// or rise by a table's.
	Used() int64
	// Drop removes a record that Victim named, and calls Remove.
	Drop(Ref)
}

// An Outcome says how reclaiming ended.
type Outcome uint8

// The outcomes. A command that needs memory is refused (the error OOM) only when reclaiming Failed.
const (
	Within  Outcome = iota // used memory is within the limit
	Running                // time is up; the host goes on later, and the command may run
	Failed                 // no record may be dropped
)

// Reclaim drops records until l uses no more than limit bytes: what a host does before every command, also one that needs no
// memory (server.c: processCommand). A limit of 0 is none. expired, which may be nil, says after each 16 records whether time
// is up.
func Reclaim(p Policy, l Ledger, limit int64, expired func() bool) Outcome {
	if limit <= 0 {
		return Within
	}
	for dropped := 1; l.Used() > limit; dropped++ {
		victim, ok := p.Victim()
		if !ok {
			return Failed
		}
		l.Drop(victim)
		if dropped%16 == 0 && expired != nil && expired() && l.Used() > limit {
			return Running
		}
	}
	return Within
}

// TimeLimit returns for how long a host may reclaim at once under maxmemory-eviction-tenacity: 0 to 500 µs up to 10, then 15 %
// more for each step, and without end at 100 (evict.c: evictionTimeLimitUs).
func TimeLimit(tenacity int) time.Duration {
	switch {
	case tenacity <= 10:
		return time.Duration(max(0, tenacity)) * 50 * time.Microsecond
	case tenacity < 100:
		return time.Duration(500*math.Pow(1.15, float64(tenacity-10))) * time.Microsecond
	}
	return math.MaxInt64
}

// mostLoad is HASHTABLE_MAX_LOAD_FACTOR: from then on a table grows whatever it costs.
const mostLoad = 1.618

// MayGrow reports whether a table of keys may grow by more bytes, which are charged at once: not over the limit, as long as it
// has no more than 1.618 records a bucket (server.c: dictExpandAllowed). A limit of 0 is none.
func MayGrow(used, limit, more int64, records, buckets uint64) bool {
	return limit <= 0 || float64(records) > mostLoad*float64(buckets) || used+more <= limit
}
