package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/command"
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/server"
)

// A log keeps what a server tells its operator.
type log struct {
	mu    sync.Mutex
	lines []string
}

func (l *log) add(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, text)
}

func (l *log) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(strings.Join(l.lines, "\n"), text)
}

// start serves an engine and returns its address.
func start(t testing.TB, config ...[2]string) (addr string, l *log) {
	t.Helper()
	l = &log{}
	e, err := engine.New(engine.Options{Shards: 2, Config: config, Log: l.add}, command.Table())
	if err != nil {
		t.Fatal(err)
	}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := server.New(e, l.add)
	served := make(chan error, 1)
	go func() { served <- s.Serve(lis) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return lis.Addr().String(), l
}

// A client is a connection whose reads and writes end within a time.
type client struct {
	net.Conn
	r *bufio.Reader
	t testing.TB
}

func dial(t testing.TB, addr string) *client {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &client{c, bufio.NewReader(c), t}
}

func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) expect(want string) {
	c.t.Helper()
	b := make([]byte, len(want))
	n, err := io.ReadFull(c.r, b)
	if err != nil || string(b) != want {
		c.t.Fatalf("got %q, %v, want %q", b[:n], err, want)
	}
}

func (c *client) expectClosed() {
	c.t.Helper()
	if b, err := io.ReadAll(c.r); len(b) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
		c.t.Fatalf("got %q, %v, want the end", b, err)
	}
}

func TestPipeline(t *testing.T) {
	addr, _ := start(t)
	c := dial(t, addr)
	c.send("SET a 1\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\nINCR a\r\nQUIT\r\nGET a\r\n")
	c.expect("+OK\r\n$1\r\n1\r\n:2\r\n+OK\r\n")
	c.expectClosed()
}

// A client that sends all before it reads anything is answered, however much that is.
func TestManyRepliesUnread(t *testing.T) {
	addr, _ := start(t)
	c := dial(t, addr)
	value := strings.Repeat("v", 100_000)
	c.send(fmt.Sprintf("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%s\r\n", len(value), value))
	c.expect("+OK\r\n")
	const n = 300 // 30 MB
	c.send(strings.Repeat("GET k\r\n", n) + "PING\r\n")
	for range n {
		c.expect(fmt.Sprintf("$%d\r\n%s\r\n", len(value), value))
	}
	c.expect("+PONG\r\n")
}

// A subscriber that does not read is disconnected at the limit, and the publisher is not held up.
func TestSlowSubscriber(t *testing.T) {
	addr, l := start(t, [2]string{"client-output-buffer-limit", "pubsub 1mb 0 0"})
	slow, fast := dial(t, addr), dial(t, addr)
	slow.send("SUBSCRIBE ch\r\n")
	slow.expect("*3\r\n$9\r\nsubscribe\r\n$2\r\nch\r\n:1\r\n")
	message := strings.Repeat("m", 1<<20)
	request := fmt.Sprintf("*3\r\n$7\r\nPUBLISH\r\n$2\r\nch\r\n$%d\r\n%s\r\n", len(message), message)
	for range 30 {
		fast.send(request)
		if reply, err := fast.r.ReadString('\n'); err != nil || reply != ":1\r\n" && reply != ":0\r\n" {
			t.Fatalf("%q, %v", reply, err)
		}
	}
	if !l.has("reads too slowly") {
		t.Error("the operator was not told")
	}
	fast.send("PUBLISH ch x\r\n")
	fast.expect(":0\r\n")
}

func TestBlockedClientGoesOn(t *testing.T) {
	addr, _ := start(t)
	a, b := dial(t, addr), dial(t, addr)
	a.send("BLPOP q 0\r\nPING\r\nBLPOP q 0.05\r\nPING\r\n")
	b.send("CLIENT ID\r\n")
	if _, err := b.r.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { b.send("INFO clients\r\n"); return strings.Contains(readBulk(t, b), "blocked_clients:1") })
	b.send("RPUSH q x\r\n")
	b.expect(":1\r\n")
	a.expect("*2\r\n$1\r\nq\r\n$1\r\nx\r\n+PONG\r\n*-1\r\n+PONG\r\n")
}

