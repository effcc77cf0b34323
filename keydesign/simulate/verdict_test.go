package simulate

import (
	"fmt"
	"slices"
	"testing"

	"github.com/kvtool/kvtool/keydesign/lint"
	"github.com/kvtool/kvtool/report"
)

// A hot key has one verdict, whether it is computed from what is declared or drawn, on every kind of store that keys can be placed in.
func TestOneVerdictOnHotKeys(t *testing.T) {
	verdicts := 0
	for _, kind := range []string{"redis", "redis-cluster", "valkey", "memcached", "cassandra", "scylla", "aerospike", "dynamodb"} {
		for _, nodes := range []string{"", ", nodes: 6"} {
			s := parse(t, fmt.Sprintf(`kvschema: 1
store: {kind: %s%s}
templates:
  top:  {key: "top:{game:enum[chess,go]}", type: zset, value: {elements: {max: 10}}, access: [{op: ZINCRBY, rate: 5k/s}]}
  user: {key: "user:{uid:uuid}", type: hash, cardinality: {live: 10k}, value: {size: 100B}, access: [{op: HGETALL, rate: 20k/s}]}`, kind, nodes))
			r, err := Run(s, Options{})
			if err != nil {
				t.Fatal(err)
			}
			computed, drawn := hot(lint.Run(s)), hot(r.Findings)
			if !slices.Equal(computed, drawn) {
				t.Errorf("%s%s: lint says %v, simulate %v", kind, nodes, computed, drawn)
			}
			verdicts += len(computed)
		}
	}
	if verdicts == 0 {
		t.Error("no key is hot anywhere")
	}
}

func hot(findings []report.Finding) (out []string) {
	for _, f := range findings {
		if f.Rule == "KD023" {
			out = append(out, string(f.Severity)+" "+f.Subject)
		}
	}
	return out
}
