package rdb

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/kv/kvtest"
)

const corpus = "../../testdata/rdb/corpus/"

func openTarget(t *testing.T, target string, stdin []byte) (kv.Store, error) {
	t.Helper()
	tg, err := kv.ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	tg.Stdin = bytes.NewReader(stdin)
	return Adapter().Open(t.Context(), tg)
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(corpus, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func gzipped(t *testing.T, parts ...[]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, p := range parts {
		w := gzip.NewWriter(&out)
		if _, err := w.Write(p); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func zstdPacked(t *testing.T, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(b, nil)
}

// records scans and copies.
func records(t *testing.T, s kv.Store, opt kv.ScanOptions) ([]kv.Record, error) {
	t.Helper()
	var all []kv.Record
	for r, err := range s.Scan(t.Context(), opt) {
		if err != nil {
			return all, err
		}
		all = append(all, *r)
	}
	return all, nil
}

func closing(t *testing.T, s kv.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// streams is the corpus file with a value of every type.
const streams = "redis_50_with_streams.rdb"

func wantStreams() []kv.Record {
	known := kv.FieldName | kv.FieldType | kv.FieldEncoding | kv.FieldLen | kv.FieldTTL
	var all []kv.Record
	for _, r := range []struct {
		key, typ, enc string
		n             int64
	}{
		{"set", "set", "hashtable", 8},
		{"string", "string", "embstr", 1},
		{"hash", "hash", "ziplist", 11},
		{"list", "list", "quicklist", 24},
		{"set_zipped_1", "set", "intset", 4},
		{"zset_zipped", "zset", "ziplist", 3},
		{"set_zipped_2", "set", "intset", 4},
		{"set_zipped_3", "set", "intset", 6},
		{"hash_zipped", "hash", "ziplist", 3},
		{"list_zipped", "list", "quicklist", 8},
		{"zset", "zset", "ziplist", 12},
		{"mystream", "stream", "stream", 4},
		{"number", "string", "int", 1},
		{"compressible", "string", "raw", 1},
	} {
		all = append(all, kv.Record{Key: r.key, Type: kv.Type(r.typ), Encoding: kv.Encoding(r.enc), Len: r.n, TTL: kv.TTLNone, Known: known})
	}
	return all
}

func TestStore(t *testing.T) {
	plain := read(t, streams)
	for name, b := range map[string][]byte{
		"plain": plain, "gzip": gzipped(t, plain), "gzip of two members": gzipped(t, plain[:500], plain[500:]), "zstd": zstdPacked(t, plain),
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, "dump", b)
			kvtest.TestStore(t, kvtest.Config{
				Open: func(t *testing.T) kv.Store {
					s, err := openTarget(t, "rdb:"+path, nil)
					if err != nil {
						t.Fatal(err)
					}
					return s
				},
				Records: wantStreams(),
				Globs:   []string{"*zipped*", "[^z]*", "mystream"},
			})
		})
	}
}

func TestStdinOnce(t *testing.T) {
	s, err := openTarget(t, "rdb:-", gzipped(t, read(t, streams)))
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, s)
	if got, err := records(t, s, kv.ScanOptions{}); err != nil || len(got) != 14 {
		t.Fatalf("%d records, %v", len(got), err)
	}
	if _, err := records(t, s, kv.ScanOptions{}); err == nil {
		t.Fatal("standard input was read twice")
	}
	if info, err := s.Info(t.Context()); err != nil || info.Keys != 14 || info.Clock.IsZero() {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestRefused(t *testing.T) {
	text := write(t, "text", []byte("user:1\nuser:2\n"))
	packed := write(t, "text.gz", gzipped(t, []byte("user:1\nuser:2\n")))
	good := corpus + streams
	for _, c := range []struct{ target, want string }{
		{"rdb:", "no file"},
		{"rdb:" + text, "no dump"},
		{"rdb:" + packed, "no dump"},
		{"rdb:" + t.TempDir(), "directory"},
		{"rdb:" + good + "?cluster=1", "cluster"},
		{"rdb:" + good + "?base_only=1", "base_only"},
		{"rdb:" + good + "?checksum=maybe", "checksum"},
		{"rdb:" + good + "?allocator=tcmalloc", "allocator"},
		{"rdb:" + good + "?as=is", "as"},
		{"rdb:" + good + "?x=y", "parameter"},
	} {
		s, err := openTarget(t, c.target, nil)
		if err == nil {
			closing(t, s)
		}
		if !errors.Is(err, kv.ErrUsage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want a usage error about %q", c.target, err, c.want)
		}
	}
	if _, err := openTarget(t, "rdb:"+text+"x", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestDamaged(t *testing.T) {
	plain := read(t, streams)
	flipped := bytes.Clone(plain)
	flipped[300] ^= 1
	packed := gzipped(t, plain)
	for name, b := range map[string][]byte{
		"cut": plain[:700], "flipped": flipped, "gzip of cut": gzipped(t, plain[:700]), "cut gzip": packed[:len(packed)-100],
		"cut zstd": zstdPacked(t, plain)[:500],
	} {
		t.Run(name, func(t *testing.T) {
			s, err := openTarget(t, "rdb:"+write(t, "dump", b), nil)
			if err != nil {
				if !errors.Is(err, kv.ErrCorrupt) {
					t.Fatal(err)
				}
				return
			}
			defer closing(t, s)
			got, err := records(t, s, kv.ScanOptions{})
			if !errors.Is(err, kv.ErrCorrupt) || !strings.Contains(err.Error(), "byte ") {
				t.Errorf("after %d records: %v", len(got), err)
			}
		})
	}
}

// TestCutPacking cuts what is packed at random places, also in the head and in the trailer: no cut goes unnoticed.
func TestCutPacking(t *testing.T) {
	plain := read(t, streams)
	for name, b := range map[string][]byte{
		"gzip": gzipped(t, plain), "gzip of two members": gzipped(t, plain[:500], plain[500:]), "zstd": zstdPacked(t, plain), "plain": plain,
	} {
		r := rand.New(rand.NewPCG(uint64(len(b)), 1))
		cuts := r.Perm(len(b))[:100]
		if os.Getenv("KVTOOL_SOAK") != "" {
			cuts = r.Perm(len(b))
		}
		for _, at := range cuts {
			s, err := openTarget(t, "rdb:-", b[:at])
			if err == nil {
				_, err = records(t, s, kv.ScanOptions{Want: kv.AllFields})
				closing(t, s)
			}
			if !errors.Is(err, kv.ErrCorrupt) && !errors.Is(err, kv.ErrUsage) {
				t.Fatalf("%s cut at %d of %d: %v", name, at, len(b), err)
			}
		}
	}
}

func TestCancelWithoutMatches(t *testing.T) {
	s, err := openTarget(t, "rdb:"+corpus+streams, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var last error
	for _, last = range s.Scan(ctx, kv.ScanOptions{Match: "nothing"}) {
	}
	if !errors.Is(last, context.Canceled) {
		t.Error(last)
	}
}

func TestNotes(t *testing.T) {
	s, err := openTarget(t, "rdb:"+corpus+"redis_40_with_module.rdb?as=loaded&checksum=off", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, s)
	if _, err := records(t, s, kv.ScanOptions{}); err != nil {
		t.Fatal(err)
	}
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(info.Notes, "\n")
	for _, want := range []string{"ReJSON-RL", "40 bytes follow", "without a checksum"} {
		if !strings.Contains(all, want) {
			t.Errorf("no note about %q in %q", want, all)
		}
	}
	if !strings.Contains(info.Facts[3].Why, "loaded") || info.Version != "redis 4.0.0, RDB 8" {
		t.Errorf("%+v", info)
	}
}
