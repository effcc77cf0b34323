// Package audit runs analyses over a store in one pass and makes the report. It owns the fold, and the general analyses
// that need no more than records: totals, types, sizes, top keys, TTLs.
//
// The one idea is that an analysis is a fold that merges. A Collector observes records, merges with another of its kind,
// and reports; so one pass over the keyspace feeds every analysis, shards run side by side without a lock, and a report of
// a running scan is the same fold, reported early:
//
//	shard 1 ── record ──▶ collectors ─┐
//	shard 2 ── record ──▶ collectors ─┼─▶ Merge ──▶ Report ──▶ report.Report
//	shard 3 ── record ──▶ collectors ─┘
//
// A shard's goroutine owns its collectors until its end. Nothing is shared or locked on the way: a collector can be saved as bytes,
// and who looks early is handed such a copy. What a shard hands over is kept apart until a report is made, so that a shard which
// must begin anew takes all of it back. A run can be saved as well, and two saved runs add up to one.
package audit

import (
	"encoding"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// An Analyzer is a named analysis, as data. Its configuration is in the closure of New.
type Analyzer struct {
	Name  string // used in flags, JSON and skipped[]
	Title string
	Doc   string
	Needs kv.Field // skipped without these
	// Kind are facts that make a store one that the analysis is about: of another nobody misses it, and it is not listed as skipped.
	Kind  kv.Field
	Uses  kv.Field // better with these
	Each  kv.Field // of these, what it wants of each key, also where a store would ask a sample of them
	Rules []*report.Rule
	// Version is that of the saved form of its collectors, from 1. It also leads the saved bytes, so that a collector can
	// go on reading older ones; one that is changed without need for that keeps its number.
	Version uint16
	// Config tells configurations apart: parts of two runs merge only where it is equal. 0 where there is none.
	Config uint64
	// New starts a fold. The ages and TTLs it reports count from now, the time that the store's contents go by.
	New func(now time.Time) Collector
}

// A Collector folds records into a partial result. It is not safe for concurrent use and need not be: each shard has its
// own. However the records are divided, and in whatever order they come, the merged result must be the same or, for an
// approximate collector, within the error that it reports. Package audittest checks these laws.
//
// A collector can be saved. AppendBinary changes nothing; equal collectors append equal bytes, however they came about; and
// a fresh collector that has unmarshalled them reports, merges and observes as the one that appended them. Bytes that
// nobody appended are an error or some collector, never a panic. Package saved does nearly all of that.
type Collector interface {
	Observe(r *kv.Record) // r is valid during the call only; r.Key may be kept
	Merge(c Collector)    // c is of the same Analyzer and is not used again
	Report(out *Output)   // changes nothing; called as often as somebody looks
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// An Asker is a Collector that decides which keys are worth more than their name, because it knows of which kind each is. Of
// a kind that it has learned enough of, the facts of one key stand for many.
type Asker interface {
	Collector
	// Expect says, before the first key, about how many will come. Without it nothing is known of that.
	Expect(keys int64)
	// Ask reports whether the facts of a key should be asked for. It is called for each key once, in the order in which the
	// records come, but ahead of them; and not all of them come.
	Ask(key string) bool
	// Weigh sets r.Others, before any collector observes r.
	Weigh(r *kv.Record)
}

// Output is what one Collector reports. A section without metrics and tables is left out of the report.
type Output struct {
	report.Section
	Findings []report.Finding
	Notes    []string // for the head of the report, a sentence each
	// Store is what the store says of itself, for who compares that with all it holds. It is nil before the scan has ended,
	// and where it did not read everything.
	Store *kv.Info `json:"-"`
	// Elapsed is how long after now the last key of a live store may have been read: what was written meanwhile has as much
	// more left than its TTL. 0 for what does not change.
	Elapsed time.Duration `json:"-"`
}
