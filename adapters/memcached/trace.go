package memcached

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// A trace watches servers, each over a connection of its own, and puts what they tell into one stream.
type trace struct {
	store *store
	opt   kv.TraceOptions
	told  sync.Mutex
	seen  atomic.Int64 // accesses
	bytes atomic.Int64
}

// traceBatch is how many accesses are handed over at once, and traceEvery the longest that one waits.
const (
	traceBatch = 256
	traceEvery = 50 * time.Millisecond
)

// Traces implements kv.Tracer: watch, which came with 1.4.26.
func (s *store) Traces(ctx context.Context) ([]kv.Fact, error) {
	const server, monitor = "memcached does not count accesses by key", "memcached has no MONITOR"
	watch := kv.Fact{Name: string(kv.TraceWatch), How: kv.Measured}
	for _, srv := range s.servers {
		l, err := srv.watch(ctx)
		var said answerError
		switch {
		case errors.As(err, &said):
			watch.How, watch.Why, watch.Hint = kv.Missing, "watch was answered "+said.Error(), "a proxy does not watch: name the servers behind it"
		case err != nil:
			return nil, err
		default:
			l.close()
		}
	}
	return []kv.Fact{watch, {Name: string(kv.TraceServer), Why: server}, {Name: string(kv.TraceMonitor), Why: monitor}}, nil
}

// watches are what is asked for, the most first: a word that a server does not know fails the whole watch.
var watches = [...]string{"watch fetchers mutations deletions", "watch fetchers mutations"}

// watch begins a watch on a connection.
func (srv *server) watch(ctx context.Context) (*link, error) {
	var said answerError
	for _, command := range watches {
		l, err := srv.link(ctx)
		if err != nil {
			return nil, err
		}
		if err = l.send(command); err == nil {
			var line []byte
			if line, err = l.line(); err == nil && string(line) == "OK" {
				return l, nil
			}
			said = answerError(line)
		}
		l.close()
		if err != nil {
			return nil, fmt.Errorf("watching %s: %w", srv.addr, srv.explain(ctx, err))
		}
	}
	return nil, fmt.Errorf("watching %s: %w", srv.addr, srv.explain(ctx, said))
}

// Trace implements kv.Tracer. It watches all servers side by side until the first bound is met.
func (s *store) Trace(ctx context.Context, opt kv.TraceOptions) iter.Seq2[*kv.Access, error] {
	t := &trace{store: s, opt: opt}
	return kv.TraceAll(ctx, opt, len(s.servers), func(watching context.Context, stop func(), i int, out chan<- []kv.Access) error {
		if opt.Source != kv.TraceWatch {
			return kv.Usagef("%q is no source of accesses of memcached", string(opt.Source))
		}
		return t.server(ctx, watching, stop, s.servers[i], out)
	})
}

// server watches one server, and asks it before and after what its workers had no room for.
func (t *trace) server(ctx, watching context.Context, stop func(), srv *server, out chan<- []kv.Access) error {
	before, err := srv.dropped(ctx)
	if err != nil {
		return err
	}
	l, err := srv.watch(watching)
	if err != nil {
		if watching.Err() != nil {
			return nil
		}
		return err
	}
	defer l.close()
	err = t.lines(watching, stop, srv, l, out)
	if watching.Err() == nil && err != nil {
		return fmt.Errorf("watching %s: %w", srv.addr, srv.explain(ctx, err))
	}
	if ctx.Err() != nil {
		return nil
	}
	after, err := srv.dropped(ctx)
	if err == nil && after > before {
		out <- []kv.Access{{Lost: after - before, Place: t.place(srv)}}
	}
	return err
}

// dropped returns how many events the server's workers have dropped in all its life, since nobody read them fast enough.
func (srv *server) dropped(ctx context.Context) (int64, error) {
	l, err := srv.link(ctx)
	if err != nil {
		return 0, err
	}
	defer l.close()
	s, err := l.optional("")
	if err != nil {
		return 0, fmt.Errorf("asking %s: %w", srv.addr, srv.explain(ctx, err))
	}
	return s.number("log_worker_dropped"), nil
}

