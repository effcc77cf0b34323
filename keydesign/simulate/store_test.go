package simulate

import (
	"fmt"
	"math"
	"testing"

	"github.com/kvtool/kvtool/keydesign/schema"
)

func TestParseStore(t *testing.T) {
	for text, want := range map[string]Store{
		"redis": {schema.Redis, 0}, "redis-cluster:6": {schema.RedisCluster, 6}, "memcached:1": {schema.Memcached, 1},
	} {
		if got, err := ParseStore(text); err != nil || got != want || got.String() != text {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "redi", "redis:", "redis:0", "redis:-1", "redis:1001", "redis:x", ":3"} {
		if s, err := ParseStore(text); err == nil {
			t.Errorf("%q is %v", text, s)
		}
	}
}

// Every store can be simulated, and its report is one that the tools read.
func TestEveryStore(t *testing.T) {
	for _, kind := range kinds() {
		t.Run(string(kind), func(t *testing.T) {
			s := shop(t)
			r, err := Run(s, Options{Store: Store{kind, 4}, Sample: 50_000})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Check(); err != nil {
				t.Error(err)
			}
			for i := range r.Sections {
				for _, m := range r.Sections[i].Metrics {
					if m.Value.IsNull() {
						t.Errorf("%s: %s is not known", r.Sections[i].Name, m.Name)
					}
				}
			}
		})
	}
}

// In an ordered store all writes of keys that grow at one end go to the last range; a bucket before them spreads them.
func TestTailWrites(t *testing.T) {
	for key, want := range map[string]float64{
		"evt:{day:date(yyyymmdd)}:{id:uuid}":   1,
		"evt:{n:seq}":                          1,
		"evt:{b:bucket(64)}:{n:seq}":           0,
		"evt:{id:uuid}:{day:date(yyyymmddhh)}": 0,
	} {
		m := measured(t, fmt.Sprintf(`
kvschema: 1
store: {kind: ordered, nodes: 4}
templates: {evt: {key: %q, ttl: {policy: fixed, value: 30d}, cardinality: {live: 20k}, access: [{op: put, rate: 1k/s}]}}`, key), Options{})
		if got := m.tailWrites(); math.Abs(got-want) > 1/float64(len(m.parts))+1e-9 {
			t.Errorf("%s: %.3f of the writes go to the last of %d ranges, want %g", key, got, len(m.parts), want)
		}
	}
}

// A table of DynamoDB has the partitions that its load makes, and one item that is too hot for any is found.
func TestDynamoDB(t *testing.T) {
	m := measured(t, `
kvschema: 1
store: {kind: dynamodb, capacity: {rcu: 6000, wcu: 3000}}
fields: {uid: {type: uuid, cardinality: 50k}}
templates:
  user: {type: item, pk: "USER#{uid}", sk: "PROFILE", value: {size: 3kB}, access: [{op: GetItem, rate: 4k/s}, {op: UpdateItem, rate: 500/s}]}
  top: {type: item, pk: "TOP#{game:enum[a,b]}", sk: "X", value: {size: 200B}, access: [{op: UpdateItem, rate: 3k/s}]}`, Options{})
	if m.all.rcu < 1999 || m.all.rcu > 2001 || m.all.wcu < 4400 || m.all.wcu > 5100 { // half a unit a read; three or four units a write of a user, one of a top
		t.Errorf("%.0f RCU, %.0f WCU", m.all.rcu, m.all.wcu)
	}
	if m.layout.Nodes < 5 {
		t.Errorf("%d partitions", m.layout.Nodes)
	}
	r := m.report()
	if len(r.Findings) != 1 || r.Findings[0].Rule != ruleCapacity || r.Findings[0].Subject != "TOP#{game:enum[a,b]}|X" {
		t.Errorf("findings: %+v", r.Findings)
	}
}
