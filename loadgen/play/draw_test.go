package play

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/scenario"
)

// newTextBench is newBench for a scenario of its own.
func newTextBench(t *testing.T, target, text string) *bench {
	t.Helper()
	s, err := scenario.Parse("x.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, target, "counters", nil)
	b.p = New(s, Options{Run: "draws", Scripts: b.p.opt.Scripts})
	for _, c := range b.sessions {
		c.prefix = b.p.prefix
	}
	return b
}

// ask sends a command to the store of a bench and returns what it says.
func (b *bench) ask(words ...string) []string {
	b.t.Helper()
	op, out := kv.Op{Want: true}, make([]kv.Result, 1)
	for _, w := range words {
		op.Args = append(op.Args, []byte(w))
	}
	if err := b.sessions[0].Session.Do([]kv.Op{op}, out); err != nil || out[0].Err != nil {
		b.t.Fatal(words, err, out[0].Err)
	}
	var all []string
	for _, v := range out[0].Values {
		all = append(all, string(v))
	}
	return all
}

// TestSequential: keys come one after the other, each as often as the others.
func TestSequential(t *testing.T) {
	b := newTextBench(t, "ref:?preset=empty", `kvscenario: 1
fields: {n: {type: int, cardinality: 100, dist: sequential}}
templates: {hits: {key: "hits:{n}", type: string}}
ops: {hit: {steps: [{cmd: [INCR, "@hits"]}]}}
`)
	b.play(b.p.Phase(0), 300)
	for i := 1; i <= 100; i++ {
		if n := b.ask("GET", fmt.Sprintf("%shits:%d", b.p.Prefix(), i))[0]; n != "3" {
			t.Errorf("key %d was hit %s times in 3 rounds", i, n)
		}
	}
}

// TestExponential: the part of the keys that is said gets the share that is said.
func TestExponential(t *testing.T) {
	b := newTextBench(t, "ref:?preset=empty", `kvscenario: 1
fields: {n: {type: int, cardinality: 100, dist: {exponential: {share: 90%, within: 20%}}}}
templates: {hits: {key: "hits:{n}", type: string}}
ops: {hit: {steps: [{cmd: [INCR, "@hits"]}]}}
`)
	const draws = 4000
	b.play(b.p.Phase(0), draws)
	var counts []int
	for i := 1; i <= 100; i++ {
		n := 0
		if got := b.ask("GET", fmt.Sprintf("%shits:%d", b.p.Prefix(), i)); len(got) == 1 {
			_, _ = fmt.Sscan(got[0], &n)
		}
		counts = append(counts, n)
	}
	hot := 0
	for range 20 { // the most used
		at := 0
		for i, n := range counts {
			if n > counts[at] {
				at = i
			}
		}
		hot, counts[at] = hot+counts[at], 0
	}
	if share := float64(hot) / draws; share < 0.87 || share > 0.94 {
		t.Errorf("the first fifth got %.3f", share)
	}
}

// TestFillMembers: a collection whose members have a form is filled with all of them, however many tasks that takes.
func TestFillMembers(t *testing.T) {
	b := newTextBench(t, "ref:?preset=empty", `kvscenario: 1
fields: {uid: {type: int, cardinality: 2500}}
templates:
  index: {key: "index:{c:enum[a,b]}", type: zset, value: {members: "user{uid}"}}
  some:  {key: "some:{c:enum[a,b]}", type: set, value: {members: "user{uid}", elements: 10}}
  count: {key: "count:{c:enum[a,b]}", type: string, kind: counter}
ops: {one: {steps: [{cmd: [ZSCORE, "@index", "@index.member"]}]}}
phases: [{name: fill, fill: [index, some, count]}]
`)
	w, n := b.p.Fill(0)
	if n != 2*3+2+2 {
		t.Errorf("%d tasks", n)
	}
	b.play(w, n)
	for key, want := range map[string]string{"ZCARD index:a": "2500", "ZCARD index:b": "2500", "SCARD some:b": "10", "INCR count:a": "1"} {
		command, name, _ := strings.Cut(key, " ")
		if got := b.ask(command, b.p.Prefix()+name); got[0] != want {
			t.Errorf("%s: %s, want %s", key, got[0], want)
		}
	}
	b.ask("ZSCORE", b.p.Prefix()+"index:a", "user2500")
	if b.leftovers() != 6 {
		t.Error("other keys than were filled")
	}
}

// TestSizeShift: from the event on, values are as large as it says.
func TestSizeShift(t *testing.T) {
	b := newTextBench(t, "ref:?preset=empty", `kvscenario: 1
fields: {n: {type: int, cardinality: 1}}
templates: {doc: {key: "doc:{n}", type: string, value: {size: 100B}}}
ops: {put: {steps: [{cmd: [SET, "@doc", "@doc.value", PX, "@doc.ttl"]}]}}
phases: [{name: run, for: 2s, rate: 10/s, events: [{at: 1s, size_shift: {template: doc, to: 3KiB}}]}]
`)
	for _, want := range []string{"100", "3072"} {
		b.play(b.p.Phase(0), 5)
		if n := b.ask("STRLEN", b.p.Prefix()+"doc:1")[0]; n != want {
			t.Errorf("%s bytes, want %s", n, want)
		}
		if err := b.p.Events(0)[0].Do(Subject{Session: b.sessions[0].Session}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestUsualCommandsRun: what a command is usually sent with is what a store takes, on keys that a fill has written.
func TestUsualCommandsRun(t *testing.T) {
	for _, kind := range []string{"", "string", "hash", "list", "set", "zset", "stream"} {
		typ := cmp.Or(kind, "string")
		templates := map[string]*schema.Template{"t": {Name: "t", Type: typ}, "n": {Name: "n", Type: typ}}
		text := "kvscenario: 1\nfields: {uid: {type: int, cardinality: 9}}\ntemplates:\n  t: {key: 't:{uid}', type: " + typ + "}\n" +
			"  n: {key: 'n:{uid}', type: " + typ + ", kind: counter}\nops:\n"
		for _, c := range scenario.Commands(kind) {
			words, _ := scenario.Usual(c, templates[map[bool]string{false: "t", true: "n"}[scenario.Counts(c)]])
			text += "  op_" + c + ": {steps: [{cmd: ['" + strings.Join(words, "', '") + "']}]}\n"
		}
		if kind != "stream" {
			text += "phases: [{name: fill, fill: [t, n]}]\n"
		}
		for _, target := range []string{"ref:?preset=empty", redisServer(t)} {
			if kind == "stream" && strings.HasPrefix(target, "ref:") {
				continue // it has none
			}
			b := newTextBench(t, target, text)
			if kind != "stream" {
				w, n := b.p.Fill(0)
				b.play(w, n)
			}
			b.play(b.p.Phase(len(b.p.s.Phases)-1), 300) // an error of the store fails the test
		}
	}
}
