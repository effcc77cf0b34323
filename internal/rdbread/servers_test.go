package rdbread

import (
	"bytes"
	"encoding/hex"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/kv"
)

const servers = "../../testdata/rdb/servers/"

// TestServers compares with what servers said of their own keys; scripts/rdb-fixtures asked them.
func TestServers(t *testing.T) {
	for _, c := range []struct {
		name      string
		allocator memory.Allocator
		functions int
	}{
		{"redis-6.2", memory.Jemalloc8, 0},
		{"redis-7.0", memory.Jemalloc16, 1},
		{"valkey-9.1", memory.Libc, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			dump, err := os.ReadFile(servers + c.name + ".rdb")
			if err != nil {
				t.Fatal(err)
			}
			live, sum, err := readAll(bytes.NewReader(dump), Options{Size: int64(len(dump)), Allocator: c.allocator, Live: true})
			if err != nil {
				t.Fatal(err)
			}
			loaded, _, err := readAll(bytes.NewReader(dump), Options{Allocator: c.allocator})
			if err != nil {
				t.Fatal(err)
			}
			if sum.Checksum != ChecksumGood || sum.Functions != c.functions || sum.Trailing != 0 {
				t.Errorf("%+v", sum)
			}
			want := serverFacts(t, c.name)
			if len(live) != len(want) {
				t.Errorf("%d keys, want %d", len(live), len(want))
			}
			for i := range live {
				r := &live[i]
				w, ok := want[factKey{r.DB, r.Key}]
				if !ok {
					t.Errorf("%q in db %d does not exist", r.Key, r.DB)
					continue
				}
				verified := sum.Model.Verified()
				if r.Type != w.typ || r.Len != w.n || r.Encoding != w.encoding && (verified || r.Type != kv.TypeString) {
					t.Errorf("%.40q: %s %s %d, want %s %s %d", r.Key, r.Type, r.Encoding, r.Len, w.typ, w.encoding, w.n)
				}
				if (r.TTL == kv.TTLAt) != (w.expires >= 0) || r.TTL == kv.TTLAt && r.ExpireAt.UnixMilli() != w.expires {
					t.Errorf("%.40q: expires %v, want %d", r.Key, r.ExpireAt, w.expires)
				}
				if off := miss(r.Size, w.live); verified && off > 0.06 {
					t.Errorf("%.40q (%s): live %d, the server says %d", r.Key, r.Encoding, r.Size, w.live)
				}
				if off := miss(loaded[i].Size, w.loaded); verified && off > 0.06 {
					t.Errorf("%.40q (%s): loaded %d, the server says %d", r.Key, r.Encoding, loaded[i].Size, w.loaded)
				}
			}
		})
	}
}

func miss(got, want int64) float64 {
	off := float64(got-want) / float64(want)
	return max(off, -off)
}

type factKey struct {
	db  int
	key string
}

type fact struct {
	typ          kv.Type
	encoding     kv.Encoding
	n, expires   int64
	live, loaded int64
}

func serverFacts(t *testing.T, name string) map[factKey]fact {
	t.Helper()
	b, err := os.ReadFile(servers + name + ".tsv")
	if err != nil {
		t.Fatal(err)
	}
	all := map[factKey]fact{}
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n")[1:] {
		f := strings.Split(line, "\t")
		key, err := hex.DecodeString(f[1])
		if err != nil || len(f) != 8 {
			t.Fatalf("%q: %v", line, err)
		}
		num := func(s string) int64 {
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		all[factKey{int(num(f[0])), string(key)}] = fact{kv.Type(f[2]), kv.Encoding(f[3]), num(f[4]), num(f[5]), num(f[6]), num(f[7])}
	}
	return all
}
