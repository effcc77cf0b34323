package simulate

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// eachDraw draws the keys that a run is made of, in its order.
func eachDraw(s *schema.Schema, o Options, fn func(*Draw)) error {
	w, err := newWorld(s, o)
	if err != nil {
		return err
	}
	for _, p := range w.populations {
		p.each(fn)
	}
	return nil
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
	s := parse(t, large(t))
	o := Options{Entities: map[string]int64{"uid": 3000, "sku": 2000, "session": 4000}}
	seen := map[string]bool{}
	if err := eachDraw(s, o, func(d *Draw) {
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
	if err := eachDraw(s, Options{}, func(d *Draw) {
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

// Splitting a number into fields and what they stand for is the same each time.
func TestDrawIsPure(t *testing.T) {
	var a, b []string
	collect := func(to *[]string) func(*Draw) {
		return func(d *Draw) { *to = append(*to, fmt.Sprint(string(d.Key), d.Value, d.TTL, d.Life, d.Weight)) }
	}
	o := Options{Sample: 5000, Entities: map[string]int64{"uid": 9000, "sku": 9000, "session": 9000}}
	if err := eachDraw(parse(t, large(t)), o, collect(&a)); err != nil {
		t.Fatal(err)
	}
	if err := eachDraw(parse(t, large(t)), o, collect(&b)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) || len(a) < 4900 {
		t.Errorf("%d and %d draws", len(a), len(b))
	}
}

// A chain of references through all of a file takes one step a template, whichever end comes first.
func TestLongChainOfReferences(t *testing.T) {
	const n = 3000
	s := &schema.Schema{}
	for i := range n {
		s.Templates = append(s.Templates, schema.Template{
			Name: fmt.Sprint("t", i), Key: schema.Key{{Literal: fmt.Sprint("t", i, ":")}, {Field: "x", Type: &schema.Type{Kind: schema.TypeUUID}}},
			Refs: []schema.Ref{{Kind: schema.RefIndex, To: fmt.Sprint("t", i+1)}},
		})
	}
	last := &s.Templates[n-1]
	last.Refs, last.Cardinality.Live = nil, 7
	began := time.Now()
	w, err := newWorld(s, Options{})
	if err != nil || len(w.populations) != n || w.total != 7*n {
		t.Errorf("%d populations of %d keys: %v", len(w.populations), w.total, err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("%s", took)
	}
}
