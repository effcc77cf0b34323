package keydesign

import (
	"cmp"
	"slices"

	"github.com/kvtool/kvtool/report"
)

// A facet is one side of what templates hold beyond their bytes: a table of the templates of which there is something to say.
type facet struct {
	table report.Table
	// row returns the row of t and by how much it is worth showing; at 0 it is not.
	row func(ks *keyspace, t *template) (row []report.Value, weight float64)
}

// facets lists them.
func facets() []facet {
	return []facet{expiredFacet(), idleFacet(), unreadFacet(), lfuFacet(), limitsFacet(), elementsFacet(), compressionFacet(), duplicatesFacet()}
}

// deepTables returns the tables of the facets that have rows, in each the weightiest first.
func (ks *keyspace) deepTables() []report.Table {
	type weighed struct {
		row    []report.Value
		weight float64
	}
	var out []report.Table
	for _, f := range facets() {
		var rows []weighed
		for _, t := range ks.templates {
			if t.deep == nil {
				continue
			}
			if row, w := f.row(ks, t); w > 0 {
				rows = append(rows, weighed{row, w})
			}
		}
		slices.SortStableFunc(rows, func(a, b weighed) int { return cmp.Compare(b.weight, a.weight) })
		for _, r := range rows[:min(len(rows), maxFacetRows)] {
			f.table.Rows = append(f.table.Rows, r.row)
		}
		if len(rows) > 0 {
			out = append(out, f.table)
		}
	}
	return out
}

// maxFacetRows is how many templates a facet lists; the others matter less.
const maxFacetRows = 100

// material is the share of all bytes below which a facet of a template is not worth a row.
const material = 0.001

// matters reports whether so many bytes are worth a row.
func (ks *keyspace) matters(bytes float64) bool {
	return bytes > 0 && bytes >= material*float64(ks.bytes)
}

