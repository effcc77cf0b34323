package redis

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/kv/kvtest"
)

// everyKey is what a server tells of each key.
const everyKey = kv.Universal &^ kv.FieldLen

// oddKeys are names that break what is careless: line ends, the protocol's own bytes, escape codes, no UTF-8, globs.
var oddKeys = []string{
	"a\nb", "a\r\nb", "$3\r\nabc\r\n", "-ERR no\r\n", "\x1b[31mred\x1b[0m", "\xff\xfe\x00bytes", "\x00", " ", "*", "[a-z]?", `back\slash`,
	"ключ", "🔑", strings.Repeat("long", 1<<14),
}

// fill writes keys of every type and encoding, with and without expiry, in three databases, and returns what is in them.
func fill(t *testing.T, c *servertest.Client) []kv.Record {
	t.Helper()
	var records []kv.Record
	db := 0
	add := func(key string, typ kv.Type, cmd ...string) {
		t.Helper()
		c.Must(t, cmd...)
		encoding, _ := c.Must(t, "OBJECT", "ENCODING", key).(string)
		size, _ := c.Must(t, "MEMORY", "USAGE", key).(int64)
		records = append(records, kv.Record{
			Key: key, DB: db, Type: typ, Encoding: kv.Encoding(encoding), Size: size, TTL: kv.TTLNone,
			Known: kv.FieldName | kv.FieldType | kv.FieldEncoding | kv.FieldSize | kv.FieldTTL,
		})
	}
	for _, key := range oddKeys {
		add(key, kv.TypeString, "SET", key, "value")
	}
	add("", kv.TypeString, "SET", "", "the empty name")
	add("int", kv.TypeString, "SET", "int", "12345678")
	add("raw", kv.TypeString, "SET", "raw", strings.Repeat("x", 1000))
	add("hash", kv.TypeHash, "HSET", "hash", "f", "v")
	add("bighash", kv.TypeHash, "HSET", "bighash", "f", strings.Repeat("v", 100))
	add("list", kv.TypeList, "RPUSH", "list", "a", "b")
	add("set", kv.TypeSet, "SADD", "set", "a", "b")
	add("intset", kv.TypeSet, "SADD", "intset", "1", "2")
	add("zset", kv.TypeZSet, "ZADD", "zset", "1", "a")
	add("bigzset", kv.TypeZSet, "ZADD", "bigzset", "1", strings.Repeat("m", 100))
	add("stream", kv.TypeStream, "XADD", "stream", "*", "f", "v")
	for db = 3; db < 16; db += 12 {
		c.Must(t, "SELECT", fmt.Sprint(db))
		for i := range 3 {
			key := fmt.Sprintf("db%d:%d", db, i)
			add(key, kv.TypeString, "SET", key, "x")
		}
	}
	c.Must(t, "SELECT", "0")
	return records
}

func TestStore(t *testing.T) {
	servertest.Matrix(t, func(t *testing.T, version string) {
		server := servertest.Redis(t, servertest.Options{Version: version})
		c := server.Client(t)
		records := fill(t, c)
		longest := kv.Record{Key: strings.Repeat("long", 1<<18), Type: kv.TypeString, Known: kv.FieldName | kv.FieldType} // more than a page
		c.Must(t, "SET", longest.Key, "value")
		records = append(records, longest)
		kvtest.TestStore(t, kvtest.Config{
			Open:    func(t *testing.T) kv.Store { return openOnly(t, "redis+unix://"+server.Socket) },
			Records: records,
			Globs:   []string{"db*", "a*", "*\n*", `\**`, "\xff*", "[a-z]*"},
		})
		t.Run("one database", func(t *testing.T) {
			s := openURL(t, "redis://"+server.Addr+"/3")
			if got := all(t, s, kv.ScanOptions{}); len(got) != 3 {
				t.Errorf("%d keys in database 3", len(got))
			}
			if _, info := factsOf(t, s); info.Keys != 3 {
				t.Errorf("keys = %d", info.Keys)
			}
		})
	})
}

// TestAnyServer runs the suite against a server of the user's. It writes nothing: what a first scan reads is what the suite
// must find again, so nobody else may write to that server meanwhile.
func TestAnyServer(t *testing.T) {
	addr := os.Getenv("KVTOOL_TEST_REDIS_ADDR")
	if addr == "" {
		t.Skip("KVTOOL_TEST_REDIS_ADDR names no server")
	}
	if !strings.Contains(addr, "://") {
		addr = "redis://" + addr
	}
	s := openURL(t, addr)
	facts, info := factsOf(t, s)
	got := all(t, s, kv.ScanOptions{Want: kv.AllFields})
	t.Logf("%s %s, %d keys, %d read\n%s%q", info.Product, info.Version, info.Keys, len(got), facts, info.Notes)
	var records []kv.Record
	for _, r := range got {
		r.Known &= kv.FieldName | kv.FieldType // the others may move while nobody writes
		records = append(records, r)
	}
	kvtest.TestStore(t, kvtest.Config{
		Open:    func(t *testing.T) kv.Store { return openOnly(t, addr) },
		Records: records,
		Globs:   []string{"*:*", "[a-m]*"},
	})
}

