package compare_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/drift/compare"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
)

// A server is records with what a server says of itself; settings are asked apart.
type server struct {
	records
	version  string
	settings map[string]string
}

func (s server) Info(ctx context.Context) (*kv.Info, error) {
	info, err := s.records.Info(ctx)
	info.Version = s.version
	info.Facts = append(info.Facts, kv.Fact{Name: "slot", Field: kv.FieldSlot, How: kv.Measured}, kv.Fact{Name: "encoding", Field: kv.FieldEncoding, How: kv.Measured})
	return info, err
}

func (s server) side(t *testing.T) *compare.Side {
	t.Helper()
	r, err := audit.Run(t.Context(), s, analyzers(), audit.Options{Save: true, Now: func() time.Time { return now }, Settings: s.settings})
	if err != nil {
		t.Fatal(err)
	}
	side, err := compare.Load("server", nil, r)
	if err != nil {
		t.Fatal(err)
	}
	return side
}

// hashes are n hashes, of which so many are tables; with a tag, so many share one slot.
func hashes(n, tables, tagged int) records {
	rs := family("h", n, 100, kv.TypeHash, never)
	for i := range rs {
		if i < tagged {
			rs[i].Key = "h{shop}:" + rs[i].Key[2:]
		}
		rs[i].Encoding = kv.EncodingListpack
		if i%n < tables {
			rs[i].Encoding = kv.EncodingHashtable
		}
		rs[i].Slot = slot.Of(rs[i].Key)
		rs[i].Known |= kv.FieldSlot | kv.FieldEncoding
	}
	rand.New(rand.NewPCG(1, 1)).Shuffle(n, func(i, j int) { rs[i], rs[j] = rs[j], rs[i] })
	return rs
}

// What is of the whole: encodings, settings, versions and the spread over slots, each alone.
func TestWhole(t *testing.T) {
	const n = 20_000
	set := func(pairs ...string) map[string]string {
		m := map[string]string{"hash-max-listpack-entries": "128", "maxmemory": "1", "hz": "10"}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	base := server{hashes(n, 1000, 0), "7.0.15", set()}
	for name, c := range map[string]struct {
		head server
		opt  compare.Options
		want []string
	}{
		"nothing":                  {base, compare.Options{}, nil},
		"more tables":              {server{hashes(n, 3000, 0), "7.0.15", set()}, compare.Options{}, []string{"W DR004 hash"}},
		"fewer tables":             {server{hashes(n, 0, 0), "7.0.15", set()}, compare.Options{}, []string{"I DR004 hash"}},
		"a few more":               {server{hashes(n, 1400, 0), "7.0.15", set()}, compare.Options{}, nil},
		"a setting":                {server{base.records, "7.0.15", set("hash-max-listpack-entries", "512")}, compare.Options{}, []string{"I DR005 hash-max-listpack-entries"}},
		"memory":                   {server{base.records, "7.0.15", set("maxmemory", "2")}, compare.Options{Normalise: true}, nil},
		"settings not known":       {server{base.records, "7.0.15", nil}, compare.Options{}, nil},
		"a patch":                  {server{base.records, "7.0.16", set()}, compare.Options{Normalise: true}, []string{"I DR005 version"}},
		"a release":                {server{base.records, "7.2.4", set()}, compare.Options{Normalise: true}, []string{"W DR005 version"}},
		"of a tenth, set the same": {server{hashes(n/10, 100, 0), "7.0.15", set()}, compare.Options{Normalise: true}, nil},
	} {
		if got := found(compare.Diff(base.side(t), c.head.side(t), c.opt)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	got := found(compare.Diff(base.side(t), server{hashes(n, 1000, 2000), "7.0.15", set()}.side(t), compare.Options{}))
	if !slices.Contains(got, "W DR006 slots") {
		t.Errorf("a tenth of the keys in one slot: %q", got)
	}
}

// Halves of a keyspace whose keys share tags lie as unevenly as the whole: no alarm about slots or encodings.
func TestHalvesOfACluster(t *testing.T) {
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 3))
		rs := hashes(30_000, 2000, 0)
		for i := range rs {
			if rng.IntN(3) == 0 {
				rs[i].Key = fmt.Sprintf("{u%d}:h:%d", int(rng.ExpFloat64()*200), i)
				rs[i].Slot = slot.Of(rs[i].Key)
			}
		}
		a, b := halves(rs, seed)
		if got := found(compare.Diff(server{a, "7", nil}.side(t), server{b, "7", nil}.side(t), compare.Options{})); len(got) > 0 {
			t.Errorf("seed %d: %q", seed, got)
		}
	}
}