// A client that goes away while it waits leaves no trace.
func TestBlockedClientLeaves(t *testing.T) {
	addr, _ := start(t)
	a, b := dial(t, addr), dial(t, addr)
	a.send("BLPOP q 0\r\n")
	blocked := func(n int) func() bool {
		return func() bool {
			b.send("INFO clients\r\n")
			return strings.Contains(readBulk(t, b), fmt.Sprintf("blocked_clients:%d\r", n))
		}
	}
	waitFor(t, blocked(1))
	a.Close()
	waitFor(t, blocked(0))
	b.send("RPUSH q x\r\nLLEN q\r\n")
	b.expect(":1\r\n:1\r\n")
}

func TestPauseHoldsUp(t *testing.T) {
	addr, _ := start(t)
	a, b := dial(t, addr), dial(t, addr)
	begin := time.Now() // of a pause that begins later, so that a busy machine makes the time longer and never shorter
	b.send("CLIENT PAUSE 200\r\n")
	b.expect("+OK\r\n")
	a.send("SET k 1\r\nGET k\r\n")
	a.expect("+OK\r\n$1\r\n1\r\n")
	if d := time.Since(begin); d < 199*time.Millisecond {
		t.Errorf("a paused command was answered after %v", d)
	}
}

func TestMaxClients(t *testing.T) {
	addr, _ := start(t, [2]string{"maxclients", "2"})
	a, b := dial(t, addr), dial(t, addr)
	for _, c := range []*client{a, b} {
		c.send("PING\r\n")
		c.expect("+PONG\r\n")
	}
	c := dial(t, addr)
	c.expect("-ERR max number of clients reached\r\n")
	c.expectClosed()
	a.Close()
	waitFor(t, func() bool {
		c := dial(t, addr)
		c.send("PING\r\n")
		line, _ := c.r.ReadString('\n')
		return line == "+PONG\r\n"
	})
}

func TestPassword(t *testing.T) {
	addr, _ := start(t, [2]string{"requirepass", "secret"})
	c := dial(t, addr)
	c.send("GET a\r\nAUTH wrong\r\nHELLO 3\r\nAUTH secret\r\nGET a\r\n")
	c.expect("-NOAUTH Authentication required.\r\n-WRONGPASS invalid username-password pair or user is disabled.\r\n" +
		"-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used " +
		"to authenticate the client and select the RESP protocol version at the same time\r\n+OK\r\n$-1\r\n")
	big := dial(t, addr)
	big.send("*1\r\n$1000000\r\n")
	big.expect("-ERR Protocol error: unauthenticated bulk length\r\n")
}

func TestKillAndIdle(t *testing.T) {
	addr, _ := start(t)
	a, b := dial(t, addr), dial(t, addr)
	a.send("PING\r\n")
	a.expect("+PONG\r\n")
	b.send("CLIENT KILL TYPE normal SKIPME yes\r\n")
	b.expect(":1\r\n")
	a.expectClosed()
	b.send("CONFIG SET timeout 1\r\n")
	b.expect("+OK\r\n")
	b.expectClosed()
}

func TestUnixSocket(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("sockets have no files there")
	}
	e, err := engine.New(engine.Options{}, command.Table())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s")
	lis, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := server.New(e, nil)
	defer s.Close()
	go s.Serve(lis)
	nc, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	c := &client{nc, bufio.NewReader(nc), t}
	c.send("CLIENT INFO\r\n")
	if line := readBulk(t, c); !strings.Contains(line, "addr="+path+":0 ") || !strings.Contains(line, "flags=U") {
		t.Errorf("%s", line)
	}
}

// Close ends connections that are idle, that wait, and that read nothing, and leaves no goroutine.
func TestClose(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("serve", func(t *testing.T) {
		addr, _ := start(t)
		idle, waits, deaf := dial(t, addr), dial(t, addr), dial(t, addr)
		idle.send("PING\r\n")
		idle.expect("+PONG\r\n")
		waits.send("BLPOP q 0\r\n")
		deaf.send(fmt.Sprintf("SET k %s\r\n", strings.Repeat("x", 60_000)) + strings.Repeat("GET k\r\n", 500))
		deaf.expect("+OK\r\n")
	})
	waitFor(t, func() bool { return runtime.NumGoroutine() <= before+1 })
}

// waitFor waits until something is so.
func waitFor(t testing.TB, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never was")
		}
	}
}

// readBulk reads a string.
func readBulk(t testing.TB, c *client) string {
	t.Helper()
	line, err := c.r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if _, err := fmt.Sscanf(line, "$%d", &n); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	b := make([]byte, n+2)
	if _, err := io.ReadFull(c.r, b); err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}
