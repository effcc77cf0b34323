package arrival

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func laws() *rapid.Generator[Law] {
	segment := rapid.Custom(func(t *rapid.T) Segment {
		rate := rapid.Float64Range(0, 500)
		return Segment{time.Duration(rapid.Int64Range(1e8, 3e9).Draw(t, "for")), rate.Draw(t, "from"), rate.Draw(t, "to")}
	})
	return rapid.Custom(func(t *rapid.T) Law {
		return Law{rapid.Bool().Draw(t, "constant"), rapid.SliceOfN(segment, 1, 5).Draw(t, "segments"), rapid.Bool().Draw(t, "repeat")}
	})
}

// until returns the arrivals of one worker before end.
func until(l *Law, seed uint64, worker, workers int, end time.Duration) []time.Duration {
	var all []time.Duration
	s := l.Schedule(seed, worker, workers)
	for at := s.Next(); at < end; at = s.Next() {
		all = append(all, at)
	}
	return all
}

// alike reports whether two lists have the same arrivals, each to within 2 ns: where a law is repeated it depends on the worker by
// which steps its time has come together, and so how it is rounded. At the end that may leave one out.
func alike(a, b []time.Duration, end time.Duration) bool {
	n := min(len(a), len(b))
	for _, rest := range [][]time.Duration{a[n:], b[n:]} {
		if len(rest) > 1 || len(rest) == 1 && rest[0] < end-2 {
			return false
		}
	}
	for i := range n {
		if (a[i] - b[i]).Abs() > 2 {
			return false
		}
	}
	return true
}

// However a load is divided, the counted arrivals are the same, and each is where the integral of the rate says.
func TestCountedArrivals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := laws().Draw(t, "law")
		l.Constant = true
		const end = 8 * time.Second
		whole := until(&l, 1, 0, 1, end)
		for _, n := range []int{2, 3, 8} {
			var parts []time.Duration
			for w := range n {
				parts = append(parts, until(&l, uint64(n), w, n, end)...)
			}
			slices.Sort(parts)
			if !alike(whole, parts, end) {
				t.Fatalf("%d parts have arrivals %v, the whole %v", n, parts, whole)
			}
		}
		for i, at := range whole {
			if before := l.Mean(at) * at.Seconds(); at > 0 && math.Abs(before-float64(i)) > 1e-3 {
				t.Fatalf("arrival %d is due at %v, when the rate has come to %g", i, at, before)
			}
		}
	})
}

// Poisson arrivals are as many as the rate says, within what chance does, in each half of the time; and gaps are exponential.
func TestPoisson(t *testing.T) {
	l := Law{Segments: Ramp(1000, 3000, 10*time.Second)}
	var all []time.Duration
	for w := range 4 {
		all = append(all, until(&l, 7, w, 4, 20*time.Second)...)
	}
	slices.Sort(all)
	for _, x := range []struct {
		from, to time.Duration
		want     float64
	}{{0, 5 * time.Second, 7500}, {5 * time.Second, 10 * time.Second, 12500}, {10 * time.Second, 20 * time.Second, 30000}} {
		n := 0.0
		for _, at := range all {
			if at >= x.from && at < x.to {
				n++
			}
		}
		if math.Abs(n-x.want) > 4*math.Sqrt(x.want) {
			t.Errorf("from %v to %v: %g arrivals, want about %g", x.from, x.to, n, x.want)
		}
	}
	long, gaps := 0, 0
	for i, at := range all {
		if at > 10*time.Second && i > 0 {
			gaps++
			if (at - all[i-1]).Seconds() > math.Ln2/3000 {
				long++
			}
		}
	}
	if share := float64(long) / float64(gaps); math.Abs(share-0.5) > 0.015 {
		t.Errorf("%.3f of the gaps are longer than the median of an exponential law", share)
	}
}

