package cmd

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/loadgen/scenario"
	"github.com/kvtool/kvtool/loadgen/stat"
)

// known is a load of which everything is known.
const known = `kvscenario: 1
fields:
  uid: {type: int, cardinality: 3000, dist: {zipf: 1.1}}
  sku: {type: int, cardinality: 700, dist: uniform}
  pid: {type: int, cardinality: 400}
  word: {type: opaque(30)}
templates:
  session: {key: "session:{uid}", type: string, value: {size: {p50: 400B, p99: 4KiB}}, ttl: {policy: fixed, value: 30m}}
  product: {key: "cache:product:{sku}", type: string, value: {size: 2KiB}, ttl: {policy: fixed, value: 2h}}
  profile: {key: "profile:{pid}", type: hash, value: {fields: {name: word, mail: word, city: word}}, ttl: {policy: fixed, value: 12h}}
ops:
  session_get: {steps: [{cmd: [GET, "@session"]}]}
  session_set: {steps: [{cmd: [SET, "@session", "@session.value", PX, "@session.ttl"]}]}
  product_get: {steps: [{cmd: [GET, "@product"]}]}
  profile_hgetall: {steps: [{cmd: [HGETALL, "@profile"]}]}
  profile_hget: {steps: [{cmd: [HGET, "@profile", name]}]}
mix: {session_get: 55, session_set: 15, product_get: 15, profile_hgetall: 10, profile_hget: 5}
phases:
  - {name: fill, fill: [session, product, profile], rate: max}
  - {name: steady, for: 10m, rate: {poisson: 4k/s}}
`

// learnFrom runs a scenario against a server, learns from the server meanwhile, and returns what was learnt.
func learnFrom(t *testing.T, server *servertest.Server, file, out string) *scenario.Scenario {
	t.Helper()
	client := server.Client(t)
	client.Must(t, "FLUSHALL")
	client.Must(t, "CONFIG", "RESETSTAT")
	ctx, stop := context.WithCancel(t.Context())
	var said strings.Builder
	env := OS()
	env.Stdin, env.Stdout, env.Stderr, env.TTY = strings.NewReader(""), &said, &said, false
	env.Getenv = func(string) string { return "" }
	run := newLoadRunCmd(env)
	run.SilenceUsage, run.SilenceErrors = true, true
	run.SetArgs([]string{"redis://" + server.Addr, "-s", file, "--progress", "none", "--conns", "8"})
	done := make(chan error, 1)
	go func() { done <- run.ExecuteContext(ctx) }()
	defer func() {
		stop()
		<-done
	}()
	servertest.Until(t, "a load that goes on", func() bool {
		select {
		case err := <-done:
			done <- err
			t.Fatalf("load run -s %s: %v\n%s", file, err, said.String())
		default:
		}
		return callsOf(t, client)["hget"] > 100 // which no fill sends
	})
	const window = 2 * time.Second
	learnt := make(chan string, 1)
	counted := pace{client: client}
	counted.note(t)
	go func() {
		stdout, stderr, code := in(t, "load", "learn", "redis://"+server.Addr, "--out", out, "--window", window.String(), "--source", "monitor", "--progress", "none")
		if code == exitOK {
			stdout, stderr = "", ""
		}
		learnt <- stdout + stderr
	}()
	servertest.Until(t, "a scenario that is learnt", func() bool {
		counted.note(t)
		return len(learnt) > 0
	})
	if failure := <-learnt; failure != "" {
		t.Fatal(failure)
	}
	counted.note(t)
	s := readLearnt(t, out)
	rate := s.Phases[len(s.Phases)-1].Rate.Values[0]
	if least, most := counted.rates(window); rate < 0.85*least || rate > 1.15*most {
		t.Errorf("%g a second are learnt of %s; the server did %g to %g", rate, file, least, most)
	}
	return s
}

// A pace is how many of a load's commands a server had done at which times. How many that are a second is a matter of the machine.
type pace struct {
	client *servertest.Client
	at     []time.Time
	done   []int
}

func (p *pace) note(t *testing.T) {
	t.Helper()
	n, calls := 0, callsOf(t, p.client)
	for _, command := range []string{"get", "set", "hget", "hgetall"} {
		n += calls[command]
	}
	p.at, p.done = append(p.at, time.Now()), append(p.done, n)
}

// rates are the lowest and the highest of a window's length.
func (p *pace) rates(window time.Duration) (least, most float64) {
	least = math.Inf(1)
	for i := range p.at {
		for j := i + 1; j < len(p.at); j++ {
			if took := p.at[j].Sub(p.at[i]); took >= window {
				rate := float64(p.done[j]-p.done[i]) / took.Seconds()
				least, most = min(least, rate), max(most, rate)
				break
			}
		}
	}
	return least, most
}

