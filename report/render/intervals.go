package render

import (
	"math"
	"strings"

	"github.com/kvtool/kvtool/internal/chart"
	"github.com/kvtool/kvtool/report"
)

// changeMetric begins the names of metrics that say by how much something has changed, as a share of what it was.
const changeMetric = "change_"

// changes draws by how much each number of a section has changed and where, by its interval, the true change may be; false if it
// tells of none.
func changes(s *report.Section, o Options) (chart.Drawing, bool) {
	var is []chart.Interval
	most, least := 0.0, 0.0
	for i := range s.Metrics {
		m := &s.Metrics[i]
		v, ok := m.Value.Number()
		if !ok || m.Unit != report.UnitRatio || !strings.HasPrefix(m.Name, changeMetric) {
			continue
		}
		x := chart.Interval{Label: clean(strings.TrimPrefix(m.Name, changeMetric), o.ASCII), Low: math.NaN(), Value: v, High: math.NaN()}
		x.Text = signedRatio(v) + ", no interval"
		if m.Interval != nil {
			x.Low, x.High = m.Interval.Low, m.Interval.High
			x.Text = signedRatio(x.Low) + " to " + signedRatio(x.High)
			least, most = min(least, x.Low), max(most, x.High)
		}
		least, most = min(least, v), max(most, v)
		is = append(is, x)
	}
	if len(is) == 0 {
		return chart.Drawing{}, false
	}
	ticks := []chart.Tick{{At: 0, Text: "0%"}}
	for _, at := range steps(least, most) {
		if at != 0 {
			ticks = append(ticks, chart.Tick{At: at, Text: signedRatio(at)})
		}
	}
	return chart.Intervals("change and its 95% interval", is, ticks), true
}

// signedRatio writes a change with its sign.
func signedRatio(v float64) string {
	switch {
	case v > 0:
		return "+" + human(report.Number(v), report.UnitRatio, true)
	case v < 0:
		return "-" + human(report.Number(-v), report.UnitRatio, true)
	}
	return "0%"
}
