package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// An operation is one command that redis-benchmark sends, with arguments at random.
type operation struct {
	name  string
	args  []string // of redis-benchmark
	big   bool     // on the sorted set of a million members, which is loaded before
	limit float64  // the most CPU that the engine may take, as a share of redis-server's
}

// operations are those that bars are on.
func operations() []operation {
	custom := func(limit float64, command string) operation {
		name, _, _ := strings.Cut(command, " ")
		if strings.Contains(command, "0 99") {
			name += " 0 99"
		}
		return operation{name: name, args: strings.Fields(command), big: true, limit: limit}
	}
	return []operation{
		{name: "SET", args: []string{"-t", "set"}, limit: 1},
		{name: "GET", args: []string{"-t", "get"}, limit: 1},
		{name: "INCR", args: []string{"-t", "incr"}, limit: 1},
		{name: "HSET", args: []string{"-t", "hset"}, limit: 1},
		custom(0.6, "ZADD board __rand_int__ member:__rand_int__"),
		custom(0.6, "ZINCRBY board 1 member:__rand_int__"),
		custom(0.6, "ZRANK board member:__rand_int__"),
		custom(0.6, "ZREVRANGE board 0 99"),
	}
}

const (
	pipeline = 16
	// scalingLimit is the most CPU an operation may take with two shards, as a multiple of what it takes with one.
	scalingLimit = 1.15
	// slowShare is how much less the peers that are much slower are asked.
	slowShare = 10
	// mostTurns is how often the contenders take turns in a round.
	mostTurns = 5
)

// A contender is a server that takes part.
type contender struct {
	*server
	name  string
	share int                     // it is asked one share-th of the operations
	skips func(op operation) bool // nil: it can do everything
	cost  map[string][]float64    // µs of CPU an operation, round by round
}

// measureServed measures the server's CPU per operation, of each contender in turn.
func measureServed(ctx context.Context, b *bench, r *result) error {
	all, err := b.contenders(ctx)
	defer func() {
		for _, c := range all {
			c.stop()
		}
	}()
	if err != nil {
		return err
	}
	for round := range b.runs {
		for _, op := range operations() {
			b.say("round %d of %d: %s", round+1, b.runs, op.name)
			if err := b.round(ctx, all, op); err != nil {
				return err
			}
		}
	}
	b.judgeServed(r, all)
	return nil
}

// round adds to each contender's costs that of an operation. They take turns several times: what else the machine does for a second
// or two then falls on all of them.
func (b *bench) round(ctx context.Context, all []*contender, op operation) error {
	sums := make([]float64, len(all))
	for range b.turns() {
		for i, c := range all {
			if c.skips != nil && c.skips(op) {
				continue
			}
			us, err := b.cost(ctx, c, op)
			if err != nil {
				return fmt.Errorf("%s on %s: %w", op.name, c.name, err)
			}
			sums[i] += us
		}
	}
	for i, c := range all {
		if sums[i] > 0 {
			c.cost[op.name] = append(c.cost[op.name], sums[i]/float64(b.turns()))
		}
	}
	return nil
}

// contenders starts the servers: redis-server, the engine with one shard and with two, and the peers. It loads the sorted set
// where it is asked for.
func (b *bench) contenders(ctx context.Context) ([]*contender, error) {
	skipsBig := func(op operation) bool { return op.big }
	var all []*contender
	for _, c := range []*contender{
		{name: "redis-server", share: 1},
		{name: "kvtool serve", share: 1},
		{name: "kvtool serve --shards 2", share: 1, skips: skipsBig},
		{name: "miniredis", share: slowShare, skips: skipsBig}, // which sorts all members for each range
		{name: "redcon", share: 1, skips: func(op operation) bool { return op.name != "SET" && op.name != "GET" }},
	} {
		dir := filepath.Join(b.dir, strings.ReplaceAll(c.name, " ", ""))
		var err error
		switch c.name {
		case "redis-server":
			c.server, err = startServer(ctx, dir)
		case "kvtool serve":
			c.server, err = startOther(ctx, pings, b.bin.kvtool, "serve", "--preset", "empty", "--shards", "1", "--listen")
		case "kvtool serve --shards 2":
			c.server, err = startOther(ctx, pings, b.bin.kvtool, "serve", "--preset", "empty", "--shards", "2", "--listen")
		default:
			c.server, err = startOther(ctx, pings, b.bin.peers, c.name)
		}
		if err != nil {
			return all, err
		}
		c.cost = map[string][]float64{}
		all = append(all, c)
		if c.skips == nil {
			b.say("loading %d members into %s", b.members(), c.name)
			if err := loadBoard(c.server, b.members()); err != nil {
				return all, err
			}
		}
	}
	return all, nil
}

