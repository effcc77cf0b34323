package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// A sample is one run of one tool.
type sample struct {
	cpu, wall time.Duration
	server    time.Duration // CPU of the server meanwhile
	rss       int64         // peak, bytes
	keys      int64
}

// run runs the tool and checks that it saw so many keys. s is the server that it reads, if it reads one.
func (t tool) run(ctx context.Context, want int64, s *server) (sample, error) {
	out, err := os.Create(t.out)
	if err != nil {
		return sample{}, err
	}
	defer out.Close()
	cmd := exec.CommandContext(ctx, t.args[0], t.args[1:]...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = out, &said
	if !t.printsResult() {
		cmd.Stdout = nil
	}
	var before time.Duration
	if s != nil {
		before = s.cpu()
	}
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return sample{}, fmt.Errorf("%s: %w: %s", t.name, err, said.Bytes())
	}
	r := sample{
		wall: time.Since(began),
		cpu:  cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		// Not less than this process had when it forked: it reads nothing large.
		rss: cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10,
	}
	if s != nil {
		r.server = s.cpu() - before
	}
	result, err := os.Open(t.out)
	if err != nil {
		return sample{}, err
	}
	defer result.Close()
	if r.keys, err = t.keys(result); err != nil || r.keys != want {
		return sample{}, fmt.Errorf("%s saw %d keys instead of %d (%v): there is no ratio", t.name, r.keys, want, err)
	}
	return r, nil
}

// printsResult reports whether the result comes on stdout: no argument names the file.
func (t tool) printsResult() bool { return !slices.Contains(t.args, t.out) }

// A pair is the runs of two tools on the same keys; a[i] and b[i] ran one after the other.
type pair struct {
	tools [2]tool
	a, b  []sample
}

// compare runs both tools in turn. A run of each goes before those that count, so that every file is in memory.
func (b *bench) compare(ctx context.Context, tools [2]tool, s *server) (pair, error) {
	p := pair{tools: tools}
	for i := range b.runs + 1 {
		b.say("%s against %s: run %d of %d", tools[0].name, tools[1].name, i, b.runs)
		x, err := tools[0].run(ctx, b.want, s)
		if err != nil {
			return p, err
		}
		y, err := tools[1].run(ctx, b.want, s)
		if err != nil {
			return p, err
		}
		if i > 0 {
			p.a, p.b = append(p.a, x), append(p.b, y)
		}
	}
	return p, nil
}

// A spread is the middle of several figures and their ends.
type spread struct{ low, median, high float64 }

func spreadOf(xs []float64) spread {
	if len(xs) == 0 {
		return spread{}
	}
	xs = slices.Sorted(slices.Values(xs))
	n := len(xs)
	return spread{xs[0], (xs[(n-1)/2] + xs[n/2]) / 2, xs[n-1]}
}

// A metric is a figure of one run.
type metric func(sample) float64

func cpu(s sample) float64           { return s.cpu.Seconds() }
func wall(s sample) float64          { return s.wall.Seconds() }
func rss(s sample) float64           { return float64(s.rss) / (1 << 20) }
func keysPerSecond(s sample) float64 { return float64(s.keys) / s.wall.Seconds() }
func keysPerCPU(s sample) float64    { return float64(s.keys) / s.cpu.Seconds() }
func clientPerKey(s sample) float64  { return s.cpu.Seconds() * 1e6 / float64(s.keys) }
func serverPerKey(s sample) float64  { return s.server.Seconds() * 1e6 / float64(s.keys) }

func each(ss []sample, m metric) spread {
	xs := make([]float64, len(ss))
	for i, s := range ss {
		xs[i] = m(s)
	}
	return spreadOf(xs)
}

// ratio compares run by run, because what disturbs one disturbs its neighbour.
func (p pair) ratio(m metric) spread {
	xs := make([]float64, len(p.a))
	for i := range p.a {
		xs[i] = m(p.a[i]) / m(p.b[i])
	}
	return spreadOf(xs)
}
