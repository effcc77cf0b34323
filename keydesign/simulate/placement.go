package simulate

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/place"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

func sqrt(x float64) float64 { return math.Sqrt(x) }

// placement says how evenly keys, bytes and operations lie over parts and nodes.
func (m *measure) placement(v *verdict, r *report.Report) report.Section {
	s := report.Section{Name: sectionPlacement, Title: "PLACEMENT", Metrics: []report.Metric{}}
	if m.layout.Nodes == 1 && len(m.parts) == 1 {
		return report.Section{}
	}
	t := report.Table{Name: "spread", Columns: []report.Column{
		text1("over"), text1("of"),
		{Name: "parts", Unit: report.UnitCount, Rank: 1},
		{Name: "max/mean", Unit: report.UnitFactor},
		{Name: "by_chance", Unit: report.UnitFactor},
		{Name: "drawn", Title: "as drawn", Unit: report.UnitFactor, Rank: 3},
		{Name: "gini", Unit: report.UnitFactor, Rank: 2},
		{Name: "top_1%", Unit: report.UnitRatio, Rank: 1},
	}}
	parts, nodes := m.layout.Part+"s", m.layout.Node+"s"
	for d := range dims {
		if len(m.parts) > m.layout.Nodes {
			t.Rows = append(t.Rows, spreadRow(parts, d, m.partSpread(d)))
		}
	}
	for d := range dims {
		t.Rows = append(t.Rows, spreadRow(nodes, d, m.nodeSpread(d)))
	}
	s.Tables = append(s.Tables, t, m.nodeTable(), m.partTable())
	if m.w.store.Kind == schema.Memcached {
		s.Tables = append(s.Tables, m.movedTable())
	}
	if m.w.store.Kind == schema.Ordered {
		s.Metrics = append(s.Metrics, metric("tail_write_share", m.tailWrites(), report.UnitRatio))
		v.say("tail", "%s of the writes go to the last range", humanize.Ratio(m.tailWrites()))
	}
	m.judgeSpread(v, r)
	return s
}

func spreadRow(over string, d dim, s spread) []report.Value {
	return []report.Value{
		report.Text(over), report.Text(d.name()), report.Number(s.parts), report.Number(s.peak), report.Number(s.chance),
		report.Number(s.drawn), report.Number(math.Round(s.gini*1e4) / 1e4), report.Number(s.top),
	}
}

// judgeSpread holds the spreads against the limits.
func (m *measure) judgeSpread(v *verdict, r *report.Report) {
	keys := m.partSpread(ofKeys)
	if len(m.parts) > m.layout.Nodes && keys.mean > 0 {
		v.say(m.layout.Part+"s", "the fullest holds %s times the keys of the mean; chance alone makes it %s",
			humanize.Count(round3(keys.peak)), humanize.Count(round3(keys.chance)))
		if m.w.store.Kind == schema.RedisCluster && keys.mean >= m.limits.of(ruleSlots, "keys_a_slot") && keys.peak > max(m.limits.of(ruleSlots, "times_mean"), m.limits.of(ruleSlots, "times_chance")*keys.chance) {
			f := report.Finding{Rule: ruleSlots, Severity: report.Warning, Subject: "keyspace", Measure: ptr(metric("keys_max/mean", keys.peak, report.UnitFactor))}
			f.Message = fmt.Sprintf("one slot would hold %s times the keys of the mean; chance alone would make it %s", humanize.Count(round3(keys.peak)), humanize.Count(round3(keys.chance)))
			if p := m.culprit(keys.fullest); p != nil {
				f.Subject, f.Pos = p.text, p.t.Pos
			}
			r.Findings = append(r.Findings, f)
		}
	}
	if m.layout.Nodes < 2 {
		return
	}
	work, mem := m.nodeSpread(ofOps), m.nodeSpread(ofBytes)
	busiest := m.nodeSpread(ofOps).fullest
	if work.mean > 0 {
		v.say(m.layout.Node+"s", "%s has the most work: %s, %s times the mean", m.nodeName(busiest), humanize.Rate(m.nodes[busiest].ops), humanize.Count(round3(work.drawn)))
	}
	if m.w.store.Kind != schema.RedisCluster {
		return
	}
	for _, x := range []struct {
		what string
		s    spread
		one  float64 // what a single key has of the fullest node: that it is hot is said by another rule
	}{{"operations", work, m.hottestOn(busiest)}, {"bytes", mem, 0}} {
		if limit := max(m.limits.of(ruleNodes, "times_mean"), x.s.chance); x.s.mean == 0 || (x.s.most-x.one)/x.s.mean <= limit {
			continue
		}
		f := report.Finding{Rule: ruleNodes, Severity: report.Error, Subject: m.nodeName(x.s.fullest), Measure: ptr(metric("max/mean", x.s.drawn, report.UnitFactor))}
		f.Message = fmt.Sprintf("%s would have %s times the %s of the mean", f.Subject, humanize.Count(round3(x.s.drawn)), x.what)
		r.Findings = append(r.Findings, f)
		break
	}
}

// hottestOn returns how many operations a second the hottest key of a node gets.
func (m *measure) hottestOn(node int) float64 {
	for i := range m.hot.keys {
		if k := &m.hot.keys[i]; m.layout.Owner[m.layout.Place(k.place)] == node {
			return k.load.ops
		}
	}
	return 0
}

func ptr(m report.Metric) *report.Metric { return &m }

// round1 and round3 keep so many digits behind the point: what is nearly equal is equal, and sentences are short.
func round1(x float64) float64 { return math.Round(x*10) / 10 }

func round3(x float64) float64 { return math.Round(x*1000) / 1000 }

