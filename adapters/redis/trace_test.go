package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
)

// openTracer opens a target that must be one.
func openTracer(t *testing.T, url string) (kv.Store, kv.Tracer) {
	t.Helper()
	s := openURL(t, url)
	tracer, err := kv.TracerOf(s)
	if err != nil {
		t.Fatal(err)
	}
	return s, tracer
}

// traced counts what a trace yields by key, kind and place, and returns the error that ended it.
func traced(ctx context.Context, tr kv.Tracer, opt kv.TraceOptions) (map[string]int, error) {
	seen := map[string]int{}
	for a, err := range tr.Trace(ctx, opt) {
		if err != nil {
			return seen, err
		}
		seen[fmt.Sprintf("%s %s %s", [...]string{"?", "r", "w"}[a.Kind], a.Key, a.Place)]++
	}
	return seen, nil
}

// busy does something to the server until the test ends or it fails: SET hot, three times as often GET cold. It leaves the machine
// time for others.
func busy(t *testing.T, s *servertest.Server) {
	t.Helper()
	c, err := servertest.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			case <-time.After(200 * time.Microsecond):
			}
			words := []string{"GET", "cold"}
			if i%4 == 0 {
				words = []string{"SET", "hot", "v"}
			}
			if _, failed := c.Do(words...).(error); failed {
				return
			}
		}
	})
	t.Cleanup(func() { close(done); wg.Wait(); c.Close() })
}

// monitors is how many connections a server feeds with what it is asked.
func monitors(t *testing.T, s *servertest.Server) int {
	t.Helper()
	list, _ := s.Client(t).Must(t, "CLIENT", "LIST").(string)
	return strings.Count(list, "cmd=monitor")
}

func TestMonitor(t *testing.T) {
	t.Parallel()
	servertest.Matrix(t, func(t *testing.T, version string) {
		s := servertest.Redis(t, servertest.Options{Version: version})
		busy(t, s)
		_, tr := openTracer(t, "redis://"+s.Addr)
		var seen map[string]int
		for window := 500 * time.Millisecond; seen["w hot "] < 10 && window < time.Minute; window *= 4 { // the machine may be busy
			var err error
			if seen, err = traced(t.Context(), tr, kv.TraceOptions{Source: kv.TraceMonitor, Window: window}); err != nil {
				t.Fatal(err)
			}
		}
		if w, r := seen["w hot "], seen["r cold "]; w < 10 || r < 2*w || len(seen) != 2 {
			t.Errorf("%v", seen)
		}
		servertest.Until(t, "the end of MONITOR", func() bool { return monitors(t, s) == 0 })
	})
}

