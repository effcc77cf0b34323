// Package keydesign says how keys are named and spread: which templates a keyspace has, what each of them holds, and which
// rules that breaks.
//
// The one idea is that a rule looks at a template, never at a key. One collector follows each key to its leaf in the
// inference tree (package infer) and adds its facts to the leaf's statistics; when a report is wanted the leaves are
// grouped into templates, their statistics merged, and every rule is asked about the whole keyspace at once:
//
//	record ──▶ infer.Tree ──▶ leaf statistics ──▶ templates ──▶ section "templates"
//	       └─▶ bind.Matcher ──────▲                  └──▶ rules ──▶ findings
//
// With a schema, a key that one of its templates takes goes to that template's statistics, and only the others are left to
// inference. What the schema promises of its templates (promise) then stands where a rule would have to guess.
//
// So a rule is a value with its documentation and one function over a keyspace, and adding one touches nothing else.
package keydesign

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/keydesign/infer"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// Analyzers lists the analyses of key design. With a schema, keys are bound to its templates first, and held against what it
// says of them; without one, s is nil. A schema that cannot be bound (bind.New) is a mistake of the caller.
func Analyzers(s *schema.Schema) []*audit.Analyzer {
	return []*audit.Analyzer{byTemplate(bindingOf(s)), nodes(), copies(), slots()}
}

func byTemplate(b *binding) *audit.Analyzer {
	a := &audit.Analyzer{
		Name:    templatesName,
		Title:   "KEYS BY TEMPLATE",
		Doc:     "Key templates, inferred from the names, with what each holds; and the rules that they break.",
		Needs:   kv.FieldName,
		Uses:    kv.FieldType | kv.FieldSize | kv.FieldLen | kv.FieldTTL | kv.FieldEncoding | deepFacts,
		Rules:   documented(rules()),
		Version: templatesVersion,
		New: func(now time.Time) audit.Collector {
			t := newTemplates(now)
			t.declared = b.declared(t.pool)
			return t
		},
	}
	if b != nil {
		a.Config = b.config
		a.Rules = append(a.Rules, documented(schemaRules())...)
	}
	return a
}

const templatesName = "templates"

// Bounds of what a collector holds between reports. Making a report of a keyspace without any naming scheme takes several
// times as much for a moment, in package infer.
const (
	maxNodes    = 200_000   // of the tree: at most 100,000 leaves
	maxBins     = 1_000_000 // of all histograms together, 12 bytes each
	checkBins   = 1 << 16   // records between two looks at how many bins there are
	maxRows     = 1000      // of the table
	smallestBin = 8         // below this a histogram says nothing
)

// templates is the collector.
type templates struct {
	now       time.Time
	nowMillis int64
	tree      *infer.Tree[*leaf]
	declared  *declared // nil without a schema
	pool      *pool
	at        *leaf // of the record that comes next, if it is known
	questions questions
	expected  int64      // keys in all, or 0
	rng       *rand.Rand // what keys are asked; the same in each run
	limit     int        // most bins of one histogram
	seen      int        // records since the bins were counted
	facts     facts      // of the record that is observed
}

func newTemplates(now time.Time) *templates {
	t := &templates{now: now, nowMillis: now.UnixMilli(), pool: &pool{}, limit: sketch.DefaultBins, rng: rand.New(rand.NewPCG(1, 2))}
	t.tree = infer.New(func() *leaf { return &leaf{pool: t.pool} }, infer.Options{MaxNodes: maxNodes})
	return t
}

// Observe adds a record to the statistics of its leaf.
func (t *templates) Observe(r *kv.Record) {
	l := t.at
	t.at = nil
	if !r.Has(kv.FieldName) {
		return
	}
	if l == nil {
		l = t.leaf(r.Key)
	}
	o := observe(r, t.nowMillis)
	o.deep = factsOf(r, &t.facts)
	l.observe(o)
	if t.seen++; t.seen == checkBins {
		t.seen = 0
		t.limit = t.pool.fit(t.limit)
	}
}

// leaf returns the leaf that a key belongs to: that of the declared template that takes it, else its own of the tree.
func (t *templates) leaf(key string) *leaf {
	if l := t.declared.leaf(key); l != nil {
		return l
	}
	return t.tree.Add(key)
}

// keys returns how many keys came.
func (t *templates) keys() int64 {
	n := t.tree.Keys()
	if t.declared != nil {
		n += t.declared.keys
	}
	return n
}

// fit halves the precision of all histograms until they fit into maxBins together, and returns the limit it ends with.
func (p *pool) fit(limit int) int {
	p.all = slices.DeleteFunc(p.all, func(s *stats) bool { return s.merged })
	for {
		bins := 0
		for _, s := range p.all {
			s.limit(limit)
			bins += s.bins()
		}
		if bins <= maxBins || limit <= smallestBin {
			return limit
		}
		limit /= 2
	}
}

// Merge adds what another collector has seen.
func (t *templates) Merge(c audit.Collector) {
	o := c.(*templates)
	t.tree.Merge(o.tree)
	t.declared.merge(o.declared)
	t.limit = t.pool.fit(min(t.limit, o.limit))
}

