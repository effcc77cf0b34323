// Command bench measures kvtool against the tools that people use today, on one machine in one run. Run it in this folder,
// on Linux, with redis-server and redis-cli on PATH:
//
//	go run .                                    the figures of docs/benchmarks.md, as Markdown on stdout
//	go run . -update ../docs/benchmarks.md      the same, put into the page
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
//	records without a server ───────────▶ soak, under a cap of memory
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/kvtool/kvtool/bench/internal/page"
)

type options struct {
	keys, records int64
	runs          int
	limit         float64 // a ratio of CPU over it fails the run
	update        string
	skipLive      bool
}

func main() {
	var o options
	flag.Int64Var(&o.keys, "n", 2_000_000, "how many keys, ten monsters apart")
	flag.Int64Var(&o.records, "records", 10_000_000, "how many records the memory test generates")
	flag.IntVar(&o.runs, "runs", 5, "runs of each side")
	flag.Float64Var(&o.limit, "limit", 0, "fail if kvtool takes more than this many times the CPU of a peer; 0 only prints")
	flag.StringVar(&o.update, "update", "", "put the figures into this Markdown `FILE` as well")
	flag.BoolVar(&o.skipLive, "skip-live", false, "leave out the live server")
	smoke := flag.Bool("smoke", false, "20,000 keys, one run; fail on a ratio of CPU over 1")
	flag.Parse()
	if *smoke {
		o.keys, o.records, o.runs, o.limit = 20_000, 1_000_000, 1, 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures everything and writes the figures.
func run(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp("", "kvtool-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{options: o, dir: dir}
	b.machine.start()
	if err := b.build(ctx); err != nil {
		return err
	}
	server, err := startServer(ctx, dir)
	if err != nil {
		return err
	}
	defer server.stop()
	if err := b.measure(ctx, server); err != nil {
		return err
	}
	b.machine.end()
	text := b.markdown()
	fmt.Print(text)
	if o.update != "" {
		return page.Replace(o.update, "bench", text)
	}
	return nil
}

// A bench is one run of the program.
type bench struct {
	options
	dir     string
	bin     binaries
	machine machine
	want    int64 // keys that each side must see
	dump    int64 // bytes of the dump
	used    int64 // used_memory of the server
	file    pair
	live    pair
	memory  sample
}

// measure fills the server and takes every figure.
func (b *bench) measure(ctx context.Context, s *server) error {
	if err := b.fill(ctx, s); err != nil {
		return err
	}
	var err error
	if b.file, err = b.compare(ctx, b.fileTools(s), nil); err != nil {
		return err
	}
	if !b.skipLive {
		if b.live, err = b.compare(ctx, b.liveTools(s), s); err != nil {
			return err
		}
	}
	s.stop()
	if b.memory, err = b.soak(ctx); err != nil {
		return err
	}
	return errors.Join(b.check(b.file), b.check(b.live))
}

// check holds a pair to the limit.
func (b *bench) check(p pair) error {
	if r := p.ratio(cpu); b.limit > 0 && len(p.a) > 0 && r.median > b.limit {
		return fmt.Errorf("%s takes %.2f times the CPU of %s, more than %.2f", p.tools[0].name, r.median, p.tools[1].name, b.limit)
	}
	return nil
}