func TestExpiry(t *testing.T) {
	servertest.Matrix(t, func(t *testing.T, version string) {
		server := servertest.Redis(t, servertest.Options{Version: version})
		c := server.Client(t)
		for key, ms := range map[string]string{"second": "1000", "day": "86400000", "century": "3153600000000"} {
			c.Must(t, "SET", key, "x", "PX", ms)
		}
		c.Must(t, "SET", "gone", "x", "PX", "1")
		for c.Must(t, "TTL", "gone") != int64(-2) {
			time.Sleep(time.Millisecond) // the server's own clock is what is waited for
		}
		c.Must(t, "SET", "gone", "x", "PX", "1")
		before := time.Now()
		got := all(t, openURL(t, "redis://"+server.Addr), kv.ScanOptions{Want: kv.FieldTTL})
		for key, d := range map[string]time.Duration{"0/second": time.Second, "0/day": 24 * time.Hour, "0/century": 876000 * time.Hour} {
			r, ok := got[key]
			if !ok || r.TTL != kv.TTLAt {
				t.Errorf("%s: %+v", key, r)
				continue
			}
			if off := r.ExpireAt.Sub(before) - d; off < -2*time.Second || off > 2*time.Second {
				t.Errorf("%s: off by %v", key, off)
			}
		}
		if r, ok := got["0/gone"]; ok && r.TTL != kv.TTLAt {
			t.Errorf("an expired key: %+v", r)
		}
	})
}

// idle is the least idle time of all keys of the database, in seconds.
func idle(t *testing.T, c *servertest.Client) int64 {
	t.Helper()
	least := int64(1 << 40)
	names, _ := c.Must(t, "KEYS", "*").([]any)
	for _, name := range names {
		n, _ := c.Must(t, "OBJECT", "IDLETIME", name.(string)).(int64)
		least = min(least, n)
	}
	return least
}

// checkCommands checks each command that the server has counted: allowed by the guard, and no writing one by the server's
// own word.
func checkCommands(t *testing.T, c *servertest.Client, stats string) {
	t.Helper()
	n := 0
	for line := range strings.Lines(stats) {
		name, isStat := strings.CutPrefix(line, "cmdstat_")
		if !isStat {
			continue
		}
		name, _, _ = strings.Cut(name, ":")
		if name == "config|resetstat" || name == "config" || name == "info" && n == 0 {
			continue
		}
		n++
		words := strings.Split(name, "|")
		if whole := map[string]string{"object": "encoding", "memory": "usage", "client": "no-touch"}[name]; whole != "" {
			words = append(words, whole) // before 7.0 subcommands are not counted apart
		}
		if !resp.NoTouch.Allows(words...) {
			t.Errorf("the server was sent %s", name)
		}
		info, _ := c.Must(t, "COMMAND", "INFO", words[0]).([]any)
		details, _ := info[0].([]any)
		flags, _ := details[2].([]any)
		if slices.Contains(flags, any("write")) {
			t.Errorf("%s writes", name)
		}
	}
	if n < 5 {
		t.Errorf("%d commands counted: %s", n, stats)
	}
}

