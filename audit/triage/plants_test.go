package triage_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/servertest"
)

// A plant makes a server slow in one way, until the test ends, and returns once it is so.
type plant struct {
	rule string
	args []string // of the server
	sow  func(t *testing.T, s *servertest.Server)
	// elsewhere plants in a server of its own, and returns the one that suffers.
	elsewhere func(t *testing.T) *servertest.Server
	waits     bool // it takes time and hardly any processor: others are planted meanwhile
}

// again calls f in a goroutine until the test ends or f says that it is over.
func again(t *testing.T, f func() bool) {
	t.Helper()
	var running sync.WaitGroup
	end := make(chan struct{})
	running.Go(func() {
		for {
			select {
			case <-end:
				return
			default:
				if !f() {
					return
				}
			}
		}
	})
	t.Cleanup(func() { close(end); running.Wait() })
}

// loop sends one command after the other.
func loop(t *testing.T, s *servertest.Server, words ...string) {
	t.Helper()
	c := s.Client(t)
	c.Must(t, words...) // once is enough to know that it works
	again(t, func() bool { _, failed := c.Do(words...).(error); return !failed })
}

const plantedKeys = 20_000

func sowLua(t *testing.T, s *servertest.Server) {
	loop(t, s, "EVAL", "local x = 0 for i = 1, 150000 do x = x + i end return x", "0")
}

func sowBigValue(t *testing.T, s *servertest.Server) {
	c := s.Client(t)
	c.Fill(t, 5000, func(i int) []string {
		return []string{"HSET", "profile:all", "f" + strconv.Itoa(i), strings.Repeat("x", 1000)}
	})
	loop(t, s, "HGETALL", "profile:all")
}

func sowFull(t *testing.T, s *servertest.Server) {
	c := s.Client(t)
	n := 0
	set := func(int) []string { n++; return []string{"SET", "page:" + strconv.Itoa(n), strings.Repeat("x", 1000)} }
	servertest.Until(t, "memory is full", func() bool {
		c.Fill(t, 2000, set)
		return number(c, "stats", "evicted_keys") > 0
	})
	again(t, func() bool { return c.Send(20, set) == nil })
}

func sowUnread(t *testing.T, s *servertest.Server) {
	s.Client(t).Must(t, "SET", "blob", strings.Repeat("x", 256<<10))
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, strings.Repeat("GET blob\r\n", 200)); err != nil {
		t.Fatal(err)
	}
	c := s.Client(t)
	servertest.Until(t, "answers wait", func() bool { return number(c, "memory", "mem_clients_normal") > 32<<20 })
}

func sowStopped(t *testing.T, s *servertest.Server) {
	replica := servertest.Redis(t, servertest.Options{Args: []string{"--repl-ping-replica-period", "1"}})
	host, port, _ := net.SplitHostPort(s.Addr)
	replica.Client(t).Must(t, "REPLICAOF", host, port)
	c := s.Client(t)
	servertest.Until(t, "the replica follows", func() bool { return strings.Contains(info(c, "replication"), "state=online") })
	if err := syscall.Kill(replica.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	servertest.Until(t, "the replica lags", func() bool {
		_, rest, _ := strings.Cut(info(c, "replication"), "lag=")
		lag, _, _ := strings.Cut(rest, "\r\n")
		n, _ := strconv.Atoi(lag)
		return n >= 3
	})
}

func sowKeys(t *testing.T, s *servertest.Server) {
	s.Client(t).Fill(t, plantedKeys, func(i int) []string { return []string{"SET", "user:" + strconv.Itoa(i), "x"} })
	loop(t, s, "KEYS", "*nobody*")
}

func sowChurn(t *testing.T, s *servertest.Server) {
	for range 2 {
		again(t, func() bool {
			c, err := servertest.Dial("tcp", s.Addr)
			if err != nil {
				return false
			}
			defer c.Close()
			_, failed := c.Do("ECHO", "x").(error)
			return !failed
		})
	}
}

func sowExpired(t *testing.T, s *servertest.Server) {
	c := s.Client(t)
	c.Must(t, "CONFIG", "SET", "hz", "1") // one search a second, of 250 ms
	at := time.Now().Add(1500 * time.Millisecond).UnixMilli()
	for i := range 4 {
		c.Must(t, "EVAL", "for i = 1, 50000 do redis.call('SET', KEYS[1] .. i, '', 'PXAT', ARGV[1]) end", "1", fmt.Sprint("session:", i, ":"), fmt.Sprint(at))
	}
	servertest.Until(t, "keys are past their time", func() bool {
		return time.Now().UnixMilli() > at && number(c, "stats", "expired_stale_perc") > 10
	})
}

func info(c *servertest.Client, section string) string {
	text, _ := c.Do("INFO", section).(string)
	return text
}

func number(c *servertest.Client, section, name string) float64 {
	_, rest, _ := strings.Cut(info(c, section), name+":")
	value, _, _ := strings.Cut(rest, "\r\n")
	x, _ := strconv.ParseFloat(value, 64)
	return x
}

func sowWaiting(t *testing.T, s *servertest.Server) {
	s.Client(t).Must(t, "SET", "x", "1")
	for range 3 {
		c := s.Client(t)
		again(t, func() bool { c.Do("SET", "x", "1"); _, failed := c.Do("WAIT", "1", "50").(error); return !failed })
	}
}

func sowClients(t *testing.T, s *servertest.Server) {
	for range 18 {
		s.Client(t).Must(t, "PING")
	}
}

func sowMisses(t *testing.T, s *servertest.Server) {
	c := s.Client(t)
	c.Must(t, "SET", "user:1", "x")
	c.Fill(t, 30_000, func(int) []string { return []string{"GET", "user:1"} })
	again(t, func() bool { return c.Send(100, func(int) []string { return []string{"GET", "nobody"} }) == nil })
}

func sowErrors(t *testing.T, s *servertest.Server) {
	c := s.Client(t)
	c.Must(t, "SET", "user:1", "x")
	again(t, func() bool { c.Do("LPUSH", "user:1", "x"); return !strings.Contains(fmt.Sprint(c.Do("PING")), "EOF") })
}

func sowNoFolder(t *testing.T, s *servertest.Server) {
	c := s.Client(t)
	dir := t.TempDir() + "/gone"
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	c.Must(t, "CONFIG", "SET", "dir", dir)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	c.Must(t, "CONFIG", "SET", "save", "3600 1")
	c.Must(t, "SET", "x", "1")
	c.Must(t, "BGSAVE")
	servertest.Until(t, "the snapshot fails", func() bool { return strings.Contains(info(c, "persistence"), "rdb_last_bgsave_status:err") })
}

func sowHeadroom(t *testing.T, s *servertest.Server) {
	c := s.Client(t)
	c.Fill(t, 20_000, func(i int) []string { return []string{"SET", "page:" + strconv.Itoa(i), strings.Repeat("x", 1000)} })
	c.Must(t, "CONFIG", "SET", "maxmemory", fmt.Sprintf("%.0f", number(c, "memory", "used_memory")/.9))
}

func sowSlow(t *testing.T, s *servertest.Server) { loop(t, s, "DEBUG", "SLEEP", "0.02") }

// sowSlowDisk has the server's fsync take as long as that of a disk that others keep busy.
func sowSlowDisk(t *testing.T) *servertest.Server {
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("cc is missing: it makes the library that slows fsync down")
	}
	dir := t.TempDir()
	source, lib := filepath.Join(dir, "slow.c"), filepath.Join(dir, "slow.so")
	const text = "#include <unistd.h>\nint fdatasync(int fd) { usleep(150000); return 0; }\n"
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(cc, "-shared", "-fPIC", "-o", lib, source).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s := servertest.Redis(t, servertest.Options{Preload: lib, Args: []string{
		"--appendonly", "yes", "--appendfsync", "always", "--latency-monitor-threshold", "50",
	}})
	loop(t, s, "SET", "x", "1")
	return s
}

