package redis

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// A governor holds whatever reads one server to its law (governor.go). It has a connection of its own and a goroutine, from
// when so much was read that it may be felt until nothing is read any more. A nil governor holds nobody. It is safe for concurrent
// use.
type governor struct {
	addr    string
	impact  kv.Impact
	connect func(context.Context) (*link, error)

	starting sync.Mutex // held by whoever takes the baseline; the others wait for it

	mu        sync.Mutex
	readers   int
	since     time.Time // the first of them came
	keys      int64     // asked about so far
	law       *law      // nil: the server is not watched yet
	unwatched string    // nor will it be, and why
	waited    time.Duration
	sent      time.Time     // of the PING that is on its way
	back      chan struct{} // closed when it is answered; nil: none is on its way
	stop      func()        // ends the watch
}

// newGovernor returns a governor of the server, nil if it is to have none.
func newGovernor(cfg config) *governor {
	if cfg.impact.Off {
		return nil
	}
	return &governor{addr: cfg.addr, impact: cfg.impact, connect: func(ctx context.Context) (*link, error) {
		l, err := cfg.link(ctx, false)
		return l, cfg.explain(ctx, err)
	}}
}

// enter says that somebody begins to read, and returns what says that this is over.
func (g *governor) enter() (leave func()) {
	if g == nil {
		return func() {}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.readers++; g.readers == 1 {
		g.since = time.Now()
	}
	return g.leave
}

func (g *governor) leave() {
	g.mu.Lock()
	stop := g.stop
	if g.readers--; g.readers > 0 {
		stop = nil
	}
	g.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// count returns how many keys may be asked about at once.
func (g *governor) count() int {
	if g == nil {
		return countMost
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.notch().count
}

// pauses reports whether the server is left alone between pages.
func (g *governor) pauses() bool {
	if g == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.notch().pause > 0
}

// notch is that of the law; the lock is held.
func (g *governor) notch() notch {
	if g.law == nil {
		return notches()[atFirst]
	}
	return g.law.notch()
}

// wait blocks until a page of keys may be asked about. It returns an error that is kv.ErrImpact if nothing more is to be read.
func (g *governor) wait(ctx context.Context, keys int) error {
	if g == nil {
		return ctx.Err()
	}
	if err := g.begin(ctx, keys); err != nil {
		return err
	}
	began := time.Now()
	g.mu.Lock()
	pause, ended := g.notch().pause, g.law != nil && g.law.burden.GaveUp
	g.mu.Unlock()
	if ended {
		return g.tooMuch()
	}
	err := kv.Sleep(ctx, pause)
	for err == nil {
		back := g.late()
		if back == nil {
			break
		}
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-back:
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.law != nil {
		g.waited += time.Since(began)
	}
	return err
}

// late returns what is closed when the PING is answered which is on its way for longer than the limit; nil if there is none. Whoever
// waits for a server already should not be given more to wait for.
func (g *governor) late() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.back == nil || time.Since(g.sent) <= g.law.limit {
		return nil
	}
	return g.back
}

// tooMuch is the error of a scan that has ended for the server's sake.
func (g *governor) tooMuch() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.unwatched != "" {
		return kv.WithHint(fmt.Errorf("%s answered more slowly than --max-impact %s allows for, and cannot be watched any more (%s): %w",
			g.addr, g.impact, g.unwatched, kv.ErrImpact), "start again when the server lets clients in; ?replica=prefer reads a replica, rdb:FILE a dump")
	}
	return kv.WithHint(fmt.Errorf("%s has answered more slowly than --max-impact %s allows for %s (limit %s), although it was hardly read: %w",
		g.addr, g.impact, mostOver*window, g.law.limit.Round(10*time.Microsecond), kv.ErrImpact),
		"kvtool triage says why a server is slow; ?replica=prefer reads a replica, rdb:FILE a dump; --max-impact 10x allows for more")
}

// begin takes the baseline and has the server watched from then on, once so much was read that it may be felt.
func (g *governor) begin(ctx context.Context, keys int) error {
	g.mu.Lock()
	g.keys += int64(keys)
	due := g.due()
	g.mu.Unlock()
	if !due {
		return ctx.Err()
	}
	g.starting.Lock()
	defer g.starting.Unlock()
	g.mu.Lock()
	due, l := g.due(), g.law
	g.mu.Unlock()
	if !due {
		return ctx.Err()
	}
	conn, before, err := g.baseline(ctx, l == nil)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil {
			g.unwatched = err.Error()
		}
		return ctx.Err()
	}
	if l == nil {
		g.law = newLaw(g.impact, before, time.Now())
	}
	watching, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	g.stop = func() { cancel(); <-done }
	go func() {
		defer close(done)
		defer cancel()
		g.watch(watching, conn)
	}()
	return nil
}

// due reports whether the server is to be watched and is not; the lock is held.
func (g *governor) due() bool {
	if g.stop != nil || g.unwatched != "" {
		return false
	}
	return g.law != nil || g.keys > ungoverned || time.Since(g.since) > ungovernFor
}

// leastPings are what a baseline needs at least, however far the server is away.
const leastPings = 20

// baseline opens a connection and, if the server is not known yet, takes the times of PINGs over it for a while. The first ones
// may still wait for what was asked before.
func (g *governor) baseline(ctx context.Context, measure bool) (l *link, before *latencies, err error) {
	if l, err = g.connect(ctx); err != nil || !measure {
		return l, nil, err
	}
	before = &latencies{}
	began := time.Now()
	for i := 0; time.Since(began) < baseFor || before.n < leastPings; i++ {
		took, err := l.roundTrip()
		if err == nil {
			err = kv.Sleep(ctx, baseEvery-took)
		}
		if err != nil {
			l.conn.Close()
			return nil, nil, err
		}
		if i >= leastPings/2 {
			before.add(took)
		}
	}
	return l, before, nil
}

// roundTrip returns how long a PING takes. A user who may not ask is answered as well.
func (l *link) roundTrip() (took time.Duration, err error) {
	began := time.Now()
	err = l.do(nil, "PING")
	if _, said := answer(err); said {
		err = nil
	}
	return time.Since(began), err
}

// watch sends a PING every now and then until ctx ends. A connection that ends is replaced; where that is of no use, nobody watches
// any more: the scan goes on as it was, unless it was being held back, for nobody would see when that may end.
func (g *governor) watch(ctx context.Context, l *link) {
	err := g.pings(ctx, l)
	for err == nil && ctx.Err() == nil {
		if l, err = g.connect(ctx); err == nil {
			err = g.pings(ctx, l)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stop = nil
	if ctx.Err() == nil {
		g.unwatched = err.Error()
		g.law.burden.GaveUp = g.law.burden.GaveUp || g.law.notch().pause > 0
	}
}

// pings sends PINGs over one connection until it or ctx ends. The error is of a connection over which none was answered.
func (g *governor) pings(ctx context.Context, l *link) error {
	defer l.conn.Close()
	ends := context.AfterFunc(ctx, func() { l.conn.Close() })
	defer ends()
	t := time.NewTicker(askEvery)
	defer t.Stop()
	for n := 0; ; n++ {
		var late time.Duration
		waiting := time.Now() // a timer that went off before was not late: it was we who were not there
		select {
		case <-ctx.Done():
			return nil
		case at := <-t.C:
			late = time.Since(later(at, waiting))
		}
		g.mu.Lock()
		g.law.timer(late)
		g.sent, g.back = time.Now(), make(chan struct{})
		g.mu.Unlock()
		took, err := l.roundTrip()
		g.mu.Lock()
		if err == nil || isTimeout(err) {
			g.law.ping(g.sent, took)
		}
		close(g.back)
		g.back = nil
		g.mu.Unlock()
		switch {
		case err == nil:
		case n == 0:
			return err
		default:
			return nil
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// burdens returns what reading was to the server; nothing if it was too short to be felt.
func (g *governor) burdens() []kv.Burden {
	if g == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	b := kv.Burden{Unwatched: g.unwatched, Place: g.addr}
	switch {
	case g.law != nil:
		b = g.law.burden
		b.Place, b.While, b.Waited, b.Unwatched = g.addr, g.law.seen.p99(), g.waited, g.unwatched
	case g.unwatched == "":
		return nil
	}
	return []kv.Burden{b}
}
