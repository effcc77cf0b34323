package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A bystander asks a server for a key a thousand times a second, and how long that takes is kept by windows of time.
const (
	bystanderEvery = time.Millisecond
	impactWindow   = 500 * time.Millisecond
	aloneFor       = 5 * time.Second // without an audit, before each run
	fewWindows     = 40              // of fewer nothing is concluded
)

// A watched is what a bystander has met: its windows' 99th percentiles, in seconds.
type watched []float64

// bystand asks until ctx ends. An answer that comes late stands for those that would have been asked for meanwhile.
func bystand(ctx context.Context, s *server, keys int64) (watched, error) {
	c, err := s.connect()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var all watched
	var window []float64
	ends := time.Now().Add(impactWindow)
	tick := time.NewTicker(bystanderEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		<-tick.C
		began := time.Now()
		if _, err := c.do("TYPE", fmt.Sprint("user:", rand.Int64N(keys))); err != nil {
			return nil, err
		}
		for took := time.Since(began); took > 0; took -= bystanderEvery {
			window = append(window, took.Seconds())
		}
		if time.Now().After(ends) {
			all = append(all, percentile(window, 0.99))
			window, ends = window[:0], time.Now().Add(impactWindow)
		}
	}
	return all, nil
}

func percentile(xs []float64, p float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	xs = slices.Sorted(slices.Values(xs))
	return xs[min(int(float64(len(xs))*p), len(xs)-1)]
}

// over returns the share of the windows above a limit, in percent.
func (w watched) over(limit float64) float64 {
	n := 0
	for _, x := range w {
		if x > limit {
			n++
		}
	}
	return 100 * float64(n) / float64(max(1, len(w)))
}

// An impact is how an audit went, and what it was to a bystander, over all runs.
type impact struct {
	label string
	tool  tool
	speed []float64 // keys a second
	met   watched
	over  []float64 // of each run, % of the windows
}

// measureImpact audits a server with and without the governor, beside a bystander who asks for a key a thousand times a second.
func measureImpact(ctx context.Context, b *bench, r *result) error {
	target := "redis://127.0.0.1:" + b.main.server.port
	together, said := apart(b.main.server)
	defer together()
	audits := []*impact{
		{label: "off", tool: b.audit("audit --max-impact off", target, "--max-impact", "off")},
		{label: "3x,2ms, the default", tool: b.audit("audit", target)},
	}
	for _, a := range audits {
		if said != sharing {
			a.tool.args = append([]string{"chrt", "--fifo", "1"}, a.tool.args...) // behind the bystander, as if it were elsewhere
		}
	}
	alone := &impact{label: "no audit"}
	for n := range b.liveRuns {
		for _, a := range audits {
			b.say("run %d of %d: %s", n+1, b.liveRuns, a.tool.name)
			base, limit, err := b.alone(ctx)
			if err != nil {
				return err
			}
			alone.met = append(alone.met, base...)
			alone.over = append(alone.over, base.over(limit))
			if err := a.run(ctx, b, limit); err != nil {
				return err
			}
		}
	}
	r.data = b.main.describe() + said
	for _, a := range audits {
		r.commands = append(r.commands, a.tool.name)
	}
	r.tables = impactTable(alone, audits)
	if governed := audits[1]; len(governed.met) >= fewWindows {
		s := spreadOf(governed.over)
		r.bars = append(r.bars, bar{
			figure: "bystander beside an audit: windows with a p99 above max(3 x alone, alone + 2 ms), %", got: s.median, shown: s.format("%.1f"), limit: 5,
		})
	}
	return nil
}

