package compare

import (
	"math"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/report"
)

// Section is the name of the section of a comparison.
const Section = "compare"

// Report writes effects as a section: rates and latencies in tables of their own.
func Report(es []Effect) report.Section {
	s := report.Section{Name: Section, Title: "CHANGE FROM BASE TO HEAD"}
	for _, t := range []struct {
		name string
		unit report.Unit
	}{{"rate", report.UnitRate}, {"latency", report.UnitDuration}} {
		tab := report.Table{Name: t.name, Title: strings.ToUpper(t.name), Columns: []report.Column{
			{Name: "metric", Unit: report.UnitText},
			{Name: "base", Unit: t.unit},
			{Name: "head", Unit: t.unit},
			{Name: "change", Unit: report.UnitText},
			{Name: "interval", Title: "95% interval", Unit: report.UnitText},
			{Name: "verdict", Unit: report.UnitText},
			{Name: "why", Unit: report.UnitText, Rank: 1},
		}}
		for i := range es {
			if e := &es[i]; e.Metric.higherIsBetter() == (t.unit == report.UnitRate) {
				tab.Rows = append(tab.Rows, []report.Value{
					report.Text(e.Metric.Name), report.Number(e.Base), report.Number(e.Head), percent(e.Shift), interval(e.Low, e.High),
					report.Text(string(e.Verdict)), report.Text(e.Why),
				})
			}
		}
		if len(tab.Rows) > 0 {
			s.Tables = append(s.Tables, tab)
		}
	}
	for i := range es {
		e := &es[i]
		m := report.Metric{Name: "change_" + e.Metric.Name, Value: report.Number(e.Shift), Unit: report.UnitRatio}
		if !math.IsInf(e.Low, 0) && !math.IsInf(e.High, 0) && !math.IsNaN(e.Shift) {
			m.Interval = &report.Interval{Low: e.Low, High: e.High}
		}
		s.Metrics = append(s.Metrics, m)
	}
	return s
}

// percent writes a share that may be negative, with its sign.
func percent(x float64) report.Value {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return report.Null
	}
	return report.Text(signed(x))
}

func signed(x float64) string {
	s := strconv.FormatFloat(100*x, 'f', 1, 64) + "%"
	if !strings.HasPrefix(s, "-") {
		s = "+" + s
	}
	return s
}

func interval(low, high float64) report.Value {
	if math.IsInf(low, 0) || math.IsInf(high, 0) || math.IsNaN(low) || math.IsNaN(high) {
		return report.Null
	}
	return report.Text(signed(low) + " to " + signed(high))
}

// Check returns the limit on how much worse a metric may be, as a share of the base, as a check of a report.
func (e *Effect) Check(limit float64) report.Check {
	at, low, high := e.Regress()
	c := report.Check{Name: "regress/" + e.Metric.Name, Unit: report.UnitRatio, Limit: report.Number(limit), Level: report.Error}
	if e.Verdict == Inconclusive && (math.IsInf(low, 0) || math.IsInf(high, 0) || e.void) {
		c.Why = e.Why
		return c
	}
	c.Head, c.Interval = report.Number(at), &report.Interval{Low: low, High: high}
	return c
}

// ParseMetric returns the metric of a name: rate, or a percentile as p99, p99.9 or p999.
func ParseMetric(name string) (Metric, bool) {
	if name == "rate" {
		return Metric{Name: name}, true
	}
	digits, ok := strings.CutPrefix(strings.Replace(name, ".", "", 1), "p")
	if !ok || len(digits) < 2 || len(digits) > 8 || strings.Trim(digits, "0123456789") != "" {
		return Metric{}, false
	}
	q, err := strconv.ParseFloat("0."+digits, 64)
	return Metric{"p" + digits, q}, err == nil && q > 0
}
