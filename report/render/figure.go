package render

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/chart"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// A Figure is how a table is drawn: by what its columns are, not by which analysis made it.
type Figure uint8

// The figures.
const (
	NoFigure  Figure = iota
	Heatmap          // cells of a table of that name, shaded
	Spectrum         // quantiles by how rare they are, as lines
	Seconds          // what was measured second by second, as lines
	Bands            // how many took how long, as rows of shades over time
	Histogram        // parts of a range in their order, as columns
	Treemap          // names with sizes that add up, as areas
	Ranks            // how much each of the heaviest has, by its rank
	Changes          // by how much numbers have changed, with intervals: of metrics, not of a table
	Staircase        // rates that were tried, in their order
	Bars             // anything else that adds up
)

// Names of tables that are drawn by what they are about, and from how many rows an area says more than bars, and a curve more than
// numbers.
const (
	forecastTable = "forecast"
	stepsTable    = "steps"
	rankTable     = "keys"
	treemapLeast  = 4
	ranksLeast    = 3
)

// FigureOf says how a table is to be drawn.
func FigureOf(t *report.Table) Figure {
	if len(t.Rows) == 0 || len(t.Columns) < 2 {
		return NoFigure
	}
	switch {
	case isPlot(t) && t.Name == spectrumTable:
		return Spectrum
	case isPlot(t) && t.Name == bandsTable:
		return Bands
	case isPlot(t):
		return Seconds
	case t.Name == stepsTable && columnOf(t, report.UnitRate) > 0:
		return Staircase
	case !isText(t.Columns[0].Unit):
		return NoFigure
	case t.Name == heatmapTable && barColumn(t) >= 0:
		return Heatmap
	case t.Name == rankTable && columnOf(t, report.UnitRatio) > 0 && len(t.Rows) >= ranksLeast:
		return Ranks
	case barColumn(t) < 0:
		return NoFigure
	case strings.HasSuffix(t.Name, "histogram") || t.Name == forecastTable:
		return Histogram
	case t.Columns[0].Unit == report.UnitKey && len(t.Rows) >= treemapLeast && t.Columns[barColumn(t)].Unit == report.UnitBytes:
		return Treemap
	}
	return Bars
}

// columnOf returns the first column of a unit; -1 if none is.
func columnOf(t *report.Table, u report.Unit) int {
	return slices.IndexFunc(t.Columns, func(c report.Column) bool { return c.Unit == u })
}

// drawings draws a table, if it has anything to be drawn, and how far the sizes of what it names lie apart, if it tells that.
func drawings(r *report.Report, s *report.Section, t *report.Table, o Options) []chart.Drawing {
	ds := figure(r, s, t, o)
	if d, ok := spread(t, o); ok {
		ds = append(ds, d)
	}
	return ds
}

// figureTitle says what a column of a table is, without saying twice that it is of memory.
func figureTitle(title string, c *report.Column, o Options) string {
	if c.Unit == report.UnitBytes && strings.Contains(title, "memory") {
		return strings.TrimSpace(title)
	}
	return title + columnName(c, o)
}

func figure(r *report.Report, s *report.Section, t *report.Table, o Options) []chart.Drawing {
	title := strings.ToLower(clean(cmp.Or(t.Title, s.Title)+" ", o.ASCII))
	switch FigureOf(t) {
	case Spectrum:
		return []chart.Drawing{spectrum(t, o)}
	case Seconds:
		return plots(r, t, o)
	case Bands:
		return []chart.Drawing{bands(t, o)}
	case Heatmap:
		return heatmaps(t, o)
	case Histogram:
		return histograms(t, title, o)
	case Treemap:
		return []chart.Drawing{treemap(t, title, o)}
	case Ranks:
		return []chart.Drawing{ranks(t, title, o)}
	case Staircase:
		return []chart.Drawing{staircase(t, o)}
	case Bars:
		c := barColumn(t)
		rows := t.Rows[:min(len(t.Rows), cmp.Or(o.Top, barRows))]
		return []chart.Drawing{chart.Bars(figureTitle(title, &t.Columns[c], o), barCells(rows, t, c, o))}
	}
	return nil
}

