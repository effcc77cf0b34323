package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A usedShape is a keyspace of one kind: what is written of key i of n.
type usedShape struct {
	name string
	keys int64 // of the two million that a full run has
	put  func(r *rand.Rand, i int64) [][]string
}

func usedShapes() []usedShape {
	one := func(args ...string) [][]string { return [][]string{args} }
	key := func(i int64) string { return "key:" + strconv.FormatInt(i, 10) }
	text := func(r *rand.Rand, n int) string { return strings.Repeat(string(rune('a'+r.IntN(26))), n) }
	many := func(n int, args []string, next func(j int) []string) [][]string {
		for j := range n {
			args = append(args, next(j)...)
		}
		return one(args...)
	}
	name := func(prefix string, j int) string { return prefix + strconv.Itoa(j) }
	return []usedShape{
		{"numbers", 200_000, func(r *rand.Rand, i int64) [][]string { return one("SET", key(i), strconv.Itoa(int(r.Int32()))) }},
		{"shared numbers", 200_000, func(r *rand.Rand, i int64) [][]string { return one("SET", key(i), strconv.Itoa(r.IntN(10_000))) }},
		{"strings of 32 B", 200_000, func(r *rand.Rand, i int64) [][]string { return one("SET", key(i), text(r, 32)) }},
		{"strings of 0 to 300 B, with a TTL", 100_000, func(r *rand.Rand, i int64) [][]string {
			return one("SET", key(i), text(r, r.IntN(300)), "EX", "100000")
		}},
		{"strings of 20 kB", 4_000, func(r *rand.Rand, i int64) [][]string { return one("SET", key(i), text(r, 20_000)) }},
		{"small hashes", 60_000, func(r *rand.Rand, i int64) [][]string {
			return many(8, []string{"HSET", key(i)}, func(j int) []string { return []string{name("field", j), text(r, r.IntN(30))} })
		}},
		{"hashes of 1,500 fields", 200, func(r *rand.Rand, i int64) [][]string {
			return many(1500, []string{"HSET", key(i)}, func(j int) []string { return []string{name("field", j), text(r, r.IntN(30))} })
		}},
		{"small lists", 40_000, func(r *rand.Rand, i int64) [][]string {
			return many(20, []string{"RPUSH", key(i)}, func(int) []string { return []string{text(r, r.IntN(40))} })
		}},
		{"lists of 3,000", 200, func(r *rand.Rand, i int64) [][]string {
			return many(3000, []string{"RPUSH", key(i)}, func(int) []string { return []string{text(r, r.IntN(40))} })
		}},
		{"sets of numbers", 60_000, func(r *rand.Rand, i int64) [][]string {
			return many(30, []string{"SADD", key(i)}, func(int) []string { return []string{strconv.Itoa(r.IntN(1 << 20))} })
		}},
		{"sets of strings", 10_000, func(_ *rand.Rand, i int64) [][]string {
			return many(50, []string{"SADD", key(i)}, func(j int) []string { return []string{name("member:", j)} })
		}},
		{"small sorted sets", 40_000, func(r *rand.Rand, i int64) [][]string {
			return many(20, []string{"ZADD", key(i)}, func(j int) []string { return []string{strconv.Itoa(r.IntN(1000)), name("member:", j)} })
		}},
		{"sorted sets of 3,000", 100, func(r *rand.Rand, i int64) [][]string {
			return many(3000, []string{"ZADD", key(i)}, func(j int) []string { return []string{strconv.Itoa(r.IntN(1000)), name("member:", j)} })
		}},
	}
}

// usedLimit is by how many percent the modelled used_memory may differ.
const usedLimit = 0.5

