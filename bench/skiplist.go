package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// A skipRow is a bar on the time that the engine's sorted set takes, as a share of a skiplist's.
type skipRow struct {
	name, figure string // of the benchmark, and in the table
	limit        float64
}

func skipRows() []skipRow {
	return []skipRow{
		{"increment far", "ZINCRBY of any member, in process", 1. / 5},
		{"rank", "ZRANK, in process", 1. / 4},
		{"first 100", "top 100, in process", 1.3},
	}
}

// measureSkiplist runs the benchmark of package zset that holds a set of a million members against a skiplist with spans in Go.
func (b *bench) measureSkiplist(ctx context.Context, r *result) error {
	b.say("a skiplist of a million members, %d times", b.runs)
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-cpu", "1", "-bench", "Million/(increment_far|rank|first_100)",
		"-benchtime", "300ms", "-count", strconv.Itoa(b.runs), "./adapters/reference/zset")
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("go test: %w\n%s", err, out)
	}
	times := benchmarkTimes(string(out))
	r.tables += "\n| ns an operation, a million members | B+tree | skiplist | ratio |\n|---|---|---|---|\n"
	for _, row := range skipRows() {
		name := "BenchmarkMillion/" + strings.ReplaceAll(row.name, " ", "_")
		tree, list := times[name+"/tree"], times[name+"/skiplist"]
		if len(tree) == 0 || len(tree) != len(list) {
			return fmt.Errorf("%s ran %d and %d times:\n%s", name, len(tree), len(list), out)
		}
		ratios := make([]float64, len(tree))
		for i := range tree {
			ratios[i] = tree[i] / list[i]
		}
		x := spreadOf(ratios)
		r.bars = append(r.bars, bar{figure: row.figure + ": against a skiplist", got: x.median, shown: x.format("%.3g"), limit: row.limit})
		r.tables += fmt.Sprintf("| %s | %s | %s | %s |\n",
			row.figure, spreadOf(tree).format("%.0f"), spreadOf(list).format("%.0f"), x.format("%.3g"))
	}
	r.commands = append(r.commands, "go test -run ^$ -cpu 1 -bench Million ./adapters/reference/zset")
	return nil
}

// benchmarkTimes reads the ns of each benchmark, run by run, out of what go test prints.
func benchmarkTimes(out string) map[string][]float64 {
	times := map[string][]float64{}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) < 4 || f[3] != "ns/op" {
			continue
		}
		if ns, err := strconv.ParseFloat(f[2], 64); err == nil {
			times[f[0]] = append(times[f[0]], ns)
		}
	}
	return times
}
