package propose

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kvtool/kvtool/adapters/reference"
	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/internal/keygen"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/bind"
	"github.com/kvtool/kvtool/keydesign/infer"
	"github.com/kvtool/kvtool/keydesign/lint"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func demo(t testing.TB) kv.Store {
	t.Helper()
	s, err := openDemo()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// openDemo fills the store once, for all tests: they only read it.
var openDemo = sync.OnceValues(func() (kv.Store, error) {
	target, err := kv.ParseTarget("demo:")
	if err != nil {
		return nil, err
	}
	return reference.Adapter().Open(context.Background(), target)
})

func factsOf(t testing.TB, s kv.Store) *keydesign.Facts {
	t.Helper()
	r, err := audit.Run(t.Context(), s, keydesign.Inference(), audit.Options{Save: true})
	if err != nil {
		t.Fatal(err)
	}
	f, err := keydesign.FactsOf(r)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// line says of a template what is proposed, in a line.
func line(t *schema.Template) string {
	ttl := string(t.TTL.Policy)
	switch t.TTL.Policy {
	case schema.TTLFixed:
		ttl += fmt.Sprint(" ", t.TTL.Value, " ", t.TTL.Jitter.Spread(t.TTL.Value))
	case schema.TTLSliding:
		ttl += fmt.Sprint(" ", t.TTL.Idle)
	}
	var refs []string
	for _, r := range t.Refs {
		refs = append(refs, string(r.Kind)+" "+r.To)
	}
	return strings.Join([]string{t.Key.String(), string(t.Kind), t.Type, ttl, strings.Join(refs, ",")}, "|")
}

// The law of the demo is proposed, whatever faults are planted in it; docs/demo.md has both.
func TestDemo(t *testing.T) {
	p := From(factsOf(t, demo(t)), Options{MinShare: 0.0001})
	want := []string{
		"cache:product:P{product_id}|cache|string|fixed 1h0m0s 0.4|",
		"session:{session_id:uuid}|session|hash|sliding 30m0s|",
		"idx:user:email:{email_hash:hex(32)}|index|string|none|index user_profile",
		"user:{user_id}:profile|record|hash|none|",
		"cart:{user_id}||hash|sliding 336h0m0s|parent user_profile",
		"order:{user_id}:{num:int}||string|none|parent user_profile",
		"rl:api:{user_id}:{at:ts_s}|ratelimit|string|fixed 2m0s 0|parent user_profile",
		"order:{order_id}|record|hash|none|",
		"order:{order_uuid:uuid}|record|hash|none|",
		"{{shop}}:stock:P{product_id}||string|none|",
		"promo:{promo_id:opaque(8)}||string|fixed 1h0m0s 0|",
		"wish:{user_id}||set|none|parent user_profile",
		"user:{user_id}/prefs|record|hash|none|parent user_profile",
		"user:email:{email:email}|index|string|none|index user_profile",
		"recent:P{product_id}||zset|none|",
		"{id:int}||string|none|",
		"lock:order:{order_id}|lock|string|fixed 30s 0|parent order",
		"lb:{name:enum[books,garden,kitchen,music,office,sports,toys,travel]}:{week:isoweek}|leaderboard|zset|none|",
		"flag:{name:slug}|config|string|none|",
		"cat:{name:word}||set|none|",
		"q:{name:enum[index,invoice,mail,refund,ship,webhook]}|queue|list|none|",
		"report:daily:{date:date}|blob|string|none|",
		"feed:global||list|none|",
	}
	var got []string
	for i := range p.Templates {
		if l := line(&p.Templates[i]); !strings.HasPrefix(l, "tmp:") {
			got = append(got, l)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, "cart: 640 keys of 9,000 have no TTL") || !strings.Contains(notes, "left out: ") {
		t.Errorf("notes:\n%s", notes)
	}
}

// What is written of the demo is read again as the same, and no key of it is lost but those that are said to be left out.
func TestRoundTrip(t *testing.T) {
	store := demo(t)
	p := From(factsOf(t, store), Options{MinShare: 0.0001})
	var b bytes.Buffer
	if err := Write(&b, p.Schema, p.Notes); err != nil {
		t.Fatal(err)
	}
	s, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: b.Bytes()})
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := Write(&again, s, p.Notes); err != nil || again.String() != b.String() {
		t.Errorf("written again it differs: %v\n%s", err, cmp.Diff(b.String(), again.String()))
	}
	m, err := bind.New(s)
	if err != nil {
		t.Fatal(err)
	}
	var in, out int64
	for r, err := range store.Scan(t.Context(), kv.ScanOptions{Shard: kv.Shard{}}) {
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := m.Match(r.Key); ok {
			in++
		} else {
			out++
		}
	}
	var covered int64
	for i := range s.Templates {
		covered += s.Templates[i].Inferred.Keys
	}
	if in < covered || in+out != 120_000 {
		t.Errorf("%d of %d keys are in a template, and %d were covered", in, in+out, covered)
	}
}

// Two runs propose the same.
func TestSameTwice(t *testing.T) {
	write := func() string {
		var b bytes.Buffer
		p := From(factsOf(t, demo(t)), Options{})
		if err := Write(&b, p.Schema, nil); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if d := cmp.Diff(write(), write()); d != "" {
		t.Error(d)
	}
}

// Only what is not declared is proposed, under names that are free.
func TestHave(t *testing.T) {
	const have = `kvschema: 1
fields: {user_id: {type: int}}
templates:
  cart: {key: "user:{user_id}:profile", type: hash}
  basket: {key: "cart:{user_id}"}
`
	s, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: []byte(have)})
	if err != nil {
		t.Fatal(err)
	}
	p := From(factsOf(t, demo(t)), Options{MinShare: 0.0001, Have: s})
	for i := range p.Templates {
		x := &p.Templates[i]
		if x.Name == "cart" || x.Name == "basket" || strings.HasPrefix(x.Key.String(), "cart:") || strings.HasSuffix(x.Key.String(), ":profile") {
			t.Errorf("%s: %s is proposed", x.Name, x.Key.String())
		}
	}
	if p.Field("user_id") != nil {
		t.Error("user_id is proposed")
	}
	if w := p.Template("wish"); w == nil || w.Key.String() != "wish:{user_id}" || len(w.Refs) != 1 || w.Refs[0].To != "cart" {
		t.Errorf("wish: %+v", w)
	}
}

