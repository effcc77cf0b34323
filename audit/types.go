package audit

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func types() *Analyzer {
	return &Analyzer{
		Name:    "types",
		Title:   "TYPES",
		Doc:     "Keys, bytes and elements by type and encoding.",
		Needs:   kv.FieldType,
		Uses:    kv.FieldEncoding | kv.FieldSize | kv.FieldLen,
		Version: typesVersion,
		New:     func(time.Time) Collector { return &typesOf{kinds: map[kind]*kindSums{}} },
	}
}

// A kind is a type in an encoding; the encoding is empty where it is not known.
type kind struct {
	typ kv.Type
	enc kv.Encoding
}

type kindSums struct {
	sums
	size sketch.Quantiles
}

type typesOf struct {
	all   census
	kinds map[kind]*kindSums
	last  kind // most records are of the kind of the one before
	sums  *kindSums
}

func (t *typesOf) Observe(r *kv.Record) {
	n := t.all.count(r)
	if n == 0 {
		return
	}
	k := kind{typ: "unknown"}
	if r.Has(kv.FieldType) {
		k.typ = r.Type
	}
	if r.Has(kv.FieldEncoding) {
		k.enc = r.Encoding
	}
	if t.sums == nil || k != t.last {
		t.last, t.sums = k, t.kind(k)
	}
	t.sums.observe(r)
	if r.Has(kv.FieldSize) {
		t.sums.size.AddN(r.Size, n)
	}
}

// maxKinds bounds the table: a hostile dump has a module of its own for each key.
const maxKinds = 256

func (t *typesOf) kind(k kind) *kindSums {
	s := t.kinds[k]
	if s == nil && len(t.kinds) >= maxKinds {
		k = kind{typ: "others"}
		s = t.kinds[k]
	}
	if s == nil {
		s = &kindSums{}
		t.kinds[k] = s
	}
	return s
}

func (t *typesOf) Merge(c Collector) {
	o := c.(*typesOf)
	t.all.merge(&o.all)
	for k, o := range o.kinds {
		s := t.kind(k)
		s.merge(&o.sums)
		s.size.Merge(&o.size)
	}
}

const typesVersion = 1

// AppendBinary saves t.
func (t *typesOf) AppendBinary(b []byte) ([]byte, error) {
	return saved.Append(b, typesVersion, t.form)
}

// UnmarshalBinary reads what AppendBinary saved.
func (t *typesOf) UnmarshalBinary(b []byte) error { return saved.Read(b, typesVersion, t.form) }

func (t *typesOf) form(f *saved.Form) {
	t.all.Form(f)
	saved.Map(f, t.kinds, kind.compare, func(k *kind, s **kindSums) {
		saved.String(f, &k.typ)
		saved.String(f, &k.enc)
		if f.Reading() {
			*s = &kindSums{}
		}
		(*s).sums.Form(f)
		(*s).size.Form(f)
	})
	f.Check(len(t.kinds) <= maxKinds+1, "%d types and encodings", len(t.kinds))
}

func (k kind) compare(o kind) int {
	return cmp.Or(cmp.Compare(k.typ, o.typ), cmp.Compare(k.enc, o.enc))
}

func (t *typesOf) Report(out *Output) {
	var all sums
	for _, s := range t.kinds {
		all.merge(&s.sums)
	}
	all.census = t.all
	kinds := slices.SortedFunc(maps.Keys(t.kinds), func(a, b kind) int {
		x, y := t.kinds[a], t.kinds[b]
		return cmp.Or(cmp.Compare(y.bytes, x.bytes), cmp.Compare(y.stands, x.stands), a.compare(b))
	})
	table := report.Table{Name: "types", Columns: []report.Column{
		{Name: "type", Unit: report.UnitText},
		{Name: "encoding", Unit: report.UnitText},
		{Name: "keys", Unit: report.UnitCount, Sum: true},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
		{Name: "share", Title: "%", Unit: report.UnitRatio, Sum: true},
		{Name: "elements", Unit: report.UnitCount, Sum: true, Rank: 2},
		{Name: "p50_bytes", Title: "p50/key", Unit: report.UnitBytes, Rank: 1},
		{Name: "p99_bytes", Title: "p99/key", Unit: report.UnitBytes, Rank: 3},
	}}
	for _, k := range kinds {
		table.Rows = append(table.Rows, t.kinds[k].row(k, &all))
	}
	out.Tables = []report.Table{table}
}

func (s *kindSums) row(k kind, all *sums) []report.Value {
	encoding := report.Null
	if k.enc != "" {
		encoding = report.Text(string(k.enc))
	}
	return []report.Value{
		report.Text(string(k.typ)), encoding, report.Number(all.scale(s.stands)), known(all.scale(s.bytes), s.sized), s.share(all),
		known(all.scale(s.elements), s.long), quantile(&s.size, 0.5), quantile(&s.size, 0.99),
	}
}

// share is of bytes where these are known, else of keys.
func (s *sums) share(all *sums) report.Value {
	if all.bytes > 0 {
		return ratio(s.bytes, all.bytes)
	}
	return ratio(s.stands, all.stands)
}

// quantile returns a quantile, or Null if there are no numbers.
func quantile(q *sketch.Quantiles, p float64) report.Value {
	v, ok := q.At(p)
	if !ok {
		return report.Null
	}
	return report.Number(v)
}
