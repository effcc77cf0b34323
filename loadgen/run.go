package loadgen

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/arrival"
	"github.com/kvtool/kvtool/loadgen/recording"
)

// A Phase is a part of a run. One with Arrivals is an open loop, and For ends it; one without is a closed loop, where each session
// does one task after the other, and For or Requests ends it.
type Phase struct {
	Name     string
	Workload Workload
	Arrivals *arrival.Law // of the whole run, all parts together
	For      time.Duration
	Requests uint64 // tasks, all parts together; 0: as many as the time has
	Pipeline int    // of a closed loop: tasks of a session at once; 0 is 1
	Record   bool
	Events   []Event
	// Until ends a phase that is not recorded before For is over. It is told, once a second, what Options.Server says; by one
	// goroutine. nil is never. With virtual time there is no server, and no such end.
	Until func(figures map[string]float64) bool
}

// An Event is done at a time of its phase.
type Event struct {
	At   time.Duration
	Name string
	Do   func() // it must return at once; nil is nothing
	// Breaks says that connections are lost by it: from then on they say nothing of how well the run went.
	Breaks bool
}

// Options say how a run is made. The zero value is one session and one worker for each processor, up to the number of sessions.
type Options struct {
	Meta    recording.Meta // Classes, Parts and Closed are set by Run
	Conns   int            // sessions
	Workers int
	Part    int           // of Meta.Parts, from 0
	Timeout time.Duration // of a step; 0 is 5 s
	// StartAt is when the schedule of the first phase that is recorded begins, or that of those before it which are open loops;
	// the zero value is at once. If it has passed, what was due meanwhile is unsent.
	StartAt time.Time
	// Epoch is what Task.Now and kv.Result count from, and First the number of each worker's first task: of runs behind each other with
	// one Workload, which tells tasks apart by their numbers and orders them by their times. Zero: now, and 0.
	Epoch time.Time
	First uint64
	// Tightest is the lowest limit of latency that the run is to be judged by; 0 is none. The generator must be ten times better.
	Tightest time.Duration
	// Server says once a second what the server says of itself, by name; nil is nothing. It may fail, and then says nothing.
	Server func(context.Context) map[string]float64
	// Update is told each second what is there; nil is nobody.
	Update func(*recording.Recording)
	// Virtual makes time virtual: it is told when a step is sent, and returns after which time its replies are there. Nothing
	// sleeps then, one goroutine does all, and the same seed gives the same recording.
	Virtual func(at time.Duration, ops []kv.Op) time.Duration
}

const (
	defaultTimeout = 5 * time.Second
	mostDrain      = time.Second // for what is due and not sent when the time is up
	leastDrain     = 50 * time.Millisecond
)

// A runner is a run that goes on. Times are since epoch, but for those that are recorded: since origin.
type runner struct {
	ctx     context.Context
	driver  kv.Driver
	opt     Options
	epoch   time.Time
	origin  time.Duration // where the recording begins
	build   *recording.Builder
	workers []*worker
	now     func() time.Duration

	lost    atomic.Int64 // sessions that had to be opened again
	excused atomic.Bool  // those that are lost now were to be
	unsaved errorCount   // of phases that are not recorded
	health  Health
	took    time.Duration // of the phases that are recorded
}

// errNothing says that there is nothing to run.
var errNothing = errors.New("no phases to run")

// Run runs the phases one after the other; open loops that follow each other without a pause. It ends at their time and a bounded
// drain, whatever the store does, or soon after ctx ends; what was recorded until then is returned, with the context's error. An
// error without a recording says why no session could be opened.
func Run(ctx context.Context, d kv.Driver, phases []Phase, opt Options) (*recording.Recording, error) {
	if len(phases) == 0 {
		return nil, errNothing
	}
	opt.Conns = max(opt.Conns, 1)
	opt.Workers = min(cmp.Or(opt.Workers, runtime.GOMAXPROCS(0)), opt.Conns)
	opt.Timeout = cmp.Or(opt.Timeout, defaultTimeout)
	opt.Meta.Parts = max(opt.Meta.Parts, 1)
	opt.Meta.Classes, opt.Meta.Closed = classes(phases), closed(phases)
	r := &runner{ctx: ctx, driver: d, opt: opt, epoch: opt.Epoch}
	if r.epoch.IsZero() {
		r.epoch = time.Now()
	}
	if r.now = func() time.Duration { return time.Since(r.epoch) }; opt.Virtual != nil {
		r.now = func() time.Duration { return 0 }
	}
	defer r.stopTimers()
	if err := r.open(); err != nil {
		return nil, err
	}
	defer r.close()
	for len(phases) > 0 && ctx.Err() == nil {
		n := stretch(phases)
		r.stretch(phases[:n])
		phases = phases[n:]
	}
	return r.finish()
}

// classes are the operations of the phases that are recorded; all have those of one scenario.
func classes(phases []Phase) []string {
	var all []string
	for _, p := range phases {
		if ops := p.Workload.Operations(); p.Record && len(ops) > len(all) {
			all = slices.Clone(ops)
		}
	}
	return all
}

func closed(phases []Phase) bool {
	return slices.ContainsFunc(phases, func(p Phase) bool { return p.Record && p.Arrivals == nil })
}

// stretch is how many phases are run on one schedule: open loops that follow each other, or one closed loop.
func stretch(phases []Phase) int {
	n := 0
	for n < len(phases) && phases[n].Arrivals != nil && phases[n].Requests == 0 {
		if n++; phases[n-1].Until != nil { // nobody knows when the next one begins
			break
		}
	}
	return max(n, 1)
}

