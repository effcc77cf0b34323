package loadgen

import "sync"

// conclude asks the server for its figures where the last phase of a stretch has an Until, and ends the stretch when that is content.
func (r *runner) conclude(p *plan, server *sync.WaitGroup, asked chan struct{}) {
	until := p.phases[len(p.phases)-1].Until
	if until == nil || r.now() < p.from[len(p.from)-1] {
		return
	}
	r.question(server, asked, func(figures map[string]float64) {
		if !until(figures) {
			return
		}
		p.stop(r.now())
		for _, w := range r.workers {
			w.wake()
		}
	})
}
