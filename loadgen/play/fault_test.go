package play

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen"
	"github.com/kvtool/kvtool/loadgen/draw"
	"github.com/kvtool/kvtool/loadgen/scenario"
)

// on plants a fault: every nth command of that name is handled by instead.
func on(name string, nth int, instead func(op *kv.Op, out *kv.Result, do func([]kv.Op, []kv.Result) error) error) middle {
	n := 0
	return func(ops []kv.Op, out []kv.Result, do func([]kv.Op, []kv.Result) error) error {
		for i := range ops {
			if string(ops[i].Args[0]) == name {
				if n++; n%nth == 0 {
					if len(ops) > 1 {
						_ = do(ops[:i], out[:i])
					}
					if err := instead(&ops[i], &out[i], do); err != nil || i+1 == len(ops) {
						return err
					}
					held := out[i]
					err := do(ops[i+1:], out[i+1:])
					out[i] = held
					return err
				}
			}
		}
		return do(ops, out)
	}
}

// both plants two.
func both(one, other middle) middle {
	return func(ops []kv.Op, out []kv.Result, do func([]kv.Op, []kv.Result) error) error {
		return one(ops, out, func(ops []kv.Op, out []kv.Result) error { return other(ops, out, do) })
	}
}

type doer = func([]kv.Op, []kv.Result) error

// lie answers without doing anything.
func lie(value string) func(*kv.Op, *kv.Result, doer) error {
	return func(_ *kv.Op, out *kv.Result, do doer) error {
		one := make([]kv.Result, 1) // for its times
		err := do([]kv.Op{{Args: [][]byte{[]byte("PING")}}}, one)
		*out = one[0]
		out.Values = [][]byte{[]byte(value)}
		return err
	}
}

// answered does it, and changes the answer.
func answered(by func(*kv.Result)) func(*kv.Op, *kv.Result, doer) error {
	return func(op *kv.Op, out *kv.Result, do doer) error {
		one := make([]kv.Result, 1)
		err := do([]kv.Op{*op}, one)
		*out = one[0]
		by(out)
		return err
	}
}

