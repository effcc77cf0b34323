package loadgen

import (
	"runtime"
	"testing"
	"time"

	"github.com/kvtool/kvtool/loadgen/recording"
)

// TestVerdicts: who was the limit is told by what the generator had of the processors, and by what it could have had.
func TestVerdicts(t *testing.T) {
	all := time.Duration(runtime.GOMAXPROCS(0)) * time.Second
	for _, x := range []struct {
		name             string
		done             uint64 // of a hundred
		cpu, waited, lag time.Duration
		want             recording.Verdict
	}{
		{"all is well", 100, all / 2, 50 * time.Millisecond, 0, recording.Valid},
		{"the store was full", 50, all / 2, 50 * time.Millisecond, 0, recording.RateMissed},
		{"the processors were used up", 100, all * 9 / 10, 0, 0, recording.GeneratorBound},
		{"others had them", 100, all / 2, all * 4 / 10, 0, recording.GeneratorBound},
		{"it waited, and kept up", 100, all / 10, 300 * time.Millisecond, 0, recording.Valid},
		{"it waited, and did not keep up", 50, all / 10, 300 * time.Millisecond, 0, recording.GeneratorBound},
		{"it was late", 100, 0, 0, 2 * time.Millisecond, recording.GeneratorBound},
	} {
		r := &runner{ctx: t.Context(), build: recording.NewBuilder(recording.Meta{Classes: []string{"get"}}, time.Now())}
		rec := r.build.Recorder()
		rec.DueN(0, 100)
		for range x.done {
			rec.Done(0, 0, time.Millisecond, time.Millisecond, x.lag)
		}
		rec.Flush()
		for range 10 {
			r.health.Add(time.Second, x.cpu, x.waited, 0)
		}
		got, err := r.judge(&recording.Part{})
		if err != nil {
			t.Fatal(err)
		}
		if v := got.Parts[0].Verdict; v != x.want {
			t.Errorf("%s: %s (%s), want %s", x.name, v, got.Parts[0].Why, x.want)
		}
	}
}
