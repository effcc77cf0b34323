package simulate

import (
	"fmt"
	"strings"
	"testing"
)

// Where memory is short, what is read most is kept, and a policy that may drop only keys with a TTL drops no others.
func TestEviction(t *testing.T) {
	const text = `
kvschema: 1
store: {kind: redis, version: "7.0", maxmemory: 20MiB, policy: %s}
fields: {uid: {type: int, cardinality: 60k, dist: {zipf: 1}}}
templates:
  record: {key: "r:{uid}", type: string, value: {size: 100B}, ttl: {policy: none}}
  cache: {key: "c:{uid}", kind: cache, type: string, value: {size: 400B}, ttl: {policy: fixed, value: 1h}, access: [{op: GET, rate: 5k/s, miss: 1%%, on_miss: {op: SETEX}}]}`
	for policy, wantRecords := range map[string]bool{"volatile-lru": true, "allkeys-lru": false} {
		r := measured(t, fmt.Sprintf(text, policy), Options{}).report()
		s := r.Section(sectionEviction)
		if s == nil {
			t.Fatalf("%s: no section", policy)
		}
		held := map[string]float64{}
		hits := 0.0
		for _, row := range s.Tables[0].Rows {
			name, _ := row[0].Text()
			held[name] = number(row[1])
			if name == "c:{uid}" {
				hits = number(row[4])
			}
		}
		if (held["r:{uid}"] == 1) != wantRecords {
			t.Errorf("%s: %.2f of the records are held", policy, held["r:{uid}"])
		}
		if held["c:{uid}"] > 0.9 || hits < held["c:{uid}"] || hits > 0.99 {
			t.Errorf("%s: %.2f of the cache is held, and %.2f of the reads hit", policy, held["c:{uid}"], hits)
		}
	}
	r := measured(t, fmt.Sprintf(text, "noeviction"), Options{}).report()
	if r.Section(sectionEviction) != nil || !strings.Contains(fmt.Sprint(r.Sections[0].Tables[0].Rows), "writes are refused") {
		t.Error("noeviction evicts")
	}
}
