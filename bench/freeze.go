package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A witness is a load generator that says what it has seen of a server that stood still for a second of ten.
type witness struct {
	name string
	args func(port string) []string
	read func(out []byte) (p99, most float64, err error) // ms
}

const (
	freezeRate   = 1000 // operations a second, of those that can be asked for a rate
	freezeLength = 10   // seconds
	trueP99      = 900  // ms: of ten seconds' operations one in ten waits up to a second; every hundredth waits 900 ms or longer
	trueMax      = 1000
	mostHonest   = 3 // rounds, which take a minute each
)

// witnesses are kvtool and those of its peers that are there. redis-benchmark knows no rate: it sends as fast as it can, about as long.
func (b *bench) witnesses(perSecond int64) []witness {
	all := []witness{
		{"kvtool load run --rate 1000/s", func(port string) []string {
			return []string{
				b.bin.kvtool, "load", "run", "redis://127.0.0.1:" + port, "-s", "ycsb-b", "--rate", strconv.Itoa(freezeRate) + "/s",
				"-d", strconv.Itoa(freezeLength) + "s", "--progress", "none", "-o", "json",
			}
		}, readKvtool},
		{"redis-benchmark", func(port string) []string {
			return []string{
				"redis-benchmark", "-p", port, "-c", "50", "-d", "100", "-r", "1000000", "-t", "get", "--csv",
				"-n", strconv.FormatInt(perSecond*(freezeLength+2), 10), // it may be faster than a moment ago, and is not to end before
			}
		}, readRedisBenchmark},
	}
	if b.bin.ycsb != "" {
		all = append(all, witness{"go-ycsb target=1000", func(port string) []string {
			return b.ycsb("run", port, "target="+strconv.Itoa(freezeRate), "operationcount="+strconv.Itoa(freezeRate*freezeLength))
		}, readYCSB})
	}
	if _, err := exec.LookPath(memtier); err == nil {
		all = append(all, witness{memtier + " --rate-limiting", func(port string) []string {
			return []string{
				memtier, "-s", "127.0.0.1", "-p", port, "-t", "1", "-c", "50", "--rate-limiting", strconv.Itoa(freezeRate / 50),
				"--test-time", strconv.Itoa(freezeLength), "-d", "100", "--json-out-file", "/dev/stdout", "--hide-histogram",
			}
		}, readMemtier})
	}
	return all
}

// measureFreeze asks each witness what it has seen, and holds kvtool to the truth.
func measureFreeze(ctx context.Context, b *bench, r *result) error {
	s, err := startServer(ctx, filepath.Join(b.dir, "freeze"), "--enable-debug-command", "local")
	if err != nil {
		return err
	}
	defer s.stop()
	all := b.witnesses(speedOf(ctx, s.port))
	p99, most := make([][]float64, len(all)), make([][]float64, len(all))
	rounds := min(b.runs, mostHonest)
	for round := range rounds {
		for i, w := range all {
			b.say("round %d of %d: frozen for a second: %s", round+1, rounds, w.name)
			out, err := frozen(ctx, s, w)
			if err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			x, y, err := w.read(out)
			if err != nil {
				return fmt.Errorf("%s: %w: %s", w.name, err, tail(out))
			}
			p99[i], most[i] = append(p99[i], x), append(most[i], y)
		}
	}
	var table strings.Builder
	fmt.Fprintf(&table, "\n| a server that stands still for one second of ten: what is printed, ms; median of %d (lowest - highest) | p99 | max |\n"+
		"|---|---|---|\n| the truth, by arithmetic | %d | %d |\n", rounds, trueP99, trueMax)
	for i, w := range all {
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", w.name, spreadOf(p99[i]).format("%.3g"), spreadOf(most[i]).format("%.4g"))
	}
	r.tables += table.String()
	r.commands = append(r.commands, "kvtool load run redis://HOST -s ycsb-b --rate 1000/s -d 10s; meanwhile redis-cli DEBUG SLEEP 1")
	r.bars = append(r.bars, off("frozen for a second of ten: p99, % off", p99[0], trueP99, 15), off("frozen for a second of ten: max, % off", most[0], trueMax, 10))
	return nil
}

// off holds figures to how far they may be off the truth, in percent.
func off(figure string, got []float64, truth, limit float64) bar {
	var xs []float64
	for _, x := range got {
		xs = append(xs, 100*math.Abs(x/truth-1))
	}
	x := spreadOf(xs)
	return bar{figure: figure, got: x.high, shown: x.format("%.2g"), limit: limit}
}

