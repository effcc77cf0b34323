package table

import (
	"fmt"
	"math"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/keydesign/place"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func partitionKeys() *audit.Analyzer {
	return &audit.Analyzer{
		Name:    "partition_keys",
		Title:   "PARTITION KEYS",
		Doc:     "How many different partition keys there are, and which of them hold the most: all items of one lie together.",
		Needs:   kv.FieldParts,
		Kind:    kv.FieldParts,
		Uses:    kv.FieldSize,
		Rules:   documented(fewPartitionKeys, itemCollectionID),
		Version: partitionVersion,
		New:     func(time.Time) audit.Collector { return newPartitions() },
	}
}

// Bounds of what is kept: the heaviest partition keys, and a sample by which all of them are counted.
const (
	heavyKeys   = 2048
	countedKeys = 16_384 // exact up to here, then within 0.8 %
	shownKeys   = 10
)

// partitions counts by partition key. Sums[0] of a heavy key are its items.
type partitions struct {
	name         string // of the attribute
	items, bytes int64
	heavy        *sketch.Heavy // by bytes
	distinct     *sketch.Groups
}

func newPartitions() *partitions {
	return &partitions{heavy: sketch.NewHeavy(heavyKeys), distinct: sketch.NewGroups(countedKeys)}
}

func (p *partitions) Observe(r *kv.Record) {
	if !r.Has(kv.FieldParts) || len(r.Parts) == 0 {
		return
	}
	pk := &r.Parts[0]
	if p.name == "" {
		p.name = pk.Name
	}
	p.items++
	p.bytes += r.Size
	p.heavy.Add(pk.Value, max(1, r.Size), sketch.HeavySums{1})
	p.distinct.Add(sketch.Hash(pk.Value), "", 1, r.Size)
}

func (p *partitions) Merge(c audit.Collector) {
	o := c.(*partitions)
	p.name = max(p.name, o.name)
	p.items += o.items
	p.bytes += o.bytes
	p.heavy.Merge(o.heavy)
	p.distinct.Merge(o.distinct)
}

const partitionVersion = 1

// AppendBinary saves p.
func (p *partitions) AppendBinary(b []byte) ([]byte, error) {
	return saved.Append(b, partitionVersion, p.form)
}

// UnmarshalBinary reads what AppendBinary saved.
func (p *partitions) UnmarshalBinary(b []byte) error { return saved.Read(b, partitionVersion, p.form) }

func (p *partitions) form(f *saved.Form) {
	saved.String(f, &p.name)
	saved.Count(f, &p.items, &p.bytes)
	p.heavy.Form(f)
	p.distinct.Form(f)
}

// Report lists the heaviest partition keys and judges their number.
func (p *partitions) Report(out *audit.Output) {
	if p.items == 0 {
		return
	}
	n, exact := p.distinct.Names()
	top, _ := p.heavy.Top(shownKeys)
	out.Metrics = []report.Metric{
		{Name: "partition_keys", Value: report.Number(math.Round(n)), Unit: report.UnitCount},
		{Name: "items_per_key", Value: report.Number(float64(p.items) / max(1, n)), Unit: report.UnitFactor},
	}
	if !exact {
		out.Metrics[0].How = "sampled"
	}
	out.Metrics = append(out.Metrics, ratio("heaviest_share", top[0].Count, p.heavy.Total()))
	if float64(p.items) > 1.5*max(1, n) { // else each is one item, and which is the biggest another section says
		out.Tables = []report.Table{p.table(top)}
	}
	p.judge(out, n, top)
}

func (p *partitions) table(top []sketch.HeavyKey) report.Table {
	t := report.Table{Name: "partition_keys", Title: "HEAVIEST PARTITION KEYS", Columns: []report.Column{
		{Name: "partition_key", Title: p.name, Unit: report.UnitText},
		{Name: "items", Unit: report.UnitCount},
		{Name: "bytes", Title: "size", Unit: report.UnitBytes},
		{Name: "share", Title: "%", Unit: report.UnitRatio},
		{Name: "error_bytes", Title: "±", Unit: report.UnitBytes, Rank: 3},
	}}
	for _, k := range top {
		t.Rows = append(t.Rows, []report.Value{
			report.Text(k.Key), report.Number(k.Sums[0]), report.Number(k.Count), ratio("", k.Count, p.heavy.Total()).Value, report.Number(k.Error),
		})
	}
	return t
}