// Each bound ends a trace; so do who asked for it, and whoever takes no more.
func TestMonitorEnds(t *testing.T) {
	s := servertest.Redis(t, servertest.Options{})
	busy(t, s)
	_, tr := openTracer(t, "redis://"+s.Addr)
	const long = time.Hour
	for name, opt := range map[string]kv.TraceOptions{
		"count": {Source: kv.TraceMonitor, Window: long, Count: 50}, "bytes": {Source: kv.TraceMonitor, Window: long, Bytes: 5000},
	} {
		why := ""
		opt.Told = func(s string) { why = s }
		seen, err := traced(t.Context(), tr, opt)
		if n := seen["w hot "] + seen["r cold "]; err != nil || n < 50 || n > 5000 || !strings.HasPrefix(why, "stopped after") {
			t.Errorf("%s: %d accesses, %v, %q", name, n, err, why)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	for _, err := range tr.Trace(ctx, kv.TraceOptions{Source: kv.TraceMonitor, Window: long}) {
		if n++; n == 20 {
			cancel()
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	cancel()
	if n < 20 {
		t.Errorf("%d accesses until the interrupt", n)
	}
	for range tr.Trace(t.Context(), kv.TraceOptions{Source: kv.TraceMonitor, Window: long}) {
		break
	}
	if _, err := traced(t.Context(), tr, kv.TraceOptions{Source: kv.TraceMonitor}); !errors.Is(err, kv.ErrUsage) {
		t.Errorf("without a window: %v", err)
	}
	servertest.Until(t, "the end of MONITOR", func() bool { return monitors(t, s) == 0 })
}

// A quiet server is watched to the end of the window, which is no error.
func TestMonitorOfAQuietServer(t *testing.T) {
	t.Parallel()
	s := servertest.Redis(t, servertest.Options{})
	_, tr := openTracer(t, "redis://"+s.Addr+"?timeout=200ms")
	seen, err := traced(t.Context(), tr, kv.TraceOptions{Source: kv.TraceMonitor, Window: 600 * time.Millisecond})
	if err != nil || len(seen) != 0 {
		t.Errorf("%v, %v", seen, err)
	}
}

func TestMonitorForbidden(t *testing.T) {
	s := servertest.Redis(t, servertest.Options{})
	s.Client(t).Must(t, "ACL", "SETUSER", "blind", "on", ">pw", "~*", "+@all", "-monitor")
	_, tr := openTracer(t, "redis://blind:pw@"+s.Addr)
	_, err := traced(t.Context(), tr, kv.TraceOptions{Source: kv.TraceMonitor, Window: time.Second})
	if err == nil || !strings.Contains(err.Error(), "NOPERM") || !strings.Contains(kv.Hint(err), "+monitor") {
		t.Errorf("%v (%s)", err, kv.Hint(err))
	}
}

// What was seen of a server that dies stands, and that it has died is said.
func TestMonitorOfAServerThatDies(t *testing.T) {
	s := servertest.Redis(t, servertest.Options{})
	busy(t, s)
	_, tr := openTracer(t, "redis://"+s.Addr)
	n := 0
	var err error
	for _, e := range tr.Trace(t.Context(), kv.TraceOptions{Source: kv.TraceMonitor, Window: time.Minute}) {
		if e != nil {
			err = e
			break
		}
		if n++; n == 100 {
			s.Stop()
		}
	}
	if n < 100 || err == nil || kv.Hint(err) == "" {
		t.Errorf("%d accesses, %v", n, err)
	}
}

// testMonitor sees what is done at each of three nodes.
func (c *testCluster) testMonitor(t *testing.T) {
	t.Cleanup(func() { c.tidy(t, "key:*") })
	for i, s := range c.Primaries[:3] {
		client := s.Client(t)
		key := ""
		for n := 0; key == "" || first(slot.Of(key)) != i; n++ {
			key = fmt.Sprint("key:", n)
		}
		var wg sync.WaitGroup
		done := make(chan struct{})
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				case <-time.After(time.Millisecond):
					client.Do("INCR", key)
				}
			}
		})
		t.Cleanup(func() { close(done); wg.Wait() })
	}
	_, tr := openTracer(t, c.url(""))
	seen, err := traced(t.Context(), tr, kv.TraceOptions{Source: kv.TraceMonitor, Window: 800 * time.Millisecond})
	if err != nil || len(seen) != 3 {
		t.Fatalf("%v, %v", seen, err)
	}
	for what := range seen {
		if !strings.HasPrefix(what, "w key:") || !strings.Contains(what, "127.0.0.1:") {
			t.Errorf("%q", what)
		}
	}
}

// hotkeysServer is a server of Redis 8.6 that counts by key.
type hotkeysServer struct {
	mu      sync.Mutex
	active  bool
	asked   []string
	other   bool // somebody else's session is running
	refused string
}

func (h *hotkeysServer) answer(command string) string {
	if !strings.HasPrefix(command, "HOTKEYS") {
		return ""
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refused != "" {
		return h.refused
	}
	h.asked = append(h.asked, command)
	words := strings.Fields(command)
	switch {
	case words[1] == "START" && (h.active || h.other):
		return "-ERR hotkey tracking session already in progress\r\n"
	case words[1] == "START":
		h.active = true
	case words[1] == "GET" && (h.other || len(h.asked) > 1):
		active := ":0\r\n"
		if h.active || h.other {
			active = ":1\r\n"
		}
		return "*1\r\n*12\r\n" + bulk("tracking-active") + active + bulk("selected-slots") + "*1\r\n*2\r\n:0\r\n:16383\r\n" +
			bulk("all-commands-all-slots-us") + ":1000\r\n" + bulk("net-bytes-all-commands-all-slots") + ":5000\r\n" +
			bulk("by-cpu-time-us") + "*4\r\n" + bulk("a") + ":400\r\n" + bulk("b") + ":100\r\n" +
			bulk("by-net-bytes") + "*2\r\n" + bulk("a") + ":300\r\n"
	case words[1] == "GET":
		return "*-1\r\n"
	case words[1] == "STOP":
		h.active = false
	}
	return "+OK\r\n"
}

func TestHotkeys(t *testing.T) {
	var h hotkeysServer
	_, tr := openTracer(t, "redis://"+fake(t, h.answer))
	facts, err := tr.Traces(t.Context())
	if err != nil || facts[0].How != kv.Measured {
		t.Fatalf("%+v, %v", facts, err)
	}
	var got []kv.Access
	for a, err := range tr.Trace(t.Context(), kv.TraceOptions{Source: kv.TraceServer, Window: 50 * time.Millisecond, Keys: 100}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, *a)
	}
	want := []kv.Access{
		{Key: "a", CPU: 400 * time.Microsecond, Bytes: 300},
		{Key: "b", CPU: 100 * time.Microsecond},
		{CPU: time.Millisecond, Bytes: 5000, Whole: true},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v", got)
	}
	if asked := strings.Join(h.asked[1:], "; "); asked != "HOTKEYS START METRICS 2 CPU NET COUNT 64 DURATION 10; HOTKEYS STOP; HOTKEYS GET; HOTKEYS RESET" {
		t.Errorf("asked %s", asked)
	}
}