// open opens all sessions.
func (r *runner) open() error {
	r.workers = make([]*worker, r.opt.Workers)
	for i := range r.workers {
		t, err := newTimer()
		if err != nil {
			r.workers = r.workers[:i]
			return err
		}
		r.workers[i] = &worker{run: r, id: r.opt.Part*r.opt.Workers + i, n: r.opt.First, poke: make(chan struct{}, 1), timer: t}
	}
	errs := make([]error, r.opt.Conns)
	var wg sync.WaitGroup
	gate := make(chan struct{}, 32) // no herd of connections
	for i := range r.opt.Conns {
		w := r.workers[i%len(r.workers)]
		c := &conn{w: w, ch: make(chan *task, 1)}
		w.conns = append(w.conns, c)
		wg.Add(1)
		go func() {
			defer wg.Done()
			gate <- struct{}{}
			errs[i] = c.dial()
			<-gate
		}()
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			r.close()
			return err
		}
	}
	return nil
}

func (r *runner) stopTimers() {
	for _, w := range r.workers {
		w.timer.Stop()
	}
}

// close closes all sessions, and returns how many were open.
func (r *runner) close() (n int) {
	for _, w := range r.workers {
		for _, c := range w.conns {
			if c.close() {
				n++
			}
		}
	}
	return n
}

// total is the number of workers of all parts.
func (r *runner) total() int { return r.opt.Workers * r.opt.Meta.Parts }

// plan is one stretch: what all its workers know.
type plan struct {
	phases  []Phase
	from    []time.Duration // when each begins
	end     time.Duration   // of the last one; never if its requests end it
	drain   time.Duration
	skip    time.Duration // what is due before it is unsent: it began late
	stopped atomic.Int64  // when it was ended from outside, or by itself because no server is there; 0: it was not
}

// last is when even what was begun is given up.
func (p *plan) last(timeout time.Duration) time.Duration {
	if at := p.stopped.Load(); at > 0 {
		return time.Duration(at) + timeout
	}
	if p.end == never {
		return never
	}
	return p.end + p.drain + timeout
}

// stop ends the stretch, as far as no new tasks are begun.
func (p *plan) stop(now time.Duration) { p.stopped.CompareAndSwap(0, int64(max(now, 1))) }

const never = time.Duration(1<<63 - 1)

// stretch runs phases on one schedule.
func (r *runner) stretch(phases []Phase) {
	p := &plan{phases: phases}
	begin := r.now()
	if recorded := slices.ContainsFunc(phases, func(p Phase) bool { return p.Record }); recorded && !r.opt.StartAt.IsZero() && r.build == nil {
		if at := r.opt.StartAt.Sub(r.epoch); at > begin {
			r.sleep(at - begin)
			begin = at
		} else {
			p.skip, begin = begin, at
		}
	}
	for _, x := range phases {
		p.from = append(p.from, begin)
		if x.Record && r.build == nil {
			r.origin = begin
			r.build = recording.NewBuilder(r.opt.Meta, r.epoch.Add(begin))
			for _, w := range r.workers {
				w.rec = r.build.Recorder()
			}
		}
		if x.For > 0 {
			begin += x.For
		} else {
			begin = never
		}
	}
	p.end = begin
	if p.end != never {
		p.drain = min(max((p.end-p.from[0])/20, leastDrain), mostDrain)
	}
	for _, w := range r.workers {
		w.begin(p)
	}
	if r.opt.Virtual != nil {
		r.virtual(p)
	} else {
		r.real(p)
	}
	for _, w := range r.workers {
		w.leave()
	}
	now := r.now()
	for i := range phases {
		if x := &phases[i]; x.Record && x.For > 0 {
			r.took += max(0, min(now-p.from[i], x.For))
		} else if x.Record {
			r.took += max(0, now-p.from[i])
		}
	}
}

// sleep waits, unless the run is ended meanwhile, which whoever goes on sees.
func (r *runner) sleep(d time.Duration) { _ = kv.Sleep(r.ctx, d) }

// real runs a stretch by the clock: a goroutine for each session, one for each worker's schedule, and one that watches.
func (r *runner) real(p *plan) {
	var wg, watch sync.WaitGroup
	over := make(chan struct{})
	watch.Add(1)
	go func() {
		defer watch.Done()
		r.watch(p, over)
	}()
	for _, w := range r.workers {
		for _, c := range w.conns {
			wg.Add(1)
			go func() {
				defer wg.Done()
				if p.phases[0].Arrivals == nil {
					c.closedLoop()
				} else {
					c.openLoop()
				}
			}()
		}
		if p.phases[0].Arrivals != nil {
			wg.Add(1)
			go func() {
				defer wg.Done()
				w.pace()
			}()
		}
	}
	wg.Wait()
	close(over)
	watch.Wait()
}

// finish makes the recording of what there is.
func (r *runner) finish() (*recording.Recording, error) {
	if r.build == nil {
		return nil, cmp.Or(r.ctx.Err(), errNothing)
	}
	for _, w := range r.workers {
		w.rec.Flush()
	}
	part := recording.Part{Number: r.opt.Part, Workers: r.opt.Workers, Took: r.took}
	rec, err := r.judge(&part)
	if err == nil {
		err = r.ctx.Err()
	}
	return rec, err
}
