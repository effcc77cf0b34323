// Package probe asks a store how it does at one rate: it runs the rate and counts what was over the limits. Which rate comes next is
// findmax's to say, and what is sent a workload's.
//
// The one idea is that every rate begins alike, whatever was run before: what the last one has left in the store's queues is waited
// for, and what the store does while it settles to the new one is not counted.
//
//	drained ── settle, not counted ── measure ── drained ── the store's own figures
package probe

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen"
	"github.com/kvtool/kvtool/loadgen/arrival"
	"github.com/kvtool/kvtool/loadgen/figures"
	"github.com/kvtool/kvtool/loadgen/findmax"
	"github.com/kvtool/kvtool/loadgen/latency"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/loadgen/stat"
	"github.com/kvtool/kvtool/loadgen/threshold"
	"github.com/kvtool/kvtool/report"
)

// A Prober runs one rate after the other. It is not safe for concurrent use.
type Prober struct {
	Driver   kv.Driver
	Workload loadgen.Workload
	Options  loadgen.Options // of every run; Epoch, First, Tightest and the seed change from run to run
	Limits   []threshold.Threshold
	Constant bool          // arrivals are even, instead of those of a Poisson process
	Settle   time.Duration // before each measurement
}

// ErrUnsteady says that the process that sends stood still, twice, while it measured.
var ErrUnsteady = errors.New("kvtool stood still while it measured: the machine is too busy to measure on")

// ErrUndecidable says that a limit is one of which this store or this workload tells nothing.
var ErrUndecidable = errors.New("a limit cannot be judged")

// Closed runs phases, such as fills, and then the workload in a closed loop for d: its rate is one that the store cannot exceed with as
// many sessions, as long as nothing waits. Rarest is the least share of all operations that may be over a limit: with p99 of an
// operation that is every second one, 0.005; 0 without such limits.
func (p *Prober) Closed(ctx context.Context, before []loadgen.Phase, d time.Duration) (rate, rarest float64, err error) {
	phases := append(slices.Clone(before), loadgen.Phase{Name: "closed loop", Workload: p.Workload, For: d, Record: true})
	rec, _, err := p.run(ctx, phases)
	if err != nil {
		return 0, 0, err
	}
	sum := rec.Sum()
	if done := sum.Done - min(sum.Done, sum.ErrorCount()); done == 0 {
		return 0, 0, fmt.Errorf("nothing was done in a closed loop of %v: errors %v", d, sum.Errors)
	}
	for i := range p.Limits {
		tail, ok := p.Limits[i].Tail()
		if !ok {
			continue
		}
		class, err := p.class(rec, &p.Limits[i])
		if err != nil {
			return 0, 0, err
		}
		h, err := rec.Histogram(class, recording.Response, 0, len(rec.Seconds))
		if err != nil {
			return 0, 0, err
		}
		if share := tail.Allowed * float64(h.Count()) / float64(sum.Done); share > 0 && (rarest == 0 || share < rarest) {
			rarest = share
		}
	}
	return float64(sum.Done) / d.Seconds(), rarest, nil
}

// class returns the class that a limit is of; -1 is all.
func (p *Prober) class(rec *recording.Recording, t *threshold.Threshold) (int, error) {
	if t.Op == "" {
		return -1, nil
	}
	class := slices.Index(rec.Meta.Classes, t.Op)
	if class < 0 {
		return 0, fmt.Errorf("%w: %s: there is no operation %s", ErrUndecidable, t.Text, t.Op)
	}
	return class, nil
}

// Rate implements findmax.Measure. What kvtool itself has spoiled is measured once more before it is believed.
func (p *Prober) Rate(ctx context.Context, rate float64, d time.Duration) (*findmax.Sample, error) {
	s, err := p.once(ctx, rate, d)
	if errors.Is(err, ErrUnsteady) || err == nil && s.Bound != "" {
		return p.once(ctx, rate, d)
	}
	return s, err
}

func (p *Prober) once(ctx context.Context, rate float64, d time.Duration) (*findmax.Sample, error) {
	law := &arrival.Law{Constant: p.Constant, Segments: arrival.Steady(rate)}
	phases := []loadgen.Phase{{Name: "measure", Workload: p.Workload, Arrivals: law, For: d, Record: true}}
	if p.Settle > 0 {
		phases = slices.Insert(phases, 0, loadgen.Phase{Name: "settle", Workload: p.Workload, Arrivals: law, For: p.Settle})
	}
	rec, counts, err := p.run(ctx, phases)
	if err != nil {
		return nil, err
	}
	return p.sample(rec, counts, max(1, int(d.Seconds())))
}

// seeds is by how much those of two runs differ: a run uses that and the next few.
const seeds = 1 << 20

