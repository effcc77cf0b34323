// Package audittest checks the laws of a Collector, in one call: however records are divided among collectors, and in
// whatever order they come, the merged report is the same.
package audittest

import (
	"encoding/binary"
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

// Test checks the laws of Collector:
//
//	purity       a report changes nothing
//	identity     a fresh collector adds nothing
//	partition    any split and any order of the records gives the same report
//	saving       what is saved and read is what was saved, to report, merge and observe; equal collectors are equal bytes;
//	             bytes that are cut are an error, and damaged ones no panic
//
// It checks a with records, which it hands out in random divisions and orders. The seed is printed on failure.
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
	bytes := save(t, whole)
	t.Run("partition and order", func(t *testing.T) {
		for seed := range uint64(rounds) {
			rng := rand.New(rand.NewPCG(seed, 7))
			c := divided(t, a, records, rng)
			same(t, seed, want, report(t, c))
			if string(save(t, c)) != string(bytes) {
				t.Fatalf("seed %d: the same report, and other bytes", seed)
			}
		}
	})
	t.Run("saving", func(t *testing.T) { testSaving(t, a, records) })
}

// divided deals shuffled records to up to eight collectors and merges these in a random tree. Some are reported before
// they are merged, as a live run does, and some are saved and read.
func divided(t *testing.T, a *audit.Analyzer, records []kv.Record, rng *rand.Rand) audit.Collector {
	shuffled := append([]kv.Record(nil), records...)
	rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	cs := make([]audit.Collector, 1+rng.IntN(8))
	for i := range cs {
		cs[i] = a.New(Now)
	}
	for i := range shuffled {
		n := rng.IntN(len(cs))
		if rng.IntN(max(1, len(shuffled)/4)) == 0 {
			cs[n] = load(t, a, save(t, cs[n]))
		}
		observe(cs[n], shuffled[i])
	}
	for len(cs) > 1 {
		i, j := rng.IntN(len(cs)), len(cs)-1
		if i == j {
			i = 0
		}
		if rng.IntN(2) == 0 {
			cs[i].Report(&audit.Output{})
		}
		if rng.IntN(2) == 0 {
			cs[j] = load(t, a, save(t, cs[j]))
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

// testSaving damages what a collector of the records has saved. Bytes that say something else may make any collector, as
// long as that one can be used.
func testSaving(t *testing.T, a *audit.Analyzer, records []kv.Record) {
	c := fold(a, records[:len(records)/2])
	whole := save(t, c)
	if v, n := binary.Uvarint(whole); n <= 0 || v != uint64(a.Version) || v == 0 {
		t.Errorf("version %d is saved, the analyzer's is %d", v, a.Version)
	}
	if string(save(t, load(t, a, whole))) != string(whole) {
		t.Error("read and saved again it is other bytes")
	}
	rest := records[len(records)/2:]
	for seed := range uint64(damages) {
		rng := rand.New(rand.NewPCG(seed, 9))
		b := append([]byte(nil), whole...)
		if cut := rng.IntN(len(b)); a.New(Now).UnmarshalBinary(b[:cut]) == nil {
			t.Fatalf("seed %d: %d of %d bytes were read without an error", seed, cut, len(b))
		}
		for range 1 + rng.IntN(3) {
			b[rng.IntN(len(b))] = byte(rng.Uint32())
		}
		damaged := a.New(Now)
		if damaged.UnmarshalBinary(b) != nil {
			continue
		}
		damaged.Merge(fold(a, rest))
		rest = rest[:min(len(rest), 500)] // the first damaged one meets all
		damaged.Report(&audit.Output{})
	}
}

// Fuzz reads anything as what a collector of one of the analyzers has saved: it is an error, or a collector that can be merged,
// reported and saved again. The first byte of the input chooses the analyzer.
func Fuzz(f *testing.F, as []*audit.Analyzer, records []kv.Record) {
	for i, a := range as {
		for _, rs := range [][]kv.Record{nil, records[:min(3, len(records))], records} {
			b, err := fold(a, rs).AppendBinary([]byte{byte(i)})
			if err != nil {
				f.Fatal(err)
			}
			if len(b) < maxSeed { // longer ones take the fuzzer all its time
				f.Add(b)
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		a := as[int(b[0])%len(as)]
		c := a.New(Now)
		if c.UnmarshalBinary(b[1:]) != nil {
			return
		}
		c.Report(&audit.Output{})
		merged := fold(a, records[:min(20, len(records))])
		merged.Merge(c)
		merged.Report(&audit.Output{})
		_, _ = merged.AppendBinary(nil) // sums of absurd numbers may not be sums any more
	})
}

const maxSeed = 2000

// damages is how many damaged forms are read.
const damages = 150

func save(t *testing.T, c audit.Collector) []byte {
	t.Helper()
	b, err := c.AppendBinary([]byte("before"))
	if err != nil {
		t.Fatal(err)
	}
	return b[len("before"):]
}

func load(t *testing.T, a *audit.Analyzer, b []byte) audit.Collector {
	t.Helper()
	c := a.New(Now)
	if err := c.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	return c
}

func report(t *testing.T, c audit.Collector) string {
	t.Helper()
	out := audit.Output{Store: &kv.Info{
		Memory: 1 << 50, Resident: 1 << 51, Live: true, Ledger: []kv.Line{{Name: "startup", Bytes: 1 << 20, How: kv.Measured}},
		Server: kv.Server{Policy: "noeviction", AppendOnly: "yes", Calls: []kv.Calls{{Command: "scan", N: 3}}},
		Facts:  []kv.Fact{{Name: "size", Field: kv.FieldSize, How: kv.Modelled}},
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
