package compare

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// This file compares what is of the whole and not of a template: the servers, encodings, how keys are spread.

// judgedApart are settings that INFO tells as well, and memory, which two environments may differ in.
func judgedApart(name string) bool {
	return name == "maxmemory-policy" || name == "appendonly" || name == "maxmemory" || name == "maxclients"
}

// servers compares what the servers say of themselves.
func (c *comparison) servers() {
	a, b := c.base.info, c.head.info
	if a == nil || b == nil {
		return
	}
	c.setting(report.Warning, "product", a.Product, b.Product)
	severity := report.Info
	if c.Normalise && releaseOf(a.Version) != releaseOf(b.Version) { // what is tried on the one is to hold on the other
		severity = report.Warning
	}
	c.setting(severity, "version", a.Version, b.Version)
	c.setting(report.Warning, "maxmemory-policy", a.Server.Policy, b.Server.Policy)
	c.setting(report.Warning, "appendonly", a.Server.AppendOnly, b.Server.AppendOnly)
	if !c.Normalise && a.Server.MaxMemory != b.Server.MaxMemory {
		c.setting(report.Info, "maxmemory", fmt.Sprint(a.Server.MaxMemory), fmt.Sprint(b.Server.MaxMemory))
	}
	if (a.Server.Settings == nil) != (b.Server.Settings == nil) {
		c.notes = append(c.notes, "The settings of one of the two are not known: CONFIG GET was refused, or it was saved without them.")
	}
	for _, name := range slices.Sorted(maps.Keys(a.Server.Settings)) {
		is, told := b.Server.Settings[name]
		if !judgedApart(name) && told {
			c.setting(report.Info, name, orNothing(a.Server.Settings[name]), orNothing(is))
		}
	}
}

func orNothing(s string) string { return cmp.Or(s, "nothing") }

