package play

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen"
	"github.com/kvtool/kvtool/loadgen/draw"
	"github.com/kvtool/kvtool/loadgen/scenario"
)

// A middle stands between a player and the store: it may change what is sent and what is answered.
type middle func(ops []kv.Op, out []kv.Result, do func([]kv.Op, []kv.Result) error) error

type faulty struct {
	kv.Session
	prefix []byte
	by     middle
	t      *testing.T
}

// Do implements kv.Session. It holds what is sent against the rule that nothing is written but under the prefix.
func (f *faulty) Do(ops []kv.Op, out []kv.Result) error {
	for _, o := range ops {
		switch string(o.Args[0]) {
		case "MULTI", "EXEC", "UNWATCH", "WAIT":
			continue
		case "EVAL":
			o.Args = o.Args[2:]
		}
		if !bytes.HasPrefix(o.Args[1], f.prefix) {
			f.t.Fatalf("%q touches what is not the run's", o.Args)
		}
	}
	if f.by == nil {
		return f.Session.Do(ops, out)
	}
	return f.by(ops, out, f.Session.Do)
}

// A bench plays tasks on several sessions, a step at a time, in an order that the seed decides.
type bench struct {
	t        *testing.T
	p        *Player
	sessions []*faulty
	began    time.Time
}

func open(t *testing.T, target string) kv.Driver {
	t.Helper()
	u, err := kv.ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	s, err := adapters.Open(context.Background(), u)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	d, err := kv.DriverOf(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func newBench(t *testing.T, target, name string, by middle) *bench {
	t.Helper()
	data, ok := scenario.Builtin(name)
	if !ok {
		t.Fatal(name)
	}
	s, err := scenario.Parse(name, data, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Schema.Fields { // small: what is told apart by chance is seen sooner
		f := &s.Schema.Fields[i]
		f.Cardinality = min(f.Cardinality, 500)
		if f.Name == "oid" && name == "distributed-lock" {
			f.Cardinality = 3
		}
	}
	b := &bench{t: t, began: time.Now()}
	d := open(t, target)
	for range 8 {
		c, err := d.Session(context.Background(), kv.SessionOptions{Epoch: b.began, Timeout: 5 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		b.sessions = append(b.sessions, &faulty{Session: c, by: by, t: t})
	}
	b.p = New(s, Options{Run: strings.ReplaceAll(t.Name(), "/", "-"), Scripts: HasScripts(b.sessions[0].Session)})
	for _, c := range b.sessions {
		c.prefix = b.p.prefix
	}
	return b
}

// play runs n tasks of w, one on each session at a time. A task that waits lets the others go on.
func (b *bench) play(w loadgen.Workload, n uint64) {
	b.t.Helper()
	tasks := make([]*loadgen.Task, len(b.sessions))
	out := make([]kv.Result, 200)
	next, live := uint64(0), len(tasks)
	for i := range tasks {
		tasks[i] = &loadgen.Task{Worker: i}
		tasks[i].Class = -1
	}
	until := make([]time.Duration, len(tasks))
	for live > 0 {
		live = 0
		for i, task := range tasks {
			if task.Class == -1 {
				if next >= n {
					continue
				}
				task.N, task.Rand, task.Now = next, *draw.NewSource(next, 1), time.Since(b.began)
				next++
				w.Begin(task)
				until[i] = time.Since(b.began) + min(task.Wait, 20*time.Millisecond)
			}
			live++
			if time.Since(b.began) < until[i] {
				continue
			}
			b.step(w, task, b.sessions[i], out)
			until[i] = time.Since(b.began) + min(task.Wait, 20*time.Millisecond)
		}
	}
}

// step runs the steps of a task up to one that waits.
func (b *bench) step(w loadgen.Workload, task *loadgen.Task, c *faulty, out []kv.Result) {
	b.t.Helper()
	for {
		ops := task.Ops
		if len(ops) > 0 {
			if err := c.Do(ops, out[:len(ops)]); err != nil {
				b.t.Fatal(err)
			}
			for i := range ops {
				if out[i].Status == kv.Failed && !strings.Contains(out[i].Err.Error(), "no such key") {
					b.t.Fatalf("%q: %v", ops[i].Args, out[i].Err)
				}
			}
		}
		waited := len(ops) > 0 || task.Wait > 0
		task.Now = time.Since(b.began)
		if !waited {
			task.Class = -1
			return
		}
		w.Next(task, out[:len(ops)])
		if len(task.Ops) == 0 && task.Wait == 0 {
			task.Class = -1
			return
		}
		if task.Wait > 0 {
			return
		}
	}
}

func (b *bench) whole(n uint64) {
	b.t.Helper()
	for i := range b.p.s.Phases {
		if b.p.s.Phases[i].Fill != nil {
			w, keys := b.p.Fill(i)
			b.play(w, keys)
		} else {
			b.play(b.p.Phase(i), n)
		}
	}
	if err := b.p.Verify(context.Background(), b.sessions[0].Session); err != nil {
		b.t.Fatal(err)
	}
}

// leftovers wants every key of the run to have a life of its own.
func (b *bench) leftovers() (n int) {
	b.t.Helper()
	for _, key := range b.ask("KEYS", b.p.Prefix()+"*") {
		n++
		if b.ask("PTTL", key)[0] == "-1" {
			b.t.Errorf("%s has no TTL", key)
		}
	}
	return n
}

// TestBuiltins: each scenario runs on both stores, without a violation, and leaves no key without a TTL.
func TestBuiltins(t *testing.T) {
	for where, target := range map[string]string{"ref": "ref:?preset=empty", "redis": redisServer(t)} {
		for _, name := range scenario.Builtins() {
			t.Run(where+"/"+name, func(t *testing.T) {
				b := newBench(t, target, name, nil)
				if n := 400; strings.HasPrefix(name, "failover") || strings.HasPrefix(name, "read-your") {
					b.play(b.p.Mix([]float64{1, 0}), uint64(n)) // without WAIT: there is no replica
					if err := b.p.Verify(context.Background(), b.sessions[0].Session); err != nil {
						t.Fatal(err)
					}
				} else {
					b.whole(uint64(n))
				}
				if m := b.p.Metrics(); m["violations"] != 0 {
					t.Errorf("%v %v", m, b.p.Evidence())
				}
				if n := b.leftovers(); n == 0 && name != "distributed-lock" && !strings.HasPrefix(name, "rate-") {
					t.Error("nothing was written")
				}
			})
		}
	}
}

func redisServer(t *testing.T) string {
	t.Helper()
	return "redis://" + servertest.Redis(t, servertest.Options{}).Addr
}
