package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A match is a pair of generators that send the same to the same server.
type match struct {
	what     string // is sent
	peer     string
	pipeline int
	limit    float64 // the most CPU that ours may take, as a share of the peer's
	n        int64   // operations of a run
	ours     []string
	theirs   []string
	before   []string // is run once, for the peer; may be empty
}

// matches are the generators' pairs on the server at port, with n operations where nothing is sent ahead. A peer that is not there
// is left out, by name.
func (b *bench) matches(port string, n int64) []match {
	target := "redis://127.0.0.1:" + port
	loader := func(command string, pipeline int, n int64) []string {
		return []string{
			b.bin.loader, "-target", target, "-command", command, "-n", strconv.FormatInt(n, 10), "-pipeline", strconv.Itoa(pipeline),
		}
	}
	var all []match
	for _, pipeline := range []int{1, 16} {
		n := n * int64(min(pipeline, 4)) // an operation takes a tenth
		for _, command := range []string{"GET", "SET"} {
			all = append(all, match{
				what: command, peer: "redis-benchmark", pipeline: pipeline, limit: map[int]float64{1: 0.80, 16: 0.95}[pipeline], n: n,
				ours: loader(command, pipeline, n),
				theirs: []string{
					"redis-benchmark", "-p", port, "-n", strconv.FormatInt(n, 10), "-c", "50", "-d", "100", "-r", "1000000", "-q",
					"-P", strconv.Itoa(pipeline), "-t", strings.ToLower(command),
				},
			})
		}
		if _, err := exec.LookPath(memtier); err == nil {
			all = append(all, match{
				what: "GET/SET 10:1", peer: memtier, pipeline: pipeline, limit: 0.80, n: n,
				ours: loader("MIX", pipeline, n),
				theirs: []string{
					memtier, "-s", "127.0.0.1", "-p", port, "-t", "1", "-c", "50", "-n", strconv.FormatInt(n/50, 10), "--ratio", "1:10",
					"-d", "100", "--key-maximum", "1000000", "--key-pattern", "R:R", "--pipeline", strconv.Itoa(pipeline), "--hide-histogram",
				},
			})
		}
	}
	if b.bin.ycsb != "" {
		all = append(all, match{
			what: "YCSB B", peer: "go-ycsb", pipeline: 1, limit: 0.70, n: n,
			ours: []string{
				b.bin.kvtool, "load", "run", target, "-s", "ycsb-b", "--concurrency", "50", "--requests", strconv.FormatInt(n, 10),
				"--allow-writes", "--progress", "none", "-o", "json",
			},
			theirs: b.ycsb("run", port, "operationcount="+strconv.FormatInt(n, 10)),
			before: b.ycsb("load", port),
		})
	}
	return all
}

const memtier = "memtier_benchmark"

// ycsb is go-ycsb on workload B as it is published: ten thousand hashes of ten fields of 100 B, of which 95 % of the operations read
// one whole and the others write one field, 50 connections.
func (b *bench) ycsb(mode, port string, more ...string) []string {
	args := []string{b.bin.ycsb, mode}
	for _, p := range append([]string{
		"redis.addr=127.0.0.1:" + port, "redis.datatype=hash", "redis.pool_size=50", "threadcount=50", "recordcount=10000",
		"fieldcount=10", "fieldlength=100", "readproportion=0.95", "updateproportion=0.05", "scanproportion=0", "insertproportion=0",
		"requestdistribution=zipfian", "measurement.interval=3600",
	}, more...) {
		args = append(args, "-p", p)
	}
	return args
}

// measureLoad measures the client's CPU per operation of the generator and of its peers by turns, what each says of a server that
// stands still, and what a run costs beside the store.
func measureLoad(ctx context.Context, b *bench, r *result) error {
	parts := []func(context.Context, *bench, *result) error{measureClients}
	if b.asked || b.full() { // a quick check has no two minutes
		if err := b.buildYCSB(ctx); err != nil {
			return err
		}
		parts = append(parts, measureFreeze, measureOwnCost, measureDay)
	}
	r.data = "50 connections, values of 100 B, keys at random of a million (YCSB: ten thousand). kvtool keeps three latencies of each of three" +
		" classes of operations, and looks at every reply. Client CPU is that of the whole process, as the kernel accounts it; of YCSB B, kvtool's" +
		" includes filling and cleaning up. The interval is that of the rounds: of five, it holds the true median with 94 %."
	r.commands = []string{
		"go run ./loader -target redis://HOST -command GET|SET -n N -pipeline P", "redis-benchmark -c 50 -d 100 -r 1000000 -n N -P P -t get|set",
		"kvtool load run redis://HOST -s ycsb-b --concurrency 50 --requests N",
		"go-ycsb run redis -p threadcount=50 -p recordcount=10000 -p readproportion=0.95 -p updateproportion=0.05 -p requestdistribution=zipfian",
	}
	if _, err := exec.LookPath(memtier); err != nil {
		r.data += " " + memtier + " is not installed here, and left out."
	}
	for _, part := range parts {
		if err := part(ctx, b, r); err != nil {
			return err
		}
	}
	return nil
}

// measureClients holds the generators' CPU to the bars.
func measureClients(ctx context.Context, b *bench, r *result) error {
	s, err := startServer(ctx, filepath.Join(b.dir, "load"))
	if err != nil {
		return err
	}
	defer s.stop()
	return b.play(ctx, r, b.matches(s.port, min(b.keys/2, 200_000)))
}

