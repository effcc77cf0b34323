package loadgen

import (
	"container/heap"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// A conn is a session, which is opened again when it is lost.
type conn struct {
	w    *worker
	ch   chan *task // given by who watches the schedule; nil is the end
	free time.Duration
	out  []kv.Result

	mu   sync.Mutex // of s, which a watcher may close
	s    kv.Session
	shut bool
}

// dial opens the session.
func (c *conn) dial() error {
	ctx, cancel := context.WithTimeout(c.w.run.ctx, 10*c.w.run.opt.Timeout)
	defer cancel()
	s, err := c.w.run.driver.Session(ctx, kv.SessionOptions{Timeout: c.w.run.opt.Timeout, Epoch: c.w.run.epoch})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s, c.shut = s, false
	return nil
}

// close ends a Do that waits. It reports whether the session was open.
func (c *conn) close() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.s == nil || c.shut {
		return false
	}
	c.shut = true
	c.s.Close()
	return true
}

// whole reports whether the session is open.
func (c *conn) whole() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.shut
}

// do runs a step. With an error the session is of no more use.
func (c *conn) do(ops []kv.Op) ([]kv.Result, error) {
	if cap(c.out) < len(ops) {
		c.out = make([]kv.Result, len(ops))
	}
	out := c.out[:len(ops)]
	return out, c.s.Do(ops, out)
}

// Pauses between attempts to open a session again.
const (
	firstPause = 10 * time.Millisecond
	mostPause  = 500 * time.Millisecond
	giveUp     = 10 * time.Second // without a server, where nothing but the number of tasks would end the run
)

// again opens the session again, for as long as there is something to do. It reports whether there is one.
func (c *conn) again() bool {
	c.close()
	began := c.w.run.now()
	for pause := firstPause; ; pause = min(2*pause, mostPause) {
		now := c.w.run.now()
		if c.w.plan.end == never && now-began > giveUp {
			c.w.plan.stop(now)
		}
		if c.w.closing(now) || c.w.run.ctx.Err() != nil {
			return false
		}
		if c.dial() == nil {
			if !c.w.run.excused.Load() {
				c.w.run.lost.Add(1)
			}
			return true
		}
		c.w.run.sleep(pause)
	}
}

// openLoop does tasks when they are due.
func (c *conn) openLoop() {
	w := c.w
	if !c.whole() && !c.again() {
		c.retire()
		return
	}
	c.free = w.run.now()
	for now := c.free; ; {
		w.mu.Lock()
		t := w.take(now)
		if t == nil {
			if w.over {
				w.mu.Unlock()
				return
			}
			w.idle = append(w.idle, c)
			first := w.next
			if len(w.parked) > 0 {
				first = min(first, w.parked[0].ready)
			}
			if w.waking > first || w.active == 0 && w.next == never {
				w.wake()
			}
			w.mu.Unlock()
			if t = <-c.ch; t == nil {
				return
			}
		} else {
			w.mu.Unlock()
		}
		var ok bool
		if now, ok = c.steps(t); !ok {
			if !c.again() {
				c.retire()
				return
			}
			now = w.run.now()
		}
		c.free = now
	}
}

// retire is the end of a session that is lost for good: it is given no more tasks.
func (c *conn) retire() {
	c.w.mu.Lock()
	c.w.wake()
	c.w.mu.Unlock()
}

// steps runs the steps of a task until it is done or waits, and returns when that was. It is false if the session is lost.
func (c *conn) steps(t *task) (now time.Duration, ok bool) {
	w := c.w
	now = w.run.now()
	t.begin(now)
	for {
		out := c.out[:0]
		if len(t.Ops) > 0 {
			var err error
			if out, err = c.do(t.Ops); err != nil {
				now = w.run.now()
				w.lose(t, err, c.free, now)
				return now, false
			}
			now = out[len(out)-1].Done
		}
		if w.after(t, out, c.free, now) {
			return now, true
		}
		c.free = now
	}
}

// lose records a task whose step has no reply.
func (w *worker) lose(t *task, err error, free, now time.Duration) {
	t.failed = ErrorWord(err)
	t.service += max(0, now-max(t.ready, free))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done(t, now)
}

// after tells the workload what came of a step, and records the task if it is done or parks it if it waits: then nothing is to be
// done for it now.
func (w *worker) after(t *task, out []kv.Result, free, now time.Duration) bool {
	t.next(out, free, now)
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.Violation != "" {
		w.violated(t, now)
	}
	switch {
	case t.Wait > 0:
		heap.Push(&w.parked, t)
		if t.ready < w.waking {
			w.wake()
		}
		return true
	case len(t.Ops) == 0:
		w.done(t, now)
		return true
	}
	return false
}

// wake has who watches the schedule look at it.
func (w *worker) wake() {
	select {
	case w.poke <- struct{}{}:
	default:
	}
}

// Ticks of the pacer: it looks no more often than that.
const (
	tick      = 200 * time.Microsecond
	fastTick  = time.Millisecond // above fastRate: it saves an eighth of the CPU, and costs send lag
	fastRate  = 50_000
	longSleep = time.Hour
)

// pace gives idle sessions what is due, until all is done.
func (w *worker) pace() {
	every := w.tick()
	for {
		w.mu.Lock()
		now := w.run.now()
		w.dispatch(now)
		if w.finished(now) {
			w.end()
			w.mu.Unlock()
			return
		}
		w.waking = w.wakeAt(now, every)
		at := w.waking
		w.mu.Unlock()
		w.timer.Reset(at - now)
		select {
		case <-w.timer.C:
		case <-w.poke:
		}
	}
}

// tick is how often the pacer looks.
func (w *worker) tick() time.Duration {
	peak := 0.0
	for i := range w.plan.phases {
		peak = max(peak, w.plan.phases[i].Arrivals.Peak())
	}
	if limit := w.run.opt.Tightest; peak >= fastRate*float64(w.run.opt.Meta.Parts) && (limit == 0 || limit > 20*fastTick) {
		return fastTick
	}
	return tick
}

// dispatch gives idle sessions what is due.
func (w *worker) dispatch(now time.Duration) {
	for n := len(w.idle); n > 0; n-- {
		t := w.take(now)
		if t == nil {
			return
		}
		c := w.idle[n-1]
		w.idle = w.idle[:n-1]
		c.ch <- t
	}
}

// wakeAt is when the pacer has to look again, if nobody wakes it.
func (w *worker) wakeAt(now, every time.Duration) time.Duration {
	at := now + longSleep
	if len(w.idle) > 0 {
		at = min(at, w.next)
		if len(w.parked) > 0 {
			at = min(at, w.parked[0].ready)
		}
	}
	if p := w.plan; p.end != never && now <= p.end+p.drain {
		at = min(at, p.end+p.drain+1)
	}
	if last := w.plan.last(w.run.opt.Timeout); last != never && now <= last {
		at = min(at, last+1)
	}
	return max(at, now+every)
}

// end sends all idle sessions home. Those that are busy find that all is done.
func (w *worker) end() {
	w.over = true
	for _, c := range w.idle {
		c.ch <- nil
	}
	w.idle = w.idle[:0]
}

// ErrorWord is a short name of what went wrong: OOM, timeout, reset.
func ErrorWord(err error) string {
	var reply kv.ReplyError
	var timeout net.Error
	switch {
	case err == nil:
		return "error"
	case errors.As(err, &reply):
		return reply.Class()
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return "closed"
	}
	return "error"
}
