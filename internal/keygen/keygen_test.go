package keygen

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/kv/kvtest"
)

// records returns the records of a whole scan.
func records(t *testing.T, k *Keyspace) []kv.Record {
	t.Helper()
	var rs []kv.Record
	for r, err := range k.Store().Scan(t.Context(), kv.ScanOptions{Want: kv.AllFields}) {
		if err != nil {
			t.Fatal(err)
		}
		rs = append(rs, *r)
	}
	return rs
}

func TestStore(t *testing.T) {
	k := New(3000)
	kvtest.TestStore(t, kvtest.Config{
		Open:    func(*testing.T) kv.Store { return k.Store() },
		Records: records(t, k),
		Globs:   []string{"user:*", "big:*", "flag:{[0-3]*}:*", "session:????????????????"},
	})
}

func TestShares(t *testing.T) {
	const n = 200_000
	count, ttls := map[string]float64{}, 0.0
	for _, r := range records(t, New(n)) {
		name, _, _ := strings.Cut(r.Key, ":")
		count[name]++
		if r.TTL == kv.TTLAt {
			ttls++
		}
	}
	for name, percent := range map[string]float64{
		"session": 25, "counter": 13, "cache": 12, "flag": 5, "user": 20, "cart": 1, "queue": 8, "ids": 6, "tags": 4,
		"lb": 4.5, "rank": 1, "events": 0.5, "big": 100 * monsters / float64(n),
	} {
		near(t, name, count[name]/n, percent/100)
		delete(count, name)
	}
	if len(count) > 0 {
		t.Errorf("other keys: %v", count)
	}
	near(t, "with TTL", ttls/n, 0.39)
}

// near allows for the chance that a share is drawn with: four standard deviations.
func near(t *testing.T, name string, got, want float64) {
	t.Helper()
	if tolerance := 4 * math.Sqrt(want/200_000); math.Abs(got-want) > tolerance {
		t.Errorf("%s: share %.4f, want %.4f", name, got, want)
	}
}

// The hash holds on every platform: whoever changes it changes what all earlier measurements were made with.
func TestBytesAreAlwaysTheSame(t *testing.T) {
	h := sha256.New()
	n, err := New(2000).WriteTo(h)
	if err != nil {
		t.Fatal(err)
	}
	const want = "ebfc12309755d99fff5a3700c87d2019d22e87cb4a170ed032ee6047b649c1be"
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("%d bytes with the hash %s, want %s", n, got, want)
	}
}

// Every key has the facts of its number, however the keyspace is cut.
func TestShardsYieldWhatTheWholeDoes(t *testing.T) {
	k := New(1000)
	whole := records(t, k)
	shards, err := k.Store().(kv.Sharder).Shards(t.Context(), 7)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, sh := range shards {
		for r, err := range k.Store().Scan(t.Context(), kv.ScanOptions{Shard: sh}) {
			if err != nil {
				t.Fatal(err)
			}
			if r.Key != whole[at].Key || r.Size != whole[at].Size || r.ExpireAt != whole[at].ExpireAt {
				t.Fatalf("record %d of shard %s: %+v, want %+v", at, sh.Name, *r, whole[at])
			}
			at++
		}
	}
	if at != len(whole) {
		t.Errorf("%d records, want %d", at, len(whole))
	}
}

func TestUnknownShard(t *testing.T) {
	for _, name := range []string{"x", "5-4", "0-99999", "-1-3"} {
		var last error
		for _, last = range New(10).Store().Scan(t.Context(), kv.ScanOptions{Shard: kv.Shard{Name: name}}) {
		}
		if !errors.Is(last, kv.ErrUsage) {
			t.Errorf("shard %q: %v", name, last)
		}
	}
}

// The last keys of a billion cost no more than the first.
func TestShardOfABillion(t *testing.T) {
	const n = 1_000_000_000
	k := New(n)
	if k.elements != fullElements || k.blob != fullBlob {
		t.Errorf("monsters of %d elements, %d bytes", k.elements, k.blob)
	}
	count := 0
	for r, err := range k.Store().Scan(t.Context(), kv.ScanOptions{Shard: kv.Shard{Name: "999999900-1000000010"}}) {
		if err != nil || r.Size <= 0 {
			t.Fatal(r, err)
		}
		count++
	}
	if count != 110 {
		t.Errorf("%d records", count)
	}
}

func TestARecordAllocatesItsKeyAlone(t *testing.T) {
	const n = 100_000
	k := New(n).Store()
	allocs := testing.AllocsPerRun(1, func() {
		for range k.Scan(t.Context(), kv.ScanOptions{Want: kv.AllFields}) {
		}
	})
	if allocs > n+100 {
		t.Errorf("%.0f allocations for %d records", allocs, n)
	}
}

// A failing writer ends the writing.
func TestWriteToStops(t *testing.T) {
	if n, err := New(1 << 40).WriteTo(failing{}); !errors.Is(err, io.ErrClosedPipe) || n != 0 {
		t.Errorf("%d bytes, %v", n, err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// scatter must be one to one, or two flags would have one name.
func TestScatter(t *testing.T) {
	seen := map[uint64]bool{}
	for x := range uint64(100_000) {
		seen[scatter(x)] = true
	}
	if len(seen) != 100_000 {
		t.Errorf("%d values", len(seen))
	}
}

func BenchmarkScan(b *testing.B) {
	n := 0
	for range New(int64(b.N)).Store().Scan(b.Context(), kv.ScanOptions{Want: kv.AllFields}) {
		n++
	}
}

func BenchmarkWriteTo(b *testing.B) {
	n, err := New(int64(b.N)).WriteTo(io.Discard)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(n / int64(b.N))
}
