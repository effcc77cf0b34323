package reference

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/value"
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
	e := newTestStore(t, kv.Target{Scheme: "ref"}, DemoClock())
	g := &generator{shards: shardsOf(e), limits: keyspace.DefaultLimits(), now: nowOf(e)}
	long := strings.Repeat("x", 65)
	var want []kv.Record
	due := func(key string, typ kv.Type, enc kv.Encoding, n int64) int64 {
		r := kv.Record{Key: key, Type: typ, Encoding: enc, Len: n, TTL: kv.TTLNone, Known: kv.Universal &^ kv.FieldSize}
		at := int64(0)
		if len(want)%2 == 0 && (typ == kv.TypeString || typ == kv.TypeHash) {
			r.TTL, r.ExpireAt = kv.TTLAt, DemoClock().Add(time.Hour)
			at = r.ExpireAt.UnixMilli()
		}
		want = append(want, r)
		return at
	}
	g.str("int", "42", due("int", kv.TypeString, kv.EncodingInt, 1))
	g.str("emb:str", "hello", due("emb:str", kv.TypeString, kv.EncodingEmbstr, 1))
	g.str("raw", long, due("raw", kv.TypeString, kv.EncodingRaw, 1))
	g.str("", "a key without a name", due("", kv.TypeString, kv.EncodingEmbstr, 1))
	g.hash("hash:small", due("hash:small", kv.TypeHash, kv.EncodingListpack, 2), "a", "1", "b", "2")
	g.hash("hash:large", due("hash:large", kv.TypeHash, kv.EncodingHashtable, 1), "a", long)
	due("list", kv.TypeList, kv.EncodingQuicklist, 3)
	g.list("list", 3, func(i int) []byte { return []byte("abc")[i : i+1] })
	due("list:long", kv.TypeList, kv.EncodingQuicklist, 900)
	g.list("list:long", 900, func(int) []byte { return []byte(long) })
	due("set:ints", kv.TypeSet, kv.EncodingIntset, 2)
	g.set("set:ints", []string{"1", "2"})
	due("set:\xff\x00", kv.TypeSet, kv.EncodingHashtable, 1)
	g.set("set:\xff\x00", []string{"one"})
	due("zset:small", kv.TypeZSet, kv.EncodingListpack, 1)
	g.ascending("zset:small", 1, func(int) (int64, string) { return 1, "a" })
	due("zset:large", kv.TypeZSet, kv.EncodingSkiplist, 2)
	g.ascending("zset:large", 2, func(i int) (int64, string) { return int64(i), []string{long, "b"}[i] })
	for i := range 3000 { // several pages in each shard
		key := fmt.Sprint("filler:", i)
		g.str(key, "x", due(key, kv.TypeString, kv.EncodingEmbstr, 1))
	}
	if g.full != nil {
		t.Fatal(g.full)
	}
	return e, want
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
	e := newTestStore(t, kv.Target{}, DemoClock())
	for _, name := range []string{"x", "1/1", "-1/2", "0/0", "0/9", "1"} {
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
		{DemoPreset(), "d39906988c34ac8b"},
		{Preset{"shop", 12_000, 7}, "2d527076c0b9f013"},
		{Preset{"uniform", 2_000, 1}, "8eb8e23748035650"},
		{Preset{"skewed", 2_000, 1}, "2a650d2af3dcd2a7"},
		{Preset{"ttl-storm", 2_000, 1}, "174eefe11f1196b5"},
		{Preset{"bigkeys", 2_000, 1}, "2d64e9d202a07f62"},
	} {
		if got := digest(t, demo(t, c.preset)); got != c.want {
			t.Errorf("%+v: digest %s, want %s", c.preset, got, c.want)
		}
	}
}

// digest hashes every key with its facts and contents.
func digest(t *testing.T, e *store) string {
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
func contents(e *store, r *kv.Record) (args []string) {
	shard, it, unlock := e.find([]byte(r.Key))
	defer unlock()
	switch r.Type {
	case kv.TypeString:
		args = []string{string(it.Bytes())}
	case kv.TypeHash:
		v := value.OpenHash(shard, it)
		for field, text := range v.All() {
			args = append(args, string(field), string(text))
		}
	case kv.TypeZSet:
		v := value.OpenZSet(shard, it)
		for m, score := range v.From(0) {
			args = append(args, strconv.FormatFloat(score, 'f', -1, 64), string(m))
		}
	default:
		for m := range members(shard, it) {
			args = append(args, string(m))
		}
	}
	return args
}

// TestScanWhileWriting checks that a key which is there throughout is yielded at least once, whatever others do.
func TestScanWhileWriting(t *testing.T) {
	e := newTestStore(t, kv.Target{}, time.Time{})
	write := func(key string, there bool) {
		hash := keyspace.Hash([]byte(key))
		shard, it, unlock := e.find([]byte(key))
		defer unlock()
		switch {
		case there:
			shard.PutBytes(0, []byte(key), hash, it, keyspace.KindEmbstr, []byte("x"))
		case it.OK():
			shard.Delete(it)
		}
	}
	const stays = 5000
	for i := range stays {
		write(fmt.Sprint("stays:", i), true)
		write(fmt.Sprint("goes:", i), true)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			write(fmt.Sprint("goes:", i%stays), false)
			write(fmt.Sprint("comes:", i%stays), true)
			write(fmt.Sprint("comes:", (i+stays/2)%stays), false)
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

// TestExpiryIsExact: a key is there until the millisecond before its expiry, and gone with what it took in that one.
func TestExpiryIsExact(t *testing.T) {
	e := newTestStore(t, kv.Target{}, DemoClock())
	clock := engine.NewManualClock(DemoClock().Add(-time.Second))
	var err error
	if e.engine, err = newEngine(clock); err != nil {
		t.Fatal(err)
	}
	g := &generator{shards: shardsOf(e), limits: keyspace.DefaultLimits(), now: nowOf(e)}
	for i := range 1000 {
		g.hash(fmt.Sprint("k", i), nowOf(e)+int64(1+i%7)*1000, "field", strings.Repeat("x", i))
	}
	for second := range 8 {
		for _, early := range []time.Duration{time.Millisecond, 0} {
			now := DemoClock().Add(time.Duration(second)*time.Second - early)
			clock.Advance(now.Sub(time.UnixMicro(clock.Now())))
			want := 0
			for i := range 1000 {
				if DemoClock().Add(time.Duration(1+i%7) * time.Second).After(now) {
					want++
				}
			}
			if n := e.Len(); n != want {
				t.Errorf("%s: %d keys, want %d", now.Sub(DemoClock()), n, want)
			}
		}
	}
	for _, shard := range shardsOf(e) {
		if n := shard.Dataset(); n != 0 {
			t.Errorf("%d bytes are charged for no keys", n)
		}
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

func newTestStore(t testing.TB, target kv.Target, fixed time.Time) *store {
	t.Helper()
	s, err := newStore(target, fixed)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// shardsOf returns the shards, unlocked.
func shardsOf(s *store) (all []*keyspace.Shard) {
	s.engine.Exclusively(func(shards []*keyspace.Shard) { all = shards })
	return all
}

// nowOf returns the time of a store's clock, in Unix ms.
func nowOf(s *store) int64 {
	if s.fixed.IsZero() {
		return time.Now().UnixMilli()
	}
	return s.fixed.UnixMilli()
}
