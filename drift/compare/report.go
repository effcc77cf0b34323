package compare

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/report"
)

// A row is a template in the table.
type row struct {
	p                *pair
	lawful           bool
	js               float64
	ttlBase, ttlHead float64
	verdict          string
	shares           [2]float64 // of all keys, where shares are compared
}

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
		{Name: "share_before", Title: "% was", Unit: report.UnitRatio, Rank: 1},
		{Name: "share", Title: "%", Unit: report.UnitRatio, Rank: 1},
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
	if r.shares[0] > 0 || r.shares[1] > 0 {
		v[11], v[12] = report.Number(r.shares[0]), report.Number(r.shares[1])
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
		Tables: append([]report.Table{{Name: "templates", Columns: columns(), Rows: rows}}, c.wholes()...),
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
