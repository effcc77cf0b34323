package refs

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

func parse(t testing.TB, templates string) *schema.Schema {
	t.Helper()
	s, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: []byte("kvschema: 1\nfields: {uid: {type: int}}\ntemplates:\n" + templates)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func target(t *testing.T, r *Reference, key, text string) string {
	t.Helper()
	to, ok := r.Target(nil, key, []byte(text))
	if !ok {
		return "-"
	}
	return string(to)
}

// Each way to refer, in a schema.
func TestOf(t *testing.T) {
	s := parse(t, `
  user: {key: "user:{uid}"}
  profile: {key: "{{user:{uid}}}:profile"}
  order: {key: "order:{uid}:{n:int}", refs: [{kind: parent, to: user, on: uid}]}
  item: {key: "item:{uid}:{n:int}:{pos:int}", refs: [{kind: parent, to: order, on: n}]}
  session: {key: "session:{sid:uuid}", refs: [{kind: member, from: value.uid, to: profile, on: uid}]}
  index: {key: "idx:uid:{uid}", type: set, refs: [{kind: index, to: session, from: member}]}
  mail: {key: "mail:{h:hash(md5,8,of:email)}", refs: [{kind: index, to: user, from: value, target: "user:{value}", backref: email}]}
  nick: {key: "nick:{name:str}", refs: [{kind: index, to: user, from: value, target: "user:{value}", backref: name}]}
  any: {key: "any:{uid}", refs: [{kind: parent, to: order, on: uid}]}
  vague: {key: "vague:{x:int}", refs: [{kind: member, to: order}]}
`)
	refs, skipped := Of(s)
	const sid = "9f1c2b34-5d6e-4f70-8a9b-0c1d2e3f4a5b"
	want := []struct{ name, key, text, to string }{
		{"order:{uid}:{n:int} → user:{uid}", "order:17:3", "", "user:17"},
		{"item:{uid}:{n:int}:{pos:int} → order:{uid}:{n:int}", "item:17:3:9", "", "order:17:3"},
		{"session:{sid:uuid} .uid → {{user:{uid}}}:profile", "session:" + sid, "17", "{user:17}:profile"},
		{"idx:uid:{uid} member → session:{sid:uuid}", "idx:uid:5", sid, "session:" + sid},
		{"mail:{h:hash(md5,8,of:email)} value → user:{value}", "mail:00000000", "17", "user:17"},
		{"nick:{name:str} value → user:{value}", "nick:x", "user:17", "user:17"}, // a value that is the key itself
	}
	if len(refs) != len(want) {
		t.Fatalf("%d references, want %d; skipped %v", len(refs), len(want), skipped)
	}
	for i, w := range want {
		if r := refs[i]; r.Name() != w.name || target(t, r, w.key, w.text) != w.to {
			t.Errorf("%s: %s leads to %q, want %s: %q", r.Name(), w.key, target(t, r, w.key, w.text), w.name, w.to)
		}
	}
	if len(skipped) != 2 || !strings.Contains(skipped[0].Why, "leads to more than one key") || !strings.Contains(skipped[1].Why, "is not said") {
		t.Errorf("skipped: %+v", skipped)
	}
	if got := target(t, refs[2], "session:"+sid, ""); got != "-" {
		t.Errorf("an empty field leads to %q", got)
	}
	mail, nick := refs[4], refs[5]
	back := func(r *Reference, to, text string) string {
		key, _ := r.Back(nil, to, []byte(text))
		return string(key)
	}
	// echo -n a@b.example | md5sum
	if got := back(mail, "user:17", "a@b.example"); !mail.Proves() || got != "mail:d3ce9fe2" {
		t.Errorf("the entry of an address is %q", got)
	}
	if got := back(nick, "user:17", "ann"); !nick.Proves() || got != "nick:ann" {
		t.Errorf("the entry of a name is %q", got)
	}
	if refs[0].Proves() {
		t.Error("a parent leads back")
	}
}

// The same as text.
func TestParse(t *testing.T) {
	for _, c := range []struct{ text, key, value, to string }{
		{"order:{uid}:{n} needs user:{uid}", "order:17:3", "", "user:17"},
		{"order:{uid:int}:{n:int} needs user:{uid}:profile", "order:17:3", "", "user:17:profile"},
		{"idx:{h} needs user:{value}", "idx:x", "17", "user:17"},
		{"session:{sid} needs user:{value.uid}", "session:x", "17", "user:17"},
		{"friends:{uid} needs user:{member}", "friends:1", "17", "user:17"},
		{"feed:{date}:{uid} needs day:{date}", "feed:20260101:7", "", "day:20260101"},
		{"{{tag}}:{a} needs {{tag}}:x:{a}", "{tag}:1", "", "{tag}:x:1"},
	} {
		s, refs, err := Parse([]string{c.text}, nil)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := target(t, refs[0], c.key, c.value); got != c.to || len(s.Templates) != 2 {
			t.Errorf("%s: leads to %q, want %q; %d templates", c.text, got, c.to, len(s.Templates))
		}
	}
	for _, text := range []string{"", "order:{uid}", "a:{x} needs", "a:{x} needs b:{y}", "a:{x needs b:{x}", "a:{x} needs b:{x.y}", "a:{x} needs b:{value}:{other}"} {
		if _, _, err := Parse([]string{text}, nil); !errors.Is(err, kv.ErrUsage) {
			t.Errorf("%q: %v", text, err)
		}
	}
	s := parse(t, `  order: {key: "order:{uid}:{n:int}"}`+"\n")
	bound, refs, err := Parse([]string{"order:{a}:{b} needs user:{a}"}, s)
	if err != nil || len(bound.Templates) != 2 || refs[0].Child != 0 || len(s.Templates) != 1 {
		t.Errorf("beside a schema: %d templates, of %d, %v", len(bound.Templates), len(s.Templates), err)
	}
}

// A key is cut where a regular expression cuts it.
func TestCutAgainstNaive(t *testing.T) {
	kinds := map[string][]string{
		"int": {"17", "-3", "007"}, "uuid": {"9f1c2b34-5d6e-4f70-8a9b-0c1d2e3f4a5b"}, "str": {"a-b", "x", "é"}, "hex(4)": {"beef"},
		"date": {"2026-01-02", "20260102"}, "slug": {"a-b-c"}, "email": {"a.b@c.d"},
	}
	names := []string{"int", "uuid", "str", "hex(4)", "date", "slug", "email"}
	rapid.Check(t, func(t *rapid.T) {
		text, key, expr := "k", "k", `\Ak`
		for i := range rapid.IntRange(1, 4).Draw(t, "placeholders") {
			sep := rapid.SampledFrom([]string{":", "-", "::", "/", ".x."}).Draw(t, "separator")
			kind := rapid.SampledFrom(names).Draw(t, "kind")
			text += sep + "{p" + string(rune('a'+i)) + ":" + kind + "}"
			key += sep + rapid.SampledFrom(kinds[kind]).Draw(t, "value")
			typ, err := schema.ParseType(kind)
			if err != nil {
				t.Fatal(err)
			}
			expr += regexp.QuoteMeta(sep) + "(" + typ.Regexp() + ")"
		}
		if rapid.Bool().Draw(t, "end") {
			text, key, expr = text+":end", key+":end", expr+":end"
		}
		k, err := schema.ParseKey(text)
		if err != nil {
			t.Fatal(err)
		}
		c, err := newCutter(k)
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(expr + `\z`).FindStringSubmatchIndex(key)
		var at [maxCuts]int
		if ok := c.cut(key, &at); m != nil && !ok {
			t.Fatalf("%s, %s: cut %v, by the expression %v", text, key, ok, m != nil)
		}
		for i := 2; i < len(m); i++ {
			if at[i-2] != m[i] {
				t.Fatalf("%s, %s, fast %v: cut at %v, want %v", text, key, c.fast, at[:len(m)-2], m[2:])
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("order:{uid}:{n} needs user:{value.x}", "order:1:2", "v")
	f.Fuzz(func(_ *testing.T, text, key, value string) {
		_, refs, err := Parse([]string{text}, nil)
		if err == nil {
			refs[0].Target(nil, key, []byte(value))
			refs[0].Back(nil, key, []byte(value))
		}
	})
}

func BenchmarkTarget(b *testing.B) {
	_, refs, err := Parse([]string{"order:{uid:int}:{n:int} needs user:{uid}:profile"}, nil)
	if err != nil {
		b.Fatal(err)
	}
	var buf []byte
	b.ReportAllocs()
	for range b.N {
		buf, _ = refs[0].Target(buf[:0], "order:1234567:42", nil)
	}
}
