package memcached

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/kv/kvtest"
)

func openURL(t *testing.T, url string) kv.Store {
	t.Helper()
	target, err := kv.ParseTarget(url)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Adapter().Open(t.Context(), target)
	if err != nil {
		t.Fatalf("opening %s: %v", url, err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// records sets keys of every kind, and returns what a scan must yield of them.
func records(t *testing.T, c *servertest.MemcachedClient, n int) []kv.Record {
	t.Helper()
	var all []kv.Record
	add := func(key string, at time.Time) {
		r := kv.Record{Key: key, Known: kv.FieldName | kv.FieldTTL | kv.FieldIdle | kv.FieldRead, TTL: kv.TTLNone}
		if !at.IsZero() {
			r.TTL, r.ExpireAt = kv.TTLAt, at
		}
		all = append(all, r)
	}
	until := time.Unix(time.Now().Unix()+90_000, 0)
	c.Fill(t, n, func(i int) (string, int, string) {
		key := fmt.Sprintf("user:%d:cart", i)
		if i%3 == 0 {
			add(key, until)
			return key, int(until.Unix()), strings.Repeat("x", i%300)
		}
		add(key, time.Time{})
		return key, 0, strings.Repeat("x", i%300)
	})
	for _, key := range []string{"a+b", "100%", "%41", "caf\xc3\xa9", "\xff\xfe", "a=b&c", strings.Repeat("k", 250), "-._~"} {
		c.Must(t, "STORED", "set "+key+" 0 0 1\r\nv")
		add(key, time.Time{})
	}
	for _, key := range []string{"with space", "line\r\nbreak", "nul\x00", "\x1b[31m"} { // of clients that write keys in base64
		c.Must(t, "HD", "ms "+base64.StdEncoding.EncodeToString([]byte(key))+" 1 b\r\nv")
		add(key, time.Time{})
	}
	return all
}

func TestStore(t *testing.T) {
	server := servertest.Memcached(t, servertest.MemcachedOptions{})
	all := records(t, server.MemcachedClient(t), 10_000)
	kvtest.TestStore(t, kvtest.Config{
		Open:    func(t *testing.T) kv.Store { return openURL(t, "memcached://"+server.Addr) },
		Records: all, Globs: []string{"user:*", "*:7*", "100%", "nul*"},
	})
}

// Several servers are one store.
func TestServers(t *testing.T) {
	var all []kv.Record
	var addrs []string
	for i := range 3 {
		server := servertest.Memcached(t, servertest.MemcachedOptions{})
		addrs = append(addrs, server.Addr)
		c := server.MemcachedClient(t)
		for j := range 50 {
			key := fmt.Sprintf("key:%d:%d", i, j)
			c.Must(t, "STORED", "set "+key+" 0 0 1\r\nv")
			all = append(all, kv.Record{Key: key, Known: kv.FieldName | kv.FieldPlace | kv.FieldHome})
		}
	}
	kvtest.TestStore(t, kvtest.Config{
		Open:    func(t *testing.T) kv.Store { return openURL(t, "memcached://"+strings.Join(addrs, ",")) },
		Records: all, Servers: 3,
	})
}

// An audit leaves the time of an item's last access, and whether it was ever fetched, as they were.
func TestTouchesNothing(t *testing.T) {
	server := servertest.Memcached(t, servertest.MemcachedOptions{})
	c := server.MemcachedClient(t)
	records(t, c, 200)
	c.Must(t, "END", "get nothing")
	for i := range 20 {
		c.Send(t, fmt.Sprintf("get user:%d:cart\r\n", i))
		for c.Line(t) != "END" {
		}
	}
	dump := func() string {
		var lines []string
		c.Send(t, "lru_crawler metadump hash\r\n")
		for line := c.Line(t); line != "END"; line = c.Line(t) {
			if strings.HasPrefix(line, "BUSY") {
				c.Send(t, "lru_crawler metadump hash\r\n")
				continue
			}
			lines = append(lines, line)
		}
		return strings.Join(lines, "\n")
	}
	before := dump()
	s := openURL(t, "memcached://"+server.Addr)
	for range 2 {
		if _, err := s.Info(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, err := range s.Scan(t.Context(), kv.ScanOptions{Want: kv.AllFields}) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if after := dump(); after != before {
		t.Errorf("before\n%.2000s\nafter\n%.2000s", before, after)
	}
	read := 0
	for r, err := range s.Scan(t.Context(), kv.ScanOptions{Want: kv.AllFields}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Read {
			read++
		}
		if !r.Has(kv.FieldChunk|kv.FieldSize|kv.FieldIdle) || r.Chunk < r.Size || r.Idle > time.Hour {
			t.Errorf("%q: %d bytes in %d, idle %v, known %v", r.Key, r.Size, r.Chunk, r.Idle, r.Known)
		}
	}
	if read != 20 {
		t.Errorf("%d items have been read, want 20", read)
	}
}

func TestParseItem(t *testing.T) {
	var it item
	for line, want := range map[string]string{
		"key=user%3A2 exp=1795392066 la=1795391770 cas=3 fetch=yes cls=1 size=72": "user:2 1795392066 1795391770 true 1 72",
		"key=a exp=-1 la=5 cas=18446744073709551615 fetch=no":                     "a -1 5 false 0 0",
		"key=%2b+%2B exp=-1 la=1 new=word other":                                  "+++ -1 1 false 0 0",
		"exp=-1 key=%00%ff":                                                       "\x00\xff -1 0 false 0 0",
		"key= exp=1":                                                              "",
		"exp=1":                                                                   "",
		"key=a%":                                                                  "",
		"key=a%4":                                                                 "",
		"key=a%4g":                                                                "",
		"key=a exp=x":                                                             "",
		"key=a exp=99999999999999999999":                                          "",
		"key=a size=-1":                                                           "",
		"key=a cls=256":                                                           "",
		"key=a fetch=maybe":                                                       "",
		"key=" + strings.Repeat("a", 251):                                         "",
		"":                                                                        "",
	} {
		got := ""
		if err := it.parse([]byte(line)); err == nil {
			got = fmt.Sprintf("%s %d %d %v %d %d", it.key, it.exp, it.la, it.fetched, it.class, it.size)
		} else if !errors.Is(err, errProtocol) {
			t.Errorf("%q: %v", line, err)
		}
		if got != want {
			t.Errorf("%.60q: %q, want %q", line, got, want)
		}
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// uriencode is that of memcached's util.c.
func uriencode(key []byte) []byte {
	var b bytes.Buffer
	for _, c := range key {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.Bytes()
}

func FuzzParseItem(f *testing.F) {
	f.Add([]byte("key=user%3A2 exp=1795392066 la=1795391770 cas=3 fetch=yes cls=1 size=72"), []byte("user:2"))
	f.Add([]byte("key=%zz exp=-"), []byte{0, 0xff, '%', '+'})
	f.Fuzz(func(t *testing.T, line, key []byte) {
		var it item
		if err := it.parse(line); err == nil && (len(it.key) == 0 || len(it.key) > longestKey || it.size < 0) {
			t.Errorf("%q: %+v", line, it)
		}
		if len(key) == 0 || len(key) > longestKey {
			return
		}
		if err := it.parse(append([]byte("key="), uriencode(key)...)); err != nil || !bytes.Equal(it.key, key) {
			t.Errorf("%q comes back as %q: %v", key, it.key, err)
		}
	})
}