func TestRestrictedUsers(t *testing.T) {
	t.Parallel()
	servertest.Matrix(t, func(t *testing.T, version string) {
		server := servertest.Redis(t, servertest.Options{Version: version})
		c := server.Client(t)
		records := fill(t, c)
		old := version == "redis-6.2"
		for _, tt := range []struct {
			name, rights string
			missing      kv.Field
			facts        []string
		}{
			{"least", leastRights(old), 0, nil},
			{"no size", "~* +@all -memory", 0, []string{"size: modelled NOPERM"}},
			{"no size, no touch", "~* +@all -memory -client", 0, []string{"size: modelled NOPERM"}},
			{"no object", "~* +@all -object", kv.FieldEncoding, []string{"encoding: missing NOPERM", "+object|encoding"}},
			{"no object, no memory", "~* +@all -object -memory -strlen", kv.FieldEncoding | kv.FieldSize, []string{"+memory|usage"}},
			{"no type", "~* +@all -type", 0, []string{"type: measured NOPERM", "SCAN with a filter"}},
			{"no ttl", "~* +@all -pttl", kv.FieldTTL, []string{"ttl: missing NOPERM"}},
			{"scan and info", "~* -@all +scan +info +select", everyKey &^ (kv.FieldName | kv.FieldType), []string{"size: missing"}},
			{"no info", "~* +@all -info", 0, []string{"info: missing NOPERM", "+info"}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				c.Must(t, append([]string{"ACL", "SETUSER", "u", "reset", "on", ">pw"}, strings.Fields(tt.rights)...)...)
				s := openURL(t, "redis://u:pw@"+server.Addr)
				facts, info := factsOf(t, s)
				if lacks := everyKey &^ info.Provides(); lacks != tt.missing {
					t.Errorf("lacks %s, want %s\n%s", lacks, tt.missing, facts)
				}
				for _, part := range tt.facts {
					if !strings.Contains(facts, part) {
						t.Errorf("no %q in\n%s", part, facts)
					}
				}
				got := all(t, s, kv.ScanOptions{Want: kv.AllFields})
				if tt.name != "no info" && len(got) != len(records) {
					t.Errorf("%d keys of %d", len(got), len(records))
				}
				for key, r := range got {
					if r.Known&^info.Provides() != 0 || r.Known&kv.FieldName == 0 {
						t.Errorf("%.40q knows %s", key, r.Known)
					}
				}
				// A pattern such as %R~* does not match the empty name in any server; ~* means all keys.
				_, info = factsOf(t, s)
				for _, note := range info.Notes {
					if strings.Contains(note, "refused for") && !strings.Contains(note, "refused for 1 key:") {
						t.Errorf("asked for what it was refused: %q", info.Notes)
					}
				}
			})
		}
	})
}

// leastRights is what the hint tells to grant.
func leastRights(old bool) string {
	version := "7.0"
	if old {
		version = "6.2"
	}
	_, rights, _ := strings.Cut(fullGrant("", version), ">PASSWORD ")
	return rights
}

// TestModelledSizes compares the sizes of strings with what MEMORY USAGE says.
func TestModelledSizes(t *testing.T) {
	servertest.Matrix(t, func(t *testing.T, version string) {
		server := servertest.Redis(t, servertest.Options{Version: version})
		c := server.Client(t)
		for n := range 200 {
			c.Must(t, "SET", fmt.Sprintf("s:%d", n), strings.Repeat("x", n*3))
			c.Must(t, "SET", fmt.Sprintf("i:%d", n), fmt.Sprint(n*1000003))
		}
		truth := all(t, openURL(t, "redis://"+server.Addr), kv.ScanOptions{Want: kv.FieldSize})
		for _, rights := range []string{"-memory", "-memory -strlen"} {
			c.Must(t, append([]string{"ACL", "SETUSER", "u", "reset", "on", ">pw", "~*", "+@all"}, strings.Fields(rights)...)...)
			got := all(t, openURL(t, "redis://u:pw@"+server.Addr), kv.ScanOptions{Want: kv.FieldSize})
			sized, worst, sum, want := 0, int64(0), int64(0), int64(0)
			for key, r := range got {
				if r.Has(kv.FieldSize) {
					sized++
					sum += r.Size
					want += truth[key].Size
					worst = max(worst, max(r.Size-truth[key].Size, truth[key].Size-r.Size))
				}
			}
			t.Logf("%s: %d of %d sized, sum %d for %d, worst off by %d bytes", rights, sized, len(got), sum, want, worst)
			if off := max(sum-want, want-sum); sized < 200 || worst > 96 || off > want/8 {
				t.Errorf("%s: %d sized, off by %d bytes of %d, and one by %d", rights, sized, off, want, worst)
			}
		}
	})
}

func TestTLS(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{TLS: true})
	server.Client(t).Must(t, "SET", "a", "b")
	base := "rediss://" + server.Addr
	t.Run("trusted", func(t *testing.T) {
		s := openURL(t, base+"?tls_ca="+server.CA)
		if got := all(t, s, kv.ScanOptions{Want: kv.AllFields}); len(got) != 1 {
			t.Errorf("%d keys", len(got))
		}
		if _, info := factsOf(t, s); len(info.Notes) != 1 || !strings.Contains(info.Notes[0], "keyspace_hits") {
			t.Errorf("%q", info.Notes)
		}
	})
	t.Run("not checked", func(t *testing.T) {
		_, info := factsOf(t, openURL(t, base+"?tls_skip_verify=true"))
		if !strings.Contains(strings.Join(info.Notes, " "), "certificate was not checked") {
			t.Errorf("%q", info.Notes)
		}
	})
	for _, tt := range []struct{ name, url, text, hint string }{
		{"unknown authority", base, "not trusted", "tls_ca"},
		{"another name", base + "?tls_ca=" + server.CA + "&tls_server_name=other", "not for this name", "tls_server_name"},
		{"plain to TLS", "redis://" + server.Addr, "closed the connection", "rediss://"},
	} {
		t.Run(tt.name, func(t *testing.T) { checkFails(t, tt.url, tt.text, tt.hint) })
	}
	plain := servertest.Redis(t, servertest.Options{})
	t.Run("TLS to plain", func(t *testing.T) {
		checkFails(t, "rediss://"+plain.Addr+"?timeout=300ms", "no TLS", "redis://")
	})
}

