// Package orphans finds keys that have lost what they refer to: children without a parent, index entries whose target is gone or
// does not lead back. It owns the passes over a store that this takes, and what is said of what they find.
//
// The one idea is that a scan of a store which is written to proves nothing: it only tells what to look at. So references are
// joined by their fingerprints (package join), the few that lead nowhere get their names in a second pass, and each of them is
// then asked about by name, twice, the key that refers last:
//
//	scan ──▶ keys that exist ──┐
//	     └─▶ references ───────┴─▶ join ──▶ candidates ──scan──▶ names ──▶ parent? child? ──wait──▶ parent? child? ──▶ orphans
//
// What was written after its turn in the scan, in whatever order, is there when it is asked for.
package orphans

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/drift/join"
	"github.com/kvtool/kvtool/drift/refs"
	"github.com/kvtool/kvtool/keydesign/bind"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// Options of a run.
type Options struct {
	Schema     *schema.Schema    // of the references' templates
	References []*refs.Reference // at least one
	Skipped    []refs.Skipped
	Proposed   bool              // nobody has declared them: what they find is for information
	Analyzers  []*audit.Analyzer // that ride along with the first pass
	Rules      []string          // of these, the findings that are kept
	Whole      bool              // everything that they report is kept
	Audit      audit.Options
	Join       join.Options
	Entries    bool          // look for index entries that are missing, too
	All        bool          // re-check each candidate, however many there are
	Recheck    time.Duration // between the two rounds; 0 is DefaultRecheck, less than 0 none
	// List is told of each orphan, in the order of references and keys; nil is nobody.
	List func(*Orphan) error
	// Waiting is told of the time between the two rounds, before it is waited; nil is nobody.
	Waiting func(candidates int, d time.Duration)
	// Keys is filled with how many keys each template has, unless it is nil.
	Keys map[string]int64
}

// DefaultRecheck is how long what is written in two steps may take, and a key that is about to expire be there.
const DefaultRecheck = 30 * time.Second

// Limits of the re-check.
const (
	manyCandidates = 10_000 // of a reference: beyond, a sample is re-checked
	sampleSize     = 400    // within 5 points at worst
	maxNamed       = 4 << 20
)

// A run is one search.
type run struct {
	Options
	store   kv.Store
	values  kv.ValueReader  // nil where values are not asked for
	scanner kv.ValueScanner // nil unless they are read with the keys
	getter  kv.Getter       // nil where keys are not asked about
	live    bool
	refs    []*refs.Reference // those that can be followed here

	child, parent *bind.Matcher
	byChild       [][]int // by template: the references from it
	byParent      [][]int // and those whose backref is read from it
	joined        *join.Join
	result        *join.Result

	mu       sync.Mutex
	unlike   int64 // values of another type than their reference wants
	refused  int64
	notes    []string
	skipped  []report.Skip
	found    []found
	rounds   [2]time.Time
	overflow bool // there were more names than are kept
	unnamed  bool // the names of orphans could not be read
}

// Run reads store and reports. With an error it still returns the report of what was read, unless nothing could be.
func Run(ctx context.Context, store kv.Store, opt Options) (*report.Report, error) {
	r := &run{Options: opt, store: store}
	if r.Recheck == 0 {
		r.Recheck = DefaultRecheck
	}
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	r.Join.Keep = maxNamed
	r.joined = join.New(2*len(r.refs), r.Join)
	defer r.joined.Abandon()
	doc, err := audit.Run(ctx, &watched{store, r}, opt.Analyzers, opt.Audit)
	if doc == nil {
		return nil, err
	}
	r.trim(doc)
	if err == nil || r.live { // where nothing is asked again, what was not read would be missed
		err = errors.Join(err, r.judge(ctx))
	}
	if failed := r.report(doc); failed != nil {
		return doc, errors.Join(err, failed)
	}
	if err != nil {
		doc.Coverage.Complete = false
		doc.Coverage.Why = append([]string{err.Error()}, doc.Coverage.Why...)
	}
	return doc, err
}

