package loadgen

import (
	"time"

	"github.com/kvtool/kvtool/kv"
)

// A caller is what a session does in a closed loop: as many tasks at once as the pipeline has places, and a new one where one is
// done. A task that waits keeps its place, as a user who thinks does.
//
// What costs is done once a round, however many places there are: the worker is locked once, for those that are done and those that
// begin, and the clock is that of the replies.
type caller struct {
	*conn
	places []*task
	turn   []*task // those whose steps are sent together
	ops    []kv.Op
}

// closedLoop does one task after the other.
func (c *conn) closedLoop() {
	w := c.w
	if !c.whole() && !c.again() {
		return
	}
	k := caller{conn: c, places: make([]*task, max(w.plan.phases[0].Pipeline, 1))}
	for now := w.run.now(); ; {
		c.free = now
		k.settle(now)
		waiting := k.gather(now)
		switch {
		case len(k.turn) > 0:
			var ok bool
			if now, ok = k.round(); !ok {
				if !c.again() {
					k.abandon()
					return
				}
				now = w.run.now()
			}
		case waiting == never || w.hopeless(now):
			k.abandon()
			return
		default:
			w.run.sleep(min(waiting, w.plan.last(w.run.opt.Timeout)) - now)
			now = w.run.now()
		}
	}
}

// settle records the tasks that are done, and begins others in the places that are free.
func (k *caller) settle(now time.Duration) {
	w := k.w
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, t := range k.places {
		if t != nil && t.over {
			w.done(t, t.ready)
			t = nil
		}
		if t == nil {
			k.places[i] = w.closedTask(now)
		}
	}
}

// gather finds the tasks that have something to do now. It returns when the first of the others has; never if there is none.
func (k *caller) gather(now time.Duration) (waiting time.Duration) {
	k.turn, waiting = k.turn[:0], never
	for _, t := range k.places {
		switch {
		case t == nil:
		case t.ready <= now:
			t.begin(now)
			k.turn = append(k.turn, t)
		default:
			waiting = min(waiting, t.ready)
		}
	}
	return waiting
}

// round sends a step of each task whose turn it is, and returns when the last reply was there. It is false if the session is lost.
func (k *caller) round() (now time.Duration, ok bool) {
	w := k.w
	k.ops = k.ops[:0]
	for _, t := range k.turn {
		if len(t.Ops) == 1 { // nearly all
			k.ops = append(k.ops, t.Ops[0])
		} else {
			k.ops = append(k.ops, t.Ops...)
		}
	}
	out := k.out[:0]
	if len(k.ops) > 0 {
		var err error
		if out, err = k.do(k.ops); err != nil {
			now = w.run.now()
			for _, t := range k.turn {
				w.lose(t, err, k.free, now)
				k.leave(t)
			}
			return now, false
		}
		now = out[len(out)-1].Done
	} else {
		now = w.run.now()
	}
	for _, t := range k.turn {
		n := len(t.Ops)
		at := now
		if n > 0 {
			at = out[n-1].Done
		}
		w.afterClosed(t, out[:n], k.free, at)
		out = out[n:]
	}
	return now, true
}

// afterClosed is after of a task of a closed loop, which keeps its place until it is done.
func (w *worker) afterClosed(t *task, out []kv.Result, free, now time.Duration) {
	t.next(out, free, now)
	t.over = len(t.Ops) == 0 && t.Wait == 0
	if t.Violation != "" {
		w.mu.Lock()
		w.violated(t, now)
		w.mu.Unlock()
	}
}

// leave frees the place of a task.
func (k *caller) leave(t *task) {
	for i := range k.places {
		if k.places[i] == t {
			k.places[i] = nil
		}
	}
}

// abandon records what is left of tasks that have begun.
func (k *caller) abandon() {
	k.w.mu.Lock()
	defer k.w.mu.Unlock()
	for i, t := range k.places {
		if t != nil {
			t.failed = unfinished
			k.w.done(t, k.w.run.now())
			k.places[i] = nil
		}
	}
}

// unfinished is the word for tasks that were begun and not ended when the time was up.
const unfinished = "unfinished"
