package compare

import (
	"cmp"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/kvtool/kvtool/loadgen/latency"
	"github.com/kvtool/kvtool/loadgen/stat"
)

// A world is a store behind a queue on a machine that is never the same twice, under virtual time: requests come as a Poisson
// process, are served one after the other with times of a lognormal law, and each run is slower or faster as a whole.
type world struct {
	rng   *rand.Rand
	noise float64 // standard deviation of the logarithm of a run's speed
	drift float64 // by how much a run is slower than the one before
	load  float64 // utilisation; 0 is a half
	slow  float64 // logarithm of the machine's slowness now
}

const (
	simService = 100 * time.Microsecond // mean
	simSigma   = 0.8                    // of the logarithm of a service time
)

// serve returns the response times of n requests, each factor times as long, into a histogram; and the virtual time it took.
func (w *world) serve(n int, factor float64, h *latency.Histogram) time.Duration {
	w.slow += w.drift
	speed := math.Exp(w.slow + w.noise*w.rng.NormFloat64())
	mean := float64(simService) * speed
	wait, at := 0.0, 0.0
	load := cmp.Or(w.load, 0.5)
	for range n {
		gap := w.rng.ExpFloat64() * float64(simService) / load
		at += gap
		wait = max(0, wait-gap)
		wait += mean * math.Exp(simSigma*w.rng.NormFloat64()-simSigma*simSigma/2)
		h.Record(time.Duration(wait * factor))
	}
	return time.Duration(at)
}

// pairs returns the metrics of so many pairs of runs of n requests, the head's response times slower by the given factor.
func (w *world) pairs(ms []Metric, count, n int, slower float64) (base, head [][]float64) {
	w.slow = 0
	var h latency.Histogram
	one := func(factor float64) []float64 {
		h.Reset()
		took := w.serve(n, factor, &h)
		var out []float64
		for _, m := range ms {
			if m.Quantile == 0 {
				out = append(out, float64(n)/took.Seconds())
			} else {
				out = append(out, h.Quantile(m.Quantile).Seconds())
			}
		}
		return out
	}
	for i := range count {
		var b, d []float64
		if HeadFirst(i) {
			d, b = one(slower), one(1)
		} else {
			b, d = one(1), one(slower)
		}
		base, head = append(base, b), append(head, d)
	}
	return base, head
}

// found counts the comparisons, out of so many, in which a metric was called changed. Wrong counts those called better.
func found(of int, one func(i int) []Effect) (changed, wrong int) {
	for i := range of {
		was, better := false, false
		for _, e := range one(i) {
			was = was || e.Verdict == Worse || e.Verdict == Better
			better = better || e.Verdict == Better
		}
		if was {
			changed++
		}
		if better {
			wrong++
		}
	}
	return changed, wrong
}

// Issue 6: false alarms in 1,000 comparisons of a thing with itself, with a 95 % upper bound of at most 6 %. The practical limit is
// next to nothing here, so that it is not what keeps alarms away.
func TestPairsFalseAlarms(t *testing.T) {
	const of = 1000
	for name, w := range map[string]world{
		"quiet": {noise: 0.005}, "noisy": {noise: 0.05}, "a machine that slows down": {noise: 0.02, drift: 0.01},
	} {
		w.rng = rand.New(rand.NewPCG(11, 6))
		changed, _ := found(of, func(int) []Effect {
			base, head := w.pairs(Metrics(), 10, 250, 1)
			return Pairs(Metrics(), base, head, Options{Practical: 1e-6})
		})
		_, high := stat.Wilson(float64(changed), of)
		t.Logf("%s: %d false alarms in %d, at most %.1f %%", name, changed, of, 100*high)
		if high > 0.06 {
			t.Errorf("%s: %d false alarms in %d comparisons: up to %.1f %%, and 6 %% are allowed", name, changed, of, 100*high)
		}
	}
}

