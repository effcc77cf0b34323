package lint

import (
	"slices"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

// A valueLimit is how large a value may be in a kind of store; 0 is no limit.
type valueLimit struct {
	stores        []schema.StoreKind
	warning, over int64 // bytes
}

func valueLimits() []valueLimit {
	return []valueLimit{
		{redisFamily(), 10 << 10, 256 << 10},
		{[]schema.StoreKind{schema.Memcached}, 0, 1 << 20},
		{[]schema.StoreKind{schema.DynamoDB}, 64 << 10, 400 << 10},
		{[]schema.StoreKind{schema.Aerospike}, 0, 1 << 20},
		{[]schema.StoreKind{schema.Ordered}, 0, 1536 << 10},
	}
}

func largeValues(doc *report.Rule) rule {
	var stores []schema.StoreKind
	for _, l := range valueLimits() {
		stores = append(stores, l.stores...)
	}
	return rule{
		Rule: doc, stores: stores,
		check: each(checkValue),
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  report: {key: "report:{rid:int}", type: string, value: {size: {p50: 8KiB, max: 3MiB}}}`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  report: {key: "report:{rid:int}", type: string, value: {size: {p50: 4KiB, max: 8KiB}}}
  basket: {key: "basket:{uid:int}", type: hash, value: {size: {p50: 4KiB, max: 32KiB}}}`,
	}
}

func checkValue(d *design, t *template, emit emitter) {
	if inRedis(d.store) && t.Type != "" && t.Type != "string" && t.Type != "json" {
		return // a collection is not read whole
	}
	n := t.Value.Size.Largest()
	for _, l := range valueLimits() {
		severity, limit := report.Error, l.over
		if n <= l.over {
			severity, limit = report.Warning, l.warning
		}
		if slices.Contains(l.stores, d.store) && limit > 0 && n > limit {
			emit(t.measured(severity, bytesMetric("max_bytes", float64(n)), "values may have %s, more than %s",
				humanize.Bytes(float64(n)), humanize.Bytes(float64(limit))))
		}
	}
}

func unbounded() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD042", Name: "unbounded-collection", Title: "Collections that nothing keeps short", Severity: report.Error,
			Stores: []string{"redis", "redis-cluster", "valkey"},
			Doc: `Something is added to these collections, and nothing is declared that takes it out again or ends the key. They grow until the
memory is full or somebody reads one whole.

A list or a stream grows with each write, so that only a trim, a greatest length or a TTL bounds it. A set or a sorted set holds
each member once: there a declared greatest number of elements is a bound, too. Templates of which the declared accesses only read
are left alone.`,
			Fix: "trim where it is written: XADD … MAXLEN ~ 10000, LTRIM, ZREMRANGEBYRANK; and declare max_len, trim or a TTL",
		},
		stores: redisFamily(),
		check:  each(checkBound),
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  log: {key: "log:{host:word}", type: list, value: {elements: {max: 10k}}, access: [{op: LPUSH}]}`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  log:  {key: "log:{host:word}", type: list, value: {max_len: 10k}, access: [{op: LPUSH+LTRIM}]}
  role: {key: "role:{uid:int}", type: set, value: {elements: {max: 20}}, access: [{op: SADD}]}
  last: {key: "last:{uid:int}", type: list, ttl: {policy: fixed, value: 1h}, access: [{op: LPUSH}]}`,
	}
}

func checkBound(_ *design, t *template, emit emitter) {
	if !slices.Contains([]string{"list", "stream", "zset", "set"}, t.Type) || t.expires() {
		return
	}
	v := &t.Value
	unique := t.Type == "set" || t.Type == "zset"
	if v.MaxLen > 0 || v.Trim != "" || unique && v.Elements.Max > 0 {
		return
	}
	if len(t.uses) > 0 && !slices.ContainsFunc(t.uses, func(u *schema.Access) bool { return does(u.Op, growing) }) {
		return
	}
	emit(t.finding(report.Error, "a %s with neither max_len nor trim nor TTL", t.Type))
}

const fewValues = 100 // KD048: distinct values of an index's partition key

func hotIndex() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD048", Name: "gsi-hot", Title: "An index on few values", Severity: report.Error, Stores: []string{"dynamodb"},
			Doc: `The partition key of a global secondary index is a state, a flag or a date: it has few values, and each is one partition that
takes all writes of the items that have it. When the index is throttled, so are the writes of the table.`,
			Fix:    "shard the value (status#{bucket(n)}), or index only the few items that are looked for",
			Limits: []report.Limit{{Name: "values", Value: fewValues, Unit: report.UnitCount, Source: report.OwnDefault + ": fewer are hot"}},
		},
		stores: []schema.StoreKind{schema.DynamoDB},
		check:  each(checkIndexes),
		bad: `
kvschema: 1
defaults: {owner: shop}
store: {kind: dynamodb}
templates:
  order:
    type: item
    pk: "{oid:int}"
    indexes: {by_state: {pk: "{state:enum[new,paid,sent]}"}}`,
		good: `
kvschema: 1
defaults: {owner: shop}
store: {kind: dynamodb}
templates:
  order:
    type: item
    pk: "{oid:int}"
    indexes: {by_state: {pk: "{state:enum[new,paid,sent]}#{part:bucket(64)}"}}`,
	}
}

func checkIndexes(d *design, t *template, emit emitter) {
	for i := range t.Item.Indexes {
		x := &t.Item.Indexes[i]
		ps := placeholders(x.PK)
		if x.Local || len(ps) == 0 {
			continue
		}
		onlyTime := !slices.ContainsFunc(ps, func(p *schema.Piece) bool { return !isTime(p.Type) })
		switch n := d.distinct(x.PK); {
		case onlyTime:
			emit(t.finding(report.Error, "the index %s has one partition for each {%s}", x.Name, ps[0].Name()))
		case n > 0 && n < fewValues:
			emit(t.finding(report.Error, "the index %s has %s partition keys", x.Name, humanize.Count(n)))
		}
	}
}
