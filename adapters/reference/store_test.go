package reference

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/kv/kvtest"
)

func openTarget(t testing.TB, target string) (kv.Store, error) {
	t.Helper()
	parsed, err := kv.ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	return Adapter().Open(context.Background(), parsed)
}

// mixed returns a store of every type and encoding, with and without expiry, and what a scan must say of it.
func mixed(t *testing.T) (kv.Store, []kv.Record) {
	t.Helper()
	e := New(Options{Clock: DemoClock})
	due := DemoClock().Add(time.Hour)
	record := func(key string, typ kv.Type, enc kv.Encoding, n int64) kv.Record {
		return kv.Record{Key: key, Type: typ, Encoding: enc, Len: n, TTL: kv.TTLNone, Known: kv.Universal &^ kv.FieldSize}
	}
	long := strings.Repeat("x", 65)
	e.Set("int", "42")
	e.Set("emb:str", "hello")
	e.Set("raw", long)
	e.Set("", "a key without a name")
	e.HSet("hash:small", "a", "1", "b", "2")
	e.HSet("hash:large", "a", long)
	e.RPush("list", "a", "b", "c")
	e.SAdd("set:ints", "1", "2")
	e.SAdd("set:\xff\x00", "one")
	e.ZAdd("zset:small", Member{Score: 1, Member: "a"})
	e.ZAdd("zset:large", Member{Score: 1, Member: long}, Member{Score: 2, Member: "b"})
	want := []kv.Record{
		record("int", kv.TypeString, kv.EncodingInt, 1), record("emb:str", kv.TypeString, kv.EncodingEmbstr, 1),
		record("raw", kv.TypeString, kv.EncodingRaw, 1), record("", kv.TypeString, kv.EncodingEmbstr, 1),
		record("hash:small", kv.TypeHash, kv.EncodingListpack, 2), record("hash:large", kv.TypeHash, kv.EncodingHashtable, 1),
		record("list", kv.TypeList, kv.EncodingQuicklist, 3),
		record("set:ints", kv.TypeSet, kv.EncodingIntset, 2), record("set:\xff\x00", kv.TypeSet, kv.EncodingHashtable, 1),
		record("zset:small", kv.TypeZSet, kv.EncodingListpack, 1), record("zset:large", kv.TypeZSet, kv.EncodingSkiplist, 2),
	}
	for i := range want {
		if i%2 == 0 {
			e.ExpireAt(want[i].Key, due)
			want[i].TTL, want[i].ExpireAt = kv.TTLAt, due
		}
	}
	for i := range 600 { // several pages in each bucket would take thousands; two in some will do
		key := fmt.Sprint("filler:", i)
		e.Set(key, "x")
		want = append(want, record(key, kv.TypeString, kv.EncodingEmbstr, 1))
	}
	return &store{Engine: e, target: kv.Target{Scheme: "ref"}}, want
}

func TestConformance(t *testing.T) {
	_, want := mixed(t)
	kvtest.TestStore(t, kvtest.Config{
		Open:    func(t *testing.T) kv.Store { s, _ := mixed(t); return s },
		Records: want,
		Globs:   []string{"*:*", "hash:?arge", "[a-h]*", "filler:1*", "set:*", "int"},
	})
}