// Report lists the templates and asks every rule.
func (t *templates) Report(out *audit.Output) {
	ks := newKeyspace(t.tree.Templates(), t.declared, t.now)
	ks.scanned = out.Elapsed
	if out.Store != nil {
		ks.server = out.Store.Server
	}
	if ks.bytes > 0 {
		out.Title = "MEMORY BY TEMPLATE"
	}
	found := map[string]bool{}
	var idle []string // the rules that could not look
	judged := rules()
	if ks.bound {
		judged = append(judged, schemaRules()...)
	}
	for _, r := range judged {
		if why := ks.lacks(r); why != "" {
			if r.needs&ofOneStore == 0 && ks.keys > 0 {
				idle = append(idle, r.ID)
				out.NotEvaluated = append(out.NotEvaluated, report.Unjudged{Rule: r.ID, Why: why})
			}
			continue
		}
		r.check(ks, func(f report.Finding) {
			f.Rule = r.ID
			found[f.Subject] = true
			if p := ks.promiseOf(f.Subject); p != nil && f.Pos.Line == 0 {
				f.Pos = p.pos
			}
			if ks.sampled && r.needs&^kv.FieldName != 0 { // its counts are those of the keys that were asked
				f.Evidence = append(f.Evidence, ks.measured(f.Subject)...)
			}
			out.Findings = append(out.Findings, f)
		})
	}
	out.Metrics = []report.Metric{
		{Name: "templates", Value: report.Number(len(ks.templates)), Unit: report.UnitCount},
		{Name: "to_cover_99%", Value: report.Number(ks.cover(0.99)), Unit: report.UnitCount},
		{Name: "inference", Value: report.Text(ks.inference), Unit: report.UnitText},
	}
	if ks.bound {
		out.Metrics = append(out.Metrics, ks.matched())
	}
	if ks.sampled && ks.bytes > 0 {
		out.Metrics = append(out.Metrics, ks.total())
	}
	if t.limit < sketch.DefaultBins {
		out.Metrics = append(out.Metrics, report.Metric{Name: "quantiles", Value: report.Text("coarse"), Unit: report.UnitText})
	}
	if len(idle) > 0 {
		out.Metrics = append(out.Metrics,
			report.Metric{Name: "rules_not_evaluated", Value: report.Text(strings.Join(idle, " ")), Unit: report.UnitText})
	}
	out.Tables = append([]report.Table{ks.table(found)}, ks.deepTables()...)
}

// lacks says what is not known that a rule goes by; empty is nothing.
func (ks *keyspace) lacks(r rule) string {
	switch missing := r.needs &^ ks.known; {
	case missing != 0:
		return "needs " + missing.String()
	case r.ID == evictionRule && ks.server.Policy == "":
		return "the policy of eviction is not known"
	}
	return ""
}

// ofOneStore are facts that one kind of store tells: of another, a rule that needs them is no gap.
const ofOneStore = kv.FieldRead

// A keyspace is what the rules look at.
type keyspace struct {
	now         time.Time
	keys, bytes int64
	templates   []*template // most keys first
	known       kv.Field    // facts that some key told
	variance    float64     // of bytes
	sampled     bool        // not every key was asked
	limits      map[kv.Type]packing
	inference   string
	bound       bool          // to a schema
	file        string        // the first of it
	scanned     time.Duration // from now until the last key was read
	server      kv.Server     // empty of what is none, and before all was read
	subjects    map[string]*template
}

// A template is a key shape with what its keys hold.
type template struct {
	text       string
	segments   []infer.Segment
	confidence string   // of one that was inferred
	promise    *promise // of one that was declared
	*stats
}

func newKeyspace(r infer.Result[*leaf], d *declared, now time.Time) *keyspace {
	ks := &keyspace{now: now, inference: "exact", bound: d != nil, templates: d.templates(), subjects: map[string]*template{}}
	switch {
	case r.Degraded:
		ks.inference = "degraded: more key shapes than fit; new ones are one template"
	case r.Pruned:
		ks.inference = "pruned: more key shapes than fit; rare ones are folded"
	}
	for i := range r.Templates {
		t := &r.Templates[i]
		ks.templates = append(ks.templates, &template{text: t.Text, segments: t.Segments, confidence: t.Confidence, stats: t.Stats.stats()})
	}
	if d != nil { // else they are in that order
		ks.file = d.file
		slices.SortStableFunc(ks.templates, func(a, b *template) int {
			return cmp.Or(cmp.Compare(b.keys, a.keys), cmp.Compare(a.text, b.text))
		})
	}
	for _, t := range ks.templates {
		ks.add(t)
	}
	ks.limits = ks.packings()
	return ks
}

