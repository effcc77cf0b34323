package kv

import (
	"context"
	"sync"
	"time"
)

// A Limiter holds a scan to a rate, in keys a second over all shards that share it. A nil Limiter does not limit. It is
// safe for concurrent use.
type Limiter struct {
	mu   sync.Mutex
	cost time.Duration // of one key
	free time.Time     // when everything granted so far has been paid for
}

// NewLimiter returns a limiter of perSecond keys a second, or nil, which does not limit, if perSecond is not positive.
func NewLimiter(perSecond float64) *Limiter {
	if perSecond <= 0 {
		return nil
	}
	return &Limiter{cost: time.Duration(float64(time.Second) / perSecond)}
}

// slack is how much idle time is made up for: what is small is often done sooner than the next is asked for, and what is large then
// has to make up for it, or the rate would never be reached.
const slack = 100 * time.Millisecond

// Wait blocks until n more keys may be read, or until ctx ends. Idle time is not saved up, but for a tenth of a second.
func (l *Limiter) Wait(ctx context.Context, n int) error {
	if l == nil {
		return ctx.Err()
	}
	l.mu.Lock()
	now := time.Now()
	switch {
	case l.free.IsZero():
		l.free = now
	case l.free.Before(now.Add(-slack)):
		l.free = now.Add(-slack)
	}
	start := l.free
	l.free = l.free.Add(time.Duration(n) * l.cost)
	l.mu.Unlock()
	return Sleep(ctx, start.Sub(now))
}

// Sleep waits for d, or until ctx ends, whose error it returns then.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
