package simulate

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/place"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

// expiry says when keys expire and what that costs.
func (m *measure) expiry(v *verdict) report.Section {
	if m.withTTL() == 0 {
		return report.Section{}
	}
	t := report.Table{Name: "bursts", Columns: []report.Column{
		{Name: "template", Unit: report.UnitKey},
		{Name: "ttl", Unit: report.UnitDuration},
		{Name: "expire", Title: "expire/s", Unit: report.UnitRate, Sum: true},
		{Name: "worst_second", Title: "worst second after a fill", Unit: report.UnitCount},
		{Name: "origin", Title: "origin/s", Unit: report.UnitRate, Sum: true},
		{Name: "rush", Title: "and in that second", Unit: report.UnitCount},
		{Name: "hit_rate", Title: "hits", Unit: report.UnitRatio, Rank: 1},
	}}
	worst := (*sums)(nil)
	for i := range m.sums {
		s := &m.sums[i]
		if s.p == nil || s.ttl == 0 {
			continue
		}
		e := &s.expiry
		origin, rush, hits := report.Null, report.Null, report.Null
		if s.p.cached() && e.reads > 0 {
			origin, rush, hits = report.Number(e.origin), whole(e.rush), report.Number(max(0, 1-e.origin/e.reads))
		}
		t.Rows = append(t.Rows, []report.Value{report.Text(s.p.text), report.Seconds(s.p.life), report.Number(e.rate), whole(max(1, e.burst)), origin, rush, hits})
		if worst == nil || e.burst > worst.expiry.burst {
			worst = s
		}
	}
	slices.SortStableFunc(t.Rows, func(a, b []report.Value) int {
		return cmp.Or(cmp.Compare(number(b[5]), number(a[5])), cmp.Compare(number(b[3]), number(a[3])))
	})
	says := fmt.Sprintf("if all is written at once, %s keys of %s expire in one second", humanize.Count(round3(worst.expiry.burst)), worst.p.t.Name)
	if r := worst.expiry.rush; r > 0 {
		says += fmt.Sprintf(", and %s reads go to the source", humanize.Count(round3(r)))
	}
	v.say("expiry", "%s", says)
	return report.Section{Name: sectionExpiry, Title: "EXPIRY", Metrics: []report.Metric{
		metric("with_ttl", share(m.withTTL(), m.all.keys), report.UnitRatio),
		metric("expire", m.expireRate(), report.UnitRate),
	}, Tables: []report.Table{t, m.histogram()}}
}

func (m *measure) expireRate() float64 {
	sum := 0.0
	for i := range m.sums {
		sum += m.sums[i].expiry.rate
	}
	return sum
}

// histogram has the keys by what is left of their lives, at a moment that was not chosen.
func (m *measure) histogram() report.Table {
	t := report.Table{Name: "histogram", Title: "expire within", Columns: []report.Column{
		text1("within"),
		{Name: "keys", Unit: report.UnitCount, Sum: true},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
	}}
	for b := range len(expiryBounds) + 1 {
		sum := bin{}
		for i := range m.sums {
			sum.keys += m.sums[i].expiry.bins[b].keys
			sum.bytes += m.sums[i].expiry.bins[b].bytes
		}
		name := "later"
		if b < len(expiryBounds) {
			name = humanize.Duration(expiryBounds[b].Seconds())
		}
		t.Rows = append(t.Rows, []report.Value{report.Text(name), whole(sum.keys), whole(sum.bytes)})
	}
	return t
}

