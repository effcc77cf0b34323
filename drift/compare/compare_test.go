package compare_test

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/drift/compare"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

var now = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

// records are a store.
type records []kv.Record

func (records) Info(context.Context) (*kv.Info, error) {
	info := &kv.Info{Adapter: "test", Product: "test", Target: "test:", Clock: now}
	for f := kv.Field(1); f <= kv.AllFields; f <<= 1 {
		if f&kv.Universal != 0 {
			info.Facts = append(info.Facts, kv.Fact{Name: f.String(), Field: f, How: kv.Measured})
		}
	}
	return info, nil
}

func (records) Close() error { return nil }

func (rs records) Scan(context.Context, kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		var r kv.Record
		for i := range rs {
			if r = rs[i]; !yield(&r, nil) {
				return
			}
		}
	}
}

// analyzers are those of a snapshot.
func analyzers() []*audit.Analyzer {
	return append(keydesign.Analyzers(nil), audit.Analyzers(audit.Config{})...)
}

func sideOf(t testing.TB, name string, store kv.Store) *compare.Side {
	t.Helper()
	r, err := audit.Run(context.Background(), store, analyzers(), audit.Options{Save: true, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	s, err := compare.Load(name, nil, r)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A family is n keys of a template, each with what left says it has left: 0 is no TTL.
func family(name string, n int, size int64, typ kv.Type, left func(i int) time.Duration) records {
	rs := make(records, n)
	for i := range rs {
		rs[i] = kv.Record{
			Key: fmt.Sprintf("%s:%d", name, 100_000+7*i), Type: typ, Encoding: kv.EncodingRaw, Size: size + int64(i%50), Len: 1,
			TTL: kv.TTLNone, Known: kv.Universal,
		}
		if d := left(i); d > 0 {
			rs[i].TTL, rs[i].ExpireAt = kv.TTLAt, now.Add(d)
		}
	}
	return rs
}

// uniform is what is left of one TTL with steady writes.
func uniform(rng *rand.Rand, ttl time.Duration) func(int) time.Duration {
	return func(int) time.Duration { return 1 + time.Duration(rng.Int64N(int64(ttl))) }
}

// found lists the findings: "W KD071 a:{int}".
func found(r *report.Report) (all []string) {
	for _, f := range r.Findings {
		all = append(all, strings.ToUpper(string(f.Severity[0]))+" "+f.Rule+" "+f.Subject)
	}
	return all
}

const hour = time.Hour

// changes are the six of the design, each with the least that must be said of it.
func changes() []struct {
	name string
	head func(rng *rand.Rand) func(i int) time.Duration
	want string // severity
} {
	return []struct {
		name string
		head func(rng *rand.Rand) func(i int) time.Duration
		want string
	}{
		{"T 3600 to 4000", func(rng *rand.Rand) func(int) time.Duration { return uniform(rng, 4000*time.Second) }, "W"},
		{"T times 2", func(rng *rand.Rand) func(int) time.Duration { return uniform(rng, 2*hour) }, "E"},
		{"2 % lost their TTL", func(rng *rand.Rand) func(int) time.Duration {
			u := uniform(rng, hour)
			return func(i int) time.Duration {
				if rng.IntN(50) == 0 {
					return 0
				}
				return u(i)
			}
		}, "W"},
		{"1 % times 1000", func(rng *rand.Rand) func(int) time.Duration {
			u := uniform(rng, hour)
			return func(i int) time.Duration {
				if rng.IntN(100) == 0 {
					return 1000 * u(i)
				}
				return u(i)
			}
		}, "W"},
		{"fixed to sliding", func(rng *rand.Rand) func(int) time.Duration {
			return func(int) time.Duration { // the time since the last access is exponential, a tenth of the TTL on average
				return max(time.Second, hour-time.Duration(rng.ExpFloat64()*float64(hour)/10))
			}
		}, "E"},
		{"30 % in 10 s", func(rng *rand.Rand) func(int) time.Duration {
			u := uniform(rng, hour)
			return func(i int) time.Duration {
				if rng.IntN(10) < 3 {
					return 1000*time.Second + time.Duration(rng.Int64N(int64(10*time.Second)))
				}
				return u(i)
			}
		}, "I"},
	}
}

// Each of the six is found at n = 5000, in every draw.
func TestSixChanges(t *testing.T) {
	for _, c := range changes() {
		for seed := range uint64(pairs()) {
			rng := rand.New(rand.NewPCG(seed, 9))
			base := sideOf(t, "base", family("a", 5000, 100, kv.TypeString, uniform(rng, hour)))
			head := sideOf(t, "head", family("a", 5000, 100, kv.TypeString, c.head(rng)))
			got := found(compare.Diff(base, head, compare.Options{}))
			const worst = "EWI"
			if len(got) != 1 || !strings.HasSuffix(got[0], " KD071 a:{int}") || strings.Index(worst, got[0][:1]) > strings.Index(worst, c.want) {
				t.Fatalf("%s, seed %d: %q, want %s", c.name, seed, got, c.want)
			}
		}
	}
}

// halves divides the keys of a store at random.
func halves(rs records, seed uint64) (a, b records) {
	rng := rand.New(rand.NewPCG(seed, 5))
	a, b = make(records, 0, len(rs)), make(records, 0, len(rs))
	for i := range rs {
		if rng.IntN(2) == 0 {
			a = append(a, rs[i])
		} else {
			b = append(b, rs[i])
		}
	}
	return a, b
}

// world is a keyspace of templates that are large and small, fixed, jittered, sliding, mixed, heavy-tailed and without TTL.
func world(seed uint64) records {
	rng := rand.New(rand.NewPCG(seed, 8))
	var all records
	laws := []func(int) time.Duration{
		uniform(rng, hour), uniform(rng, 24*hour),
		func(int) time.Duration { return time.Duration(rng.ExpFloat64() * float64(hour)) },
		func(int) time.Duration {
			return time.Duration((0.7 + 0.3*rng.Float64()) * rng.Float64() * float64(hour))
		},
		func(int) time.Duration { return max(time.Second, hour-time.Duration(rng.ExpFloat64()*float64(hour)/5)) },
		func(i int) time.Duration {
			if i%200 == 0 {
				return time.Duration(rng.Int64N(int64(30*24*hour))) + 1
			}
			return uniform(rng, hour)(i)
		},
		func(i int) time.Duration {
			if i%50 == 0 {
				return 0
			}
			return uniform(rng, 10*time.Minute)(i)
		},
		func(int) time.Duration { return 0 },
	}
	sizes := []int{3, 30, 250, 400, 1200, 5000}
	for i, law := range laws {
		for j, n := range sizes {
			if (i+j)%2 == 0 {
				continue
			}
			name := string(rune('a'+i)) + "k" + string(rune('a'+j))
			rs := family(name, n, 100, kv.TypeString, law)
			for k := range rs {
				rs[k].Size = int64(60 * (1 + rng.ExpFloat64()*rng.ExpFloat64()*5)) // a heavy tail
			}
			all = append(all, rs...)
		}
	}
	return all
}

// pairs is how many keyspaces are compared: a hundred where KVTOOL_SOAK is set (make soak), else as many as show a mistake.
func pairs() int {
	if os.Getenv("KVTOOL_SOAK") != "" {
		return 100
	}
	return 10
}

// Between two halves of one keyspace nothing has changed: no alarm in 99 of 100, though 24 templates are compared each time.
func TestHalves(t *testing.T) { quiet(t, world) }

// quiet holds that halves of keyspaces differ in nothing that is said.
func quiet(t *testing.T, keyspace func(seed uint64) records) {
	runs, alarms := pairs(), 0
	for seed := range uint64(runs) {
		a, b := halves(keyspace(seed), seed)
		if got := found(compare.Diff(sideOf(t, "a", a), sideOf(t, "b", b), compare.Options{})); len(got) > 0 {
			alarms++
			t.Logf("seed %d: %q", seed, got)
		}
	}
	t.Logf("%d alarms in %d", alarms, runs)
	if alarms*100 > runs {
		t.Errorf("%d alarms in %d pairs of halves", alarms, runs)
	}
}

// later is a keyspace of other laws and sizes, made after all thresholds had been settled: bursts, two TTLs at once, a few giants,
// names with dates and hashes.
func later(seed uint64) records {
	rng := rand.New(rand.NewPCG(seed, 77))
	var all records
	laws := []func(int) time.Duration{
		func(i int) time.Duration {
			if i%3 == 0 {
				return 20*time.Minute + time.Duration(rng.Int64N(int64(5*time.Second)))
			}
			return uniform(rng, hour)(i)
		},
		func(i int) time.Duration {
			if i%2 == 0 {
				return uniform(rng, 5*time.Minute)(i)
			}
			return uniform(rng, 7*24*hour)(i)
		},
		func(i int) time.Duration {
			if i%20 == 0 {
				return 1000 * uniform(rng, hour)(i)
			}
			return uniform(rng, hour)(i)
		},
		never,
	}
	for i, law := range laws {
		for j, n := range []int{40, 220, 700, 2500, 9000} {
			rs := family(fmt.Sprintf("%s:2026-01-%02d", []string{"feed", "page", "job", "doc"}[i], 10+j), n, 80, kv.TypeHash, law)
			for k := range rs {
				rs[k].Size = int64(80 * math.Pow(1-rng.Float64(), -0.7)) // of Pareto
			}
			all = append(all, rs...)
		}
	}
	return all
}

func TestHalvesOfOthers(t *testing.T) { quiet(t, later) }

// The halves of the demo, whose templates are inferred on either side by itself.
func TestHalvesOfTheDemo(t *testing.T) {
	at, _ := kv.ParseTarget("demo:")
	store, err := adapters.Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	var all records
	for r, err := range store.Scan(t.Context(), kv.ScanOptions{Want: kv.Universal}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, *r)
	}
	for seed := range uint64(pairs() / 2) {
		a, b := halves(all, seed)
		if got := found(compare.Diff(sideOf(t, "a", a), sideOf(t, "b", b), compare.Options{})); len(got) > 0 {
			t.Errorf("seed %d: %q", seed, got)
		}
	}
}

func never(int) time.Duration { return 0 }

// What else can change, one at a time, and what must not be said: of few keys, of sizes that are halved where all are.
func TestOtherChanges(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	base := append(family("a", 3000, 100, kv.TypeString, never), family("b", 3000, 1000, kv.TypeHash, uniform(rng, hour))...)
	with := func(more ...records) records { return slices.Concat(append([]records{base}, more...)...) }
	for _, c := range []struct {
		name       string
		base, head records
		opt        compare.Options
		want       []string
	}{
		{name: "nothing", base: base, head: base},
		{name: "new", base: base, head: with(family("new", 500, 100, kv.TypeString, never)), want: []string{"W DR001 new:{int}"}},
		{name: "gone", base: with(family("old", 500, 100, kv.TypeString, never)), head: base, want: []string{"W DR001 old:{int}"}},
		{name: "strays", base: base, head: with(family("new", 7, 100, kv.TypeString, never))},
		{
			name: "renamed", base: with(family("old", 500, 100, kv.TypeString, never)), head: with(family("young", 520, 100, kv.TypeString, never)),
			want: []string{"W DR001 young:{int}"},
		},
		{name: "more", base: base, head: append(family("a", 9000, 100, kv.TypeString, never), base[3000:]...), want: []string{"W DR002 a:{int}"}},
		{name: "some more", base: base, head: append(family("a", 3900, 100, kv.TypeString, never), base[3000:]...), want: []string{"I DR002 a:{int}"}},
		{name: "larger", base: base, head: append(family("a", 3000, 400, kv.TypeString, never), base[3000:]...), want: []string{"W DR003 a:{int}"}},
		{name: "another type", base: base, head: append(family("a", 3000, 100, kv.TypeHash, never), base[3000:]...), want: []string{"E DR004 a:{int}"}},
		{
			name: "an environment of a tenth", base: base, opt: compare.Options{Normalise: true},
			head: append(family("a", 300, 100, kv.TypeString, never), family("b", 300, 1000, kv.TypeHash, uniform(rng, hour))...),
		},
		{
			name: "one template", base: base, opt: compare.Options{Template: "b*"},
			head: append(family("a", 9000, 100, kv.TypeString, never), base[3000:]...),
		},
	} {
		got := found(compare.Diff(sideOf(t, "base", c.base), sideOf(t, "head", c.head), c.opt))
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
