package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kvtool/kvtool/internal/faultproxy"
	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

// A lazy server answers each request after a while.
type lazy struct {
	mu    sync.Mutex
	while time.Duration
	conns []net.Conn
	gone  bool
	reply string
}

func (s *lazy) set(while time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.while = while
}

// drop ends all connections, and lets nobody in again if so told.
func (s *lazy) drop(gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.Close()
	}
	s.conns, s.gone = nil, gone
}

func (s *lazy) connect(context.Context) (*link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return nil, errors.New("nobody is let in")
	}
	near, far := net.Pipe()
	s.conns = append(s.conns, far)
	go func() {
		in := resp.NewReader(far, 1024)
		for {
			head, err := in.Next()
			for i := int64(0); err == nil && i < head.N; i++ {
				_, err = in.Next()
			}
			if err != nil {
				return
			}
			s.mu.Lock()
			while, reply := s.while, s.reply
			s.mu.Unlock()
			time.Sleep(while)
			if _, err := fmt.Fprint(far, reply); err != nil {
				return
			}
		}
	}()
	return newLink(near, 10*time.Second), nil
}

// governed returns a governor of s that watches, in virtual time.
func governed(t *testing.T, s *lazy) *governor {
	t.Helper()
	if s.reply == "" {
		s.reply = "+PONG\r\n"
	}
	s.while = 100 * time.Microsecond
	g := &governor{addr: "server:6379", connect: s.connect}
	leave := g.enter()
	t.Cleanup(func() {
		leave()
		s.drop(true)
		time.Sleep(10 * time.Second) // of virtual time: for who sleeps still
	})
	if err := g.wait(t.Context(), ungoverned); err != nil || len(g.burdens()) > 0 {
		t.Fatalf("watched before it may be felt: %v, %v", g.burdens(), err)
	}
	began := time.Now()
	if err := g.wait(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < baseFor || took > baseFor+10*time.Millisecond {
		t.Errorf("the baseline took %s", took)
	}
	return g
}

// read reads pages for a while, as a scan does that takes a millisecond for each.
func read(t *testing.T, g *governor, d time.Duration) (pages int, err error) {
	t.Helper()
	for began := time.Now(); time.Since(began) < d; pages++ {
		if err := g.wait(t.Context(), g.count()); err != nil {
			return pages, err
		}
		time.Sleep(time.Millisecond)
	}
	return pages, nil
}

// TestGovernor runs the governor in virtual time beside a server that is well, slow, well again, and slow for good.
func TestGovernor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &lazy{}
		g := governed(t, s)
		if pages, err := read(t, g, 10*time.Second); err != nil || pages < 9900 || g.count() != countMost || g.pauses() {
			t.Errorf("%d pages, then %d keys at once, pauses %v: %v", pages, g.count(), g.pauses(), err)
		}
		s.set(5 * time.Millisecond)
		pages, err := read(t, g, 3*time.Second)
		if err != nil || pages > 1000 || g.count() > 30 || !g.pauses() {
			t.Errorf("of a slow server %d pages in 3 s, then %d keys at once, pauses %v: %v", pages, g.count(), g.pauses(), err)
		}
		s.set(100 * time.Microsecond)
		if _, err := read(t, g, time.Minute); err != nil || g.count() != countMost || g.pauses() {
			t.Errorf("a minute later %d keys at once, pauses %v: %v", g.count(), g.pauses(), err)
		}
		b := g.burdens()[0]
		if b.Slowed < 4 || b.Least > 30 || b.Waited < time.Second || b.Before > 200*time.Microsecond || b.While < b.Before || b.Unwatched != "" || b.GaveUp {
			t.Errorf("%+v", b)
		}
		s.set(50 * time.Millisecond)
		_, err = read(t, g, time.Minute)
		if !errors.Is(err, kv.ErrImpact) || !strings.Contains(err.Error(), "--max-impact 3x,2ms") || kv.Hint(err) == "" {
			t.Errorf("of a server that is slow for good: %v, %+v", err, g.burdens())
		}
	})
}

// TestNoPageBehindLatePing has a server that does not answer for three seconds: it is asked for no page meanwhile.
func TestNoPageBehindLatePing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &lazy{}
		g := governed(t, s)
		s.set(3 * time.Second)
		time.Sleep(2 * askEvery)
		s.set(100 * time.Microsecond)
		began := time.Now()
		if err := g.wait(t.Context(), 1); err != nil || time.Since(began) < 2900*time.Millisecond {
			t.Errorf("a page went out after %s: %v", time.Since(began), err)
		}
	})
}