// hotKeys has the keys with the most operations.
func (m *measure) hotKeys(v *verdict, r *report.Report) report.Section {
	if len(m.hot.keys) == 0 {
		return report.Section{}
	}
	t := report.Table{Name: "keys", Columns: []report.Column{
		{Name: "key", Unit: report.UnitKey},
		{Name: "ops", Unit: report.UnitRate},
		{Name: "ops_share", Title: "ops %", Unit: report.UnitRatio},
		{Name: "node", Unit: report.UnitText},
		{Name: "node_share", Title: "of node", Unit: report.UnitRatio},
		{Name: "net", Title: "bytes/s", Unit: report.UnitBytes, Rank: 1},
		{Name: "template", Unit: report.UnitKey, Rank: 2},
	}}
	judged := map[int]bool{}
	for i := range m.hot.keys {
		k := &m.hot.keys[i]
		n := m.layout.Owner[m.layout.Place(k.place)]
		of := share(k.load.ops, m.nodes[n].ops)
		p := m.sums[k.template].p
		t.Rows = append(t.Rows, []report.Value{
			report.Text(k.key), report.Number(k.load.ops), report.Number(share(k.load.ops, m.all.ops)), report.Text(m.nodeName(n)),
			report.Number(of), whole(k.load.net), report.Text(p.text),
		})
		f, hot := m.judgeHot(p, k, of)
		if hot && !judged[k.template] {
			r.Findings = append(r.Findings, f)
			judged[k.template] = true
		}
		if i == 0 {
			v.say("hot key", "the hottest gets %s, %s of %s%s", humanize.Rate(round3(k.load.ops)), humanize.Ratio(of), m.nodeName(n), ruleNote(f.Rule))
		}
	}
	return report.Section{Name: sectionHot, Title: "HOT KEYS", Metrics: []report.Metric{}, Tables: []report.Table{t}}
}

func ruleNote(rule string) string {
	if rule == "" {
		return ""
	}
	return ": " + rule
}

// judgeHot reports whether one key is too hot. A partition of DynamoDB that has nothing but one key is as small as it can be made:
// there it is too hot if that is not enough.
func (m *measure) judgeHot(p *population, k *hotKey, of float64) (f report.Finding, hot bool) {
	if m.w.store.Kind == schema.DynamoDB {
		if k.load.rcu <= m.limits.of(ruleCapacity, "rcu") && k.load.wcu <= m.limits.of(ruleCapacity, "wcu") {
			return f, false
		}
		f = p.finding(ruleCapacity, report.Error, "one item would take %s RCU and %s WCU, and no partition has more than %d and %d",
			humanize.Count(round3(k.load.rcu)), humanize.Count(round3(k.load.wcu)), place.PartitionRCU, place.PartitionWCU)
		f.Measure = ptr(metric("of_partition", max(k.load.rcu/place.PartitionRCU, k.load.wcu/place.PartitionWCU), report.UnitFactor))
		return f, true
	}
	if of <= m.limits.of(ruleHotKey, "warning") || k.load.ops < m.limits.of(ruleHotKey, "rate") {
		return f, false
	}
	severity := report.Warning
	if of > m.limits.of(ruleHotKey, "error") {
		severity = report.Error
	}
	f = p.finding(ruleHotKey, severity, "one key would get %s, %s of the operations of its %s", humanize.Rate(round3(k.load.ops)), humanize.Ratio(of), m.layout.Node)
	f.Measure = ptr(metric("share_of_node", of, report.UnitRatio))
	f.Evidence = []report.Metric{metric("ops", k.load.ops, report.UnitRate)}
	f.Samples = []report.Value{report.Text(k.key)}
	return f, true
}

// capacity says what all of it asks of the store.
func (m *measure) capacity(v *verdict) report.Section {
	if m.all.ops == 0 {
		return report.Section{}
	}
	busiest := m.nodeSpread(ofOps)
	s := report.Section{Name: sectionCapacity, Title: "CAPACITY", Tables: []report.Table{}, Metrics: []report.Metric{
		metric("ops", m.all.ops, report.UnitRate),
		metric("bytes/s", m.all.net, report.UnitBytes),
		metric("busiest_"+m.layout.Node, busiest.most, report.UnitRate),
	}}
	if c := m.w.s.Store.Capacity.OpsPerNode; c > 0 {
		s.Metrics = append(s.Metrics, metric("of_its_capacity", busiest.most/c, report.UnitFactor))
		v.say("capacity", "the busiest %s does %s of what it can", m.layout.Node, humanize.Ratio(busiest.most/c))
	}
	if m.w.store.Kind == schema.DynamoDB {
		m.units(v, &s)
	}
	if crossing := m.crossing(); m.w.store.tagged() && crossing > 0 {
		s.Metrics = append(s.Metrics, metric("cross_"+partName(m.w.store), crossing, report.UnitRate))
		v.say("several keys", "%s touch keys in different %ss", humanize.Rate(crossing), m.layout.Part)
	}
	return s
}

