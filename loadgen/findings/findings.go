// Package findings says what a run shows of a store and of a scenario, in the rules of audit and check: not only how long things
// took, but what is wrong, and what to do.
//
// The one idea is that a run is a look at a store like any other. What its keys break is judged by the analyses that judge those of
// an audit; which keys were hot, by those of hotkeys, from what the generator itself has sent; and what only a load shows has rules
// of its own: that the store evicts, that it refuses, that it breaks what it has promised.
//
//	what was sent ──Keys──────▶ KD023, KD024
//	what was recorded ──Of────▶ SV006, SV007, SV009, KD065, LD001, LD002
//	what is there at the end ──Scan──▶ every rule of a key's name, size, type and TTL
//	the scenario itself ──Declared──▶ KD060, KD064
package findings

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/lint"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/report"
)

// serverSubject is the subject of what is wrong with the server, and not with keys.
const serverSubject = "server"

// A Run is what is known of a run.
type Run struct {
	Recording *recording.Recording
	Schema    *schema.Schema // of the scenario; nil where there is none
	Policy    string         // of eviction, in the server's words; empty is not known
	// Violations is how often the store did what it must not do, with the first ones in words: "operation: what".
	Violations int64
	Evidence   []string
}

// Of returns what the recording of a run shows.
func Of(r *Run) []report.Finding {
	found := r.evictions()
	for _, f := range []func() (report.Finding, bool){r.hitRate, r.headroom, r.herd} {
		if x, ok := f(); ok {
			found = append(found, x)
		}
	}
	found = append(found, r.failures()...)
	return append(found, r.broken()...)
}

// ofKind names the templates of the scenario whose keys are of one of some kinds.
func (r *Run) ofKind(kinds ...schema.Kind) (names []string) {
	if r.Schema == nil {
		return nil
	}
	for i := range r.Schema.Templates {
		if t := &r.Schema.Templates[i]; slices.Contains(kinds, t.Kind) {
			names = append(names, t.Key.String())
		}
	}
	return names
}

// evictions holds the run against SV007.
func (r *Run) evictions() []report.Finding {
	series := r.Recording.Figure(recording.FigureEvicted)
	evicted := series.Total()
	full := float64(r.Recording.Sum().Errors[wordOOM])
	var found []report.Finding
	if full > 0 {
		f := report.Finding{
			Rule: "SV007", Severity: report.Error, Subject: serverSubject,
			Message: fmt.Sprintf("the memory is full and nothing may be evicted: %s writes failed (OOM)", humanize.Count(full)),
			Measure: &report.Metric{Name: "refused", Value: report.Number(full), Unit: report.UnitCount},
			Fix:     "raise maxmemory, let it evict what may go (maxmemory-policy), or keep less: TTLs, smaller values",
		}
		if r.Policy != "" {
			f.Evidence = []report.Metric{{Name: "maxmemory_policy", Value: report.Text(r.Policy), Unit: report.UnitText}}
		}
		found = append(found, f)
	}
	if evicted == 0 || len(found) > 0 {
		return found
	}
	f := report.Finding{
		Rule: "SV007", Severity: report.Warning, Subject: serverSubject,
		Message: fmt.Sprintf("%s keys were evicted while it was loaded", humanize.Count(evicted)),
		Measure: &report.Metric{Name: "evicted", Value: report.Number(evicted), Unit: report.UnitCount},
	}
	if keep := r.ofKind(schema.Record, schema.Queue, schema.Lock); len(keep) > 0 {
		f.Severity = report.Error
		f.Message += ", and " + strings.Join(keep, ", ") + " must not be lost"
	}
	seconds := float64(len(series.At))
	f.Evidence = append(f.Evidence, report.Metric{Name: "rate", Value: report.Number(evicted / max(seconds, 1)), Unit: report.UnitRate})
	if r.Policy != "" {
		f.Evidence = append(f.Evidence, report.Metric{Name: "maxmemory_policy", Value: report.Text(r.Policy), Unit: report.UnitText})
	}
	return append(found, f)
}