// measureUsed compares what both servers say that they use. Most of the time goes by while tables settle, so that shapes are measured
// side by side.
func measureUsed(ctx context.Context, b *bench, r *result) error {
	shapes := usedShapes()
	theirs, ours := make([]int64, len(shapes)), make([]int64, len(shapes))
	number := func(i int) int64 { return max(1, shapes[i].keys*b.keys/2_000_000) }
	if err := sideBySide(len(shapes), 4, func(i int) (err error) {
		b.say("%d %s", number(i), shapes[i].name)
		if theirs[i], ours[i], err = b.usedBy(ctx, shapes[i], number(i)); err != nil {
			err = fmt.Errorf("%s: %w", shapes[i].name, err)
		}
		return err
	}); err != nil {
		return err
	}
	var table strings.Builder
	table.WriteString("| shape | keys | `redis-server`, bytes | `kvtool serve`, bytes | off |\n|---|---|---|---|---|\n")
	for i, shape := range shapes {
		off := 100 * float64(ours[i]-theirs[i]) / float64(theirs[i])
		r.bars = append(r.bars, bar{
			figure: shape.name + ": `used_memory`, % off", got: math.Abs(off), shown: fmt.Sprintf("%+.3f", off), limit: usedLimit,
		})
		fmt.Fprintf(&table, "| %s | %d | %d | %d | %+.3f %% |\n", shape.name, number(i), theirs[i], ours[i], off)
	}
	r.commands = []string{"redis-server", "kvtool serve --preset empty --shards 1", "INFO memory   # used_memory"}
	r.tables = table.String()
	return nil
}

// usedBy returns what n keys of a shape take in a redis-server, and in the engine.
func (b *bench) usedBy(ctx context.Context, shape usedShape, n int64) (theirs, ours int64, err error) {
	redis, err := startServer(ctx, filepath.Join(b.dir, "used-"+strings.ReplaceAll(shape.name, " ", "-")), "--enable-debug-command", "yes", "--hash-max-listpack-entries", "512")
	if err != nil {
		return 0, 0, err
	}
	defer redis.stop()
	engine, err := startOther(ctx, pings, b.bin.kvtool, "serve", "--preset", "empty", "--shards", "1", "--listen")
	if err != nil {
		return 0, 0, err
	}
	defer engine.stop()
	if theirs, err = redis.used(shape, n); err != nil {
		return 0, 0, err
	}
	ours, err = engine.used(shape, n)
	return theirs, ours, err
}

// used fills a server and returns by how much its memory has grown, without the buffers of its clients.
func (s *server) used(shape usedShape, n int64) (int64, error) {
	c, err := s.connect()
	if err != nil {
		return 0, err
	}
	defer c.Close()
	r := rand.New(rand.NewPCG(1, 1))
	write := func(from, to int64) error {
		w, err := s.connect() // whose buffers go with it
		if err != nil {
			return err
		}
		defer w.Close()
		return w.fill(func(yield func([]string) bool) {
			for i := from; i < to; i++ {
				for _, args := range shape.put(r, i) {
					if !yield(args) {
						return
					}
				}
			}
		})
	}
	if err := write(-1, 0); err != nil { // a server makes what it keeps of a command at its first call
		return 0, err
	}
	if _, err := c.do("DEL", "key:-1"); err != nil {
		return 0, err
	}
	if _, err := c.settledMemory(); err != nil { // of these commands, too
		return 0, err
	}
	before, err := c.settledMemory()
	if err != nil {
		return 0, err
	}
	if err := write(0, n); err != nil {
		return 0, err
	}
	after, err := c.settledMemory()
	return after - before, err
}

// settledMemory returns used_memory without the buffers of clients, once no table is being moved.
func (c *client) settledMemory() (int64, error) {
	for range 300 {
		time.Sleep(300 * time.Millisecond)
		stats, err := c.do("DEBUG", "HTSTATS", "0")
		if size, _ := c.do("DBSIZE"); err != nil && size != "0" {
			time.Sleep(5 * time.Second) // the engine has no such command, and moves as much in a tenth of a second as a server
		}
		if err != nil || !strings.Contains(stats, "rehashing") {
			break
		}
	}
	info, err := c.do("INFO", "memory")
	if err != nil {
		return 0, err
	}
	return number(info, "\nused_memory:") - number(info, "mem_clients_normal:"), nil
}
