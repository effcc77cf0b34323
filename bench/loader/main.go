// Command loader is the generator of `kvtool load run` with commands that can be compared with those of redis-benchmark: three
// latencies, three classes of operations, every reply looked at. It runs a closed loop and prints what it cost.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen"
)

const keySpace = 1_000_000

func main() {
	target := flag.String("target", "", "`URL` of the server")
	command := flag.String("command", "GET", "GET or SET")
	requests := flag.Uint64("n", 1_000_000, "how many operations")
	pipeline := flag.Int("pipeline", 1, "operations at once of a connection")
	flag.Parse()
	if err := run(*target, *command, *requests, *pipeline); err != nil {
		fmt.Fprintln(os.Stderr, "loader:", err)
		os.Exit(1)
	}
}

func run(url, command string, requests uint64, pipeline int) error {
	ctx := context.Background()
	target, err := kv.ParseTarget(url)
	if err != nil {
		return err
	}
	store, err := adapters.Open(ctx, target)
	if err != nil {
		return err
	}
	defer store.Close()
	driver, err := kv.DriverOf(store)
	if err != nil {
		return err
	}
	phases := []loadgen.Phase{{
		Name: command, Workload: &keys{command: []byte(command), value: make([]byte, 100)}, For: time.Hour, Requests: requests,
		Pipeline: pipeline, Record: true,
	}}
	r, err := loadgen.Run(ctx, driver, phases, loadgen.Options{Conns: 50})
	if err != nil {
		return err
	}
	sum := r.Sum()
	if sum.Done != requests || sum.ErrorCount() > 0 || sum.Violations > 0 {
		return fmt.Errorf("%d of %d operations were done, errors %v, %d violations", sum.Done, requests, sum.Errors, sum.Violations)
	}
	fmt.Printf("done: %d\n", sum.Done)
	return nil
}

// keys is a workload of one command on keys drawn uniformly, in three classes.
type keys struct{ command, value []byte }

// A step is a task's operation, kept from one to the next.
type step struct {
	key [len("key:000000000000")]byte
	ops [1]kv.Op
}

func (k *keys) Operations() []string { return []string{"a", "b", "c"} }

func (k *keys) Begin(t *loadgen.Task) {
	s, ok := t.State.(*step)
	if !ok {
		s = &step{}
		copy(s.key[:], "key:")
		s.ops[0].Args = [][]byte{k.command, s.key[:]}
		if string(k.command) == "SET" {
			s.ops[0].Args = append(s.ops[0].Args, k.value)
		}
		t.State = s
	}
	n := t.Rand.Uint64()
	t.Class = int(n % 3)
	for i, x := len(s.key)-1, n>>8%keySpace; i >= len("key:"); i, x = i-1, x/10 {
		s.key[i] = byte('0' + x%10)
	}
	t.Ops = s.ops[:]
}

func (k *keys) Next(t *loadgen.Task, replies []kv.Result) {
	if r := &replies[0]; r.Status == kv.OK && r.Bytes != len("+OK\r\n") && r.Bytes != len("$100\r\n")+len(k.value)+2 {
		t.Violation = "a reply of " + strconv.Itoa(r.Bytes) + " bytes"
	}
}
