package loadgen

import (
	"container/heap"
	"math/bits"
	"sync"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/arrival"
	"github.com/kvtool/kvtool/loadgen/recording"
)

// A task is a Task on its way.
type task struct {
	Task
	of      *Phase
	due     time.Duration
	ready   time.Duration // when its next step may be sent: due, or the end of a wait
	service time.Duration
	lag     time.Duration
	begun   bool   // by its workload
	over    bool   // of a closed loop: its last reply was there at ready
	failed  string // the first error, by a word
}

// begin asks the workload what the task is, now: a client that is late puts the time at which it sends into what it sends, and not
// that at which it should have.
func (t *task) begin(now time.Duration) {
	if !t.begun {
		t.begun, t.Now = true, now
		t.of.Workload.Begin(&t.Task)
	}
}

// A worker has a share of the sessions and of the arrivals, its own random numbers and its own recorder. Its sessions share it, under
// mu; other workers do not.
type worker struct {
	run   *runner
	id    int // of all parts
	conns []*conn
	poke  chan struct{} // wakes the one who watches the schedule
	timer *timer        // does so when something is due
	seed  uint64        // of what its tasks leave to chance

	mu       sync.Mutex
	rec      *recording.Recorder
	plan     *plan
	phase    int // whose arrivals come next
	schedule *arrival.Schedule
	next     time.Duration // when the next task is due; never: there is none any more
	left     uint64        // tasks of the phase, with requests
	n        uint64        // number of the next task
	active   int           // tasks that are begun
	parked   parked
	idle     []*conn
	waking   time.Duration // when who watches the schedule will look again
	free     []*task
	over     bool
	forgone  forgone
}

// closedTask begins a task of a closed loop, which is due when there is a session for it; nil if there are no more.
func (w *worker) closedTask(now time.Duration) *task {
	p := &w.plan.phases[0]
	if w.closing(now) || now >= w.plan.end || p.Requests > 0 && w.left == 0 {
		return nil
	}
	if p.Requests > 0 {
		w.left--
	}
	if p.Record {
		w.rec.Due(now - w.run.origin)
	}
	return w.task(p, now)
}

// begin takes up a stretch.
func (w *worker) begin(p *plan) {
	w.plan, w.phase, w.over = p, -1, false
	w.seed = mix(w.run.opt.Meta.Seed ^ bits.RotateLeft64(uint64(w.id)+1, 40))
	w.parked, w.idle, w.active, w.waking = w.parked[:0], w.idle[:0], 0, 0
	w.free = nil // State belongs to the workload
	w.forgone = forgone{}
	select {
	case <-w.poke:
	default:
	}
	w.advance()
}

// advance begins the next phase.
func (w *worker) advance() {
	if w.phase++; w.phase == len(w.plan.phases) {
		w.next = never
		return
	}
	p := &w.plan.phases[w.phase]
	w.left = share(p.Requests, w.id, w.run.total())
	if p.Arrivals == nil || p.Requests > 0 && w.left == 0 { // both are stretches of their own
		w.next = never
		return
	}
	seed := mix(w.run.opt.Meta.Seed + uint64(w.phase))
	w.schedule = p.Arrivals.Schedule(seed, w.id, w.run.total())
	w.step()
}

// share is how many of n things one of so many workers has.
func share(n uint64, worker, workers int) uint64 {
	s := n / uint64(workers)
	if uint64(worker) < n%uint64(workers) {
		s++
	}
	return s
}

// step sets next to the arrival after the one that was taken.
func (w *worker) step() {
	p := &w.plan.phases[w.phase]
	at := w.schedule.Next()
	if at >= p.For && p.For > 0 || at == never {
		w.advance()
		return
	}
	w.next = w.plan.from[w.phase] + at
}