// Whoever gives up leaves no session behind.
func TestHotkeysCleansUp(t *testing.T) {
	var h hotkeysServer
	_, tr := openTracer(t, "redis://"+fake(t, h.answer))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	for range tr.Trace(ctx, kv.TraceOptions{Source: kv.TraceServer, Window: time.Hour}) {
		continue
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.asked); h.active || n != 4 || h.asked[n-1] != "HOTKEYS RESET" {
		t.Errorf("active %v, asked %q", h.active, h.asked)
	}
}

func TestHotkeysMissing(t *testing.T) {
	for name, c := range map[string]struct {
		h         *hotkeysServer
		why, hint string
	}{
		"old": {
			&hotkeysServer{refused: "-ERR unknown command 'HOTKEYS', with args beginning with: 'GET'\r\n"},
			"unknown command", "8.6",
		},
		"refused": {
			&hotkeysServer{refused: "-NOPERM User default has no permissions to run the 'hotkeys|get' command\r\n"},
			"NOPERM", "+hotkeys",
		},
		"in use": {&hotkeysServer{other: true}, "somebody else's", "HOTKEYS STOP"},
	} {
		_, tr := openTracer(t, "redis://"+fake(t, c.h.answer))
		facts, err := tr.Traces(t.Context())
		if err != nil || facts[0].How != kv.Missing || !strings.Contains(facts[0].Why, c.why) || !strings.Contains(facts[0].Hint,
			c.hint) {
			t.Errorf("%s: %+v, %v", name, facts, err)
		}
	}
}

// testStats reads what each node counts of commands and of slots.
func (c *testCluster) testStats(t *testing.T) {
	store, _ := openTracer(t, c.url(""))
	for _, client := range c.clients {
		client.Must(t, "CONFIG", "RESETSTAT")
	}
	for i := range 30 {
		key := fmt.Sprint("k", i)
		c.clients[first(slot.Of(key))].Must(t, "SET", key, "v")
	}
	source, err := kv.StatsOf(store)
	if err != nil {
		t.Fatal(err)
	}
	all, err := source.Stats(t.Context())
	if err != nil || len(all) != 3 {
		t.Fatalf("%v, %v", all, err)
	}
	keys, sets, slots := int64(0), int64(0), 0
	for _, st := range all {
		for _, c := range st.Calls {
			if c.Command == "set" {
				sets += c.N
			}
		}
		if st.Settings["lfu-log-factor"] != "7" || st.Settings["requirepass"] != "" || st.Settings["masterauth"] != "" {
			t.Errorf("settings %v", st.Settings)
		}
		for _, s := range st.Slots {
			keys += s.Keys
			slots++
		}
		if st.SlotsWhy == "" {
			t.Error("neither counted by slot nor said why not")
		}
	}
	if sets != 30 {
		t.Errorf("%d calls of SET were counted, of 30", sets)
	}
	if tells := strings.HasPrefix(c.version, "valkey"); tells != (slots == slot.Count) || tells != (keys == int64(len(c.keys)+30)) {
		t.Errorf("%d slots, %d keys", slots, keys)
	}
	c.tidy(t, "k[0-9]*")
}
