package fit

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// parse reads a keys.yaml that begins as every one does.
func parse(t testing.TB, text string) *schema.Schema {
	t.Helper()
	s, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: []byte("kvschema: 1\nfields: {email: {type: email}, status: {type: word}}\n" + text)})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return s
}

// slugs returns the advice of a section.
func slugs(sec *report.Section) []string {
	var found []string
	for i := range sec.Tables {
		if sec.Tables[i].Name != "advice" {
			continue
		}
		for _, row := range sec.Tables[i].Rows {
			slug, _ := row[0].Text()
			found = append(found, slug)
		}
	}
	return found
}

// Each piece of advice with a schema that it is about, and one that differs in what matters.
func TestAdvice(t *testing.T) {
	for _, c := range []struct {
		slug      string
		bad, good string
		evidence  string
	}{
		{
			"complex-query",
			`templates: {order: {key: "order:{id:int}", type: hash, access: [{name: open, op: SEARCH, query: filter, by: [email, status], rate: 40/s}]}}`,
			`templates: {order: {key: "order:{id:int}", type: hash, access: [{name: open, op: SEARCH, query: filter, by: [email], rate: 40/s}]}}`,
			"order.open: filter by email, status, 40/s (keys.yaml:3)",
		},
		{
			"complex-query",
			`templates: {order: {key: "order:{id:int}", type: hash, access: [{op: SUM, query: aggregate, rate: 1/s}]}}`,
			`templates: {order: {key: "order:{id:int}", type: hash, access: [{op: HGETALL, query: get, rate: 1/s}]}}`,
			"order.SUM: aggregate, 1/s (keys.yaml:3)",
		},
		{
			"multi-key-transaction",
			`templates:
  cart: {key: "cart:{uid:int}", type: hash}
  stock: {key: "stock:{sku:slug}", type: string, access: [{op: MULTI, query: tx, keys: [cart, stock], rate: 300/s}]}`,
			`templates:
  cart: {key: "{{user:{uid:int}}}:cart", type: hash}
  stock: {key: "{{user:{uid:int}}}:stock", type: string, access: [{op: MULTI, query: tx, keys: [cart, stock], rate: 300/s}]}`,
			"stock.MULTI: transaction over cart, stock, which share no tag or partition, 300/s (keys.yaml:5)",
		},
		{
			"multi-key-transaction",
			`templates: {a: {key: "a:{id:int}", type: string, access: [{op: GET, query: get, consistency: serializable, rate: 1/s}]}}`,
			`templates: {a: {key: "a:{id:int}", type: string, access: [{op: GET, query: get, consistency: strong, rate: 1/s}]}}`,
			"a.GET: consistency serializable, 1/s (keys.yaml:3)",
		},
		{
			"relationships",
			`templates:
  a: {key: "a:{id:int}", type: hash, refs: [{kind: parent, to: b, on: id}]}
  b: {key: "b:{id:int}", type: hash, refs: [{kind: parent, to: c, on: id}]}
  c: {key: "c:{id:int}", type: hash, refs: [{kind: member, to: d, on: id, from: value.d}]}
  d: {key: "d:{id:int}", type: hash}`,
			`templates:
  a: {key: "a:{id:int}", type: hash, refs: [{kind: parent, to: b, on: id}]}
  b: {key: "b:{id:int}", type: hash, refs: [{kind: parent, to: c, on: id}]}
  c: {key: "c:{id:int}", type: hash}`,
			"references a to b to c to d",
		},
		{
			"relationships",
			`templates: {a: {key: "a:{id:int}", type: hash, access: [{op: QUERY, query: join, by: [id], rate: 1/s}]}}`,
			`templates: {a: {key: "a:{id:int}", type: hash, access: [{op: HGET, query: get, by: [id], rate: 1/s}]}}`,
			"a.QUERY: join by id, 1/s (keys.yaml:3)",
		},
		{
			"large-blob",
			`templates: {pdf: {key: "pdf:{id:int}", type: string, value: {size: {p50: 2MiB, max: 4MiB}}}}`,
			`templates: {pdf: {key: "pdf:{id:int}", type: string, value: {size: {p50: 20KiB, max: 4MiB}}}}`,
			"pdf: half of the values have over 2.00 MiB (keys.yaml:3)",
		},
		{
			"large-blob",
			"store: {kind: memcached}\n" + `templates: {pdf: {key: "pdf:{id:int}", type: string, value: {size: {p50: 2KiB, max: 4MiB}}}}`,
			"store: {kind: redis}\n" + `templates: {pdf: {key: "pdf:{id:int}", type: string, value: {size: {p50: 2KiB, max: 4MiB}}}}`,
			"pdf: values of up to 4.00 MiB, the store takes 1.00 MiB (keys.yaml:4)",
		},
		{
			"write-heavy-single-key",
			`templates: {lb: {key: "lb:{g:enum[a,b]}", type: zset, access: [{op: ZINCRBY, rate: 2k/s, dist: {hot: {share: 60%, keys: 1}}}]}}`,
			`templates: {lb: {key: "lb:{g:enum[a,b]}", type: zset, access: [{op: ZSCORE, rate: 2k/s, dist: {hot: {share: 60%, keys: 1}}}]}}`,
			"lb.ZINCRBY: one key gets 1.20k/s writes, 2.00k/s (keys.yaml:3)",
		},
		{
			"hand-made-secondary-indexes",
			`templates:
  user: {key: "user:{id:int}", type: hash}
  i1: {key: "idx:a:{a:word}", kind: index, type: string, refs: [{kind: index, to: user, from: value}]}
  i2: {key: "idx:b:{a:word}", kind: index, type: string, refs: [{kind: index, to: user, from: value}]}
  i3: {key: "idx:c:{a:word}", kind: index, type: string, refs: [{kind: index, to: user, from: value}]}`,
			`templates:
  user: {key: "user:{id:int}", type: hash}
  i1: {key: "idx:a:{a:word}", kind: index, type: string, refs: [{kind: index, to: user, from: value}]}
  i2: {key: "idx:b:{a:word}", kind: index, type: string, refs: [{kind: index, to: user, from: value}]}`,
			"user has the indexes i1, i2, i3 (keys.yaml:4)",
		},
		{
			"range-and-order",
			`templates: {e: {key: "event:{id:int}", type: hash, access: [{op: SCAN, query: prefix_scan, rate: 5/s}]}}`,
			`templates: {e: {key: "events", type: zset, access: [{op: ZRANGE, query: range, rate: 5/s}]}}`,
			"e.SCAN: prefix_scan over event:{id:int}, 5/s (keys.yaml:3)",
		},
		{
			"history",
			`templates: {log: {key: "log:{id:int}", type: list, ttl: {policy: none}, access: [{op: LRANGE, query: range, rate: 1/s}]}}`,
			`templates: {log: {key: "log:{id:int}", type: list, value: {max_len: 1000}, ttl: {policy: none}, access: [{op: LRANGE, query: range, rate: 1/s}]}}`,
			"log: a list without end is read by range (keys.yaml:3)",
		},
		{
			"durable-ledger",
			"store: {kind: redis, durable: true}\n" +
				`templates: {acc: {key: "account:{id:int}", kind: record, type: string, access: [{op: GET, rate: 1/s}, {op: SET, rate: 1/s}]}}`,
			"store: {kind: redis, durable: true}\n" +
				`templates: {acc: {key: "account:{id:int}", kind: record, type: string, access: [{op: GET, rate: 1/s}, {op: INCRBY, rate: 1/s}]}}`,
			"acc: read and written whole, in no transaction (keys.yaml:4); store.durable (keys.yaml:3)",
		},
		{
			"small-and-cold",
			`templates: {a: {key: "a:{id:int}", type: string, ttl: {policy: none}, value: {size: 1KiB}, cardinality: {live: 1k}, access: [{op: GET, rate: 9/s}]}}`,
			`templates: {a: {key: "a:{id:int}", type: string, ttl: {policy: none}, value: {size: 1KiB}, cardinality: {live: 9M}, access: [{op: GET, rate: 9/s}]}}`,
			"all templates: 1.06 MiB in all, 9/s, nothing expires",
		},
	} {
		sec := Section(parse(t, c.bad), nil)
		if !slices.Contains(slugs(sec), c.slug) {
			t.Errorf("%s: not given for\n%s", c.slug, c.bad)
			continue
		}
		if got := evidenceOf(sec, c.slug); got != c.evidence {
			t.Errorf("%s: evidence %q, want %q", c.slug, got, c.evidence)
		}
		if got := slugs(Section(parse(t, c.good), nil)); slices.Contains(got, c.slug) {
			t.Errorf("%s: given for\n%s", c.slug, c.good)
		}
	}
}

