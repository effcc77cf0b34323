// Package replay does again what a trace says was done: at its times, faster, or as fast as the store answers.
//
// The one idea is that a trace is a schedule: when a command is due is what the trace says, whatever the store does, and its
// response time counts from there. What one client has asked goes over one connection in its order; where the trace knows no
// clients, what was asked of one key does.
//
// Nothing outside a prefix is touched. Each key that a command names is put under it, by the places of keys in the command; what
// names none, or may touch others, or waits for others, is left out and counted by its reason. Each key that is written has a TTL.
package replay

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/loadgen/trace"
)

// Options say how a trace is replayed.
type Options struct {
	Prefix   string        // of every key; it must not be empty
	TTL      time.Duration // of what the trace gives none; 0 is a day
	Speed    float64       // times as fast; 0 is 1
	AsFast   bool          // times do not count: a command is due when its connection is free
	Amplify  int           // copies of each command, on keys and connections of their own; 0 is 1
	Conns    int           // 0 is 50
	Pipeline int           // commands that are sent together at most, where as many are due; 0 is 1
	Timeout  time.Duration // of an answer; 0 is none
	For      time.Duration // ends it; 0 is the end of the trace
	Seed     uint64        // of when, within a second, what is known to the second is due; and of values

	Meta     recording.Meta // Classes, Parts, Closed and Seed are set by Run
	Tightest time.Duration  // as of loadgen.Options
	// Server says once a second what the server says of itself, by name; nil is nothing. It may fail, and then says nothing.
	Server func(context.Context) map[string]float64
	// Update is told each second what is there; nil is nobody.
	Update func(*recording.Recording)
	// Watch is told each key that a command names, without the prefix; nil is nobody. It is called by one goroutine.
	Watch func(key string, kind kv.OpKind)
}

func (o Options) withDefaults() Options {
	o.TTL = cmp.Or(o.TTL, 24*time.Hour)
	o.Speed = cmp.Or(o.Speed, 1)
	o.Amplify = max(o.Amplify, 1)
	o.Conns = max(cmp.Or(o.Conns, 50), 1)
	o.Pipeline = max(o.Pipeline, 1)
	return o
}

// A Result is what came of a replay: what was recorded, and what of the trace is not in it.
type Result struct {
	Recording *recording.Recording // its operations are commands by name
	Read      uint64               // commands of the trace
	Lost      uint64               // lines of the trace that could not be read
	Skipped   map[string]uint64    // commands that were left out, by why
	Armed     uint64               // commands that only gave keys a TTL; they are counted nowhere else
}

// ErrNoTimes says that a trace does not tell when anything was done.
var ErrNoTimes = errors.New("this trace does not tell when its commands were asked")

// queueLength is how many commands of a connection may be read ahead of their time.
const queueLength = 1 << 10

// An item is a command that waits for its time.
type item struct {
	due  time.Duration
	name string
	args [][]byte
	arm  [][][]byte // commands that give TTLs, sent behind it
}

// Run replays src against d. It ends with src, at Options.For or with ctx, and what was due by then and is not done is counted as
// unsent. With an error of src the result is of what was read until then.
func Run(ctx context.Context, d kv.Driver, src iter.Seq2[*trace.Command, error], opt Options) (*Result, error) {
	opt = opt.withDefaults()
	if opt.Prefix == "" {
		return nil, errors.New("replaying without a prefix")
	}
	asked := ctx
	if opt.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, opt.For)
		defer cancel()
	}
	opt.Meta.Classes, opt.Meta.Parts, opt.Meta.Closed, opt.Meta.Seed = nil, 1, opt.AsFast, opt.Seed
	r := &replay{opt: opt, driver: d, began: time.Now(), res: &Result{Skipped: map[string]uint64{}}, rng: rand.New(rand.NewPCG(opt.Seed, 1))}
	r.translator, r.build = newTranslator(opt), recording.NewBuilder(opt.Meta, r.began)
	stop := context.AfterFunc(ctx, func() { r.end.Store(int64(time.Since(r.began))) })
	defer stop()
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	var all, watch sync.WaitGroup
	over := make(chan struct{})
	watch.Go(func() { r.watch(ctx, over) })
	for _, w := range r.workers {
		all.Go(func() { w.run(ctx) })
	}
	err := r.dispatch(ctx, src)
	for _, w := range r.workers {
		close(w.queue)
	}
	all.Wait()
	close(over)
	watch.Wait()
	r.health.Ended = context.Cause(asked)
	if failed := r.finish(); failed != nil {
		return nil, failed
	}
	return r.res, err
}

// open opens all connections.
func (r *replay) open(ctx context.Context) error {
	for range r.opt.Conns {
		w := &worker{replay: r, queue: make(chan item, queueLength), rec: r.build.Recorder(), classes: map[string]int{}}
		if err := w.open(ctx); err != nil {
			for _, o := range r.workers {
				o.session.Close()
			}
			return err
		}
		r.workers = append(r.workers, w)
	}
	return nil
}

