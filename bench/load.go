package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A loaded is a pair of generators that send the same.
type loaded struct {
	command  string
	pipeline int
	limit    float64 // the most CPU that ours may take, as a share of the peer's
}

func loads() []loaded {
	return []loaded{{"GET", 1, 0.80}, {"SET", 1, 0.80}, {"GET", 16, 0.95}, {"SET", 16, 0.95}}
}

// measureLoad measures the client's CPU per operation, of the generator and of redis-benchmark by turns.
func measureLoad(ctx context.Context, b *bench, r *result) error {
	s, err := startServer(ctx, filepath.Join(b.dir, "load"))
	if err != nil {
		return err
	}
	defer s.stop()
	var table strings.Builder
	fmt.Fprintf(&table, "| client CPU, µs an operation; median of %d (lowest - highest) | kvtool | `redis-benchmark` |\n|---|---|---|\n", b.runs)
	for _, l := range loads() {
		var ours, theirs, ratios []float64
		n := min(b.keys/2, 300_000) * int64(min(l.pipeline, 4))
		for round := range b.runs {
			b.say("round %d of %d: %s, pipeline %d", round+1, b.runs, l.command, l.pipeline)
			us, err := clientCPU(ctx, n, b.bin.loader, "-target", "redis://127.0.0.1:"+s.port, "-command", l.command,
				"-n", strconv.FormatInt(n, 10), "-pipeline", strconv.Itoa(l.pipeline))
			if err != nil {
				return err
			}
			peer, err := clientCPU(ctx, n, "redis-benchmark", "-p", s.port, "-n", strconv.FormatInt(n, 10), "-c", "50", "-d", "100",
				"-r", "1000000", "-q", "-P", strconv.Itoa(l.pipeline), "-t", strings.ToLower(l.command))
			if err != nil {
				return err
			}
			ours, theirs, ratios = append(ours, us), append(theirs, peer), append(ratios, us/peer)
		}
		x := spreadOf(ratios)
		r.bars = append(r.bars, bar{
			figure: fmt.Sprintf("%s, pipeline %d, kvtool's generator against `redis-benchmark`: client CPU", l.command, l.pipeline),
			got:    x.median, shown: x.format("%.3g"), limit: l.limit,
		})
		fmt.Fprintf(&table, "| %s, pipeline %d | %s | %s |\n", l.command, l.pipeline, spreadOf(ours).format("%.2f"), spreadOf(theirs).format("%.2f"))
	}
	r.data = "50 connections, values of 100 B, a million keys; kvtool with three latencies, three classes, and every reply looked at."
	r.commands = []string{"go run ./loader -target redis://HOST -command GET -n N -pipeline P", "redis-benchmark -c 50 -d 100 -r 1000000 -n N -P P -t get"}
	r.tables = table.String()
	return nil
}

// clientCPU runs a client and returns the µs of CPU that it took for each of n operations.
func clientCPU(ctx context.Context, n int64, program string, args ...string) (float64, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	out, err := cmd.CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("Error")) {
		return 0, errors.Join(fmt.Errorf("%s: %s", filepath.Base(program), out), err)
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return float64(cpu) / float64(time.Microsecond) / float64(n), nil
}
