package table

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func indexKeys() *audit.Analyzer {
	return &audit.Analyzer{
		Name:  "index_keys",
		Title: "INDEX KEYS",
		Doc: "How many different partition keys each global index has: those of the items that have the attribute. Each is one partition " +
			"of the index, which takes all writes of its items.",
		Needs:   kv.FieldIndexes,
		Kind:    kv.FieldIndexes,
		Rules:   documented(hotIndex),
		Version: indexKeysVersion,
		New:     func(time.Time) audit.Collector { return indexKeysOf{} },
	}
}

const (
	// hotValues is the limit of KD048: an index of fewer values is hot.
	hotValues = 100
	// countedValues is up to how many values of an index are counted exactly, and heavyValues how many of the heaviest are kept.
	countedValues = 4096
	heavyValues   = 1024
	// mostGlobal bounds the indexes: DynamoDB allows 20, and more on request.
	mostGlobal = 256
)

// indexKeysOf counts by index.
type indexKeysOf map[string]*indexKey

type indexKey struct {
	items    int64
	heavy    *sketch.Heavy // by items
	distinct *sketch.Groups
}

func newIndexKey() *indexKey {
	return &indexKey{heavy: sketch.NewHeavy(heavyValues), distinct: sketch.NewGroups(countedValues)}
}

func (x indexKeysOf) of(name string) *indexKey {
	k := x[name]
	if k == nil && len(x) < mostGlobal {
		k = newIndexKey()
		x[name] = k
	}
	return k
}

func (x indexKeysOf) Observe(r *kv.Record) {
	for i := range r.Indexes {
		if k := x.of(r.Indexes[i].Name); k != nil {
			k.items++
			k.heavy.Add(r.Indexes[i].Value, 1, sketch.HeavySums{})
			k.distinct.Add(sketch.Hash(r.Indexes[i].Value), "", 1, r.Size)
		}
	}
}

func (x indexKeysOf) Merge(c audit.Collector) {
	for name, o := range c.(indexKeysOf) {
		if k := x.of(name); k != nil {
			k.items += o.items
			k.heavy.Merge(o.heavy)
			k.distinct.Merge(o.distinct)
		}
	}
}

const indexKeysVersion = 1

// AppendBinary saves x.
func (x indexKeysOf) AppendBinary(b []byte) ([]byte, error) {
	return saved.Append(b, indexKeysVersion, x.form)
}

// UnmarshalBinary reads what AppendBinary saved.
func (x indexKeysOf) UnmarshalBinary(b []byte) error {
	clear(x)
	return saved.Read(b, indexKeysVersion, x.form)
}

func (x indexKeysOf) form(f *saved.Form) {
	saved.OrderedMap(f, x, func(name *string, k **indexKey) {
		saved.String(f, name)
		if f.Reading() {
			*k = newIndexKey()
		}
		saved.Count(f, &(*k).items)
		(*k).heavy.Form(f)
		(*k).distinct.Form(f)
	})
	f.Check(len(x) <= mostGlobal, "%d indexes", len(x))
}

// Report lists the indexes, and names those of few values.
func (x indexKeysOf) Report(out *audit.Output) {
	if len(x) == 0 {
		return
	}
	t := report.Table{Name: "index_keys", Title: "PARTITION KEYS OF INDEXES", Columns: []report.Column{
		{Name: "index", Unit: report.UnitText},
		{Name: "items", Unit: report.UnitCount},
		{Name: "values", Unit: report.UnitCount},
		{Name: "heaviest", Unit: report.UnitText},
		{Name: "share", Title: "%", Unit: report.UnitRatio},
	}}
	for _, name := range slices.Sorted(maps.Keys(x)) {
		k := x[name]
		n, _ := k.distinct.Names()
		top, _ := k.heavy.Top(1)
		if len(top) == 0 {
			continue
		}
		share := ratio("heaviest_share", top[0].Count-top[0].Error, k.items)
		t.Rows = append(t.Rows, []report.Value{
			report.Text(name), report.Number(k.items), report.Number(math.Round(n)), report.Text(top[0].Key), share.Value,
		})
		if out.Store == nil || k.items < fewestItems || n >= hotValues {
			continue
		}
		out.Findings = append(out.Findings, report.Finding{
			Rule: hotIndex, Severity: report.Error, Subject: name,
			Message:  fmt.Sprintf("%s for %s", humanize.Counted(int64(math.Round(n)), "value"), humanize.Counted(k.items, "item")),
			Measure:  &report.Metric{Name: "values", Value: report.Number(math.Round(n)), Unit: report.UnitCount},
			Evidence: []report.Metric{count("items", k.items), share}, Samples: samples(top[0].Key),
		})
	}
	out.Tables = []report.Table{t}
}
