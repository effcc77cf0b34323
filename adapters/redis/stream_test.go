package redis

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/rdbread"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

// writeEveryType writes keys of every type to two databases, some of which expire.
func writeEveryType(t *testing.T, c *servertest.Client) {
	t.Helper()
	for _, db := range []string{"0", "3"} {
		c.Must(t, "SELECT", db)
		c.Fill(t, 300, func(i int) []string {
			return []string{"SET", fmt.Sprintf("user:%d:name", i), strings.Repeat("x", i), "EX", "100000"}
		})
		c.Fill(t, 30, func(i int) []string {
			return []string{"HSET", fmt.Sprintf("cart:%d", i), "a", "1", "b", strings.Repeat("y", 3*i)}
		})
		for _, words := range []string{
			"RPUSH list a b c", "SADD ints 1 2 3", "SADD words x y z", "ZADD board 1 a 2.5 b", "XADD events * k v", "SET number 12345",
		} {
			c.Must(t, strings.Fields(words)...)
		}
		c.Fill(t, 600, func(i int) []string {
			return []string{"HSET", "large", fmt.Sprint("field", i), strings.Repeat("z", 100)}
		})
	}
	c.Must(t, "SELECT", "0")
}

// openPlanned opens a target whose cost has been told.
func openPlanned(t *testing.T, url string) (kv.Store, kv.Plan) {
	t.Helper()
	s := openURL(t, url)
	plan, err := s.(kv.Planner).Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s, plan
}

// recorded is what a record says, in words that can be compared; not the idle time, which goes on.
func recorded(r *kv.Record) string {
	return fmt.Sprintf("%d %q %s %s %d bytes, %d elements, %v %d, freq %d, largest %d, digest %x, known %s", r.DB, r.Key, r.Type, r.Encoding,
		r.Size, r.Len, r.TTL, r.ExpireAt.UnixMilli(), r.Freq, r.Largest, r.Digest, r.Known)
}

// savedRecords has the server write its dump, and reads that.
func savedRecords(t *testing.T, c *servertest.Client, opt rdbread.Options) []string {
	t.Helper()
	c.Must(t, "SAVE")
	dir := c.Must(t, "CONFIG", "GET", "dir").([]any)[1].(string)
	dump, err := os.ReadFile(filepath.Join(dir, "dump.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := rdbread.NewReader(bytes.NewReader(dump), opt)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, recorded(rec))
	}
}

// TestStream: what comes by a replica's stream is what SAVE writes, whichever way the server sends it, and the server is as it was.
func TestStream(t *testing.T) {
	servertest.Matrix(t, func(t *testing.T, version string) {
		for _, way := range []struct{ diskless, policy, via string }{{"yes", "allkeys-lru", "psync"}, {"no", "volatile-lfu", "psync"}, {"no", "noeviction", "sync"}} {
			t.Run(way.diskless+" "+way.policy, func(t *testing.T) {
				t.Parallel()
				server := servertest.Redis(t, servertest.Options{Version: version, Args: []string{
					"--repl-diskless-sync", way.diskless, "--repl-diskless-sync-delay", "0", "--maxmemory-policy", way.policy,
				}})
				c := server.Client(t)
				writeEveryType(t, c)
				before := c.Must(t, "CONFIG", "GET", "*")
				s, plan := openPlanned(t, "redis://"+server.Addr+"?via="+way.via)
				if text := plan.String(); !strings.Contains(text, "forks") || !plan.Known || plan.Keys != 2*337 || !strings.Contains(text, map[string]string{"yes": "straight from memory", "no": "file on its disk"}[way.diskless]) {
					t.Errorf("%+v", plan)
				}
				var got []string
				for r, err := range s.Scan(t.Context(), kv.ScanOptions{Want: kv.AllFields &^ kv.FieldSlot}) {
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, recorded(r))
				}
				info, err := s.Info(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if info.Memory == 0 || len(info.Ledger) == 0 {
					t.Errorf("no ledger: %+v", info)
				}
				servertest.Until(t, "the server has no replica, and no fork", func() bool {
					text := fmt.Sprint(c.Do("INFO"))
					return strings.Contains(text, "connected_slaves:0") && strings.Contains(text, "rdb_bgsave_in_progress:0")
				})
				opt := rdbread.Options{Live: true, Allocator: s.(*stream).sources[0].sum.Model.Allocator}
				opt.Want = kv.AllFields &^ kv.FieldSlot
				compare(t, got, savedRecords(t, c, opt))
				checkAccess(t, info, way.policy)
				if after := c.Must(t, "CONFIG", "GET", "*"); fmt.Sprint(after) != fmt.Sprint(before) {
					t.Errorf("the settings have changed:\n%v\n%v", before, after)
				}
				if text := fmt.Sprint(c.Do("INFO", "replication")); !strings.Contains(text, "role:master") {
					t.Errorf("%s", text)
				}
			})
		}
	})
}

// compare holds the records of a stream against those of a dump, in whatever order.
func compare(t *testing.T, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if len(got) != 2*337 || len(got) != len(want) {
		t.Fatalf("%d records, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s\nwant %s", got[i], want[i])
		}
	}
}

// checkAccess: what a server counts of accesses is told in its snapshot.
func checkAccess(t *testing.T, info *kv.Info, policy string) {
	t.Helper()
	for _, f := range info.Facts {
		switch {
		case f.Field == kv.FieldIdle && (f.How == kv.Measured) != strings.Contains(policy, "lru"),
			f.Field == kv.FieldFreq && (f.How == kv.Measured) != strings.Contains(policy, "lfu"):
			t.Errorf("%s: %s is %s", policy, f.Name, f.How)
		}
	}
}
