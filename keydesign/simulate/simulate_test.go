package simulate

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/keydesign/lint"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// measured runs a schema and returns what was measured.
func measured(t testing.TB, text string, o Options) *measure {
	t.Helper()
	w, err := newWorld(parse(t, text), o)
	if err != nil {
		t.Fatal(err)
	}
	m := newMeasure(w)
	for _, p := range w.populations {
		p.each(m.observe)
	}
	m.finish()
	return m
}

// Random ids fill slots as chance does, within a tenth. (Numbers that count up fill them more evenly: CRC16 is linear.)
func TestUniformIdsFillSlotsByChance(t *testing.T) {
	for keys, want := range map[string]float64{"100k": 2.78, "1M": 1.56} {
		m := measured(t, `
kvschema: 1
store: {kind: redis-cluster, nodes: 6}
fields: {uid: {type: hex(16), cardinality: `+keys+`}}
templates: {user: {key: "user:{uid}", type: string, value: {size: 100B}}}`, Options{})
		s := m.partSpread(ofKeys)
		if math.Abs(s.peak/want-1) > 0.1 || math.Abs(s.chance/want-1) > 0.01 {
			t.Errorf("%s keys: max/mean %.3f, by chance %.3f, want %.2f", keys, s.peak, s.chance, want)
		}
	}
}

// What a sample says of all slots is what all keys say.
func TestSampleSaysWhatAllSay(t *testing.T) {
	const text = `
kvschema: 1
store: {kind: redis-cluster, nodes: 6}
fields: {uid: {type: uuid, cardinality: 500k, dist: {zipf: 0.9}}}
templates:
  user: {key: "user:{uid}", type: hash, value: {size: {p50: 400B, p99: 4KiB}}, access: [{op: HGETALL, rate: 10k/s}]}
  cart: {key: "{{cart:{uid}}}:items", cardinality: {per: {uid: 2}}, ttl: {policy: fixed, value: 1h}, type: string, value: {size: 80B}}`
	all, part := measured(t, text, Options{Sample: 2_000_000}), measured(t, text, Options{Sample: 100_000})
	if all.w.drawn != all.w.total || part.w.drawn > 110_000 {
		t.Fatalf("%d of %d keys, then %d", all.w.drawn, all.w.total, part.w.drawn)
	}
	near := func(what string, got, want, tolerance float64) {
		t.Helper()
		if math.Abs(got/want-1) > tolerance {
			t.Errorf("%s: %g in a sample, %g in all", what, got, want)
		}
	}
	near("keys", part.all.keys, all.all.keys, 1e-9)
	near("operations", part.all.ops, all.all.ops, 1e-3)
	near("operations declared", all.all.ops, 10_000, 1e-9)
	near("bytes", part.all.bytes, all.all.bytes, 0.01)
	near("the fullest slot", part.partSpread(ofKeys).peak, all.partSpread(ofKeys).peak, 0.1)
	near("chance", part.partSpread(ofKeys).chance, all.partSpread(ofKeys).chance, 0.01)
	near("the busiest node", part.nodeSpread(ofOps).drawn, all.nodeSpread(ofOps).drawn, 0.02)
	if part.hot.keys[0].key != all.hot.keys[0].key {
		t.Errorf("the hottest key is %s in a sample, %s in all", part.hot.keys[0].key, all.hot.keys[0].key)
	}
}

// The error that a report states holds in 19 of 20 runs.
func TestErrorHolds(t *testing.T) {
	const text = `
kvschema: 1
store: {kind: redis, version: "7.0"}
fields: {uid: {type: int, cardinality: 300k}}
templates: {user: {key: "user:{uid}", type: string, value: {size: {p50: 300B, p99: 20KiB}}}}`
	outside := 0
	for seed := range uint64(40) {
		all, part := measured(t, text, Options{Seed: seed}), measured(t, text, Options{Seed: seed, Sample: 10_000})
		if math.Abs(part.all.bytes-all.all.bytes) > part.sums[0].byteError() {
			outside++
		}
	}
	if outside > 6 { // of 40, 2 in the mean
		t.Errorf("%d of 40 runs are outside of their interval", outside)
	}
}

