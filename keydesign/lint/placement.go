package lint

import (
	"math"
	"slices"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

func monotonicPrefix(doc *report.Rule) rule {
	return rule{
		Rule: doc,
		// Stores that hash the partition key spread whatever it begins with; one that is nothing but a time is for KD021.
		stores: append(redisFamily(), schema.Ordered),
		check:  each(checkMonotonic),
		bad: `
kvschema: 1
defaults: {owner: shop}
store: {kind: ordered}
templates:
  event: {key: "evt/{day:date(yyyy-mm-dd)}/{eid:int}"}`,
		good: `
kvschema: 1
defaults: {owner: shop}
store: {kind: ordered}
templates:
  event: {key: "evt/{part:bucket(64)}/{day:date(yyyy-mm-dd)}/{eid:int}"}`,
	}
}

func checkMonotonic(d *design, t *template, emit emitter) {
	severity, k := report.Error, t.Key
	if d.store != schema.Ordered {
		severity = report.Info
		if k = t.tagged; k == nil && len(t.Key) > 0 && t.Key[0].Type != nil {
			k = t.Key[:1] // only listing and reading by prefix suffer
		}
	}
	ps := placeholders(k)
	if len(ps) == 0 {
		return
	}
	first := ps[0]                                                 // what stands first decides
	counts := first.Type.Kind == schema.TypeSeq && t.tagged == nil // a counter in a tag spreads well
	if counts || isTime(first.Type) {
		emit(t.finding(severity, "{%s} only grows, and it decides where a key is kept", first.Name()))
	}
}

func timeBucket() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD021", Name: "timestamp-in-pk-bucket", Title: "A partition for each period of time", Severity: report.Warning,
			Doc: `The partition key is a time and nothing else. All that is written in one period goes to one partition, while all others rest;
and reading the last hour, which is what most programs do, asks the same one.`,
			Fix: "add a bucket to the partition key, with as many values as one partition's share of the peak: writes a second / 1,000 for DynamoDB",
		},
		stores: wideFamily(),
		check: each(func(_ *design, t *template, emit emitter) {
			pk, _ := t.partitionKey()
			ps := placeholders(pk)
			if len(ps) > 0 && !slices.ContainsFunc(ps, func(p *schema.Piece) bool { return !isTime(p.Type) }) {
				emit(t.finding(report.Warning, "all writes of one {%s} go to one partition", ps[0].Name()))
			}
		}),
		bad: `
kvschema: 1
defaults: {owner: shop}
store: {kind: cassandra}
templates:
  event: {key: "evt:{day:date(yyyy-mm-dd)}"}`,
		good: `
kvschema: 1
defaults: {owner: shop}
store: {kind: cassandra}
templates:
  event: {key: "evt:{day:date(yyyy-mm-dd)}:{part:bucket(64)}"}`,
	}
}

// The limits of a partition of DynamoDB, in units a second.
const (
	partitionWCU = 1000
	partitionRCU = 3000
	partitionGB  = 10
	fewTimes     = 10 // KD022: distinct partition keys, in partitions
)

func fewPartitions() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD022", Name: "low-cardinality-pk", Title: "Too few partition keys", Severity: report.Error,
			Stores: names(wideFamily()),
			Doc: `What has the same partition key is in one partition, however many partitions there are. With few distinct partition keys some
partitions hold several and others none; and one key that gets more than a partition can do is throttled while the table is idle.

The number of partitions follows from the declared capacity (DynamoDB: the greater of RCU/3000 + WCU/1000 and GB/10) or is the
number of nodes (Cassandra, Scylla); where nothing is declared it is one.`,
			Fix: "take as partition key what differs from item to item, such as its id, and put the present one into a sharded index",
			Limits: []report.Limit{
				{Name: "times_partitions", Value: fewTimes, Unit: report.UnitFactor, Source: report.OwnDefault},
				{Name: "write_units", Value: partitionWCU, Unit: report.UnitRate, Source: "quotas of DynamoDB, for a partition"},
				{Name: "read_units", Value: partitionRCU, Unit: report.UnitRate, Source: "quotas of DynamoDB, for a partition"},
			},
		},
		stores: wideFamily(),
		check:  each(checkPartitions),
		bad: `
kvschema: 1
defaults: {owner: shop}
store: {kind: dynamodb}
templates:
  order: {type: item, pk: "{state:enum[new,paid,sent]}", sk: "{oid:int}"}`,
		good: `
kvschema: 1
defaults: {owner: shop}
store: {kind: dynamodb}
templates:
  order: {type: item, pk: "{oid:int}"}`,
	}
}

func checkPartitions(d *design, t *template, emit emitter) {
	pk, sk := t.partitionKey()
	ps := placeholders(pk)
	if len(ps) == 0 || slices.ContainsFunc(ps, func(p *schema.Piece) bool { return isTime(p.Type) }) {
		return // a single item, or what KD021 is for
	}
	n, partitions := d.distinct(pk), d.partitions()
	if n > 0 && n < fewTimes*partitions {
		emit(t.finding(report.Error, "%s partition keys for %s", humanize.Count(n), parts(partitions)))
		return
	}
	if len(placeholders(sk)) == 0 || d.store != schema.DynamoDB {
		return // then the hottest partition key is the hottest key, which is for KD090
	}
	r, w := d.hottest(t, pk, 0)
	if load := max(r/partitionRCU, w/partitionWCU); load > 1 {
		emit(t.measured(report.Error, ratioMetric("of_partition", load),
			"its hottest partition key takes %s RCU and %s WCU, more than a partition gives", humanize.Count(r), humanize.Count(w)))
	}
}

// partitions returns how many partitions there are, about; 1 if nothing is declared.
func (d *design) partitions() float64 {
	c := &d.Store.Capacity
	if d.store == schema.DynamoDB {
		return max(1, math.Ceil(max(c.RCU/partitionRCU+c.WCU/partitionWCU, c.GB/partitionGB)))
	}
	return float64(d.Store.Masters())
}

func parts(n float64) string {
	if n == 1 {
		return "1 partition"
	}
	return humanize.Count(n) + " partitions"
}
