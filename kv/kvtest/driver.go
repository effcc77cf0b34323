package kvtest

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// A DriverConfig says how to open a driver and what it can do. The suite speaks the words of Redis; what a driver lacks of them
// (kv.Limited) it must refuse, and the rest do.
type DriverConfig struct {
	// Open returns a driver of a store that is empty.
	Open func(t *testing.T) kv.Driver
	// Cluster says that keys are on several servers, so that lists of keys and transactions must have a hash tag in common.
	Cluster bool
	// Allocations are those that a Do may make: what is below the driver may not do without, as TLS.
	Allocations float64
	// Largest is how many bytes a value may have; 0 is as many as the suite wants, which is a megabyte.
	Largest int
	// Batch is how many operations a large Do has; 0 is 4,000.
	Batch int
	// Stall has the store stand still until it is told to go on. It is needed of a driver that lacks CLIENT PAUSE.
	Stall func(t *testing.T) (resume func())
}

// TestDriver checks that a driver keeps the contract of kv.Driver.
func TestDriver(t *testing.T, c DriverConfig) {
	t.Run("replies", c.replies)
	t.Run("values", c.values)
	t.Run("transaction", c.transaction)
	t.Run("batch", c.batch)
	t.Run("clock", c.clock)
	t.Run("blocks", c.blocks)
	t.Run("timeout", c.timeout)
	t.Run("close", c.close)
	t.Run("allocates nothing", c.allocates)
}

