package engine_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/command"
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/wire"
)

// table is the real one with a command that fails internally, under the name of one that is not otherwise there.
func table() []engine.Command {
	return append(command.Table(), engine.Command{Name: "wait", Run: func(c *engine.Call) {
		c.Out.Array(2)
		panic("on purpose")
	}})
}

// start returns an engine with a clock that is moved by hand.
func start(t testing.TB, o engine.Options) (*engine.Engine, *engine.ManualClock) {
	t.Helper()
	clock := engine.NewManualClock(time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC))
	if o.Clock == nil {
		o.Clock = clock
	}
	e, err := engine.New(o, table())
	if err != nil {
		t.Fatal(err)
	}
	return e, clock
}

// run runs requests as one batch and returns what is sent.
func run(t testing.TB, s *engine.Session, requests ...string) string {
	t.Helper()
	for _, r := range requests {
		if s.Blocked() {
			t.Fatalf("%q: the session is blocked", r)
		}
		args, ok := wire.Split([]byte(r))
		if !ok {
			t.Fatalf("%q: unbalanced quotes", r)
		}
		s.Run(args)
	}
	s.Release()
	out := string(s.Out.Bytes())
	s.Out.Reset()
	s.Deliver()
	return out
}

func expect(t testing.TB, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// inbox returns what others have sent.
func inbox(s *engine.Session) string { return string(s.Inbox(nil)) }

// A command that fails internally answers an error in place of what it has written, is logged with its stack, and the session,
// the engine and its locks go on.
func TestPanic(t *testing.T) {
	var logged string
	e, _ := start(t, engine.Options{Shards: 4, Log: func(text string) { logged = text }})
	s := e.Connect(engine.Origin{})
	expect(t, run(t, s, "set a 1", "wait 0 0", "get a"), "+OK\r\n-ERR internal error\r\n$1\r\n1\r\n")
	if !strings.Contains(logged, "internal error in wait: on purpose") || !strings.Contains(logged, "engine_test.go") {
		t.Errorf("logged %q", logged)
	}
	expect(t, run(t, s, "multi", "wait 0 0", "get a", "exec"), "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n-ERR internal error\r\n$1\r\n1\r\n")
	expect(t, run(t, e.Connect(engine.Origin{}), "dbsize"), ":1\r\n")
}

// So does one that fails when it answers who has waited, for a key or for the end of the wait.
func TestPanicOfWaiter(t *testing.T) {
	commands := table()
	for i := range commands {
		if commands[i].Name == "brpop" {
			commands[i].Run = func(c *engine.Call) {
				c.Block([][]byte{c.Args[1]}, 5, func(*engine.Call, []byte) bool { panic("on purpose") }, func(*engine.Call) { panic("late") })
			}
		}
	}
	var mu sync.Mutex
	var logged string
	log := func(text string) {
		mu.Lock()
		defer mu.Unlock()
		logged += text
	}
	e, err := engine.New(engine.Options{Shards: 4, Log: log}, commands)
	if err != nil {
		t.Fatal(err)
	}
	waits, w := e.Connect(engine.Origin{}), e.Connect(engine.Origin{})
	run(t, waits, "brpop q 0")
	expect(t, run(t, w, "rpush q x", "llen q"), ":1\r\n:1\r\n")
	expect(t, inbox(waits), "-ERR internal error\r\n")
	run(t, waits, "brpop other 0")
	for waits.Blocked() {
		time.Sleep(time.Millisecond)
	}
	expect(t, run(t, waits, "ping"), "-ERR internal error\r\n+PONG\r\n")
	mu.Lock()
	defer mu.Unlock()
	if !strings.Contains(logged, "brpop: on purpose") || !strings.Contains(logged, "brpop: late") {
		t.Errorf("logged %.300q", logged)
	}
}

func TestTransaction(t *testing.T) {
	e, clock := start(t, engine.Options{Shards: 2})
	a, b := e.Connect(engine.Origin{}), e.Connect(engine.Origin{})
	expect(t, run(t, a, "watch k", "multi", "set k a", "exec"), "+OK\r\n+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n")
	expect(t, run(t, a, "watch k"), "+OK\r\n")
	run(t, b, "set k b")
	expect(t, run(t, a, "multi", "set k a", "exec", "get k"), "+OK\r\n+QUEUED\r\n*-1\r\n$1\r\nb\r\n")
	expect(t, run(t, a, "multi", "nosuch", "set k a", "exec", "get k"),
		"+OK\r\n-ERR unknown command 'nosuch', with args beginning with: \r\n+QUEUED\r\n-EXECABORT Transaction discarded because of previous errors.\r\n$1\r\nb\r\n")
	expect(t, run(t, a, "set k 1 px 10", "watch k"), "+OK\r\n+OK\r\n")
	clock.Advance(20 * time.Millisecond)
	expect(t, run(t, a, "multi", "ping", "exec"), "+OK\r\n+QUEUED\r\n*-1\r\n")
	run(t, a, "set k 1 px 10")
	clock.Advance(20 * time.Millisecond)
	expect(t, run(t, a, "watch k", "multi", "ping", "exec"), "+OK\r\n+OK\r\n+QUEUED\r\n*1\r\n+PONG\r\n")
}

// Who waits for a key is served in the order of arrival, by the command that brings an element, and answered by its timeout.
func TestBlocking(t *testing.T) {
	e, _ := start(t, engine.Options{Shards: 4})
	woken := map[string]int{}
	connect := func(name string) *engine.Session {
		return e.Connect(engine.Origin{Wake: func() { woken[name]++ }})
	}
	first, second, third, w := connect("first"), connect("second"), connect("third"), connect("writer")
	expect(t, run(t, first, "blpop q other 0"), "")
	expect(t, run(t, second, "blpop q 0.05"), "")
	expect(t, run(t, third, "blpop q 0"), "")
	if !first.Blocked() || !second.Blocked() || !third.Blocked() {
		t.Fatal("they do not wait")
	}
	expect(t, run(t, w, "rpush q x"), ":1\r\n")
	expect(t, inbox(first), "*2\r\n$1\r\nq\r\n$1\r\nx\r\n")
	if first.Blocked() || !first.Woken() || woken["first"] == 0 {
		t.Error("the first was not woken")
	}
	if !e.Advance(time.Second) {
		t.Fatal("the clock cannot be moved")
	}
	expect(t, inbox(second), "*-1\r\n")
	expect(t, run(t, w, "multi", "lpush q a", "lpush q b", "exec"), "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n:2\r\n")
	expect(t, inbox(third), "*2\r\n$1\r\nq\r\n$1\r\nb\r\n") // after the transaction, not in it
	expect(t, run(t, w, "multi", "blpop q 0", "blpop q 0", "exec"), "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n*2\r\n$1\r\nq\r\n$1\r\na\r\n*-1\r\n")
}

func TestUnblockAndPause(t *testing.T) {
	e, _ := start(t, engine.Options{})
	a, b := e.Connect(engine.Origin{}), e.Connect(engine.Origin{})
	run(t, a, "blpop q 0")
	expect(t, run(t, b, "client unblock 1 error", "client unblock 1"), ":1\r\n:0\r\n")
	expect(t, inbox(a), "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n")
	expect(t, run(t, b, "client pause 100 write"), "+OK\r\n")
	expect(t, run(t, a, "get k", "set k 1"), "$-1\r\n")
	if !a.Blocked() || a.Delayed() != nil {
		t.Fatal("a write went through a pause")
	}
	e.Advance(200 * time.Millisecond)
	args := a.Delayed()
	if a.Blocked() || len(args) != 3 || string(args[1]) != "k" {
		t.Fatalf("after the pause: blocked %v, delayed %q", a.Blocked(), args)
	}
	a.Run(args)
	expect(t, run(t, a, "get k"), "+OK\r\n$1\r\n1\r\n")
}

// A session that ends while it waits leaves nothing behind.
func TestCloseWhileBlocked(t *testing.T) {
	e, _ := start(t, engine.Options{Shards: 2})
	a, b := e.Connect(engine.Origin{}), e.Connect(engine.Origin{})
	run(t, a, "watch w", "subscribe ch")
	run(t, b, "blpop q 0")
	a.Close()
	b.Close()
	c := e.Connect(engine.Origin{})
	expect(t, run(t, c, "rpush q x", "llen q", "publish ch m", "set w 1"), ":1\r\n:1\r\n:0\r\n+OK\r\n")
	if got := run(t, c, "info clients"); !strings.Contains(got, "blocked_clients:0") || !strings.Contains(got, "connected_clients:1") {
		t.Errorf("%s", got)
	}
}

func TestPubSub(t *testing.T) {
	e, _ := start(t, engine.Options{Shards: 2})
	a, b := e.Connect(engine.Origin{}), e.Connect(engine.Origin{})
	expect(t, run(t, a, "subscribe x", "psubscribe k*", "get y"), "*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n*3\r\n$10\r\npsubscribe\r\n$2\r\nk*\r\n:2\r\n"+
		"-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n")
	expect(t, run(t, b, "publish x hi", "publish kk ho"), ":1\r\n:1\r\n")
	expect(t, inbox(a), "*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$2\r\nhi\r\n*4\r\n$8\r\npmessage\r\n$2\r\nk*\r\n$2\r\nkk\r\n$2\r\nho\r\n")
	run(t, b, "publish x before")
	expect(t, run(t, a, "unsubscribe x"), "*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$6\r\nbefore\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n:1\r\n")
}

func TestNotifications(t *testing.T) {
	e, clock := start(t, engine.Options{Expiry: keyspace.ExpireExact})
	a, b := e.Connect(engine.Origin{}), e.Connect(engine.Origin{})
	run(t, b, "config set notify-keyspace-events Ex$")
	run(t, a, "psubscribe __key*")
	run(t, b, "set k v px 5", "lpush l 1")
	clock.Advance(time.Second)
	run(t, b, "get k")
	got := inbox(a)
	for _, want := range []string{"__keyevent@0__:set\r\n$1\r\nk", "__keyevent@0__:expired\r\n$1\r\nk"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	if strings.Contains(got, "lpush") || strings.Contains(got, "keyspace@") {
		t.Errorf("%q has what was not asked for", got)
	}
}

func TestTracking(t *testing.T) {
	e, _ := start(t, engine.Options{Shards: 2})
	a, b := e.Connect(engine.Origin{}), e.Connect(engine.Origin{})
	run(t, a, "hello 3")
	expect(t, run(t, a, "client tracking on", "get k", "get mine"), "+OK\r\n_\r\n_\r\n")
	run(t, b, "set k 1", "set k 2", "set unread 1")
	expect(t, inbox(a), ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n")
	expect(t, run(t, a, "set mine 1", "ping"), "+OK\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$4\r\nmine\r\n+PONG\r\n")
	run(t, b, "flushall")
	expect(t, inbox(a), ">2\r\n$10\r\ninvalidate\r\n_\r\n")
	expect(t, run(t, a, "client tracking off", "client tracking on bcast prefix u:"), "+OK\r\n+OK\r\n")
	run(t, b, "set u:1 1", "set v:1 1")
	expect(t, inbox(a), ">2\r\n$10\r\ninvalidate\r\n*1\r\n$3\r\nu:1\r\n")
}

// The table of what clients track is bounded: who read a key that is forgotten is told to forget it too.
func TestTrackedKeysAreBounded(t *testing.T) {
	e, _ := start(t, engine.Options{Config: [][2]string{{"tracking-table-max-keys", "2"}}})
	a := e.Connect(engine.Origin{})
	got := run(t, a, "hello 3", "client tracking on noloop", "get k1", "get k2", "get k3", "get k4", "ping")
	if n := strings.Count(got+inbox(a), "invalidate"); n != 2 {
		t.Errorf("%d keys were forgotten of four, where two may be tracked: %q", n, got)
	}
	run(t, e.Connect(engine.Origin{}), "config set tracking-table-max-keys 1")
	e.Cron()
	if n := strings.Count(inbox(a), "invalidate"); n != 1 {
		t.Errorf("%d keys were forgotten when the limit was lowered", n)
	}
}

// No log and no monitor shows a password.
func TestSecrets(t *testing.T) {
	e, _ := start(t, engine.Options{Config: [][2]string{{"slowlog-log-slower-than", "0"}}})
	s, m := e.Connect(engine.Origin{}), e.Connect(engine.Origin{})
	run(t, m, "monitor")
	run(t, s, "config set requirepass canary maxclients 100", "auth canary", "auth default canary", "hello 2 auth default canary setname me", "get k")
	log := run(t, s, "slowlog get 20")
	seen := inbox(m)
	for _, text := range []string{log, seen} {
		if strings.Contains(text, "canary") || !strings.Contains(text, "(redacted)") || !strings.Contains(text, "me") {
			t.Errorf("%q", text)
		}
	}
	if !strings.Contains(log, "maxclients\r\n$3\r\n100") || !strings.Contains(seen, `"get" "k"`) {
		t.Errorf("%q\n%q", log, seen)
	}
}

func TestMaxMemory(t *testing.T) {
	e, _ := start(t, engine.Options{Shards: 2, Config: [][2]string{{"maxmemory", "100kb"}}})
	s := e.Connect(engine.Origin{})
	refused := false
	for i := range 4000 {
		reply := run(t, s, fmt.Sprintf("set key:%d %s", i, strings.Repeat("x", 100)))
		if reply == "-OOM command not allowed when used memory > 'maxmemory'.\r\n" {
			refused = true
		}
	}
	if !refused || e.Len() == 0 {
		t.Fatalf("%d keys, refused %v", e.Len(), refused)
	}
	expect(t, run(t, s, "config set maxmemory-policy allkeys-lru"), "+OK\r\n")
	for i := range 1000 {
		expect(t, run(t, s, fmt.Sprintf("set other:%d v", i)), "+OK\r\n")
	}
	if e.Used() > 110<<10 {
		t.Errorf("%d bytes are used", e.Used())
	}
}

// What there was no time to evict before a command goes beside the commands, of the shards that nobody asks for too.
func TestEvictionGoesOn(t *testing.T) {
	e, err := engine.New(engine.Options{Shards: 2, Config: [][2]string{{"maxmemory-eviction-tenacity", "0"}}}, table())
	if err != nil {
		t.Fatal(err)
	}
	s := e.Connect(engine.Origin{})
	for i := range 20_000 {
		run(t, s, fmt.Sprintf("set key:%d v", i))
	}
	limit := e.Used() / 4
	run(t, s, "config set maxmemory-policy allkeys-lru", fmt.Sprintf("config set maxmemory %d", limit))
	expect(t, run(t, s, "set one v"), "+OK\r\n")
	for end := time.Now().Add(30 * time.Second); e.Used() > limit; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d bytes are used, of %d that may be", e.Used(), limit)
		}
	}
}

// The same requests under the same clock and seed are answered with the same bytes.
func TestDeterminism(t *testing.T) {
	history := func() string {
		e, clock := start(t, engine.Options{Seed: 7})
		s := e.Connect(engine.Origin{})
		out := ""
		for i := range 500 {
			out += run(t, s, fmt.Sprintf("sadd s m%d", i), "srandmember s", "randomkey", fmt.Sprintf("set k%d v ex 1", i%50), "dbsize", "info memory")
			clock.Advance(100 * time.Millisecond)
		}
		return out
	}
	mask := func(s string) string {
		var kept []string
		for l := range strings.Lines(s) {
			if !strings.Contains(l, "rss") && !strings.Contains(l, "allocator_resident") && !strings.Contains(l, "mem_fragmentation") && !strings.HasPrefix(l, "$") {
				kept = append(kept, l)
			}
		}
		return strings.Join(kept, "")
	}
	if a, b := mask(history()), mask(history()); a != b {
		t.Error("two runs differ")
	}
}

// Many sessions at once, over every kind of lock: nothing is lost, nothing hangs.
func TestConcurrency(t *testing.T) {
	e, err := engine.New(engine.Options{Shards: 8}, table())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	const sessions, rounds = 8, 200
	for n := range sessions {
		wg.Go(func() {
			s := e.Connect(engine.Origin{})
			defer s.Close()
			for i := range rounds {
				run(t, s, "incr n", fmt.Sprintf("mset a%d 1 b%d 2 c%d 3", i, n, i), "multi", "incr n", "incr m", "exec", "publish ch x", "client list")
				switch i % 10 {
				case n % 10:
					run(t, s, "watch n", "unwatch", "subscribe ch", "unsubscribe", "info", "config get *", "dbsize")
				case 5:
					e.Cron()
				}
			}
		})
	}
	wg.Wait()
	expect(t, run(t, e.Connect(engine.Origin{}), "get n", "get m"), "$4\r\n3200\r\n$4\r\n1600\r\n")
}

func TestRunAllocatesNothing(t *testing.T) {
	e, _ := start(t, engine.Options{Shards: 2})
	s := e.Connect(engine.Origin{})
	var batch [][][]byte
	for _, r := range []string{"SET key:1 xxx", "get key:1", "INCR n", "HSET h f v", "lpush l x", "rpop l", "zadd z 1 a", "sadd s a"} {
		args, _ := wire.Split([]byte(r))
		batch = append(batch, args)
	}
	n := testing.AllocsPerRun(500, func() {
		for _, args := range batch {
			s.Run(args)
		}
		s.Release()
		s.Out.Reset()
		s.Deliver()
	})
	if n > 0 {
		t.Errorf("%v allocations in a batch", n)
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{
		{"*", "abc", true},
		{"", "", true},
		{"**", "", false}, // as Redis has it
		{"a*c", "abbc", true},
		{"a*c", "abbcd", false},
		{"a?c", "abc", true},
		{"[a-c]x", "bx", true},
		{"[^a-c]x", "bx", false},
		{"[c-a]", "b", true},
		{"[a", "a", true},
		{`\*`, "*", true},
		{`\*`, "a", false},
		{"a*", "a", true},
		{"*a*b*c*d*e*f*g*h*", strings.Repeat("abcdefg", 2000), false},
	} {
		if got := engine.Match(tt.pattern, []byte(tt.s)); got != tt.want {
			t.Errorf("%q on %.20q: %v", tt.pattern, tt.s, got)
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("[^a-\\]*?", "ab")
	f.Fuzz(func(t *testing.T, pattern, s string) { engine.Match(pattern, []byte(s)) })
}

// A batch that has been looked at in advance is answered as one that has not: a container's subcommand is found.
func TestWarmedSubcommands(t *testing.T) {
	e, _ := start(t, engine.Options{})
	s := e.Connect(engine.Origin{})
	run(t, s, "set k 1")
	for _, line := range []string{"object encoding k", "client getname"} {
		want := run(t, s, line)
		var batch [][][]byte
		for range engine.Ahead {
			args, _ := wire.Split([]byte(line))
			batch = append(batch, args)
		}
		s.Warm(batch)
		for _, args := range batch {
			s.Out.Reset()
			s.Run(args)
			expect(t, string(s.Out.Bytes()), want)
		}
		s.Release()
		s.Out.Reset()
	}
}