func expiredFacet() facet {
	return facet{
		report.Table{Name: "expired", Title: "Expired, still there", Columns: []report.Column{
			{Name: "template", Unit: report.UnitKey},
			{Name: "keys", Unit: report.UnitCount, Sum: true},
			{Name: "share", Title: "%", Unit: report.UnitRatio},
			{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
		}},
		func(ks *keyspace, t *template) ([]report.Value, float64) {
			return []report.Value{
				report.Text(t.text), report.Number(t.expired), quotient(t.expired, t.timed), sum(t.deep.expired, ks.bytes),
			}, float64(t.deep.expired) + float64(t.expired)
		},
	}
}

func idleFacet() facet {
	return facet{
		report.Table{Name: "idle", Title: "Idle by template", Columns: []report.Column{
			{Name: "template", Unit: report.UnitKey},
			{Name: "p50", Title: "idle p50", Unit: report.UnitDuration},
			{Name: "cold_1d", Title: ">1d", Unit: report.UnitRatio, Rank: 2},
			{Name: "cold_7d", Title: ">7d", Unit: report.UnitRatio},
			{Name: "cold_30d", Title: ">30d", Unit: report.UnitRatio},
			{Name: "cold_bytes", Title: "mem >7d", Unit: report.UnitBytes, Sum: true},
			{Name: "keys_told", Title: "of keys", Unit: report.UnitCount, Rank: 3},
		}},
		func(ks *keyspace, t *template) ([]report.Value, float64) {
			i := t.deep.idle
			if i == nil {
				return nil, 0
			}
			cold := func(n int) report.Value { return report.Number(i.coldShare(n)) }
			bytes := i.coldShare(1) * float64(t.bytes())
			if !ks.matters(bytes) {
				return nil, 0
			}
			return []report.Value{
				report.Text(t.text), quantile(&i.times, 0.5), cold(0), cold(1), cold(2), report.Number(float64(int64(bytes))), report.Number(i.keys),
			}, bytes
		},
	}
}

// coldShare returns the share of bytes, or of keys where no size is known, that were idle for the n-th time of coldAfter.
func (i *idleness) coldShare(n int) float64 {
	if i.bytes > 0 {
		return float64(i.cold[n].bytes) / float64(i.bytes)
	}
	return float64(i.cold[n].keys) / float64(i.keys)
}

func unreadFacet() facet {
	return facet{
		report.Table{Name: "unread", Title: "Never read, by template", Columns: []report.Column{
			{Name: "template", Unit: report.UnitKey},
			{Name: "keys", Unit: report.UnitCount, Sum: true},
			{Name: "share", Title: "%", Unit: report.UnitRatio},
			{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
		}},
		func(ks *keyspace, t *template) ([]report.Value, float64) {
			r := t.deep.reads
			if r == nil || r.unread.keys == 0 || r.unread.sized > 0 && !ks.matters(float64(r.unread.bytes)) {
				return nil, 0
			}
			return []report.Value{
				report.Text(t.text), report.Number(r.unread.keys), quotient(r.unread.keys, r.told.keys), sum(r.unread.bytes, r.unread.sized),
			}, float64(r.unread.bytes) + float64(r.unread.keys)
		},
	}
}

func lfuFacet() facet {
	return facet{
		report.Table{Name: "lfu", Title: "Use by template", Columns: []report.Column{
			{Name: "template", Unit: report.UnitKey},
			{Name: "p50", Title: "lfu p50", Unit: report.UnitCount},
			{Name: "p99", Title: "lfu p99", Unit: report.UnitCount},
			{Name: "bytes", Title: "mem", Unit: report.UnitBytes},
			{Name: "keys_told", Title: "of keys", Unit: report.UnitCount, Rank: 1},
		}},
		func(ks *keyspace, t *template) ([]report.Value, float64) {
			if t.deep.freq == nil || !ks.matters(float64(t.bytes())) {
				return nil, 0
			}
			return []report.Value{
				report.Text(t.text), quantile(t.deep.freq, 0.5), quantile(t.deep.freq, 0.99), report.Number(t.bytes()),
				report.Number(t.deep.freq.Count()),
			}, float64(t.bytes())
		},
	}
}

// largeElement is from how many bytes on the largest element of a collection is worth a row.
const largeElement = 1 << 10

func elementsFacet() facet {
	return facet{
		report.Table{Name: "largest", Title: "Elements by template", Columns: []report.Column{
			{Name: "template", Unit: report.UnitKey},
			{Name: "type", Unit: report.UnitText, Rank: 1},
			{Name: "p99", Title: "p99/key", Unit: report.UnitBytes},
			{Name: "max", Unit: report.UnitBytes},
			{Name: "key", Title: "in", Unit: report.UnitKey, Rank: 2},
		}},
		func(_ *keyspace, t *template) ([]report.Value, float64) {
			if t.deep.outsized.value < largeElement {
				return nil, 0
			}
			all := t.deep.collections()
			return []report.Value{
				report.Text(t.text), textOrNull(t.typeName()), quantile(&all.largest, 0.99), report.Number(t.deep.outsized.value),
				report.Text(t.deep.outsized.key),
			}, float64(t.deep.outsized.value)
		},
	}
}

// collections returns the sizes of all collections, of whichever encoding.
func (d *depth) collections() elements {
	var all elements
	for _, e := range []*elements{d.packed, d.spilled} {
		if e != nil {
			all.merge(e)
		}
	}
	return all
}

func compressionFacet() facet {
	return facet{
		report.Table{Name: "compression", Title: "Compressible strings", Columns: []report.Column{
			{Name: "template", Unit: report.UnitKey},
			{Name: "strings", Unit: report.UnitCount, Sum: true, Rank: 2},
			{Name: "compressed", Title: "% of keys", Unit: report.UnitRatio, Rank: 1},
			{Name: "bytes", Title: "values", Unit: report.UnitBytes, Sum: true},
			{Name: "stored", Title: "in file", Unit: report.UnitBytes, Sum: true},
			{Name: "stored_share", Title: "%", Unit: report.UnitRatio},
		}},
		func(ks *keyspace, t *template) ([]report.Value, float64) {
			s := t.deep.stored
			if s == nil || !ks.matters(float64(s.logical-s.stored)) {
				return nil, 0
			}
			return []report.Value{
				report.Text(t.text), report.Number(s.strings), quotient(s.compressed, s.strings),
				report.Number(s.logical), report.Number(s.stored), quotient(s.stored, s.logical),
			}, float64(s.logical - s.stored)
		},
	}
}

func duplicatesFacet() facet {
	return facet{
		report.Table{Name: "duplicates", Title: "Equal strings", Columns: []report.Column{
			{Name: "template", Unit: report.UnitKey},
			{Name: "sample", Unit: report.UnitCount, Rank: 2},
			{Name: "share", Title: "equal", Unit: report.UnitRatio},
			{Name: "low", Title: "from", Unit: report.UnitRatio},
			{Name: "high", Title: "to", Unit: report.UnitRatio},
			{Name: "top_share", Title: "commonest", Unit: report.UnitRatio, Rank: 1},
			{Name: "bytes", Title: "values", Unit: report.UnitBytes, Sum: true},
		}},
		func(ks *keyspace, t *template) ([]report.Value, float64) {
			e, ok := t.deep.duplicates()
			if !ok || e.low < duplicatesLeast || !ks.matters(e.bytes) {
				return nil, 0
			}
			return []report.Value{
				report.Text(t.text), report.Number(e.sample), report.Number(e.share), report.Number(e.low), report.Number(e.high),
				report.Number(e.top), report.Number(float64(int64(e.bytes))),
			}, e.bytes
		},
	}
}

// duplicatesLeast is the share of equal values, surely, from which they are worth a row.
const duplicatesLeast = 0.01
