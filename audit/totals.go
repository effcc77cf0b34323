package audit

import (
	"maps"
	"math"
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
		New:     func(time.Time) Collector { return newTotals() },
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

// totalsOf has sums for each logical database, the lowest mostDatabases of them: a server has 16, but a dump may name two
// thousand million. Which ones that are depends on what was observed, and not on its order.
type totalsOf struct {
	all    sums
	dbs    map[int]*sums // at most twice as many, until they are cut
	others sums          // of the databases from limit on
	limit  int           // at least mostDatabases lie below it
}

const mostDatabases = 1024

func newTotals() *totalsOf { return &totalsOf{dbs: map[int]*sums{}, limit: math.MaxInt} }

func (t *totalsOf) Observe(r *kv.Record) {
	t.all.observe(r)
	t.db(r.DB).observe(r)
}

func (t *totalsOf) db(n int) *sums {
	if s := t.dbs[n]; s != nil {
		return s
	}
	if len(t.dbs) >= 2*mostDatabases {
		t.cut()
	}
	if n >= t.limit {
		return &t.others
	}
	s := &sums{}
	t.dbs[n] = s
	return s
}

// cut keeps the lowest mostDatabases.
func (t *totalsOf) cut() {
	if len(t.dbs) <= mostDatabases {
		return
	}
	t.below(slices.Sorted(maps.Keys(t.dbs))[mostDatabases])
}

// below keeps the databases below limit.
func (t *totalsOf) below(limit int) {
	t.limit = min(t.limit, limit)
	for n, s := range t.dbs {
		if n >= t.limit {
			t.others.merge(s)
			delete(t.dbs, n)
		}
	}
}

func (t *totalsOf) Merge(c Collector) {
	o := c.(*totalsOf)
	t.all.merge(&o.all)
	t.others.merge(&o.others)
	t.below(o.limit)
	for n, s := range o.dbs {
		t.db(n).merge(s)
	}
}

const totalsVersion = 2 // 1 has no others

// AppendBinary saves t.
func (t *totalsOf) AppendBinary(b []byte) ([]byte, error) {
	t.cut()
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
	f.Check(len(t.dbs) <= mostDatabases, "%d databases", len(t.dbs))
	if f.Version() >= 2 {
		t.others.Form(f)
	}
	if f.Reading() && f.OK() && t.others.keys > 0 {
		t.limit = 0
		for n := range t.dbs {
			t.limit = max(t.limit, n+1)
		}
	}
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
	if t.cut(); len(t.dbs) > 1 {
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
	add := func(db report.Value, s *sums) {
		table.Rows = append(table.Rows, []report.Value{
			db, report.Number(s.keys), known(s.scale(s.bytes), s.sized), ratio(s.expiring, s.timed),
		})
	}
	for _, n := range slices.Sorted(maps.Keys(t.dbs)) {
		add(report.Number(n), t.dbs[n])
	}
	if t.others.keys > 0 {
		add(report.Text("others"), &t.others)
	}
	return table
}