func TestDemoConformance(t *testing.T) {
	e := demo(t, Preset{Name: "shop", Keys: 6000, Seed: 1})
	kvtest.TestStore(t, kvtest.Config{
		Open: func(t *testing.T) kv.Store {
			s, err := openTarget(t, "demo:?keys=6000")
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		Records: records(t, e),
		Globs:   []string{"cart:*", "user:*/prefs"},
	})
}

func TestInfo(t *testing.T) {
	for target, live := range map[string]bool{"demo:?keys=200": false, "ref:?keys=200": true, "ref:?preset=empty": true, "demo:?keys=3&preset=bigkeys": false} {
		s, err := openTarget(t, target)
		if err != nil {
			t.Fatal(err)
		}
		info, err := s.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if info.Live != live || info.Clock.IsZero() != live || info.Target != target {
			t.Errorf("%s: target %s, live %v, clock %v", target, info.Target, info.Live, info.Clock)
		}
	}
}

func TestBadTargets(t *testing.T) {
	for _, target := range []string{
		"demo:x", "ref://host", "ref:?nope=1", "ref:?preset=none", "ref:?keys=-1", "ref:?keys=many", "ref:?seed=-1", "ref:?keys=20", "ref:?preset=",
		"ref:?keys=", "ref:?keys=100000001",
	} {
		if _, err := openTarget(t, target); !errors.Is(err, kv.ErrUsage) {
			t.Errorf("%s: %v, want a usage error", target, err)
		}
	}
	if _, err := open(Adapter(), kv.Target{Scheme: "demo", Query: url.Values{"keys": {"6000"}}}); err != nil {
		t.Error(err)
	}
}

func TestBadShard(t *testing.T) {
	e := New(Options{})
	for _, name := range []string{"x", "1/1", "-1/2", "0/0", "0/17", "1"} {
		var last error
		for _, err := range e.Scan(t.Context(), kv.ScanOptions{Shard: kv.Shard{Name: name}}) {
			last = err
		}
		if !errors.Is(last, kv.ErrUsage) {
			t.Errorf("shard %q: %v", name, last)
		}
	}
}

// TestSameBytesEverywhere pins a digest of all that the demo and the other presets hold, in the order of a scan. A change
// here changes every golden file made from demo:, so it must be meant.
func TestSameBytesEverywhere(t *testing.T) {
	for _, c := range []struct {
		preset Preset
		want   string
	}{
		{DemoPreset(), "a089626b095a688f"},
		{Preset{"shop", 12_000, 7}, "1c2c70cd2260525a"},
		{Preset{"uniform", 2_000, 1}, "8dd05d09177a5216"},
		{Preset{"skewed", 2_000, 1}, "d6ba9ddb41e91d1f"},
		{Preset{"ttl-storm", 2_000, 1}, "0f024ab5922598c5"},
		{Preset{"bigkeys", 2_000, 1}, "25b8e7b1db658b6f"},
	} {
		if got := digest(t, demo(t, c.preset)); got != c.want {
			t.Errorf("%+v: digest %s, want %s", c.preset, got, c.want)
		}
	}
}

// digest hashes every key with its facts and contents.
func digest(t *testing.T, e *Engine) string {
	t.Helper()
	h := sha256.New()
	put := func(parts ...string) {
		for _, p := range parts {
			fmt.Fprintf(h, "%d:%s,", len(p), p)
		}
	}
	for _, r := range records(t, e) {
		fmt.Fprintf(h, "\n%d:%s %s %s %d %d %d %d ", len(r.Key), r.Key, r.Type, r.Encoding, r.Len, r.Size, r.TTL, r.ExpireAt.UnixMilli())
		put(contents(e, &r)...)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// contents returns what a key holds, as the arguments of the command that would write it.
func contents(e *Engine, r *kv.Record) (args []string) {
	switch r.Type {
	case kv.TypeString:
		s, _, _ := e.Get(r.Key)
		args = []string{s}
	case kv.TypeHash:
		args, _ = e.HGetAll(r.Key)
	case kv.TypeList:
		args, _ = e.LRange(r.Key, 0, -1)
	case kv.TypeSet:
		args, _ = e.SMembers(r.Key)
	case kv.TypeZSet:
		members, _ := e.ZRange(r.Key, 0, -1)
		for _, m := range members {
			args = append(args, formatScore(m.Score), m.Member)
		}
	}
	return args
}

// TestScanWhileWriting checks that a key which is there throughout is yielded at least once, whatever others do.
func TestScanWhileWriting(t *testing.T) {
	e := New(Options{})
	const stays = 5000
	for i := range stays {
		e.Set(fmt.Sprint("stays:", i), "x")
		e.Set(fmt.Sprint("goes:", i), "x")
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			e.Del(fmt.Sprint("goes:", i%stays))
			e.Set(fmt.Sprint("comes:", i%stays), "x")
			e.Del(fmt.Sprint("comes:", (i+stays/2)%stays))
		}
	})
	seen := map[string]bool{}
	for r, err := range e.Scan(t.Context(), kv.ScanOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[r.Key] = true
	}
	cancel()
	wg.Wait()
	for i := range stays {
		if key := fmt.Sprint("stays:", i); !seen[key] {
			t.Errorf("%s was never yielded", key)
		}
	}
}

func TestWrongType(t *testing.T) {
	e := New(Options{})
	e.Set("s", "text")
	e.RPush("l", "a")
	for name, call := range map[string]func() error{
		"Get":       func() error { _, _, err := e.Get("l"); return err },
		"Append":    func() error { _, err := e.Append("l", "x"); return err },
		"IncrBy":    func() error { _, err := e.IncrBy("l", 1); return err },
		"HSet":      func() error { _, err := e.HSet("s", "f", "v"); return err },
		"HGetAll":   func() error { _, err := e.HGetAll("s"); return err },
		"RPush":     func() error { _, err := e.RPush("s", "a"); return err },
		"LPop":      func() error { _, _, err := e.LPop("s"); return err },
		"SAdd":      func() error { _, err := e.SAdd("s", "a"); return err },
		"SMembers":  func() error { _, err := e.SMembers("l"); return err },
		"ZAdd":      func() error { _, err := e.ZAdd("s", Member{Score: 1, Member: "a"}); return err },
		"ZRange":    func() error { _, err := e.ZRange("l", 0, -1); return err },
		"SIsMember": func() error { _, err := e.SIsMember("s", "a"); return err },
	} {
		if err := call(); !errors.Is(err, ErrWrongType) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := e.IncrBy("s", 1); !errors.Is(err, ErrNotInteger) {
		t.Errorf("adding to a text: %v", err)
	}
	e.Set("n", "9223372036854775807")
	if _, err := e.IncrBy("n", 1); !errors.Is(err, ErrOverflow) {
		t.Errorf("adding beyond 64 bits: %v", err)
	}
	if _, err := e.ZAdd("z", Member{Score: 1, Member: "a"}, Member{Score: math.NaN(), Member: "b"}); !errors.Is(err, ErrNotFloat) || e.Exists("z") {
		t.Errorf("a score that is no number: %v; written: %v", err, e.Exists("z"))
	}
}

// BenchmarkScan reads all facts of the demo.
func BenchmarkScan(b *testing.B) {
	e := demo(b, DemoPreset())
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for range e.Scan(b.Context(), kv.ScanOptions{Want: kv.Universal}) {
			n++
		}
		if n != DemoKeys {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/DemoKeys, "ns/key")
}
