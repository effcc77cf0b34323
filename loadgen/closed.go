package loadgen

import (
	"time"

	"github.com/kvtool/kvtool/kv"
)

// A caller is what a session does in a closed loop: as many tasks at once as the pipeline has places, and a new one where one is
// done. A task that waits keeps its place, as a user who thinks does.
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
	c.free = w.run.now()
	for {
		now := w.run.now()
		waiting := k.fill(now)
		switch {
		case len(k.turn) > 0:
			if !k.round() && !c.again() {
				k.abandon()
				return
			}
		case waiting == never || w.hopeless(now):
			k.abandon()
			return
		default:
			w.run.sleep(min(waiting, w.plan.last(w.run.opt.Timeout)) - now)
		}
	}
}

// fill begins tasks in the places that are free, and gathers those that have something to do now. It returns when the first of the
// others has; never if there is none.
func (k *caller) fill(now time.Duration) (waiting time.Duration) {
	w := k.w
	w.mu.Lock()
	for i, t := range k.places {
		if t == nil {
			k.places[i] = w.closedTask(now)
		}
	}
	w.mu.Unlock()
	k.turn, waiting = k.turn[:0], never
	for _, t := range k.places {
		switch {
		case t == nil:
		case t.ready <= now:
			t.begin()
			k.turn = append(k.turn, t)
		default:
			waiting = min(waiting, t.ready)
		}
	}
	return waiting
}

// round sends a step of each task whose turn it is. It is false if the session is lost.
func (k *caller) round() bool {
	w := k.w
	k.ops = k.ops[:0]
	for _, t := range k.turn {
		k.ops = append(k.ops, t.Ops...)
	}
	out := k.out[:0]
	if len(k.ops) > 0 {
		var err error
		if out, err = k.do(k.ops); err != nil {
			now := w.run.now()
			for _, t := range k.turn {
				w.lose(t, err, k.free, now)
				k.leave(t)
			}
			return false
		}
	}
	free := k.free
	for _, t := range k.turn {
		n := len(t.Ops)
		replies := out[:n]
		out = out[n:]
		now := w.run.now()
		if n > 0 {
			now = replies[n-1].Done
		}
		if w.afterClosed(t, replies, free, now) {
			k.leave(t)
		}
		k.free = now
	}
	return true
}

// afterClosed tells the workload what came of a step, and reports whether the task is done.
func (w *worker) afterClosed(t *task, out []kv.Result, free, now time.Duration) bool {
	t.sent(out, free)
	t.Ops, t.Wait, t.Now = nil, 0, now
	t.of.Workload.Next(&t.Task, out)
	t.ready = now + t.Wait
	done := len(t.Ops) == 0 && t.Wait == 0
	if !done && t.Violation == "" {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.Violation != "" {
		w.violated(t, now)
	}
	if done {
		w.done(t, now)
	}
	return done
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
