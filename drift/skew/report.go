package skew

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/report"
)

// tableRows is how many bins of a dimension are listed.
const tableRows = 100

// Report says everything: the measures, the heaviest bins of each dimension, the heat map.
func (c *Collector) Report(out *audit.Output) {
	if c.all.Keys+c.all.Ops == 0 {
		return
	}
	from := "names: where a cluster of 16,384 slots would keep the keys"
	switch {
	case c.told:
		from = "the store"
	case !c.slotted():
		from = "nobody: the report was saved without them"
	}
	out.Metrics = []report.Metric{
		{Name: "keys", Value: report.Number(c.all.Keys), Unit: report.UnitCount},
		{Name: "slots_from", Value: report.Text(from), Unit: report.UnitText},
	}
	if c.all.Ops > 0 {
		out.Metrics = append(out.Metrics, report.Metric{Name: "operations", Value: report.Number(c.all.Ops), Unit: report.UnitCount})
	}
	out.Tables = []report.Table{c.measures()}
	for _, d := range c.dimensions() {
		if len(d.bins) > 1 || d.name == "node" {
			out.Tables = append(out.Tables, c.byBin(&d))
		}
	}
	if c.slotted() {
		out.Tables = append(out.Tables, c.heatmap())
	}
	out.Findings = append(out.Findings, c.hotNodes()...)
}

// A dimension is the bins that keys are counted by.
type dimension struct {
	name   string
	bins   []bin
	all    bool    // these are all bins that there are
	random bool    // chance decides which bin a key is in
	groups *groups // of names of which not all may be known
}

func (c *Collector) dimensions() []dimension {
	var ds []dimension
	if c.slotted() {
		d := dimension{name: "slot", all: true, random: true}
		for i := range c.slots {
			d.bins = append(d.bins, bin{strconv.Itoa(i), c.slots[i]})
		}
		ds = append(ds, d)
	}
	if len(c.placed) > 0 {
		ds = append(ds, dimension{name: "node", bins: named(c.placed), all: true, random: true})
	}
	add := func(name string, g *groups) {
		if bins, all := g.bins(); len(bins) > 0 {
			ds = append(ds, dimension{name: name, bins: bins, all: all, groups: g})
		}
	}
	add("tag", c.tags)
	for i, p := range c.prefixes {
		add("prefix"+strconv.Itoa(i+1), p)
	}
	ds = append(ds, dimension{name: "template", bins: c.templates(), all: true})
	if len(c.dbs) > 0 {
		ds = append(ds, dimension{name: "db", bins: named(c.dbs), all: true})
	}
	return ds
}

// slotted reports whether keys were counted by slot: an audit of a single server has not.
func (c *Collector) slotted() bool { return c.fixed == nil || c.told }

func named(m map[string]*Load) []bin {
	bins := make([]bin, 0, len(m))
	for _, name := range sortedKeys(m) {
		bins = append(bins, bin{name, *m[name]})
	}
	return bins
}

func (c *Collector) templates() []bin {
	bins := slices.Clone(c.fixed)
	for i, l := range c.declared {
		if *l != (Load{}) {
			bins = append(bins, bin{c.opt.Schema.Templates[i].Key.String(), *l})
		}
	}
	r := c.tree.Templates()
	for i := range r.Templates {
		bins = append(bins, bin{r.Templates[i].Text, *r.Templates[i].Stats})
	}
	return bins
}

// Counts reports whether anything of a metric was counted.
func (c *Collector) Counts(of Metric) bool { return c.all.of(of) > 0 }

// metrics are those of which something is known.
func (c *Collector) metrics() []Metric {
	known := []Metric{}
	for _, m := range Metrics() {
		if c.all.of(m) > 0 && !(m == Bytes && c.sampled) {
			known = append(known, m)
		}
	}
	return known
}

