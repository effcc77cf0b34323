package loadgen

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/arrival"
	"github.com/kvtool/kvtool/loadgen/latency"
	"github.com/kvtool/kvtool/loadgen/recording"
)

// pings is a workload of one command, in two classes by turns; the second is done in two steps, with a wait between them.
type pings struct{ think time.Duration }

var pingOps = []kv.Op{{Args: [][]byte{[]byte("PING")}}}

func (pings) Operations() []string { return []string{"one", "two"} }
func (pings) Begin(t *Task) {
	t.Class, t.Ops = int(t.N%2), pingOps
	if t.State == nil {
		t.State = new(int)
	}
	*t.State.(*int) = 0
}

func (p pings) Next(t *Task, _ []kv.Result) {
	step := t.State.(*int)
	if *step++; t.Class == 1 && *step == 1 && p.think > 0 {
		t.Ops, t.Wait = pingOps, p.think
	}
}

// single is a workload of one command.
type single struct{}

func (single) Operations() []string    { return []string{"ping"} }
func (single) Begin(t *Task)           { t.Ops = pingOps }
func (single) Next(*Task, []kv.Result) {}
func steady(rate float64) *arrival.Law { return &arrival.Law{Segments: arrival.Steady(rate)} }
func constant(rate float64) *arrival.Law {
	return &arrival.Law{Constant: true, Segments: arrival.Steady(rate)}
}

// A fake is a driver whose sessions answer at once, or as do says.
type fake struct {
	do     func(ops []kv.Op, closed <-chan struct{}) error
	opened atomic.Int64
	fail   atomic.Bool // to open
}

type fakeSession struct {
	f      *fake
	epoch  time.Time
	closed chan struct{}
}

func (f *fake) Session(_ context.Context, opt kv.SessionOptions) (kv.Session, error) {
	if f.fail.Load() {
		return nil, errors.New("refused")
	}
	f.opened.Add(1)
	return &fakeSession{f, opt.Epoch, make(chan struct{})}, nil
}

func (s *fakeSession) Do(ops []kv.Op, out []kv.Result) error {
	sent := time.Since(s.epoch)
	if s.f.do != nil {
		if err := s.f.do(ops, s.closed); err != nil {
			return err
		}
	}
	done := time.Since(s.epoch)
	for i := range ops {
		out[i] = kv.Result{Sent: sent, Done: done}
	}
	return nil
}
func (s *fakeSession) Close() error { close(s.closed); return nil }

func histogram(t interface{ Fatal(...any) }, r *recording.Recording, class int, k recording.Kind) *latency.Histogram {
	h, err := r.Histogram(class, k, 0, len(r.Seconds))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func verdict(r *recording.Recording) recording.Verdict { v, _ := r.Verdict(); return v }

// TestStalls: whatever the store does, response times are what arithmetic says of a queue, and service times what it took.
func TestStalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type stall struct{ from, to time.Duration }
		ms := func(label string, most int) time.Duration {
			return time.Duration(rapid.IntRange(1, most).Draw(t, label)) * time.Millisecond
		}
		var stalls []stall
		for at := ms("first", 800); at < 3*time.Second; at += ms("gap", 1500) {
			s := stall{at, at + ms("stall", 900)}
			stalls, at = append(stalls, s), s.to
		}
		took, rate := 100*time.Microsecond, float64(rapid.IntRange(50, 900).Draw(t, "rate"))
		serve := func(at time.Duration) time.Duration { // when something is done that is sent at a time
			for _, s := range stalls {
				if at >= s.from && at < s.to {
					at = s.to
				}
			}
			return at + took
		}
		law := constant(rate)
		const length = 3 * time.Second
		rec, err := Run(context.Background(), &fake{}, []Phase{{Workload: single{}, Arrivals: law, For: length, Record: true}}, Options{
			Timeout: time.Hour, Virtual: func(at time.Duration, _ []kv.Op) time.Duration { return serve(at) - at },
		})
		if err != nil {
			t.Fatal(err)
		}
		var response, service latency.Histogram
		unsent, free := uint64(0), time.Duration(0)
		schedule := law.Schedule(0, 0, 1)
		for due := schedule.Next(); due < length; due = schedule.Next() {
			sent := max(due, free)
			if sent > length+length/20 {
				unsent++
				continue
			}
			free = serve(sent)
			response.Record(free - due)
			service.Record(free - sent)
		}
		sum := rec.Sum()
		if sum.Done != response.Count() || sum.Unsent != unsent || sum.Due != sum.Done+sum.Unsent {
			t.Fatalf("%d due, %d done, %d unsent; want %d and %d", sum.Due, sum.Done, sum.Unsent, response.Count(), unsent)
		}
		if h := histogram(t, rec, -1, recording.Service); !h.Equal(&service) {
			t.Fatalf("service: p99 %v, want %v", h.Quantile(0.99), service.Quantile(0.99))
		}
		if h := histogram(t, rec, -1, recording.Response); unsent == 0 && !h.Equal(&response) {
			t.Fatalf("response: p99 %v max %v, want %v %v", h.Quantile(0.99), h.Max(), response.Quantile(0.99), response.Max())
		} else if h.Max() < response.Max() {
			t.Fatalf("max %v, want at least %v", h.Max(), response.Max())
		}
		if lag := histogram(t, rec, -1, recording.Lag); lag.Max() != 0 {
			t.Fatalf("lag of %v where time is virtual", lag.Max())
		}
	})
}

