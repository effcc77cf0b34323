package keydesign

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/audit/audittest"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// keysOf parses a schema, given as what stands below `templates:`, with the fields uid and sid.
func keysOf(t testing.TB, templates string) *schema.Schema {
	t.Helper()
	s, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: []byte(`kvschema: 1
fields:
  uid: {type: int}
  sid: {type: hex(32)}
templates:
` + templates)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// schemaOf returns the schema that the cases of a rule are held against, or nil.
func schemaOf(t testing.TB, rule string) *schema.Schema {
	templates, ok := map[string]string{
		"KD013": "  cart: {key: \"cart:{uid}\"}\n",
		"KD050": "  flag: {key: \"flag:{uid}\", cardinality: {max: 200}}\n",
		"KD066": "  cart: {key: \"cart:{sid}:items\", ttl: {policy: fixed, value: 14d}, refs: [{kind: parent, to: session, on: sid}]}\n",
		"KD067": "  idx: {key: \"idx:{uid}\", kind: index, type: string, ttl: {policy: none}, refs: [{kind: index, to: session, from: value}]}\n",
		"KD068": "  page: {key: \"page:{uid}\", kind: cache, ttl: {policy: fixed, value: 1h}}\n",
		"KD070": "  cart: {key: \"cart:{uid}\", ttl: {policy: sliding, idle: 1h}}\n",
		"KD071": "  cart: {key: \"cart:{uid}\", ttl: {policy: fixed, value: 1h}}\n",
	}[rule]
	if !ok {
		return nil
	}
	return keysOf(t, basic+templates)
}

// basic is the schema of background.
const basic = `
  profile: {key: "user:{uid}:profile", kind: record, type: hash, ttl: {policy: none}}
  session: {key: "session:{sid}", kind: session, type: hash, ttl: {policy: sliding, idle: 30m}}
`

// judged holds families of records against a schema.
func judged(t testing.TB, s *schema.Schema, families ...[]kv.Record) (*audit.Output, []report.Finding) {
	t.Helper()
	c := byTemplate(bindingOf(s)).New(audittest.Now)
	for _, f := range families {
		for i := range f {
			c.Observe(&f[i])
		}
	}
	var out audit.Output
	c.Report(&out)
	return &out, out.Findings
}

// What a schema says stands where a rule would have to guess, and only what it does not say is guessed.
func TestDeclared(t *testing.T) {
	ids := func(n int, opts ...option) []kv.Record { return family(n, format("x:%d"), opts...) }
	fixed := func(ttl string) string {
		return "  x: {key: \"x:{id:int}\", ttl: {policy: fixed, value: " + ttl + "}}\n"
	}
	const x = "x:{id:int}"
	for _, c := range []struct {
		name, templates string
		rs              []kv.Record
		want            string // "rule severity subject", of those on x or the keyspace; "" is none
	}{
		{"a bound key is known", "  x: {key: \"x:{id:int}\"}\n", ids(3000), ""},
		{"more than a thousand are not", "", ids(1001), "KD013 warning keyspace"},
		{"one in a hundred is not", "", ids(61), "KD013 warning keyspace"},
		{"a few strays are", "", ids(50), ""},

		{"all of the declared type", "  x: {key: \"x:{id:int}\", type: hash}\n", ids(30, of(kv.TypeHash, 3)), ""},
		{"one of another", "  x: {key: \"x:{id:int}\", type: hash}\n", ids(3, of(kv.TypeHash, 3), among(1, of(kv.TypeSet, 1))), "KD049 error " + x},
		{"all of another", "  x: {key: \"x:{id:int}\", type: hash}\n", ids(30), "KD049 error " + x},
		{"JSON by its module's name", "  x: {key: \"x:{id:int}\", type: json}\n", ids(30, of("ReJSON-RL", 1)), ""},

		{"no TTL on any", fixed("24h"), ids(4601), "KD061 error " + x},
		{"no TTL on one", fixed("24h"), ids(500, spreadOver(24*time.Hour), among(1, persistent)), "KD061 warning " + x},
		{"TTLs as declared", fixed("24h"), ids(500, spreadOver(24*time.Hour)), ""},
		{"none where none is declared", "  x: {key: \"x:{id:int}\", ttl: {policy: none}}\n", ids(50), ""},
		{"a share that would be meant without a schema", fixed("24h"), ids(500, spreadOver(24*time.Hour), among(250, persistent)), "KD061 error " + x},
		{"inherited", "  x: {key: \"x:{id:int}\", ttl: {policy: inherit, of: session}}\n", ids(50), "KD061 error " + x},
		{"a lock by its kind", "  x: {key: \"x:{id:int}\", kind: lock, ttl: {policy: fixed, value: 10s}}\n", ids(50), "KD062 error " + x},
		{
			"no lock, whatever its name", "  x: {key: \"lock:{id:int}\", kind: record, ttl: {policy: none}}\n",
			family(50, format("lock:%d")), "",
		},

		{"in milliseconds, all of them", fixed("1h"), ids(500, spreadOver(1000*time.Hour)), "KD063 error " + x},
		{"in minutes, a few", fixed("1h"), ids(500, spreadOver(time.Hour), among(25, left(func(i int) time.Duration {
			return 60*time.Hour - time.Duration(i)*time.Minute
		}))), "KD063 error " + x},
		{"a thousandth, all of them", fixed("1h"), ids(500, spreadOver(3600*time.Millisecond)), "KD063 error " + x},
		{"twenty years, as declared", fixed("1040w"), ids(500, spreadOver(20*365*24*time.Hour)), ""},

		{"a little too long", fixed("1h"), ids(500, spreadOver(2*time.Hour)), "KD071 warning " + x},
		{"within its jitter", "  x: {key: \"x:{id:int}\", ttl: {policy: fixed, value: 1h, jitter: 0-1h}}\n", ids(500, spreadOver(2*time.Hour)), ""},
		{"a tenth more", fixed("1h"), ids(500, spreadOver(65*time.Minute)), ""},
		{"sliding", "  x: {key: \"x:{id:int}\", ttl: {policy: sliding, idle: 1h, max_age: 24h}}\n", ids(500, spreadOver(3*time.Hour)), "KD071 warning " + x},
		{"sliding, with no idle time", "  x: {key: \"x:{id:int}\", ttl: {policy: sliding, max_age: 24h, jitter: 0-1h}}\n", ids(500, spreadOver(24*time.Hour)), ""},
		{"inherited", fixed("1h") + "  y: {key: \"y:{id:int}\", ttl: {policy: inherit, of: x}}\n", family(500, format("y:%d"), spreadOver(2*time.Hour)), "KD071 warning y:{id:int}"},
		{"one that should stay", "  x: {key: \"x:{id:int}\", ttl: {policy: none}}\n", ids(50, among(1, spreadOver(time.Hour))), "KD071 warning " + x},

		{"a string as large as declared", "  x: {key: \"x:{id:int}\", value: {size: 100KiB}}\n", ids(30, sized(112<<10+64)), ""},
		{"a larger one", "  x: {key: \"x:{id:int}\", value: {size: 100KiB}}\n", ids(30, sized(112<<10), among(2, sized(160<<10))), "KD040 warning " + x},
		{"far beyond a small one", "  x: {key: \"x:{id:int}\", value: {size: 1KiB}}\n", ids(30, among(2, sized(8<<10))), "KD040 warning " + x},
		{"beyond all limits", "  x: {key: \"x:{id:int}\", value: {size: 1KiB}}\n", ids(30, among(2, sized(1<<20))), "KD040 error " + x},
		{"elements as declared", "  x: {key: \"x:{id:int}\", value: {elements: {max: 100k}}}\n", ids(30, of(kv.TypeZSet, 100_000)), ""},
		{"more elements", "  x: {key: \"x:{id:int}\", value: {elements: {max: 200}}}\n", ids(30, of(kv.TypeZSet, 201)), "KD041 warning " + x},
		{"trimmed by blocks", "  x: {key: \"x:{id:int}\", type: stream, value: {max_len: 1000}}\n", ids(30, of(kv.TypeStream, 1100)), ""},
		{"not trimmed", "  x: {key: \"x:{id:int}\", type: stream, value: {max_len: 1000}}\n", ids(30, of(kv.TypeStream, 1101)), "KD041 warning " + x},
		{"bytes of a collection", "  x: {key: \"x:{id:int}\", value: {size: {max: 32KiB}}}\n", ids(30, of(kv.TypeHash, 20), sized(64<<10)), "KD041 warning " + x},

		{"as many as declared", "  x: {key: \"x:{id:int}\", cardinality: {max: 200}}\n", ids(200), ""},
		{"one more", "  x: {key: \"x:{id:int}\", cardinality: {max: 200}}\n", ids(201), "KD050 warning " + x},
		{"three long names", "  x: {key: \"x:{page:str}\"}\n", words(3, "x:", strings.Repeat("y", 300)), "KD007 warning x:{page:str}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := keysOf(t, basic+c.templates)
			_, fs := judged(t, s, background(), c.rs)
			got := ""
			for _, f := range fs {
				if f.Severity == report.Info {
					continue
				}
				got += f.Rule + " " + string(f.Severity) + " " + f.Subject
				if f.Pos.File != "keys.yaml" || f.Pos.Line < 6 && f.Subject != keyspaceSubject {
					t.Errorf("%s on %s leads to %v", f.Rule, f.Subject, f.Pos)
				}
			}
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// A scan of an hour sees keys with up to an hour more left, counted from its beginning.
func TestLongScan(t *testing.T) {
	s := keysOf(t, "  x: {key: \"x:{id:int}\", ttl: {policy: fixed, value: 10m}}\n")
	c := byTemplate(bindingOf(s)).New(audittest.Now)
	rs := family(500, format("x:%d"), spreadOver(time.Hour+10*time.Minute))
	for i := range rs {
		c.Observe(&rs[i])
	}
	for elapsed, want := range map[time.Duration]int{0: 1, time.Hour: 0} {
		out := audit.Output{Elapsed: elapsed}
		if c.Report(&out); len(out.Findings) != want {
			t.Errorf("after %s: %v", elapsed, out.Findings)
		}
	}
}

// The table says which templates are declared, and a key is in one of them.
func TestDeclaredTable(t *testing.T) {
	out, _ := judged(t, keysOf(t, basic), background(), family(100, format("stray:%d")))
	var got []string
	for _, row := range out.Tables[0].Rows {
		text, _ := row[0].Text()
		source, _ := row[9].Text()
		keys, _ := row[2].Number()
		got = append(got, fmt.Sprint(text, " ", keys, " ", source))
	}
	slices.Sort(got)
	want := []string{"session:{sid} 3000 schema", "stray:{int} 100 names", "user:{uid}:profile 3000 schema"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if share, _ := metric(t, out.Metrics, "matched").Value.Number(); share != 6000./6100 {
		t.Errorf("%v of the keys are matched", share)
	}
}

func everySchema(t testing.TB) *schema.Schema {
	return keysOf(t, `
  cart: {key: "user:{uid}:cart", type: hash, value: {elements: {max: 50}, size: {max: 4KiB}}, ttl: {policy: fixed, value: 1h}}
  order: {key: "order:{uid}", kind: record, cardinality: {max: 100}, ttl: {policy: none}}
  lock: {key: "lock:{of:word}:{uid}", kind: lock, ttl: {policy: fixed, value: 10s}}
  search: {key: "search:{text:str}", value: {size: 1KiB}}
  unused: {key: "unused:{uid}"}
`)
}

func TestDeclaredLaws(t *testing.T) {
	a := byTemplate(bindingOf(everySchema(t)))
	audittest.Test(t, a, hard())
	audittest.Test(t, a, nil)
}

func FuzzSavedWithSchema(f *testing.F) {
	rs := hard()
	audittest.Fuzz(f, Analyzers(everySchema(f)), append(rs[:60:60], rs[len(rs)-20:]...))
}

// Schemas that bind and judge alike are one configuration, others are not; without a schema there is none.
func TestConfig(t *testing.T) {
	config := func(templates string) uint64 { return byTemplate(bindingOf(keysOf(t, templates))).Config }
	same := config("  x: {key: \"x:{uid}\", ttl: {policy: fixed, value: 1h}}\n")
	if c := byTemplate(nil).Config; c != 0 {
		t.Errorf("without a schema: %d", c)
	}
	if c := config("\n\n  # moved\n  y: {key: \"x:{uid}\", ttl: {policy: fixed, value: 60m}, owner: me}\n"); c != same {
		t.Error("a comment, a name and an owner make another configuration")
	}
	for _, other := range []string{
		"  x: {key: \"x:{sid}\", ttl: {policy: fixed, value: 1h}}\n",
		"  x: {key: \"y:{uid}\", ttl: {policy: fixed, value: 1h}}\n",
		"  x: {key: \"x:{uid}\", ttl: {policy: fixed, value: 2h}}\n",
		"  x: {key: \"x:{uid}\", type: hash, ttl: {policy: fixed, value: 1h}}\n",
	} {
		if config(other) == same {
			t.Errorf("%s is the same configuration", other)
		}
	}
}

// Names with a schema classify as the report of an audit with it does.
func TestDeclaredNames(t *testing.T) {
	s := everySchema(t)
	a := byTemplate(bindingOf(s))
	c := a.New(audittest.Now)
	names := NewNames(s)
	var keys []string
	for _, r := range hard() {
		if r.Has(kv.FieldName) {
			names.Add(r.Key)
			c.Observe(&r)
			keys = append(keys, r.Key)
		}
	}
	counts := countTemplates(t, names.Classifier().Matcher(), names.Classifier().Texts, keys)
	var out audit.Output
	c.Report(&out)
	for _, row := range out.Tables[0].Rows {
		if text, _ := row[0].Text(); row[2] != report.Number(counts[text]) {
			t.Errorf("%s has %d keys, and %v in the report", text, counts[text], row[2])
		}
	}
	data, err := c.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	parts := []report.Part{{Analyzer: templatesName, Version: templatesVersion, Config: a.Config, Data: data}}
	saved, err := SavedClassifier(s, parts)
	if err != nil || !slices.Equal(saved.Texts, names.Classifier().Texts) {
		t.Errorf("saved: %v, %v", saved, err)
	}
	if _, err := SavedClassifier(nil, parts); err == nil {
		t.Error("a saved audit with a schema classifies without it")
	}
}

func TestDeclaredDoesNotAllocate(t *testing.T) {
	c := byTemplate(bindingOf(keysOf(t, basic))).New(audittest.Now)
	rs := background()
	for range 2 {
		for i := range rs {
			c.Observe(&rs[i])
		}
	}
	i := 0
	if n := testing.AllocsPerRun(20_000, func() { c.Observe(&rs[i%len(rs)]); i++ }); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}

// Shards share a binding and its matchers, and nothing else: a run of four is a run of one.
func TestDeclaredShards(t *testing.T) {
	s := keysOf(t, `
  cart: {key: "cart:{uid}", type: hash, ttl: {policy: sliding, idle: 14d}}
  session: {key: "session:{of:uuid}", type: hash, ttl: {policy: sliding, idle: 30m}}
  order: {key: "order:{uid}", type: hash, ttl: {policy: none}}
`)
	findings := func(parallel int) []report.Finding {
		r, err := audit.Run(t.Context(), demo(t), Analyzers(s), audit.Options{Parallel: parallel})
		if err != nil {
			t.Fatal(err)
		}
		return r.Findings
	}
	one, four := findings(1), findings(4)
	if diff := cmp.Diff(one, four, cmp.AllowUnexported(report.Value{})); diff != "" || len(one) == 0 {
		t.Errorf("of %d findings:\n%s", len(one), diff)
	}
}
