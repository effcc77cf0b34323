package keydesign

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/audit/audittest"
	"github.com/kvtool/kvtool/internal/keygen"
	"github.com/kvtool/kvtool/keydesign/infer"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// A page is the keys that are asked about before the first of their records comes: some of them are gone by then.
const page = 500

// adaptive folds records as a run of adaptive depth does. Every gone-th key is gone when it is asked for.
func adaptive(records []kv.Record, expect int64, gone int) *templates {
	return askedBy(newTemplates(keygen.Clock()), records, expect, gone)
}

func askedBy(c *templates, records []kv.Record, expect int64, gone int) *templates {
	if expect > 0 {
		c.Expect(expect)
	}
	var wanted [page]bool
	for from := 0; from < len(records); from += page {
		rs := records[from:min(from+page, len(records))]
		for i := range rs {
			wanted[i] = c.Ask(rs[i].Key)
		}
		for i := range rs {
			if gone > 0 && i%gone == gone-1 {
				continue
			}
			r := rs[i]
			if !wanted[i] {
				r = kv.Record{Key: r.Key, Known: kv.FieldName}
			}
			c.Weigh(&r)
			c.Observe(&r)
		}
	}
	return c
}

// rowsOf returns the rows of the table of templates by their names, as columns by theirs.
func rowsOf(t *testing.T, c audit.Collector) map[string]map[string]float64 {
	t.Helper()
	var out audit.Output
	c.Report(&out)
	rows := map[string]map[string]float64{}
	for _, row := range out.Tables[0].Rows {
		cells := map[string]float64{}
		for i, column := range out.Tables[0].Columns {
			if n, ok := row[i].Number(); ok {
				cells[column.Name] = n
			}
		}
		name, _ := row[0].Text()
		rows[name] = cells
	}
	return rows
}

// TestAdaptiveIsNearlyFull compares both depths on many keyspaces: the bytes of each template within 1 %, and within the
// interval that is reported in 95 of 100 cases; the keys exactly; the share without TTL within a point or two.
func TestAdaptiveIsNearlyFull(t *testing.T) {
	spaces, keys := 24, 40_000
	if testing.Short() {
		spaces = 4
	}
	k := keygen.New(int64(spaces * keys))
	estimates, off, missed := 0, 0, 0
	asked, all := 0.0, 0.0
	for n := range spaces {
		records := recordsOf(t, k, n*keys, (n+1)*keys)
		whole := newTemplates(keygen.Clock())
		for i := range records {
			whole.Observe(&records[i])
		}
		expect := int64(keys)
		if n%3 == 0 {
			expect = 0 // a store need not know
		}
		full, got := rowsOf(t, whole), rowsOf(t, adaptive(records, expect, 0))
		for name, want := range full {
			row := got[name]
			if row["keys"] != want["keys"] {
				t.Errorf("%d %s: %v keys, want %v", n, name, row["keys"], want["keys"])
			}
			if math.Abs(row["no_ttl"]-want["no_ttl"]) > 2*points {
				t.Errorf("%d %s: %.3f without TTL, want %.3f", n, name, row["no_ttl"], want["no_ttl"])
			}
			asked += row["measured"] * row["keys"]
			all += row["keys"]
			d := math.Abs(row["bytes"]/want["bytes"] - 1)
			if row["bytes_off"] == 0 {
				if d > 1e-3 {
					t.Errorf("%d %s: said to be exact, and off by %.2f%%", n, name, 100*d)
				}
				continue
			}
			estimates++
			if d > 0.01 {
				off++
			}
			if d > row["bytes_off"] {
				missed++
			}
		}
	}
	t.Logf("%d estimates: %d off by more than 1%%, %d outside their interval; %.0f%% of the keys asked", estimates, off, missed, 100*asked/all)
	if off > estimates/100 || float64(missed) > 0.05*float64(estimates)+2*math.Sqrt(0.05*float64(estimates)) {
		t.Errorf("of %d estimates %d are off by more than 1%% and %d outside their 95%% interval", estimates, off, missed)
	}
	if asked > 0.7*all {
		t.Errorf("%.0f%% of the keys were asked: nothing is gained", 100*asked/all)
	}
}

