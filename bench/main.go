// Command bench measures kvtool against the tools that people use today, on one machine in one run, and holds the figures to
// the bars that the project has set itself. Run it in this folder, on Linux, with redis-server and redis-cli on PATH:
//
//	go run .                                    the figures of docs/benchmarks.md, as Markdown on stdout
//	go run . -check                             the same; exit code 1 if a bar is missed
//	go run . -only export,live                  some sections alone
//	go run . -update ../docs/benchmarks.md      put what was measured into the page
//	go run . -smoke                             a minute's check that both sides run and agree, for CI
//
// It is a module of its own, so that the peers never enter kvtool's go.mod.
//
// The one idea is that only ratios are claimed. A pair of tools reads the same keys, in turn: A B A B, so that whatever else
// the machine does falls on both. What counts is CPU time, user and system, as the kernel accounts it to the process; wall
// time is printed for orientation. There is no ratio at all when a side fails or sees another number of keys than was made.
//
//	gen ──▶ redis-server ──▶ dump.rdb ──▶ kvtool audit rdb:      against   rdb -c memory
//	             └──────────────────────▶ kvtool audit redis://  against   redis-cli --memkeys
//	redis-benchmark ────────────────────▶ kvtool serve         against   redis-server, miniredis, redcon
//	records without a server ───────────▶ soak, under a cap of memory
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
)

type options struct {
	keys, records  int64
	references     int64 // of the stream of section drift
	runs, liveRuns int
	only           []string
	check          bool
	limit          float64 // a ratio of CPU over it fails the run
	update, python string
	asked          bool // for the sections by name
}

func main() {
	o, err := parse(os.Args[1:])
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		err = run(ctx, o)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.Int64Var(&o.keys, "n", 2_000_000, "how many keys, ten monsters apart")
	f.Int64Var(&o.records, "records", 10_000_000, "how many records the soak generates")
	f.Int64Var(&o.references, "references", 100_000_000, "how many references section drift streams")
	f.IntVar(&o.runs, "runs", 5, "runs of each side on a dump")
	f.IntVar(&o.liveRuns, "live-runs", 5, "runs of each side on a server; with two million keys a run of all takes three minutes")
	f.Float64Var(&o.limit, "limit", 0, "fail if kvtool takes more than this many times the CPU of a peer; 0 only prints")
	f.BoolVar(&o.check, "check", false, "fail if a bar is missed")
	f.StringVar(&o.update, "update", "", "put the figures into this Markdown `FILE` as well")
	f.StringVar(&o.python, "python", "python3", "a `PROGRAM` that imports duckdb, for the section parquet")
	only := f.String("only", "", "measure only these `SECTIONS`: "+strings.Join(sectionNames(), ", "))
	smoke := f.Bool("smoke", false, "20,000 keys, one run; fail on a ratio of CPU over 1")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if *smoke {
		o.keys, o.records, o.runs, o.liveRuns, o.limit = 20_000, 1_000_000, 1, 1, 1
	}
	if o.runs < 1 || o.liveRuns < 1 || o.keys < 1 {
		return o, errors.New("-n, -runs and -live-runs must be positive")
	}
	o.only = sectionNames()
	if *smoke { // its tests are in make test
		o.only = slices.DeleteFunc(o.only, func(name string) bool { return name == "drift" })
	}
	if *only != "" {
		o.only, o.asked = strings.Split(*only, ","), true
	}
	for _, name := range o.only {
		if !slices.Contains(sectionNames(), name) {
			return o, fmt.Errorf("-only %s: no such section; there are %s", name, strings.Join(sectionNames(), ", "))
		}
	}
	return o, nil
}

// run measures the sections and writes what they found. One that fails does not cost the others, which took their time.
func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "kvtool-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{options: o, dir: dir}
	defer b.stop()
	if err := b.build(ctx); err != nil {
		return err
	}
	var found []result
	var errs []error
	for _, s := range sections() {
		if !slices.Contains(o.only, s.name) || ctx.Err() != nil {
			continue
		}
		r, err := b.section(ctx, s)
		if errors.Is(err, errNoDuckDB) && !o.asked {
			b.say("%s is left out: %v", s.name, err)
			continue
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err))
			b.say("%s failed: %v", s.name, err)
			continue
		}
		found = append(found, r)
		errs = append(errs, b.publish(r))
		if o.check {
			errs = append(errs, r.missed()...)
		}
	}
	fmt.Print(summary(found))
	return errors.Join(append(errs, ctx.Err())...)
}

// A bench is one run of the program.
type bench struct {
	options
	dir  string
	bin  binaries
	main *dataset // nil until a section needs it
	wide *dataset
}

func (b *bench) section(ctx context.Context, s section) (result, error) {
	var m machine
	r := result{name: s.name}
	if err := s.prepare(ctx, b); err != nil {
		return r, err
	}
	m.start()
	if err := s.measure(ctx, b, &r); err != nil {
		return r, err
	}
	m.end()
	r.where = m.describe()
	return r, nil
}

// stop ends the servers.
func (b *bench) stop() {
	for _, d := range []*dataset{b.main, b.wide} {
		if d != nil {
			d.server.stop()
		}
	}
}
