// Package simulate answers what a schema would do before there is any code or server: how its keys lie over slots, nodes or
// partitions, what memory they take, which keys are hot, when they expire, and what is lost where memory is short. It touches
// no store and reads no file.
//
// The one idea is that nothing is thrown but the keys. Each template has a population of numbered keys, the first of which is the
// most popular one; its key text, size and TTL follow from its number and the seed. Loads are not drawn: the share of an access
// that goes to key i is computed from the declared distribution, so that the hottest slot is the expected one and not one of a
// lucky run. A population too large to walk is walked in part: its head, where the load is, in full, and a sample of the rest
// that stands for it.
//
//	schema ──▶ populations ──▶ draws ──▶ place  ──▶ spread over parts and nodes
//	            number → key             memory ──▶ bytes by template
//	                                     access ──▶ operations, hot keys, misses
//
// A run is a pure function of schema and Options.
package simulate

import (
	"time"

	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/keydesign/place"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

// Options say what to simulate beyond the schema. The zero value is the store that it declares, as it is now.
type Options struct {
	Store    Store            // in place of the declared one
	Slots    []slot.Set       // of the masters of a Redis Cluster; nil: evenly spread
	Entities map[string]int64 // values of a field, or keys of a template, in place of what is declared
	Growth   time.Duration    // for how long fields are to grow
	Seed     uint64
	Sample   int64            // keys that are drawn at most; 0 is DefaultSample
	Memory   memory.Allocator // of the server
	Now      time.Time        // zero is Epoch
}

// DefaultSample is how many keys are drawn where nobody says.
const DefaultSample = 1_000_000

// Epoch returns the time that a simulation takes place at where nobody says: the same in every run.
func Epoch() time.Time { return time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC) }

// Run simulates s.
func Run(s *schema.Schema, o Options) (*report.Report, error) {
	w, err := newWorld(s, o)
	if err != nil {
		return nil, err
	}
	m := newMeasure(w)
	for _, p := range w.populations {
		p.each(m.observe)
	}
	return m.report(), nil
}

// A world is a schema with all that follows from it and the options before a key is drawn.
type world struct {
	s           *schema.Schema
	o           Options
	store       Store
	lives       []schema.TTL  // of the templates of s
	populations []*population // of templates whose number of keys is known
	unknown     []unknown     // the others
	layout      *place.Layout
	total       int64 // keys
	drawn       int64
}

// An unknown is a template that is left out.
type unknown struct{ name, why string }
