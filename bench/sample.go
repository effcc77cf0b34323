package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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

// run runs the tool and checks that it saw all of d.
func (t tool) run(ctx context.Context, d *dataset) (sample, error) {
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
	if t.in != "" {
		in, err := os.Open(t.in)
		if err != nil {
			return sample{}, err
		}
		defer in.Close()
		cmd.Stdin = struct{ io.Reader }{in} // not a file: the tool gets a pipe
	}
	before := d.cpu()
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return sample{}, fmt.Errorf("%s: %w: %s", t.name, err, said.Bytes())
	}
	r := sample{
		wall:   time.Since(began),
		cpu:    cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		server: d.cpu() - before,
		// Not less than this process had when it forked: it reads nothing large.
		rss: cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10,
	}
	r.keys = d.keys
	return r, t.check(d.keys)
}

// check reads the result and compares what the tool saw with what there was.
func (t tool) check(keys int64) error {
	if t.rows > 0 {
		keys = min(keys, t.rows)
	}
	out, err := os.Open(t.out)
	if err != nil {
		return err
	}
	defer out.Close()
	if got, err := t.keys(out); err != nil || got != keys {
		return errors.Join(fmt.Errorf("%s saw %d keys instead of %d: there is no ratio", t.name, got, keys), err)
	}
	return nil
}

// printsResult reports whether the result comes on stdout: no argument names the file.
func (t tool) printsResult() bool { return !slices.Contains(t.args, t.out) }

// A group is the runs of several tools on the same keys, the peer the last of them: runs[i] are those of tools[i], and
// the n-th run of each came one after the other.
type group struct {
	tools []tool
	runs  [][]sample
}

func (g group) peer() tool { return g.tools[len(g.tools)-1] }

// compare runs the tools in turn, and then calls each, which may be nil. Where they read files, a run goes before those
// that count, so that every file is in memory.
func (b *bench) compare(ctx context.Context, runs int, d *dataset, tools []tool, each func() error) (group, error) {
	g := group{tools: tools, runs: make([][]sample, len(tools))}
	first := 0
	if tools[0].reads == fromServer {
		first = 1
	}
	for n := first; n <= runs; n++ {
		for i, t := range tools {
			b.say("run %d of %d: %s", n, runs, t.name)
			s, err := t.run(ctx, d)
			if err != nil {
				return g, err
			}
			if n > 0 {
				g.runs[i] = append(g.runs[i], s)
			}
		}
		if each != nil && n > 0 {
			if err := each(); err != nil {
				return g, err
			}
		}
	}
	return g, b.bounded(g)
}

// unbounded is b without the limit of the command line: who only drains a file needs no time to start, which of a quick check is most.
func (b *bench) unbounded() *bench {
	free := *b
	free.limit = 0
	return &free
}

// bounded holds the CPU time of each tool but the peer to the limit of the command line.
func (b *bench) bounded(g group) error {
	for i := range len(g.tools) - 1 {
		if r := g.ratio(i, cpu); b.limit > 0 && !(r.median <= b.limit) {
			return fmt.Errorf("%s takes %.2f times the CPU of %s, more than %.2f", g.tools[i].name, r.median, g.peer().name, b.limit)
		}
	}
	return nil
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
func rss(s sample) float64           { return float64(s.rss) / 1e6 }
func keysPerSecond(s sample) float64 { return float64(s.keys) / s.wall.Seconds() }
func keysPerCPU(s sample) float64    { return float64(s.keys) / s.cpu.Seconds() }
func clientPerKey(s sample) float64  { return s.cpu.Seconds() * 1e6 / float64(s.keys) }
func serverPerKey(s sample) float64  { return s.server.Seconds() * 1e6 / float64(s.keys) }

// of returns the spread of a metric over the runs of the i-th tool.
func (g group) of(i int, m metric) spread {
	xs := make([]float64, len(g.runs[i]))
	for n, s := range g.runs[i] {
		xs[n] = m(s)
	}
	return spreadOf(xs)
}

// ratio compares the i-th tool with the peer run by run, because what disturbs one disturbs its neighbour.
func (g group) ratio(i int, m metric) spread {
	peer := g.runs[len(g.runs)-1]
	xs := make([]float64, len(peer))
	for n := range peer {
		xs[n] = m(g.runs[i][n]) / m(peer[n])
	}
	return spreadOf(xs)
}
