package scenario

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

const design = `kvschema: 1
fields:
  uid: {type: int, cardinality: 20k}
templates:
  session:
    key: "session:{uid}"
    kind: session
    type: string
    value: {size: {p50: 400B, p99: 4KiB}}
    ttl: {policy: sliding, idle: 30m}
    access:
      - {op: GET, rate: 900/s, dist: {zipf: 0.99}, miss: 5%, on_miss: {op: SETEX, cost: 20ms, single_flight: true}}
      - {name: log in, op: SETEX, rate: 100/s}
  cart:
    key: "cart:{uid}"
    type: hash
    cardinality: {live: 500}
    ttl: {policy: inherit, of: session}
    access:
      - {op: HSET, rate: 50/s}
      - {op: FT.SEARCH, rate: 1/s}
  hits:
    key: "hits:{page:str}:{day:date}"
    type: string
    access: [{op: INCR+EXPIRE, rate: 10/s}]
  flag: {key: "flag:{name:slug}", type: string}
  queue: {key: "q:{name:enum[mail,ship]}", type: list}
`

func opened(text string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		if name != "keys.yaml" {
			return nil, fs.ErrNotExist
		}
		return []byte(text), nil
	}
}

// TestFromAccess: without ops a scenario does what the accesses of its design say, at their rates, with a fill.
func TestFromAccess(t *testing.T) {
	s, err := Parse("x.yaml", []byte("kvscenario: 1\nschema: keys.yaml\n"), opened(design))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, op := range s.Ops {
		names = append(names, op.Name)
	}
	if !slices.Equal(names, []string{"session_get", "log_in", "cart_hset", "hits_incr"}) {
		t.Errorf("operations %v", names)
	}
	get := &s.Ops[0]
	if get.Weight != 900 || !get.SingleFlight || len(get.Steps[0].OnNil) != 2 || get.Steps[0].OnNil[1].Cmds[0].Name() != "SETEX" {
		t.Errorf("%+v", get)
	}
	if f := s.Schema.Field("uid"); f.Dist.Kind != schema.Zipf || f.Cardinality != 20_000 {
		t.Errorf("%+v", f)
	}
	for i, want := range []int64{20_000, 500, AssumedKeys} {
		if n := Keys(s.Schema, i); n < want*9/10 || n > want*11/10 {
			t.Errorf("%s has %d keys, want %d", s.Schema.Templates[i].Name, n, want)
		}
	}
	if cart := s.Schema.Template("cart"); cart.TTL.Idle == 0 {
		t.Errorf("an inherited TTL is %+v", cart.TTL)
	}
	if s.Schema.Template("hits").Kind != schema.Counter || len(s.Phases) != 2 || len(s.Phases[0].Fill) != 3 || s.Phases[1].Rate.Values[0] != 1060 {
		t.Errorf("%+v", s.Phases)
	}
	if other, _ := Parse("x.yaml", []byte("kvscenario: 1\nschema: keys.yaml\n"), opened(strings.Replace(design, "900/s", "800/s", 1))); other.Hash() == s.Hash() {
		t.Error("another design has the same hash")
	}
	_, err = Parse("x.yaml", []byte("kvscenario: 1\nschema: keys.yaml\n"), opened("kvschema: 1\ntemplates:\n  a: {key: a}\n"))
	if err == nil || !errors.Is(err, kv.ErrUsage) || !strings.Contains(err.Error(), "has no ops") {
		t.Errorf("a design that says nothing: %v", err)
	}
}

// TestDraftIsRead: what is written is read back as what it was.
func TestDraftIsRead(t *testing.T) {
	s, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: []byte(design)})
	if err != nil {
		t.Fatal(err)
	}
	d, notes := FromSchema(s)
	if !slices.ContainsFunc(notes, func(n string) bool { return strings.Contains(n, "FT.SEARCH") }) {
		t.Errorf("what is left out is not said: %q", notes)
	}
	d.Name, d.About, d.Comments = "y", "a: b # c", []string{"one\ntwo"}
	var b strings.Builder
	if err := d.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := Parse("y.yaml", []byte(b.String()), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	made, err := Parse("x.yaml", []byte("kvscenario: 1\nschema: keys.yaml\n"), opened(design))
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "y" || got.About != "a: b # c" || len(got.Ops) != len(made.Ops) {
		t.Errorf("%+v", got)
	}
	for i := range got.Ops {
		if got.Ops[i].Weight != made.Ops[i].Weight || got.Ops[i].Name != made.Ops[i].Name {
			t.Errorf("%s %g, want %s %g", got.Ops[i].Name, got.Ops[i].Weight, made.Ops[i].Name, made.Ops[i].Weight)
		}
	}
}

