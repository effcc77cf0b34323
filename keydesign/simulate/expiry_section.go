package simulate

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// expiry says when keys expire and what that costs.
func (m *measure) expiry(v *verdict) report.Section {
	if m.withTTL() == 0 {
		return report.Section{}
	}
	t := report.Table{Name: "bursts", Columns: []report.Column{
		{Name: "template", Unit: report.UnitKey},
		{Name: "ttl", Unit: report.UnitDuration},
		{Name: "expire", Title: "expire/s", Unit: report.UnitRate, Sum: true},
		{Name: "burst", Unit: report.UnitCount},
		{Name: "origin", Title: "origin/s", Unit: report.UnitRate, Sum: true},
		{Name: "rush", Unit: report.UnitCount},
		{Name: "hit_rate", Title: "hits", Unit: report.UnitRatio, Rank: 1},
	}}
	worst := (*sums)(nil)
	for i := range m.sums {
		s := &m.sums[i]
		if s.p == nil || s.ttl == 0 {
			continue
		}
		e := &s.expiry
		origin, rush, hits := report.Null, report.Null, report.Null
		if s.p.cached() && e.reads > 0 {
			origin, rush, hits = report.Number(e.origin), whole(e.rush), report.Number(max(0, 1-e.origin/e.reads))
		}
		t.Rows = append(t.Rows, []report.Value{report.Text(s.p.text), report.Seconds(s.p.life), report.Number(e.rate), whole(max(1, e.burst)), origin, rush, hits})
		if worst == nil || e.burst > worst.expiry.burst {
			worst = s
		}
	}
	slices.SortStableFunc(t.Rows, func(a, b []report.Value) int {
		return cmp.Or(cmp.Compare(number(b[5]), number(a[5])), cmp.Compare(number(b[3]), number(a[3])))
	})
	says := fmt.Sprintf("if all is written at once, %s keys of %s expire in one second", humanize.Count(round3(worst.expiry.burst)), worst.p.t.Name)
	if r := worst.expiry.rush; r > 0 {
		says += fmt.Sprintf(", and %s reads go to the source", humanize.Count(round3(r)))
	}
	v.say("expiry", "%s", says)
	return report.Section{Name: sectionExpiry, Title: "EXPIRY", Metrics: []report.Metric{
		metric("with_ttl", share(m.withTTL(), m.all.keys), report.UnitRatio),
		metric("expire", m.expireRate(), report.UnitRate),
	}, Tables: []report.Table{t, m.histogram()}}
}

func (m *measure) expireRate() float64 {
	sum := 0.0
	for i := range m.sums {
		sum += m.sums[i].expiry.rate
	}
	return sum
}

// histogram has the keys by what is left of their lives, at a moment that was not chosen.
func (m *measure) histogram() report.Table {
	t := report.Table{Name: "histogram", Title: "expire within", Columns: []report.Column{
		text1("within"),
		{Name: "keys", Unit: report.UnitCount, Sum: true},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
	}}
	for b := range len(expiryBounds) + 1 {
		sum := bin{}
		for i := range m.sums {
			sum.keys += m.sums[i].expiry.bins[b].keys
			sum.bytes += m.sums[i].expiry.bins[b].bytes
		}
		name := "later"
		if b < len(expiryBounds) {
			name = humanize.Duration(expiryBounds[b].Seconds())
		}
		t.Rows = append(t.Rows, []report.Value{report.Text(name), whole(sum.keys), whole(sum.bytes)})
	}
	return t
}
