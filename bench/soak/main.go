// Command soak streams generated records through one whole audit and holds it to a cap of memory. It ends with exit code 1
// as soon as the process has been over the cap:
//
//	go run ./soak                               a billion records
//	go run ./soak -n 10000000                   ten million
//	go run ./soak -log FILE                     also writes what it prints to FILE
//	go run ./soak -update ../docs/benchmarks.md puts the log into the page
//
// The one idea is that an audit's memory depends on what there is to tell, not on how many keys it has seen. Nothing stores
// the records (see internal/keygen), so what the process holds is the audit. Peak RSS is what the kernel has seen (VmHWM of
// /proc/self/status), garbage and runtime included.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/bench/internal/page"
	"github.com/kvtool/kvtool/cmd"
	"github.com/kvtool/kvtool/internal/keygen"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
)

type options struct {
	records     int64
	shards      int
	capMiB      int64
	every       time.Duration
	log, update string
	print       bool
}

func main() {
	var o options
	flag.Int64Var(&o.records, "n", 1_000_000_000, "how many records, ten monsters apart")
	flag.IntVar(&o.shards, "shards", runtime.GOMAXPROCS(0), "shards scanned at once")
	flag.Int64Var(&o.capMiB, "cap", 256, "most memory, in `MiB`")
	flag.DurationVar(&o.every, "every", 30*time.Second, "how often to print a line")
	flag.StringVar(&o.log, "log", "", "write the lines to this `FILE` as well")
	flag.StringVar(&o.update, "update", "", "put the lines into this Markdown `FILE` as well")
	flag.BoolVar(&o.print, "print", false, "print the report to stderr")
	flag.Parse()
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(cmd.SoftMemoryLimit) // as kvtool does
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	var lines strings.Builder
	out := io.MultiWriter(os.Stdout, &lines)
	if o.log != "" {
		f, err := os.Create(o.log)
		if err != nil {
			return err
		}
		defer f.Close()
		out = io.MultiWriter(out, f)
	}
	if err := soak(ctx, out, o); err != nil {
		fmt.Fprintln(out, "failed:", err)
		return err
	}
	if o.update != "" {
		return page.Replace(o.update, "soak", "```\n"+lines.String()+"```\n")
	}
	return nil
}

// analyzers are all that kvtool audit runs.
func analyzers() []*audit.Analyzer {
	return append(keydesign.Analyzers(nil), audit.Analyzers(audit.Config{})...)
}

// soak runs the audit, prints a line every so often and a last one, and fails over the cap.
func soak(ctx context.Context, out io.Writer, o options) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	names := make([]string, 0, 16)
	for _, a := range analyzers() {
		names = append(names, a.Name)
	}
	fmt.Fprintf(out, "%s, %d shards, soft limit %d MiB, cap %d MiB\nanalyses: %s\n", runtime.Version(), o.shards,
		debug.SetMemoryLimit(-1)>>20, o.capMiB, strings.Join(names, " "))
	began := time.Now()
	next := began.Add(o.every)
	look := func(r *report.Report) {
		if time.Now().After(next) {
			next = next.Add(o.every)
			fmt.Fprintln(out, line(r.Coverage.Keys, time.Since(began)))
		}
		if err := overCap(o.capMiB); err != nil {
			cancel(err)
		}
	}
	r, err := audit.Run(ctx, keygen.New(o.records).Store(), analyzers(), audit.Options{
		Parallel: o.shards, Every: min(time.Second, o.every), Update: look,
	})
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err != nil {
		return err
	}
	if err := finish(r, o); err != nil {
		return err
	}
	fmt.Fprintln(out, "done:", line(r.Coverage.Keys, time.Since(began)))
	return errors.Join(overCap(o.capMiB), whole(r, o.records))
}

// finish writes the report, which is part of every audit.
func finish(r *report.Report, o options) error {
	r.Tool = report.Tool{Name: "soak"}
	if err := render.JSON(io.Discard, r, render.Options{}); err != nil {
		return err
	}
	if !o.print {
		return nil
	}
	return render.Text(os.Stderr, r, render.Options{Width: 100})
}

// whole reports an error if records are missing.
func whole(r *report.Report, records int64) error {
	if want := keygen.New(records).Keys(); r.Coverage.Keys != want || !r.Coverage.Complete {
		return fmt.Errorf("%d of %d records, complete: %v", r.Coverage.Keys, want, r.Coverage.Complete)
	}
	return nil
}

func line(records int64, took time.Duration) string {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it fails for no argument of ours
	cpu := time.Duration(u.Utime.Nano() + u.Stime.Nano())
	return fmt.Sprintf("%d records  %s  %.0f records/s  CPU %s (%.0f records per CPU s)  RSS %d MiB now, %d MiB at most",
		records, took.Round(time.Second), float64(records)/took.Seconds(), cpu.Round(time.Second),
		float64(records)/cpu.Seconds(), memory("VmRSS"), memory("VmHWM"))
}

func overCap(mib int64) error {
	switch peak := memory("VmHWM"); {
	case peak == 0:
		return errors.New("the kernel does not say how much memory this process has used")
	case peak > mib:
		return fmt.Errorf("%d MiB of memory, the cap is %d MiB", peak, mib)
	}
	return nil
}

// memory returns a line of /proc/self/status, in MiB rounded up.
func memory(name string) int64 {
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(status), name+":")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseInt(fields[0], 10, 64)
	return (kib + 1023) / 1024
}