// measures is one row for each dimension and metric.
func (c *Collector) measures() report.Table {
	t := report.Table{Name: "measures", Title: "By", Columns: []report.Column{
		{Name: "by", Unit: report.UnitText},
		{Name: "of", Unit: report.UnitText},
		{Name: "bins", Unit: report.UnitCount},
		{Name: "top_share", Title: "top", Unit: report.UnitRatio},
		{Name: "top10_share", Title: "top 10", Unit: report.UnitRatio, Rank: 2},
		{Name: "max_over_mean", Title: "max/mean", Unit: report.UnitFactor},
		{Name: "by_chance", Title: "by chance", Unit: report.UnitFactor},
		{Name: "gini", Unit: report.UnitText, Rank: 1},
		{Name: "effect", Title: "w", Unit: report.UnitText},
		{Name: "effective_bins", Title: "effective", Unit: report.UnitCount, Rank: 3},
		{Name: "zipf", Unit: report.UnitText, Rank: 1},
		{Name: "cause", Unit: report.UnitText},
	}}
	for _, d := range c.dimensions() {
		for _, of := range c.metrics() {
			if m, ok := c.measure(&d, of); ok {
				t.Rows = append(t.Rows, append(m.row(d.name, of), textOr(c.cause(&d, of, &m))))
			}
		}
	}
	return t
}

func textOr(s string) report.Value {
	if s == "" {
		return report.Null
	}
	return report.Text(s)
}

func (m *Measures) row(by string, of Metric) []report.Value {
	return []report.Value{
		report.Text(by), report.Text(string(of)), report.Number(m.Bins), report.Number(m.Top), report.Number(m.Top10),
		report.Number(m.Peak),
		report.Number(m.Chance), short(m.Gini, 2), short(m.Effect, 3), report.Number(math.Round(m.Effective)), short(m.Zipf, 2),
	}
}

// short rounds a number without a unit.
func short(x float64, digits int) report.Value {
	scale := math.Pow(10, float64(digits))
	return report.Number(math.Round(x*scale) / scale)
}

func (c *Collector) measure(d *dimension, of Metric) (Measures, bool) {
	if d.groups != nil && !d.all {
		weights, names := d.groups.weights(of)
		m, ok := Measure(weights, c.pieces(of, d.random))
		m.Bins = int(math.Round(names))
		return m, ok
	}
	weights := make([]float64, len(d.bins))
	for i := range d.bins {
		weights[i] = float64(d.bins[i].of(of))
	}
	m, ok := Measure(weights, c.pieces(of, d.random))
	return m, ok && (m.Bins > 1 || d.name == "tag")
}

// pieces is how many independent pieces of equal weight a metric consists of, for chance to place. Keys of one tag are placed at
// once, so by slot and node a tag is one piece. Bytes are as many as keys of one size would be whose sum and sum of squares are
// those of the keys, without the few that are by far the biggest: these are looked at one by one (cause), and of operations
// alike.
func (c *Collector) pieces(of Metric, random bool) float64 {
	switch of {
	case Keys:
		if !random {
			return float64(c.all.Keys)
		}
		tags, _ := c.tags.stored.Names()
		return float64(c.untagged) + tags
	case Bytes:
		total, squares := float64(c.all.Bytes), c.squares.Float()
		bulk, rest := total, squares
		for _, k := range c.big.Sorted() {
			bulk -= float64(k.bytes)
			rest -= float64(k.bytes) * float64(k.bytes)
		}
		if c.all.Keys > bulkKeys && rest > 0 {
			total, squares = bulk, rest
		}
		return share(total*total, squares)
	}
	if c.used == (sketch.Wide{}) && c.heavy.Total() == 0 {
		return float64(c.all.Keys) // of slots alone: as if all keys were used alike
	}
	if c.used != (sketch.Wide{}) {
		return share(float64(c.all.Ops)*float64(c.all.Ops), c.used.Float())
	}
	return share(float64(c.heavy.Total())*float64(c.heavy.Total()), c.accessSquares())
}

// bulkKeys is how many keys there must be for the few biggest to be no more than a few.
const bulkKeys = 4 * keptKeys

func share(part, whole float64) float64 {
	if whole <= 0 {
		return 0
	}
	return part / whole
}

// accessSquares is about the sum of the squares of the accesses to each key.
func (c *Collector) accessSquares() (sum float64) {
	keys, bound := c.heavy.Top(c.heavy.Len())
	seen := 0.0
	for i := range keys {
		x := float64(keys[i].Count) - float64(keys[i].Error)/2
		seen += x
		sum += x * x
	}
	return sum + max(0, float64(c.heavy.Total())-seen)*float64(bound)/2
}

