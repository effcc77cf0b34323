package redis

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

// fillForLedger writes keys of several types, so many that what the server holds besides them weighs little.
func fillForLedger(t *testing.T, c *servertest.Client) {
	t.Helper()
	const keys = 20_000
	c.Fill(t, keys, func(i int) []string {
		key := fmt.Sprintf("object:%d", i)
		switch i % 5 {
		case 0:
			return []string{"SET", key, fmt.Sprint(i * 1_000_003)}
		case 1:
			return []string{"SET", key, strings.Repeat("v", 1+i%5000), "EX", "100000"}
		case 2:
			return []string{"RPUSH", key, strings.Repeat("item", 1+i%50), "b"}
		case 3:
			return []string{"HSET", key, "field", strings.Repeat("v", i%100), "other", "w"}
		}
		cmd := []string{"SADD", key}
		for j := range 1 + i%200 {
			cmd = append(cmd, "member-"+strconv.Itoa(i)+"-"+strconv.Itoa(j))
		}
		return cmd
	})
}

// TestLedger adds up what a server says of its keys and of the rest: it must come to the memory that it uses.
func TestLedger(t *testing.T) {
	t.Parallel()
	servertest.Matrix(t, func(t *testing.T, version string) {
		server := servertest.Redis(t, servertest.Options{Version: version})
		c := server.Client(t)
		fillForLedger(t, c)
		users := []string{"", "u:pw@"}
		if version == "redis-6.2" { // it cannot withhold a subcommand alone
			users = users[:1]
		} else {
			c.Must(t, "ACL", "SETUSER", "u", "on", ">pw", "~*", "+@all", "-memory|stats")
		}
		for _, user := range users {
			s := openURL(t, "redis://"+user+server.Addr)
			factsOf(t, s)
			sum := int64(0)
			for _, r := range all(t, s, kv.ScanOptions{Want: kv.FieldType | kv.FieldEncoding | kv.FieldSize | kv.FieldTTL}) {
				sum += r.Size
			}
			_, info := factsOf(t, s)
			measured := true
			for _, l := range info.Ledger {
				t.Logf("%-20s %10d %s %s", l.Name, l.Bytes, l.How, l.Why)
				sum += l.Bytes
				if l.Name == "main_dict" {
					measured = l.How == kv.Measured
				}
			}
			if measured != (user == "") {
				t.Errorf("main dict measured: %v", measured)
			}
			residual := float64(info.Memory-sum) / float64(info.Memory)
			t.Logf("%q: keys and ledger %d, used %d, residual %+.2f %%, resident %d", user, sum, info.Memory, 100*residual, info.Resident)
			limit := 0.03
			if version == "redis-7.2" { // how many entries its sets do without is estimated from their sizes
				limit = 0.05
			}
			if math.Abs(residual) > limit || info.Resident <= 0 {
				t.Errorf("residual %.1f %%, resident %d", 100*residual, info.Resident)
			}
		}
	})
}

// TestRoundingOfASample has one key stand for many: what the allocator adds to the mean key is that of all.
func TestRoundingOfASample(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{})
	c := server.Client(t)
	c.Fill(t, 2000, func(i int) []string {
		if i%20 == 0 {
			return []string{"SADD", fmt.Sprintf("set:%d", i), "a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}
		}
		return []string{"SET", fmt.Sprintf("string:%d", i), fmt.Sprint(i * 1_000_003)}
	})
	rounding := func(stands func(key string) int64) int64 {
		s := openURL(t, "redis://"+server.Addr)
		factsOf(t, s)
		opt := kv.ScanOptions{Want: everyKey, Ask: func(key string) kv.Field { return everyKey * kv.Field(min(1, stands(key))) }}
		for r, err := range s.Scan(t.Context(), opt) {
			if err != nil {
				t.Fatal(err)
			}
			r.Others = stands(r.Key) - 1
		}
		_, info := factsOf(t, s)
		return info.Ledger[len(info.Ledger)-1].Bytes
	}
	full := rounding(func(string) int64 { return 1 })
	sampled := rounding(func(key string) int64 {
		_, number, _ := strings.Cut(key, ":")
		i, _ := strconv.Atoi(number)
		switch i % 20 {
		case 0: // a set
			return 1
		case 1:
			return 19
		}
		return 0
	})
	if full == 0 || full != sampled {
		t.Errorf("the allocator adds %d, by a sample %d", full, sampled)
	}
}

