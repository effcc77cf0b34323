package simulate

import (
	"fmt"

	"github.com/kvtool/kvtool/report"
)

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
		{Name: "parts", Title: m.layout.Part + "s", Unit: report.UnitText},
		{Name: "keys", Unit: report.UnitCount, Sum: true},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
		{Name: "ops", Unit: report.UnitRate, Sum: true},
	}}
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
