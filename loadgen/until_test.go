package loadgen

import (
	"context"
	"testing"
	"time"

	"github.com/kvtool/kvtool/loadgen/recording"
)

// TestUntil: a phase that is not recorded ends when the server's figures say so, and the next one is then as long as it is.
func TestUntil(t *testing.T) {
	asked := 0
	phases := []Phase{
		{
			Name: "warm", Workload: single{}, Arrivals: steady(100), For: time.Hour,
			Until: func(figures map[string]float64) bool { asked++; return figures["warm"] == 1 },
		},
		{Name: "run", Workload: single{}, Arrivals: steady(2000), For: 100 * time.Millisecond, Record: true},
	}
	rec, err := Run(t.Context(), &fake{}, phases, Options{
		Conns: 2, Meta: recording.Meta{Seed: 1}, Server: func(context.Context) map[string]float64 { return map[string]float64{"warm": 1} },
	})
	if err != nil {
		t.Fatal(err)
	}
	if sum := rec.Sum(); asked != 1 || sum.Done < 100 || sum.Done > 400 {
		t.Errorf("asked %d times, recorded %d operations of the next phase, about 200 are due", asked, sum.Done)
	}
}