// TestFaults: a store that breaks what a scenario promises is caught, with evidence that says how.
func TestFaults(t *testing.T) {
	var first []byte // a value that was written first
	tests := []struct {
		name, scenario, evidence string
		by                       middle
	}{
		{"the value of another key", "session-cache", "holds the value of another key", on("GETEX", 20, answered(func(r *kv.Result) {
			if len(r.Values) == 1 && r.Values[0] != nil {
				r.Values = [][]byte{[]byte("00000000000000000 of nobody")}
			}
		}))},
		{"an old value", "write-through", "after a newer value was acknowledged", on("GET", 3, answered(func(r *kv.Result) {
			r.Status, r.Values = kv.Miss, [][]byte{nil}
		}))},
		{"a lost job", "queue", "is lost", on("LPUSH", 20, lie("1"))},
		{"a job delivered twice", "queue", "was delivered twice", on("LMOVE", 2, answered(func(r *kv.Result) {
			if len(r.Values) == 1 && r.Values[0] != nil {
				if first == nil {
					first = bytes.Clone(r.Values[0])
				}
				r.Values[0] = first
			}
		}))},
		{"a write-behind that loses", "write-behind", "is lost", on("LPUSH", 10, lie("1"))},
		{"a lost increment", "counters", "adds up to", on("INCR", 30, lie("7"))},
		{"a lost score", "leaderboard", "adds up to", on("ZINCRBY", 30, lie("7"))},
		{"a lost cart item", "shopping-cart", "were taken or left", on("HINCRBY", 30, lie("1"))},
		{"a lock for two", "distributed-lock", "is held by", on("SET", 2, lie("OK"))},
		{"a mix of two versions", "feature-flags", "are of two versions", on("MGET", 10, answered(func(r *kv.Result) {
			if len(r.Values) > 1 && r.Values[0] != nil {
				r.Values[1] = []byte("ffffffffffffffff of another")
			}
		}))},
		{"half a view", "materialized-view", "of its 20 parts", on("LRANGE", 3, answered(func(r *kv.Result) {
			r.Values = r.Values[:len(r.Values)/2]
		}))},
		{"no TTL", "profile-cache", "has no TTL", on("PTTL", 5, lie("-1"))},
		{"a TTL beyond its law", "profile-cache", "its law says", on("PTTL", 5, lie("9999999999"))},
		{"a counter that begins anew", "rate-limit-fixed", "began two windows", on("EXEC", 3, answered(func(r *kv.Result) {
			if n := len(r.Values); n > 0 {
				r.Values[n-1] = []byte("1")
			}
		}))},
		{"a replica that is behind after WAIT", "read-your-writes", "after a newer value was acknowledged", both(on("WAIT", 1, lie("1")), on("GET", 2, answered(func(r *kv.Result) {
			r.Status, r.Values = kv.Miss, [][]byte{nil}
		})))},
		{"a lock that is gone before its time", "distributed-lock", "its life is", on("GET", 1, answered(func(r *kv.Result) {
			r.Status, r.Values = kv.Miss, [][]byte{nil}
		}))},
		{"a window without end", "rate-limit-sliding", "the limit is 10", on("ZCOUNT", 1, lie("0"))},
		{"a bucket that is always full", "rate-limit-token-bucket", "its bucket", on("HMGET", 1, answered(func(r *kv.Result) {
			r.Values = [][]byte{nil, nil}
		}))},
		{"an acknowledged write that is gone", "failover-loss", "is gone", on("SET", 10, lie("OK"))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, "ref:?preset=empty", tt.scenario, tt.by)
			b.p.opt.Scripts = false
			if len(b.p.s.Ops) == 2 && tt.scenario == "failover-loss" {
				b.play(b.p.Mix([]float64{1, 0}), 300)
			} else {
				for i := range b.p.s.Phases {
					if b.p.s.Phases[i].Fill == nil {
						b.play(b.p.Phase(i), 500)
					}
				}
			}
			if err := b.p.Verify(t.Context(), b.sessions[0].Session); err != nil {
				t.Fatal(err)
			}
			found := false
			for _, e := range b.p.Evidence() {
				found = found || bytes.Contains([]byte(e), []byte(tt.evidence))
			}
			if !found || b.p.Metrics()["violations"] == 0 {
				t.Errorf("not caught: %v %q", b.p.Metrics(), b.p.Evidence())
			}
		})
	}
}

// TestAllocates: once warm, a task of each of these costs no allocation.
func TestAllocates(t *testing.T) {
	for _, name := range []string{"session-cache", "leaderboard", "cache-aside", "ycsb-a", "counters", "feature-flags", "shopping-cart"} {
		data, _ := scenario.Builtin(name)
		s, err := scenario.Parse(name, data, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range s.Schema.Fields {
			s.Schema.Fields[i].Cardinality = min(s.Schema.Fields[i].Cardinality, 20)
		}
		p := New(s, Options{Run: "x"})
		w := p.Phase(len(s.Phases) - 1)
		task, replies := &loadgen.Task{}, make([]kv.Result, 100)
		values := [][]byte{[]byte(strconv.Itoa(5))}
		for i := range replies {
			replies[i].Values = values[:0]
		}
		n := uint64(0)
		once := func() {
			task.N, task.Rand = n, *draw.NewSource(n, 1)
			n++
			w.Begin(task)
			for len(task.Ops) > 0 || task.Wait > 0 {
				task.Now += task.Wait
				w.Next(task, replies[:len(task.Ops)])
			}
		}
		for range 5000 {
			once()
		}
		if a := testing.AllocsPerRun(2000, once); a != 0 {
			t.Errorf("%s: %v allocations a task", name, a)
		}
	}
}