func (c DriverConfig) session(t *testing.T, d kv.Driver, opt kv.SessionOptions) kv.Session {
	t.Helper()
	s, err := d.Session(t.Context(), opt)
	if err != nil {
		t.Fatalf("opening a session: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Op makes an operation of words.
func Op(words ...string) kv.Op {
	o := kv.Op{Args: make([][]byte, len(words))}
	for i, w := range words {
		o.Args[i] = []byte(w)
	}
	return o
}

// wanted makes operations of lines, whose replies are wanted.
func wanted(lines ...string) []kv.Op {
	ops := make([]kv.Op, len(lines))
	for i, l := range lines {
		ops[i] = Op(strings.Fields(l)...)
		ops[i].Want = true
	}
	return ops
}

func do(t *testing.T, s kv.Session, ops []kv.Op) []kv.Result {
	t.Helper()
	out := make([]kv.Result, len(ops))
	if err := s.Do(ops, out); err != nil {
		t.Fatalf("Do: %v", err)
	}
	return out
}

// Lines runs commands of words, each line an operation, and returns what each answers: its values with spaces between them, nil for none,
// behind "miss " where there was nothing, or "failed: " and the error.
func Lines(t *testing.T, s kv.Session, commands ...string) []string {
	t.Helper()
	answers := make([]string, len(commands))
	for i, r := range do(t, s, wanted(commands...)) {
		words := make([]string, len(r.Values))
		for j, v := range r.Values {
			if words[j] = string(v); v == nil {
				words[j] = "nil"
			}
		}
		answers[i] = strings.Join(words, " ")
		switch r.Status {
		case kv.Failed:
			answers[i] = "failed: " + r.Err.Error()
		case kv.Miss:
			answers[i] = "miss " + answers[i]
		case kv.OK:
		}
	}
	return answers
}

func (c DriverConfig) replies(t *testing.T) {
	d := c.Open(t)
	s := c.session(t, d, kv.SessionOptions{})
	_, limited := d.(kv.Limited)
	for _, x := range []struct {
		line   string
		status kv.Status
		bytes  int
		class  string
	}{
		{"SET a 1", kv.OK, len("+OK\r\n"), ""},
		{"GET a", kv.OK, len("$1\r\n1\r\n"), ""},
		{"GET nothing", kv.Miss, len("$-1\r\n"), ""},
		{"INCR a", kv.OK, len(":2\r\n"), ""},
		{"LPUSH a x", kv.Failed, 0, "WRONGTYPE"},
		{"NOSUCHCOMMAND a", kv.Failed, 0, "ERR"},
		{"BLPOP nothing 0.01", kv.Miss, len("*-1\r\n"), ""},
		{"LRANGE nothing 0 -1", kv.OK, len("*0\r\n"), ""},
		{"ZADD z 1 m 2 n", kv.OK, len(":2\r\n"), ""},
		{"ZRANGE z 0 -1", kv.OK, len("*2\r\n$1\r\nm\r\n$1\r\nn\r\n"), ""},
	} {
		if limited { // what is on the wire is its own
			x.bytes = 0
		}
		if lacks(d, x.line) {
			x.status, x.class = kv.Failed, "ERR"
		}
		r := do(t, s, []kv.Op{Op(strings.Fields(x.line)...)})[0]
		var said kv.ReplyError
		if r.Status != x.status || x.bytes > 0 && r.Bytes != x.bytes || errors.As(r.Err, &said) != (x.class != "") || said.Class() != x.class {
			t.Errorf("%s: %+v, want status %d, %d bytes, %q", x.line, r, x.status, x.bytes, x.class)
		}
		if strings.ContainsAny(string(said), "\r\n") || r.Values != nil {
			t.Errorf("%s: %+v", x.line, r)
		}
	}
}

// lacks reports whether a driver has no such command.
func lacks(d kv.Driver, line string) bool { return kv.Lacks(d, strings.Fields(line)) != "" }

func (c DriverConfig) values(t *testing.T) {
	d := c.Open(t)
	s := c.session(t, d, kv.SessionOptions{})
	if _, limited := d.(kv.Limited); limited {
		limitedValues(t, s)
		large(t, s, c.times(60_000))
		return
	}
	ops := wanted("SET a v", "GET a", "GET nothing", "RPUSH l x yy", "LRANGE l 0 -1", "LRANGE nothing 0 -1", "HSET h f v", "HGETALL h",
		"HMGET h f g", "LPUSH a x", "SET empty v", "GET empty", "STRLEN a")
	ops[10].Args[2] = nil
	ops[0].Args[2] = []byte("\r\n\x00")
	want := `["OK"] ["\r\n\x00"] [nil] ["2"] ["x" "yy"] [] ["1"] ["f" "v"] ["v" nil] none ["OK"] [""] ["3"]`
	for range 2 { // the second time the memory is that of the first
		if got := quote(do(t, s, ops)); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
		do(t, s, []kv.Op{Op("DEL", "l"), Op("DEL", "h")})
	}
	large(t, s, c.times(100_000))
}

// times returns how often sixteen bytes make a value that is as large as there may be.
func (c DriverConfig) times(most int) int {
	if c.Largest > 0 {
		return min(most, c.Largest/16)
	}
	return most
}

// limitedValues is values in words that any store has.
func limitedValues(t *testing.T, s kv.Session) {
	ops := wanted("SET a v", "GET a", "GET nothing", "SET empty v", "GET empty", "SET n 4 EX 100", "INCRBY n 38", "GET n", "DEL a", "DEL a")
	ops[3].Args[2] = nil
	ops[0].Args[2] = []byte("\r\nEND\r\n\x00")
	want := `["OK"] ["\r\nEND\r\n\x00"] [nil] ["OK"] [""] ["OK"] ["42"] ["42"] ["1"] ["0"]`
	for range 2 {
		if got := quote(do(t, s, ops)); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

// large writes and reads more than a socket takes at once.
func large(t *testing.T, s kv.Session, times int) {
	large := strings.Repeat("0123456789abcdef", times)
	out := do(t, s, []kv.Op{Op("SET", "large", large), {Want: true, Args: [][]byte{[]byte("GET"), []byte("large")}}})
	if len(out[1].Values) != 1 || string(out[1].Values[0]) != large {
		t.Errorf("a large value comes back otherwise")
	}
}

func quote(out []kv.Result) string {
	words := make([]string, len(out))
	for i, r := range out {
		if r.Values == nil {
			words[i] = "none"
			continue
		}
		items := make([]string, len(r.Values))
		for j, v := range r.Values {
			if items[j] = fmt.Sprintf("%q", v); v == nil {
				items[j] = "nil"
			}
		}
		words[i] = "[" + strings.Join(items, " ") + "]"
	}
	return strings.Join(words, " ")
}

// transaction: an error within the reply of EXEC is a failure, although the others have been done.
func (c DriverConfig) transaction(t *testing.T) {
	d := c.Open(t)
	if lacks(d, "MULTI") {
		t.Skip("this store has no transactions")
	}
	s := c.session(t, d, kv.SessionOptions{})
	out := do(t, s, wanted("SET {t}a v", "MULTI", "INCR {t}n", "INCR {t}a", "EXEC", "GET {t}n"))
	if out[4].Status != kv.Failed || out[4].Err == nil || len(out[4].Values) != 2 || string(out[4].Values[0]) != "1" || out[4].Values[1][0] != '-' {
		t.Errorf("EXEC: %+v %q", out[4], out[4].Values)
	}
	if string(out[5].Values[0]) != "1" {
		t.Errorf("what EXEC has done: %q", out[5].Values)
	}
	do(t, s, wanted("WATCH {t}n", "GET {t}n"))
	do(t, s, wanted("INCR {t}n")) // the watched key changes
	if out = do(t, s, wanted("MULTI", "SET {t}a x", "EXEC", "GET {t}a")); out[2].Status != kv.Miss || string(out[3].Values[0]) != "v" {
		t.Errorf("EXEC after a change: %+v", out)
	}
}

// batch: many operations of one Do come back in their order.
func (c DriverConfig) batch(t *testing.T) {
	s := c.session(t, c.Open(t), kv.SessionOptions{})
	var ops []kv.Op
	for i := range cmp.Or(c.Batch, 4000) / 2 {
		o := Op("SET", fmt.Sprint("key:", i), fmt.Sprint("value:", i))
		ops = append(ops, o, kv.Op{Want: true, Args: [][]byte{[]byte("GET"), o.Args[1]}})
	}
	for i, r := range do(t, s, ops) {
		if i%2 == 1 && (len(r.Values) != 1 || string(r.Values[0]) != fmt.Sprint("value:", i/2)) {
			t.Fatalf("operation %d: %+v %q", i, r, r.Values)
		}
	}
}

// clock: Sent and Done lie within Do, by the clock that was asked for.
func (c DriverConfig) clock(t *testing.T) {
	epoch := time.Now().Add(-time.Hour)
	s := c.session(t, c.Open(t), kv.SessionOptions{Epoch: epoch})
	before := time.Since(epoch)
	for _, r := range do(t, s, []kv.Op{Op("SET", "a", "1"), Op("GET", "b"), Op("GET", "c")}) {
		if after := time.Since(epoch); r.Sent < before || r.Done < r.Sent || after < r.Done {
			t.Errorf("between %v and %v: %+v", before, after, r)
		}
	}
}

// blocks: an operation that waits is answered by what another session does.
func (c DriverConfig) blocks(t *testing.T) {
	d := c.Open(t)
	if lacks(d, "BLPOP list 0") {
		t.Skip("no operation of this store waits")
	}
	// The timeout is for a server that does not answer: how long a command says that it waits comes on top. Without end it may
	// not wait.
	waits, pushes := c.session(t, d, kv.SessionOptions{Timeout: 300 * time.Millisecond}), c.session(t, d, kv.SessionOptions{})
	if r := do(t, waits, wanted("BLPOP list 0.5"))[0]; r.Status != kv.Miss || r.Done-r.Sent < 400*time.Millisecond {
		t.Errorf("BLPOP of nothing: %+v", r)
	}
	go func() {
		time.Sleep(20 * time.Millisecond)
		if err := pushes.Do([]kv.Op{Op("RPUSH", "list", "x")}, make([]kv.Result, 1)); err != nil {
			t.Error(err)
		}
	}()
	if r := do(t, waits, wanted("BLPOP list 5"))[0]; quote([]kv.Result{r}) != `["list" "x"]` {
		t.Errorf("%+v %q", r, r.Values)
	}
	out := make([]kv.Result, 1)
	err := waits.Do(wanted("BLPOP list 0"), out)
	if c.Cluster && err == nil { // one of its servers is silent, the session goes on
		err = out[0].Err
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a wait without end: %v", err)
	}
}

// timeout: a Do ends, although nothing comes.
func (c DriverConfig) timeout(t *testing.T) {
	d := c.Open(t)
	s, other := c.session(t, d, kv.SessionOptions{Timeout: 100 * time.Millisecond}), c.session(t, d, kv.SessionOptions{})
	if c.Stall != nil {
		defer c.Stall(t)()
	} else {
		do(t, other, []kv.Op{Op("CLIENT", "PAUSE", "1000", "ALL")})
	}
	began, out := time.Now(), make([]kv.Result, 1)
	err := s.Do([]kv.Op{Op("SET", "a", "1")}, out)
	if c.Cluster && err == nil {
		err = out[0].Err
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) && !c.Cluster { // the server that is silent may be another than a's
		t.Errorf("a server that is silent: %v", err)
	}
	if c.Stall == nil {
		time.Sleep(time.Second - time.Since(began))
	}
}

// close ends a Do that waits.
func (c DriverConfig) close(t *testing.T) {
	s := c.session(t, c.Open(t), kv.SessionOptions{})
	waits := Op("BLPOP", "nothing", "0")
	if c.Stall != nil {
		defer c.Stall(t)()
		waits = Op("GET", "nothing")
	}
	time.AfterFunc(20*time.Millisecond, func() { s.Close() })
	if err := s.Do([]kv.Op{waits}, make([]kv.Result, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a Do whose session is closed: %v", err)
	}
	if err := s.Do([]kv.Op{Op("PING")}, make([]kv.Result, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a Do after Close: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
}

func (c DriverConfig) allocates(t *testing.T) {
	d := c.Open(t)
	s := c.session(t, d, kv.SessionOptions{Timeout: time.Minute})
	ops := []kv.Op{Op("SET", "key", "value"), Op("GET", "key"), Op("INCR", "n"), Op("GET", "no")}
	if !lacks(d, "HSET h f v") {
		ops = append(ops, Op("HSET", "h", "f", "v"))
	}
	ops[1].Want = true
	out, runs := make([]kv.Result, len(ops)), 200
	if c.Allocations > 1000 { // a library's of its own: each run takes its time, and few tell as much
		runs = 20
	}
	if n := testing.AllocsPerRun(runs, func() {
		if err := s.Do(ops, out); err != nil {
			t.Fatal(err)
		}
	}); n > c.Allocations {
		t.Errorf("%v allocations in a Do", n)
	}
}
