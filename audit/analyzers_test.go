package audit_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/audit/audittest"
	"github.com/kvtool/kvtool/kv"
)

// hardRecords is a keyspace in which every fact is now known and now not, with ties, giants and duplicates.
func hardRecords() []kv.Record {
	rng := rand.New(rand.NewPCG(1, 2))
	types := []kv.Type{kv.TypeString, kv.TypeHash, "ReJSON-RL"}
	encodings := []kv.Encoding{kv.EncodingRaw, kv.EncodingListpack}
	var out []kv.Record
	for i := range 400 {
		r := kv.Record{
			Key:      fmt.Sprintf("k:%d", i%370),
			DB:       i % 3,
			Type:     types[rng.IntN(3)],
			Encoding: encodings[rng.IntN(2)],
			Size:     int64(rng.IntN(1 << rng.IntN(30))),
			Len:      int64(rng.IntN(100)),
			Idle:     time.Duration(rng.Int64N(1 << rng.IntN(54))),
			Freq:     uint8(rng.IntN(1 << rng.IntN(9))),
			Largest:  int64(rng.IntN(1 << rng.IntN(20))),
			Logical:  int64(rng.IntN(1 << rng.IntN(20))),
			Digest:   uint64(rng.IntN(60)) * 0x9e3779b97f4a7c15,
			Groups:   int64(rng.IntN(3)),
			Pending:  int64(rng.IntN(1 << rng.IntN(20))),
			Known:    kv.Field(rng.Uint32())&kv.AllFields | kv.FieldName,
		}
		r.Stored = r.Logical * int64(rng.IntN(11)) / 10
		if i%5 == 0 {
			r.Size, r.Largest, r.Pending = 4096, 64, 7 // ties
		}
		if r.Has(kv.FieldTTL) {
			r.TTL = kv.TTLState(1 + rng.IntN(3))
		}
		if r.TTL == kv.TTLAt {
			r.ExpireAt = audittest.Now.Add(time.Duration(rng.Int64N(int64(1000 * 24 * time.Hour))))
		}
		if r.TTL == kv.TTLExpired {
			r.ExpireAt = audittest.Now.Add(-time.Second)
		}
		out = append(out, r)
	}
	for _, key := range []string{"", "\xff\x00\x1b[2J", strings.Repeat("k", 1<<20)} {
		out = append(out, kv.Record{Key: key, Size: 1 << 40, Known: kv.FieldName | kv.FieldSize})
	}
	return out
}

func TestLaws(t *testing.T) {
	for _, a := range audit.Analyzers(audit.Config{Top: 7}) {
		t.Run(a.Name, func(t *testing.T) { audittest.Test(t, a, hardRecords()) })
	}
}

// TestLawsOfSizedKeys: the sum of sizes is compared with the memory in use only where every key told its own.
func TestLawsOfSizedKeys(t *testing.T) {
	records := hardRecords()
	for i := range records {
		records[i].Known |= kv.FieldSize
	}
	for _, a := range audit.Analyzers(audit.Config{}) {
		t.Run(a.Name, func(t *testing.T) { audittest.Test(t, a, records) })
	}
}

func TestLawsOfNothing(t *testing.T) {
	for _, a := range audit.Analyzers(audit.Config{}) {
		t.Run(a.Name, func(t *testing.T) { audittest.Test(t, a, nil) })
	}
}

// reportOf returns what one analysis says of records, as JSON without spaces.
func reportOf(t *testing.T, name string, records ...kv.Record) string {
	t.Helper()
	for _, a := range audit.Analyzers(audit.Config{Top: 2}) {
		if a.Name != name {
			continue
		}
		c := a.New(audittest.Now)
		for i := range records {
			c.Observe(&records[i])
		}
		var out audit.Output
		c.Report(&out)
		var b strings.Builder
		for _, m := range out.Metrics {
			v, _ := json.Marshal(m.Value)
			fmt.Fprintf(&b, "%s=%s ", m.Name, v)
		}
		for _, table := range out.Tables {
			rows, _ := json.Marshal(table.Rows)
			fmt.Fprintf(&b, "%s=%s ", table.Name, rows)
		}
		return strings.TrimSpace(b.String())
	}
	t.Fatalf("no analysis %s", name)
	return ""
}