// hitRate holds the second half of a run against SV006: a cache that was empty has been filled by then.
func (r *Run) hitRate() (f report.Finding, ok bool) {
	hits, misses := r.Recording.Figure(recording.FigureHits), r.Recording.Figure(recording.FigureMisses)
	if hits.Total()+misses.Total() < hitLookups || len(hits.Values) != len(misses.Values) {
		return f, false
	}
	half := len(hits.Values) / 2
	late := func(s recording.Series) float64 {
		s.Values = s.Values[half:]
		return s.Total()
	}
	found, all := late(hits), late(hits)+late(misses)
	if all == 0 || found/all >= hitLeast {
		return f, false
	}
	f = report.Finding{
		Rule: "SV006", Severity: report.Info, Subject: serverSubject,
		Message: fmt.Sprintf("%s of the reads found a key, in the second half of the run", humanize.Ratio(found/all)),
		Measure: &report.Metric{Name: "misses", Value: report.Number(1 - found/all), Unit: report.UnitRatio},
		Evidence: []report.Metric{
			{Name: "hit_rate", Value: report.Number(hits.Total() / (hits.Total() + misses.Total())), Unit: report.UnitRatio},
			{Name: "reads", Value: report.Number(hits.Total() + misses.Total()), Unit: report.UnitCount},
		},
	}
	if len(r.ofKind(schema.Cache)) > 0 {
		f.Severity = report.Warning
	}
	return f, true
}

// headroom holds the end of a run against SV009.
func (r *Run) headroom() (f report.Finding, ok bool) {
	used, limit := r.Recording.Figure(recording.FigureMemory), r.Recording.Figure(recording.FigureMaxMemory)
	if len(used.Values) == 0 || len(limit.Values) == 0 || r.Policy != "noeviction" {
		return f, false
	}
	most := limit.Values[len(limit.Values)-1]
	first, last := used.Values[0], used.Values[len(used.Values)-1]
	share := last / most
	if share <= headroomWarning {
		return f, false
	}
	f = report.Finding{
		Rule: "SV009", Severity: report.Warning, Subject: serverSubject,
		Message:  fmt.Sprintf("%s of maxmemory is used, and nothing may be evicted", humanize.Ratio(share)),
		Measure:  &report.Metric{Name: "used_share", Value: report.Number(share), Unit: report.UnitRatio},
		Evidence: []report.Metric{{Name: "maxmemory", Value: report.Number(most), Unit: report.UnitBytes}},
	}
	if share > headroomError {
		f.Severity = report.Error
	}
	seconds := float64(used.At[len(used.At)-1] - used.At[0])
	if grows := (last - first) / seconds; seconds > 0 && grows > 0 && last < most {
		f.Message += fmt.Sprintf("; at what it grew by in this run it is full after %s", humanize.Duration((most-last)/grows))
		f.Evidence = append(f.Evidence, report.Metric{Name: "bytes_a_second", Value: report.Number(grows), Unit: report.UnitBytes})
	}
	return f, true
}

// herd holds the expired keys of each second against KD065.
func (r *Run) herd() (f report.Finding, ok bool) {
	expired := r.Recording.Figure(recording.FigureExpired)
	if len(expired.At) == 0 {
		return f, false
	}
	seconds := make([]int64, expired.At[len(expired.At)-1]+1)
	for i, at := range expired.At {
		seconds[at] = int64(expired.Values[i])
	}
	b, ok := keydesign.FindBurst(seconds)
	if !ok {
		return r.surge(seconds)
	}
	share := float64(b.Keys) / float64(b.Of)
	f = report.Finding{
		Rule: "KD065", Severity: report.Warning, Subject: r.herdSubject(),
		Message: fmt.Sprintf("%s of the keys that expired in this run did so within %d s, at %d s", humanize.Ratio(share), b.To-b.From, b.From),
		Measure: &report.Metric{Name: "share", Value: report.Number(share), Unit: report.UnitRatio},
		Evidence: []report.Metric{
			{Name: "keys", Value: report.Number(b.Keys), Unit: report.UnitCount},
			{Name: "times_mean", Value: report.Number(b.Times), Unit: report.UnitFactor},
		},
	}
	return f, true
}

// surge holds what expired after an event that makes keys expire together against KD065. A server deletes them at its own pace, over
// many seconds, though they were gone for their readers at once: what counts is how many more a second than before.
func (r *Run) surge(seconds []int64) (f report.Finding, ok bool) {
	at := slices.IndexFunc(r.Recording.Events, func(e recording.Event) bool { return strings.HasPrefix(e.Name, herdEvent) })
	if at < 0 {
		return f, false
	}
	began := int(r.Recording.Events[at].At.Seconds())
	from, to := min(began, len(seconds)), min(began+surgeSeconds, len(seconds))
	sum := func(of []int64) (n int64) {
		for _, x := range of {
			n += x
		}
		return n
	}
	before, after := sum(seconds[:from]), sum(seconds[from:to])
	usual := float64(before) / float64(max(from, 1))
	if rate := float64(after) / float64(max(to-from, 1)); after < surgeKeys || rate < surgeTimes*usual {
		return f, false
	}
	share := float64(after) / float64(max(sum(seconds), 1))
	f = report.Finding{
		Rule: "KD065", Severity: report.Warning, Subject: r.herdSubject(),
		Message: fmt.Sprintf("%s keys expired in the %d s from %d s on, and %s in those before", humanize.Count(float64(after)), to-from, from,
			humanize.Count(float64(before))),
		Measure:  &report.Metric{Name: "share", Value: report.Number(share), Unit: report.UnitRatio},
		Evidence: []report.Metric{{Name: "keys", Value: report.Number(after), Unit: report.UnitCount}},
	}
	if low, known := lowest(r.Recording.Figure(recording.FigureHitRate), from, to); known {
		f.Evidence = append(f.Evidence, report.Metric{Name: "hit_rate", Value: report.Number(low), Unit: report.UnitRatio})
		f.Message += fmt.Sprintf("; the hit rate fell to %s", humanize.Ratio(low))
	}
	return f, true
}

