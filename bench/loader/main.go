// Command loader is the generator of `kvtool load run` with commands that can be compared with those of redis-benchmark and
// memtier_benchmark: three latencies, three classes of operations, every reply looked at. It runs a closed loop, or a day of virtual
// time against nothing, and prints what was done and what is held.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/cmd"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen"
	"github.com/kvtool/kvtool/loadgen/arrival"
	"github.com/kvtool/kvtool/loadgen/figures"
	"github.com/kvtool/kvtool/loadgen/recording"
)

// Keys are those that redis-benchmark makes of the same number.
const (
	keySpace  = 1_000_000
	keyDigits = 6
)

func main() {
	target := flag.String("target", "", "`URL` of the server")
	command := flag.String("command", "GET", "GET, SET, or MIX: ten GET for each SET")
	requests := flag.Uint64("n", 1_000_000, "how many operations")
	pipeline := flag.Int("pipeline", 1, "operations at once of a connection")
	day := flag.Float64("day", 0, "instead: a day of virtual time, with so many operations a second")
	flag.Parse()
	err := error(nil)
	if *day > 0 {
		err = runDay(*day)
	} else {
		debug.SetGCPercent(cmd.LoadGCPercent) // as kvtool does
		err = run(*target, *command, *requests, *pipeline)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "loader:", err)
		os.Exit(1)
	}
}

// open opens a store as what a load runs on.
func open(ctx context.Context, url string) (kv.Store, kv.Driver, error) {
	target, err := kv.ParseTarget(url)
	if err != nil {
		return nil, nil, err
	}
	store, err := adapters.Open(ctx, target)
	if err != nil {
		return nil, nil, err
	}
	driver, err := kv.DriverOf(store)
	return store, driver, err
}

// valueSize is that of every value, in bytes.
const valueSize = 100

// workload is one of a command, on the store of a target: how long an answer is depends on its protocol.
func workload(command, url string) *keys {
	k := &keys{command: command, value: make([]byte, valueSize), written: len("+OK\r\n"), read: len("$100\r\n") + valueSize + len("\r\n")}
	if strings.HasPrefix(url, "memcached:") {
		k.written, k.read = len("STORED\r\n"), len("VALUE key:000000000000 0 100\r\n")+valueSize+len("\r\nEND\r\n")
	}
	if strings.HasPrefix(url, "dynamodb:") { // which says units and, of what is not there, nothing
		k.anyLength = true
	}
	return k
}

func run(url, command string, requests uint64, pipeline int) error {
	ctx := context.Background()
	store, driver, err := open(ctx, url)
	if err != nil {
		return err
	}
	defer store.Close()
	r, err := loadgen.Run(ctx, driver, []loadgen.Phase{{
		Name: command, Workload: workload(command, url), For: time.Hour, Requests: requests, Pipeline: pipeline, Record: true,
	}}, loadgen.Options{Conns: 50})
	if err != nil {
		return err
	}
	if err := whole(r); err != nil {
		return err
	}
	if done := r.Sum().Done; done != requests {
		return fmt.Errorf("%d of %d operations were done", done, requests)
	}
	fmt.Printf("done: %d\n", requests)
	return nil
}

// runDay runs a day of virtual time, with the figures of the store each second.
func runDay(rate float64) error {
	ctx := context.Background()
	store, driver, err := open(ctx, "ref:?preset=empty") // for its figures: what is held is to be the run's, not the store's
	if err != nil {
		return err
	}
	defer store.Close()
	server, err := figures.New(ctx, driver, kv.SessionOptions{})
	if err != nil {
		return err
	}
	defer server.Close()
	r, err := loadgen.Run(ctx, nowhere{}, []loadgen.Phase{{
		Name: "day", Workload: workload("MIX", ""), For: 24 * time.Hour, Arrivals: &arrival.Law{Segments: arrival.Steady(rate)}, Record: true,
	}}, loadgen.Options{
		Conns: 50,
		Server: func(context.Context) map[string]float64 {
			now, _ := server.Read() // the store is in process
			return now
		},
		Virtual: func(at time.Duration, _ []kv.Op) time.Duration { return 100*time.Microsecond + at%997*time.Microsecond },
	})
	if err != nil {
		return err
	}
	if err := whole(r); err != nil {
		return err
	}
	seconds := 0
	for i := range r.Seconds {
		if r.Seconds[i].Due > 0 {
			seconds++
		}
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Printf("done: %d\nheld: %d\nseconds: %d\n", r.Sum().Done, m.HeapAlloc, seconds)
	runtime.KeepAlive(r)
	return nil
}

// nowhere is a store that says OK to everything and keeps nothing.
type nowhere struct{}

func (nowhere) Session(context.Context, kv.SessionOptions) (kv.Session, error) { return nowhere{}, nil }
func (nowhere) Close() error                                                   { return nil }

func (nowhere) Do(ops []kv.Op, out []kv.Result) error {
	for i := range ops {
		out[i] = kv.Result{Bytes: len("+OK\r\n")}
	}
	return nil
}

// whole returns an error unless all went well.
func whole(r *recording.Recording) error {
	sum := r.Sum()
	if sum.Done != sum.Due || sum.ErrorCount() > 0 || sum.Violations > 0 {
		return fmt.Errorf("%d of %d operations were done, errors %v, %d violations", sum.Done, sum.Due, sum.Errors, sum.Violations)
	}
	return nil
}

// keys is a workload on keys drawn uniformly, in three classes.
type keys struct {
	command string
	value   []byte
	written int // bytes of the answer to a write
	read    int // and of that to a read which finds something
	// anyLength is of a store whose answers are as long as they are.
	anyLength bool
}

// mixShare is of how many operations of a mix one writes.
const mixShare = 11

// A step is a task's operation, kept from one to the next.
type step struct {
	key      [len("key:000000000000")]byte
	get, set [1]kv.Op
}

func newStep(value []byte) *step {
	s := &step{}
	copy(s.key[:], "key:000000")
	s.get[0].Args = [][]byte{[]byte("GET"), s.key[:]}
	s.set[0].Args = [][]byte{[]byte("SET"), s.key[:], value}
	return s
}

func (k *keys) Operations() []string { return []string{"a", "b", "c"} }

func (k *keys) Begin(t *loadgen.Task) {
	s, ok := t.State.(*step)
	if !ok {
		s = newStep(k.value)
		t.State = s
	}
	n := t.Rand.Uint64()
	t.Class = int(n % 3)
	for i, x := len(s.key)-1, n>>8%keySpace; i >= len(s.key)-keyDigits; i, x = i-1, x/10 {
		s.key[i] = byte('0' + x%10)
	}
	if k.command == "SET" || k.command == "MIX" && n>>40%mixShare == 0 {
		t.Ops = s.set[:]
	} else {
		t.Ops = s.get[:]
	}
}

func (k *keys) Next(t *loadgen.Task, replies []kv.Result) {
	if r := &replies[0]; r.Status == kv.OK && !k.anyLength && r.Bytes != k.written && r.Bytes != k.read {
		t.Violation = "a reply of " + strconv.Itoa(r.Bytes) + " bytes"
	}
}