func readLearnt(t *testing.T, path string) *scenario.Scenario {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := scenario.Parse(path, data, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestLoadLearn: what is learnt from a known load is that load, within the intervals of what it was learnt from; and so is what is
// learnt from a run of what was learnt. Its rate is that which the server counted.
func TestLoadLearn(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: two loads of some seconds")
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name+".yaml") }
	if err := os.WriteFile(at("known"), []byte(known), 0o600); err != nil {
		t.Fatal(err)
	}
	server := servertest.Redis(t, servertest.Options{Args: []string{"--save", ""}})
	truth := readLearnt(t, at("known"))
	first := learnFrom(t, server, at("known"), at("first"))
	second := learnFrom(t, server, at("first"), at("second"))
	for name, pair := range map[string][2]*scenario.Scenario{"known and learnt": {truth, first}, "learnt and learnt again": {first, second}} {
		for _, d := range disagreements(pair[0], pair[1]) {
			t.Errorf("%s: %s", name, d)
		}
	}
	if t.Failed() {
		t.Logf("learnt:\n%s\nlearnt again:\n%s", first.Text, second.Text)
	}
}

// disagreements says in what a scenario that was learnt is not the other one. Shares of operations are held against each other by
// their intervals, 4 deviations wide; sizes by what an allocator tells of them, half of 25 %, and those of few values by chance, too.
func disagreements(a, b *scenario.Scenario) (all []string) {
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if len(a.Schema.Templates) != len(b.Schema.Templates) || len(a.Ops) != len(b.Ops) {
		say("%d templates and %d operations, %d and %d", len(a.Schema.Templates), len(a.Ops), len(b.Schema.Templates), len(b.Ops))
	}
	for i := range a.Schema.Templates {
		x := &a.Schema.Templates[i]
		j := templateLike(b, x)
		if j < 0 {
			say("no template is %s", x.Key)
			continue
		}
		y := &b.Schema.Templates[j]
		if p, q := scenario.Keys(a.Schema, i), scenario.Keys(b.Schema, j); apart(float64(p), float64(q), 0.02) {
			say("%s has %d keys, and %d", x.Name, p, q)
		}
		if x.Type != y.Type || apart(life(x), life(y), 0.05) {
			say("%s is a %s of %g s, and a %s of %g s", x.Name, x.Type, life(x), y.Type, life(y))
		}
		if x.Type == "string" && (apart(float64(x.Value.Size.P50), float64(y.Value.Size.P50), 0.15) || apart(float64(x.Value.Size.P99), float64(y.Value.Size.P99), 0.35)) {
			say("%s takes %+v, and %+v", x.Name, x.Value.Size, y.Value.Size)
		}
		if p, q := exponent(a, i), exponent(b, j); math.Abs(p-q) > 0.2 {
			say("%s is used by %.2f, and %.2f", x.Name, p, q)
		}
	}
	for i := range a.Ops {
		share, n := shareOf(a, i)
		j := operationLike(b, &a.Ops[i], a)
		if j < 0 {
			say("no operation is %s", a.Ops[i].Name)
			continue
		}
		other, m := shareOf(b, j)
		lowA, highA := stat.WilsonAt(share*n, n, 4)
		lowB, highB := stat.WilsonAt(other*m, m, 4)
		if lowA > highB || lowB > highA {
			say("%s is %.3f of %g, and %.3f of %g", a.Ops[i].Name, share, n, other, m)
		}
	}
	return all
}

func apart(a, b, share float64) bool { return math.Abs(a-b) > share*max(a, b) }

func life(t *schema.Template) float64 { return max(t.TTL.Value, t.TTL.Idle, time.Second).Seconds() }

// templateLike is the template whose keys begin with the same words.
func templateLike(s *scenario.Scenario, t *schema.Template) int {
	for i := range s.Schema.Templates {
		if s.Schema.Templates[i].Key[0].Literal == t.Key[0].Literal {
			return i
		}
	}
	return -1
}

// exponent is how unevenly the keys of a template are used: 0 is evenly.
func exponent(s *scenario.Scenario, i int) float64 {
	for _, p := range s.Schema.Templates[i].Key {
		if f := s.Schema.Field(p.Field); p.Type != nil && f != nil {
			return f.Dist.A
		}
	}
	return 0
}

// operationLike is the operation that sends the same command to the same template.
func operationLike(s *scenario.Scenario, op *scenario.Op, of *scenario.Scenario) int {
	first := func(s *scenario.Scenario, op *scenario.Op) (string, *schema.Template) {
		c := &op.Steps[0].Cmds[0]
		return c.Name(), &s.Schema.Templates[c.Words[1].Template]
	}
	command, t := first(of, op)
	for i := range s.Ops {
		if c, u := first(s, &s.Ops[i]); c == command && u.Key[0].Literal == t.Key[0].Literal {
			return i
		}
	}
	return -1
}

// shareOf returns which share an operation is of all, and of how many.
func shareOf(s *scenario.Scenario, i int) (share, of float64) {
	for j := range s.Ops {
		of += s.Ops[j].Weight
	}
	share = s.Ops[i].Weight / of
	if of < 1000 { // weights, and no counts: it is exact
		of = 1e9
	}
	return share, of
}