func evidenceOf(sec *report.Section, slug string) string {
	for i := range sec.Tables {
		for _, row := range sec.Tables[i].Rows {
			if s, _ := row[0].Text(); s == slug {
				e, _ := row[1].Text()
				return e
			}
		}
	}
	return ""
}

// seen is a report of what a server holds and was asked.
func seen(policy, aof string, expiring float64, calls map[string]int) *report.Report {
	server := report.Section{Name: "server", Metrics: []report.Metric{text("maxmemory_policy", policy), text("appendonly", aof)}}
	commands := report.Table{Name: "commands", Columns: []report.Column{{Name: "command", Unit: report.UnitText}, {Name: "calls", Unit: report.UnitCount}}}
	for name, n := range calls {
		commands.Rows = append(commands.Rows, []report.Value{report.Text(name), report.Number(n)})
	}
	server.Tables = []report.Table{commands}
	totals := report.Section{Name: "totals", Metrics: []report.Metric{
		{Name: "with_ttl", Value: report.Number(expiring), Unit: report.UnitRatio},
	}}
	return &report.Report{Sections: []report.Section{totals, server}}
}

func templatesOf(rows ...[]report.Value) *report.Report {
	return &report.Report{Sections: []report.Section{{Name: "templates", Tables: []report.Table{{
		Name: "templates", Columns: []report.Column{{Name: "template"}, {Name: "keys"}, {Name: "p50_bytes"}, {Name: "type"}}, Rows: rows,
	}}}}}
}

