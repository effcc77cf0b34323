package simulate

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
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
fields: {uid: {type: int, cardinality: 60k}}
templates: {user: {key: "user:{uid}", type: string, value: {size: {p50: 300B, p99: 20KiB}}}}`
	outside := 0
	for seed := range uint64(40) {
		all, part := measured(t, text, Options{Seed: seed}), measured(t, text, Options{Seed: seed, Sample: 4_000})
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

// The same file, flags and seed are the same report; another seed is another.
func TestSameReport(t *testing.T) {
	doc := func(seed uint64) string {
		r, err := Run(parse(t, large(t)), Options{Sample: 20_000, Seed: seed})
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
	if _, err := Run(parse(t, large(t)), Options{Entities: map[string]int64{"uidd": 5}}); err == nil || !strings.Contains(err.Error(), "uidd") {
		t.Errorf("error %v", err)
	}
}

// Without a number of keys there is nothing to simulate: what to declare is said instead of a report without content.
func TestNothingToSimulate(t *testing.T) {
	for text, hint := range map[string]string{
		`fields: {uid: {type: int}}
templates: {a: {key: "a:{uid}", type: hash}, b: {key: "b:{x:uuid}", type: string}}`: "cardinality: 2M for uid under fields",
		`templates: {b: {key: "b:{x:uuid}", type: string}}`: "declare cardinality: {live: 400k} for a template",
	} {
		_, err := Run(parse(t, "kvschema: 1\n"+text), Options{})
		if !errors.Is(err, kv.ErrUsage) || !strings.Contains(kv.Hint(err), hint) {
			t.Errorf("%s: error %v, hint %q, want %q", text, err, kv.Hint(err), hint)
		}
	}
	if _, err := Run(parse(t, "kvschema: 1\n"), Options{}); err == nil {
		t.Error("a schema without templates is simulated")
	}
}

// A size says more of a collection than the most elements that it may have: infer writes both.
func TestSizeBeforeMostElements(t *testing.T) {
	for text, most := range map[string]int64{"size: 200B, elements: {max: 5k}": 300, "size: 200B, elements: {max: 2}": 300, "elements: {max: 5k}": 100_000} {
		sum := int64(0)
		err := eachDraw(parse(t, "kvschema: 1\ntemplates: {lb: {key: \"lb:{id:uuid}\", type: zset, cardinality: {live: 10}, value: {"+text+"}}}"), Options{}, func(d *Draw) {
			sum += d.Value.Bytes
			if strings.HasSuffix(text, "max: 2}") && d.Value.Elements > 2 {
				t.Errorf("%s: %d elements", text, d.Value.Elements)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if mean := sum / 10; mean > most || mean < most/2 {
			t.Errorf("%s: %d bytes a value, want about %d", text, mean, most)
		}
	}
}

// The rules have the limits that a simulation holds against.
func TestLimits(t *testing.T) {
	l := newLimits()
	for rule, names := range map[string][]string{
		ruleHotKey: {"warning", "error", "rate"}, ruleSlots: {"times_mean", "times_chance", "keys_a_slot"}, ruleNodes: {"times_mean"}, ruleCapacity: {"memory", "read_units", "write_units"},
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
