package compare

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

func parse(t *testing.T, text string) *schema.Schema {
	t.Helper()
	s, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: []byte("kvschema: 1\n" + text)})
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return s
}

func lines(changes []Change) string {
	var b strings.Builder
	for _, c := range changes {
		fmt.Fprintf(&b, "%s %s: %s: %s -> %s\n", c.Class, c.Template, c.What, c.Old, c.New)
	}
	return b.String()
}

// A design to be changed in every way.
const base = `store: {kind: redis, policy: allkeys-lru, maxmemory: 8GiB}
defaults: {owner: shop}
fields:
  uid: {type: int}
templates:
  user: {key: "user:{uid}", kind: record, type: hash, ttl: {policy: none}, value: {size: {max: 4KiB}, fields: {email: email}}}
  cart:
    key: "{{user:{uid}}}:cart"
    type: hash
    ttl: {policy: sliding, idle: 14d}
    value: {elements: {max: 200}}
    refs: [{kind: parent, to: user, "on": uid}]
    access: [{op: HSET, rate: 9k/s}]
  log: {key: "log:{kind:enum[in,out]}", type: stream, value: {max_len: 1000}, ttl: {policy: fixed, value: 7d, jitter: ±10%}, cardinality: {max: 50}}
`

func TestSchemas(t *testing.T) {
	tests := []struct{ name, old, new, want string }{
		{"nothing", "", "", ""},

		{"a literal", `"user:{uid}"`, `"account:{uid}"`, "breaking user: key: words: user:{uid} -> account:{uid}\n"},
		{"a separator", `"log:{kind`, `"log/{kind`, "breaking log: key: separator: log:{kind:enum[in,out]} -> log/{kind:enum[in,out]}\n"},
		{"a hash tag", `"{{user:{uid}}}:cart"`, `"user:{uid}:cart"`, "breaking cart: key: hash tag: {{user:{uid}}}:cart -> user:{uid}:cart\n"},
		{"another hash tag", `"{{user:{uid}}}:cart"`, `"{{user}}:{uid}:cart"`, "breaking cart: key: hash tag: {{user:{uid}}}:cart -> {{user}}:{uid}:cart\n"},
		{"the type of a field", `uid: {type: int}`, `uid: {type: uuid}`, "breaking cart: key: hash tag, placeholder type: {{user:{uid:int}}}:cart -> {{user:{uid:uuid}}}:cart\n" +
			"breaking user: key: placeholder type: user:{uid:int} -> user:{uid:uuid}\n"},
		{"a value of an enumeration less", `enum[in,out]`, `enum[in]`, "breaking log: key: placeholder type: log:{kind:enum[in,out]} -> log:{kind:enum[in]}\n"},
		{"the type", `type: stream`, `type: list`, "breaking log: type: stream -> list\n"},
		{"a template", "  log: {key", "  x-log: {key", "breaking log: removed: log:{kind:enum[in,out]} -> \n"},
		{"the store", `{kind: redis,`, `{kind: valkey,`, "breaking (store): kind: redis -> valkey\n"},

		{"a shorter TTL", `idle: 14d`, `idle: 7d`, "risky cart: ttl shorter: sliding 14d -> sliding 7d\n"},
		{"a TTL where there was none", `type: hash, ttl: {policy: none}`, `type: hash, ttl: {policy: fixed, value: 1d}`, "risky user: ttl.policy: none -> fixed 1d\n"},
		{"another policy", `policy: sliding, idle: 14d`, `policy: fixed, value: 14d`, "risky cart: ttl.policy: sliding 14d -> fixed 14d\n"},
		{"an end to sliding", `idle: 14d`, `idle: 14d, max_age: 30d`, "risky cart: ttl: sliding 14d -> sliding 14d at most 30d\n"},
		{"a lower limit", `max: 4KiB`, `max: 1KiB`, "risky user: value.size lower: 4KiB -> 1KiB\n"},
		{"fewer elements", `{max: 200}`, `{max: 100}`, "risky cart: value.elements lower: 200 -> 100\n"},
		{"a shorter stream", `max_len: 1000`, `max_len: 100`, "risky log: value.max_len lower: 1k -> 100\n"},
		{"fewer keys", `cardinality: {max: 50}`, `cardinality: {max: 5}`, "risky log: cardinality.max lower: 50 -> 5\n"},
		{"a reference", `    refs: [{kind: parent, to: user, "on": uid}]` + "\n", "", "risky cart: ref removed: parent of user on uid -> \n"},
		{"a part of the value", `, fields: {email: email}`, "", "risky user: value.fields.email removed: email -> \n"},
		{"less memory", `maxmemory: 8GiB`, `maxmemory: 4GiB`, "risky (store): maxmemory lower: 8GiB -> 4GiB\n"},
		{"the eviction", `allkeys-lru`, `noeviction`, "risky (store): policy: allkeys-lru -> noeviction\n"},

		{"one more template", "  log:", "  lock: {key: \"lock:{uid}\"}\n  log:", "compatible lock: added:  -> lock:{uid}\n"},
		{
			"a value of an enumeration more", `enum[in,out]`, `enum[in,out,err]`,
			"compatible log: key takes more values: log:{kind:enum[in,out]} -> log:{kind:enum[in,out,err]}\n",
		},
		{"a longer TTL", `idle: 14d`, `idle: 30d`, "compatible cart: ttl longer: sliding 14d -> sliding 30d\n"},
		{"more jitter", `±10%`, `±20%`, "compatible log: ttl: fixed 7d ±10% -> fixed 7d ±20%\n"},
		{"a higher limit", `max: 4KiB`, `max: 8KiB`, "compatible user: value.size higher: 4KiB -> 8KiB\n"},
		{"no limit", `, value: {max_len: 1000}`, ``, "compatible log: value.max_len higher: 1k -> \n"},
		{"an owner", `{owner: shop}`, `{owner: web}`, "compatible cart: owner: shop -> web\ncompatible log: owner: shop -> web\ncompatible user: owner: shop -> web\n"},
		{"a kind", `kind: record`, `kind: config`, "compatible user: kind: record -> config\n"},
		{"a rate", `9k/s`, `11k/s`, "compatible cart: access: HSET 9k/s -> HSET 11k/s\n"},

		{"a name alone", "  log: {", "  journal: {", "compatible journal: renamed: log -> journal\n"},
		{"a name and the key", `  log: {key: "log:`, `  journal: {key: "journal:`, "breaking journal: key: words: log:{kind:enum[in,out]} -> journal:{kind:enum[in,out]}\n" +
			"compatible journal: renamed: log -> journal\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(base, tt.old) {
				t.Fatalf("%q is not there", tt.old)
			}
			got := lines(Schemas(parse(t, base), parse(t, strings.Replace(base, tt.old, tt.new, 1)), Sides{}))
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// What a keyspace cannot tell is no difference to it, and of what it can, chance is none.
func TestObserved(t *testing.T) {
	const declared = `fields: {uid: {type: int}}
templates:
  session: {key: "session:{sid:str}", kind: session, type: hash, ttl: {policy: sliding, idle: 30m, max_age: 1d}, value: {size: {max: 1KiB}}, owner: web}
  cart: {key: "cart:{uid}", type: hash, ttl: {policy: fixed, value: 7d}, refs: [{kind: parent, to: session}]}
  device: {key: "device:{sid:str}", type: hash, ttl: {policy: inherit, of: session}}
  gone: {key: "gone:{uid}"}
`
	const observed = `templates:
  session: {key: "session:{session_id:uuid}", type: hash, ttl: {policy: fixed, value: 31m}, value: {size: {max: 1000B}}, cardinality: {live: 4k}}
  cart_int: {key: "cart:{cart_id:int}", type: string, ttl: {policy: fixed, value: 1d}}
  device: {key: "device:{session_id:uuid}", type: hash, ttl: {policy: fixed, value: 31m}}
  tmp: {key: "tmp:{n:int}"}
`
	want := `breaking cart_int: type: hash -> string
breaking gone: removed: gone:{uid} -> 
risky cart_int: ttl shorter: fixed 7d -> fixed 1d
compatible cart_int: placeholders: uid:int -> cart_id:int
compatible tmp: added:  -> tmp:{n:int}
`
	if d := cmp.Diff(want, lines(Schemas(parse(t, declared), parse(t, observed), Sides{NewObserved: true}))); d != "" {
		t.Error(d)
	}
}

func TestReport(t *testing.T) {
	changes := Schemas(parse(t, base), parse(t, strings.Replace(base, "idle: 14d", "idle: 7d", 1)), Sides{})
	for failOn, want := range map[Class]report.Verdict{"": "", Risky: report.Fail, Breaking: report.Pass} {
		r := Report(changes, "a.yaml", "b.yaml", time.Unix(0, 0))
		Judge(r, changes, failOn)
		if err := r.Check(); err != nil {
			t.Error(err)
		}
		if got := r.Gate; got == nil != (want == "") || got != nil && got.Verdict != want {
			t.Errorf("fail on %q: %+v", failOn, got)
		}
		if n := len(r.Sections[0].Tables[0].Rows); n != 1 {
			t.Errorf("%d rows", n)
		}
	}
}