func (c *Collector) byBin(d *dimension) report.Table {
	t := report.Table{Name: "by_" + d.name, Title: d.name, Columns: []report.Column{
		{Name: d.name, Unit: report.UnitKey},
		{Name: "keys", Unit: report.UnitCount, Sum: true},
		{Name: "keys_share", Title: "%", Unit: report.UnitRatio, Sum: true},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
		{Name: "bytes_share", Title: "%", Unit: report.UnitRatio, Sum: true},
		{Name: "ops", Unit: report.UnitCount, Sum: true},
		{Name: "ops_share", Title: "%", Unit: report.UnitRatio, Sum: true},
	}}
	if d.name == "slot" || d.name == "node" || d.name == "db" {
		t.Columns[0].Unit = report.UnitText
	}
	of := c.mainMetric()
	bins := slices.Clone(d.bins)
	if d.groups != nil && !d.all {
		bins = d.groups.top(of, tableRows)
	}
	slices.SortFunc(bins, func(a, b bin) int { return byWeight(&a, &b, of) })
	known := map[Metric]bool{}
	for _, m := range c.metrics() {
		known[m] = true
	}
	row := func(name report.Value, l *Load) []report.Value {
		values := []report.Value{name}
		for _, m := range Metrics() {
			if !known[m] {
				values = append(values, report.Null, report.Null)
				continue
			}
			values = append(values, report.Number(l.of(m)), report.Number(float64(l.of(m))/float64(c.all.of(m))))
		}
		return values
	}
	rest := d.held()
	for i := range bins[:min(tableRows, len(bins))] {
		b := &bins[i]
		if b.Load == (Load{}) {
			break
		}
		rest.Keys, rest.Bytes, rest.Ops = rest.Keys-b.Keys, rest.Bytes-b.Bytes, rest.Ops-b.Ops
		t.Rows = append(t.Rows, row(report.Text(b.name), &b.Load))
	}
	if t.Omitted = int64(max(0, filled(d)-len(t.Rows))); t.Omitted > 0 {
		rest = Load{max(0, rest.Keys), max(0, rest.Bytes), max(0, rest.Ops)}
		t.More = row(report.Null, &rest)
	}
	return t
}

// held is what all bins of a dimension hold: of names, what those hold that have one.
func (d *dimension) held() (l Load) {
	if d.groups != nil && !d.all {
		return Load{d.groups.heavy[0].Total(), d.groups.heavy[1].Total(), d.groups.heavy[2].Total()}
	}
	for i := range d.bins {
		l.add(&d.bins[i].Load)
	}
	return l
}

// filled is how many bins of a dimension hold anything.
func filled(d *dimension) (n int) {
	for i := range d.bins {
		if d.bins[i].Load != (Load{}) {
			n++
		}
	}
	return n
}

// mainMetric is what tables are sorted by.
func (c *Collector) mainMetric() Metric {
	known := c.metrics()
	if slices.Contains(known, Bytes) {
		return Bytes
	}
	if len(known) > 0 {
		return known[0]
	}
	return Keys
}

// heatSlots is how many slots make a cell of the heat map.
const heatSlots = 64

