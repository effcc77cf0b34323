package hotkeys

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/report"
)

// Section is the name of the section that Report fills.
const Section = "hotkeys"

// The most rows of a table.
const (
	maxKeys      = 1000
	maxTemplates = 1000
)

// A Source says where the accesses are from, for the head of a report.
type Source struct {
	Name  string // server, watch, monitor, trace
	Why   string // how it was chosen, or what it cannot tell
	Ended string // why it ended early; empty where it did not
}

// Report says what was counted: the top keys, the templates and the nodes, and what that breaks.
func (c *Counter) Report(src Source, top int) (report.Section, []report.Finding) {
	top = min(cmp.Or(top, 100), maxKeys)
	templates, nameOf := c.names.templates()
	known := c.known()
	sec := report.Section{Name: Section, Title: "HOT KEYS", Metrics: c.metrics(src, known), Tables: []report.Table{c.keys(top,
		known, nameOf)}}
	sec.Tables = append(sec.Tables, c.byTemplate(templates, known))
	if len(c.nodes) > 1 {
		sec.Tables = append(sec.Tables, c.byNode(known))
	}
	if m, ok := c.zipf(); ok {
		sec.Metrics = append(sec.Metrics, m...)
	}
	return sec, slices.Concat(c.hot(nameOf), c.skewed(nameOf), dead(templates))
}

// known says which sums the source tells.
func (c *Counter) known() sums {
	k := c.all
	k.cpu, k.bytes = min(k.cpu, 1), min(k.bytes, 1)
	if k.reads+k.writes > 0 {
		k.reads, k.writes = 1, 1
	}
	return k
}

// told returns n, or Null where the source does not tell it.
func told(n, known int64) report.Value {
	if known == 0 {
		return report.Null
	}
	return report.Number(n)
}

// toldOf is told, of a source that counts no operations: it names keys in lists, and what is in one need not be in another.
func toldOf(n, known int64, all *sums) report.Value {
	if n == 0 && all.ops() == 0 {
		return report.Null
	}
	return told(n, known)
}

func (c *Counter) metrics(src Source, known sums) []report.Metric {
	text := func(name, v string) report.Metric {
		return report.Metric{Name: name, Value: report.Text(v), Unit: report.UnitText}
	}
	ms := []report.Metric{text("source", src.Name)}
	if why := words(src.Why, src.Ended); why != "" {
		ms = append(ms, text("about", why))
	}
	window := c.window()
	if window > 0 {
		ms = append(ms, report.Metric{Name: "window", Value: report.Seconds(window), Unit: report.UnitDuration})
	}
	if ops := c.all.ops(); ops > 0 {
		ms = append(ms, report.Metric{Name: "accesses", Value: report.Number(ops), Unit: report.UnitCount})
		if window > 0 {
			ms = append(ms, report.Metric{Name: "rate", Value: report.Number(float64(ops) / window.Seconds()), Unit: report.UnitRate})
		}
	}
	if known.reads > 0 {
		ms = append(ms, report.Metric{
			Name: "reads", Value: report.Number(share(float64(c.all.reads), float64(c.all.ops()))),
			Unit: report.UnitRatio,
		})
	}
	ms = append(ms, text("weight", string(c.opt.Weight)),
		report.Metric{Name: "error_bound", Value: report.Number(share(float64(c.heavy.Bound()), c.total())), Unit: report.UnitRatio})
	if c.lost > 0 {
		ms = append(ms, report.Metric{Name: "lost", Value: report.Number(c.lost), Unit: report.UnitCount})
	}
	return ms
}

// keys is the table that other tools read: its columns are a contract.
func (c *Counter) keys(top int, known sums, nameOf func(string) string) report.Table {
	weight := map[Weight]report.Unit{Ops: report.UnitCount, CPU: report.UnitCount, Bytes: report.UnitBytes}[c.opt.Weight]
	t := report.Table{Name: "keys", Title: "Key", Rows: [][]report.Value{}, Columns: []report.Column{
		{Name: "key", Unit: report.UnitKey},
		{Name: "template", Unit: report.UnitKey, Rank: 1},
		{Name: "reads", Unit: report.UnitCount},
		{Name: "writes", Unit: report.UnitCount},
		{Name: "cpu_us", Title: "CPU µs", Unit: report.UnitCount, Rank: 3},
		{Name: "bytes", Unit: report.UnitBytes, Rank: 4},
		{Name: "count", Unit: weight, Rank: 5},
		{Name: "error", Title: "±", Unit: weight, Rank: 2},
		{Name: "guaranteed", Title: "sure", Unit: report.UnitFlag, Rank: 2},
		{Name: "share", Title: "%", Unit: report.UnitRatio},
	}}
	keys, next := c.heavy.Top(top)
	for i := range keys {
		k := &keys[i]
		sure := int64(0)
		if k.Count-k.Error >= next {
			sure = 1
		}
		name := report.Null
		if text := nameOf(k.Key); text != "" {
			name = report.Text(text)
		}
		t.Rows = append(t.Rows, []report.Value{
			report.Text(k.Key), name, told(k.Sums[sumReads], known.reads), told(k.Sums[sumWrites], known.writes),
			toldOf(k.Sums[sumCPU], known.cpu, &known), toldOf(k.Sums[sumBytes], known.bytes, &known), report.Number(k.Count),
			report.Number(k.Error),
			report.Number(sure), report.Number(share(float64(k.Count), c.total())),
		})
	}
	return t
}