// finish makes the recording of what there is, and a verdict on it.
func (r *replay) finish() error {
	took := time.Since(r.began)
	if r.opt.For > 0 {
		took = min(took, r.opt.For) // without the drain
	}
	for _, w := range r.workers {
		w.rec.Flush()
		r.res.Armed += w.armed
		r.health.Lost += w.broken
	}
	part := recording.Part{Workers: len(r.workers), Took: took}
	err := r.health.Judge(r.build.Snapshot(), &part)
	if err != nil {
		return err
	}
	r.res.Recording, err = r.build.Finish(part)
	return err
}

// watch looks after the generator, the server and who wants to know, each second.
func (r *replay) watch(ctx context.Context, over <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last, cpu, waited := time.Since(r.began), loadgen.ProcessCPU(), loadgen.ProcessWait()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
		}
		now, used, wait := time.Since(r.began), loadgen.ProcessCPU(), loadgen.ProcessWait()
		r.health.Add(now-last, used-cpu, wait-waited, now-last-time.Second)
		last, cpu, waited = now, used, wait
		if r.opt.Server != nil {
			if figures := r.opt.Server(ctx); len(figures) > 0 {
				r.build.Add(int(now/time.Second)-1, &recording.Second{Server: figures})
			}
		}
		if r.opt.Update != nil {
			r.opt.Update(r.build.Snapshot())
		}
	}
}

// A replay is what dispatch and the workers share; but for its end only dispatch changes it.
type replay struct {
	opt        Options
	driver     kv.Driver
	began      time.Time
	build      *recording.Builder
	health     loadgen.Health // of watch, and of who finishes
	res        *Result
	rng        *rand.Rand
	translator *translator
	workers    []*worker
	second     []*trace.Command // those of one second, whose times within it are to be drawn
	places     maphash.Seed
	clients    map[string]int // whose connection is which
	end        atomic.Int64   // since began, when ctx ended; 0 before
}

// dispatch gives each command its time and its connection.
func (r *replay) dispatch(ctx context.Context, src iter.Seq2[*trace.Command, error]) error {
	r.places, r.clients = maphash.MakeSeed(), map[string]int{}
	for c, err := range src {
		if err != nil {
			return errors.Join(r.flush(ctx), err)
		}
		r.res.Lost += uint64(c.Lost)
		if len(c.Words) == 0 {
			continue
		}
		r.res.Read++
		switch {
		case !r.opt.AsFast && !c.Timed:
			return ErrNoTimes
		case r.opt.AsFast || !c.Whole:
			err = r.send(ctx, c, c.At)
		default:
			err = r.hold(ctx, c)
		}
		if err != nil {
			return ended(err)
		}
	}
	return ended(r.flush(ctx))
}

// ended is nil for an end that was asked for.
func ended(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// mostHeld bounds the commands of one second: beyond them they are drawn in several lots.
const mostHeld = 1 << 16

// hold keeps a command until its second is complete.
func (r *replay) hold(ctx context.Context, c *trace.Command) error {
	if n := len(r.second); n > 0 && (r.second[0].At != c.At || n == mostHeld) {
		if err := r.flush(ctx); err != nil {
			return err
		}
	}
	held := *c
	held.Words = slices.Clone(c.Words)
	r.second = append(r.second, &held)
	return nil
}

// flush draws when, within their second, commands were asked: independent uniform times in order are those of a Poisson process
// of which so many fell there.
func (r *replay) flush(ctx context.Context) error {
	times := make([]time.Duration, len(r.second))
	for i := range times {
		times[i] = time.Duration(r.rng.Int64N(int64(time.Second)))
	}
	slices.Sort(times)
	held := r.second
	r.second = r.second[:0]
	for i, c := range held {
		if err := r.send(ctx, c, c.At+times[i]); err != nil {
			return err
		}
	}
	return nil
}

// send gives a command, and its copies, to connections.
func (r *replay) send(ctx context.Context, c *trace.Command, at time.Duration) error {
	due := time.Duration(float64(at) / r.opt.Speed)
	if r.opt.AsFast {
		due = 0
	}
	for n := range r.opt.Amplify {
		it, why := r.translator.item(c, n, due)
		if why != "" {
			r.res.Skipped[why]++
			continue
		}
		select {
		case r.workers[r.connection(c, n)].queue <- it:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// mostClients bounds those whose connection is remembered. Those beyond are told apart by a hash alone.
const mostClients = 1 << 16

// connection returns the connection of whoever asked: clients take them in turn, and without clients keys are spread.
func (r *replay) connection(c *trace.Command, copied int) int {
	who := c.Client
	if who == "" {
		key := ""
		if len(c.Words) > 1 {
			key = c.Words[1]
		}
		return int((maphash.String(r.places, key) + uint64(copied)) % uint64(len(r.workers)))
	}
	if copied > 0 {
		who += "#" + strconv.Itoa(copied)
	}
	if at, ok := r.clients[who]; ok {
		return at
	}
	if len(r.clients) >= mostClients {
		return int(maphash.String(r.places, who) % uint64(len(r.workers)))
	}
	at := len(r.clients) % len(r.workers)
	r.clients[who] = at
	return at
}