// TestRefusedPingIsAnswer has a user who may not ask for a PING: the server is watched all the same.
func TestRefusedPingIsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &lazy{reply: "-NOPERM this user has no permissions to run the 'ping' command\r\n"}
		g := governed(t, s)
		if _, err := read(t, g, 5*time.Second); err != nil || g.burdens()[0].Windows < 2 {
			t.Errorf("%+v: %v", g.burdens(), err)
		}
	})
}

// TestWatchIsReplaced ends the governor's connection: once it is replaced, and where nobody is let in the scan goes on, and says so.
func TestWatchIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &lazy{}
		g := governed(t, s)
		if _, err := read(t, g, time.Second); err != nil {
			t.Fatal(err)
		}
		s.drop(false)
		if _, err := read(t, g, 5*time.Second); err != nil || g.burdens()[0].Windows < 2 || g.burdens()[0].Unwatched != "" {
			t.Errorf("after one end: %+v, %v", g.burdens(), err)
		}
		s.drop(true)
		if pages, err := read(t, g, time.Second); err != nil || pages < 900 || !strings.Contains(g.burdens()[0].Unwatched, "nobody is let in") {
			t.Errorf("after the last: %+v, %v", g.burdens(), err)
		}
	})
}

// TestUnwatchedWhileSlow ends the governor's connection for good while a scan is held back: it ends, and does not crawl on for days.
func TestUnwatchedWhileSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &lazy{}
		g := governed(t, s)
		s.set(5 * time.Millisecond)
		if _, err := read(t, g, 5*time.Second); err != nil || !g.pauses() {
			t.Fatalf("pauses %v: %v", g.pauses(), err)
		}
		s.drop(true)
		if _, err := read(t, g, time.Minute); !errors.Is(err, kv.ErrImpact) || !strings.Contains(err.Error(), "nobody is let in") || kv.Hint(err) == "" {
			t.Errorf("%+v: %v", g.burdens(), err)
		}
	})
}

// TestWatchedAgain reads a server twice: the second time it is watched from the beginning, by the baseline of the first.
func TestWatchedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &lazy{}
		g := governed(t, s)
		leave := g.enter()
		leave()
		g.leave() // what governed entered
		if g.stop != nil {
			t.Error("it is watched although nobody reads")
		}
		g.enter()
		began := time.Now()
		if err := g.wait(t.Context(), 1); err != nil || time.Since(began) > 10*time.Millisecond || g.stop == nil {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

// TestScanOfSlowedServer slows down a real server while it is scanned: the scan goes on more slowly until that is over, and reads
// every key.
func TestScanOfSlowedServer(t *testing.T) {
	t.Parallel()
	const keys = 60_000
	server := servertest.Redis(t, servertest.Options{})
	server.Client(t).Fill(t, keys, func(i int) []string { return []string{"SET", fmt.Sprintf("key:%d", i), "value"} })
	proxy := faultproxy.Start(t, server.Addr)
	s := openURL(t, "redis://"+proxy.Addr)
	g := s.(*store).governor
	n, slow := 0, false
	for _, err := range s.Scan(t.Context(), kv.ScanOptions{Want: everyKey}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		b := g.burdens()
		switch {
		case len(b) == 0:
		case b[0].Unwatched != "":
			t.Fatalf("unwatched: %+v", b)
		case !slow: // by so much that no delay of this machine's own is taken for it
			slow = true
			proxy.Set(faultproxy.Fault{Delay: b[0].Limit + 50*time.Millisecond})
		case b[0].Slowed >= 2:
			proxy.Set(faultproxy.Fault{})
		}
	}
	info, err := s.Info(t.Context())
	if err != nil || n != keys || len(info.Burdens) != 1 {
		t.Fatalf("%d keys, burdens %+v: %v", n, info.Burdens, err)
	}
	if b := info.Burdens[0]; b.Slowed < 2 || b.Least >= 250 || b.While < b.Before || b.Limit <= b.Before {
		t.Errorf("%+v", b)
	}
}

// TestNobodyWatches has governors turned off.
func TestNobodyWatches(t *testing.T) {
	t.Parallel()
	if newGovernor(config{impact: kv.Impact{Off: true}}) != nil {
		t.Error("a governor although off")
	}
	var g *governor
	g.enter()()
	if err := g.wait(t.Context(), 1e9); err != nil || g.count() != countMost || g.pauses() || g.burdens() != nil {
		t.Errorf("no governor holds: %v", err)
	}
}