// TestPopulate: whatever is known of the placeholders of a key, there are about as many keys as there are said to be, and every
// placeholder has an end.
func TestPopulate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := schema.Key{{Literal: "k:"}}
		s := &schema.Schema{}
		var distinct []int64
		for i := range rapid.IntRange(1, 3).Draw(t, "placeholders") {
			typ := rapid.SampledFrom([]schema.Type{
				{Kind: schema.TypeInt},
				{Kind: schema.TypeUUID},
				{Kind: schema.TypeEnum, Values: []string{"a", "b", "c"}},
				{Kind: schema.TypeUint, Min: 1, Max: 30},
				{Kind: schema.TypeDate},
			}).Draw(t, "type")
			p := schema.Piece{Type: &typ}
			if name := rapid.SampledFrom([]string{"", "uid", "day"}).Draw(t, "name"); name != "" && s.Field(name) == nil {
				p.Field, p.Shared = name, true
				s.Fields = append(s.Fields, schema.Field{Name: name, Type: typ, Cardinality: rapid.SampledFrom([]int64{0, 3, 500}).Draw(t, "values")})
			}
			if i > 0 {
				key = append(key, schema.Piece{Literal: ":"})
			}
			key = append(key, p)
			distinct = append(distinct, rapid.SampledFrom([]int64{0, 2, 100}).Draw(t, "distinct"))
		}
		s.Templates = []schema.Template{{Name: "k", Key: key}}
		live := rapid.Int64Range(0, 1_000_000).Draw(t, "live")
		most := int64(1)
		for _, p := range key {
			if p.Type != nil {
				if n := schema.NewGenerator(*p.Type, epoch()).Count(); n > 0 {
					most = min(most*n, 1<<40)
				} else {
					most = 1 << 40
				}
			}
		}
		assumed := Populate(s, 0, live, distinct)
		n := Keys(s, 0)
		if n == 0 {
			t.Fatalf("nobody knows how many keys %s has", s.Templates[0].Key)
		}
		if live > 100 && most == 1<<40 && (float64(n) < 0.66*float64(live) || float64(n) > 1.34*float64(live)) { // one and a half values are one, or two
			t.Fatalf("%d keys, want %d: %s %+v", n, live, s.Templates[0].Key, s.Fields)
		}
		if assumed && live > 0 {
			t.Fatal("a number that is said is not assumed")
		}
	})
}

// TestUsualCommands: whatever a command usually has behind its key is a command that a scenario may have.
func TestUsualCommands(t *testing.T) {
	for kind, commands := range usual() {
		for command := range commands {
			tm := schema.Template{Name: "t", Type: kind}
			words, ok := Usual(command, &tm)
			if !ok {
				t.Fatal(command)
			}
			typ := ""
			if kind != "" {
				typ = ", type: " + kind
			}
			text := "kvscenario: 1\nfields: {uid: {type: int, cardinality: 9}}\ntemplates: {t: {key: 't:{uid}'" + typ + "}}\nops:\n  o:\n    steps:\n      - " +
				DraftStep{Cmds: [][]string{words}}.flow() + "\n"
			if _, err := Parse("x.yaml", []byte(text), nil); err != nil {
				t.Errorf("%s: %v", command, err)
			}
			if KindOf(command) == kv.OpUnknown {
				t.Errorf("%s: neither reads nor writes", command)
			}
		}
	}
	if _, ok := Usual("hget", &schema.Template{Name: "t", Type: "string"}); ok {
		t.Error("a string has no fields")
	}
}

// FuzzFromSchema: whatever a design says, it is refused, or becomes a scenario that can be played and written down.
func FuzzFromSchema(f *testing.F) {
	f.Add([]byte(design))
	f.Add([]byte("kvschema: 1\ntemplates: {a: {key: '{json}', access: [{op: GET}]}, b: {key: '{x:hash(md5,of:y)}:{y:bucket(3)}', access: [{op: ZADD+TTL}]}}\n"))
	f.Add([]byte("kvschema: 1\nfields: {u: {type: uuid}}\ntemplates: {b: {key: '{u}:{u}:{ts_s(60)}', cardinality: {live: 7, per: {u: 3}}, access: [{op: GET, dist: sequential}]}}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("x.yaml", []byte("kvscenario: 1\nschema: keys.yaml\n"), opened(string(data)))
		if err != nil {
			if !errors.Is(err, kv.ErrUsage) {
				t.Error(err)
			}
			return
		}
		if len(s.Ops) == 0 || len(s.Phases) == 0 {
			t.Error("nothing to do")
		}
		given, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: data})
		if err != nil {
			t.Fatal(err)
		}
		d, _ := FromSchema(given)
		var b strings.Builder
		if err := d.Write(&b); err != nil {
			return // a key that is no UTF-8
		}
		if _, err := Parse("y.yaml", []byte(b.String()), nil); err != nil {
			t.Errorf("%v\n%s", err, b.String())
		}
	})
}
