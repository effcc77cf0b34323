package simulate

import (
	"fmt"
	"math"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

// Names of the sections.
const (
	sectionVerdict   = "verdict"
	sectionPlacement = "placement"
	sectionHeatmap   = "heatmap"
	sectionMemory    = "memory"
	sectionExpiry    = "expiry"
	sectionHot       = "hot_keys"
	sectionCapacity  = "capacity"
	sectionChoices   = "alternatives"
	sectionEviction  = "eviction"
)

// report makes the report of what was drawn.
func (m *measure) report() *report.Report {
	m.finish()
	w := m.w
	r := &report.Report{
		Schema: report.Schema, Kind: report.KindSimulate, Taken: w.o.Now, Target: m.target(), Coverage: m.coverage(),
		Findings: []report.Finding{}, Skipped: []report.Skip{},
	}
	for _, u := range w.unknown {
		r.Skipped = append(r.Skipped, report.Skip{Name: u.name, Why: u.why})
	}
	v := &verdict{}
	sections := []report.Section{
		m.placement(v, r), m.heatmap(), m.memory(v, r), m.expiry(v), m.hotKeys(v, r), m.capacity(v), m.alternatives(v), m.eviction(v),
	}
	r.Sections = []report.Section{v.section()}
	for _, s := range sections {
		if s.Name != "" {
			r.Sections = append(r.Sections, s)
		}
	}
	report.SortFindings(r.Findings)
	return r
}

func (m *measure) target() report.Target {
	w := m.w
	t := report.Target{
		Adapter: "schema", URL: strings.Join(w.s.Files, " "), Product: w.store.String(), Version: w.s.Store.Version,
		Facts: []report.Fact{{Name: "size", How: "modelled", Why: m.model()}},
	}
	if m.layout.Note != "" {
		t.Notes = append(t.Notes, m.layout.Note)
	}
	var assumed []string
	for _, p := range w.populations {
		if len(p.assumed) > 0 {
			assumed = append(assumed, p.t.Name+" "+strings.Join(p.assumed, ", "))
		}
	}
	if len(assumed) > 0 {
		t.Notes = append(t.Notes, "assumed, since it is not declared: "+strings.Join(assumed, "; "))
	}
	return t
}

// model says where sizes come from.
func (m *measure) model() string {
	switch {
	case m.w.store.redisFamily():
		return "modelled as " + m.used.m.Profile().String()
	case m.w.store.Kind == schema.Memcached:
		return "modelled as items of Memcached 1.6 in slabs of its usual sizes"
	}
	return "modelled as bytes of key and value, without what the store adds"
}

// coverage says how many keys were drawn. A sample is what was asked for, and no part of something: it is complete.
func (m *measure) coverage() report.Coverage {
	c := report.Coverage{Keys: m.w.drawn, Of: &m.w.total, Complete: true}
	if m.w.drawn < m.w.total {
		c.Why = []string{fmt.Sprintf("%s of %s keys were drawn: the most popular ones, and a sample of the others; sums of bytes are off by %s at most, in 95 of 100 runs",
			humanize.Exact(m.w.drawn), humanize.Exact(m.w.total), humanize.Ratio(m.errorShare()))}
	}
	return c
}

// z95 is the 97.5th percentile of the normal distribution.
const z95 = 1.959963984540054

// byteError returns half the width of the 95 % interval of the bytes of a template.
func (s *sums) byteError() float64 {
	if s.p == nil || s.tail.n == 0 {
		return 0
	}
	others := s.p.keys - s.p.head*s.p.unit
	return z95 * s.tail.error(float64(others))
}

// errorShare returns that of all bytes, as a share of them.
func (m *measure) errorShare() float64 {
	sum := 0.0
	for i := range m.sums {
		sum += sq(m.sums[i].byteError())
	}
	if m.all.bytes == 0 {
		return 0
	}
	return math.Sqrt(sum) / m.all.bytes
}

// A verdict is the sentences that a reader needs first.
type verdict struct{ rows [][]report.Value }

func (v *verdict) say(about, format string, args ...any) {
	v.rows = append(v.rows, []report.Value{report.Text(about), report.Text(fmt.Sprintf(format, args...))})
}

func (v *verdict) section() report.Section {
	return report.Section{Name: sectionVerdict, Title: "VERDICT", Metrics: []report.Metric{}, Tables: []report.Table{{
		Name: "verdict", Columns: []report.Column{{Name: "about", Unit: report.UnitText}, {Name: "says", Title: " ", Unit: report.UnitText}}, Rows: v.rows,
	}}}
}

func metric(name string, v float64, unit report.Unit) report.Metric {
	return report.Metric{Name: name, Value: report.Number(v), Unit: unit, How: "modelled"}
}

func text1(name string) report.Column { return report.Column{Name: name, Unit: report.UnitText} }

func (p *population) finding(rule string, s report.Severity, message string, args ...any) report.Finding {
	return report.Finding{Rule: rule, Severity: s, Subject: p.text, Pos: p.t.Pos, Message: fmt.Sprintf(message, args...)}
}

// share divides, and is 0 where there is nothing to divide by.
func share(part, whole float64) float64 {
	if whole == 0 {
		return 0
	}
	return part / whole
}