// A hot key is found with its share.
func TestPlantedHotKey(t *testing.T) {
	m := measured(t, `
kvschema: 1
store: {kind: redis-cluster, nodes: 4}
fields: {uid: {type: int, cardinality: 200k}}
templates:
  user: {key: "user:{uid}", type: string, access: [{op: GET, rate: 50k/s}]}
  board: {key: "board:{game:enum[a,b,c,d]}", type: zset, value: {elements: 100}, access: [{op: ZINCRBY, rate: 10k/s, dist: {hot: {share: 60%, keys: 1}}}]}`, Options{})
	hot := &m.hot.keys[0]
	if !strings.HasPrefix(hot.key, "board:") || math.Abs(hot.load.ops/6000-1) > 1e-9 {
		t.Fatalf("the hottest key is %s with %g a second", hot.key, hot.load.ops)
	}
	r := m.report()
	found := false
	for _, f := range r.Findings {
		found = found || f.Rule == ruleHotKey && f.Subject == "board:{game:enum[a,b,c,d]}"
	}
	if !found {
		t.Errorf("no KD023 of the board: %v", r.Findings)
	}
}

// Tags that are the same for all keys put them into one slot, and the finding is about their template.
func TestConstantTag(t *testing.T) {
	m := measured(t, `
kvschema: 1
store: {kind: redis-cluster, nodes: 4}
fields: {uid: {type: int, cardinality: 200k}}
templates: {user: {key: "{{app}}:u:{uid}", type: string, access: [{op: GET, rate: 1k/s}]}}`, Options{})
	r := m.report()
	rules := map[string]string{}
	for _, f := range r.Findings {
		rules[f.Rule] = f.Subject
	}
	if rules[ruleSlots] != "{{app}}:u:{uid}" || !strings.HasPrefix(rules[ruleNodes], "node ") {
		t.Errorf("findings: %v", rules)
	}
	best := m.rank()[0]
	if best.c.name != "uid" && best.c.name != "the whole key" {
		t.Errorf("the best is to place by %s", best.c.name)
	}
}

// Operations that touch several keys cross slots unless something keeps the keys together, and the field that does is ranked first.
func TestAlternatives(t *testing.T) {
	m := measured(t, `
kvschema: 1
store: {kind: redis-cluster, nodes: 3}
fields: {uid: {type: int, cardinality: 50k}, region: {type: "enum[eu,us]", cardinality: 2}}
templates:
  user: {key: "user:{region}:{uid}", type: string}
  cart: {key: "cart:{uid}", type: string, access: [{op: MULTI, query: tx, keys: [cart, user], rate: 300/s}, {op: GET, rate: 5k/s}]}`, Options{})
	byName := map[string]outcome{}
	ranked := m.rank()
	for _, r := range ranked {
		byName[r.c.name] = r
	}
	for name, want := range map[string]float64{"as declared": 300, "the whole key": 300, "region": 300, "uid": 0} {
		if got := byName[name].c.crossing; got != want {
			t.Errorf("by %s: %g operations a second cross slots, want %g", name, got, want)
		}
	}
	if ranked[0].c.name != "uid" || ranked[len(ranked)-1].c.name != "region" {
		t.Errorf("first %s, last %s", ranked[0].c.name, ranked[len(ranked)-1].c.name)
	}
	if n := byName["uid"].keys; n.mean == 0 || math.Abs(n.mean*float64(n.parts)/m.all.keys-1) > 1e-9 {
		t.Errorf("placed by uid, keys are lost: %g × %d", n.mean, n.parts)
	}
}