// prepare finds out what the store can tell, and which references can be followed with that.
func (r *run) prepare(ctx context.Context) (err error) {
	info, err := r.store.Info(ctx)
	if err != nil {
		return err
	}
	r.live = info.Live
	r.getter, _ = kv.GetterOf(r.store)
	r.values, err = kv.ValueReaderOf(r.store)
	unread := err
	if err != nil {
		r.scanner, _ = kv.ValueScannerOf(r.store)
	}
	r.skipped = append(r.skipped, report.Skip{Name: "keys never read", Why: neverRead(info)})
	for _, s := range r.Skipped {
		r.skipped = append(r.skipped, report.Skip{Name: s.Name, Why: s.Why})
	}
	for _, ref := range r.References {
		if ref.Content != kv.ContentNone && r.values == nil && r.scanner == nil {
			r.skipped = append(r.skipped, report.Skip{Name: ref.Name(), Why: unread.Error()})
			continue
		}
		if ref.Unproved != "" {
			r.notes = append(r.notes, fmt.Sprintf("%s: entries that lead to the wrong key are not looked for: %s.", ref.Name(), ref.Unproved))
		}
		r.refs = append(r.refs, ref)
		if m := ref.Mirror(); m != nil && r.Entries && !r.Proposed {
			r.refs = append(r.refs, m)
		}
	}
	if err := r.touches(ctx); err != nil {
		return err
	}
	return r.bind()
}

// neverRead says why no key is reported as one that was never read. Redis keeps one time, or one counter, of reads and writes
// together (object.c, lookupKey in db.c); memcached alone tells whether an item was fetched (lru_crawler metadump, fetch=).
func neverRead(info *kv.Info) string {
	switch have := info.Provides(); {
	case have&kv.FieldIdle != 0:
		return "this store keeps one time for reads and writes; what nobody has used for a month is KD084"
	case have&kv.FieldFreq != 0:
		return "the LFU counters of this store forget within hours, and count writes as well"
	}
	return "this target does not tell when a key was used"
}

// touches notes what reading values does to the store, where values have to be read.
func (r *run) touches(ctx context.Context) error {
	reads := func(ref *refs.Reference) bool { return ref.Content != kv.ContentNone }
	if r.values == nil || !slices.ContainsFunc(r.refs, reads) {
		return nil
	}
	why, err := r.values.Touches(ctx)
	if why != "" {
		r.notes = append(r.notes, strings.ToUpper(why[:1])+why[1:]+".")
	}
	return err
}

// bind makes the two matchers: of the templates, and of the keys that anything leads to.
func (r *run) bind() (err error) {
	s := r.Schema
	if r.child, err = bind.New(s); err != nil {
		return kv.Usagef("%w", err)
	}
	targets := &schema.Schema{}
	r.byChild, r.byParent = make([][]int, len(s.Templates)), make([][]int, len(s.Templates))
	for i, ref := range r.refs {
		r.byChild[ref.Child] = append(r.byChild[ref.Child], i)
		if ref.Proves() {
			r.byParent[ref.Parent] = append(r.byParent[ref.Parent], i)
		}
		targets.Templates = append(targets.Templates, schema.Template{Key: ref.TargetKey()})
	}
	if len(targets.Templates) == 0 {
		targets.Templates = []schema.Template{{Key: schema.Key{{Literal: "\x00"}}}}
	}
	if r.parent, err = bind.New(targets); err != nil {
		return kv.Usagef("%w", err)
	}
	return nil
}

// trim leaves of what rode along what this is about.
func (r *run) trim(doc *report.Report) {
	doc.Skipped = append(doc.Skipped, r.skipped...)
	if r.Whole {
		return
	}
	doc.Kind = report.KindDrift
	doc.Sections = doc.Sections[:0]
	doc.Findings = slices.DeleteFunc(doc.Findings, func(f report.Finding) bool { return !slices.Contains(r.Rules, f.Rule) })
}

// judge joins, names and re-checks.
func (r *run) judge(ctx context.Context) error {
	var err error
	if r.result, err = r.joined.Finish(); err != nil {
		return err
	}
	for i := range r.refs { // an entry whose target is missing leads back from nowhere, too: that is not another fault
		dangling, stale := &r.result.Relations[2*i], &r.result.Relations[2*i+1]
		if stale.References > 0 {
			stale.Missing = max(0, stale.Missing-dangling.Missing)
			stale.Squares, stale.Clusters = stale.Missing, stale.Missing
		}
	}
	r.found = make([]found, 2*len(r.refs))
	if err := r.name(ctx); err != nil {
		r.unnamed = !r.live // they are counted all the same
		return err
	}
	return r.recheck(ctx)
}

// A watched is a store whose first pass is watched.
type watched struct {
	kv.Store
	run *run
}

// Shards divides the store itself.
func (w *watched) Shards(ctx context.Context, most int) ([]kv.Shard, error) {
	return kv.Shards(ctx, w.Store, most)
}