// TestVirtualRunsRepeat: the same seed gives the same recording; and parts of a run have together what one run has.
func TestVirtualRunsRepeat(t *testing.T) {
	run := func(parts, part, workers int) *recording.Recording {
		phases := []Phase{
			{Name: "warm", Workload: pings{}, Arrivals: constant(800), For: 500 * time.Millisecond},
			{Name: "steady", Workload: pings{time.Millisecond}, Arrivals: constant(2000), For: 2 * time.Second, Record: true},
		}
		rec, err := Run(t.Context(), &fake{}, phases, Options{
			Meta: recording.Meta{Seed: 7, Parts: parts}, Part: part, Conns: 16 / parts, Workers: workers,
			Virtual: func(time.Duration, []kv.Op) time.Duration { return 300 * time.Microsecond },
		})
		if err != nil {
			t.Fatal(err)
		}
		return rec
	}
	whole := run(1, 0, 8)
	if again := run(1, 0, 8); !histogram(t, again, -1, recording.Response).Equal(histogram(t, whole, -1, recording.Response)) {
		t.Error("the same seed gives another recording")
	}
	if sum := whole.Sum(); sum.Due != 4000 || sum.Done != 4000 || whole.Parts[0].Took != 2*time.Second {
		t.Errorf("%d due, %d done, want 4000", sum.Due, sum.Done)
	}
	if h := histogram(t, whole, 1, recording.Response); h.Min() != 1600*time.Microsecond {
		t.Errorf("two steps of 300 µs with 1 ms between them took %v", h.Min())
	}
	for _, n := range []int{2, 8} {
		var merged *recording.Recording
		for i := range n {
			part := run(n, i, 8/n)
			part.Began = whole.Began // they would be told when to start
			if merged == nil {
				merged = part
				continue
			}
			if err := merged.Merge(part); err != nil {
				t.Fatal(err)
			}
		}
		for k := range 3 {
			if a, b := histogram(t, merged, -1, recording.Kind(k)), histogram(t, whole, -1, recording.Kind(k)); !a.Equal(b) {
				t.Errorf("%d parts: latency %d has %d with a maximum of %v, the whole %d and %v", n, k, a.Count(), a.Max(), b.Count(), b.Max())
			}
		}
	}
}

// TestClosedLoop: as many tasks as asked for, of each worker its share; more at once with a pipeline.
func TestClosedLoop(t *testing.T) {
	for _, pipeline := range []int{1, 5} {
		var most atomic.Int64
		d := &fake{do: func(ops []kv.Op, _ <-chan struct{}) error {
			if n := int64(len(ops)); n > most.Load() {
				most.Store(n)
			}
			return nil
		}}
		rec, err := Run(t.Context(), d, []Phase{
			{Workload: single{}, Requests: 50},
			{Workload: pings{time.Millisecond}, Requests: 1001, Pipeline: pipeline, Record: true},
		}, Options{Conns: 4, Workers: 3})
		if err != nil {
			t.Fatal(err)
		}
		if sum := rec.Sum(); sum.Done != 1001 || sum.Due != 1001 || len(sum.Errors) > 0 || d.opened.Load() != 4 || int(most.Load()) != pipeline {
			t.Errorf("pipeline %d: %+v, %d sessions, at most %d at once", pipeline, sum, d.opened.Load(), most.Load())
		}
	}
}

// TestRequests: an open loop that is ended by a number of tasks, fewer than workers among them, does as many.
func TestRequests(t *testing.T) {
	for _, n := range []uint64{1, 2, 1000} {
		rec, err := Run(t.Context(), &fake{}, []Phase{{Workload: single{}, Requests: n, Arrivals: steady(20_000), Record: true}}, Options{Conns: 4, Workers: 3})
		if err != nil || rec.Sum().Done != n {
			t.Fatalf("%d of %d: %v", rec.Sum().Done, n, err)
		}
	}
}