// Each share of an access goes to some key: the shares of all keys add up to one, whatever the distribution and the shape of the
// key.
func TestSharesAddUp(t *testing.T) {
	dists := []string{"", "dist: {zipf: 0.8}", "dist: {zipf: 1}", "dist: {hot: {share: 70%, keys: 3}}", "dist: {latest: 1.1}", "dist: {hot: {share: 50%, keys: 90k}}"}
	keys := []string{
		"a:{uid}", "a:{uid}:{kind:enum[x,y,z]}", "a:{minute:ts_s(60)}:{uid}", "a:{id:uuid}", "a:{{{uid}}}:{id:hex(8)}", "a:{minute:ts_s(60)}", "a",
	}
	for _, key := range keys {
		for _, d := range dists {
			for _, op := range []string{"GET", "INCR"} {
				access := strings.TrimSuffix("op: "+op+", rate: 1k/s, "+d, ", ")
				m := measured(t, fmt.Sprintf(`
kvschema: 1
fields: {uid: {type: int, cardinality: 600, dist: {zipf: 1.1}}}
templates: {a: {key: %q, type: string, ttl: {policy: fixed, value: 5m}, cardinality: {live: 3000}, access: [{%s}]}}`, key, access), Options{})
				if math.Abs(m.all.ops/1000-1) > 1e-9 {
					t.Errorf("%s, %s, %s: %g of 1,000 operations, %d keys, runs of %d", key, d, op, m.all.ops, m.w.total, m.w.populations[0].run)
				}
			}
		}
	}
}

// All keys of a run differ.
func TestKeysDiffer(t *testing.T) {
	s := parse(t, large)
	o := Options{Entities: map[string]int64{"uid": 3000, "sku": 2000, "session": 4000}}
	seen := map[string]bool{}
	if err := Each(s, o, func(d *Draw) {
		if seen[string(d.Key)] {
			t.Errorf("%q is drawn twice", d.Key)
		}
		seen[string(d.Key)] = true
	}); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 3000*4+2000+4000 {
		t.Errorf("%d keys", len(seen))
	}
}

// Templates that share a field have keys of the same values of it.
func TestTemplatesShareIds(t *testing.T) {
	ids := map[int]map[string]bool{}
	s := parse(t, `
kvschema: 1
fields: {uid: {type: int, cardinality: 50k}}
templates: {a: {key: "{uid}", type: string}, b: {key: "{uid}", type: string, cardinality: {live: 100}}}`)
	if err := Each(s, Options{}, func(d *Draw) {
		if ids[d.Template] == nil {
			ids[d.Template] = map[string]bool{}
		}
		ids[d.Template][string(d.Key)] = true
	}); err != nil {
		t.Fatal(err)
	}
	for id := range ids[1] {
		if !ids[0][id] {
			t.Errorf("%s is in one template alone", id)
		}
	}
	if len(ids[1]) != 100 {
		t.Errorf("%d keys", len(ids[1]))
	}
}

