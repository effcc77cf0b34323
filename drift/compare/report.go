package compare

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/report"
)

// A row is a template in the table.
type row struct {
	p                *pair
	lawful           bool
	js, ks, shift    float64
	ttlBase, ttlHead float64
	verdict          string
}

func newRow(p *pair) row { return row{p: p} }

func columns() []report.Column {
	return []report.Column{
		{Name: "template", Unit: report.UnitKey},
		{Name: "keys_before", Title: "keys was", Unit: report.UnitCount, Sum: true},
		{Name: "keys", Unit: report.UnitCount, Sum: true},
		{Name: "bytes_before", Title: "mem was", Unit: report.UnitBytes, Sum: true, Rank: 2},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true, Rank: 2},
		{Name: "no_ttl_before", Title: "no TTL was", Unit: report.UnitRatio, Rank: 3},
		{Name: "no_ttl", Title: "no TTL", Unit: report.UnitRatio, Rank: 3},
		{Name: "ttl_before", Title: "TTL was", Unit: report.UnitDuration, Rank: 1},
		{Name: "ttl", Title: "TTL", Unit: report.UnitDuration, Rank: 1},
		{Name: "js_distance", Title: "dist", Unit: report.UnitRatio, Rank: 4},
		{Name: "verdict", Unit: report.UnitText},
	}
}

func (r *row) values() []report.Value {
	v := make([]report.Value, len(columns()))
	v[0], v[10] = report.Text(r.p.text), report.Text(r.verdict)
	side := func(t *keydesign.TemplateFacts, keys, bytes, lost int) {
		if t == nil {
			v[keys] = report.Number(0)
			return
		}
		v[keys] = report.Number(t.Keys)
		if t.Size.Known {
			v[bytes] = report.Number(t.Bytes)
		}
		if t.TTL.Keys > 0 {
			v[lost] = report.Number(float64(t.TTL.Persistent) / float64(t.TTL.Keys))
		}
	}
	side(r.p.base, 1, 3, 5)
	side(r.p.head, 2, 4, 6)
	if r.ttlBase > 0 && r.ttlHead > 0 {
		v[7], v[8] = report.Number(r.ttlBase), report.Number(r.ttlHead)
	}
	if r.lawful {
		v[9] = report.Number(r.js)
	}
	return v
}

// SectionName is the name of the section of a comparison.
const SectionName = "drift"

// report makes the report: what HEAD is, and what has changed.
func (c *comparison) report(rows [][]report.Value) *report.Report {
	head := c.head.Report
	doc := &report.Report{
		Schema: report.Schema, Kind: report.KindDrift, Target: head.Target, Taken: head.Taken, Coverage: head.Coverage,
		Findings: c.findings, Skipped: []report.Skip{},
	}
	if doc.Findings == nil {
		doc.Findings = []report.Finding{}
	}
	report.SortFindings(doc.Findings)
	keys := func(v []report.Value) float64 {
		a, _ := v[1].Number()
		b, _ := v[2].Number()
		return max(a, b)
	}
	slices.SortStableFunc(rows, func(a, b []report.Value) int { return cmp.Compare(keys(b), keys(a)) })
	doc.Sections = []report.Section{{
		Name: SectionName, Title: "TEMPLATES",
		Metrics: []report.Metric{
			{Name: "base", Value: report.Text(c.base.Name), Unit: report.UnitText},
			{Name: "base_taken", Value: report.Time(c.base.Report.Taken), Unit: report.UnitTime},
			{Name: "keys_before", Value: report.Number(c.base.facts.Keys), Unit: report.UnitCount},
			{Name: "keys", Value: report.Number(c.head.facts.Keys), Unit: report.UnitCount},
			{Name: "insufficient", Value: report.Number(c.few), Unit: report.UnitCount},
		},
		Tables: []report.Table{{Name: "templates", Columns: columns(), Rows: rows}},
	}}
	doc.Target.Notes = append(slices.Clone(head.Target.Notes), c.allNotes()...)
	if !c.base.Report.Coverage.Complete {
		doc.Coverage.Complete = false
		doc.Coverage.Why = append(slices.Clone(doc.Coverage.Why), c.base.Name+" is not complete")
	}
	return doc
}