func partName(s Store) string {
	if s.Kind == schema.RedisCluster {
		return "slot"
	}
	return "partition"
}

// crossing returns how many operations a second touch several parts as the schema is.
func (m *measure) crossing() float64 {
	if len(m.choices) == 0 {
		return 0
	}
	return m.choices[0].crossing
}

// units has what a table of DynamoDB is charged for.
func (m *measure) units(v *verdict, s *report.Section) {
	c := &m.w.s.Store.Capacity
	s.Metrics = append(s.Metrics, metric("rcu", m.all.rcu, report.UnitCount), metric("wcu", m.all.wcu, report.UnitCount),
		metric("partitions", float64(m.layout.Nodes), report.UnitCount))
	for _, x := range []struct {
		name         string
		need, bought float64
	}{{"RCU", m.all.rcu, c.RCU}, {"WCU", m.all.wcu, c.WCU}} {
		if x.bought > 0 {
			v.say("capacity", "%s of %s %s are used", humanize.Count(round3(x.need)), humanize.Count(x.bought), x.name)
		}
	}
	over := 0
	for i := range m.nodes {
		if m.nodes[i].rcu > place.PartitionRCU || m.nodes[i].wcu > place.PartitionWCU {
			over++
		}
	}
	s.Metrics = append(s.Metrics, metric("partitions_over_their_limit", float64(over), report.UnitCount))
	if over > 0 {
		v.say("partitions", "%d of %d get more than one can give (%d RCU, %d WCU), and are as small as they can be made", over, m.layout.Nodes, place.PartitionRCU, place.PartitionWCU)
	}
}

// alternatives says by which field to place.
func (m *measure) alternatives(v *verdict) report.Section {
	if len(m.choices) < 2 {
		return report.Section{}
	}
	t := report.Table{Name: "choices", Columns: []report.Column{
		{Name: "by", Unit: report.UnitText},
		{Name: "templates", Unit: report.UnitCount, Rank: 4},
		{Name: "covers", Title: "keys %", Unit: report.UnitRatio},
		{Name: "values", Unit: report.UnitCount, Rank: 1},
		{Name: "crossing", Title: "cross-" + partName(m.w.store), Unit: report.UnitRate},
		{Name: "node_keys", Title: m.layout.Node + " keys", Unit: report.UnitFactor},
		{Name: "node_ops", Title: m.layout.Node + " ops", Unit: report.UnitFactor},
		{Name: "part_keys", Title: m.layout.Part + " keys", Unit: report.UnitFactor, Rank: 2},
		{Name: "part_ops", Title: m.layout.Part + " ops", Unit: report.UnitFactor, Rank: 2},
		{Name: "part_gini", Title: "gini", Unit: report.UnitFactor, Rank: 3},
	}}
	ranked := m.rank()
	for i := range ranked {
		r := &ranked[i]
		values := report.Null
		if r.values > 0 {
			values = report.Number(r.values)
		}
		templates, covers := report.Null, report.Null
		if r.c.field != "" {
			templates, covers = report.Number(r.c.templates), report.Number(share(r.c.keys, m.all.keys))
		}
		t.Rows = append(t.Rows, []report.Value{
			report.Text(r.c.name), templates, covers, values, report.Number(r.c.crossing), report.Number(r.nodes.drawn), report.Number(r.work.drawn),
			report.Number(r.keys.drawn), report.Number(r.ops.drawn), report.Number(round3(r.keys.gini)),
		})
	}
	if best := &ranked[0]; best.c.field != "" && best.c.crossing < m.crossing() {
		v.say("place by", "%s keeps %s more operations in one %s, and loads the %ss evenly", best.c.name, humanize.Rate(m.crossing()-best.c.crossing), m.layout.Part, m.layout.Node)
	}
	return report.Section{Name: sectionChoices, Title: "PLACE BY", Metrics: []report.Metric{}, Tables: []report.Table{t}}
}