// speedOf is how many operations a second redis-benchmark does, at least one.
func speedOf(ctx context.Context, port string) int64 {
	out, _ := exec.CommandContext(ctx, "redis-benchmark", "-p", port, "-c", "50", "-d", "100", "-t", "get", "-n", "100000", "--csv").Output()
	if f := csvFields(out); len(f) > 1 {
		rate, _ := strconv.ParseFloat(f[1], 64)
		return max(1, int64(rate))
	}
	return 1
}

// frozen runs a witness on an empty server, which stands still for a second when it has been at work for a few.
func frozen(ctx context.Context, s *server, w witness) ([]byte, error) {
	if _, err := s.do("FLUSHALL"); err != nil {
		return nil, err
	}
	before := s.commands()
	args := w.args(s.port)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	failed := make(chan error, 1)
	go func() {
		for range 1000 { // until it is at work
			if s.commands() > before+2000 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(3 * time.Second)
		_, err := s.do("DEBUG SLEEP 1")
		failed <- err
	}()
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && len(out) > 0 && json.Valid(out) {
		err = nil // a verdict, which is in what it says
	}
	return out, errors.Join(err, <-failed)
}

// commands is how many the server has done.
func (s *server) commands() int64 {
	info, _ := s.do("INFO stats")
	return number(info, "total_commands_processed:")
}

var errNoLatency = errors.New("no latency in what it says")

// readKvtool reads the row of all operations from the report of a run.
func readKvtool(out []byte) (p99, most float64, err error) {
	var r struct {
		Sections []struct {
			Name   string
			Tables []struct {
				Name    string
				Columns []struct{ Name string }
				Rows    [][]any
			}
		}
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return 0, 0, err
	}
	for _, s := range r.Sections {
		for _, t := range s.Tables {
			if s.Name != "latency" || t.Name != "latency" || len(t.Rows) == 0 {
				continue
			}
			row := map[string]any{}
			for i, c := range t.Columns {
				row[c.Name] = t.Rows[len(t.Rows)-1][i]
			}
			p, ok1 := row["p99"].(float64)
			m, ok2 := row["max"].(float64)
			if row["operation"] == "all" && ok1 && ok2 {
				return p * 1000, m * 1000, nil
			}
		}
	}
	return 0, 0, errNoLatency
}

// csvFields are those of the last line of redis-benchmark --csv: test, rps, avg, min, p50, p95, p99, max, in ms.
func csvFields(out []byte) []string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Split(strings.ReplaceAll(lines[len(lines)-1], `"`, ""), ",")
}

func readRedisBenchmark(out []byte) (p99, most float64, err error) {
	f := csvFields(out)
	if len(f) < 8 {
		return 0, 0, errNoLatency
	}
	p99, err1 := strconv.ParseFloat(f[6], 64)
	most, err2 := strconv.ParseFloat(f[7], 64)
	return p99, most, errors.Join(err1, err2)
}

// readYCSB reads the line of reads: READ - Takes(s): 10.0, Count: 9500, …, Max(us): 1000, 99th(us): 800, …
func readYCSB(out []byte) (p99, most float64, err error) {
	for line := range strings.Lines(string(out)) {
		if rest, ok := strings.CutPrefix(line, "READ "); ok {
			p99, most = float64(number(rest, " 99th(us): "))/1000, float64(number(rest, "Max(us): "))/1000
		}
	}
	if most == 0 {
		return 0, 0, errNoLatency
	}
	return p99, most, nil
}

// readMemtier reads the totals of memtier_benchmark --json-out-file, which follow what else it prints.
func readMemtier(out []byte) (p99, most float64, err error) {
	var r struct {
		All struct {
			Totals struct {
				Max         float64            `json:"Max Latency"`
				Percentiles map[string]float64 `json:"Percentile Latencies"`
			}
		} `json:"ALL STATS"`
	}
	text := string(out)
	if i := strings.Index(text, "{"); i >= 0 {
		text = text[i:]
	}
	if err := json.NewDecoder(strings.NewReader(text)).Decode(&r); err != nil {
		return 0, 0, err
	}
	if r.All.Totals.Max == 0 {
		return 0, 0, errNoLatency
	}
	return r.All.Totals.Percentiles["p99.00"], r.All.Totals.Max, nil
}

// buildYCSB builds go-ycsb, which takes a while the first time. Where its module cannot be had it is left out, by name.
func (b *bench) buildYCSB(ctx context.Context) error {
	bin := filepath.Join(b.dir, "bin", "go-ycsb")
	b.say("building go-ycsb")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", bin, ".")
	cmd.Dir, cmd.Env = "ycsb", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		if b.asked { // by name: it is to be whole
			return fmt.Errorf("building go-ycsb: %w\n%s", err, tail(out))
		}
		b.say("go-ycsb is left out: %v", err)
		return nil
	}
	b.bin.ycsb = bin
	return nil
}
