package simulate

import (
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/place"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

// capacity says what all of it asks of the store.
func (m *measure) capacity(v *verdict) report.Section {
	if m.all.ops == 0 {
		return report.Section{}
	}
	busiest := m.nodeSpread(ofOps)
	s := report.Section{Name: sectionCapacity, Title: "CAPACITY", Tables: []report.Table{}, Metrics: []report.Metric{
		metric("ops", m.all.ops, report.UnitRate),
		metric("bytes_a_second", m.all.net, report.UnitBytes),
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
	s.Metrics = append(s.Metrics, metric("read_units", m.all.rcu, report.UnitCount), metric("write_units", m.all.wcu, report.UnitCount),
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
