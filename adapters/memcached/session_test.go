package memcached

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/kv/kvtest"
)

func driverOf(t *testing.T, url string) kv.Driver {
	t.Helper()
	d, err := kv.DriverOf(openURL(t, url))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// stall has a server stand still.
func stall(t *testing.T, servers ...*servertest.Server) func() {
	t.Helper()
	for _, s := range servers {
		if err := syscall.Kill(s.PID, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		for !stands(t, s.PID) {
			time.Sleep(time.Millisecond)
		}
	}
	return func() {
		for _, s := range servers {
			if err := syscall.Kill(s.PID, syscall.SIGCONT); err != nil {
				t.Error(err)
			}
		}
	}
}

// stands reports whether all threads of a process stand still: each hears of the signal when it next runs.
func stands(t *testing.T, pid int) bool {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(threads) == 0 {
		t.Skip("only Linux says whether a process stands still")
	}
	for _, path := range threads {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, state, _ := strings.Cut(string(b), ") "); !strings.HasPrefix(state, "T") {
			return false
		}
	}
	return true
}

func TestDriver(t *testing.T) {
	for name, n := range map[string]int{"one server": 1, "three servers": 3} {
		t.Run(name, func(t *testing.T) {
			var servers []*servertest.Server
			var addrs []string
			for range n {
				s := servertest.Memcached(t, servertest.MemcachedOptions{})
				servers, addrs = append(servers, s), append(addrs, s.Addr)
			}
			kvtest.TestDriver(t, kvtest.DriverConfig{
				Open: func(t *testing.T) kv.Driver {
					for _, s := range servers {
						s.MemcachedClient(t).Must(t, "OK", "flush_all")
					}
					return driverOf(t, "memcached://"+strings.Join(addrs, ","))
				},
				Stall: func(t *testing.T) func() { return stall(t, servers...) },
			})
		})
	}
}

func TestCommands(t *testing.T) {
	server := servertest.Memcached(t, servertest.MemcachedOptions{})
	s, err := driverOf(t, "memcached://"+server.Addr).Session(t.Context(), kv.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, x := range [][2]string{
		{"SET a 1 PX 1500", "OK"},
		{"PTTL a", "2000"},
		{"TTL a", "2"},
		{"GETEX a EX 100", "1"},
		{"TTL a", "100"},
		{"PEXPIRE a 50000", "1"},
		{"TTL a", "50"},
		{"EXPIRE nothing 5", "0"},
		{"PTTL nothing", "-2"},
		{"SET b x", "OK"},
		{"PTTL b", "-1"},
		{"SET b y NX", "miss nil"},
		{"SET b y XX", "OK"},
		{"SET c y XX", "miss nil"},
		{"SETNX b z", "0"},
		{"SETNX d z", "1"},
		{"SETEX e 10 v", "OK"},
		{"PSETEX e 10500 v", "OK"},
		{"TTL e", "11"},
		{"ADD e v", "miss nil"},
		{"REPLACE e w", "OK"},
		{"GET e", "w"},
		{"STRLEN b", "1"},
		{"STRLEN nothing", "0"},
		{"EXISTS b", "1"},
		{"EXISTS nothing", "0"},
		{"MGET a nothing b", "1 nil y"},
		{"INCR n", "1"},
		{"INCRBY n 41", "42"},
		{"DECRBY n 40", "2"},
		{"DECR n", "1"},
		{"DECRBY n 5", "0"},
		{"INCRBY n -1", "failed: " + string(errNegative)},
		{"INCR b", "failed: CLIENT_ERROR cannot increment or decrement non-numeric value"},
		{"DEL a b nothing", "2"},
		{"UNLINK c d", "1"},
		{"MS m value T60 F5", ""},
		{"MG m v f t", "value f5 t60"},
		{"MG nothing v", "miss nil"},
		{"MD m", ""},
		{"MG m v q", "failed: ERR syntax error"},
		{"touch e 20", "1"},
		{"PING", "PONG"},
		{"SET e", "failed: ERR syntax error"},
		{"SET e v EX", "failed: ERR syntax error"},
		{"SET e v EX 0", "failed: ERR syntax error"},
		{"SET e v KEEPTTL", "failed: ERR syntax error"},
		{"LPUSH l v", "failed: ERR memcached has no LPUSH"},
		{"GET " + strings.Repeat("k", 251), "failed: " + string(errNoKey)},
		{"SET big " + strings.Repeat("v", 1<<20), "failed: " + string(errTooLarge)},
		{"GET e", "w"}, // what was refused has left nothing behind
	} {
		if got := kvtest.Lines(t, s, x[0])[0]; got != x[1] && !(x[1] == "" && got == "nil") {
			t.Errorf("%.40s: %q, want %q", x[0], got, x[1])
		}
	}
	got := strings.Fields(kvtest.Lines(t, s, "SET v 1", "GETS v")[1])
	if len(got) != 2 || got[0] != "1" {
		t.Fatalf("GETS: %q", got)
	}
	if got := kvtest.Lines(t, s, "CAS v 2 "+got[1], "CAS v 3 "+got[1], "GET v"); fmt.Sprint(got) != "[OK miss nil 2]" {
		t.Errorf("CAS: %q", got)
	}
	var said kv.ReplyError
	out := make([]kv.Result, 1)
	if err := s.Do([]kv.Op{kvtest.Op("GET", "with space")}, out); err != nil || !errors.As(out[0].Err, &said) || said.Class() != "CLIENT_ERROR" {
		t.Errorf("a key that cannot be sent: %v, %+v", err, out[0])
	}
}

// A TTL of more than 30 days is one here, though memcached takes the number for a date.
func TestLongTTL(t *testing.T) {
	server := servertest.Memcached(t, servertest.MemcachedOptions{})
	s, err := driverOf(t, "memcached://"+server.Addr).Session(t.Context(), kv.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	server.MemcachedClient(t).Must(t, "STORED", "set trap 0 2592001 1\r\nv") // what others do
	got := kvtest.Lines(t, s, "SET a v EX 2592000", "TTL a", "SET b v EX 5184000", "TTL b", "EXPIRE a 5184000", "TTL a", "EXPIRE b -1", "GET b", "GET trap")
	near := func(text string, want int) bool {
		n, err := strconv.Atoi(text)
		return err == nil && n <= want && n >= want-3
	}
	if !near(got[1], 2592000) || !near(got[3], 5184000) || !near(got[5], 5184000) || got[7] != "miss nil" || got[8] != "miss nil" {
		t.Errorf("%q", got)
	}
}

// INFO is what a report of a load has of a server.
func TestInfoOfSession(t *testing.T) {
	server := servertest.Memcached(t, servertest.MemcachedOptions{})
	s, err := driverOf(t, "memcached://"+server.Addr).Session(t.Context(), kv.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	kvtest.Lines(t, s, "SET a v", "GET a", "GET b")
	info := kvtest.Lines(t, s, "INFO", "GET a")
	for _, want := range []string{"keyspace_hits:1\r\n", "keyspace_misses:1\r\n", "memcached_curr_items:1\r\n"} {
		if !strings.Contains(info[0], want) {
			t.Errorf("no %q in %s", want, info[0])
		}
	}
	if info[1] != "v" {
		t.Errorf("behind INFO: %q", info[1])
	}
}

func TestLacks(t *testing.T) {
	var s store
	for line, want := range map[string]bool{
		"GET ": false, "get ": false, "SET   PX  NX": false, "SET   EX 10": false, "SET   KEEPTTL": true, "GETEX  PX ": false, "GETEX  PERSIST": true,
		"LPUSH  ": true, "EVAL": true, "MULTI": true, "PTTL ": false, "INCRBY  ": false, "HSET   ": true,
	} {
		if got := s.Lacks(strings.Split(line, " ")) != ""; got != want {
			t.Errorf("%q: lacks %v", line, got)
		}
	}
}

func BenchmarkSession(b *testing.B) {
	server := servertest.Memcached(b, servertest.MemcachedOptions{})
	target, _ := kv.ParseTarget("memcached://" + server.Addr)
	st, err := Adapter().Open(b.Context(), target)
	if err != nil {
		b.Fatal(err)
	}
	s, err := st.(kv.Driver).Session(b.Context(), kv.SessionOptions{Timeout: time.Second})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	out := make([]kv.Result, 1)
	ops := []kv.Op{kvtest.Op("SET", "key:12345", strings.Repeat("v", 100))}
	if err := s.Do(ops, out); err != nil {
		b.Fatal(err)
	}
	ops = []kv.Op{kvtest.Op("GET", "key:12345")}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Do(ops, out); err != nil || out[0].Status != kv.OK {
			b.Fatal(err, out[0])
		}
	}
}
