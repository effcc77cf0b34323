package play

import (
	"context"
	"testing"
	"time"

	"github.com/kvtool/kvtool/loadgen"
	"github.com/kvtool/kvtool/loadgen/arrival"
	"github.com/kvtool/kvtool/loadgen/scenario"
)

// TestRun: scenarios that begin with a wait, hold a lock or watch keys are run by the real runner as they are here.
func TestRun(t *testing.T) {
	for _, name := range []string{"leaderboard", "write-through", "distributed-lock", "queue"} {
		data, _ := scenario.Builtin(name)
		s, err := scenario.Parse(name, data, nil)
		if err != nil {
			t.Fatal(err)
		}
		p := New(s, Options{Run: "run"})
		d := open(t, "ref:?preset=empty")
		phase := loadgen.Phase{
			Name: "run", Workload: p.Phase(len(s.Phases) - 1), For: 300 * time.Millisecond, Record: true,
			Arrivals: &arrival.Law{Segments: arrival.Steady(1000)},
		}
		rec, err := loadgen.Run(context.Background(), d, []loadgen.Phase{phase}, loadgen.Options{Conns: 8})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if sum := rec.Sum(); sum.Done <= sum.ErrorCount() { // what is cut off at the end counts as done, and failed
			t.Errorf("%s: %+v", name, sum)
		}
		if m := p.Metrics(); m["violations"] != 0 {
			t.Errorf("%s: %v %q", name, m, p.Evidence())
		}
	}
}