// TestNoLedgerOfOneDatabase: the memory in use is that of all databases.
func TestNoLedgerOfOneDatabase(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{})
	c := server.Client(t)
	c.Must(t, "SET", "a", "b")
	if _, info := factsOf(t, openURL(t, "redis://"+server.Addr+"/0")); len(info.Ledger) == 0 {
		t.Error("no ledger of the only database that holds keys")
	}
	c.Must(t, "SELECT", "3")
	c.Must(t, "SET", "a", "b")
	if _, info := factsOf(t, openURL(t, "redis://"+server.Addr+"/0")); len(info.Ledger) > 0 {
		t.Errorf("a ledger of one of two databases: %v", info.Ledger)
	}
}

// TestAllocatorIsFound by the sizes of keys, on each server.
func TestAllocatorIsFound(t *testing.T) {
	servertest.Matrix(t, func(t *testing.T, version string) {
		want := map[string]memory.Allocator{
			servertest.Distribution: memory.Jemalloc16, "redis-6.2": memory.Jemalloc8, "redis-7.2": memory.Jemalloc8, "valkey-9": memory.Libc,
		}[version]
		server := servertest.Redis(t, servertest.Options{Version: version})
		c := server.Client(t)
		for i := range 40 {
			c.Must(t, "SET", fmt.Sprintf("key:%s%d", strings.Repeat("x", i), i), fmt.Sprint(i*1_000_003))
		}
		s := openURL(t, "redis://"+server.Addr).(*store)
		factsOf(t, s)
		if got := s.found.model.Profile().Allocator; got != want || s.found.allocator == "assumed" {
			t.Errorf("%s, %s", got, s.found.allocator)
		}
	})
}

// TestLedgerBreaks: what a proxy or a hostile server answers makes no ledger, or a modelled one, and no failure.
func TestLedgerBreaks(t *testing.T) {
	info := "# Memory\r\nused_memory:1000000\r\nused_memory_startup:800000\r\n# Keyspace\r\ndb0:keys=3,expires=9,avg_ttl=0\r\n"
	for _, tt := range []struct {
		name, stats string
		how         kv.How
	}{
		{"refused", "-NOPERM no\r\n", kv.Modelled},
		{"unknown", "-ERR unknown subcommand\r\n", kv.Modelled},
		{"nothing", "*0\r\n", kv.Modelled},
		{"a number", ":1\r\n", kv.Modelled},
		{"words", "*2\r\n$1\r\na\r\n$1\r\nb\r\n", kv.Modelled},
		{"odd", "*3\r\n$10\r\nkeys.count\r\n:3\r\n$4\r\ndb.0\r\n", kv.Measured},
		{"negative", "*2\r\n$10\r\nkeys.count\r\n:-5\r\n", kv.Measured},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := openURL(t, "redis://"+fake(t, func(c string) string {
				switch {
				case c == "INFO":
					return fmt.Sprintf("$%d\r\n%s\r\n", len(info), info)
				case c == "MEMORY STATS":
					return tt.stats
				}
				return ""
			}))
			_, got := factsOf(t, s)
			for _, l := range got.Ledger {
				if l.Name == "main_dict" && l.How != tt.how || l.Name != "allocator_rounding" && l.Bytes < 0 {
					t.Errorf("%+v", l)
				}
			}
			if len(got.Ledger) < 4 {
				t.Errorf("%v", got.Ledger)
			}
		})
	}
}