// Issue 6: a slowdown of 5 % is found with a lower bound of at least 80 % at 10 pairs of 10 s at 1,000/s, which is a tenth of what the
// store can do, on a machine whose speed varies by 1 % from run to run and falls by 0.2 % a run.
func TestPairsPower(t *testing.T) {
	const of = 60
	w := world{rng: rand.New(rand.NewPCG(12, 6)), noise: 0.01, drift: 0.002, load: 0.1}
	changed, wrong := found(of, func(int) []Effect {
		base, head := w.pairs(Metrics(), 10, 10_000, 1.05)
		return Pairs(Metrics(), base, head, Options{})
	})
	low, _ := stat.Wilson(float64(changed-wrong), of)
	t.Logf("found in %d of %d: at least %.1f %%", changed-wrong, of, 100*low)
	if low < 0.8 || wrong > 0 {
		t.Errorf("found in %d of %d (wrong way: %d): at least %.1f %%, and 80 %% are asked for", changed-wrong, of, wrong, 100*low)
	}
}

// seconds returns a run of so many seconds, of rate operations each, in each of which the machine is as slow as in the one before,
// about.
func (w *world) seconds(count, rate int, slower, memory float64) []*latency.Histogram {
	var hs []*latency.Histogram
	w.slow = 0
	drift, noise := w.drift, w.noise
	defer func() { w.drift, w.noise = drift, noise }()
	w.noise = 0
	for range count {
		w.slow = memory*w.slow + noise*w.rng.NormFloat64()
		h := &latency.Histogram{}
		w.serve(rate, slower, h)
		hs = append(hs, h)
	}
	return hs
}

// Issue 6, for kept runs: false alarms with a 95 % upper bound of at most 6 % in 1,000 comparisons of a minute with another, with a
// practical limit of next to nothing, of seconds that are each by themselves or depend on each other. All are made where KVTOOL_SOAK
// is set; the bound is for what so many can show.
func TestStoredFalseAlarms(t *testing.T) {
	of, most := 250, 0.09
	if os.Getenv("KVTOOL_SOAK") != "" {
		of, most = 1000, 0.06
	}
	ms := []Metric{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}}
	for name, memory := range map[string]float64{"independent seconds": 0, "seconds that follow each other": 0.4} {
		w := world{rng: rand.New(rand.NewPCG(13, 6)), noise: 0.05}
		told := 0
		changed, _ := found(of, func(int) []Effect {
			es := Stored(ms, w.seconds(60, 100, 1, memory), w.seconds(60, 100, 1, memory), Options{Practical: 1e-6})
			for _, e := range es {
				if !e.Void() {
					told++
				}
			}
			return es
		})
		_, high := stat.Wilson(float64(changed), float64(of))
		t.Logf("%s: %d false alarms in %d, at most %.1f %%; of %d metrics %d could be told", name, changed, of, 100*high, len(ms)*of, told)
		if high > most {
			t.Errorf("%s: %d false alarms in %d comparisons: up to %.1f %%", name, changed, of, 100*high)
		}
		if told < len(ms)*of/2 {
			t.Errorf("%s: only %d of %d metrics could be told", name, told, len(ms)*of)
		}
	}
}

// And a kept run that is 30 % slower is told from one that is not, in minutes whose seconds are by themselves.
func TestStoredPower(t *testing.T) {
	const of = 50
	w := world{rng: rand.New(rand.NewPCG(14, 6)), noise: 0.02}
	changed, wrong := found(of, func(int) []Effect {
		ms := []Metric{{"p50", 0.5}, {"p90", 0.9}}
		return Stored(ms, w.seconds(60, 100, 1, 0), w.seconds(60, 100, 1.3, 0), Options{})
	})
	if low, _ := stat.Wilson(float64(changed-wrong), of); low < 0.8 || wrong > 0 {
		t.Errorf("found in %d of %d (wrong way: %d)", changed-wrong, of, wrong)
	}
}