// play has the pairs take turns, and holds kvtool's CPU to the bars.
func (b *bench) play(ctx context.Context, r *result, matches []match) error {
	var table strings.Builder
	fmt.Fprintf(&table, "| client CPU, µs an operation; median of %d (lowest - highest) | kvtool | peer | ratio |\n|---|---|---|---|\n", b.runs)
	for _, m := range matches {
		if len(m.before) > 0 {
			if _, err := clientCPU(ctx, m.n, m.before); err != nil {
				return err
			}
		}
		var ours, theirs, ratios []float64
		for round := range b.runs {
			b.say("round %d of %d: %s, pipeline %d, against %s", round+1, b.runs, m.what, m.pipeline, m.peer)
			us, err := clientCPU(ctx, m.n, m.ours)
			if err != nil {
				return err
			}
			peer, err := clientCPU(ctx, m.n, m.theirs)
			if err != nil {
				return err
			}
			ours, theirs, ratios = append(ours, us), append(theirs, peer), append(ratios, us/peer)
		}
		x := spreadOf(ratios)
		r.bars = append(r.bars, bar{
			figure: fmt.Sprintf("%s, pipeline %d, kvtool's generator against `%s`: client CPU", m.what, m.pipeline, m.peer),
			got:    x.median, shown: x.format("%.3g"), limit: m.limit,
		})
		fmt.Fprintf(&table, "| %s, pipeline %d, against `%s` | %s | %s | **%s** |\n", m.what, m.pipeline, m.peer,
			spreadOf(ours).format("%.2f"), spreadOf(theirs).format("%.2f"), x.format("%.2f"))
	}
	r.tables += table.String()
	return nil
}

// generatorBound is kvtool's exit code where it was the limit itself, as a generator that nothing slows down is: what an operation
// cost it holds all the same.
const generatorBound = 4

// clientCPU runs a client and returns the µs of CPU that it took for each of n operations.
func clientCPU(ctx context.Context, n int64, command []string) (float64, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == generatorBound {
		err = nil
	}
	if err != nil || bytes.Contains(out, []byte("Error")) || bytes.Contains(out, []byte("operation err")) {
		return 0, errors.Join(fmt.Errorf("%s: %s", filepath.Base(command[0]), tail(out)), err)
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return float64(cpu) / float64(time.Microsecond) / float64(n), nil
}

// tail is the end of what a program said.
func tail(out []byte) []byte { return out[max(0, len(out)-2000):] }

// ownOperations is how many operations a round of the benchmark of package loadgen has.
const ownOperations = 3_000_000

// measureOwnCost takes what the schedule and the records of an operation cost, from the benchmark of package loadgen: the CPU of the
// whole process, for the machine may be busy.
func measureOwnCost(ctx context.Context, b *bench, r *result) error {
	program := b.file("loadgen.test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", program, "./loadgen")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go test: %w\n%s", err, tail(out))
	}
	var ns, allocs []float64
	for round := range b.runs {
		b.say("round %d of %d: the pacer and the recorder", round+1, b.runs)
		cmd := exec.CommandContext(ctx, program, "-test.run", "^$", "-test.bench", "^BenchmarkPacerAndRecorder$",
			"-test.benchtime", strconv.Itoa(ownOperations)+"x")
		out, err := cmd.CombinedOutput()
		a := benchmarked(string(out), "allocs/op")
		if err != nil || len(a) != 1 {
			return errors.Join(fmt.Errorf("no benchmark: %s", tail(out)), err)
		}
		ns = append(ns, float64(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())/ownOperations)
		allocs = append(allocs, a...)
	}
	x, a := spreadOf(ns), spreadOf(allocs)
	r.commands = append(r.commands, "go test -run ^$ -bench PacerAndRecorder ../loadgen")
	r.bars = append(r.bars,
		bar{figure: "pacer and recorder, in process: ns of CPU an operation", got: x.median, shown: x.format("%.0f"), limit: 150},
		bar{figure: "pacer and recorder, in process: allocations an operation", got: a.high, shown: a.format("%.0f"), limit: 0})
	return nil
}

// benchmarked returns the figures of a unit in the output of Go's benchmarks.
func benchmarked(out, unit string) []float64 {
	var xs []float64
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		for i := 1; i < len(f); i++ {
			if x, err := strconv.ParseFloat(f[i-1], 64); err == nil && f[i] == unit && strings.HasPrefix(line, "Benchmark") {
				xs = append(xs, x)
			}
		}
	}
	return xs
}

// dayRate is how many operations a second a day of virtual time has: eight million in all.
const dayRate = 100

// measureDay runs a day in virtual time, in a process of its own, and holds what it holds at the end to the bar.
func measureDay(ctx context.Context, b *bench, r *result) error {
	b.say("a day of virtual time")
	t := b.tool(tool{
		label: "loader -day", args: []string{b.bin.loader, "-day", strconv.Itoa(dayRate)}, out: b.file("day.txt"), keys: numberBehind("seconds: "),
	})
	s, err := t.run(ctx, &dataset{keys: 24 * 60 * 60})
	if err != nil {
		return err
	}
	said, err := os.ReadFile(t.out)
	if err != nil {
		return err
	}
	held := float64(number(string(said), "held: ")) / 1e6
	r.commands = append(r.commands, fmt.Sprintf("go run ./loader -day %d", dayRate))
	r.tables += fmt.Sprintf("\nA day of virtual time at %d operations a second, three classes of them, with the server's figures each second: "+
		"%.0f MB are held at its end, peak RSS %.0f MB, %.0f CPU s.\n", dayRate, held, rss(s), cpu(s))
	r.bars = append(r.bars, bar{
		figure: fmt.Sprintf("a day of virtual time at %d operations a second: held, MB", dayRate), got: held,
		shown: fmt.Sprintf("%.0f", held), limit: 200,
	})
	return nil
}