// add counts in what the keys of a template hold.
func (ks *keyspace) add(t *template) {
	slices.SortFunc(t.types, func(a, b typeCount) int {
		return cmp.Or(cmp.Compare(b.keys, a.keys), cmp.Compare(a.typ, b.typ))
	})
	if ks.subjects[t.text] == nil || t.promise != nil {
		ks.subjects[t.text] = t
	}
	ks.keys += t.keys
	ks.bytes += t.bytes()
	ks.variance += t.variance()
	ks.sampled = ks.sampled || t.sampled()
	ks.known |= t.known()
}

// promiseOf returns what the schema promises of a finding's subject, or nil.
func (ks *keyspace) promiseOf(subject string) *promise {
	if t := ks.subjects[subject]; t != nil {
		return t.promise
	}
	return nil
}

// measured is the evidence that a finding on a template follows from some of its keys.
func (ks *keyspace) measured(subject string) []report.Metric {
	if t := ks.subjects[subject]; t != nil {
		return []report.Metric{ratioMetric("measured", t.estimate.asked, t.keys)}
	}
	return nil
}

// cover returns how many templates, the greatest first, hold the given share of the keys.
func (ks *keyspace) cover(share float64) int {
	var keys int64
	for i, t := range ks.templates {
		keys += t.keys
		if float64(keys) >= share*float64(ks.keys) {
			return i + 1
		}
	}
	return len(ks.templates)
}

// table lists the templates, most bytes first, and then most keys: a few keys can be most of the memory. What does not
// fit, and broke no rule, is added up in the last row.
func (ks *keyspace) table(found map[string]bool) report.Table {
	table := report.Table{Name: "templates", Columns: []report.Column{
		{Name: "template", Unit: report.UnitKey},
		{Name: "type", Unit: report.UnitText, Rank: 2},
		{Name: "keys", Unit: report.UnitCount, Sum: true},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
		{Name: "share", Title: "%", Unit: report.UnitRatio, Sum: true},
		{Name: "p50_bytes", Title: "p50/key", Unit: report.UnitBytes, Rank: 1},
		{Name: "p99_bytes", Title: "p99/key", Unit: report.UnitBytes, Rank: 3},
		{Name: "no_ttl", Title: "no TTL", Unit: report.UnitRatio},
		{Name: "confidence", Unit: report.UnitText, Rank: 4},
	}}
	if ks.bound {
		table.Columns = append(table.Columns, report.Column{Name: "source", Title: "from", Unit: report.UnitText, Rank: 1})
	}
	if ks.sampled {
		table.Columns = append(table.Columns, sampleColumns()...)
	}
	sorted := slices.Clone(ks.templates)
	slices.SortStableFunc(sorted, func(a, b *template) int { return cmp.Compare(b.bytes(), a.bytes()) })
	var rest []*template
	for _, t := range sorted {
		if len(table.Rows) >= maxRows && !found[t.text] {
			rest = append(rest, t)
			continue
		}
		table.Rows = append(table.Rows, ks.row(t))
	}
	if len(rest) > 0 {
		table.Omitted = int64(len(rest))
		table.More = ks.rest(rest)
	}
	return table
}

func (ks *keyspace) row(t *template) []report.Value {
	noTTL := report.Null
	if share, ok := t.noTTL(); ok {
		noTTL = report.Number(share)
	}
	row := []report.Value{
		report.Text(t.text), textOrNull(t.typeName()), report.Number(t.keys), sum(t.bytes(), t.estimate.sized), ks.share(t.stats),
		quantile(&t.size, 0.5), quantile(&t.size, 0.99), noTTL, textOrNull(t.confidence),
	}
	if ks.bound {
		row = append(row, report.Text(t.source()))
	}
	if ks.sampled {
		row = append(row, t.sampleValues()...)
	}
	return row
}

// source says where the template is from.
func (t *template) source() string {
	if t.promise != nil {
		return "schema"
	}
	return "names"
}

// rest adds up templates in the columns that can be added.
func (ks *keyspace) rest(ts []*template) []report.Value {
	var all stats
	for _, t := range ts {
		all.keys += t.keys
		all.estimate.merge(&t.estimate)
	}
	row := []report.Value{
		report.Null, report.Null, report.Number(all.keys), sum(all.bytes(), all.estimate.sized), ks.share(&all),
		report.Null, report.Null, report.Null, report.Null,
	}
	if ks.bound {
		row = append(row, report.Null)
	}
	if ks.sampled {
		row = append(row, all.sampleValues()...)
	}
	return row
}

// share is of bytes where these are known, else of keys.
func (ks *keyspace) share(s *stats) report.Value {
	if ks.bytes > 0 {
		return report.Number(float64(s.bytes()) / float64(ks.bytes))
	}
	return report.Number(float64(s.keys) / float64(ks.keys))
}

func sum(v, known int64) report.Value {
	if known == 0 {
		return report.Null
	}
	return report.Number(v)
}

func textOrNull(s string) report.Value {
	if s == "" {
		return report.Null
	}
	return report.Text(s)
}

func quantile(q *sketch.Quantiles, p float64) report.Value {
	v, ok := q.At(p)
	if !ok {
		return report.Null
	}
	return report.Number(v)
}
