package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kvtool/kvtool/internal/monitor"
	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
)

// A trace watches servers, each over a connection of its own, and puts what they tell into one stream.
type trace struct {
	opt    kv.TraceOptions
	places bool // there are several servers
	end    time.Time
	told   sync.Mutex
	seen   atomic.Int64 // accesses
	bytes  atomic.Int64
}

// traceBatch is how many accesses are handed over at once, and traceEvery the longest that one waits.
const (
	traceBatch = 256
	traceEvery = 50 * time.Millisecond
)

// traceServers watches all servers side by side until the first bound is met.
func traceServers(ctx context.Context, servers []*store, opt kv.TraceOptions) iter.Seq2[*kv.Access, error] {
	t := &trace{opt: opt, places: len(servers) > 1, end: time.Now().Add(opt.Window)}
	return kv.TraceAll(ctx, opt, len(servers), func(watching context.Context, stop func(), i int, out chan<- []kv.Access) error {
		switch opt.Source {
		case kv.TraceMonitor:
			return t.monitor(watching, stop, servers[i], out)
		case kv.TraceServer:
			return t.hotkeys(watching, servers[i], out)
		}
		return kv.Usagef("%q is no source of accesses", string(opt.Source))
	})
}

// say tells whoever listens what is to be known of the trace.
func (t *trace) say(format string, args ...any) {
	if t.opt.Told == nil {
		return
	}
	t.told.Lock()
	defer t.told.Unlock()
	t.opt.Told(fmt.Sprintf(format, args...))
}

func (t *trace) place(s *store) string {
	if t.places {
		return s.cfg.addr
	}
	return ""
}

// over reports whether a bound is met with n more accesses and bytes, and which.
func (t *trace) over(n, bytes int64) (why string, over bool) {
	seen, size := t.seen.Add(n), t.bytes.Add(bytes)
	switch {
	case t.opt.Count > 0 && seen >= t.opt.Count:
		return fmt.Sprintf("stopped after %d accesses", t.opt.Count), true
	case t.opt.Bytes > 0 && size >= t.opt.Bytes:
		return fmt.Sprintf("stopped after %d bytes", t.opt.Bytes), true
	}
	return "", false
}

// monitor reads MONITOR of one server. Closing the connection is what ends it there.
func (t *trace) monitor(ctx context.Context, stop func(), s *store, out chan<- []kv.Access) error {
	l, err := s.cfg.link(ctx, false)
	if err != nil {
		return t.failed(ctx, s, "monitor", err)
	}
	defer l.conn.Close()
	end := context.AfterFunc(ctx, func() { l.conn.Close() })
	defer end()
	before, err := s.latency(ctx)
	if err != nil {
		return t.failed(ctx, s, "monitor", err)
	}
	lines, err := l.beginMonitor()
	if err != nil {
		return t.failed(ctx, s, "monitor", err)
	}
	l.end.Store(t.end.UnixNano()) // a quiet server says nothing for long
	go s.mind(ctx, before, func(now time.Duration) {
		t.say("stopped: %s took %s to answer others, and %s before", s.cfg.addr, now.Round(time.Microsecond),
			before.Round(time.Microsecond))
		stop()
	})
	err = t.readLines(ctx, stop, s, lines, out)
	if err == nil || ctx.Err() != nil || !time.Now().Before(t.end) || errors.Is(err, os.ErrDeadlineExceeded) {
		return nil // it is at its end
	}
	if isClosed(err) {
		err = kv.WithHint(errors.New("the server ended MONITOR: it has stopped, or kvtool could not keep up with it (client-output-buffer-limit)"),
			"what was seen until then stands; take a shorter --window")
	}
	return t.failed(ctx, s, "monitor", err)
}

// failed says why a server is not watched; right is what the user may lack.
func (t *trace) failed(ctx context.Context, s *store, right string, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	if text, ok := answer(err); ok && denies(text) {
		return fmt.Errorf("watching %s: %w", s.cfg.addr, kv.WithHint(kv.ReplyError(s.cfg.redact(text)),
			"grant: ACL SETUSER "+userName(s.cfg.username)+" +"+right))
	}
	return fmt.Errorf("watching %s: %w", s.cfg.addr, s.cfg.explain(ctx, err))
}

// beginMonitor sends MONITOR and reads its answer. What comes from now on are lines.
func (l *link) beginMonitor() (*monitor.Lines, error) {
	c, err := resp.Watch.Command(0, "MONITOR")
	if err != nil {
		return nil, err
	}
	l.out.Add(c)
	if err := l.out.Send(l); err != nil {
		return nil, err
	}
	lines := monitor.NewLines(l)
	first, _, _, err := lines.Next()
	switch {
	case err != nil:
		return nil, err
	case len(first) > 0 && first[0] == '-':
		return nil, serverError(first[1:])
	case string(first) != "+OK":
		return nil, fmt.Errorf("%w: MONITOR was answered %.40q", resp.ErrProtocol, first)
	}
	return lines, nil
}