// members is the size of the sorted set: a million, fewer in a quick check.
func (b *bench) members() int64 { return min(b.keys/2, 1_000_000) }

// full reports whether the sorted set is that of the bars, not that of a quick check.
func (b *bench) full() bool { return b.members() == 1_000_000 }

func (b *bench) turns() int64 {
	if b.full() {
		return mostTurns
	}
	return 1
}

// loadBoard makes the sorted set, by names that redis-benchmark draws.
func loadBoard(s *server, members int64) error {
	c, err := net.Dial("tcp", "127.0.0.1:"+s.port)
	if err != nil {
		return err
	}
	defer c.Close()
	failed := make(chan error, 1)
	go func() {
		w := bufio.NewWriterSize(c, 1<<20)
		for i := range members {
			fmt.Fprintf(w, "ZADD board %d member:%012d\r\n", i*7919%members, i)
		}
		failed <- w.Flush()
	}()
	replies := bufio.NewReader(c)
	for range members {
		line, err := replies.ReadString('\n')
		if err != nil || line != ":1\r\n" {
			return errors.Join(fmt.Errorf("ZADD: %q", line), err)
		}
	}
	return <-failed
}

// cost returns the µs of the server's CPU that an operation takes.
func (b *bench) cost(ctx context.Context, c *contender, op operation) (float64, error) {
	n := b.members() / b.turns() / int64(c.share)
	args := []string{
		"-p", c.port, "-n", strconv.FormatInt(n, 10), "-P", strconv.Itoa(pipeline), "-c", "20", "-r",
		strconv.FormatInt(b.members(), 10), "-q",
	}
	before := c.threads()
	cmd := exec.CommandContext(ctx, "redis-benchmark", append(args, op.args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("requests per second")) || bytes.Contains(out, []byte("Error")) {
		return 0, errors.Join(fmt.Errorf("redis-benchmark: %s", out), err)
	}
	return float64((c.threads() - before).Nanoseconds()) / 1000 / float64(n), nil
}

// judgeServed holds the ratios, round by round, to the bars.
func (b *bench) judgeServed(r *result, all []*contender) {
	ratio := func(of, to *contender, op string) spread {
		var xs []float64
		for i := range of.cost[op] {
			xs = append(xs, of.cost[op][i]/to.cost[op][i])
		}
		return spreadOf(xs)
	}
	redis, one, two := all[0], all[1], all[2]
	for _, op := range operations() {
		x := ratio(one, redis, op.name)
		r.bars = append(r.bars, bar{
			figure: fmt.Sprintf("%s, `kvtool serve` against `redis-server`: server CPU", op.name),
			got:    x.median, shown: x.format("%.3g"), limit: op.limit,
		})
	}
	for _, op := range []string{"SET", "GET"} {
		x := ratio(two, one, op)
		r.bars = append(r.bars, bar{
			figure: fmt.Sprintf("%s, two shards against one: server CPU", op), got: x.median, shown: x.format("%.3g"),
			limit: scalingLimit,
		})
	}
	r.data = fmt.Sprintf("The sorted set has %d members of 19 B; keys are drawn out of as many. "+
		"%d operations a round (miniredis %d), in %d turns, 20 connections.",
		b.members(), b.members(), b.members()/slowShare, b.turns())
	r.commands = []string{
		"kvtool serve --preset empty --shards 1", "redis-benchmark -P 16 -c 20 -n N -r N -t set,get,incr,hset",
		"redis-benchmark -P 16 -c 20 -n N -r N ZADD board __rand_int__ member:__rand_int__",
	}
	r.tables = servedTable(b.runs, all)
}

// servedTable lists the µs of CPU of each operation.
func servedTable(runs int, all []*contender) string {
	var t strings.Builder
	fmt.Fprintf(&t, "| server CPU, µs an operation; median of %d (lowest - highest) |", runs)
	for _, c := range all {
		fmt.Fprintf(&t, " `%s` |", c.name)
	}
	t.WriteString("\n|---|" + strings.Repeat("---|", len(all)) + "\n")
	for _, op := range operations() {
		fmt.Fprintf(&t, "| %s |", op.name)
		for _, c := range all {
			cell := ""
			if xs := c.cost[op.name]; len(xs) > 0 {
				cell = spreadOf(xs).format("%.2f")
			}
			fmt.Fprintf(&t, " %s |", cell)
		}
		t.WriteString("\n")
	}
	return t.String()
}
