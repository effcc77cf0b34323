package simulate

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/kvtool/kvtool/keydesign/place"
	"github.com/kvtool/kvtool/report"
)

func ptr(m report.Metric) *report.Metric { return &m }

// round1 and round3 keep so many digits behind the point: what is nearly equal is equal, and sentences are short.
func round1(x float64) float64 { return math.Round(x*10) / 10 }

func round3(x float64) float64 { return math.Round(x*1000) / 1000 }

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
		{Name: "bytes_share", Title: "mem %", Unit: report.UnitRatio, Sum: true, Rank: 1},
		{Name: "ops", Unit: report.UnitRate, Sum: true},
		{Name: "ops_share", Title: "ops %", Unit: report.UnitRatio, Sum: true},
		{Name: "bytes_a_second", Title: "bytes/s", Unit: report.UnitBytes, Sum: true, Rank: 2},
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
	t := report.Table{Name: "top_parts", Title: "busiest " + m.layout.Part + "s", Columns: loadColumns("part")}
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
