package simulate

import (
	"cmp"
	"math"
	"slices"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

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
		v.say("place by", "%s keeps %s more operations in one %s", best.c.name, humanize.Rate(m.crossing()-best.c.crossing), m.layout.Part)
	}
	return report.Section{Name: sectionChoices, Title: "PLACE BY", Metrics: []report.Metric{}, Tables: []report.Table{t}}
}

// An outcome is what a choice leads to.
type outcome struct {
	c           *choice
	values      int64  // of the field; 0 is not bounded
	keys, ops   spread // over the parts
	nodes, work spread // the same over the nodes
}

// evenly is how unevenly nodes may be loaded before it counts; where no choice does better, nearly as well as the best of them will
// do.
const (
	evenly = 1.3
	nearly = 1.1
)

// rank orders the choices: those that load nodes evenly first, then those that keep together what is used together, then by the
// load of the busiest node and the fullest part.
func (m *measure) rank() []outcome {
	var list []outcome
	for _, c := range m.choices {
		parts := c.parts(m.parts)
		nodes := nodesOf(m.layout, parts)
		r := outcome{c: c, values: m.w.cardinality(c.field)}
		at := func(ls []load, d dim) spread {
			return spreadOf(len(ls), func(i int) float64 { return d.of(&ls[i]) }, things{})
		}
		r.keys, r.ops, r.nodes, r.work = at(parts, ofKeys), at(parts, ofOps), at(nodes, ofKeys), at(nodes, ofOps)
		list = append(list, r)
	}
	best := math.Inf(1)
	for i := range list {
		best = min(best, list[i].busiest())
	}
	limit := max(evenly, nearly*best)
	slices.SortStableFunc(list, func(a, b outcome) int {
		return cmp.Or(
			cmp.Compare(a.uneven(limit), b.uneven(limit)),
			cmp.Compare(a.c.crossing, b.c.crossing),
			cmp.Compare(round1(a.work.drawn), round1(b.work.drawn)),
			cmp.Compare(a.rewrites(), b.rewrites()),
			cmp.Compare(b.c.keys, a.c.keys),
			cmp.Compare(a.keys.drawn, b.keys.drawn),
		)
	})
	return list
}

// busiest returns how many times the mean the node has that has most.
func (r *outcome) busiest() float64 { return max(r.nodes.drawn, r.work.drawn) }

func (r *outcome) uneven(limit float64) int {
	if r.busiest() > limit {
		return 1
	}
	return 0
}

// rewrites returns 1 for what would change the schema.
func (r *outcome) rewrites() int {
	if r.c.whole || r.c.field != "" {
		return 1
	}
	return 0
}
