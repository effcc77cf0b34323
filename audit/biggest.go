package audit

import (
	"cmp"
	"slices"
	"time"

	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func biggest(n int) *Analyzer {
	return &Analyzer{
		Name:  "biggest",
		Title: "BIGGEST KEYS",
		Doc:   "The keys that take the most bytes.",
		Needs: kv.FieldName | kv.FieldSize,
		Uses:  kv.FieldType | kv.FieldEncoding | kv.FieldLen | kv.FieldTTL,
		New:   newTopOf(n, "biggest", nil, func(r *kv.Record) (int64, bool) { return r.Size, r.Has(kv.FieldSize) }),
	}
}

func longest(n int) *Analyzer {
	return &Analyzer{
		Name:  "longest",
		Title: "LONGEST COLLECTIONS",
		Doc:   "The collections that have the most elements.",
		Needs: kv.FieldName | kv.FieldLen,
		Uses:  kv.FieldType | kv.FieldEncoding | kv.FieldSize | kv.FieldTTL,
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
		Needs: kv.FieldName | kv.FieldLargest,
		Uses:  kv.FieldType | kv.FieldEncoding | kv.FieldSize | kv.FieldLen | kv.FieldTTL,
		New: newTopOf(n, "largest", element, func(r *kv.Record) (int64, bool) {
			return r.Largest, r.Has(kv.FieldLargest) && r.Largest > 0
		}),
	}
}

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

// heavier orders by weight, and equal weights by database and key, which no two records share.
func heavier(a, b weighed) int {
	return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.DB, b.DB), cmp.Compare(a.Key, b.Key))
}

func (t *topOf) Observe(r *kv.Record) {
	w, ok := t.weigh(r)
	if !ok || w < t.weight { // nearly all: without making a weighed
		return
	}
	rec := *r
	rec.Parts = nil
	t.top.Add(weighed{w, rec})
	if last, full := t.top.Last(); full {
		t.weight = last.weight
	}
}

func (t *topOf) Merge(c Collector) {
	t.top.Merge(c.(*topOf).top)
	if last, full := t.top.Last(); full {
		t.weight = last.weight
	}
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
