package loadgen

import (
	"testing"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// stamps notes what a task was told of the time.
type stamps struct {
	single
	now time.Duration
}

func (s *stamps) Begin(t *Task) {
	s.single.Begin(t)
	s.now = t.Now
}

// TestNow: a task that is sent late is told the time at which it is sent, and not that at which it was due: what it puts into its
// commands is what a client's clock would have said.
func TestNow(t *testing.T) {
	for _, law := range []string{"open", "closed"} {
		w, n, late := &stamps{}, 0, 0
		stalls := func(at time.Duration, _ []kv.Op) time.Duration {
			if n++; at != w.now {
				t.Errorf("%s: sent at %v, and told that it was %v", law, at, w.now)
			}
			if at%(10*time.Millisecond) != 0 {
				late++ // the schedule has every 10 ms
			}
			if n == 3 {
				return 105 * time.Millisecond
			}
			return time.Millisecond
		}
		p := Phase{Workload: w, For: 500 * time.Millisecond, Record: true}
		if law == "open" {
			p.Arrivals = constant(100)
		}
		if _, err := Run(t.Context(), &fake{}, []Phase{p}, Options{Conns: 1, Workers: 1, Virtual: stalls}); err != nil {
			t.Fatal(err)
		}
		if n < 40 || late == 0 {
			t.Errorf("%s: %d tasks, %d late", law, n, late)
		}
	}
}