// apart is what two machines would be to each other. The server has a processor of its own, and this process, with what it starts, the others;
// and none of the three waits for a slice of time that somebody else is in the midst of. That takes rights that not everybody has:
// without them said tells that what waits for a processor is in the figures. Neither processor sleeps: what a virtual one takes to wake,
// a millisecond and more, would be the bystander's p99 on a machine that does nothing else.
func apart(s *server) (together func(), said string) {
	var all, one unix.CPUSet
	err := unix.SchedGetaffinity(0, &all)
	if err != nil || all.Count() < 2 {
		return func() {}, sharing
	}
	rest := all
	for cpu := 0; one.Count() == 0; cpu++ {
		if all.IsSet(cpu) {
			one.Set(cpu)
			rest.Clear(cpu)
		}
	}
	pid := s.cmd.Process.Pid
	spinning, rested := context.WithCancel(context.Background())
	together = func() { // as they were
		rested()
		_ = errors.Join(place(pid, &all, unix.SCHED_NORMAL), place(os.Getpid(), &all, unix.SCHED_NORMAL))
	}
	if err := errors.Join(place(pid, &one, unix.SCHED_FIFO), place(os.Getpid(), &rest, unix.SCHED_FIFO)); err != nil {
		together()
		return func() {}, sharing
	}
	for _, on := range []*unix.CPUSet{&one, &rest} {
		spin := exec.CommandContext(spinning, "chrt", "--idle", "0", "sh", "-c", "while :; do :; done")
		if err := spin.Start(); err != nil {
			together()
			return func() {}, sharing
		}
		_ = unix.SchedSetaffinity(spin.Process.Pid, on) // where it is of no use it does no harm
		go func() { _ = spin.Wait() }()                 // it is killed
	}
	return together, " The server has a processor of its own; bystander and audit share another, where the bystander goes first. All run before other work " +
		"(SCHED_FIFO), and neither processor sleeps."
}

const sharing = " Server, bystander and audit share the processors: what they wait for those is in the figures."

// place has the threads of a process run on some processors only, by a policy: in time means before all others that are not.
func place(pid int, on *unix.CPUSet, policy uint32) error {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: policy}
	if policy == unix.SCHED_FIFO {
		attr.Priority = 2
	}
	for _, task := range tasks {
		id, notNumber := strconv.Atoi(task.Name())
		err = errors.Join(err, notNumber, unix.SchedSetaffinity(id, on), unix.SchedSetAttr(id, &attr, 0))
	}
	return err
}

// alone returns what the bystander meets without an audit, and the limit that follows.
func (b *bench) alone(ctx context.Context) (watched, float64, error) {
	most := aloneFor
	if !b.full() { // a quick check
		most = time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	met, err := bystand(ctx, b.main.server, b.main.keys)
	base := percentile(met, 0.5)
	return met, max(3*base, base+0.002), err
}

// run audits beside the bystander.
func (a *impact) run(ctx context.Context, b *bench, limit float64) error {
	beside, cancel := context.WithCancel(ctx)
	defer cancel()
	type outcome struct {
		met watched
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		met, err := bystand(beside, b.main.server, b.main.keys)
		done <- outcome{met, err}
	}()
	s, err := a.tool.run(ctx, b.main)
	cancel()
	o := <-done
	if err != nil || o.err != nil {
		return fmt.Errorf("%s: %w", a.tool.name, firstOf(err, o.err))
	}
	a.speed = append(a.speed, keysPerSecond(s))
	a.met = append(a.met, o.met...)
	a.over = append(a.over, o.met.over(limit))
	return nil
}

func firstOf(errs ...error) error {
	i := slices.IndexFunc(errs, func(err error) bool { return err != nil })
	return errs[i]
}

func impactTable(alone *impact, audits []*impact) string {
	var t strings.Builder
	t.WriteString("| `--max-impact` | keys/s | bystander's p99, ms: median window (best - worst) | windows over the limit, % |\n|---|---|---|---|\n")
	ms := func(w watched) string {
		s := spreadOf(w)
		return spread{s.low * 1e3, s.median * 1e3, s.high * 1e3}.format("%.2f")
	}
	fmt.Fprintf(&t, "| %s | | %s | %s |\n", alone.label, ms(alone.met), spreadOf(alone.over).format("%.1f"))
	for _, a := range audits {
		fmt.Fprintf(&t, "| %s | %s | %s | %s |\n", a.label, spreadOf(a.speed).format("%.0f"), ms(a.met), spreadOf(a.over).format("%.1f"))
	}
	return t.String()
}
