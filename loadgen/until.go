package loadgen

import (
	"context"
	"sync"
	"time"
)

// conclude asks the server for its figures where the last phase of a stretch has an Until, without waiting for them, and ends the
// stretch when that is content.
func (r *runner) conclude(p *plan, server *sync.WaitGroup, asked chan struct{}) {
	until := p.phases[len(p.phases)-1].Until
	if until == nil || r.opt.Server == nil || r.now() < p.from[len(p.from)-1] {
		return
	}
	select {
	case asked <- struct{}{}:
	default:
		return // it has not answered the last question yet
	}
	server.Add(1)
	go func() {
		defer server.Done()
		defer func() { <-asked }()
		ctx, cancel := context.WithTimeout(r.ctx, time.Second)
		defer cancel()
		if figures := r.opt.Server(ctx); len(figures) == 0 || !until(figures) {
			return
		}
		p.stop(r.now())
		for _, w := range r.workers {
			w.wake()
		}
	}()
}