func row3(template string, keys, p50 int) []report.Value {
	return []report.Value{report.Text(template), report.Number(keys), report.Number(p50), report.Text("string")}
}

// What a report holds speaks without a schema, too.
func TestObserved(t *testing.T) {
	indexed := func(entries int) *report.Report {
		return templatesOf(row3("user:{int}", 50_000, 100), row3("idx:user:mail:{hex}", entries, 50), row3("user:by:name:{str}", 50_000, 50),
			row3("user:lookup:phone:{int}", 49_000, 50))
	}
	for name, c := range map[string]struct {
		bad, good *report.Report
		slug      string
	}{
		"a database":       {seen("noeviction", "yes", .01, nil), seen("allkeys-lru", "yes", .01, nil), "system-of-record"},
		"a cache":          {seen("noeviction", "yes", .01, nil), seen("noeviction", "yes", .9, nil), "system-of-record"},
		"transactions":     {seen("", "", 1, map[string]int{"get": 90_000, "multi": 5000, "exec": 5000}), seen("", "", 1, map[string]int{"get": 90_000, "multi": 50}), "multi-key-transaction"},
		"scripts":          {seen("", "", 1, map[string]int{"get": 90_000, "evalsha": 5000}), seen("", "", 1, map[string]int{"get": 9, "evalsha": 5}), "multi-key-transaction"},
		"scans":            {seen("", "", 1, map[string]int{"get": 90_000, "scan": 5000}), seen("", "", 1, map[string]int{"get": 90_000, "scan": 5}), "range-and-order"},
		"keys":             {seen("", "", 1, map[string]int{"get": 90_000, "keys": 1}), seen("", "", 1, map[string]int{"get": 90_000}), "range-and-order"},
		"blobs":            {templatesOf(row3("pdf:{int}", 10, 3<<20)), templatesOf(row3("pdf:{int}", 10, 3<<10)), "large-blob"},
		"an index of each": {indexed(50_000), indexed(7), "hand-made-secondary-indexes"},
	} {
		if got := slugs(Section(nil, c.bad)); !slices.Contains(got, c.slug) {
			t.Errorf("%s: got %q, want %s", name, got, c.slug)
		}
		if got := slugs(Section(nil, c.good)); slices.Contains(got, c.slug) {
			t.Errorf("%s: %s is given without reason", name, c.slug)
		}
	}
}

// A blob is a value that is read as a whole: a collection is read in parts, and of one key there is no half.
func TestOneLargeThing(t *testing.T) {
	list := row3("feed:global", 1, 3<<20)
	list[3] = report.Text("list")
	if got := slugs(Section(nil, templatesOf(list))); slices.Contains(got, "large-blob") {
		t.Error("a long list is taken for a blob")
	}
	declared := parse(t, `templates: {feed: {key: "feed:global", type: list, value: {size: 3MiB}}}`)
	if got := slugs(Section(declared, nil)); slices.Contains(got, "large-blob") {
		t.Error("a declared list is taken for a blob")
	}
	one := Section(nil, templatesOf(row3("price-list", 1, 3<<20)))
	if got := fmt.Sprint(one.Tables); !strings.Contains(got, "price-list: its only key has 3.00 MiB") {
		t.Errorf("one key: got %s", got)
	}
}