// BenchmarkInfer goes from the keys of a store that costs next to nothing to the schema, and BenchmarkAudit as far as an audit
// of the templates does.
func BenchmarkInfer(b *testing.B) {
	store := keygen.New(1_000_000).Store()
	for b.Loop() {
		From(factsOf(b, store), Options{MinShare: 0.0001})
	}
	b.ReportMetric(1e6*float64(b.N)/b.Elapsed().Seconds(), "keys/s")
}

func BenchmarkAudit(b *testing.B) {
	store := keygen.New(1_000_000).Store()
	for b.Loop() {
		if _, err := audit.Run(b.Context(), store, keydesign.Inference(), audit.Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(1e6*float64(b.N)/b.Elapsed().Seconds(), "keys/s")
}

// findings lists what is found with a schema, by lint and on the keys: rule and template of each error and warning.
func findings(t *testing.T, store kv.Store, s *schema.Schema) []string {
	t.Helper()
	r, err := audit.Run(t.Context(), store, keydesign.Analyzers(s), audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range append(lint.Run(s), r.Findings...) {
		if f.Severity.AtLeast(report.Warning) && f.Status != report.Suppressed {
			out = append(out, f.Rule+" "+f.Subject)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// With the schema that is proposed for the demo, what is planted in it is found, and nothing else.
func TestTheLawIsNotTheFault(t *testing.T) {
	store := demo(t)
	var b bytes.Buffer
	if err := Write(&b, From(factsOf(t, store), Options{MinShare: 0.0001, Store: schema.Store{Kind: schema.Redis}}).Schema, nil); err != nil {
		t.Fatal(err)
	}
	s, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: b.Bytes()})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"KD001 {id:int}",
		"KD002 user:{user_id}/prefs",
		"KD009 user:email:{email:email}",
		"KD010 order:{order_id}",
		"KD040 report:daily:{date:date}",
		"KD041 feed:global",
		"KD041 recent:P{product_id}",
		"KD042 feed:global",
		"KD049 session:{session_id:uuid}",
		"KD061 cart:{user_id}",
		"KD062 lock:order:{order_id}",
		"KD063 promo:{promo_id:opaque(8)}",
		"KD065 cache:product:P{product_id}",
	}
	if d := cmp.Diff(want, findings(t, store, s)); d != "" {
		t.Errorf("planted (-) and found (+):\n%s", d)
	}
}

// A keyspace without faults is clean with the schema that is proposed for it. What its generator makes large on purpose is no
// less large for being declared.
func TestCleanStaysClean(t *testing.T) {
	store := keygen.New(100_000).Store()
	s := From(factsOf(t, store), Options{}).Schema
	for _, f := range findings(t, store, s) {
		if !strings.Contains(f, " big:") {
			t.Error(f)
		}
	}
}

// What is written can be read again, however long the names are that somebody has given their keys.
func TestLongNames(t *testing.T) {
	f := &keydesign.Facts{Keys: 3, Templates: []keydesign.TemplateFacts{
		{Text: strings.Repeat("k", 1_000_000), Keys: 1}, {Text: strings.Repeat("{{", 600) + "x", Keys: 1}, {Text: strings.Repeat("k", 2000), Keys: 1},
	}}
	for i := range f.Templates {
		t := &f.Templates[i]
		t.Segments = []infer.Segment{{Literal: t.Text}}
		t.Populations = func() []*infer.Population { return nil }
		t.Likenesses = func() iter.Seq[string] { return slices.Values([]string{}) }
	}
	p := From(f, Options{})
	if len(p.Templates) != 1 || !slices.Contains(p.Notes, "1 key with a name of 1,000,000 bytes, too long to be written down") {
		t.Errorf("%d templates, notes %q", len(p.Templates), p.Notes)
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: b.Bytes()}); err != nil {
		t.Error(err)
	}
}