func TestEnds(t *testing.T) {
	for _, l := range []Law{
		{Segments: Steady(0)},
		{Segments: Steady(0), Repeat: true},
		{Constant: true, Segments: Ramp(100, 0, time.Second)},
	} {
		s := l.Schedule(1, 0, 1)
		n := 0
		for ; s.Next() != never; n++ {
			if n > 1000 {
				t.Fatalf("%+v never ends", l)
			}
		}
	}
	burst := Law{Segments: Burst(1000, 0, time.Second, 9*time.Second), Repeat: true}
	for _, at := range until(&burst, 1, 0, 1, time.Minute) {
		if at%(10*time.Second) > time.Second {
			t.Fatalf("an arrival at %v, between two bursts", at)
		}
	}
	sine := Law{Segments: Sine(100, 0.5, time.Minute), Repeat: true}
	if m := sine.Mean(10 * time.Minute); math.Abs(m-100) > 0.1 {
		t.Errorf("a sine around 100 has the mean %g", m)
	}
	if p := sine.Peak(); math.Abs(p-150) > 0.2 {
		t.Errorf("its peak is %g, want 150", p)
	}
}

func BenchmarkNext(b *testing.B) {
	l := Law{Segments: Steady(1e6)}
	s := l.Schedule(1, 0, 1)
	for b.Loop() {
		s.Next()
	}
}

// TestFromNothing: an arrival at the very moment at which a rate begins to rise from 0 is due then, and not at no time.
func TestFromNothing(t *testing.T) {
	l := Law{Constant: true, Segments: []Segment{{100 * time.Millisecond, 0, 1}}, Repeat: true}
	s := l.Schedule(1, 0, 1)
	for i := range 12 { // one in twenty segments
		if at, want := s.Next(), time.Duration(i)*2*time.Second; (at - want).Abs() > time.Millisecond {
			t.Fatalf("%d is due at %v, want %v", i, at, want)
		}
	}
}

// TestPass: what is passed over are the counted arrivals that Next would have returned, and the next one comes after them.
func TestPass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := laws().Draw(t, "law")
		l.Constant = true
		workers := rapid.IntRange(1, 4).Draw(t, "workers")
		worker := rapid.IntRange(0, workers-1).Draw(t, "worker")
		end := time.Duration(rapid.Int64Range(0, 8e9).Draw(t, "end"))
		passes, counts := l.Schedule(1, worker, workers), l.Schedule(1, worker, workers)
		for range rapid.IntRange(0, 20).Draw(t, "before") {
			passes.Next()
			counts.Next()
		}
		got, want := passes.Pass(end), uint64(0)
		next := counts.Next()
		for ; next < end; next = counts.Next() {
			want++
		}
		if got != want && max(got, want)-min(got, want) > 1 { // of one that is due at the very end, rounding decides
			t.Fatalf("%d were passed over, there are %d", got, want)
		}
		if at := passes.Next(); got == want && (at-next).Abs() > time.Microsecond+next/1e9 && next != never {
			t.Fatalf("the next one is at %v, not at %v", at, next)
		}
	})
}

// TestPassPoisson: the number that is passed over has the mean and the variance of a Poisson process, whether it is few or many, and
// the next one is due as long after as any.
func TestPassPoisson(t *testing.T) {
	const tries = 4000
	for _, rate := range []float64{20, 3000} {
		l := Law{Segments: Ramp(rate, 2*rate, time.Second)} // 1.5 in the mean
		var sum, squares, gaps float64
		for seed := range uint64(tries) {
			s := l.Schedule(seed, 0, 1)
			n := float64(s.Pass(time.Second))
			sum, squares = sum+n, squares+n*n
			gaps += (s.Next() - time.Second).Seconds()
		}
		mean, want := sum/tries, 1.5*rate
		if math.Abs(mean-want) > 5*math.Sqrt(want/tries) {
			t.Errorf("%v/s: the mean is %.2f, not %.2f", rate, mean, want)
		}
		if v := squares/tries - mean*mean; math.Abs(v/want-1) > 5*math.Sqrt(2.0/tries) {
			t.Errorf("%v/s: the variance is %.2f, not %.2f", rate, v, want)
		}
		if gap := gaps / tries * 2 * rate; math.Abs(gap-1) > 5/math.Sqrt(tries) {
			t.Errorf("%v/s: the next one comes after %.3f of the mean gap", rate, gap)
		}
	}
}
