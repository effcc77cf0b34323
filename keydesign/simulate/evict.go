package simulate

import (
	"cmp"
	"slices"

	"github.com/kvtool/kvtool/internal/evict"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

// A small store stands for the large one where memory is short: one record for so many keys that are equally popular, with
// their mean size and the mean of their rates, under as much less memory. What it drops is dropped by the policies of
// internal/evict, the same code that the reference engine runs.
//
//	keys by popularity  ▇▇▇▆▆▆▅▅▅▄▄▄▃▃▃▂▂▂▁▁▁    total/mostRecords keys a record
//	records             ▇  ▆  ▅  ▄  ▃  ▂  ▁      memory and operations likewise divided
const (
	mostRecords = 50_000
	warmUp      = 10 // operations a record, in the mean, before counting begins
	counted     = 10 // and while it is counted
)

// A record stands for keys of one template.
type record struct {
	template      int
	bytes         float64
	life          float64 // seconds; 0 is for ever
	reads, writes float64 // a second
}

// blocks makes records of draws, which come by template and popularity.
type blocks struct {
	size    float64 // keys a record stands for
	records []record
	now     record
	weight  float64
}

func (b *blocks) add(d *Draw, bytes float64) {
	if b.weight > 0 && b.now.template != d.Template {
		b.end()
	}
	reads := d.p.reads(d)
	b.now.template = d.Template
	b.now.bytes += bytes * d.Weight
	b.now.life += d.Life.Seconds() * d.Weight
	b.now.reads += reads * d.Weight
	writes := d.p.rate(d) - reads
	if writes == 0 && d.Life > 0 && !d.p.cached() {
		writes = hazard(d, d.Life.Seconds()) // whoever writes it is not declared; as many come as go
	}
	b.now.writes += writes * d.Weight
	if b.weight += d.Weight; b.weight >= b.size {
		b.end()
	}
}

// end makes records of what has come together: one, or several alike where one draw stands for more keys than a record does.
func (b *blocks) end() {
	n := max(1, int(b.weight/b.size+0.5))
	r := b.now
	r.bytes, r.life = r.bytes/b.weight, r.life/b.weight
	r.reads, r.writes = r.reads/b.size/float64(n), r.writes/b.size/float64(n)
	for range n {
		b.records = append(b.records, r)
	}
	b.now, b.weight = record{}, 0
}

// policyOf returns how the store drops keys.
func (w *world) policyOf() (evict.Kind, error) {
	if w.store.Kind == schema.Memcached {
		return evict.ExactLRU, nil
	}
	if w.s.Store.Policy == "" {
		return evict.NoEviction, nil
	}
	return evict.ParseKind(w.s.Store.Policy)
}

// eviction says which templates lose keys where memory is short, and what is still found.
func (m *measure) eviction(v *verdict) report.Section {
	main, expires := m.tables()
	limit, used := float64(m.w.s.Store.MaxMemory), m.all.bytes+main+expires
	if !m.w.store.bounded() || limit == 0 || used <= limit {
		return report.Section{}
	}
	kind, err := m.w.policyOf()
	if err != nil {
		v.say("eviction", "%v", err)
		return report.Section{}
	}
	if kind == evict.NoEviction {
		v.say("eviction", "noeviction: writes are refused from %s on; %s do not fit", humanize.Bytes(limit), humanize.Bytes(used-limit))
		return report.Section{}
	}
	c := newCache(m, kind, limit*m.all.bytes/used/m.blocks.size)
	c.run()
	return c.section(v)
}

// section says what is left of each template.
func (c *cache) section(v *verdict) report.Section {
	t := report.Table{Name: "templates", Columns: []report.Column{
		{Name: "template", Unit: report.UnitKey},
		{Name: "held", Unit: report.UnitRatio},
		{Name: "evicted", Title: "evicted/s", Unit: report.UnitRate, Sum: true},
		{Name: "reads", Title: "reads/s", Unit: report.UnitRate, Sum: true},
		{Name: "hits", Unit: report.UnitRatio},
		{Name: "refused", Title: "writes refused", Unit: report.UnitRate, Sum: true, Rank: 1},
	}}
	held := make([]float64, len(c.count))
	for _, ref := range c.live[0].list {
		held[c.records[ref-1].template]++
	}
	seconds := c.now * counted / (warmUp + counted)
	scale := c.m.blocks.size / max(seconds, 1e-9)
	reads, hits := 0.0, 0.0
	var lost []string
	for i := range c.count {
		n := &c.count[i]
		if n.records == 0 {
			continue
		}
		hit := report.Null
		if n.reads > 0 {
			hit = report.Number(n.hits / n.reads)
		}
		t.Rows = append(t.Rows, []report.Value{
			report.Text(c.m.sums[i].p.text), report.Number(held[i] / n.records), report.Number(n.evicted * scale), report.Number(n.reads * scale),
			hit, report.Number(n.refused * scale),
		})
		if n.evicted > 0 || held[i] < n.records*0.99 && c.m.sums[i].p.life == 0 {
			lost = append(lost, c.m.w.s.Templates[i].Name)
		}
		reads, hits = reads+n.reads, hits+n.hits
	}
	slices.SortStableFunc(t.Rows, func(a, b []report.Value) int { return cmp.Compare(number(a[1]), number(b[1])) })
	v.say("eviction", "%s: %s lose keys; %s of all reads find theirs", c.kind, list(lost), humanize.Ratio(share(hits, reads)))
	return report.Section{Name: sectionEviction, Title: "EVICTION", Tables: []report.Table{t}, Metrics: []report.Metric{
		{Name: "policy", Value: report.Text(c.kind.String()), Unit: report.UnitText},
		metric("hits", share(hits, reads), report.UnitRatio),
		metric("records", float64(len(c.records)), report.UnitCount),
		metric("keys_a_record", c.m.blocks.size, report.UnitCount),
		metric("simulated", c.now, report.UnitDuration),
	}}
}