// heatmaps draws a map for each column that adds up and is known.
func heatmaps(t *report.Table, o Options) []chart.Drawing {
	var ds []chart.Drawing
	for c := range t.Columns {
		if t.Columns[c].Sum && !hidden(t, c) {
			ds = append(ds, heatmap(t, c, o))
		}
	}
	return ds
}

// histograms draws the sizes of the parts, or how many are in each where these are not known.
func histograms(t *report.Table, title string, o Options) []chart.Drawing {
	var ds []chart.Drawing
	for c := range t.Columns {
		if u := t.Columns[c].Unit; t.Columns[c].Sum && (u == report.UnitBytes || u == report.UnitCount) && !hidden(t, c) && !never(t, c) {
			ds = append(ds, chart.Histogram(figureTitle(title, &t.Columns[c], o), barCells(t.Rows, t, c, o)))
		}
	}
	return ds
}

// treemapTiles is how many names an area is divided among; the rest is one.
const treemapTiles = 60

// treemap draws names by size. Their shade is the first share of them that does not add up, such as how many have no TTL.
func treemap(t *report.Table, title string, o Options) chart.Drawing {
	c := barColumn(t)
	shade := slices.IndexFunc(t.Columns, func(x report.Column) bool { return x.Unit == report.UnitRatio && !x.Sum })
	if shade >= 0 && hidden(t, shade) {
		shade = -1
	}
	rows, more := fold(t, min(cmp.Or(o.Top, treemapTiles), treemapTiles))
	tiles := make([]chart.Tile, len(rows))
	shares := ""
	for i, cell := range barCells(rows, t, c, o) {
		tiles[i] = chart.Tile{Cell: cell, Share: math.NaN()}
		if shade < 0 {
			continue
		}
		shares = columnName(&t.Columns[shade], o)
		if n, ok := rows[i][shade].Number(); ok {
			tiles[i].Share, tiles[i].ShareText = n, human(rows[i][shade], t.Columns[shade].Unit, o.ASCII)
		}
	}
	if more != nil {
		if n, ok := more[c].Number(); ok && n > 0 {
			cell := chart.Cell{Label: countMore(t, rows), Value: n, Text: human(more[c], t.Columns[c].Unit, o.ASCII)}
			tiles = append(tiles, chart.Tile{Cell: cell, Share: math.NaN(), Rest: true})
		}
	}
	slices.SortStableFunc(tiles, func(a, b chart.Tile) int { return cmp.Compare(b.Value, a.Value) })
	return chart.Treemap(figureTitle(title, &t.Columns[c], o), tiles, shares)
}

// ranks draws the share of each of the heaviest, both axes by powers of ten: what Zipf's law says is a straight line there.
func ranks(t *report.Table, title string, o Options) chart.Drawing {
	share := columnOf(t, report.UnitRatio)
	p := chart.Plot{Title: title + "share by rank"}
	l := chart.Line{Name: "share"}
	low, high := math.Inf(1), math.Inf(-1)
	for i, row := range t.Rows {
		v, ok := row[share].Number()
		if !ok || v <= 0 {
			continue
		}
		y := math.Log10(v)
		low, high = min(low, y), max(high, y)
		text := human(row[share], report.UnitRatio, o.ASCII) + " at rank " + number(float64(i+1))
		l.Points = append(l.Points, chart.Point{X: math.Log10(float64(i + 1)), Y: y, Text: text})
	}
	p.Lines = []chart.Line{l}
	for n := 1; n <= len(t.Rows); n *= 10 {
		p.XTicks = append(p.XTicks, chart.Tick{At: math.Log10(float64(n)), Text: "#" + number(float64(n))})
	}
	for d := math.Floor(low); d <= math.Ceil(high); d++ {
		p.YTicks = append(p.YTicks, chart.Tick{At: d, Text: human(report.Number(math.Pow(10, d)), report.UnitRatio, o.ASCII)})
	}
	return chart.Lines(p)
}