// TestLostSessions: a store that resets, refuses or does not answer ends no run and holds up none; what it cost is counted.
func TestLostSessions(t *testing.T) {
	var n atomic.Int64
	hang := func(_ []kv.Op, closed <-chan struct{}) error { <-closed; return io.EOF }
	for name, x := range map[string]struct {
		do   func([]kv.Op, <-chan struct{}) error
		shut bool
	}{
		"resets": {do: func([]kv.Op, <-chan struct{}) error {
			if n.Add(1)%50 == 0 {
				return io.EOF
			}
			return nil
		}},
		"hangs":   {do: hang},
		"refuses": {do: func([]kv.Op, <-chan struct{}) error { return io.EOF }, shut: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, law := range []*arrival.Law{steady(1000), nil} {
				d := &fake{do: x.do}
				time.AfterFunc(100*time.Millisecond, func() { d.fail.Store(x.shut) })
				began := time.Now()
				rec, err := Run(t.Context(), d, []Phase{{Workload: single{}, Arrivals: law, For: 300 * time.Millisecond, Record: true}},
					Options{Conns: 4, Timeout: 200 * time.Millisecond})
				if err != nil {
					t.Fatal(err)
				}
				sum := rec.Sum()
				if took := time.Since(began); took > 30*time.Second {
					t.Errorf("took %v", took)
				}
				if sum.Errors["closed"] == 0 || sum.Due != sum.Done+sum.Unsent || verdict(rec) == recording.Valid {
					t.Errorf("%+v, verdict %s", sum, verdict(rec))
				}
			}
		})
	}
}

// TestNoServer: a store that cannot be reached at all is an error, and no recording.
func TestNoServer(t *testing.T) {
	d := &fake{}
	d.fail.Store(true)
	if rec, err := Run(t.Context(), d, []Phase{{Workload: single{}, Requests: 1, Record: true}}, Options{}); rec != nil || err == nil {
		t.Errorf("%v, %v", rec, err)
	}
}

// TestInterrupt: a run that is ended from outside returns what it has.
func TestInterrupt(t *testing.T) {
	for _, law := range []*arrival.Law{steady(2000), nil} {
		ctx, cancel := context.WithCancel(t.Context())
		var n atomic.Int64
		ending := &fake{do: func([]kv.Op, <-chan struct{}) error {
			if n.Add(1) == 200 {
				cancel()
			}
			return nil
		}}
		began := time.Now()
		rec, err := Run(ctx, ending, []Phase{{Workload: single{}, Arrivals: law, For: time.Hour, Record: true}}, Options{Conns: 2})
		if !errors.Is(err, context.Canceled) || rec == nil || rec.Sum().Done < 100 || time.Since(began) > time.Minute {
			t.Fatalf("%v after %v", err, time.Since(began))
		}
		if verdict(rec) != recording.Incomplete {
			t.Errorf("verdict %s", verdict(rec))
		}
	}
}

// TestRate: in real time, the rate is what was asked, and a slow store misses it.
func TestRate(t *testing.T) {
	rec, err := Run(t.Context(), &fake{}, []Phase{{Workload: pings{time.Millisecond}, Arrivals: steady(5000), For: 500 * time.Millisecond, Record: true}},
		Options{Conns: 8})
	if err != nil {
		t.Fatal(err)
	}
	if sum := rec.Sum(); sum.Due < 2250 || sum.Due > 2750 || sum.Done < 1000 || sum.Done+sum.Unsent != sum.Due { // the machine may be busy
		t.Errorf("%+v", sum)
	}
	slow := &fake{do: func([]kv.Op, <-chan struct{}) error { time.Sleep(10 * time.Millisecond); return nil }}
	rec, err = Run(t.Context(), slow, []Phase{{Workload: single{}, Arrivals: steady(5000), For: 500 * time.Millisecond, Record: true}}, Options{Conns: 2})
	if err != nil {
		t.Fatal(err)
	}
	sum := rec.Sum()
	if sum.Unsent < 2000 || sum.Due != sum.Done+sum.Unsent || verdict(rec) == recording.Valid {
		t.Errorf("%+v, verdict %s", sum, verdict(rec))
	}
	if h := histogram(t, rec, -1, recording.Response); h.Quantile(0.5) < 100*time.Millisecond {
		t.Errorf("the median of response times is %v, although half of the tasks were never sent", h.Quantile(0.5))
	}
}