// culprit returns the template whose keys are all in one part, if there is one in the part of the number.
func (m *measure) culprit(part int) *population {
	var worst *population
	most := 0.0
	for i := range m.sums {
		s := &m.sums[i]
		if s.p != nil && s.constant() && s.last == part && s.load.keys > most {
			worst, most = s.p, s.load.keys
		}
	}
	return worst
}

// constant reports whether all keys were in one part.
func (s *sums) constant() bool { return !s.moved && s.load.keys > 1 }

func (m *measure) nodeName(n int) string { return fmt.Sprintf("%s %d", m.layout.Node, n+1) }

func (m *measure) nodeTable() report.Table {
	t := report.Table{Name: "nodes", Title: m.layout.Node + "s", Columns: loadColumns("node")}
	for n := range m.nodes {
		t.Rows = append(t.Rows, m.loadRow(report.Text(m.nodeName(n)), &m.nodes[n]))
	}
	slices.SortStableFunc(t.Rows, func(a, b []report.Value) int { return cmp.Compare(number(b[4]), number(a[4])) })
	return cut(t, mostNodes)
}

// mostNodes bounds the rows of nodes and parts.
const mostNodes = 100

func number(v report.Value) float64 {
	n, _ := v.Number()
	return n
}

// cut leaves out the rows beyond n, and keeps their sums.
func cut(t report.Table, n int) report.Table {
	if len(t.Rows) <= n {
		return t
	}
	t.Omitted = int64(len(t.Rows) - n)
	t.More = make([]report.Value, len(t.Columns))
	for c := range t.Columns {
		if !t.Columns[c].Sum {
			continue
		}
		sum := 0.0
		for _, row := range t.Rows[n:] {
			sum += number(row[c])
		}
		t.More[c] = report.Number(sum)
	}
	t.Rows = t.Rows[:n]
	return t
}

func loadColumns(first string) []report.Column {
	return []report.Column{
		text1(first),
		{Name: "keys", Unit: report.UnitCount, Sum: true},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
		{Name: "mem_share", Title: "mem %", Unit: report.UnitRatio, Sum: true, Rank: 1},
		{Name: "ops", Unit: report.UnitRate, Sum: true},
		{Name: "ops_share", Title: "ops %", Unit: report.UnitRatio, Sum: true},
		{Name: "net", Title: "bytes/s", Unit: report.UnitBytes, Sum: true, Rank: 2},
	}
}

func (m *measure) loadRow(name report.Value, l *load) []report.Value {
	return []report.Value{
		name, whole(l.keys), whole(l.bytes), report.Number(share(l.bytes, m.all.bytes)), report.Number(l.ops),
		report.Number(share(l.ops, m.all.ops)), whole(l.net),
	}
}

func whole(x float64) report.Value { return report.Number(math.Round(x)) }

// partTable has the parts with the most operations, or keys where there are no operations.
func (m *measure) partTable() report.Table {
	const most = 10
	order := make([]int, len(m.parts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(m.parts[b].ops, m.parts[a].ops), cmp.Compare(m.parts[b].keys, m.parts[a].keys))
	})
	t := report.Table{Name: "top_parts", Columns: loadColumns("part")}
	for _, i := range order[:min(most, len(order))] {
		if m.parts[i].keys == 0 {
			break
		}
		t.Rows = append(t.Rows, m.loadRow(report.Text(fmt.Sprintf("%s %d", m.layout.Part, i)), &m.parts[i]))
	}
	return t
}

// movedTable says which share of the keys moves when a server of Memcached goes or comes.
func (m *measure) movedTable() report.Table {
	t := report.Table{Name: "moved", Title: "keys that move", Columns: []report.Column{
		text1("hashing"), {Name: "one_less", Title: "one server less", Unit: report.UnitRatio}, {Name: "one_more", Title: "one more", Unit: report.UnitRatio},
	}}
	n := m.w.store.Nodes
	ring := func(n int) *place.Layout { return place.Ketama(place.Servers(n)) }
	for _, h := range []struct {
		name string
		with func(int) *place.Layout
	}{{"ketama", ring}, {"modulo", place.Modulo}} {
		less := report.Null
		if n > 1 {
			less = report.Number(place.Moved(h.with(n), h.with(n-1), m.moving))
		}
		t.Rows = append(t.Rows, []report.Value{report.Text(h.name), less, report.Number(place.Moved(h.with(n), h.with(n+1), m.moving))})
	}
	return t
}

// heatCells is how many cells a map of many parts has.
const heatCells = 256

// heatmap sums the parts up to as many cells as can be drawn.
func (m *measure) heatmap() report.Section {
	n := len(m.parts)
	if n < 2 {
		return report.Section{}
	}
	cells := min(n, heatCells)
	t := report.Table{Name: "heatmap", Columns: []report.Column{
		text1(m.layout.Part + "s"),
		{Name: "keys", Unit: report.UnitCount, Sum: true},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
		{Name: "ops", Unit: report.UnitRate, Sum: true},
	}}
	t.Columns[0].Name = "parts"
	for c := range cells {
		from, to := c*n/cells, (c+1)*n/cells
		var l load
		for i := from; i < to; i++ {
			l.add(&m.parts[i])
		}
		t.Rows = append(t.Rows, []report.Value{report.Text(rangeName(from, to-1)), whole(l.keys), whole(l.bytes), report.Number(l.ops)})
	}
	return report.Section{
		Name: sectionHeatmap, Title: "HEATMAP", Tables: []report.Table{t},
		Metrics: []report.Metric{metric("cells", float64(cells), report.UnitCount), metric(m.layout.Part+"s_a_cell", float64(n)/float64(cells), report.UnitCount)},
	}
}

func rangeName(from, to int) string {
	if from == to {
		return fmt.Sprint(from)
	}
	return fmt.Sprintf("%d-%d", from, to)
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
