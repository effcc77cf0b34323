package reference

import (
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/kv/kvtest"
)

func openSession(t *testing.T, s *store, opt kv.SessionOptions) kv.Session {
	t.Helper()
	d, err := kv.DriverOf(s)
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.Session(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func op(words string) kv.Op {
	o := kv.Op{}
	for _, w := range strings.Fields(words) {
		o.Args = append(o.Args, []byte(w))
	}
	return o
}

func do(t *testing.T, c kv.Session, lines ...string) []kv.Result {
	t.Helper()
	ops, out := make([]kv.Op, len(lines)), make([]kv.Result, len(lines))
	for i, l := range lines {
		ops[i] = op(l)
	}
	if err := c.Do(ops, out); err != nil {
		t.Fatalf("%q: %v", lines, err)
	}
	return out
}

// TestSession: each reply is read for what it is, and what a session writes a scan sees.
func TestSession(t *testing.T) {
	s := newTestStore(t, kv.Target{Scheme: "ref"}, time.Time{})
	c := openSession(t, s, kv.SessionOptions{})
	out := do(t, c, "SET a 1", "GET a", "GET nothing", "LPUSH a x", "BLPOP nothing 0.01", "ZADD z 1 m")
	for i, want := range []kv.Status{kv.OK, kv.OK, kv.Miss, kv.Failed, kv.Miss, kv.OK} {
		if out[i].Status != want || out[i].Done < out[i].Sent || (out[i].Err != nil) != (want == kv.Failed) {
			t.Errorf("operation %d: %+v, want status %d", i, out[i], want)
		}
	}
	if out[1].Bytes != len("$1\r\n1\r\n") {
		t.Errorf("GET: %d bytes", out[1].Bytes)
	}
	if err := out[3].Err; err == nil || !strings.HasPrefix(err.Error(), "WRONGTYPE ") || strings.ContainsAny(err.Error(), "\r\n") {
		t.Errorf("LPUSH on a string: %v", err)
	}
	var keys []string
	for r, err := range s.Scan(t.Context(), kv.ScanOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, r.Key)
	}
	if len(keys) != 2 {
		t.Errorf("keys %q, want a and z", keys)
	}
}

// TestSessionWaits: an operation that blocks is answered by another session's.
func TestSessionWaits(t *testing.T) {
	s := newTestStore(t, kv.Target{Scheme: "ref"}, time.Time{})
	waits, pushes := openSession(t, s, kv.SessionOptions{}), openSession(t, s, kv.SessionOptions{})
	done := make(chan kv.Result)
	go func() {
		out := make([]kv.Result, 1)
		if err := waits.Do([]kv.Op{op("BLPOP list 0")}, out); err != nil {
			t.Error(err)
		}
		done <- out[0]
	}()
	for blocked := false; !blocked; time.Sleep(time.Millisecond) {
		for _, c := range s.engine.Sessions() {
			blocked = blocked || c.Blocked()
		}
	}
	do(t, pushes, "RPUSH list x")
	if r := <-done; r.Status != kv.OK || r.Bytes != len("*2\r\n$4\r\nlist\r\n$1\r\nx\r\n") {
		t.Errorf("%+v", r)
	}
	if r := do(t, pushes, "EXISTS list"); r[0].Bytes != len(":0\r\n") {
		t.Errorf("the list is still there: %+v", r)
	}
}

// TestSessionPaused: an operation that CLIENT PAUSE puts off is run when the pause is over.
func TestSessionPaused(t *testing.T) {
	s := newTestStore(t, kv.Target{Scheme: "ref"}, time.Time{})
	c := openSession(t, s, kv.SessionOptions{})
	do(t, c, "CLIENT PAUSE 20 WRITE")
	if r := do(t, c, "SET key value"); r[0].Bytes != len("+OK\r\n") {
		t.Errorf("%+v", r)
	}
	if r := do(t, c, "GET key"); r[0].Bytes != len("$5\r\nvalue\r\n") {
		t.Errorf("%+v", r)
	}
}

// TestSessionEnds: a wait ends with the session's timeout, and with Close.
func TestSessionEnds(t *testing.T) {
	s := newTestStore(t, kv.Target{Scheme: "ref"}, time.Time{})
	c := openSession(t, s, kv.SessionOptions{Timeout: 5 * time.Millisecond})
	if err := c.Do([]kv.Op{op("BLPOP list 0")}, make([]kv.Result, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a wait without end: %v", err)
	}
	c = openSession(t, s, kv.SessionOptions{})
	time.AfterFunc(5*time.Millisecond, func() { c.Close() })
	if err := c.Do([]kv.Op{op("BLPOP list 0")}, make([]kv.Result, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a wait that Close ends: %v", err)
	}
	if err := c.Do([]kv.Op{op("PING")}, make([]kv.Result, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestSessionAllocates nothing once it is warm.
func TestSessionAllocates(t *testing.T) {
	s := newTestStore(t, kv.Target{Scheme: "ref"}, time.Time{})
	c := openSession(t, s, kv.SessionOptions{})
	ops, out := []kv.Op{op("SET key value"), op("GET key"), op("INCR n"), op("HSET h f v")}, make([]kv.Result, 4)
	n := testing.AllocsPerRun(200, func() {
		if err := c.Do(ops, out); err != nil {
			t.Fatal(err)
		}
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestValues: what is wanted of a reply is read, whatever comes after it in the same Do.
func TestValues(t *testing.T) {
	s := newTestStore(t, kv.Target{Scheme: "ref"}, time.Time{})
	c := openSession(t, s, kv.SessionOptions{})
	ops := []kv.Op{
		op("SET a v"), op("RPUSH l x yy"), op("GET a"), op("LRANGE l 0 9"), op("BLPOP none 0.01"), op("GET none"),
		op("MULTI"), op("INCR n"), op("LRANGE l 0 0"), op("INCR l"), op("EXEC"), op("LRANGE none 0 1"), op("LPUSH a x"), op("GET a"),
	}
	ops[0].Args[2] = []byte("\r\n")
	for i := range ops {
		ops[i].Want = i < len(ops)-1
	}
	want := []string{
		`["OK"]`, `["2"]`, `["\r\n"]`, `["x" "yy"]`, `[nil]`, `[nil]`, `["OK"]`, `["QUEUED"]`, `["QUEUED"]`, `["QUEUED"]`,
		`["1" "x" "-WRONGTYPE Operation against a key holding the wrong kind of value"]`, `[]`, `[]`, `[]`,
	}
	out := make([]kv.Result, len(ops))
	for range 2 { // the second time the buffers are those of the first
		do(t, c, "DEL n l")
		if err := c.Do(ops, out); err != nil {
			t.Fatal(err)
		}
		for i := range out {
			if got := quoted(out[i].Values); got != want[i] {
				t.Errorf("%q: %s, want %s", ops[i].Args, got, want[i])
			}
		}
	}
}

func quoted(values [][]byte) string {
	words := []string{}
	for _, v := range values {
		if v == nil {
			words = append(words, "nil")
			continue
		}
		words = append(words, strconv.Quote(string(v)))
	}
	return "[" + strings.Join(words, " ") + "]"
}

// TestEpoch: sessions that are told one count from it.
func TestEpoch(t *testing.T) {
	s := newTestStore(t, kv.Target{Scheme: "ref"}, time.Time{})
	c := openSession(t, s, kv.SessionOptions{Epoch: time.Now().Add(-time.Hour)})
	if out := do(t, c, "PING"); out[0].Sent < time.Hour || out[0].Done < out[0].Sent {
		t.Errorf("sent %s, done %s", out[0].Sent, out[0].Done)
	}
}

// TestDriver holds a session to the contract that those of servers keep.
func TestDriver(t *testing.T) {
	kvtest.TestDriver(t, kvtest.DriverConfig{Open: func(t *testing.T) kv.Driver {
		d, err := kv.DriverOf(newTestStore(t, kv.Target{Scheme: "ref"}, time.Time{}))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}})
}
