package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"strconv"
	"syscall"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/arena"
	"github.com/kvtool/kvtool/adapters/reference/command"
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	resp "github.com/kvtool/kvtool/adapters/reference/server"
	"github.com/kvtool/kvtool/adapters/reference/zset"
)

// The bars of what the engine takes.
const (
	keyBytes    = 66
	memberBytes = 65
	churnLimit  = 1.3
	pauseLimit  = 20 // ms of a full collection
	shareLimit  = 1  // percent of the CPU that is the collector's
)

// measureStore measures keys and members in process, then a server in this process under load.
func measureStore(ctx context.Context, b *bench, r *result) error {
	n := int(5 * b.keys)
	k := b.measureKeys(n)
	member := measureMembers(int(b.members()))
	share, cycles, err := b.collectorShare(ctx)
	if err != nil {
		return err
	}
	one := func(figure, format string, got, limit float64) bar {
		return bar{figure: figure, got: got, shown: fmt.Sprintf(format, got), limit: limit}
	}
	r.bars = []bar{
		one(fmt.Sprintf("a key of 11 B with a value of 32 B, of %d: bytes", n), "%.1f", k.fresh, keyBytes),
		one("after churn of keys: bytes, against before", "%.3f", k.churned/k.fresh, churnLimit),
		one("after values of every length: bytes, against before", "%.3f", k.varied/k.fresh, churnLimit),
		one("after all values were 150 B: bytes, against before", "%.3f", k.short/k.fresh, churnLimit),
		one("a full collection: ms", "%.2f", k.pause, pauseLimit),
		one(fmt.Sprintf("a member of 20 B of a sorted set of %d: bytes", b.members()), "%.1f", member, memberBytes),
		one("the collector's share of the CPU of a busy server: %", "%.3f", share, shareLimit),
	}
	r.data = fmt.Sprintf("%d keys; %d collections while the server was busy.", n, cycles)
	r.tables = fmt.Sprintf("| bytes a key | |\n|---|---|\n| fresh | %.1f |\n| keys have come and gone | %.1f |\n| values of 0 to 64 B | %.1f |\n"+
		"| values of 150 B | %.1f |\n| values of 32 B again | %.1f |\n", k.fresh, k.churned, k.varied, k.long, k.short)
	if !b.full() {
		return nil
	}
	return b.measureSkiplist(ctx, r)
}

// keyFigures are bytes a key, and the ms of a collection.
type keyFigures struct{ fresh, churned, varied, long, short, pause float64 }

// heap returns the bytes that are allocated after a full collection, and how long that took.
func heap() (bytes uint64, took time.Duration) {
	var m runtime.MemStats
	runtime.GC()
	start := time.Now()
	runtime.GC()
	took = time.Since(start)
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, took
}

func (b *bench) measureKeys(n int) (f keyFigures) {
	before, _ := heap()
	s := keyspace.New(keyspace.Options{})
	w := &keyWriter{s: s, value: make([]byte, 150), r: rand.New(rand.NewPCG(1, 1))}
	each := func() float64 {
		now, took := heap()
		f.pause = max(f.pause, float64(took.Microseconds())/1000)
		return float64(now-before) / float64(n)
	}
	b.say("%d keys in process", n)
	for i := range n {
		w.put(i, 32)
	}
	f.fresh = each()
	for i := range 3 * n {
		w.drop(i)
		w.put(n+i, 24+w.r.IntN(17))
	}
	f.churned = each()
	for range 3 * n {
		w.put(3*n+w.r.IntN(n), w.r.IntN(65))
	}
	f.varied = each()
	for i := range n {
		w.put(3*n+i, 150)
	}
	f.long = each()
	for i := range n {
		w.put(3*n+(i*7919)%n, 32)
	}
	f.short = each()
	runtime.KeepAlive(s)
	return f
}

// A keyWriter writes keys of about 11 bytes.
type keyWriter struct {
	s          *keyspace.Shard
	key, value []byte
	r          *rand.Rand
}

func (w *keyWriter) find(i int) (keyspace.Item, uint64) {
	w.s.Tick(1)
	w.key = strconv.AppendInt(append(w.key[:0], "key:"...), int64(1_000_000+i), 10)
	hash := keyspace.Hash(w.key)
	return w.s.Find(0, w.key, hash), hash
}

func (w *keyWriter) put(i, n int) {
	it, hash := w.find(i)
	if _, ok := w.s.PutBytes(0, w.key, hash, it, keyspace.KindRaw, w.value[:n]); !ok {
		log.Panicf("no room for key %d", i)
	}
}

func (w *keyWriter) drop(i int) {
	if it, _ := w.find(i); it.OK() {
		w.s.Delete(it)
	}
}

// measureMembers returns what a member of 20 bytes takes of a sorted set of n.
func measureMembers(n int) float64 {
	before, _ := heap()
	a := arena.New(arena.Limit)
	s, r := zset.New(a), rand.New(rand.NewPCG(1, 1))
	for i := range n {
		member := fmt.Appendf(nil, "member:%013d", i)
		s.Insert(s.Find(member), member, float64(r.IntN(n)))
	}
	after, _ := heap()
	runtime.KeepAlive(s)
	return float64(after-before) / float64(n)
}

// collectorShare keeps a server in this process busy, and returns the percentage of CPU that the garbage collector takes, and how
// often it ran.
func (b *bench) collectorShare(ctx context.Context) (percent float64, cycles uint64, err error) {
	e, err := engine.New(engine.Options{Shards: 2}, command.Table())
	if err != nil {
		return 0, 0, err
	}
	s := resp.New(e, func(string) {})
	defer s.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, 0, err
	}
	go func() { _ = s.Serve(l) }()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	load := func(n int64) error {
		b.say("%d operations on a server in this process", n)
		cmd := exec.CommandContext(ctx, "redis-benchmark", "-p", port, "-P", "16", "-c", "20", "-q", "-t", "set,get,incr,hset,lpush,zadd",
			"-n", strconv.FormatInt(n, 10), "-r", strconv.FormatInt(b.keys, 10))
		cmd.Stdout = io.Discard
		return cmd.Run()
	}
	if err := load(b.keys / 2); err != nil {
		return 0, 0, err
	}
	runtime.GC()
	gc, n, used := collector()
	if err := load(b.keys); err != nil {
		return 0, 0, err
	}
	gcAfter, after, usedAfter := collector()
	return 100 * (gcAfter - gc) / (usedAfter - used), after - n, nil
}

// collector returns the CPU seconds of the collector, how often it ran, and the CPU seconds of this process.
func collector() (gc float64, cycles uint64, used float64) {
	samples := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(samples)
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it cannot fail
	used = time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
	return samples[0].Value.Float64(), samples[1].Value.Uint64(), used
}