func recordsOf(t *testing.T, k *keygen.Keyspace, from, to int) (records []kv.Record) {
	t.Helper()
	shard := kv.Shard{Name: fmt.Sprintf("%d-%d", from, to)}
	for r, err := range k.Store().Scan(t.Context(), kv.ScanOptions{Shard: shard, Want: kv.Universal}) {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, *r)
	}
	return records
}

// steady returns records of one template with sizes about mean.
func steady(rng *rand.Rand, n int, mean float64) []kv.Record {
	rs := make([]kv.Record, n)
	for i := range rs {
		rs[i] = kv.Record{
			Key: fmt.Sprintf("user:%d", rng.IntN(1e9)), Type: kv.TypeString, Encoding: kv.EncodingRaw, TTL: kv.TTLNone,
			Size: int64(mean * (0.9 + 0.2*rng.Float64())), Known: kv.Universal &^ kv.FieldLen,
		}
	}
	return rs
}

// Where the keys that come are no longer like those before, the leaf is learned anew.
func TestAdaptiveNoticesChange(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	records := append(steady(rng, 100_000, 100), steady(rng, 100_000, 300)...)
	want := 0.0
	for _, r := range records {
		want += float64(r.Size)
	}
	row := rowsOf(t, adaptive(records, int64(len(records)), 0))["user:{int}"]
	if d := math.Abs(row["bytes"]/want - 1); d > 0.01 || row["measured"] > 0.1 {
		t.Errorf("off by %.2f%%, %.1f%% measured", 100*d, 100*row["measured"])
	}
}

// A key that was gone stood for others: those that are there must still be counted.
func TestAdaptiveWithKeysThatGo(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	records := steady(rng, 100_000, 100)
	row := rowsOf(t, adaptive(records, int64(len(records)), 10))["user:{int}"]
	if d := math.Abs(row["bytes"]/90_000/100 - 1); row["keys"] != 90_000 || d > 0.01 {
		t.Errorf("%v keys, off by %.2f%%", row["keys"], 100*d)
	}
}

// Collections whose sizes vary much are all asked: a few of them may be most of the memory.
func TestAdaptiveAsksUnevenCollections(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 10))
	records := steady(rng, 20_000, 100)
	for i := range records {
		records[i].Type, records[i].Encoding = kv.TypeHash, kv.EncodingListpack
		if i%100 == 3 {
			records[i].Size = 100_000
		}
	}
	row := rowsOf(t, adaptive(records, 20_000, 0))["user:{int}"]
	if share, sampled := row["measured"]; sampled || row["keys"] != 20_000 {
		t.Errorf("%.1f%% of %v measured", 100*share, row["keys"])
	}
}

// Without a naming scheme leaves are folded into others while keys are in flight: none must be lost.
func TestAdaptiveWithoutScheme(t *testing.T) {
	const keys, nodes = 10_000, 5_000 // as a large keyspace against maxNodes
	rng := rand.New(rand.NewPCG(11, 11))
	var records []kv.Record
	var want int64
	for range keys {
		b := make([]byte, 10+rng.IntN(20))
		for i := range b {
			b[i] = "abcdefghijklmnopqrstuvwxyz:::::___"[rng.IntN(34)]
		}
		r := kv.Record{Key: string(b), Type: kv.TypeString, Size: 100, TTL: kv.TTLNone, Known: kv.Universal &^ kv.FieldLen}
		records, want = append(records, r), want+r.Size
	}
	c := newTemplates(keygen.Clock())
	c.tree = infer.New(func() *leaf { return &leaf{pool: c.pool} }, infer.Options{MaxNodes: nodes})
	askedBy(c, records, 0, 0)
	var out audit.Output
	c.Report(&out)
	var counted, bytes float64
	table := out.Tables[0]
	for _, row := range append(table.Rows, table.More) {
		if row == nil {
			continue
		}
		k, _ := row[2].Number()
		b, _ := row[3].Number()
		counted, bytes = counted+k, bytes+b
	}
	if !c.tree.Templates().Pruned {
		t.Error("all of it fits")
	}
	if counted != keys || math.Abs(bytes/float64(want)-1) > 0.01 {
		t.Errorf("%v keys, %v bytes, want %d", counted, bytes, want)
	}
}

