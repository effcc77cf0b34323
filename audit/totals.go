package audit

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func totals() *Analyzer {
	return &Analyzer{
		Name:    "totals",
		Title:   "TOTALS",
		Doc:     "Keys, bytes and elements of the whole keyspace, and of each logical database where there are several.",
		Uses:    kv.FieldSize | kv.FieldLen | kv.FieldTTL,
		Version: totalsVersion,
		New:     func(time.Time) Collector { return &totalsOf{dbs: map[int]*sums{}} },
	}
}

// sums adds up records; what a record does not know is counted as such. Where only a sample of the keys was asked, a record
// counts for all the keys that it stands for, and one that was not asked for none.
type sums struct {
	census
	bytes, elements, expiring int64
	sized, long, timed        int64 // how many keys told their size, length, TTL
}

func (s *sums) observe(r *kv.Record) {
	n := s.count(r)
	if n == 0 {
		return
	}
	if r.Has(kv.FieldSize) {
		s.sized += n
		s.bytes += n * r.Size
	}
	if r.Has(kv.FieldLen) {
		s.long += n
		s.elements += n * r.Len
	}
	if r.Has(kv.FieldTTL) {
		s.timed += n
		if r.TTL != kv.TTLNone {
			s.expiring += n
		}
	}
}

func (s *sums) merge(o *sums) {
	s.census.merge(&o.census)
	s.bytes += o.bytes
	s.elements += o.elements
	s.expiring += o.expiring
	s.sized += o.sized
	s.long += o.long
	s.timed += o.timed
}

// Form writes or reads s.
func (s *sums) Form(f *saved.Form) {
	s.census.Form(f)
	saved.Count(f, &s.bytes, &s.elements, &s.expiring, &s.sized, &s.long, &s.timed)
}

// known returns v, or Null if none of the keys told it.
func known(v, keys int64) report.Value {
	if keys == 0 {
		return report.Null
	}
	return report.Number(v)
}

// ratio returns part of whole, or Null if there is no whole.
func ratio(part, whole int64) report.Value {
	if whole == 0 {
		return report.Null
	}
	return report.Number(float64(part) / float64(whole))
}

// totalsOf has sums for each logical database; their number is bounded by the store's configuration.
type totalsOf struct {
	all sums
	dbs map[int]*sums
}

func (t *totalsOf) Observe(r *kv.Record) {
	t.all.observe(r)
	t.db(r.DB).observe(r)
}

func (t *totalsOf) db(n int) *sums {
	s := t.dbs[n]
	if s == nil {
		s = &sums{}
		t.dbs[n] = s
	}
	return s
}

func (t *totalsOf) Merge(c Collector) {
	o := c.(*totalsOf)
	t.all.merge(&o.all)
	for n, s := range o.dbs {
		t.db(n).merge(s)
	}
}

const totalsVersion = 1

// AppendBinary saves t.
func (t *totalsOf) AppendBinary(b []byte) ([]byte, error) {
	return saved.Append(b, totalsVersion, t.form)
}

// UnmarshalBinary reads what AppendBinary saved.
func (t *totalsOf) UnmarshalBinary(b []byte) error { return saved.Read(b, totalsVersion, t.form) }

func (t *totalsOf) form(f *saved.Form) {
	t.all.Form(f)
	saved.OrderedMap(f, t.dbs, func(db *int, s **sums) {
		saved.Int(f, db)
		if f.Reading() {
			*s = &sums{}
		}
		(*s).Form(f)
	})
}

func (t *totalsOf) Report(out *Output) {
	s := &t.all
	how := s.how()
	out.Metrics = []report.Metric{
		{Name: "keys", Value: report.Number(s.keys), Unit: report.UnitCount},
		{Name: "bytes", Value: known(s.scale(s.bytes), s.sized), Unit: report.UnitBytes, How: how},
		{Name: "bytes_per_key", Value: mean(s.bytes, s.sized), Unit: report.UnitBytes, How: how},
		{Name: "elements", Value: known(s.scale(s.elements), s.long), Unit: report.UnitCount, How: how},
		{Name: "with_ttl", Value: ratio(s.expiring, s.timed), Unit: report.UnitRatio, How: how},
	}
	if unsized := s.stands - s.sized; s.sized > 0 && unsized > 0 {
		out.Metrics = append(out.Metrics,
			report.Metric{Name: "keys_without_size", Value: report.Number(unsized), Unit: report.UnitCount})
	}
	if len(t.dbs) > 1 {
		out.Tables = []report.Table{t.databases()}
	}
}

func mean(sum, n int64) report.Value {
	if n == 0 {
		return report.Null
	}
	return report.Number(sum / n)
}

func (t *totalsOf) databases() report.Table {
	table := report.Table{Name: "databases", Title: "DATABASES", Columns: []report.Column{
		{Name: "db", Title: "DB", Unit: report.UnitText},
		{Name: "keys", Unit: report.UnitCount, Sum: true},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
		{Name: "with_ttl", Title: "with TTL", Unit: report.UnitRatio, Rank: 1},
	}}
	for _, n := range slices.SortedFunc(maps.Keys(t.dbs), cmp.Compare[int]) {
		s := t.dbs[n]
		table.Rows = append(table.Rows, []report.Value{
			report.Number(n), report.Number(s.keys), known(s.scale(s.bytes), s.sized), ratio(s.expiring, s.timed),
		})
	}
	return table
}