// take returns a task that is due now: one that has waited or, if it was due before, one that arrives.
func (w *worker) take(now time.Duration) *task {
	if len(w.parked) > 0 && w.parked[0].ready <= min(now, w.next) {
		return heap.Pop(&w.parked).(*task)
	}
	if w.next < w.plan.skip && !w.closing(now) {
		w.forgo(w.plan.skip, now)
	}
	if w.next <= now && !w.closing(now) {
		return w.arrive()
	}
	if len(w.parked) > 0 && w.parked[0].ready <= now {
		return heap.Pop(&w.parked).(*task)
	}
	return nil
}

// closing reports whether no task is begun any more.
func (w *worker) closing(now time.Duration) bool {
	return w.plan.stopped.Load() > 0 || w.plan.end != never && now > w.plan.end+w.plan.drain
}

// arrive begins the next task of the schedule.
func (w *worker) arrive() *task {
	p := &w.plan.phases[w.phase]
	t := w.task(p, w.next)
	if p.Record {
		w.rec.Due(t.due - w.run.origin)
	}
	if w.left > 0 {
		if w.left--; w.left == 0 {
			w.phase = len(w.plan.phases) - 1
			w.advance()
			return t
		}
	}
	w.step()
	return t
}

// task begins one that is due at a time.
func (w *worker) task(p *Phase, due time.Duration) *task {
	var t *task
	if n := len(w.free); n > 0 {
		t, w.free = w.free[n-1], w.free[:n-1]
	} else {
		t = &task{}
	}
	if t.of != p {
		t.State = nil
	}
	w.active++
	t.of, t.due, t.ready, t.service, t.lag, t.failed, t.begun, t.over = p, due, due, 0, 0, "", false, false
	t.N, t.Worker, t.Now, t.Wait, t.Violation, t.Ops = w.n, w.id, due, 0, "", nil
	w.n++
	t.Rand.Seed(w.seed, mix(t.N))
	return t
}

// mix spreads a number over all bits: the finalizer of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// done records a task at its end.
func (w *worker) done(t *task, at time.Duration) {
	w.active--
	if t.of.Record {
		x := at - w.run.origin
		w.rec.Done(x, t.Class, at-t.due, t.service, t.lag)
		if t.failed != "" {
			w.rec.Error(x, t.Class, t.failed)
		}
	} else if t.failed != "" {
		w.run.unsaved.add(t.failed)
	}
	w.free = append(w.free, t)
}

// violated records what the store must not do.
func (w *worker) violated(t *task, at time.Duration) {
	if t.of.Record {
		w.rec.Violation(at - w.run.origin)
	}
	t.Violation = ""
}

// finished reports whether there is nothing to do any more, now or later.
func (w *worker) finished(now time.Duration) bool {
	if w.active > 0 && !w.hopeless(now) {
		return false
	}
	return w.next == never || w.closing(now)
}

// hopeless reports whether even what was begun is given up.
func (w *worker) hopeless(now time.Duration) bool { return now > w.plan.last(w.run.opt.Timeout) }

// parked are tasks that wait, the first one first.
type parked []*task

func (p parked) Len() int           { return len(p) }
func (p parked) Less(i, j int) bool { return p[i].ready < p[j].ready }
func (p parked) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *parked) Push(x any)        { *p = append(*p, x.(*task)) }
func (p *parked) Pop() any {
	old := *p
	t := old[len(old)-1]
	*p = old[:len(old)-1]
	return t
}

// next tells the workload what came of a step, and takes from it what comes next.
func (t *task) next(out []kv.Result, free, now time.Duration) {
	t.sent(out, free)
	t.Ops, t.Wait, t.Now = nil, 0, now
	t.of.Workload.Next(&t.Task, out)
	t.ready = now + t.Wait
}

// sent adds what a step has taken. Free is since when its session had nothing else to do.
func (t *task) sent(out []kv.Result, free time.Duration) {
	if len(out) == 0 {
		return
	}
	first, last := out[0].Sent, out[len(out)-1].Done
	t.lag += max(0, first-max(t.ready, free))
	t.service += max(0, last-first)
	for i := range out {
		if out[i].Status == kv.Failed && t.failed == "" {
			t.failed = ErrorWord(out[i].Err)
		}
	}
}
