// Package inject does to the connections of a run what networks do: it ends them, and makes them slow. It needs no right at the
// server.
//
// The one idea is that it stands between a run and its driver, and only where a scenario asks for it: a Driver that passes on to
// another, and knows its sessions.
package inject

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// A Driver opens the sessions of another. It is safe for concurrent use.
type Driver struct {
	of    kv.Driver
	delay atomic.Int64

	mu   sync.Mutex
	open map[*session]bool
}

// New returns a driver that does nothing yet.
func New(of kv.Driver) *Driver { return &Driver{of: of, open: map[*session]bool{}} }

// Session implements kv.Driver.
func (d *Driver) Session(ctx context.Context, opt kv.SessionOptions) (kv.Session, error) {
	of, err := d.of.Session(ctx, opt)
	if err != nil {
		return nil, err
	}
	s := &session{Session: of, d: d}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[s] = true
	return s, nil
}

// Reset ends all connections that are open. Those that are opened later live.
func (d *Driver) Reset() {
	d.mu.Lock()
	all := d.open
	d.open = map[*session]bool{}
	d.mu.Unlock()
	for s := range all {
		s.Session.Close() // whoever waits on it is told that it is lost
	}
}

// Delay makes every reply that comes from now on come later; 0 ends that.
func (d *Driver) Delay(by time.Duration) { d.delay.Store(int64(by)) }

type session struct {
	kv.Session
	d *Driver
}

// Close implements kv.Session.
func (s *session) Close() error {
	s.d.mu.Lock()
	delete(s.d.open, s)
	s.d.mu.Unlock()
	return s.Session.Close()
}

// Do implements kv.Session.
func (s *session) Do(ops []kv.Op, out []kv.Result) error {
	err := s.Session.Do(ops, out)
	if by := time.Duration(s.d.delay.Load()); by > 0 && err == nil {
		began := time.Now()
		time.Sleep(by)
		by = time.Since(began) // at least as long
		for i := range out {
			out[i].Done += by
		}
	}
	return err
}
