package render

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/internal/chart"
	"github.com/kvtool/kvtool/report"
)

// Names of tables that are drawn as lines: quantiles, by how rare they are; what was measured second by second; and what happened
// meanwhile, which is marked there.
const (
	spectrumTable = "spectrum"
	secondsTable  = "seconds"
	eventsTable   = "events"
	bandsTable    = "latency_bands" // how many took how long, stretch by stretch
)

// isPlot reports whether a table is drawn as lines: its first column is a number.
func isPlot(t *report.Table) bool {
	return (t.Name == spectrumTable || t.Name == secondsTable || t.Name == bandsTable) && len(t.Columns) > 1 && len(t.Rows) > 0
}

// plots draws a table of seconds as lines, a plot for each unit.
func plots(r *report.Report, t *report.Table, o Options) []chart.Drawing {
	var ds []chart.Drawing
	for _, u := range []report.Unit{report.UnitRate, report.UnitDuration, report.UnitRatio, report.UnitBytes, report.UnitCount} {
		if p := series(t, u, o); len(p.Lines) > 0 {
			p.Marks = happened(r, o)
			ds = append(ds, chart.Lines(p))
		}
	}
	return ds
}

// spectrum draws quantiles: to the right each decade is ten times as rare, and upwards ten times as long.
func spectrum(t *report.Table, o Options) chart.Drawing {
	p := chart.Plot{Title: "response time by percentile", XTicks: []chart.Tick{{At: 0, Text: "0%"}}}
	low, high := math.Inf(1), math.Inf(-1)
	for c := 1; c < len(t.Columns); c++ {
		l := chart.Line{Name: columnName(&t.Columns[c], o)}
		for _, row := range t.Rows {
			q, ok := row[0].Number()
			v, known := row[c].Number()
			if !ok || !known || q < 0 || q >= 1 || v <= 0 {
				continue
			}
			y := math.Log10(v)
			low, high = min(low, y), max(high, y)
			l.Points = append(l.Points, chart.Point{X: rarity(q), Y: y, Text: percentile(q) + " " + human(row[c], t.Columns[c].Unit, o.ASCII)})
		}
		p.Lines = append(p.Lines, l)
	}
	for _, q := range []float64{0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999} {
		if last, ok := t.Rows[len(t.Rows)-1][0].Number(); ok && q <= last {
			p.XTicks = append(p.XTicks, chart.Tick{At: rarity(q), Text: percentile(q)})
		}
	}
	for d := math.Floor(low); d <= math.Ceil(high); d++ {
		p.YTicks = append(p.YTicks, chart.Tick{At: d, Text: human(report.Number(math.Pow(10, d)), report.UnitDuration, o.ASCII)})
	}
	return chart.Lines(p)
}

// bands draws how many took how long, stretch by stretch of the time.
func bands(t *report.Table, o Options) chart.Drawing {
	var bs []chart.Band
	most := 0.0
	for c := 1; c < len(t.Columns); c++ {
		if isText(t.Columns[c].Unit) || hidden(t, c) {
			continue
		}
		b := chart.Band{Name: columnName(&t.Columns[c], o)}
		for _, row := range t.Rows {
			v, _ := row[c].Number()
			most = max(most, v)
			b.Values = append(b.Values, v)
			b.Texts = append(b.Texts, human(row[c], t.Columns[c].Unit, o.ASCII)+" took "+b.Name+" from "+human(row[0], t.Columns[0].Unit, o.ASCII)+" on")
		}
		bs = append(bs, b)
	}
	var ticks []chart.Tick
	for i := 0; i < len(t.Rows); i += max(1, (len(t.Rows)+5)/6) {
		ticks = append(ticks, chart.Tick{At: float64(i), Text: human(t.Rows[i][0], t.Columns[0].Unit, o.ASCII)})
	}
	return chart.Bands("response times over time", bs, ticks, "few", human(report.Number(most), report.UnitCount, o.ASCII))
}

// rarity is how rare what lies beyond a quantile is, as a power of ten.
func rarity(q float64) float64 { return -math.Log10(1 - q) }

func percentile(q float64) string { return strconv.FormatFloat(q*100, 'g', 8, 64) + "%" }

// series draws the columns of one unit over time.
func series(t *report.Table, u report.Unit, o Options) chart.Plot {
	p := chart.Plot{}
	var names []string
	low, high := 0.0, 0.0
	left, right := math.Inf(1), math.Inf(-1)
	for c := 1; c < len(t.Columns); c++ {
		if t.Columns[c].Unit != u || t.Columns[c].Rank > 1 || hidden(t, c) || u == report.UnitCount && never(t, c) {
			continue
		}
		l := chart.Line{Name: columnName(&t.Columns[c], o)}
		names = append(names, l.Name)
		for _, row := range t.Rows {
			at, ok := row[0].Number()
			if !ok {
				continue
			}
			left, right = min(left, at), max(right, at)
			v, known := row[c].Number()
			if !known {
				v = math.NaN()
			}
			if known {
				high = max(high, v)
			}
			text := human(row[c], u, o.ASCII) + " at " + human(row[0], t.Columns[0].Unit, o.ASCII)
			l.Points = append(l.Points, chart.Point{X: at, Y: v, Text: text})
		}
		p.Lines = append(p.Lines, l)
	}
	if len(p.Lines) == 0 {
		return chart.Plot{}
	}
	p.Title = strings.Join(names, ", ") + " over time"
	unit := 1.0
	if u == report.UnitBytes { // round where people count by 1,024
		unit = math.Pow(1024, math.Floor(math.Log2(max(high, 1))/10))
	}
	for _, v := range steps(low/unit, high/unit) {
		v *= unit
		p.YTicks = append(p.YTicks, chart.Tick{At: v, Text: human(report.Number(v), u, o.ASCII)})
	}
	for _, v := range steps(left, right) {
		p.XTicks = append(p.XTicks, chart.Tick{At: v, Text: human(report.Number(v), t.Columns[0].Unit, o.ASCII)})
	}
	return p
}

// steps returns four to eleven round numbers from low to at least high.
func steps(low, high float64) []float64 {
	if !(high > low) || math.IsInf(high, 0) || math.IsInf(low, 0) {
		return []float64{low}
	}
	size := math.Pow(10, math.Floor(math.Log10(high-low)))
	switch n := (high - low) / size; {
	case n <= 1.2:
		size /= 5
	case n <= 3:
		size /= 2
	}
	var out []float64
	for i := range mostSteps { // not without end where numbers are so great that a step does not change them
		v := (math.Floor(low/size) + float64(i)) * size
		out = append(out, v)
		if v >= high {
			break
		}
	}
	return out
}

// mostSteps is more than there ever are.
const mostSteps = 13

// happened are the events of a report.
func happened(r *report.Report, o Options) []chart.Mark {
	var ms []chart.Mark
	for i := range r.Sections {
		for j := range r.Sections[i].Tables {
			t := &r.Sections[i].Tables[j]
			if t.Name != eventsTable || len(t.Columns) < 2 {
				continue
			}
			for _, row := range t.Rows {
				if at, ok := row[0].Number(); ok {
					ms = append(ms, chart.Mark{At: at, Text: human(row[0], t.Columns[0].Unit, o.ASCII) + " " + human(row[1], t.Columns[1].Unit, o.ASCII)})
				}
			}
		}
	}
	return ms[:min(len(ms), cmp.Or(o.Top, barRows))]
}