// readLines hands over the accesses of lines until they end.
func (t *trace) readLines(ctx context.Context, stop func(), s *store, lines *monitor.Lines, out chan<- []kv.Access) error {
	var batch []kv.Access
	var l monitor.Line
	place, lost, sent := t.place(s), int64(0), time.Now()
	flush := func() {
		if len(batch) > 0 {
			out <- batch
			batch = nil
		}
		sent = time.Now()
	}
	defer flush()
	for {
		line, cut, n, err := lines.Next()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		before := len(batch)
		if len(line) > 0 && monitor.Parse(line, cut, &l) {
			if s.cfg.db < 0 || l.DB == s.cfg.db {
				l.Accesses(func(key string, kind kv.OpKind) {
					batch = append(batch, kv.Access{Key: key, DB: l.DB, Kind: kind, At: l.At, N: 1, Place: place, Lost: lost})
					lost = 0
				})
			}
		} else if len(line) > 0 {
			lost++
		}
		if why, over := t.over(int64(len(batch)-before), int64(n)); over {
			t.say("%s", why)
			stop()
			return nil
		}
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		if len(batch) >= traceBatch || time.Since(sent) > traceEvery {
			flush()
		}
	}
}

// How others are watched while MONITOR runs.
const (
	pingEvery  = 100 * time.Millisecond
	pingTimes  = 3                    // slower than before
	pingFloor  = 5 * time.Millisecond // below this nobody minds, and chance does as much
	pingWindow = 10                   // pings, of which more than half are slow
)

// latency returns the longest of a few PINGs.
func (s *store) latency(ctx context.Context) (longest time.Duration, err error) {
	err = s.cfg.converse(ctx, func(l *link) error {
		for range pingWindow {
			took, err := l.roundTrip()
			if err != nil {
				return err
			}
			longest = max(longest, took)
		}
		return nil
	})
	return longest, err
}

// mind pings the server until ctx ends, and calls slow if it takes several times as long as before.
func (s *store) mind(ctx context.Context, before time.Duration, slow func(time.Duration)) {
	limit := pingTimes * max(before, pingFloor)
	_ = s.cfg.converse(ctx, func(l *link) error { // without an answer there is nothing to say
		var last []time.Duration
		for ctx.Err() == nil {
			took, err := l.roundTrip()
			if err != nil {
				return err
			}
			if last = append(last, took); len(last) > pingWindow {
				last = last[1:]
			}
			if late, worst := slower(last, limit); late > pingWindow/2 {
				slow(worst)
				return nil
			}
			select {
			case <-ctx.Done():
			case <-time.After(pingEvery):
			}
		}
		return nil
	})
}

func slower(pings []time.Duration, limit time.Duration) (n int, worst time.Duration) {
	for _, p := range pings {
		if p > limit {
			n++
		}
		worst = max(worst, p)
	}
	return n, worst
}

// Trace watches the server.
func (s *store) Trace(ctx context.Context, opt kv.TraceOptions) iter.Seq2[*kv.Access, error] {
	return traceServers(ctx, []*store{s}, opt)
}

// Traces says how the server can be watched.
func (s *store) Traces(ctx context.Context) ([]kv.Fact, error) {
	f, err := s.hotkeysFact(ctx)
	return []kv.Fact{f, {Name: string(kv.TraceMonitor), How: kv.Measured}}, err
}

// Trace watches every primary of the cluster.
func (c *cluster) Trace(ctx context.Context, opt kv.TraceOptions) iter.Seq2[*kv.Access, error] {
	servers, err := c.primaries(ctx)
	if err != nil {
		return func(yield func(*kv.Access, error) bool) { yield(nil, err) }
	}
	return traceServers(ctx, servers, opt)
}

// Traces says how the servers can be watched: as the one that can least.
func (c *cluster) Traces(ctx context.Context) ([]kv.Fact, error) {
	servers, err := c.primaries(ctx)
	if err != nil {
		return nil, err
	}
	var least []kv.Fact
	for _, s := range servers {
		facts, err := s.Traces(ctx)
		if err != nil {
			return nil, err
		}
		if least == nil || facts[0].How < least[0].How {
			least = facts
		}
	}
	return least, nil
}

// primaries returns the servers that take commands: all that is done to a key is done there, but for reads of replicas.
func (c *cluster) primaries(ctx context.Context) ([]*store, error) {
	m, err := c.look(ctx, slot.Set{})
	if err != nil {
		return nil, err
	}
	servers := make([]*store, len(m.groups))
	for i := range m.groups {
		servers[i] = c.store(m.groups[i].primary.addr, false)
	}
	return servers, nil
}

// Trace watches the server that the sentinels name.
func (w *watched) Trace(ctx context.Context, opt kv.TraceOptions) iter.Seq2[*kv.Access, error] {
	s, err := w.server(ctx)
	if err != nil {
		return func(yield func(*kv.Access, error) bool) { yield(nil, err) }
	}
	return s.Trace(ctx, opt)
}

// Traces says how that server can be watched.
func (w *watched) Traces(ctx context.Context) ([]kv.Fact, error) {
	s, err := w.server(ctx)
	if err != nil {
		return nil, err
	}
	return s.Traces(ctx)
}