func (t *trace) place(srv *server) string {
	if len(t.store.servers) > 1 {
		return srv.addr
	}
	return ""
}

// over reports whether a bound is met with n more accesses and bytes.
func (t *trace) over(n, bytes int64) bool {
	seen, size := t.seen.Add(n), t.bytes.Add(bytes)
	switch {
	case t.opt.Count > 0 && seen >= t.opt.Count:
		t.say("stopped after %d accesses", t.opt.Count)
	case t.opt.Bytes > 0 && size >= t.opt.Bytes:
		t.say("stopped after %d bytes", t.opt.Bytes)
	default:
		return false
	}
	return true
}

func (t *trace) say(format string, args ...any) {
	if t.opt.Told == nil {
		return
	}
	t.told.Lock()
	defer t.told.Unlock()
	t.opt.Told(fmt.Sprintf(format, args...))
}

// lines hands over the accesses that a server tells of, until it is told to stop. A quiet server says nothing for long: only the end
// of the window ends that.
func (t *trace) lines(ctx context.Context, stop func(), srv *server, l *link, out chan<- []kv.Access) error {
	l.wait.timeout = 0
	var batch []kv.Access
	sent := time.Now()
	flush := func() {
		if len(batch) > 0 {
			out <- batch
			batch = nil
		}
		sent = time.Now()
	}
	defer flush()
	x := sorter{place: t.place(srv), reads: map[int64]kv.Access{}}
	var e event
	for {
		line, err := l.line()
		if err != nil {
			batch = x.rest(batch)
			return err
		}
		if err := e.parse(line); err != nil {
			return err
		}
		before := len(batch)
		batch = x.add(batch, &e)
		if t.over(int64(len(batch)-before), int64(len(line)+1)) {
			batch = x.rest(batch)
			stop()
			return nil
		}
		if len(batch) >= traceBatch || time.Since(sent) > traceEvery {
			flush()
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// A sorter makes accesses of events. To write, a server looks for what it replaces, and tells of that as of a read: so the read of a
// connection is kept back until it is known that no write of the same key by the same connection follows.
type sorter struct {
	place string
	lost  int64
	reads map[int64]kv.Access // the last one of each connection
}

// mostReads bounds how many connections are kept back: a server has a thousand, unless somebody allows more.
const mostReads = 64 << 10

func (x *sorter) add(batch []kv.Access, e *event) []kv.Access {
	if e.kind == eventSkipped {
		x.lost += e.skipped
		return batch
	}
	if e.kind == eventOther {
		return batch
	}
	a := kv.Access{Key: string(e.key), Kind: kv.OpWrite, At: e.at, N: 1, Bytes: e.bytes, Place: x.place, Dead: e.dead()}
	kept, was := x.reads[e.conn]
	if e.kind == eventGet {
		a.Kind = kv.OpRead
		if x.reads[e.conn] = a; len(x.reads) > mostReads {
			return x.rest(batch)
		}
		if was {
			batch = append(batch, x.out(kept))
		}
		return batch
	}
	if was {
		delete(x.reads, e.conn)
		if kept.Key != a.Key {
			batch = append(batch, x.out(kept))
		}
	}
	return append(batch, x.out(a))
}

// out is an access that says how many before it were lost.
func (x *sorter) out(a kv.Access) kv.Access {
	a.Lost, x.lost = x.lost, 0
	return a
}

// rest appends what was kept back.
func (x *sorter) rest(batch []kv.Access) []kv.Access {
	for conn, a := range x.reads {
		batch = append(batch, x.out(a))
		delete(x.reads, conn)
	}
	if x.lost > 0 {
		batch = append(batch, kv.Access{Lost: x.lost, Place: x.place})
		x.lost = 0
	}
	return batch
}