func (c *Collector) heatmap() report.Table {
	t := report.Table{Name: "heatmap", Title: "Slots", Columns: []report.Column{
		{Name: "slots", Unit: report.UnitText},
		{Name: "keys", Unit: report.UnitCount, Sum: true},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
		{Name: "ops", Unit: report.UnitCount, Sum: true},
	}}
	known := c.metrics()
	for from := 0; from < slot.Count; from += heatSlots {
		var l Load
		for i := from; i < from+heatSlots; i++ {
			l.add(&c.slots[i])
		}
		row := []report.Value{report.Text(fmt.Sprintf("%d-%d", from, from+heatSlots-1))}
		for _, m := range Metrics() {
			if slices.Contains(known, m) {
				row = append(row, report.Number(l.of(m)))
			} else {
				row = append(row, report.Null)
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// causeMost is how much of what chance does not explain must be gone without a tag or key for that to be the cause, and
// causeTimes how many times what chance does is out of the ordinary.
const (
	causeMost  = 0.5
	causeTimes = 1.5
)

// cause names the tag or key without which the fullest slot or node is not out of the ordinary; "" where there is none, or
// nothing is out of the ordinary.
func (c *Collector) cause(d *dimension, of Metric, m *Measures) string {
	if !d.random || !(m.Peak > causeTimes*m.Chance) || m.Bins < 2 {
		return ""
	}
	fullest, most := 0, int64(0)
	for i := range d.bins {
		if x := d.bins[i].of(of); x > most {
			fullest, most = i, x
		}
	}
	inBin := func(key string) bool {
		n := slot.Of(key)
		if d.name == "slot" {
			return int(n) == fullest
		}
		return c.owner != nil && c.owner[n] > 0 && c.places[c.owner[n]-1] == d.bins[fullest].name
	}
	name, weight := c.suspect(of, inBin)
	if weight == 0 {
		return ""
	}
	rest := m.Peak * float64(most-min(weight, most)) / float64(most)
	if rest-m.Chance > (1-causeMost)*(m.Peak-m.Chance) {
		return ""
	}
	return fmt.Sprintf("%s is %s of %s %s; without it %s", name, humanize.Ratio(float64(weight)/float64(most)), d.name,
		d.bins[fullest].name, humanize.Factor(rest))
}

// suspect returns the tag or key that has most of a metric among those of a bin.
func (c *Collector) suspect(of Metric, inBin func(key string) bool) (name string, weight int64) {
	for _, t := range c.tags.top(of, topPlaces) {
		if len(t.name) < longestTag && inBin(t.name) && t.of(of) > weight {
			name, weight = "{"+t.name+"}", t.of(of)
		}
	}
	switch of {
	case Bytes:
		for _, k := range c.big.Sorted() {
			if inBin(k.key) && k.bytes > weight {
				name, weight = k.key, k.bytes
			}
		}
	case Ops:
		keys, _ := c.heavy.Top(keptKeys)
		for i := range keys {
			if n := keys[i].Count - keys[i].Error; inBin(keys[i].Key) && n > weight {
				name, weight = keys[i].Key, n
			}
		}
	}
	return name, weight
}

// hotNodes holds the operations of each node against KD026; its bytes are for package keydesign.
func (c *Collector) hotNodes() []report.Finding {
	limit, half := keydesign.NodeSkewLimits()
	mean := float64(c.nodeOps()) / float64(max(1, len(c.placed)))
	var found []report.Finding
	for _, b := range named(c.placed) {
		if len(c.placed) < 2 || mean < leastOps || float64(b.Ops) <= limit*mean {
			continue
		}
		share := float64(b.Ops) / float64(c.nodeOps())
		f := report.Finding{
			Rule: keydesign.NodeSkew, Severity: report.Warning, Subject: b.name,
			Message: fmt.Sprintf("%s of the operations are on one of %d nodes", humanize.Ratio(share), len(c.placed)),
			Fix:     "find the keys: kvtool hotkeys; then move slots to the other nodes, or spread what is hot over copies",
			Measure: &report.Metric{Name: "times_mean", Value: report.Number(float64(b.Ops) / mean), Unit: report.UnitFactor},
			Evidence: []report.Metric{
				{Name: "ops", Value: report.Number(b.Ops), Unit: report.UnitCount}, {
					Name: "ops_share", Value: report.Number(share),
					Unit: report.UnitRatio,
				},
			},
		}
		if share > half && len(c.placed) > 2 {
			f.Severity = report.Error
		}
		found = append(found, f)
	}
	return found
}

// leastOps is how many operations on a node, in the mean, say anything.
const leastOps = 1000

func (c *Collector) nodeOps() (n int64) {
	for _, l := range c.placed {
		n += l.Ops
	}
	return n
}

// Keep leaves of a section what is of the dimensions and metrics that are asked for; none is all.
func Keep(s *report.Section, dimensions, metrics []string) {
	wanted := func(list []string, name string) bool {
		return len(list) == 0 || slices.ContainsFunc(list, func(x string) bool {
			return x == name || x == strings.TrimRight(name,
				"123")
		})
	}
	s.Tables = slices.DeleteFunc(s.Tables, func(t report.Table) bool {
		d, isDimension := strings.CutPrefix(t.Name, "by_")
		return isDimension && !wanted(dimensions, d) || t.Name == "heatmap" && !wanted(dimensions, "slot")
	})
	for i := range s.Tables {
		if t := &s.Tables[i]; t.Name == "measures" {
			t.Rows = slices.DeleteFunc(t.Rows, func(row []report.Value) bool {
				by, _ := row[0].Text()
				of, _ := row[1].Text()
				return !wanted(dimensions, by) || !wanted(metrics, of)
			})
		}
	}
}