// checkFails checks that a target cannot be opened, and that the reason and the hint are said.
func checkFails(t *testing.T, url, text, hint string) {
	t.Helper()
	s, err := tryOpen(t, url)
	if err == nil {
		s.Close()
		t.Fatal("it opened")
	}
	if !strings.Contains(err.Error(), text) || !strings.Contains(kv.Hint(err), hint) {
		t.Errorf("%v\nhint: %s\nwant %q, %q", err, kv.Hint(err), text, hint)
	}
}

func TestAuth(t *testing.T) {
	servertest.Matrix(t, func(t *testing.T, version string) {
		server := servertest.Redis(t, servertest.Options{Version: version, Args: []string{"--requirepass", "hunter2"}})
		checkFails(t, "redis://"+server.Addr, "needs a password", "KVTOOL_PASSWORD")
		checkFails(t, "redis://:wrong-word@"+server.Addr, "refuses this user and password", "KVTOOL_PASSWORD")
		checkFails(t, "redis://nobody:hunter2@"+server.Addr, "refuses this user and password", "KVTOOL_PASSWORD")
		s := openURL(t, "redis://:hunter2@"+server.Addr)
		if got := all(t, s, kv.ScanOptions{}); len(got) != 0 {
			t.Errorf("%d keys", len(got))
		}
		if facts, info := factsOf(t, s); strings.Contains(facts+fmt.Sprint(*info), "hunter2") {
			t.Error("the password is told")
		}
	})
	open := servertest.Redis(t, servertest.Options{})
	all(t, openURL(t, "redis://:any@"+open.Addr), kv.ScanOptions{Want: kv.AllFields}) // who needs no password takes any
	checkFails(t, "redis://"+open.Addr+"/99", "out of range", "fewer databases")
}

func TestUnreachable(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{})
	server.Stop()
	checkFails(t, "redis://"+server.Addr, "refuses the connection", "running")
	checkFails(t, "redis+unix:///no/such/socket", "no such socket", "unixsocket")
	checkFails(t, "redis://no-such-host.invalid", "unknown host", "name")
}

// openOnly opens a store that the caller closes.
func openOnly(t *testing.T, url string) kv.Store {
	t.Helper()
	s, err := tryOpen(t, url)
	if err != nil {
		t.Fatalf("%v (%s)", err, kv.Hint(err))
	}
	return s
}

func TestReplica(t *testing.T) {
	t.Parallel()
	primary := servertest.Redis(t, servertest.Options{Args: []string{"--repl-diskless-sync-delay", "0"}})
	host, port, _ := strings.Cut(primary.Addr, ":")
	replica := servertest.Redis(t, servertest.Options{Args: []string{"--replicaof", host, port}})
	primary.Client(t).Must(t, "SET", "a", "b")
	c := replica.Client(t)
	for c.Must(t, "DBSIZE") != int64(1) {
		time.Sleep(10 * time.Millisecond) // until the replica has it
	}
	s := openURL(t, "redis://"+replica.Addr)
	if got := all(t, s, kv.ScanOptions{Want: kv.AllFields}); len(got) != 1 {
		t.Errorf("%d keys", len(got))
	}
	if _, info := factsOf(t, s); !strings.Contains(strings.Join(info.Notes, " "), "replica") {
		t.Errorf("%q", info.Notes)
	}
}

func TestTargets(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.pem")
	for _, url := range []string{
		"redis:x", "redis://user@h", "redis://h/x", "redis://h/-1", "redis://h?db=1.5", "redis://h?nope=1", "redis://h?timeout=x", "redis://h?timeout=-1s",
		"redis://h?tls_ca=x", "redis+unix://host/path", "redis+unix://", "rediss://h?tls_ca=" + missing,
		"rediss://h?tls_skip_verify=maybe", "rediss://h?tls_cert=x", "rediss://h?tls_cert=x&tls_key=y",
	} {
		s, err := tryOpen(t, url)
		if err == nil {
			s.Close()
		}
		if !errors.Is(err, kv.ErrUsage) {
			t.Errorf("%s: %v, want a usage error", url, err)
		}
	}
}