func metricText(sec *report.Section, name string) string {
	for _, m := range sec.Metrics {
		if m.Name == name {
			s, _ := m.Value.Text()
			return s
		}
	}
	return ""
}

// The verdict follows from what is declared, and says so where that is too little.
func TestVerdict(t *testing.T) {
	access := func(plain, searched string) string {
		return `templates: {a: {key: "a:{id:int}", type: hash, access: [{op: GET, query: get, rate: ` + plain + `}, {op: Q, query: filter, by: [email], rate: ` + searched + `}]}}`
	}
	for text, want := range map[string]string{
		access("95/s", "5/s"):  "fits",
		access("70/s", "30/s"): "fits with indexes for the rest",
		access("10/s", "90/s"): "look at a document or relational store",
		`templates: {a: {key: "a:{id:int}", type: hash, access: [{op: GET, query: get}]}}`:                                                                                 "not evaluated: 0 of 1 template declare an access with a rate",
		`templates: {a: {key: "a:{id:int}", type: hash, access: [{op: GET, rate: 1/s}]}, b: {key: "b", type: hash}, c: {key: "c", type: hash}, d: {key: "d", type: hash}}`: "not evaluated: 1 of 4 templates declare an access with a rate",
		`templates: {a: {key: "a:{id:int}", type: hash, access: [{op: GET, rate: 95/s}, {op: S, query: text, rate: 1/s}]}}`:                                                "fits, apart from the advice",
		`templates: {a: {key: "a:{id:int}", type: hash, access: [{op: S, query: text, rate: 1/s}, {op: J, query: join, by: [id], rate: 2/s}]}}`:                            "look at a document or relational store; for text a search engine; a relational store; a graph store where paths vary in length",
		`templates: {a: {key: "a:{id:int}", type: hash, access: [{op: SCAN, rate: 9/s}, {op: MULTI, rate: 1/s}]}}`:                                                         "look at a document or relational store",
	} {
		if got := metricText(Section(parse(t, text), nil), "verdict"); got != want {
			t.Errorf("%q, want %q for\n%s", got, want, text)
		}
	}
	empty := Section(nil, nil)
	if got := metricText(empty, "verdict"); !strings.HasPrefix(got, notEvaluated) || Advises(empty) {
		t.Errorf("nothing is known: %q, %v", got, empty.Tables)
	}
}

// grades returns how each store stands to a need.
func grades(t *testing.T, text, need string) map[string]string {
	t.Helper()
	sec := Section(parse(t, text), nil)
	got := map[string]string{}
	for i := range sec.Tables {
		if sec.Tables[i].Name != "reasons" {
			continue
		}
		for _, row := range sec.Tables[i].Rows {
			store, _ := row[0].Text()
			if n, _ := row[1].Text(); n == need {
				got[store], _ = row[2].Text()
			}
			for c, v := range row {
				if s, ok := v.Text(); !ok || s == "" {
					t.Errorf("%s, %s: %s is empty", store, need, sec.Tables[i].Columns[c].Name)
				}
			}
		}
	}
	return got
}

