package loadgen

import (
	"math"
	"testing"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/arrival"
	"github.com/kvtool/kvtool/loadgen/recording"
)

// uneven is a workload of which one task in four is of the second kind. It counts those that it is asked about.
type uneven struct{ begun *int }

func (uneven) Operations() []string { return []string{"often", "seldom"} }
func (u uneven) Begin(t *Task) {
	*u.begun++
	t.Class, t.Ops = 0, pingOps
	if t.Rand.Uint64()%4 == 0 {
		t.Class = 1
	}
}
func (uneven) Next(*Task, []kv.Result) {}

// TestUnsent: ten thousand million tasks that nobody could send are counted in no time: as many as there were in each second, with
// what they had waited, by operation.
func TestUnsent(t *testing.T) {
	const rate, seconds = 1e9, 10
	for _, law := range []*arrival.Law{steady(rate), constant(rate)} {
		begun := 0
		rec, err := Run(t.Context(), &fake{}, []Phase{{Workload: uneven{&begun}, Arrivals: law, For: seconds * time.Second, Record: true}},
			Options{Conns: 2, Workers: 2, Virtual: func(time.Duration, []kv.Op) time.Duration { return 100 * time.Millisecond }})
		if err != nil {
			t.Fatal(err)
		}
		sum := rec.Sum()
		if sum.Due != sum.Done+sum.Unsent || math.Abs(float64(sum.Due)-rate*seconds) > 1e6 {
			t.Errorf("%+v", sum)
		}
		if begun > 2*mostBegun+1000 {
			t.Errorf("%d tasks were begun", begun)
		}
		for i := range seconds {
			if due := float64(rec.Seconds[i].Due); math.Abs(due-rate) > 1e6 {
				t.Errorf("second %d: %.0f were due", i, due)
			}
		}
		all, seldom := histogram(t, rec, -1, recording.Response), histogram(t, rec, 1, recording.Response)
		if all.Count() != sum.Due {
			t.Errorf("%d response times of %d tasks", all.Count(), sum.Due)
		}
		if share := float64(seldom.Count()) / float64(all.Count()); math.Abs(share-0.25) > 0.01 {
			t.Errorf("of one operation in four there are %.4f", share)
		}
		// They were due evenly within the run, and have waited since.
		end := seconds*time.Second + mostDrain/2
		for _, q := range []float64{0.01, 0.25, 0.5, 0.75, 0.99} {
			truth := end - time.Duration((1-q)*float64(seconds*time.Second))
			if got := all.Quantile(q); (got - truth).Abs() > mostDrain {
				t.Errorf("quantile %v is %v, about %v is true", q, got, truth)
			}
		}
	}
}

// TestUnsentRequests: a number of tasks stays that number.
func TestUnsentRequests(t *testing.T) {
	begun := 0
	rec, err := Run(t.Context(), &fake{}, []Phase{
		{Workload: uneven{&begun}, Arrivals: steady(1e9), For: time.Second, Requests: 300_001, Record: true},
	}, Options{Conns: 2, Workers: 2, Virtual: func(time.Duration, []kv.Op) time.Duration { return 100 * time.Millisecond }})
	if err != nil {
		t.Fatal(err)
	}
	if sum := rec.Sum(); sum.Due != 300_001 || sum.Done+sum.Unsent != sum.Due {
		t.Errorf("%+v", sum)
	}
}
