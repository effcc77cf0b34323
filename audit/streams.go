package audit

import (
	"cmp"
	"time"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func streams(n int) *Analyzer {
	return &Analyzer{
		Name:  "streams",
		Title: "STREAMS, PENDING",
		Doc: `Streams by their consumer groups and pending entries: what was delivered and never acknowledged stays in memory, and is
read again by nobody unless a consumer claims it.`,
		Needs:   kv.FieldName | kv.FieldGroups,
		Uses:    kv.FieldLen | kv.FieldSize,
		Version: streamsVersion,
		Config:  uint64(n),
		New:     func(time.Time) Collector { return &streamsOf{top: sketch.NewTop(n, morePending)} },
	}
}

type streamsOf struct {
	streams, without, groups, pending int64
	top                               *sketch.Top[kv.Record] // of those with pending entries
}

func morePending(a, b kv.Record) int {
	return cmp.Or(cmp.Compare(b.Pending, a.Pending), cmp.Compare(b.Groups, a.Groups), cmp.Compare(a.DB, b.DB), cmp.Compare(a.Key, b.Key),
		cmp.Compare(b.Len, a.Len), cmp.Compare(b.Size, a.Size), cmp.Compare(a.Known, b.Known))
}

func (s *streamsOf) Observe(r *kv.Record) {
	if !r.Has(kv.FieldGroups) {
		return
	}
	s.streams++
	s.groups += r.Groups
	s.pending += r.Pending
	if r.Groups == 0 {
		s.without++
	}
	if r.Pending > 0 {
		s.top.Add(kv.Record{Key: r.Key, DB: r.DB, Groups: r.Groups, Pending: r.Pending, Len: r.Len, Size: r.Size, Known: r.Known})
	}
}

func (s *streamsOf) Merge(c Collector) {
	o := c.(*streamsOf)
	s.streams += o.streams
	s.without += o.without
	s.groups += o.groups
	s.pending += o.pending
	s.top.Merge(o.top)
}

const streamsVersion = 1

// AppendBinary saves s.
func (s *streamsOf) AppendBinary(b []byte) ([]byte, error) {
	return saved.Append(b, streamsVersion, s.form)
}

// UnmarshalBinary reads what AppendBinary saved.
func (s *streamsOf) UnmarshalBinary(b []byte) error { return saved.Read(b, streamsVersion, s.form) }

func (s *streamsOf) form(f *saved.Form) {
	saved.Count(f, &s.streams, &s.without, &s.groups, &s.pending)
	s.top.Form(f, func(r *kv.Record) {
		saved.String(f, &r.Key)
		saved.Int(f, &r.DB)
		saved.Count(f, &r.Groups, &r.Pending)
		saved.Int(f, &r.Len, &r.Size)
		saved.Uint(f, &r.Known)
	})
}

// Report says nothing where there are no streams.
func (s *streamsOf) Report(out *Output) {
	if s.streams == 0 {
		return
	}
	out.Metrics = []report.Metric{
		{Name: "streams", Value: report.Number(s.streams), Unit: report.UnitCount},
		{Name: "without_groups", Value: report.Number(s.without), Unit: report.UnitCount},
		{Name: "groups", Value: report.Number(s.groups), Unit: report.UnitCount},
		{Name: "pending", Value: report.Number(s.pending), Unit: report.UnitCount},
	}
	table := report.Table{Name: "pending", Columns: []report.Column{
		{Name: "key", Unit: report.UnitKey},
		{Name: "db", Unit: report.UnitText, Rank: 2},
		{Name: "pending", Unit: report.UnitCount},
		{Name: "groups", Unit: report.UnitCount},
		{Name: "entries", Unit: report.UnitCount},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Rank: 1},
	}}
	for _, r := range distinct(s.top.Sorted()) {
		table.Rows = append(table.Rows, []report.Value{
			report.Text(r.Key), report.Number(r.DB), report.Number(r.Pending), report.Number(r.Groups),
			fact(&r, kv.FieldLen, r.Len), fact(&r, kv.FieldSize, r.Size),
		})
	}
	if len(table.Rows) > 0 {
		out.Tables = []report.Table{table}
	}
}

// fact returns a number that a record has, or Null.
func fact(r *kv.Record, f kv.Field, n int64) report.Value {
	if !r.Has(f) {
		return report.Null
	}
	return report.Number(n)
}

// distinct leaves out a record of the same key as the one before: a scan may yield a key twice.
func distinct(rs []kv.Record) []kv.Record {
	out := rs[:0]
	for _, r := range rs {
		if n := len(out); n > 0 && out[n-1].Key == r.Key && out[n-1].DB == r.DB {
			continue
		}
		out = append(out, r)
	}
	return out
}
