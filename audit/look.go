package audit

import "time"

// spacing bounds what looking at a run costs, whatever the keyspace: after a look that took t the next one is asked for no sooner than
// spacing*t later. With 50 all looks together stay below a fiftieth of the run.
const spacing = 50

// A lookout sees to partial reports: it asks the shards for copies of what they know, makes a report of these, and then waits. It
// belongs to the goroutine that called Run.
type lookout struct {
	r       *run
	alarm   <-chan time.Time // when it is time to ask, or to go without the answers that have not come
	timer   *time.Timer      // of the alarm; nil: nobody looks
	asked   bool             // the shards are
	answers int              // that have come
	late    bool             // no more are waited for
	cost    time.Duration    // of the answers
}

// lookout returns that of r. Where nobody wants to see partial reports its alarm never rings.
func (r *run) lookout() *lookout {
	l := &lookout{r: r}
	if r.opt.Every > 0 && r.opt.Update != nil {
		l.timer = time.NewTimer(r.opt.Every)
		l.alarm = l.timer.C
	}
	return l
}

func (l *lookout) stop() {
	if l.timer != nil {
		l.timer.Stop()
	}
}

// rings asks the shards, or if that was done gives up waiting: one that is held up by its server does not hold up the others' numbers.
func (l *lookout) rings() {
	if l.asked {
		l.late = true
		return
	}
	l.asked = true
	l.r.looks.Add(1)
	l.timer.Reset(l.r.opt.Every / 10)
}

// answered counts what a shard hands over.
func (l *lookout) answered(h *handover) {
	if l.asked && !h.void {
		l.answers++
		l.cost += h.took
	}
}

// complete reports whether there is to be a report now, with so many shards running.
func (l *lookout) complete(running int) bool {
	return l.asked && (l.answers >= running || l.late && l.answers > 0)
}

// report makes a partial report and hands it out.
func (l *lookout) report() {
	began := time.Now()
	if merged, err := l.r.merged(); err == nil {
		l.r.opt.Update(l.r.report(merged, nil))
	}
	cost := l.cost + time.Since(began)
	l.asked, l.late, l.answers, l.cost = false, false, 0, 0
	l.timer.Reset(max(l.r.opt.Every, spacing*cost))
}