// releaseOf returns the first two numbers of a version: within these servers are set alike and encode alike.
func releaseOf(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

func (c *comparison) setting(severity report.Severity, name, was, is string) {
	if was == is || was == "" || is == "" {
		return
	}
	c.find(report.Finding{
		Rule: servers().ID, Severity: severity, Subject: name, Message: fmt.Sprintf("%s is %s, and was %s", name, is, was),
		Evidence: []report.Metric{
			{Name: "before", Value: report.Text(was), Unit: report.UnitText}, {Name: "now", Value: report.Text(is), Unit: report.UnitText},
		},
	})
}

// An encoded is how many keys of a type have an encoding, on both sides.
type encoded struct {
	typ, encoding string
	was, is       float64 // keys
	n, m          float64 // of that type
}

// encoded lists types and encodings, by name.
func (c *comparison) encoded() (all []encoded) {
	base, head := encodingsOf(c.base.Report), encodingsOf(c.head.Report)
	for _, typ := range slices.Sorted(maps.Keys(union(base, head))) {
		n, m := total(base[typ]), total(head[typ])
		for _, e := range slices.Sorted(maps.Keys(union(base[typ], head[typ]))) {
			all = append(all, encoded{typ, e, base[typ][e], head[typ][e], n, m})
		}
	}
	return all
}

func total(m map[string]float64) (n float64) {
	for _, x := range m {
		n += x
	}
	return n
}

// encodings compares in which encodings the keys of a type are, over all templates: of each type the one that has gained most.
func (c *comparison) encodings() {
	best := map[string]encoded{}
	for _, e := range c.encoded() {
		d, _, _, yes := differ(e.was, e.n, e.is, e.m)
		if e.n < fewest || e.m < fewest || !yes || d < typeShare {
			continue
		}
		if b, known := best[e.typ]; !known || d > b.is/b.m-b.was/b.n {
			best[e.typ] = e
		}
	}
	for _, typ := range slices.Sorted(maps.Keys(best)) {
		e := best[typ]
		d, low, high, _ := differ(e.was, e.n, e.is, e.m)
		f := report.Finding{
			Rule: types().ID, Severity: report.Info, Subject: typ,
			Message: fmt.Sprintf("%+.2g points of the keys of type %s are %s (%+.2g to %+.2g): %.2g%%, and %.2g%% were",
				100*d, typ, e.encoding, 100*low, 100*high, 100*e.is/e.m, 100*e.was/e.n),
			Evidence: []report.Metric{
				metric("before", e.was/e.n, report.UnitRatio), metric("now", e.is/e.m, report.UnitRatio),
				{Name: "encoding", Value: report.Text(e.encoding), Unit: report.UnitText},
			},
		}
		if large(e.encoding) {
			f.Severity = report.Warning
			f.Message += "; each takes several times the memory of a compact one"
		}
		m := metric("change", d, report.UnitRatio)
		f.Measure = &m
		c.find(f)
	}
}

// large reports whether an encoding is the one that a collection grows into.
func large(encoding string) bool {
	switch kv.Encoding(encoding) {
	case kv.EncodingHashtable, kv.EncodingSkiplist, kv.EncodingQuicklist:
		return true
	}
	return false
}

func union[V any](a, b map[string]V) map[string]bool {
	all := map[string]bool{}
	for k := range a {
		all[k] = true
	}
	for k := range b {
		all[k] = true
	}
	return all
}

// encodingsOf returns how many keys of each type have each encoding.
func encodingsOf(r *report.Report) map[string]map[string]float64 {
	all := map[string]map[string]float64{}
	s := r.Section("types")
	if s == nil || len(s.Tables) == 0 {
		return all
	}
	for _, row := range s.Tables[0].Rows {
		typ, _ := row[0].Text()
		encoding, _ := row[1].Text()
		n, ok := row[2].Number()
		if !ok || typ == "" || encoding == "" {
			continue
		}
		if all[typ] == nil {
			all[typ] = map[string]float64{}
		}
		all[typ][encoding] += n
	}
	return all
}

// A spread is how unevenly keys lie over bins, on both sides.
type spread struct {
	over     string
	bins     int
	was, is  float64 // Cohen's w, without what chance does
	certain  bool    // there are keys enough on both sides
	top, now float64 // share of the fullest
}

// slotsTogether is how many slots make a bin: of single ones few keyspaces have keys enough.
const slotsTogether = 64

// perBin is how many keys there must be, in the mean, for the spread over bins to be compared.
const perBin = 50

// spreads measures how keys lie over the slots and nodes of a cluster.
func (c *comparison) spreads() (all []spread) {
	add := func(over string, a, b []float64) {
		if len(a) < 2 || len(b) < 2 {
			return
		}
		s := spread{over: over, bins: len(b), certain: min(sum(a)/float64(len(a)), sum(b)/float64(len(b))) >= perBin}
		s.was, s.top = cohen(a)
		s.is, s.now = cohen(b)
		all = append(all, s)
	}
	add("slots", together(c.base.slots), together(c.head.slots))
	add("nodes", loads(c.base.nodes), loads(c.head.nodes))
	return all
}

func sum(xs []float64) (n float64) {
	for _, x := range xs {
		n += x
	}
	return n
}

func together(slots []keydesign.KeyLoad) (bins []float64) {
	for i, l := range slots {
		if i%slotsTogether == 0 {
			bins = append(bins, 0)
		}
		bins[len(bins)-1] += float64(l.Keys)
	}
	return bins
}

func loads(nodes map[string]keydesign.KeyLoad) (bins []float64) {
	for _, l := range nodes {
		bins = append(bins, float64(l.Keys))
	}
	return bins
}

// cohen returns Cohen's w of keys against a uniform spread, with what chance adds taken out (as package skew has it), and the share
// of the fullest bin.
func cohen(bins []float64) (w, top float64) {
	n, k, squares := sum(bins), float64(len(bins)), 0.
	if n == 0 {
		return 0, 0
	}
	for _, x := range bins {
		squares += x / n * x / n
		top = max(top, x/n)
	}
	return math.Sqrt(max(0, k*squares-1-(k-1)/n)), top
}

// skew compares how unevenly keys are spread.
func (c *comparison) skew() {
	for _, s := range c.spreads() {
		if !s.certain || math.Abs(s.is-s.was) < skewChange {
			continue
		}
		severity := report.Info
		if s.is > s.was {
			severity = report.Warning
		}
		m := metric("cohen_w", s.is, report.UnitFactor)
		c.find(report.Finding{
			Rule: skews().ID, Severity: severity, Subject: s.over, Measure: &m,
			Message: fmt.Sprintf("the spread over %s has a Cohen's w of %.2f, and had %.2f; the fullest of %d has %.2g%%, and had %.2g%%",
				s.over, s.is, s.was, s.bins, 100*s.now, 100*s.top),
			Evidence: []report.Metric{metric("before", s.was, report.UnitFactor), metric("top_share", s.now, report.UnitRatio)},
		})
	}
}

// wholes are the tables of what is of the whole.
func (c *comparison) wholes() (tables []report.Table) {
	t := report.Table{Name: "encodings", Title: "Encodings", Rows: [][]report.Value{}, Columns: []report.Column{
		{Name: "type", Unit: report.UnitText},
		{Name: "encoding", Unit: report.UnitText},
		{Name: "keys_before", Title: "keys was", Unit: report.UnitCount},
		{Name: "keys", Unit: report.UnitCount},
		{Name: "share_before", Title: "% was", Unit: report.UnitRatio},
		{Name: "share", Title: "%", Unit: report.UnitRatio},
	}}
	for _, e := range c.encoded() {
		t.Rows = append(t.Rows, []report.Value{
			report.Text(e.typ), report.Text(e.encoding), report.Number(e.was), report.Number(e.is),
			report.Number(e.was / max(1, e.n)), report.Number(e.is / max(1, e.m)),
		})
	}
	if len(t.Rows) > 0 {
		tables = append(tables, t)
	}
	u := report.Table{Name: "skew", Title: "Spread", Columns: []report.Column{
		{Name: "over", Unit: report.UnitText},
		{Name: "bins", Unit: report.UnitCount},
		{Name: "cohen_w_before", Title: "w was", Unit: report.UnitText},
		{Name: "cohen_w", Title: "w", Unit: report.UnitText},
		{Name: "top_before", Title: "top was", Unit: report.UnitRatio},
		{Name: "top", Unit: report.UnitRatio},
	}}
	short := func(x float64) report.Value { return report.Number(math.Round(1000*x) / 1000) }
	for _, s := range c.spreads() {
		u.Rows = append(u.Rows, []report.Value{
			report.Text(s.over), report.Number(s.bins), short(s.was), short(s.is), report.Number(s.top), report.Number(s.now),
		})
	}
	if len(u.Rows) > 0 {
		tables = append(tables, u)
	}
	return tables
}
