package simulate

import (
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/place"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

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
		{Name: "bytes_a_second", Title: "bytes/s", Unit: report.UnitBytes, Rank: 1},
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
		if k.load.rcu <= m.limits.of(ruleCapacity, "read_units") && k.load.wcu <= m.limits.of(ruleCapacity, "write_units") {
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
