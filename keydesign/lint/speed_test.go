package lint

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// large is a schema of n templates as a large team has them: a few fields, many names below few prefixes, every kind and TTL.
func large(n int) string {
	var b strings.Builder
	b.WriteString("kvschema: 1\nstore: {kind: redis-cluster, nodes: 12, maxmemory: 64GiB, policy: volatile-lru}\ndefaults: {owner: shop}\n" +
		"fields:\n  uid: {type: int, cardinality: 2M, dist: {zipf: 0.9}}\n  sku: {type: 're(\"[A-Z]{3}-[0-9A-Z]{6}\")', cardinality: 150k}\ntemplates:\n")
	names := []string{"cart", "seen", "prefs", "inbox", "score", "quota", "draft", "visit", "badge", "alert"}
	for i := range n {
		name := fmt.Sprintf("%s%d", names[i%len(names)], i/len(names))
		key := []string{
			"user:{uid}:" + name, name + ":{id:uuid}", "{{user:{uid}}}:" + name, "idx:" + name + ":{h:hash(sha256,32)}",
			name + ":{sku}:{day:date(yyyymmdd)}", "tmp:{w:word}:" + name + ":{n:int}", "user:{uid}:" + name + ":{slot:bucket(16)}",
		}[i%7]
		fmt.Fprintf(&b, "  %s:\n    key: %q\n    kind: %s\n    type: hash\n    value: {size: {p50: 600B, max: 4KiB}, elements: {max: 100}}\n"+
			"    ttl: {policy: fixed, value: %dm, jitter: ±20%%}\n    cardinality: {live: %dk}\n"+
			"    access: [{op: HGETALL, query: get, rate: 90/s}, {op: HSET, rate: 10/s}]\n", name, key, []string{"cache", "record", "session"}[i%3], 10+i, 1+i%50)
		if i%4 == 3 {
			fmt.Fprintf(&b, "    refs: [{kind: index, to: %s0, from: value}]\n", names[0])
		}
	}
	return b.String()
}

// BenchmarkLint reads and lints 500 templates, and says how many times the parsing of the YAML alone that takes, together and
// without the reading. CPU is not time where the garbage collector has a core of its own; so there is one.
func BenchmarkLint(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	src := schema.Source{Name: "keys.yaml", Data: []byte(large(500))}
	var yaml, parse, check time.Duration
	for b.Loop() {
		yaml += timed(b, func() error {
			_, err := yamlfile.Read(src.Name, src.Data, schema.MaxSize)
			return err
		})
		var s *schema.Schema
		parse += timed(b, func() (err error) {
			s, err = schema.Parse(src)
			return err
		})
		check += timed(b, func() error {
			Check(s)
			return nil
		})
	}
	b.ReportMetric(float64(parse+check)/float64(yaml), "x-yaml")
	b.ReportMetric(float64(check)/float64(yaml), "x-yaml-without-reading")
	b.ReportMetric(float64(check.Microseconds())/float64(b.N), "µs/check")
}

func timed(b *testing.B, f func() error) time.Duration {
	start := time.Now()
	if err := f(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

// A schema of many templates has the findings that are in it: pairs are left out only where they cannot share a key.
func TestLarge(t *testing.T) {
	text := large(500) + "  last: {key: \"tmp:{w:word}:{x:str(20)}:{n:int}\"}\n"
	found := map[string]int{}
	for _, f := range Run(parse(t, text)) {
		found[f.Rule]++
	}
	if found["KD005"] != 1 {
		t.Errorf("%v: want one KD005", found)
	}
	t.Log(found)
}
