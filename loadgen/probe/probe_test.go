package probe

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen"
	"github.com/kvtool/kvtool/loadgen/findmax"
	"github.com/kvtool/kvtool/loadgen/play"
	"github.com/kvtool/kvtool/loadgen/scenario"
	"github.com/kvtool/kvtool/loadgen/threshold"
)

const plain = `kvscenario: 1
name: plain
fields:
  id: {type: int, cardinality: 1k}
templates:
  key: {key: "k:{id}", type: string, value: {size: 32B}, ttl: {policy: fixed, value: 1h}}
ops:
  read: {steps: [{cmd: [GET, "@key"]}]}
  write: {steps: [{cmd: [SET, "@key", "@key.value", PX, "@key.ttl"]}]}
mix: {read: 90, write: 10}
`

// A server takes a time of an exponential law for each step, one after the other, in virtual time.
type server struct {
	rng  *rand.Rand
	mean float64 // seconds
	last time.Duration
	free time.Duration
}

func (s *server) serve(at time.Duration, _ []kv.Op) time.Duration {
	if at < s.last { // a new run
		s.free = 0
	}
	s.last = at
	s.free = max(s.free, at) + time.Duration(s.mean*s.rng.ExpFloat64()*1e9)
	return s.free - at
}

func limits(t *testing.T, texts ...string) []threshold.Threshold {
	t.Helper()
	var all []threshold.Threshold
	for _, text := range texts {
		l, err := threshold.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}

// prober is one of the reference engine, under a load of reads and writes.
func prober(t *testing.T, conns int, texts ...string) *Prober {
	t.Helper()
	target, err := kv.ParseTarget("ref:?preset=empty")
	if err != nil {
		t.Fatal(err)
	}
	store, err := adapters.Open(context.Background(), target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	driver, err := kv.DriverOf(store)
	if err != nil {
		t.Fatal(err)
	}
	s, err := scenario.Parse("plain", []byte(plain), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Prober{
		Driver: driver, Workload: play.New(s, play.Options{Run: "probe"}).Mix([]float64{90, 10}), Limits: limits(t, texts...),
		Options: loadgen.Options{Conns: conns, Workers: 1, Timeout: time.Hour}, Settle: 2 * time.Second,
	}
}

// Issue 6, Done when 3: find-max on the reference engine with a known law of service times. Response times of a queue with one server
// and exponential times are exponential with the difference of the rates, so that the truth is 1/mean - ln(1/0.01)/limit. The bar is
// 19 of 20 runs within 5 %; KVTOOL_SOAK=1 (make soak) makes all twenty at the p99, and the tests two at the p90, which takes a tenth
// of the time.
func TestKnownLaw(t *testing.T) {
	const mean, limit = 400e-6, 20e-3
	runs, text, allowed, misses := 2, "p90 < 20ms", 0.1, 0
	if os.Getenv("KVTOOL_SOAK") != "" {
		runs, text, allowed, misses = 20, "p99 < 20ms", 0.01, 1
	}
	truth := 1/mean - math.Log(1/allowed)/limit
	for seed := range runs {
		p := prober(t, 64, text, threshold.BuiltIn, "errors < 0.1%")
		queue := &server{rng: rand.New(rand.NewPCG(uint64(seed), 3)), mean: mean}
		p.Options.Virtual, p.Options.Meta.Seed = queue.serve, uint64(seed)<<32
		guess, rarest, err := p.Closed(context.Background(), nil, 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(guess*mean-1) > 0.05 || math.Abs(rarest-allowed) > 1e-9 {
			t.Errorf("a closed loop did %.0f/s of %.0f/s, and the rarest share over a limit is %v", guess, 1/mean, rarest)
		}
		res, err := findmax.Search(context.Background(), p.Rate, findmax.Options{Guess: guess, Rarest: rarest})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		off := res.Max/truth - 1
		t.Logf("seed %2d: %.0f/s, %+.2f %% of %.0f/s, in %d steps; %.0f/s failed by %s", seed, res.Max, 100*off, truth, len(res.Steps),
			res.Failed(), res.By)
		if math.Abs(off) > 0.05 || res.AtLeast {
			misses--
		}
	}
	if misses < 0 {
		t.Errorf("more than 1 of 20 runs, or one of %d, are more than 5 %% off", runs)
	}
}

// What one rate leaves behind is no part of the next: after a rate far beyond what the store does, a low one is as good as new. And
// what is measured again is another sample.
func TestAlike(t *testing.T) {
	p := prober(t, 16, "p99 < 20ms")
	p.Options.Virtual = (&server{rng: rand.New(rand.NewPCG(1, 1)), mean: 1e-3}).serve
	ctx := context.Background()
	over, err := p.Rate(ctx, 3000, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if tail := over.Tails[0]; over.Achieved > 0.5 || tail.Blocks[4].Over == 0 || tail.Value < time.Second || len(tail.Blocks) != 5 {
		t.Errorf("%+v", over)
	}
	first := p.Options.First
	var seen []uint64
	for range 2 {
		s, err := p.Rate(ctx, 300, 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		tail := s.Tails[0]
		samples := uint64(0)
		for _, b := range tail.Blocks {
			samples += b.Samples
			if b.Over > 0 {
				t.Errorf("%+v", tail)
			}
		}
		if s.Achieved != 1 || samples < 1200 || samples > 1800 {
			t.Errorf("achieved %v of %d", s.Achieved, samples)
		}
		seen = append(seen, tail.Blocks[0].Samples, tail.Blocks[1].Samples, tail.Blocks[2].Samples, samples)
	}
	if seen[0] == seen[4] && seen[1] == seen[5] && seen[2] == seen[6] {
		t.Errorf("measured twice, and the same arrivals: %v", seen)
	}
	if p.Options.First < first+2*1500 {
		t.Errorf("tasks begin at %d, after at least 3000 since %d", p.Options.First, first)
	}
}

func TestLimits(t *testing.T) {
	slow := func() func(time.Duration, []kv.Op) time.Duration {
		return (&server{rng: rand.New(rand.NewPCG(2, 1)), mean: 1e-3}).serve
	}
	for name, c := range map[string]struct {
		limits []string
		missed string
		err    error
	}{
		"max":                   {[]string{"max < 1us"}, "max", nil},
		"memory":                {[]string{"used_memory < 1B"}, "used_memory", nil},
		"all hold":              {[]string{"max < 1h", "used_memory < 1GiB", "violations == 0", "evicted == 0"}, "", nil},
		"an operation":          {[]string{"p50(write) < 1h"}, "", nil},
		"an unknown operation":  {[]string{"p50(other) < 1h"}, "", ErrUndecidable},
		"nothing is ever found": {[]string{"hit_rate >= 101%"}, "hit_rate", nil},
	} {
		p := prober(t, 16, c.limits...)
		p.Options.Virtual = slow()
		s, err := p.Rate(context.Background(), 200, 2*time.Second)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if missed := ""; err == nil {
			for _, m := range s.Missed {
				missed += m
			}
			if missed != c.missed {
				t.Errorf("%s: missed %q", name, missed)
			}
		}
	}
}

// A store that is gone is an error, and no rate that fails.
func TestGone(t *testing.T) {
	p := prober(t, 2, "p99 < 20ms")
	gone := errors.New("gone")
	p.Driver = driverFunc(func() (kv.Session, error) { return nil, gone })
	if _, err := p.Rate(context.Background(), 100, time.Second); !errors.Is(err, gone) {
		t.Error(err)
	}
	if _, _, err := p.Closed(context.Background(), nil, time.Second); !errors.Is(err, gone) {
		t.Error(err)
	}
}

type driverFunc func() (kv.Session, error)

func (f driverFunc) Session(context.Context, kv.SessionOptions) (kv.Session, error) { return f() }
