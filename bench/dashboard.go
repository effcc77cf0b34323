package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// measureDashboard holds what looking costs to its limits: a scan that is watched against one that is not, a frame with a million keys
// behind it against one with a thousand, and a new report five times a second.
func measureDashboard(ctx context.Context, b *bench, r *result) error {
	r.data = b.main.describe() + " Watched is `kvtool tui rdb:FILE` on a terminal of 120 columns and 40 lines, with its reports once a second and " +
		"its frames; the other reads the same with the same analyses and prints one frame at its end (`--snapshot`)."
	var ratios, frames, hertz []float64
	var table strings.Builder
	table.WriteString("| run | watched CPU s | printed CPU s | frame, 1M keys, µs | frame, 1k keys, µs | 5 Hz, share of a core |\n|---|---|---|---|---|---|\n")
	test, err := b.buildFrames(ctx)
	if err != nil {
		return err
	}
	for n := range b.runs {
		b.say("run %d of %d: a scan that is watched", n+1, b.runs)
		plain, err := b.look(ctx, false)
		if err != nil {
			return err
		}
		watched, err := b.look(ctx, true)
		if err != nil {
			return err
		}
		var cost [3]float64 // nanoseconds of CPU
		for i, name := range []string{"Frame/keys=1000000$", "Frame/keys=1000$", "Tick/new,keys=1000000$"} {
			if cost[i], err = costOf(ctx, test, name); err != nil {
				return err
			}
		}
		ratios = append(ratios, watched/plain)
		frames = append(frames, cost[0]/cost[1])
		hertz = append(hertz, 5*cost[2]/1e9)
		fmt.Fprintf(&table, "| %d | %.2f | %.2f | %.0f | %.0f | %.2f %% |\n", n+1, watched, plain, cost[0]/1e3, cost[1]/1e3, 500*cost[2]/1e9)
	}
	for _, x := range []struct {
		figure string
		got    []float64
		limit  float64
	}{
		{"a scan with the dashboard against one without: CPU", ratios, 1.05},
		{"a frame with 1,000,000 keys behind it against one with 1,000: CPU", frames, 1.2},
		{"a new report of 1,000,000 keys five times a second: share of a core", hertz, 0.05},
	} {
		s := spreadOf(x.got)
		r.bars = append(r.bars, bar{figure: x.figure, got: s.median, shown: s.format("%.3g"), limit: x.limit})
	}
	r.commands = []string{
		"kvtool tui rdb:FILE --window 0", "kvtool tui rdb:FILE --window 0 --snapshot --size 120x40",
		"go test ./tui -bench 'Frame|Tick' -cpu 1",
	}
	r.tables = table.String()
	return nil
}

// look reads the dump with or without a dashboard, and returns how much CPU that took, in seconds. Both save what they have read, by which
// it is seen that they have read all.
func (b *bench) look(ctx context.Context, watched bool) (float64, error) {
	saved := b.file("dashboard.kvr")
	args := []string{"tui", "rdb:" + b.main.dump, "--window", "0", "--save", saved}
	if !watched {
		args = append(args, "--snapshot", "--size", "120x40")
	}
	cmd := exec.CommandContext(ctx, b.bin.kvtool, args...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color")
	var err error
	if watched {
		err = onTerminal(cmd)
	} else {
		err = cmd.Run()
	}
	if err != nil {
		return 0, fmt.Errorf("%v: %w", cmd.Args, err)
	}
	out, err := exec.CommandContext(ctx, b.bin.kvtool, "report", "convert", saved, "-o", "json").Output()
	if err != nil {
		return 0, err
	}
	if keys, err := keysOfReport(strings.NewReader(string(out))); err != nil || keys != b.main.keys {
		return 0, errors.Join(fmt.Errorf("%v saw %d keys instead of %d", cmd.Args, keys, b.main.keys), err)
	}
	return (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), nil
}

// untilItReads is how long q is not pressed: before a scan has begun it leaves at once.
const untilItReads = 3 * time.Second

// onTerminal runs a dashboard on a terminal of its own until it has read all. It presses q now and then: while a scan runs that asks
// whether to stop it, and the next one is no answer; when it has ended, q leaves.
func onTerminal(cmd *exec.Cmd) error {
	ours, theirs, err := openTerminal(120, 40)
	if err != nil {
		return err
	}
	defer ours.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return err
	}
	go func() { _, _ = io.Copy(io.Discard, ours) }() // who would read its frames is not part of it
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	time.Sleep(untilItReads)
	press := time.NewTicker(700 * time.Millisecond)
	defer press.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-press.C:
			_, _ = ours.WriteString("q") // it may just have ended
		}
	}
}

// openTerminal opens a pair of pseudo-terminals.
func openTerminal(columns, lines uint16) (ours, theirs *os.File, err error) {
	ours, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	fd := int(ours.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: lines, Col: columns})
	}
	if err == nil {
		theirs, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		ours.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// buildFrames builds the benchmarks of the dashboard's frames.
func (b *bench) buildFrames(ctx context.Context) (string, error) {
	path := b.file("frames.test")
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-o", path, "./tui")
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go test -c ./tui: %w\n%s", err, out)
	}
	return path, nil
}

// costOf runs a benchmark in a process of its own, on one thread, and returns the CPU of a round, that of the collector of garbage included.
func costOf(ctx context.Context, test, name string) (float64, error) {
	rounds := "20000x"
	if strings.HasPrefix(name, "Tick") {
		rounds = "300x"
	}
	cmd := exec.CommandContext(ctx, test, "-test.run", "^$", "-test.bench", name, "-test.benchtime", rounds)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	m := regexp.MustCompile(`([0-9.]+) cpu-ns/op`).FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("%v: no figure in\n%s", cmd.Args, out)
	}
	return strconv.ParseFloat(string(m[1]), 64)
}