func TestHowManyKeys(t *testing.T) {
	const head = `
kvschema: 1
fields: {uid: {type: int, cardinality: 1000, growth: 10/d}}
templates:
  user: {key: "user:{uid}", type: string}
  x: `
	for body, want := range map[string]int64{
		`{key: "x:{uid}", type: string}`:                                                                                                         1000,
		`{key: "x:{uid}:{k:enum[a,b]}", type: string}`:                                                                                           2000,
		`{key: "x:{uid}", type: string, cardinality: {live: 70}}`:                                                                                70,
		`{key: "x:{uid}:{id:uuid}", type: string, cardinality: {per: {uid: 2.5}}}`:                                                               2500,
		`{key: "x:{id:uuid}", type: string, cardinality: {max: 12}}`:                                                                             12,
		`{key: "x:{id:uuid}", type: string, ttl: {policy: fixed, value: 1m}, access: [{op: SET, rate: 3/s}]}`:                                    180,
		`{key: "x:{uid}", type: string, ttl: {policy: fixed, value: 1m}, access: [{op: SET, rate: 3/s}]}`:                                        180,
		`{key: "x:{uid}", type: string, ttl: {policy: fixed, value: 1d}, access: [{op: SET, rate: 3/s}]}`:                                        1000,
		`{key: "x:{h:hash(md5)}", type: string, refs: [{kind: index, to: user, from: value}]}`:                                                   1000,
		`{key: "x:{m:ts_s(60)}:{k:enum[a,b]}", type: string, ttl: {policy: fixed, value: 2m}}`:                                                   4,
		`{key: "x:{uid}", type: string, cardinality: {live: 5000}}`:                                                                              1000,
		`{key: "x:{b:bucket(4,of:uid)}:{uid}", type: string}`:                                                                                    1000,
		`{key: "x:{id:uuid}", type: string}`:                                                                                                     0,
		`{key: "x", type: string}`:                                                                                                               1,
		`{key: "x:{id:uuid}", type: string, access: [{op: GET, rate: 10/s, miss: 50%, on_miss: {op: SETEX}}], ttl: {policy: fixed, value: 10s}}`: 50,
	} {
		w, err := newWorld(parse(t, head+body), Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := int64(0)
		if p := w.population("x"); p != nil {
			got = p.keys
		}
		if got != want {
			t.Errorf("%s: %d keys, want %d", body, got, want)
		}
	}
	w, err := newWorld(parse(t, head+`{key: "x:{uid}", type: string}`), Options{Growth: 100 * 24 * 3600e9, Entities: map[string]int64{"uid": 5000}})
	if err != nil || w.population("x").keys != 6000 {
		t.Errorf("after growth: %d keys, %v", w.population("x").keys, err)
	}
}

// The same file, flags and seed are the same report; another seed is another.
func TestSameReport(t *testing.T) {
	doc := func(seed uint64) string {
		r, err := Run(parse(t, large), Options{Sample: 20_000, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	first := doc(1)
	if again := doc(1); again != first {
		t.Error("two runs differ")
	}
	if doc(2) == first {
		t.Error("the seed does nothing")
	}
}

func TestUnknownEntity(t *testing.T) {
	if _, err := Run(parse(t, large), Options{Entities: map[string]int64{"uidd": 5}}); err == nil || !strings.Contains(err.Error(), "uidd") {
		t.Errorf("error %v", err)
	}
}

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

// The rules have the limits that a simulation holds against.
func TestLimits(t *testing.T) {
	l := newLimits()
	for rule, names := range map[string][]string{
		ruleHotKey: {"warning", "error", "rate"}, ruleSlots: {"times_mean", "times_chance", "keys_a_slot"}, ruleNodes: {"times_mean"}, ruleCapacity: {"memory", "rcu", "wcu"},
	} {
		for _, name := range names {
			if math.IsInf(l.of(rule, name), 1) {
				t.Errorf("%s has no limit %s", rule, name)
			}
		}
	}
	if !math.IsInf(l.of("KD000", "x"), 1) {
		t.Error("a limit that there is not can be passed")
	}
	if len(lint.Rules()) == 0 {
		t.Error("no rules")
	}
}

func TestPermutation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 3000).Draw(t, "n")
		p := newPermutation(n, rapid.Uint64().Draw(t, "seed"))
		seen := make([]bool, n)
		for i := range n {
			x := p.at(i)
			if x < 0 || x >= n || seen[x] {
				t.Fatalf("%d of %d becomes %d", i, n, x)
			}
			seen[x] = true
		}
	})
}

func TestZeta(t *testing.T) {
	for _, a := range []float64{0.5, 0.9, 1, 1.1, 2} {
		for _, n := range []int{1, 10, 999, 1000, 1001, 54_321} {
			want := 0.0
			for r := 1; r <= n; r++ {
				want += math.Pow(float64(r), -a)
			}
			if got := zeta(float64(n), a); math.Abs(got/want-1) > 1e-10 {
				t.Errorf("zeta(%d, %g) = %.12f, want %.12f", n, a, got, want)
			}
		}
	}
}

