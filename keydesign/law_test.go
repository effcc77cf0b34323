package keydesign

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/audit/audittest"
	"github.com/kvtool/kvtool/internal/keygen"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
)

// hard returns records with all that makes a collector differ between two orders: facts that only some records have, keys of
// any bytes, equal sizes, keys that occur twice, expiries in the past and in the year 60,000, templates of one key and of many.
func hard() []kv.Record {
	rng := rand.New(rand.NewPCG(3, 4))
	types := []kv.Type{kv.TypeString, kv.TypeHash, kv.TypeZSet, "ReJSON-RL"}
	var rs []kv.Record
	add := func(key string) {
		r := kv.Record{
			Key: key, Type: types[rng.IntN(40)/13], Size: int64(rng.ExpFloat64() * 3000), Len: int64(rng.IntN(3) * rng.IntN(9000)),
			Known:    kv.FieldName | kv.Field(rng.Uint32())&kv.AllFields,
			Encoding: []kv.Encoding{kv.EncodingListpack, kv.EncodingHashtable, kv.EncodingRaw}[rng.IntN(3)],
			Idle:     time.Duration(rng.ExpFloat64() * float64(20*24*time.Hour)), Freq: uint8(rng.IntN(256)),
			Largest: int64(rng.IntN(1 << rng.IntN(14))), Logical: int64(rng.IntN(300)), Digest: uint64(rng.IntN(40)),
			Slot: slot.Of(key), Place: string(rune('a' + rng.IntN(3))),
		}
		r.Stored = r.Logical / 2
		if r.Has(kv.FieldTTL) {
			r.TTL = kv.TTLNone + kv.TTLState(rng.IntN(3))
			r.ExpireAt = audittest.Now.Add(time.Duration(rng.ExpFloat64() * float64(time.Hour)))
			if rng.IntN(50) == 0 {
				r.ExpireAt = time.Date(60000, 1, 1, 0, 0, 0, 0, time.UTC)
			}
		}
		rs = append(rs, r)
	}
	for i := range 700 {
		add(fmt.Sprintf("user:%d:cart", rng.IntN(600)))
		add(fmt.Sprintf("order:%d", i))
		add(fmt.Sprintf("%d", rng.IntN(90)))
	}
	for i := range 40 {
		add(fmt.Sprintf("order:%08x-1111-4222-8333-444455556666", rng.Uint32()))
		add(fmt.Sprintf("tok:\x00\xff%c:%d", rune(i), i))
		add(fmt.Sprintf("search:red shoes {%d}", i))
		add(fmt.Sprintf("lock:order:%d", i))
		add(strings.Repeat("very-long-", 20+rng.IntN(200)))
	}
	for _, key := range []string{"", ":", "{}", "{a}{b}", strings.Repeat("x", 1<<20), "\xff\xfe", "4111111111111111"} {
		add(key)
		add(key)
	}
	return append(rs, kv.Record{Key: "digest", Known: kv.FieldSize, Size: 7})
}

func TestLaws(t *testing.T) {
	for _, a := range Analyzers(nil) {
		t.Run(a.Name, func(t *testing.T) {
			audittest.Test(t, a, hard())
			audittest.Test(t, a, nil)
		})
	}
}

func FuzzSaved(f *testing.F) {
	rs := hard()
	audittest.Fuzz(f, Analyzers(nil), append(rs[:60:60], rs[len(rs)-20:]...))
}

// observed returns a collector that knows every leaf of the generated keyspace, and records of it.
func observed(t testing.TB) (audit.Collector, []kv.Record) {
	t.Helper()
	var rs []kv.Record
	c := newTemplates(keygen.Clock())
	for r, err := range keygen.New(200_000).Store().Scan(t.Context(), kv.ScanOptions{Want: kv.AllFields}) {
		if err != nil {
			t.Fatal(err)
		}
		rs = append(rs, *r)
		c.Observe(r)
	}
	return c, rs
}

func TestObserveDoesNotAllocate(t *testing.T) {
	c, rs := observed(t)
	i := 0
	if n := testing.AllocsPerRun(100_000, func() { c.Observe(&rs[i%len(rs)]); i++ }); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	c, rs := observed(b)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		c.Observe(&rs[i])
		if i++; i == len(rs) {
			i = 0
		}
	}
}

// BenchmarkStats is what a record costs besides the inference of its template.
func BenchmarkStats(b *testing.B) {
	_, rs := observed(b)
	leaves := map[kv.Type]*leaf{}
	for _, r := range rs {
		leaves[r.Type] = &leaf{}
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r := &rs[i]
		leaves[r.Type].observe(observe(r, keygen.Clock().UnixMilli()))
		if i++; i == len(rs) {
			i = 0
		}
	}
}

// BenchmarkAll is all analyses together, the cost of making the records taken off.
func BenchmarkAll(b *testing.B) {
	_, rs := observed(b)
	var cs []audit.Collector
	for _, a := range append(audit.Analyzers(audit.Config{}), Analyzers(nil)...) {
		cs = append(cs, a.New(keygen.Clock()))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		for _, c := range cs {
			c.Observe(&rs[i])
		}
		if i++; i == len(rs) {
			i = 0
		}
	}
}

func BenchmarkReport(b *testing.B) {
	c, _ := observed(b)
	for b.Loop() {
		c.Report(&audit.Output{})
	}
}
