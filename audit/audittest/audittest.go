// Package audittest checks the laws of a Collector, in one call: however records are divided among collectors, and in
// whatever order they come, the merged report is the same.
package audittest

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/kv"
)

// Now is the time that Test gives to Analyzer.New; records with expiries should be made around it.
var Now = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

// rounds is how many random divisions and orders are tried.
const rounds = 12

// Test checks a with records, which it hands out in random divisions and orders. The seed is printed on failure.
func Test(t *testing.T, a *audit.Analyzer, records []kv.Record) {
	t.Helper()
	whole := fold(a, records)
	want := report(t, whole)
	t.Run("purity", func(t *testing.T) {
		same(t, 0, want, report(t, whole))
	})
	t.Run("identity", func(t *testing.T) {
		c := fold(a, records)
		c.Merge(a.New(Now))
		same(t, 0, want, report(t, c))
		fresh := a.New(Now)
		fresh.Merge(fold(a, records))
		same(t, 0, want, report(t, fresh))
	})
	t.Run("partition and order", func(t *testing.T) {
		for seed := range uint64(rounds) {
			rng := rand.New(rand.NewPCG(seed, 7))
			same(t, seed, want, report(t, divided(a, records, rng)))
		}
	})
}

// divided deals shuffled records to up to eight collectors and merges these in a random tree. Some are reported before
// they are merged, as a live run does.
func divided(a *audit.Analyzer, records []kv.Record, rng *rand.Rand) audit.Collector {
	shuffled := append([]kv.Record(nil), records...)
	rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	cs := make([]audit.Collector, 1+rng.IntN(8))
	for i := range cs {
		cs[i] = a.New(Now)
	}
	for i := range shuffled {
		observe(cs[rng.IntN(len(cs))], shuffled[i])
	}
	for len(cs) > 1 {
		i, j := rng.IntN(len(cs)), len(cs)-1
		if i == j {
			i = 0
		}
		if rng.IntN(2) == 0 {
			cs[i].Report(&audit.Output{})
		}
		cs[i].Merge(cs[j])
		cs = cs[:j]
	}
	return cs[0]
}

func fold(a *audit.Analyzer, records []kv.Record) audit.Collector {
	c := a.New(Now)
	for _, r := range records {
		observe(c, r)
	}
	return c
}

// observe hands c a record that is overwritten afterwards, as a scan's is.
func observe(c audit.Collector, r kv.Record) {
	c.Observe(&r)
	r = kv.Record{Key: "overwritten", Size: -1, Known: kv.AllFields}
	_ = r
}

func report(t *testing.T, c audit.Collector) string {
	t.Helper()
	out := audit.Output{Store: &kv.Info{
		Memory: 1 << 50, Resident: 1 << 51, Live: true, Ledger: []kv.Line{{Name: "startup", Bytes: 1 << 20, How: kv.Measured}},
		Facts: []kv.Fact{{Name: "size", Field: kv.FieldSize, How: kv.Modelled}},
	}}
	c.Report(&out)
	b, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func same(t *testing.T, seed uint64, want, got string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("seed %d: another report (-whole +divided):\n%s", seed, d)
	}
}