// Sizes have the median and the percentiles that are declared.
func TestQuantiles(t *testing.T) {
	q := quantilesOf(schema.Dim{P50: 600, P99: 2048, Max: 8192})
	if q.at(0.5) != 600 || math.Abs(float64(q.at(0.99))-2048) > 1 || q.at(1-1e-12) != 8192 || q.at(1e-12) < 1 {
		t.Errorf("%d, %d, %d", q.at(0.5), q.at(0.99), q.at(1-1e-12))
	}
	if same := quantilesOf(schema.Dim{P50: 7, P99: 7, Max: 7}); same.at(0.01) != 7 || same.at(0.99) != 7 {
		t.Error("a size alone is all sizes")
	}
	if up := quantilesOf(schema.Dim{P50: 1024, Max: 16384}); up.at(0.5) != 1024 || up.at(0.9) >= 16384 {
		t.Errorf("%d", up.at(0.9))
	}
}

// A sliding TTL starts anew with each use: keys that are used often have most of their life left.
func TestAges(t *testing.T) {
	for _, v := range []float64{0.01, 0.5, 0.99} {
		if a := ageOf(v, 100, 0); math.Abs(a-100*v) > 1e-6 {
			t.Errorf("unused: %g", a)
		}
		if a := ageOf(v, 100, 10); a > 1 {
			t.Errorf("used ten times a second, and %g s old", a)
		}
		if a := ageOf(v, 100, 0.01); a < 0 || a > 100 {
			t.Errorf("%g s old", a)
		}
	}
}

func TestGini(t *testing.T) {
	for _, c := range []struct {
		xs   []float64
		want float64
	}{{[]float64{1, 1, 1, 1}, 0}, {[]float64{0, 0, 0, 4}, 0.75}, {[]float64{1, 2, 3, 4}, 0.25}} {
		s := spreadOf(len(c.xs), func(i int) float64 { return c.xs[i] }, things{})
		if math.Abs(s.gini-c.want) > 1e-12 {
			t.Errorf("%v: %g, want %g", c.xs, s.gini, c.want)
		}
	}
}

// Splitting a number into fields and what they stand for is the same each time, and reports do not depend on the order of maps.
func TestDrawIsPure(t *testing.T) {
	var a, b []string
	collect := func(to *[]string) func(*Draw) {
		return func(d *Draw) { *to = append(*to, fmt.Sprint(string(d.Key), d.Value, d.TTL, d.Life, d.Weight)) }
	}
	o := Options{Sample: 5000, Entities: map[string]int64{"uid": 9000, "sku": 9000, "session": 9000}}
	if err := Each(parse(t, large), o, collect(&a)); err != nil {
		t.Fatal(err)
	}
	if err := Each(parse(t, large), o, collect(&b)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) || len(a) < 5000 {
		t.Errorf("%d and %d draws", len(a), len(b))
	}
}

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

// Nothing that can be declared is too much.
func TestExtremes(t *testing.T) {
	for _, text := range []string{
		`{key: "x:{id:uuid}", type: string, cardinality: {live: 900G}, value: {size: 1GiB}}`,
		`{key: "x:{id:uuid}", type: hash, cardinality: {live: 10}, value: {elements: {max: 1G}, size: {max: 1B}}}`,
		`{key: "x:{id:uuid}", type: list, cardinality: {live: 10}, value: {elements: 1G, element_size: 1GiB}}`,
		`{key: "x:{id:uuid}", type: set, cardinality: {live: 1}, ttl: {policy: sliding, idle: 1d, jitter: ±99%}, access: [{op: SADD, rate: 100M/s}]}`,
		`{key: "x:{t:ts_s(1)}", type: string, ttl: {policy: fixed, value: 9000d}}`,
		`{key: "x:{a}:{a}:{b:bucket(3,of:a)}", type: string, cardinality: {live: 7}}`,
		`{key: "x:{r:re(\"(a|b)*\")}", type: zset, cardinality: {live: 1M}, access: [{op: ZADD, rate: 1/s, dist: {hot: {share: 90%, keys: 1G}}}]}`,
	} {
		s, err := schema.Parse(schema.Source{Name: "x", Data: []byte("kvschema: 1\nfields: {a: {type: int}}\ntemplates:\n  x: " + text)})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		r, err := Run(s, Options{Sample: 3000})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if err := r.Check(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