// run runs phases and returns what was recorded, and what the store says of it once nothing of it is left.
func (p *Prober) run(ctx context.Context, phases []loadgen.Phase) (*recording.Recording, map[string]float64, error) {
	opt := &p.Options
	if opt.Epoch.IsZero() {
		opt.Epoch = time.Now()
	}
	opt.Meta.Seed += seeds // what is measured again is to be another sample
	opt.Tightest = 0
	for i := range p.Limits {
		if d := p.Limits[i].Latency(); d > 0 && (opt.Tightest == 0 || d < opt.Tightest) {
			opt.Tightest = d
		}
	}
	reader, err := figures.New(ctx, p.Driver, kv.SessionOptions{Timeout: patience})
	if err != nil {
		reader = nil // a store without figures, or without an answer: then the run has none either, and says so
	}
	rec, err := loadgen.Run(ctx, p.Driver, phases, *opt)
	if err != nil {
		return nil, nil, err
	}
	opt.First += tasks(phases, rec)
	if reader == nil {
		return rec, nil, nil
	}
	defer reader.Close()
	return rec, settled(ctx, reader, opt.Virtual != nil), nil
}

// tasks returns at least how many tasks one worker had.
func tasks(phases []loadgen.Phase, rec *recording.Recording) uint64 {
	n := rec.Sum().Due
	for i := range phases {
		if x := &phases[i]; !x.Record {
			if n += x.Requests; x.Arrivals != nil {
				n += uint64(2*x.Arrivals.Mean(x.For)*x.For.Seconds()) + 1000 // far beyond what chance adds
			}
		}
	}
	return n
}

// How a store is waited for: until what it does within a tenth of a second becomes less no more.
const (
	look     = 100 * time.Millisecond
	patience = 10 * time.Second
	atRest   = 20 // operations within look, those of who looks counted
	steadily = 0.9
)

// settled waits until the store is done with what was sent, and returns what it says of the time since the reader was opened. It is
// nil where the store says nothing any more.
func settled(ctx context.Context, r *figures.Reader, virtual bool) map[string]float64 {
	now, err := r.Read()
	last := math.Inf(1)
	for waited := time.Duration(0); err == nil && !virtual && waited < patience && ctx.Err() == nil; waited += look {
		time.Sleep(look)
		if now, err = r.Read(); err != nil {
			break
		}
		ops := now["ops"]
		if ops <= atRest || ops >= steadily*last {
			break
		}
		last = ops
	}
	if err != nil {
		return nil
	}
	delete(now, "hit_rate") // of the last tenth of a second
	if rate, ok := r.HitRate(); ok {
		now["hit_rate"] = rate
	}
	return now
}

// sample judges what was recorded in so many seconds.
func (p *Prober) sample(rec *recording.Recording, counts map[string]float64, seconds int) (*findmax.Sample, error) {
	sum := rec.Sum()
	verdict, why := rec.Verdict()
	s := &findmax.Sample{Achieved: sum.Achieved()}
	switch {
	case verdict == recording.GeneratorBound:
		s.Bound = why
	case verdict == recording.Unstable && sum.ErrorCount() == 0:
		return nil, ErrUnsteady
	case verdict == recording.Unstable: // connections were lost
		s.Missed = append(s.Missed, "errors")
	}
	var others []threshold.Threshold
	for i := range p.Limits {
		t := &p.Limits[i]
		limit, ok := t.Tail()
		if !ok {
			others = append(others, *t)
			continue
		}
		tail, err := p.tail(rec, t, limit, seconds)
		if err != nil {
			return nil, err
		}
		s.Tails = append(s.Tails, *tail)
	}
	checks, err := threshold.Judge(others, rec, counts)
	if err != nil {
		return nil, err
	}
	for i := range checks {
		switch c := &checks[i]; {
		case c.Verdict == report.Fail && !slices.Contains(s.Missed, others[i].Metric):
			s.Missed = append(s.Missed, others[i].Metric)
		case c.Verdict == report.Inconclusive && verdict == recording.Valid && sum.Done > 0:
			return nil, fmt.Errorf("%w: %s: %s", ErrUndecidable, c.Name, c.Why)
		}
	}
	return s, nil
}

// tail counts, second by second, what took longer than a limit allows. What was done after the last one belongs to it: it was due
// before, or is still to be done.
func (p *Prober) tail(rec *recording.Recording, t *threshold.Threshold, limit threshold.Tail, seconds int) (*findmax.Tail, error) {
	class, err := p.class(rec, t)
	if err != nil {
		return nil, err
	}
	out := &findmax.Tail{Name: t.Name(), Allowed: limit.Allowed, Limit: limit.Limit, Blocks: make([]stat.Block, seconds)}
	var all latency.Histogram
	for i := range rec.Seconds {
		h, err := rec.Histogram(class, limit.Kind, i, i+1)
		if err != nil {
			return nil, err
		}
		b := &out.Blocks[min(i, seconds-1)]
		b.Samples += h.Count()
		b.Over += h.CountAbove(limit.Limit)
		all.Merge(h)
	}
	out.Value = all.Quantile(1 - limit.Allowed)
	return out, nil
}
