package simulate

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// memory says what each template takes.
func (m *measure) memory(v *verdict, r *report.Report) report.Section {
	t := report.Table{Name: "templates", Columns: []report.Column{
		{Name: "template", Unit: report.UnitKey},
		{Name: "keys", Unit: report.UnitCount, Sum: true},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
		{Name: "share", Title: "%", Unit: report.UnitRatio, Sum: true},
		{Name: "key_bytes", Title: "names", Unit: report.UnitBytes, Sum: true, Rank: 2},
		{Name: "value_bytes", Title: "values", Unit: report.UnitBytes, Sum: true, Rank: 1},
		{Name: "table_bytes", Title: "tables", Unit: report.UnitBytes, Sum: true, Rank: 3},
		{Name: "usage", Title: "MEMORY USAGE", Unit: report.UnitBytes, Sum: true, Rank: 5},
		{Name: "error", Title: "±", Unit: report.UnitBytes, Rank: 4},
		{Name: "keys_are", Title: "keys are", Unit: report.UnitText, Rank: 6},
	}}
	main, expires := m.tables()
	total := m.all.bytes + main + expires
	for i := range m.sums {
		s := &m.sums[i]
		if s.p == nil {
			continue
		}
		tables := main*share(s.load.keys, m.all.keys) + expires*share(s.ttl, m.withTTL())
		bytes := s.load.bytes + tables
		usage := report.Null
		if m.w.store.redisFamily() {
			usage = whole(s.usage)
		}
		t.Rows = append(t.Rows, []report.Value{
			report.Text(s.p.text), whole(s.load.keys), whole(bytes), report.Number(share(bytes, total)),
			whole(s.cost[0]), whole(s.cost[1]), whole(tables), usage, whole(s.byteError()), report.Text(s.p.why),
		})
	}
	slices.SortStableFunc(t.Rows, func(a, b []report.Value) int { return cmp.Compare(number(b[2]), number(a[2])) })
	s := report.Section{Name: sectionMemory, Title: "MEMORY BY TEMPLATE", Tables: []report.Table{t}}
	used := metric("bytes", total, report.UnitBytes)
	if e := m.errorShare() * m.all.bytes; e > 0 {
		used.Interval = &report.Interval{Low: total - e, High: total + e}
	}
	s.Metrics = []report.Metric{used}
	m.judgeMemory(v, r, &s, total)
	return s
}

func (m *measure) judgeMemory(v *verdict, r *report.Report, s *report.Section, total float64) {
	limit := float64(m.w.s.Store.MaxMemory)
	switch {
	case !m.w.store.bounded():
		v.say("size", "%s of keys and values", humanize.Bytes(total))
		return
	case limit == 0:
		v.say("memory", "%s; no maxmemory is declared", humanize.Bytes(total))
		return
	}
	s.Metrics = append(s.Metrics, metric("maxmemory", limit, report.UnitBytes), metric("of_maxmemory", total/limit, report.UnitFactor),
		metric("headroom", limit-total, report.UnitBytes))
	says := fmt.Sprintf("%s, %s of maxmemory %s", humanize.Bytes(total), humanize.Ratio(total/limit), humanize.Bytes(limit))
	if total > limit*m.limits.of(ruleCapacity, "memory") {
		f := report.Finding{Rule: ruleCapacity, Severity: report.Error, Subject: "server", Pos: m.w.s.Store.Pos, Measure: ptr(metric("of_maxmemory", total/limit, report.UnitFactor))}
		f.Message = "the keys would take " + says
		r.Findings = append(r.Findings, f)
		says += ": " + ruleCapacity
	}
	v.say("memory", "%s", says)
}

// withTTL returns how many keys have a TTL.
func (m *measure) withTTL() float64 {
	n := 0.0
	for i := range m.sums {
		n += m.sums[i].ttl
	}
	return n
}

// tables returns what the tables of all nodes take: of keys, and of what expires.
func (m *measure) tables() (main, expires float64) {
	if !m.w.store.redisFamily() {
		return 0, 0
	}
	n := float64(m.layout.Nodes)
	main = float64(m.used.m.MainDict(int64(m.all.keys/n))) * n
	if ttl := m.withTTL(); ttl > 0 {
		expires = float64(m.used.m.ExpiresDict(int64(ttl/n))) * n
	}
	return main, expires
}