// Findings on a sample say of how many keys they are.
func TestFindingsOfASampleSaySo(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 12))
	c := adaptive(steady(rng, 50_000, 20_000), 50_000, 0)
	var out audit.Output
	c.Report(&out)
	for _, f := range out.Findings {
		if f.Rule != "KD040" {
			continue
		}
		last := f.Evidence[len(f.Evidence)-1]
		over, _ := f.Evidence[0].Value.Number()
		share, _ := last.Value.Number()
		if last.Name != "measured" || share > 0.1 || math.Abs(over-share*50_000) > 1 {
			t.Errorf("%v strings seen, evidence %+v", over, f.Evidence)
		}
		return
	}
	t.Error("no finding")
}

// The laws hold for records that stand for others, too: what a shard has asked of a sample merges.
func TestLawsOfASample(t *testing.T) {
	rs := hard()
	rng := rand.New(rand.NewPCG(13, 13))
	for i := range rs {
		switch rng.IntN(3) {
		case 0:
			rs[i].Others = int64(rng.IntN(mostStand))
		case 1:
			rs[i] = kv.Record{Key: rs[i].Key, Known: kv.FieldName, Others: -1}
		}
	}
	for _, a := range Analyzers(nil) {
		audittest.Test(t, a, rs)
	}
}

// TestDepths goes through a whole run, and over what it says of itself.
func TestDepths(t *testing.T) {
	k := keygen.New(60_000)
	as := append(Analyzers(nil), audit.Analyzers(audit.Config{})...)
	reports := map[audit.Depth]*report.Report{}
	for _, d := range audit.Depths {
		r, err := audit.Run(t.Context(), k.Store(), as, audit.Options{Depth: d, Parallel: 2})
		if err != nil || !r.Coverage.Complete || r.Coverage.Keys != k.Keys() {
			t.Fatalf("%s: %+v, %v", d, r.Coverage, err)
		}
		reports[d] = r
	}
	number := func(d audit.Depth, name string) float64 {
		for _, m := range reports[d].Section("totals").Metrics {
			if m.Name == name {
				n, _ := m.Value.Number()
				return n
			}
		}
		return math.NaN()
	}
	for _, name := range []string{"keys", "bytes", "elements", "with_ttl", "bytes_per_key"} {
		full, adaptive := number(audit.DepthFull, name), number(audit.DepthAdaptive, name)
		if d := math.Abs(adaptive/full - 1); !(d < 0.02) {
			t.Errorf("%s: %v, in full %v", name, adaptive, full)
		}
	}
	a := reports[audit.DepthAdaptive]
	if n := number(audit.DepthAdaptive, "measured"); !(n > 0 && n < 0.8) {
		t.Errorf("measured = %v", n)
	}
	if a.Target.How("type") != "sampled" || a.Target.How("name") != "measured" || len(a.Coverage.Why) != 1 {
		t.Errorf("%+v %q", a.Target.Facts, a.Coverage.Why)
	}
	var types float64
	for _, row := range a.Section("types").Tables[0].Rows {
		n, _ := row[2].Number()
		types += n
	}
	if math.Abs(types-float64(k.Keys())) > 20 {
		t.Errorf("%v keys of all types, want %d", types, k.Keys())
	}
	if c := reports[audit.DepthCount]; c.Section("types") != nil || c.Section("biggest") != nil || len(c.Coverage.Why) > 0 {
		t.Errorf("count: %+v", c.Sections)
	}
	skipped := reports[audit.DepthCount].Skipped
	if !slices.Contains(skipped, report.Skip{Name: "types", Why: "needs type: --depth count asks for names alone"}) {
		t.Errorf("%+v", skipped)
	}
}

var _ audit.Asker = (*templates)(nil)