// sowOrphan is a replica whose primary is not there.
func sowOrphan(t *testing.T, s *servertest.Server) {
	s.Client(t).Must(t, "REPLICAOF", "127.0.0.1", "1")
}

// sowResync has a primary wait for more replicas before it sends the first one everything.
func sowResync(t *testing.T, s *servertest.Server) {
	replica := servertest.Redis(t, servertest.Options{})
	host, port, _ := net.SplitHostPort(s.Addr)
	replica.Client(t).Must(t, "REPLICAOF", host, port)
	c := s.Client(t)
	servertest.Until(t, "the replica waits", func() bool { return strings.Contains(info(c, "replication"), "state=wait_bgsave") })
}

// sowLoading is a replica that takes its time to load what it was sent.
func sowLoading(t *testing.T) *servertest.Server {
	primary := servertest.Redis(t, servertest.Options{Args: []string{"--repl-diskless-sync-delay", "0"}})
	primary.Client(t).Fill(t, 10_000, func(i int) []string { return []string{"SET", "user:" + strconv.Itoa(i), strings.Repeat("x", 100)} })
	replica := servertest.Redis(t, servertest.Options{Args: []string{"--key-load-delay", "3000", "--loading-process-events-interval-bytes", "1024"}})
	host, port, _ := net.SplitHostPort(primary.Addr)
	c := replica.Client(t)
	c.Must(t, "REPLICAOF", host, port)
	servertest.Until(t, "it loads", func() bool { return strings.HasPrefix(fmt.Sprint(c.Do("GET", "x")), "LOADING") })
	return replica
}

var plants = map[string]plant{
	"lua":      {rule: "TR003", sow: sowLua},
	"keys":     {rule: "TR004", sow: sowKeys},
	"bigvalue": {rule: "TR005", sow: sowBigValue},
	"slow":     {rule: "TR006", sow: sowSlow, args: []string{"--enable-debug-command", "yes"}},
	"full":     {rule: "SV007", sow: sowFull, args: []string{"--maxmemory", "24mb", "--maxmemory-policy", "allkeys-lru"}},
	"headroom": {rule: "SV009", sow: sowHeadroom, waits: true},
	"unread":   {rule: "TR010", sow: sowUnread, waits: true},
	"stopped":  {rule: "SV016", sow: sowStopped, args: []string{"--repl-diskless-sync-delay", "0"}, waits: true},
	"orphan":   {rule: "SV016", sow: sowOrphan, waits: true},
	"resync":   {rule: "TR013", sow: sowResync, args: []string{"--repl-diskless-sync-delay", "600"}, waits: true},
	"churn":    {rule: "TR011", sow: sowChurn},
	"expired":  {rule: "SV011", sow: sowExpired, waits: true},
	"waiting":  {rule: "TR012", sow: sowWaiting, waits: true},
	"clients":  {rule: "SV015", sow: sowClients, args: []string{"--maxclients", "20"}, waits: true},
	"misses":   {rule: "TR016", sow: sowMisses},
	"errors":   {rule: "TR017", sow: sowErrors},
	"nofolder": {rule: "TR018", sow: sowNoFolder, args: []string{"--enable-protected-configs", "yes"}, waits: true},
	"slots":    {rule: "TR015", sow: func(*testing.T, *servertest.Server) {}, args: []string{"--cluster-enabled", "yes"}, waits: true},
	"loading":  {rule: "TR002", elsewhere: sowLoading, waits: true},
	"disk":     {rule: "TR009", elsewhere: sowSlowDisk, waits: true},
}