// The limits of KD022 and KD047.
const (
	timesPartitions  = 10 // distinct partition keys, in partitions
	fewestItems      = 1000
	collectionLimit  = place.PartitionGB * gib // with a local index
	collectionNearly = 8 * gib
)

func (p *partitions) judge(out *audit.Output, n float64, top []sketch.HeavyKey) {
	if out.Store == nil || p.items < fewestItems {
		return
	}
	table := &out.Store.Table
	if least := leastPartitions(table, p.bytes); n < timesPartitions*least {
		out.Findings = append(out.Findings, report.Finding{
			Rule: fewPartitionKeys, Severity: report.Error, Subject: p.name,
			Message:  fmt.Sprintf("%s partition keys for %s", humanize.Count(n), partitionsText(least)),
			Measure:  &report.Metric{Name: "partitions_per_key", Value: report.Number(least / max(1, n)), Unit: report.UnitFactor},
			Evidence: []report.Metric{count("partition_keys", int64(math.Round(n))), ratio("heaviest_share", top[0].Count, p.heavy.Total())},
			Samples:  samples(top[0].Key),
		})
	}
	p.judgeCollections(out, table, top)
}

func partitionsText(n float64) string {
	if n <= 1 {
		return "1 partition"
	}
	return humanize.Count(n) + " partitions"
}

// leastPartitions returns how many partitions the table has at least: by its size and capacity. The files of an export are not
// counted, as a partition may be several.
func leastPartitions(t *kv.Table, size int64) float64 {
	return float64(place.Partitions(t.ReadUnits, t.WriteUnits, float64(max(size, t.Bytes))/gib))
}

// judgeCollections holds the heaviest partition key against what a partition may hold. Without a local index a collection may be
// divided among partitions, and only its share says anything.
func (p *partitions) judgeCollections(out *audit.Output, table *kv.Table, top []sketch.HeavyKey) {
	local := ""
	for i := range table.Indexes {
		if x := &table.Indexes[i]; x.Local {
			local = x.Name
		}
	}
	k := top[0]
	size := k.Count - k.Error // at least
	if size < collectionNearly {
		return
	}
	f := report.Finding{
		Rule: itemCollectionID, Severity: report.Warning, Subject: p.name,
		Message:  fmt.Sprintf("%s under one partition key", humanize.Bytes(float64(size))),
		Measure:  &report.Metric{Name: "bytes", Value: report.Number(size), Unit: report.UnitBytes},
		Evidence: []report.Metric{count("items", k.Sums[0])}, Samples: samples(k.Key),
	}
	if local != "" {
		f.Message += ", which the local index " + local + " keeps in one partition"
		if size >= collectionLimit*9/10 {
			f.Severity = report.Error
		}
	}
	out.Findings = append(out.Findings, f)
}

const itemCollectionID = "KD047"

func itemCollection() *report.Rule {
	return &report.Rule{
		ID: itemCollectionID, Name: "item-collection-limit", Title: "Too much under one partition key", Severity: report.Error,
		Stores: []string{"dynamodb"},
		Doc: `All items of one partition key, and their copies in local indexes, are one item collection. With a local index it may not grow
beyond 10 GB: writes that would make it grow are refused then, and a local index can never be dropped. Without one DynamoDB may
divide the collection, but a partition that holds little else is a hot one. The bytes are those of the table alone: copies in
local indexes come on top.`,
		Fix:  "put a time or a bucket into the partition key; use a global index in place of a local one",
		Bad:  []string{"LSI on tenant, and a tenant of 9 GB"},
		Good: []string{"GSI on tenant#month"},
		Limits: []report.Limit{
			{Name: "warning", Value: collectionNearly, Unit: report.UnitBytes, Source: report.OwnDefault},
			{Name: "error", Value: collectionLimit * 9 / 10, Unit: report.UnitBytes, Source: "quotas of DynamoDB: 10 GB, less a tenth, with a local index"},
		},
	}
}
