package redis

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

// TestTypesByFilter reads with a user who may not ask for types: SCAN's filter tells the same ones, of every key once, also by a scan
// that is interrupted, and lengths follow from them.
func TestTypesByFilter(t *testing.T) {
	t.Parallel()
	servertest.Matrix(t, func(t *testing.T, version string) {
		server := servertest.Redis(t, servertest.Options{Version: version})
		c := server.Client(t)
		fill(t, c)
		fillDBs(t, c, 2500)
		c.Fill(t, 700, func(i int) []string { return []string{"SADD", fmt.Sprint("tags:", i), "a"} })
		c.Must(t, "ACL", "SETUSER", "typeless", "on", ">pw", "~*", "+@all", "-type")
		want := kv.FieldType | kv.FieldTTL | kv.FieldLen
		whole := all(t, openURL(t, "redis://"+server.Addr), kv.ScanOptions{Want: want})
		s := openURL(t, "redis://typeless:pw@"+server.Addr)
		n := 0
		for r, err := range s.Scan(t.Context(), kv.ScanOptions{Want: want}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			known := whole[fmt.Sprintf("%d/%s", r.DB, r.Key)]
			if r.Type != known.Type || r.Len != known.Len || r.Known != known.Known {
				t.Fatalf("%.40q is a %s of %d (%s), want %s of %d (%s)", r.Key, r.Type, r.Len, r.Known, known.Type, known.Len, known.Known)
			}
		}
		if n != len(whole) {
			t.Errorf("%d keys of %d", n, len(whole))
		}
		if matched := all(t, s, kv.ScanOptions{Want: want, Match: "tags:1*"}); len(matched) != 111 {
			t.Errorf("%d keys match", len(matched))
		}
		c.Must(t, "CONFIG", "SET", "slowlog-max-len", "100000")
		c.Must(t, "CONFIG", "SET", "slowlog-log-slower-than", "0")
		c.Must(t, "SLOWLOG", "RESET") // what was slow before
		all(t, s, kv.ScanOptions{Want: kv.FieldTTL})
		if log := fmt.Sprint(c.Must(t, "SLOWLOG", "GET", "100000")); !strings.Contains(log, "[SCAN 0 COUNT ") || strings.Contains(log, " TYPE ") {
			t.Errorf("for what needs no type the server was asked %.1000s", log)
		}
		c.Must(t, "CONFIG", "SET", "slowlog-log-slower-than", "-1")
		continuesByType(t, s, len(whole))
		c.Must(t, "ACL", "SETUSER", "typeless", "+type")
		now, err := s.(*store).serverInfo(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		byType := place{now.fields["run_id"], 0, "0", "set"}.encode()
		if _, err := collect(t.Context(), openURL(t, "redis://typeless:pw@"+server.Addr), kv.ScanOptions{Want: want, Shard: kv.Shard{From: byType}}); !errors.Is(err, kv.ErrUsage) {
			t.Errorf("a scan by type was continued as another: %v", err)
		}
	})
}

// continuesByType interrupts scans by type: in the first pass, in a later one, and between two databases.
func continuesByType(t *testing.T, s kv.Store, keys int) {
	t.Helper()
	seen := map[string]int{}
	opt := kv.ScanOptions{Want: kv.FieldType, Shard: kv.Shard{Name: "a name"}}
	for _, after := range []int{1, 1300, 1500, 1} {
		opt.Shard, _ = interrupted(t, s, opt, after, seen)
	}
	opt.Mark = nil
	for r, err := range s.Scan(t.Context(), opt) {
		if err != nil {
			t.Fatal(err)
		}
		seen[fmt.Sprint(r.DB, "/", r.Key)]++
	}
	for key, n := range seen {
		if n != 1 {
			t.Errorf("%.40q came %d times", key, n)
		}
	}
	if len(seen) != keys {
		t.Errorf("%d of %d keys", len(seen), keys)
	}
}

// TestTypesUnknown has servers of which nobody knows whether all keys would be met by a filter: types are missing then.
func TestTypesUnknown(t *testing.T) {
	for _, tt := range []struct{ name, info, scan string }{
		{"modules", "# Modules\r\nmodule:name=ReJSON,ver=1\r\n", ""},
		{"one more than that for scripts", "# Modules\r\nmodule:name=lua,ver=1\r\nmodule:name=bf,ver=1\r\n", ""},
		{"no list of modules", "", ""},
		{"no filter", "# Modules\r\n", "-ERR syntax error\r\n"},
	} {
		addr := fake(t, func(c string) string {
			switch {
			case strings.HasPrefix(c, "TYPE"):
				return "-NOPERM this user has no permissions to run the 'type' command\r\n"
			case c == "INFO":
				return bulk(fakeInfo + tt.info)
			case strings.HasSuffix(c, "TYPE string"):
				return tt.scan
			}
			return ""
		})
		s := openURL(t, "redis://"+addr)
		facts, info := factsOf(t, s)
		if info.Provides()&kv.FieldType != 0 || !strings.Contains(facts, "type: missing NOPERM") {
			t.Errorf("%s: %s", tt.name, facts)
		}
		if got, err := collect(t.Context(), s, kv.ScanOptions{Want: kv.AllFields}); err != nil || len(got) != 2 {
			t.Errorf("%s: %d keys, %v", tt.name, len(got), err)
		}
	}
}
