package simulate

import (
	"math"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

// placement says how evenly keys, bytes and operations lie over parts and nodes.
func (m *measure) placement(v *verdict, r *report.Report) report.Section {
	s := report.Section{Name: sectionPlacement, Title: "PLACEMENT", Metrics: []report.Metric{}}
	if m.layout.Nodes == 1 && len(m.parts) == 1 {
		return report.Section{}
	}
	t := report.Table{Name: "spread", Columns: []report.Column{
		text1("over"), text1("of"),
		{Name: "parts", Unit: report.UnitCount, Rank: 1},
		{Name: "max_over_mean", Title: "max/mean", Unit: report.UnitFactor},
		{Name: "by_chance", Unit: report.UnitFactor},
		{Name: "drawn", Title: "as drawn", Unit: report.UnitFactor, Rank: 3},
		{Name: "gini", Unit: report.UnitFactor, Rank: 2},
		{Name: "top_1%", Unit: report.UnitRatio, Rank: 1},
	}}
	parts, nodes := m.layout.Part+"s", m.layout.Node+"s"
	for d := range dims {
		if len(m.parts) > m.layout.Nodes {
			t.Rows = append(t.Rows, spreadRow(parts, d, m.partSpread(d), !m.layout.Unequal))
		}
	}
	for d := range dims {
		t.Rows = append(t.Rows, spreadRow(nodes, d, m.nodeSpread(d), !m.layout.Unequal))
	}
	s.Tables = append(s.Tables, t, m.nodeTable(), m.partTable())
	if m.w.store.Kind == schema.Memcached {
		s.Tables = append(s.Tables, m.movedTable())
	}
	if m.w.store.Kind == schema.Ordered {
		s.Metrics = append(s.Metrics, metric("tail_write_share", m.tailWrites(), report.UnitRatio))
		v.say("tail", "%s of the writes go to the last range", humanize.Ratio(m.tailWrites()))
	}
	m.judgeParts(v, r)
	m.judgeNodes(v, r)
	return s
}

// spreadRow is one spread. What chance does is only known of parts of one size.
func spreadRow(over string, d dim, s spread, equal bool) []report.Value {
	chance := report.Null
	if equal {
		chance = report.Number(s.chance)
	}
	return []report.Value{
		report.Text(over), report.Text(d.name()), report.Number(s.parts), report.Number(s.peak), chance,
		report.Number(s.drawn), report.Number(math.Round(s.gini*1e4) / 1e4), report.Number(s.top),
	}
}

// tailWrites returns the share of writes that land in the last range of their template: all of those to templates whose keys grow
// at one end, and what falls there of the others.
func (m *measure) tailWrites() float64 {
	tail, all := 0.0, 0.0
	for _, p := range m.w.populations {
		rate := 0.0
		for i := range p.uses {
			if p.uses[i].write {
				rate += p.uses[i].rate
			}
		}
		all += rate
		if p.grows() {
			tail += rate
		} else {
			tail += rate / float64(len(m.parts))
		}
	}
	return share(tail, all)
}

// grows reports whether the first placeholder of the keys is a time or a counter.
func (p *population) grows() bool {
	for i := range p.parts {
		if n := p.parts[i].field; n >= 0 {
			return p.fields[n].time || p.fields[n].gen.Kind() == schema.TypeSeq
		}
	}
	return false
}
