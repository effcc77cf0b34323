package audit

import (
	"cmp"
	"slices"
	"time"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func biggest(n int) *Analyzer {
	return &Analyzer{
		Name:    "biggest",
		Title:   "BIGGEST KEYS",
		Doc:     "The keys that take the most bytes.",
		Needs:   kv.FieldName | kv.FieldSize,
		Uses:    kv.FieldType | kv.FieldEncoding | kv.FieldLen | kv.FieldTTL,
		Version: topVersion,
		Config:  uint64(n),
		New:     newTopOf(n, "biggest", nil, func(r *kv.Record) (int64, bool) { return r.Size, r.Has(kv.FieldSize) }),
	}
}

func longest(n int) *Analyzer {
	return &Analyzer{
		Name:    "longest",
		Title:   "LONGEST COLLECTIONS",
		Doc:     "The collections that have the most elements.",
		Needs:   kv.FieldName | kv.FieldLen,
		Uses:    kv.FieldType | kv.FieldEncoding | kv.FieldSize | kv.FieldTTL,
		Version: topVersion,
		Config:  uint64(n),
		New: newTopOf(n, "longest", nil, func(r *kv.Record) (int64, bool) {
			return r.Len, r.Has(kv.FieldLen) && r.Len > 1
		}),
	}
}

func largest(n int) *Analyzer {
	element := &report.Column{Name: "largest", Unit: report.UnitBytes}
	return &Analyzer{
		Name:  "largest",
		Title: "LARGEST ELEMENTS",
		Doc: `The collections with the largest single element: a field, value, member or item that is read and written whole,
and that keeps its collection out of the compact encodings.`,
		Needs:   kv.FieldName | kv.FieldLargest,
		Uses:    kv.FieldType | kv.FieldEncoding | kv.FieldSize | kv.FieldLen | kv.FieldTTL,
		Version: topVersion,
		Config:  uint64(n),
		New: newTopOf(n, "largest", element, func(r *kv.Record) (int64, bool) {
			return r.Largest, r.Has(kv.FieldLargest) && r.Largest >= largeElement
		}),
	}
}

// largeElement is from how many bytes on an element is worth a row.
const largeElement = 1 << 10

// A topOf lists the records with the greatest weights.
type topOf struct {
	name   string
	column *report.Column // of the weight, where no other column shows it
	now    time.Time
	weigh  func(*kv.Record) (weight int64, known bool)
	top    *sketch.Top[weighed]
	weight int64 // the least that is still listed, once the list is full
}

type weighed struct {
	weight int64
	kv.Record
}

func newTopOf(n int, name string, column *report.Column, weigh func(*kv.Record) (int64, bool)) func(time.Time) Collector {
	return func(now time.Time) Collector {
		return &topOf{name: name, column: column, now: now, weigh: weigh, top: sketch.NewTop(n, heavier)}
	}
}

// heavier orders by weight, and equal weights by database and key. Two records share these where a scan has come by a key
// twice; then by what it has changed to meanwhile.
func heavier(a, b weighed) int {
	return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.DB, b.DB), cmp.Compare(a.Key, b.Key),
		cmp.Compare(a.Type, b.Type), cmp.Compare(a.Encoding, b.Encoding), cmp.Compare(b.Size, a.Size), cmp.Compare(b.Len, a.Len),
		cmp.Compare(a.TTL, b.TTL), a.ExpireAt.Compare(b.ExpireAt), cmp.Compare(a.Known, b.Known))
}

func (t *topOf) Observe(r *kv.Record) {
	w, ok := t.weigh(r)
	if !ok || w < t.weight { // nearly all: without making a weighed
		return
	}
	t.top.Add(weighed{w, listed(r)})
	t.raise()
}

// listed returns what the list keeps of a record: what row shows.
func listed(r *kv.Record) kv.Record {
	return kv.Record{
		Key: r.Key, DB: r.DB, Type: r.Type, Encoding: r.Encoding, Size: r.Size, Len: r.Len, TTL: r.TTL, ExpireAt: r.ExpireAt,
		Known: r.Known,
	}
}

func (t *topOf) Merge(c Collector) {
	t.top.Merge(c.(*topOf).top)
	t.raise()
}

// raise notes the weight from which on a record can still be listed.
func (t *topOf) raise() {
	if last, full := t.top.Last(); full {
		t.weight = last.weight
	}
}

const topVersion = 1

// AppendBinary saves t.
func (t *topOf) AppendBinary(b []byte) ([]byte, error) { return saved.Append(b, topVersion, t.form) }

// UnmarshalBinary reads what AppendBinary saved.
func (t *topOf) UnmarshalBinary(b []byte) error { return saved.Read(b, topVersion, t.form) }

func (t *topOf) form(f *saved.Form) {
	t.top.Form(f, func(w *weighed) {
		saved.Count(f, &w.weight)
		saved.String(f, &w.Key)
		saved.Int(f, &w.DB)
		saved.String(f, &w.Type)
		saved.String(f, &w.Encoding)
		saved.Int(f, &w.Size, &w.Len)
		saved.Uint(f, &w.TTL)
		f.Time(&w.ExpireAt)
		saved.Uint(f, &w.Known)
	})
	t.raise()
}

func (t *topOf) Report(out *Output) {
	table := report.Table{Name: t.name, Columns: []report.Column{
		{Name: "key", Unit: report.UnitKey},
		{Name: "type", Unit: report.UnitText},
		{Name: "encoding", Unit: report.UnitText, Rank: 2},
		{Name: "db", Unit: report.UnitText, Rank: 4},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes},
		{Name: "elements", Unit: report.UnitCount, Rank: 1},
		{Name: "ttl", Title: "TTL left", Unit: report.UnitDuration, Rank: 3},
	}}
	if t.column != nil {
		table.Columns = slices.Insert(table.Columns, weightColumn, *t.column)
	}
	var before weighed
	for i, w := range t.top.Sorted() {
		if i > 0 && w.Key == before.Key && w.DB == before.DB {
			continue // a scan may yield a key twice
		}
		row := t.row(&w.Record)
		if t.column != nil {
			row = slices.Insert(row, weightColumn, report.Number(w.weight))
		}
		table.Rows = append(table.Rows, row)
		before = w
	}
	if len(table.Rows) > 0 {
		out.Tables = []report.Table{table}
	}
}

// weightColumn is where the column of the weight stands: before the bytes of the whole key.
const weightColumn = 4

// row leaves the TTL of a persistent key Null, as that of one whose TTL is not known: neither has a time left.
func (t *topOf) row(r *kv.Record) []report.Value {
	text := func(f kv.Field, s string) report.Value {
		if !r.Has(f) {
			return report.Null
		}
		return report.Text(s)
	}
	ttl := report.Null
	if r.TTL == kv.TTLAt {
		ttl = report.Seconds(r.ExpireAt.Sub(t.now))
	}
	return []report.Value{
		report.Text(r.Key), text(kv.FieldType, string(r.Type)), text(kv.FieldEncoding, string(r.Encoding)),
		report.Number(r.DB), fact(r, kv.FieldSize, r.Size), fact(r, kv.FieldLen, r.Len), ttl,
	}
}
