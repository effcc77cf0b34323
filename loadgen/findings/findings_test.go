package findings_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters/reference"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/findings"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/report"
)

// parse reads a schema of templates.
func parse(t *testing.T, templates string) *schema.Schema {
	t.Helper()
	s, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: []byte("kvschema: 1\nfields: {id: {type: int}}\ntemplates:\n" + templates)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const (
	cache = `  page: {key: "page:{id}", type: string, kind: cache, ttl: {policy: fixed, value: 10s}}` + "\n"
	queue = `  jobs: {key: "jobs:{id}", type: list, kind: queue}` + "\n"
)

// record makes a recording of so many seconds of a thousand operations each, with what the server says at second i.
func record(t *testing.T, seconds int, server func(i int) map[string]float64, errors map[string]uint64) *recording.Recording {
	t.Helper()
	b := recording.NewBuilder(recording.Meta{Scenario: "s", Classes: []string{"get", "set"}}, time.Unix(1_700_000_000, 0))
	for i := range seconds {
		b.Add(i, &recording.Second{Due: 1000, Done: 1000, Server: server(i)})
	}
	b.Add(0, &recording.Second{Errors: errors})
	rec, err := b.Finish(recording.Part{Took: time.Duration(seconds) * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// What a run shows, and what it does not: each rule by the least that breaks it and by the most that does not.
func TestOf(t *testing.T) {
	figures := func(name string, each float64) func(i int) map[string]float64 {
		return func(i int) map[string]float64 { return map[string]float64{name: each * float64(i), "used_memory": 1e6} }
	}
	reads := func(hits, misses float64) func(i int) map[string]float64 {
		return func(i int) map[string]float64 {
			return map[string]float64{"hits": hits * float64(i), "misses": misses * float64(i), "used_memory": 1e6}
		}
	}
	memory := func(from, to float64) func(i int) map[string]float64 {
		return func(i int) map[string]float64 {
			return map[string]float64{"used_memory": from + (to-from)*float64(i)/29, "maxmemory": 100}
		}
	}
	herd := func(keys float64) func(i int) map[string]float64 {
		return func(i int) map[string]float64 {
			n := 10 * float64(i)
			if i >= 20 {
				n += keys
			}
			return map[string]float64{"expired": n, "used_memory": 1e6}
		}
	}
	quiet := figures("evicted", 0)
	for _, c := range []struct {
		name   string
		server func(i int) map[string]float64
		errors map[string]uint64
		schema string
		policy string
		broken int64
		saw    []string
		want   string // rule, severity, subject and a part of the message
	}{
		{name: "nothing", server: quiet, schema: cache},
		{name: "evicted", server: figures("evicted", 7), schema: cache, want: "SV007 warning server: 203 keys were evicted"},
		{name: "of a queue", server: figures("evicted", 7), schema: cache + queue, want: "SV007 error server: and jobs:{id} must not be lost"},
		{name: "full", server: quiet, errors: map[string]uint64{"OOM": 12}, policy: "noeviction", want: "SV007 error server: 12 writes failed"},
		{name: "hits", server: reads(801, 199), schema: cache},
		{name: "misses", server: reads(790, 210), schema: cache, want: "SV006 warning server: 79% of the reads"},
		{name: "misses of no cache", server: reads(790, 210), schema: queue, want: "SV006 info server: 79%"},
		{name: "few reads", server: reads(100, 210), schema: cache},
		{name: "room", server: memory(10, 85), policy: "noeviction"},
		{name: "no room", server: memory(61, 90), policy: "noeviction", want: "SV009 warning server: full after 10s"},
		{name: "none at all", server: memory(98, 98), policy: "noeviction", want: "SV009 error server: 98% of maxmemory"},
		{name: "evicts", server: memory(98, 98), policy: "allkeys-lru"},
		{name: "herd", server: herd(5000), schema: cache, want: "KD065 warning page:{id}: within 1 s, at 20 s"},
		{name: "no herd", server: herd(300), schema: cache},
		{name: "herd of either", server: herd(5000), schema: cache + strings.ReplaceAll(cache, "page", "item"), want: "KD065 warning server"},
		{name: "read-only", server: quiet, errors: map[string]uint64{"READONLY": 600}, want: "LD001 error READONLY: a replica was written to"},
		{name: "few", server: quiet, errors: map[string]uint64{"LOADING": 6}, want: "LD001 warning LOADING: still loading"},
		{name: "cut off", server: quiet, errors: map[string]uint64{"unfinished": 50}},
		{name: "unheard of", server: quiet, errors: map[string]uint64{"WAT": 500}, want: "LD001 error WAT: failed with WAT"},
		{name: "broken", server: quiet, broken: 3, saw: []string{`get: "k" holds the value of another key`}, want: "LD002 error get: holds the value of another"},
		{name: "broken in other words", server: quiet, broken: 1, saw: []string{"two at once"}, want: "LD002 error server: two at once"},
		{name: "broken without words", server: quiet, broken: 1, want: "LD002 error server: must not do"},
	} {
		run := &findings.Run{
			Recording: record(t, 30, c.server, c.errors), Policy: c.policy, Violations: c.broken, Evidence: c.saw,
		}
		if c.schema != "" {
			run.Schema = parse(t, c.schema)
		}
		got := findings.Of(run)
		switch {
		case c.want == "" && len(got) > 0:
			t.Errorf("%s: %s", c.name, say(got))
		case c.want == "":
		case len(got) != 1:
			t.Errorf("%s: %d findings: %s", c.name, len(got), say(got))
		default:
			head, part, _ := strings.Cut(c.want, ": ")
			if !strings.HasPrefix(say(got), head+": ") || !strings.Contains(got[0].Message, part) || got[0].Measure == nil {
				t.Errorf("%s: %s\nwant %s", c.name, say(got), c.want)
			}
		}
		if err := (&report.Report{Schema: report.Schema, Findings: got}).Check(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func say(fs []report.Finding) string {
	var lines []string
	for _, f := range fs {
		lines = append(lines, fmt.Sprintf("%s %s %s: %s", f.Rule, f.Severity, f.Subject, f.Message))
	}
	return strings.Join(lines, "\n")
}

// An event that makes the keys of one template expire together says whose they were.
func TestHerdOfAnEvent(t *testing.T) {
	rec := record(t, 30, func(i int) map[string]float64 {
		return map[string]float64{"expired": map[bool]float64{true: 9000}[i >= 20]}
	}, nil)
	rec.Events = []recording.Event{{At: 18 * time.Second, Name: "ttl_herd item"}}
	s := parse(t, cache+strings.ReplaceAll(cache, "page", "item"))
	if got := findings.Of(&findings.Run{Recording: rec, Schema: s}); len(got) != 1 || got[0].Subject != "item:{id}" {
		t.Errorf("%s", say(got))
	}
	// A server deletes what has expired little by little: that it was at once the event tells.
	slowly := func(before, after float64) func(i int) map[string]float64 {
		return func(i int) map[string]float64 {
			x := float64(i)
			return map[string]float64{"expired": before*x + (after-before)*max(0, x-18), "hit_rate": 1 - 0.05*max(0, x-18)}
		}
	}
	for _, c := range []struct {
		before, after float64
		want          string
	}{
		{10, 400, "KD065 warning item:{id}: 3.61k keys expired in the 10 s from 18 s on, and 170 in those before; the hit rate fell to 55%"},
		{100, 400, ""}, // not five times as many
		{0, 90, ""},    // fewer than a thousand
		{400, 400, ""}, // as always
	} {
		rec := record(t, 30, slowly(c.before, c.after), nil)
		rec.Events = []recording.Event{{At: 18 * time.Second, Name: "ttl_herd item"}}
		if got := say(findings.Of(&findings.Run{Recording: rec, Schema: s})); got != c.want {
			t.Errorf("%v: %q, want %q", c, got, c.want)
		}
	}
}

// drawn sends n accesses of a rate to keys of which the first gets a share, from several workers, and returns what is found.
func drawn(share float64, n int, rate float64) []report.Finding {
	const workers, one = 3, 4
	keys := findings.NewKeys(nil, workers, one)
	var all sync.WaitGroup
	for w := range workers {
		rng := rand.New(rand.NewPCG(uint64(w), 1))
		all.Go(func() {
			for i := range n / workers / one {
				key := "top:1"
				if rng.Float64() >= share {
					key = fmt.Sprintf("user:%d:profile", rng.IntN(100_000))
				}
				keys.Seen(w, time.Duration(float64(i*workers*one)/rate*float64(time.Second)), []byte(key), kv.OpRead)
			}
		})
	}
	all.Wait()
	return keys.Findings()
}

func TestKeys(t *testing.T) {
	hot := drawn(0.4, 200_000, 10_000)
	if len(hot) != 1 || hot[0].Rule != "KD023" || hot[0].Severity != report.Error || hot[0].Subject != "top:{int}" && hot[0].Subject != "top:1" {
		t.Fatalf("%s", say(hot))
	}
	if m := hot[0].Measure; m.Interval == nil || m.Interval.Low > 0.4 || m.Interval.High < 0.4 || m.Interval.High-m.Interval.Low > 0.05 {
		t.Errorf("%+v", m)
	}
	if v, _ := hot[0].Samples[0].Text(); v != "top:1" || !strings.Contains(hot[0].Fix, "client-side caching") {
		t.Errorf("%+v", hot[0])
	}
	for name, got := range map[string][]report.Finding{
		"even":     drawn(0, 200_000, 10_000),
		"slow":     drawn(0.4, 20_000, 1000), // 400 a second are hot for no store
		"below":    drawn(0.09, 200_000, 20_000),
		"too few":  drawn(0.12, 300, 10_000), // its interval goes below the limit
		"no times": drawn(0.4, 24, 1e12),
	} {
		if slices.ContainsFunc(got, func(f report.Finding) bool { return f.Rule == "KD023" }) {
			t.Errorf("%s: %s", name, say(got))
		}
	}
}

// The keys of a run are judged as an audit would judge them, and nobody else's.
func TestScan(t *testing.T) {
	target, err := kv.ParseTarget("ref:?preset=empty")
	if err != nil {
		t.Fatal(err)
	}
	store, err := reference.Adapter().Open(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	driver, err := kv.DriverOf(store)
	if err != nil {
		t.Fatal(err)
	}
	s, err := driver.Session(t.Context(), kv.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	do := func(words ...string) {
		op := kv.Op{}
		for _, w := range words {
			op.Args = append(op.Args, []byte(w))
		}
		out := make([]kv.Result, 1)
		if err := s.Do([]kv.Op{op}, out); err != nil || out[0].Status == kv.Failed {
			t.Fatal(words, err, out[0].Err)
		}
	}
	const prefix = "kvtool:[r1]:"
	do("SET", prefix+"report:9", strings.Repeat("x", 300<<10), "EX", "60")
	do("SET", prefix+"lock:order:1", "t")
	do("SET", "kvtool:r:lock:order:2", "t") // another run's, which the pattern would match if it were not escaped
	do("SET", "lock:mine", "t")
	got, err := findings.Scan(t.Context(), store, prefix, nil)
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, f := range got {
		rules = append(rules, f.Rule)
		if strings.Contains(f.Subject, "kvtool") || strings.Contains(fmt.Sprint(f.Samples), "kvtool") {
			t.Errorf("the prefix is in %+v", f)
		}
	}
	if slices.Sort(rules); !slices.Equal(rules, []string{"KD040", "KD062"}) {
		t.Errorf("%s", say(got))
	}
}

func TestDeclared(t *testing.T) {
	bare := `  page: {key: "page:{id}", type: string, kind: cache}` + "\n"
	if got := findings.Declared(parse(t, bare)); len(got) != 1 || got[0].Rule != "KD060" || got[0].Pos.Line != 0 {
		t.Errorf("%s", say(got))
	}
	if got := findings.Declared(parse(t, cache+queue)); len(got) != 0 {
		t.Errorf("%s", say(got))
	}
	rows := `  rows: {key: "rows:{id}", type: %s, value: {size: 600KiB}, ttl: {policy: none}}` + "\n"
	if got := findings.Declared(parse(t, fmt.Sprintf(rows, "string"))); len(got) != 1 || got[0].Rule != "KD040" {
		t.Errorf("%s", say(got))
	}
	if got := findings.Declared(parse(t, fmt.Sprintf(rows, "hash"))); len(got) != 0 { // of an element
		t.Errorf("%s", say(got))
	}
}

// Of what was measured and what was declared one is enough.
func TestEach(t *testing.T) {
	f := func(rule, subject, message string) report.Finding {
		return report.Finding{Rule: rule, Subject: subject, Message: message}
	}
	got := findings.Each([]report.Finding{f("KD040", "a", "1"), f("KD041", "a", "2"), f("KD040", "a", "3"), f("KD040", "b", "4")})
	if say(got) != say([]report.Finding{f("KD040", "a", "1"), f("KD041", "a", "2"), f("KD040", "b", "4")}) {
		t.Error(say(got))
	}
}

func TestRules(t *testing.T) {
	for _, r := range findings.Rules() {
		if r.Title == "" || r.Doc == "" || r.Fix == "" || len(r.Bad) == 0 || len(r.Good) == 0 || len(r.Limits) == 0 {
			t.Errorf("%s lacks a part of its documentation", r.ID)
		}
	}
}

// BenchmarkSeen is what one access that is told costs: a load pays a 256th of it a task.
func BenchmarkSeen(b *testing.B) {
	keys := findings.NewKeys(nil, 1, 256)
	rng := rand.New(rand.NewPCG(1, 1))
	names := make([][]byte, 1<<16)
	for i := range names {
		names[i] = fmt.Appendf(nil, "session:%d", rng.IntN(1+i))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		keys.Seen(0, time.Duration(i), names[i&(1<<16-1)], kv.OpRead)
	}
}