// Needs are met, met with care or not, store by store.
func TestStores(t *testing.T) {
	tmpl := func(rest string) string { return `templates: {a: {key: "a:{id:int}", type: hash` + rest + `}}` }
	for _, c := range []struct {
		text, need string
		want       map[string]string
	}{
		{"store: {durable: true}\n" + tmpl(""), "durability", map[string]string{"Redis": "with care", "Memcached": "fails", "DynamoDB": "meets", "Berkeley DB": "meets"}},
		{tmpl(`, access: [{op: GET, consistency: strong}]`), "consistency", map[string]string{"Redis": "with care", "Riak": "fails", "DynamoDB": "meets"}},
		{tmpl(`, access: [{op: GET, consistency: serializable}]`), "consistency", map[string]string{"Redis Cluster": "fails", "Cassandra": "fails", "DynamoDB": "meets"}},
		{"store: {p99: 1ms}\n" + tmpl(""), "p99", map[string]string{"Redis": "with care", "DynamoDB": "fails", "Cassandra": "fails"}},
		{"store: {p99: 30ms}\n" + tmpl(""), "p99", map[string]string{"Redis": "meets", "DynamoDB": "with care", "Cassandra": "with care"}},
		{
			"store: {kind: redis, maxmemory: 1GiB}\n" + tmpl(`, value: {size: 1KiB}, cardinality: {live: 2M}`), "working set",
			map[string]string{"Redis": "fails", "Memcached": "fails", "DynamoDB": "meets", "Aerospike": "meets"},
		},
		{
			"store: {kind: redis, maxmemory: 9GiB}\n" + tmpl(`, value: {size: 1KiB}, cardinality: {live: 2M}`), "working set",
			map[string]string{"Redis": "meets"},
		},
		{
			"store: {kind: redis, maxmemory: 9GiB}\n" + `templates: {a: {key: "a", type: hash, value: {size: 1KiB}}, b: {key: "b:{id:int}", type: hash}}`,
			"working set",
			map[string]string{"Redis": "not evaluated", "DynamoDB": "meets"},
		},
		{tmpl(`, value: {size: {p50: 1KiB, max: 600KiB}}`), "value size", map[string]string{"Redis": "with care", "DynamoDB": "fails", "Cassandra": "meets"}},
		{tmpl(`, access: [{op: SCAN, query: prefix_scan}]`), "range", map[string]string{"Redis": "fails", "DynamoDB": "with care", "Berkeley DB": "meets"}},
		{
			`templates: {a: {key: "a:{id:int}", type: zset, access: [{op: ZRANGE, query: range}]}}`, "range",
			map[string]string{"Redis": "meets", "Memcached": "fails"},
		},
		{
			`templates: {a: {key: "a:{id:int}", type: hash}, b: {key: "b:{id:int}", type: hash, access: [{op: MULTI, query: tx, keys: [a, b]}]}}`, "transaction",
			map[string]string{"Redis": "with care", "Redis Cluster": "fails", "DynamoDB": "meets"},
		},
		{tmpl(`, access: [{op: MULTI, query: tx, keys: [a]}]`), "transaction", map[string]string{"Redis Cluster": "meets", "Memcached": "fails"}},
	} {
		got := grades(t, c.text, c.need)
		if len(got) != len(stores()) {
			t.Errorf("%s of %d stores, want %d, for\n%s", c.need, len(got), len(stores()), c.text)
		}
		for store, want := range c.want {
			if got[store] != want {
				t.Errorf("%s of %s: %q, want %q, for\n%s", c.need, store, got[store], want, c.text)
			}
		}
	}
	if sec := Section(parse(t, tmpl("")), nil); metricText(sec, "stores") == "" || len(sec.Tables) > 0 {
		t.Error("stores are judged by needs that nobody has declared")
	}
}

// A property that is graded has a reason and a source.
func TestStoreData(t *testing.T) {
	for _, s := range stores() {
		for i, p := range []property{s.durable, s.strong, s.serial, s.rangeKeys, s.rangeWithin, s.txWithin, s.txAcross} {
			if p.grade == unknown || p.why == "" || p.source == "" {
				t.Errorf("%s: property %d is %+v", s.name, i, p)
			}
		}
		texts := []string{s.p99Why, s.p99Source, s.memoryWhy, s.memorySource, s.valueWhy, s.valueSource}
		if slices.Contains(texts, "") || s.p99 <= 0 || s.goodValue <= 0 || s.goodValue > s.mostValue {
			t.Errorf("%s: something is missing", s.name)
		}
	}
}

// A schema where everything refers to everything ends.
func TestCyclesEnd(t *testing.T) {
	s := &schema.Schema{}
	for i := range 60 {
		tm := schema.Template{Name: string(rune('A' + i))}
		for j := range 60 {
			tm.Refs = append(tm.Refs, schema.Ref{Kind: schema.RefParent, To: string(rune('A' + j))})
		}
		s.Templates = append(s.Templates, tm)
	}
	if got := slugs(Section(s, nil)); !slices.Contains(got, "relationships") {
		t.Errorf("got %q", got)
	}
}

func TestGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/misfit.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: data})
	if err != nil {
		t.Fatal(err)
	}
	r := &report.Report{Schema: report.Schema, Kind: report.KindSimulate, Sections: []report.Section{*Section(s, nil)}}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	for name, o := range map[string]render.Options{"misfit-80.txt": {Width: 80, Top: 12, Section: "fit"}, "misfit-120.txt": {Width: 120, Top: 12}} {
		var b bytes.Buffer
		if err := render.Text(&b, r, o); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), b.String()); d != "" {
			t.Errorf("%s (-want +got; go test -update rewrites it):\n%s", name, d)
		}
	}
}