// staircase draws the rates that were tried, and apart from them those that were within the limits: what the verdict of a step is
// stands in the text of its point.
func staircase(t *report.Table, o Options) chart.Drawing {
	rate, verdict := columnOf(t, report.UnitRate), slices.IndexFunc(t.Columns, func(c report.Column) bool { return c.Name == "verdict" })
	tried, kept := chart.Line{Name: "tried"}, chart.Line{Name: "within limits"}
	p := chart.Plot{Title: "rates in their order"}
	high := 0.0
	for i, row := range t.Rows {
		v, ok := row[rate].Number()
		if !ok {
			continue
		}
		high = max(high, v)
		text := human(row[rate], report.UnitRate, o.ASCII) + " in step " + human(row[0], t.Columns[0].Unit, o.ASCII)
		within := math.NaN()
		if verdict >= 0 {
			word, _ := row[verdict].Text()
			text += ": " + clean(word, o.ASCII)
			if word == string(report.Pass) {
				within = v
			}
		}
		tried.Points = append(tried.Points, chart.Point{X: float64(i + 1), Y: v, Text: text})
		kept.Points = append(kept.Points, chart.Point{X: float64(i + 1), Y: within, Text: text})
		p.XTicks = append(p.XTicks, chart.Tick{At: float64(i + 1), Text: number(float64(i + 1))})
	}
	p.Lines = []chart.Line{tried, kept}
	for _, v := range steps(0, high) {
		p.YTicks = append(p.YTicks, chart.Tick{At: v, Text: human(report.Number(v), report.UnitRate, o.ASCII)})
	}
	return chart.Lines(p)
}

// countMore says how many rows of t are not among those that are shown: "212 more".
func countMore(t *report.Table, shown [][]report.Value) string {
	return humanize.Exact(t.Omitted+int64(len(t.Rows)-len(shown))) + " more"
}

// Columns of quantiles of the sizes of what a row names.
const (
	middleColumn = "p50_bytes"
	endColumn    = "p99_bytes"
)

// spread draws from where to where the sizes of what the rows name lie, on a logarithmic axis.
func spread(t *report.Table, o Options) (chart.Drawing, bool) {
	named := func(name string) int {
		return slices.IndexFunc(t.Columns, func(c report.Column) bool { return c.Name == name })
	}
	middle, end := named(middleColumn), named(endColumn)
	if middle < 0 || end < 0 || len(t.Rows) == 0 || !isText(t.Columns[0].Unit) {
		return chart.Drawing{}, false
	}
	var rs []chart.Range
	least, most := math.Inf(1), 0.0
	for _, row := range t.Rows[:min(len(t.Rows), cmp.Or(o.Top, barRows))] {
		m, ok := row[middle].Number()
		e, known := row[end].Number()
		if !ok || !known || m <= 0 {
			continue
		}
		least, most = min(least, m), max(most, e)
		rs = append(rs, chart.Range{
			Label: rowName(t, row, o), Middle: m, End: e,
			Text: human(row[middle], report.UnitBytes, o.ASCII) + " to " + human(row[end], report.UnitBytes, o.ASCII),
		})
	}
	if len(rs) == 0 {
		return chart.Drawing{}, false
	}
	var ticks []chart.Tick
	for e := math.Floor(math.Log2(least) / 4); e <= math.Ceil(math.Log2(max(most, least))/4); e++ {
		v := math.Pow(16, e)
		ticks = append(ticks, chart.Tick{At: v, Text: human(report.Number(v), report.UnitBytes, o.ASCII)})
	}
	return chart.Ranges("size of a key: median and 99th percentile", rs, ticks), true
}

// rowName is what a row is of: its first column, and the second where both are words that make one name, as type and encoding do.
func rowName(t *report.Table, row []report.Value, o Options) string {
	name := human(row[0], t.Columns[0].Unit, o.ASCII)
	if t.Columns[0].Unit == report.UnitText && len(row) > 1 && t.Columns[1].Unit == report.UnitText && !row[1].IsNull() {
		name += " " + human(row[1], report.UnitText, o.ASCII)
	}
	return cutMiddle(name, longestName, clean("…", o.ASCII))
}
