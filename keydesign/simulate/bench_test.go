package simulate

import (
	"testing"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// large declares a hundred million keys.
const large = `
kvschema: 1
store: {kind: redis-cluster, version: "7.0", nodes: 12, maxmemory: 100GiB}
fields:
  uid: {type: int, cardinality: 20M, dist: {zipf: 0.9}}
  sku: {type: 're("[A-Z]{3}-[0-9A-Z]{6}")', cardinality: 5M, dist: {zipf: 1.05}}
templates:
  profile: {key: "{{user:{uid}}}:profile", type: hash, value: {size: {p50: 1KiB, max: 16KiB}, fields: {email: email}}, access: [{op: HMGET, rate: 120k/s}]}
  cart: {key: "{{user:{uid}}}:cart", type: hash, value: {elements: {p50: 4, max: 200}}, ttl: {policy: sliding, idle: 14d}, access: [{op: HINCRBY, rate: 15k/s}]}
  order: {key: "order:{uid}:{oid:uuid}", type: string, cardinality: {per: {uid: 2}}, value: {size: {p50: 400B, p99: 4KiB}}}
  product: {key: "cache:product:{sku}", kind: cache, type: string, value: {size: {p50: 3KiB, p99: 40KiB}}, ttl: {policy: fixed, value: 10m, jitter: ±20%}, access: [{op: GET, rate: 300k/s, on_miss: {op: SETEX, cost: 40ms}, miss: 5%}]}
  session: {key: "session:{sid:uuid}", type: hash, cardinality: {live: 15M}, value: {size: {p50: 600B, p99: 2KiB}}, ttl: {policy: sliding, idle: 30m}, access: [{op: HGETALL, rate: 90k/s, dist: {zipf: 0.8}}]}
`

func parse(t testing.TB, text string) *schema.Schema {
	t.Helper()
	s, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// BenchmarkRun draws five million of a hundred million keys.
func BenchmarkRun(b *testing.B) {
	s := parse(b, large)
	for b.Loop() {
		r, err := Run(s, Options{Sample: 5_000_000})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(r.Coverage.Keys)/b.Elapsed().Seconds()*float64(1), "keys/s")
		b.ReportMetric(float64(*r.Coverage.Of), "declared")
	}
}