// lowest returns the least value of a series in the seconds from and before to.
func lowest(s recording.Series, from, to int) (low float64, ok bool) {
	for i, at := range s.At {
		if at >= from && at < to && (!ok || s.Values[i] < low) {
			low, ok = s.Values[i], true
		}
	}
	return low, ok
}

// What a surge is: KD065's least number of keys and times what is usual, within so many seconds of the event.
const (
	herdEvent    = "ttl_herd "
	surgeSeconds = 10
	surgeKeys    = 1000
	surgeTimes   = 5
)

// herdSubject is the template whose keys expired together, where that can be told.
func (r *Run) herdSubject() string {
	if r.Schema == nil {
		return serverSubject
	}
	var made, short []string // to expire together by an event; those that can expire within the run
	for i := range r.Schema.Templates {
		t := &r.Schema.Templates[i]
		if slices.ContainsFunc(r.Recording.Events, func(e recording.Event) bool { return e.Name == herdEvent+t.Name }) {
			made = append(made, t.Key.String())
		}
		if t.TTL.Value > 0 && t.TTL.Value.Seconds() <= float64(len(r.Recording.Seconds)) {
			short = append(short, t.Key.String())
		}
	}
	switch {
	case len(made) == 1:
		return made[0]
	case len(made) == 0 && len(short) == 1:
		return short[0]
	}
	return serverSubject
}

// broken makes of violations findings: one of each operation that is named, and one of the rest.
func (r *Run) broken() []report.Finding {
	if r.Violations == 0 {
		return nil
	}
	var order []string
	seen := map[string][]string{}
	for _, e := range r.Evidence {
		op, what, ok := strings.Cut(e, ": ")
		if !ok || !slices.Contains(r.Recording.Meta.Classes, op) {
			op, what = serverSubject, e
		}
		if seen[op] == nil {
			order = append(order, op)
		}
		seen[op] = append(seen[op], what)
	}
	if len(order) == 0 {
		order = []string{serverSubject}
	}
	var found []report.Finding
	for _, op := range order {
		f := report.Finding{
			Rule: "LD002", Severity: report.Error, Subject: op, Message: "the store did what it must not do",
			Measure: &report.Metric{Name: "violations", Value: report.Number(r.Violations), Unit: report.UnitCount},
		}
		if len(seen[op]) > 0 {
			f.Message = seen[op][0]
		}
		if n := len(seen[op]); len(order) > 1 { // how many are of which, only the first ones tell
			f.Measure = &report.Metric{Name: "violations", Value: report.Number(n), Unit: report.UnitCount}
		}
		found = append(found, f)
	}
	return found
}

// Declared returns what a scenario's keys break whatever the store does: values and collections that are large by what they are
// declared to be, those without a TTL whose kind asks for one, and those that are written with one TTL in great number.
func Declared(s *schema.Schema) []report.Finding {
	var found []report.Finding
	for _, f := range lint.Check(values(s)).Findings {
		if slices.Contains([]string{"KD040", "KD041", "KD060", "KD064"}, f.Rule) {
			f.Pos = report.Pos{}
			found = append(found, f)
		}
	}
	return found
}

// values returns a schema as audits read it: there the size of a value is that of all of it, and in a scenario, of a collection, that
// of one element.
func values(s *schema.Schema) *schema.Schema {
	c := *s
	c.Templates = slices.Clone(s.Templates)
	for i := range c.Templates {
		if t := &c.Templates[i]; t.Type != "" && t.Type != "string" {
			t.Value.Size = schema.Dim{}
		}
	}
	return &c
}

// Each returns findings of which none is about the same as one before it.
func Each(found []report.Finding) []report.Finding {
	seen := map[string]bool{}
	return slices.DeleteFunc(found, func(f report.Finding) bool {
		again := seen[f.Fingerprint()]
		seen[f.Fingerprint()] = true
		return again
	})
}