func TestReports(t *testing.T) {
	at := func(d time.Duration) time.Time { return audittest.Now.Add(d) }
	all := kv.Universal
	records := []kv.Record{
		{Key: "a", Type: "string", Encoding: "int", Size: 56, Len: 1, TTL: kv.TTLNone, Known: all},
		{Key: "b", Type: "hash", Encoding: "listpack", Size: 144, Len: 3, TTL: kv.TTLAt, ExpireAt: at(time.Hour - 1), Known: all},
		{Key: "cc", DB: 1, Type: "hash", Encoding: "hashtable", Size: 400, Len: 9, TTL: kv.TTLAt, ExpireAt: at(8 * 24 * time.Hour), Known: all},
		{Key: "d", Known: kv.FieldName},
	}
	for name, want := range map[string]string{
		"totals": `keys=4 bytes=600 bytes_per_key=200 elements=13 with_ttl=0.666667 keys_without_size=1 ` +
			`databases=[[0,3,200,0.5],[1,1,400,1]]`,
		"types": `types=[["hash","hashtable",1,400,0.666667,9,400,400],["hash","listpack",1,144,0.24,3,144,144],` +
			`["string","int",1,56,0.0933333,1,56,56],["unknown",null,1,null,0,null,null,null]]`,
		"sizes": `p50=144 p90=400 p99=400 p99.9=400 max=400`,
		"names": `p50=1 p90=2 p99=2 p99.9=2 max=2`,
		"ttl": `none=0.333333 <1h=0.333333 1-24h=0 1-7d=0 >7d=0.333333 ` +
			`ttl_histogram=[["none",1,0.333333,56],["10-60m",1,0.333333,144],["7-30d",1,0.333333,400],["unknown",1,0.333333,null]]`,
		"biggest": `biggest=[["cc","hash","hashtable",1,400,9,691200],["b","hash","listpack",0,144,3,3600]]`,
		"longest": `longest=[["cc","hash","hashtable",1,400,9,691200],["b","hash","listpack",0,144,3,3600]]`,
	} {
		if got := reportOf(t, name, records...); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

// What a deeper audit knows: a keyspace of which every key tells all, so that nothing is estimated.
func TestDeepReports(t *testing.T) {
	at := func(d time.Duration) time.Time { return audittest.Now.Add(d) }
	sized := kv.Universal
	records := []kv.Record{
		{
			Key: "a", Type: "string", Encoding: "raw", Size: 100, Len: 1, TTL: kv.TTLNone, Idle: 2 * time.Second,
			Logical: 80, Stored: 30, Known: sized | kv.FieldIdle | kv.FieldStored,
		},
		{
			Key: "b", Type: "string", Encoding: "raw", Size: 100, Len: 1, TTL: kv.TTLExpired, ExpireAt: at(-time.Minute),
			Idle: 8 * 24 * time.Hour, Logical: 20, Stored: 20, Known: sized | kv.FieldIdle | kv.FieldStored,
		},
		{
			Key: "c", Type: "hash", Encoding: "hashtable", Size: 1000, Len: 3, TTL: kv.TTLExpired, ExpireAt: at(-time.Hour),
			Idle: 31 * 24 * time.Hour, Largest: 7000, Known: sized | kv.FieldIdle | kv.FieldLargest,
		},
		{
			Key: "s", Type: "stream", Encoding: "stream", Size: 800, Len: 9, TTL: kv.TTLNone, Idle: 24 * time.Hour, Largest: 90,
			Groups: 2, Pending: 5, Known: sized | kv.FieldIdle | kv.FieldLargest | kv.FieldGroups,
		},
	}
	for name, want := range map[string]string{
		"expired": `keys=2 share=0.5 bytes=1100 longest_past=3600`,
		"idle": `p50=86399 p90=2674687 max=2678400 cold_1d=0.75 cold_7d=0.5 cold_30d=0.25 ` +
			`cold_1d_bytes=1900 cold_7d_bytes=1100 cold_30d_bytes=1000 ` +
			`idle_histogram=[["\u003c1m",1,0.25,100],["1-7d",1,0.25,800],["7-30d",1,0.25,100],["\u003e30d",1,0.25,1000]]`,
		"compression": `strings=2 compressed=0.5 bytes=100 stored=50 stored_share=0.5`,
		"largest":     `largest=[["c","hash","hashtable",0,7000,1000,3,null]]`,
		"streams":     `streams=1 without_groups=0 groups=2 pending=5 pending=[["s",0,5,2,9,800]]`,
		"lfu":         ``,
	} {
		if got := reportOf(t, name, records...); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
	for i := range records {
		records[i].Known |= kv.FieldFreq
		records[i].Freq = []uint8{0, 5, 6, 255}[i]
	}
	want := `p50=5 p90=255 p99=255 max=255 unused=0.25 unused_bytes=100 ` +
		`lfu_histogram=[["0",1,0.25,100],["1-5",1,0.25,100],["6-10",1,0.25,1000],["255",1,0.25,800]]`
	if got := reportOf(t, "lfu", records...); got != want {
		t.Errorf("lfu:\n got %s\nwant %s", got, want)
	}
}

// What no key tells is unknown, not 0.
func TestReportsOfNamesAlone(t *testing.T) {
	r := kv.Record{Key: "a", Known: kv.FieldName}
	for name, want := range map[string]string{
		"totals":  "keys=1 bytes=null bytes_per_key=null elements=null with_ttl=null",
		"sizes":   "p50=null p90=null p99=null p99.9=null max=null",
		"biggest": "",
		"idle":    "", "lfu": "", "expired": "", "compression": "", "largest": "", "streams": "",
	} {
		if got := reportOf(t, name, r); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestObserveDoesNotAllocate(t *testing.T) {
	records := hardRecords()
	for _, a := range audit.Analyzers(audit.Config{}) {
		c := a.New(audittest.Now)
		for range 3 {
			for i := range records {
				c.Observe(&records[i])
			}
		}
		i := 0
		if n := testing.AllocsPerRun(1000, func() { c.Observe(&records[i%300]); i++ }); n > 0.05 {
			t.Errorf("%s: %v allocations a record", a.Name, n)
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	records := hardRecords()[:400]
	for _, a := range audit.Analyzers(audit.Config{}) {
		b.Run(a.Name, func(b *testing.B) {
			c := a.New(audittest.Now)
			for i := 0; b.Loop(); i++ {
				c.Observe(&records[i%400])
			}
		})
	}
}
