package cmd

import (
	"context"
	"strings"
	"time"

	"github.com/kvtool/kvtool/loadgen"
	"github.com/kvtool/kvtool/loadgen/arrival"
	"github.com/kvtool/kvtool/loadgen/figures"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/loadgen/scenario"
	"github.com/kvtool/kvtool/loadgen/threshold"
)

// phases are the scenario's: its fills, and then its own phases or the one that the flags make of them.
func (l *loading) phases(ctx context.Context) []loadgen.Phase {
	var phases []loadgen.Phase
	for i := range l.scenario.Phases {
		p := &l.scenario.Phases[i]
		switch {
		case len(p.Fill) > 0:
			phases = append(phases, l.fill(i)...)
		case !l.single():
			phases = append(phases, loadgen.Phase{
				Name: p.Name, Workload: l.player.Phase(i), Arrivals: arrivals(&p.Rate, p.For), For: p.For, Record: p.Record,
				Events: l.events(ctx, i), Until: until(p),
			})
		}
	}
	if l.single() {
		phases = append(phases, l.one(ctx)...)
	}
	return phases
}

// until is what ends a phase before its time; nil if nothing does.
func until(p *scenario.Phase) func(map[string]float64) bool {
	if p.Stable == 0 {
		return nil
	}
	return figures.Stable(p.Stable)
}

// fill is phase i of the scenario, which writes keys, unless they are not to be written.
func (l *loading) fill(i int) []loadgen.Phase {
	if l.o.noFill {
		return nil
	}
	w, n := l.player.Fill(i)
	return []loadgen.Phase{{Name: l.scenario.Phases[i].Name, Workload: w, Requests: n, Pipeline: fillPipeline}}
}

// fills are the phases of the scenario that write keys before anything is read.
func (l *loading) fills() []loadgen.Phase {
	var phases []loadgen.Phase
	for i := range l.scenario.Phases {
		if len(l.scenario.Phases[i].Fill) > 0 {
			phases = append(phases, l.fill(i)...)
		}
	}
	return phases
}

// weights are those of the scenario's operations.
func (l *loading) weights() []float64 {
	mix := make([]float64, len(l.scenario.Ops))
	for i := range mix {
		mix[i] = l.scenario.Ops[i].Weight
	}
	return mix
}

// fillPipeline is how many keys a connection writes at once before a run.
const fillPipeline = 16

// one is the phase that the flags make, of the scenario's mix, after a warm-up that is not recorded.
func (l *loading) one(ctx context.Context) []loadgen.Phase {
	o := l.o
	p := loadgen.Phase{
		Name: "run", Workload: l.player.Mix(l.weights()), For: o.duration, Requests: o.requests, Pipeline: o.pipeline, Record: true,
		Events: l.eventsOfOne(ctx),
	}
	if o.concurrency == 0 {
		p.Arrivals = &arrival.Law{Constant: o.constant, Segments: arrival.Steady(l.rate())}
	}
	switch {
	case p.For > 0 || p.Requests > 0 && p.Arrivals == nil:
	case p.Requests > 0:
		p.For = time.Duration(float64(p.Requests) / l.rate() * float64(time.Second))
	default:
		p.For = usualDuration
	}
	if o.warmup == 0 {
		return []loadgen.Phase{p}
	}
	warm := p
	warm.Name, warm.For, warm.Requests, warm.Record, warm.Events = "warm-up", o.warmup, 0, false, nil
	return []loadgen.Phase{warm, p}
}

// What a run has of which nothing is said.
const (
	usualDuration = 10 * time.Second
	usualRate     = 1000 // operations a second
)

// rate is that of the flags or, of a scenario's first phase that has one, its mean.
func (l *loading) rate() float64 {
	if l.o.rate > 0 {
		return float64(l.o.rate)
	}
	for i := range l.scenario.Phases {
		p := &l.scenario.Phases[i]
		if law := arrivals(&p.Rate, p.For); len(p.Fill) == 0 && p.Record && law != nil {
			return law.Mean(p.For)
		}
	}
	return usualRate
}

// arrivals is the law of a scenario's rate in a phase of d; nil is as fast as it goes.
func arrivals(r *scenario.Rate, d time.Duration) *arrival.Law {
	at := func(i int) float64 { return r.Values[i] }
	switch r.Kind {
	case "constant":
		return &arrival.Law{Constant: true, Segments: arrival.Steady(at(0))}
	case "poisson":
		return &arrival.Law{Segments: arrival.Steady(at(0))}
	case "ramp":
		return &arrival.Law{Segments: arrival.Ramp(at(0), at(1), d)}
	case "steps":
		return &arrival.Law{Segments: arrival.Steps(d, r.Values...)}
	case "burst":
		return &arrival.Law{Segments: arrival.Burst(at(0), at(1), r.Every/2, r.Every/2), Repeat: true}
	case "sine":
		return &arrival.Law{Segments: arrival.Sine(at(0), at(1)/at(0), r.Every), Repeat: true}
	}
	return nil
}

// single reports whether the flags make one phase of the scenario's.
func (l *loading) single() bool {
	o := l.o
	return o.duration > 0 || o.requests > 0 || o.rate > 0 || o.concurrency > 0
}

func (l *loading) options(ctx context.Context) loadgen.Options {
	o := l.o
	opt := loadgen.Options{
		Conns: l.scenario.Load.Conns, Workers: o.workers, Timeout: o.timeout,
		Meta: recording.Meta{
			Scenario: l.scenario.Name, Hash: l.hash(), Seed: l.scenario.Seed, Version: tool().Version, Parts: l.parts, CPU: generator(),
			Server: strings.TrimSpace(l.info.Product + " " + l.info.Version), Target: l.info.Target, Text: string(l.scenario.Text),
		},
		Part: l.part, StartAt: l.start,
		Server: l.sampler(ctx),
		Update: l.live(),
	}
	if opt.Conns == 0 || o.conns > 0 {
		opt.Conns = max(o.conns, 1)
	}
	if o.conns == 0 && l.scenario.Load.Conns == 0 {
		opt.Conns = 50
	}
	if o.concurrency > 0 {
		opt.Conns = o.concurrency
	}
	opt.Conns = l.partOf(opt.Conns)
	opt.Tightest = tightest(l.thresholds)
	return opt
}

// tightest is the lowest limit of latency; 0 is none.
func tightest(thresholds []threshold.Threshold) time.Duration {
	least := time.Duration(0)
	for i := range thresholds {
		if d := thresholds[i].Latency(); d > 0 && (least == 0 || d < least) {
			least = d
		}
	}
	return least
}