func (c *comparison) allNotes() []string {
	notes := c.notes
	if c.few > 0 {
		notes = append(notes, fmt.Sprintf("%d templates have fewer than %d keys on a side: of these only their number is compared.", c.few, fewest))
	}
	if c.strays > 0 {
		notes = append(notes, fmt.Sprintf("%d templates of fewer than %d keys are on one side alone: that may be chance.", c.strays, fewestNew))
	}
	if c.otherwise > 0 {
		notes = append(notes, fmt.Sprintf("%d templates were inferred otherwise on the two sides: a schema would tell their keys apart.", c.otherwise))
	}
	if c.base.Report.Target.URL != c.head.Report.Target.URL && !c.Normalise {
		notes = append(notes, "The two are of different targets: --normalise compares shares, where one is larger than the other.")
	}
	if c.base.Report.Taken.After(c.head.Report.Taken) {
		notes = append(notes, "BASE is the later of the two.")
	}
	if c.base.facts.Sampled || c.head.facts.Sampled {
		notes = append(notes, "Some keys told no more than their names: what is compared is of the others.")
	}
	return notes
}

// servers compares what the servers say of themselves.
func (c *comparison) servers() {
	a, b := c.base.info, c.head.info
	if a == nil || b == nil {
		return
	}
	say := func(severity report.Severity, name, was, is string) {
		if was == is || was == "" || is == "" {
			return
		}
		c.find(report.Finding{
			Rule: servers().ID, Severity: severity, Subject: name, Message: fmt.Sprintf("%s is %s, and was %s", name, is, was),
			Evidence: []report.Metric{{Name: "before", Value: report.Text(was), Unit: report.UnitText}, {Name: "now", Value: report.Text(is), Unit: report.UnitText}},
		})
	}
	say(report.Warning, "product", a.Product, b.Product)
	say(report.Info, "version", a.Version, b.Version)
	say(report.Warning, "maxmemory-policy", a.Server.Policy, b.Server.Policy)
	say(report.Warning, "appendonly", a.Server.AppendOnly, b.Server.AppendOnly)
	if !c.Normalise && a.Server.MaxMemory != b.Server.MaxMemory {
		say(report.Info, "maxmemory", fmt.Sprint(a.Server.MaxMemory), fmt.Sprint(b.Server.MaxMemory))
	}
}

// encodings compares in which encodings the keys of a type are, over all templates.
func (c *comparison) encodings() {
	base, head := encodingsOf(c.base.Report), encodingsOf(c.head.Report)
	for typ, was := range base {
		is := head[typ]
		var n, m float64
		for _, k := range was {
			n += k
		}
		for _, k := range is {
			m += k
		}
		if n < fewest || m < fewest {
			continue
		}
		worst, by, from, to := "", 0., 0., 0.
		for e := range union(was, is) {
			d, _, _, yes := differ(was[e], n, is[e], m)
			if yes && math.Abs(d) >= typeShare && (math.Abs(d) > math.Abs(by) || math.Abs(d) == math.Abs(by) && e < worst) {
				worst, by, from, to = e, d, was[e]/n, is[e]/m
			}
		}
		if worst == "" {
			continue
		}
		m1 := metric("change", math.Abs(by), report.UnitRatio)
		c.find(report.Finding{
			Rule: types().ID, Severity: report.Info, Subject: typ, Measure: &m1,
			Message:  fmt.Sprintf("%.2g%% of keys of type %s are %s, and %.2g%% were", 100*to, typ, worst, 100*from),
			Evidence: []report.Metric{metric("before", from, report.UnitRatio), metric("now", to, report.UnitRatio)},
		})
	}
}

func union(a, b map[string]float64) map[string]bool {
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
		if !ok || typ == "" {
			continue
		}
		if all[typ] == nil {
			all[typ] = map[string]float64{}
		}
		all[typ][encoding] += n
	}
	return all
}

// skew compares how unevenly keys are spread over the nodes of a cluster: Cohen's w, against a uniform spread.
func (c *comparison) skew() {
	if len(c.base.nodes) < 2 || len(c.head.nodes) < 2 {
		return
	}
	was, is := cohen(c.base.nodes), cohen(c.head.nodes)
	if math.Abs(is-was) < skewChange {
		return
	}
	severity := report.Info
	if is > was {
		severity = report.Warning
	}
	m := metric("cohen_w", is, report.UnitFactor)
	c.find(report.Finding{
		Rule: skews().ID, Severity: severity, Subject: "nodes", Measure: &m,
		Message:  fmt.Sprintf("the spread over nodes has a Cohen's w of %.2f, and had %.2f", is, was),
		Evidence: []report.Metric{metric("before", was, report.UnitFactor)},
	})
}

func cohen(nodes map[string]keydesign.KeyLoad) float64 {
	var all, sum float64
	for _, l := range nodes {
		all += float64(l.Keys)
	}
	q := 1 / float64(len(nodes))
	for _, l := range nodes {
		d := float64(l.Keys)/max(1, all) - q
		sum += d * d / q
	}
	return math.Sqrt(sum)
}
