package reference

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kvtool/kvtool/adapters/redis"
	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/lint"
	"github.com/kvtool/kvtool/keydesign/propose"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// TestInferThenCheckOnRedis infers a schema from a quarter of the shop in a real server and holds the server against it. What is found is
// what docs/demo.md says is planted, as far as a schema and the keys tell it, and nothing else. A server before
// 7.2 does not let itself be asked for lengths without a trace: then KD041 is not evaluated.
func TestInferThenCheckOnRedis(t *testing.T) {
	srv := servertest.Redis(t, servertest.Options{})
	c := srv.Client(t)
	loadDemo(t, c)
	target, err := kv.ParseTarget("redis://" + srv.Addr)
	if err != nil {
		t.Fatal(err)
	}
	store, err := redis.Adapter().Open(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s := inferred(t, store)
	r, err := audit.Run(t.Context(), store, keydesign.Analyzers(s), audit.Options{Parallel: 2})
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range append(lint.Run(s), r.Findings...) {
		if f.Severity.AtLeast(report.Warning) && f.Status != report.Suppressed {
			found = append(found, f.Rule+" "+root(f.Subject))
		}
	}
	lengths := r.Target.How(kv.FieldLen.String()) != kv.Missing.String()
	var planted []string
	for _, f := range Faults() {
		if !f.Later && (lengths || f.Rule != "KD041") || f.Rule == "KD042" {
			planted = append(planted, f.Rule+" "+root(f.Template))
		}
	}
	slices.Sort(found)
	slices.Sort(planted)
	if d := cmp.Diff(planted, slices.Compact(found)); d != "" {
		t.Errorf("planted (-) and found (+):\n%s", d)
	}
}

// root is the template up to its first placeholder, and what is behind the last one: in a schema placeholders have other names
// than in docs/demo.md, and the P of a product is not one of them.
func root(template string) string {
	head, rest, _ := strings.Cut(template, "{")
	return strings.TrimSuffix(head, "P") + "…" + rest[strings.LastIndexByte(rest, '}')+1:]
}

// loadDemo writes the demo into a server, with the time that keys have left.
func loadDemo(t *testing.T, c *servertest.Client) {
	t.Helper()
	e := demo(t, Preset{Name: "shop", Keys: DemoKeys / 4, Seed: 1})
	var commands [][]string
	for _, r := range records(t, e) {
		commands = append(commands, writes(e, &r)...)
		if r.TTL == kv.TTLAt {
			left := r.ExpireAt.Sub(DemoClock()).Milliseconds()
			commands = append(commands, []string{"PEXPIRE", r.Key, strconv.FormatInt(left, 10)})
		}
	}
	begin := time.Now()
	c.Fill(t, len(commands), func(i int) []string { return commands[i] })
	t.Logf("%d commands in %v", len(commands), time.Since(begin))
}

// inferred returns the schema that is proposed for the store, as it is read from its file.
func inferred(t *testing.T, store kv.Store) *schema.Schema {
	t.Helper()
	r, err := audit.Run(t.Context(), store, keydesign.Inference(), audit.Options{Save: true, Parallel: 2})
	if err != nil {
		t.Fatal(err)
	}
	facts, err := keydesign.FactsOf(r)
	if err != nil {
		t.Fatal(err)
	}
	p := propose.From(facts, propose.Options{MinShare: 0.0001, Store: schema.Store{Kind: schema.Redis}})
	var b bytes.Buffer
	if err := propose.Write(&b, p.Schema, p.Notes); err != nil {
		t.Fatal(err)
	}
	s, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: b.Bytes()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