// useColumns are those of a table of sums.
func useColumns(first report.Column) []report.Column {
	return []report.Column{
		first,
		{Name: "reads", Unit: report.UnitCount, Sum: true},
		{Name: "writes", Unit: report.UnitCount, Sum: true},
		{Name: "cpu_us", Title: "CPU µs", Unit: report.UnitCount, Sum: true},
		{Name: "bytes", Unit: report.UnitBytes, Sum: true, Rank: 1},
		{Name: "share", Title: "%", Unit: report.UnitRatio, Sum: true},
	}
}

func (c *Counter) useRow(name string, s *sums, known sums) []report.Value {
	return []report.Value{
		report.Text(name), told(s.reads, known.reads), told(s.writes, known.writes), told(s.cpu, known.cpu), told(s.bytes, known.bytes),
		report.Number(share(float64(s.of(c.opt.Weight)), c.total())),
	}
}

func (c *Counter) byTemplate(all []template, known sums) report.Table {
	t := report.Table{
		Name: "templates", Title: "Template", Rows: [][]report.Value{},
		Columns: useColumns(report.Column{Name: "template", Unit: report.UnitKey}),
	}
	slices.SortFunc(all, func(a, b template) int {
		return cmp.Or(cmp.Compare(b.of(c.opt.Weight), a.of(c.opt.Weight)), cmp.Compare(a.text, b.text))
	})
	var rest sums
	for i := range all {
		if i < maxTemplates {
			t.Rows = append(t.Rows, c.useRow(all[i].text, &all[i].sums, known))
			continue
		}
		rest.add(&all[i].sums)
		t.Omitted++
	}
	if t.Omitted > 0 {
		t.More = c.useRow("", &rest, known)
		t.More[0] = report.Null
	}
	return t
}

func (c *Counter) byNode(known sums) report.Table {
	t := report.Table{Name: "nodes", Title: "Node", Columns: useColumns(report.Column{Name: "node", Unit: report.UnitText})}
	names := slices.Clone(c.nodeNames)
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(c.nodes[b].of(c.opt.Weight), c.nodes[a].of(c.opt.Weight)), cmp.Compare(a, b))
	})
	for _, n := range names {
		t.Rows = append(t.Rows, c.useRow(n, c.nodes[n], known))
	}
	return t
}

// Limits of the fit of an exponent.
const (
	zipfRanks = 1000
	zipfLeast = 50 // ranks
	zipfHits  = 20 // of the last rank
	zipfFar   = 0.1
)

// zipf fits the exponent of the whole stream.
func (c *Counter) zipf() ([]report.Metric, bool) {
	keys, _ := c.heavy.Top(zipfRanks)
	exponent, distance, n := fit(keys)
	if n < zipfLeast {
		return nil, false
	}
	text := fmt.Sprintf("%.2f", exponent)
	if distance > zipfFar {
		text = "not like Zipf"
	}
	return []report.Metric{
		{Name: "zipf", Value: report.Text(text), Unit: report.UnitText},
		{Name: "zipf_distance", Value: report.Text(fmt.Sprintf("%.3f", distance)), Unit: report.UnitText},
		{Name: "zipf_ranks", Value: report.Number(n), Unit: report.UnitCount},
	}, true
}

// fit fits an exponent to the keys that were met often enough, and returns how many these are.
func fit(keys []sketch.HeavyKey) (exponent, distance float64, n int) {
	var weights []float64
	for i := range keys {
		if k := &keys[i]; k.Count-k.Error >= zipfHits {
			weights = append(weights, float64(k.Count)-float64(k.Error)/2)
		}
	}
	slices.SortFunc(weights, func(a, b float64) int { return cmp.Compare(b, a) })
	exponent, distance, ok := sketch.Zipf(weights)
	if !ok {
		return 0, 0, 0
	}
	return exponent, distance, len(weights)
}