// TestAllocations: a task that is done takes no memory, and what a run takes at all is bounded.
func TestAllocations(t *testing.T) {
	run := func(length time.Duration) float64 {
		return testing.AllocsPerRun(1, func() {
			_, err := Run(t.Context(), &fake{}, []Phase{{Workload: pings{time.Millisecond}, Arrivals: steady(20_000), For: length, Record: true}}, Options{
				Conns: 50, Workers: 2, Virtual: func(time.Duration, []kv.Op) time.Duration { return 300 * time.Microsecond },
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
	short, long := run(time.Second), run(2*time.Second)
	if perTask := (long - short) / 20_000; perTask > 0.01 { // what there is comes of the second's change
		t.Errorf("%.3f allocations a task", perTask)
	}
}

// TestDay: a day in virtual time takes little memory.
func TestDay(t *testing.T) {
	if testing.Short() {
		t.Skip("a day of virtual time, under -short")
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	rec, err := Run(t.Context(), &fake{}, []Phase{{Workload: pings{}, Arrivals: steady(8), For: 24 * time.Hour, Record: true}}, Options{
		Conns: 4, Virtual: func(at time.Duration, _ []kv.Op) time.Duration { return 100*time.Microsecond + at%997*time.Microsecond },
	})
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if sum := rec.Sum(); sum.Done < 680_000 || sum.Unsent > 0 {
		t.Errorf("%+v", sum)
	}
	if took := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) >> 20; took > 200 {
		t.Errorf("a day takes %d MiB", took)
	}
	t.Logf("%d MiB", (int64(after.HeapAlloc)-int64(before.HeapAlloc))>>20)
}

// BenchmarkTask is what the generator does for a task beside the store: the schedule, the hand-over, three latencies.
func BenchmarkTask(b *testing.B) {
	b.ReportAllocs()
	_, err := Run(b.Context(), &fake{}, []Phase{{Workload: single{}, Requests: uint64(b.N), Arrivals: steady(50_000), Record: true}}, Options{
		Conns: 50, Workers: 2, Virtual: func(time.Duration, []kv.Op) time.Duration { return 200 * time.Microsecond },
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkPacerAndRecorder is the path of an operation without store and simulation: an arrival is taken, and what came of it
// recorded.
func BenchmarkPacerAndRecorder(b *testing.B) {
	r := &runner{opt: Options{Workers: 2, Meta: recording.Meta{Parts: 1}}}
	r.build = recording.NewBuilder(recording.Meta{Classes: single{}.Operations()}, time.Now())
	w := &worker{run: r, rec: r.build.Recorder()}
	w.begin(&plan{phases: []Phase{{Workload: single{}, Arrivals: steady(50_000), Record: true}}, from: []time.Duration{0}, end: never})
	out := make([]kv.Result, 1)
	b.ReportAllocs()
	for b.Loop() {
		w.mu.Lock()
		t := w.take(w.next)
		w.mu.Unlock()
		t.begin(t.due)
		out[0].Sent, out[0].Done = t.due+time.Microsecond, t.due+200*time.Microsecond
		w.after(t, out, 0, out[0].Done)
	}
}

// TestStartsLate: a part that begins late begins in the schedule where it should be.
func TestStartsLate(t *testing.T) {
	rec, err := Run(t.Context(), &fake{}, []Phase{{Workload: single{}, Arrivals: constant(1000), For: 500 * time.Millisecond, Record: true}},
		Options{StartAt: time.Now().Add(-300 * time.Millisecond), Conns: 4})
	if err != nil {
		t.Fatal(err)
	}
	if sum := rec.Sum(); sum.Due != 500 || sum.Unsent < 295 || sum.Unsent > 400 {
		t.Errorf("%+v", sum)
	}
}

// TestEvents: each is done at its time, and recorded.
func TestEvents(t *testing.T) {
	var at []time.Duration
	var now time.Duration
	e := func(d time.Duration, name string) Event {
		return Event{At: d, Name: name, Do: func() { at = append(at, now) }}
	}
	phases := []Phase{
		{Workload: single{}, Arrivals: constant(100), For: time.Second, Record: true, Events: []Event{e(500*time.Millisecond, "b"), e(0, "a")}},
		{Workload: single{}, Arrivals: constant(100), For: time.Second, Record: true, Events: []Event{e(300*time.Millisecond, "c")}},
	}
	rec, err := Run(t.Context(), &fake{}, phases, Options{Virtual: func(t time.Duration, _ []kv.Op) time.Duration { now = t; return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	want := []recording.Event{{At: 0, Name: "a"}, {At: 500 * time.Millisecond, Name: "b"}, {At: 1300 * time.Millisecond, Name: "c"}}
	for i := range rec.Events {
		rec.Events[i].At = rec.Events[i].At.Round(time.Millisecond)
	}
	if !slices.Equal(rec.Events, want) || len(at) != 3 || at[2] < 1200*time.Millisecond {
		t.Errorf("%v at %v", rec.Events, at)
	}
}
