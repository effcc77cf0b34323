package audit_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/audit/audittest"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// Of a sample of 1 key in 16, the intervals hold the truth about as often as they say, for keys and for bytes, also where a
// few keys hold most of the bytes; and every estimate is marked as one.
func TestIntervalsOfASampleHoldTheTruth(t *testing.T) {
	const runs = 150
	held := map[string]int{}
	var sample, all []kv.Record
	for seed := range uint64(runs) {
		rng := rand.New(rand.NewPCG(seed, 5))
		sample, all = sample[:0], all[:0]
		for range 6000 {
			r := kv.Record{
				Size: int64(100 * math.Exp(rng.NormFloat64())), Idle: time.Hour,
				Known: kv.FieldSize | kv.FieldIdle,
			}
			if rng.IntN(4) == 0 {
				r.Size *= 3
				r.Idle = 40 * 24 * time.Hour
			}
			all = append(all, r)
			if rng.IntN(16) > 0 {
				r.Known &^= kv.FieldIdle
			}
			sample = append(sample, r)
		}
		truth := metricsOf(t, "idle", all)
		for name, m := range metricsOf(t, "idle", sample) {
			want, ok := truth[name].Value.Number()
			if m.Interval == nil || !ok {
				continue
			}
			if m.How != "sampled" || truth[name].Interval != nil || truth[name].How != "" {
				t.Fatalf("%s: %q and %+v of all", name, m.How, truth[name])
			}
			if m.Interval.Low <= want && want <= m.Interval.High {
				held[name]++
			}
		}
	}
	for _, name := range []string{"cold_30d", "cold_30d_bytes"} {
		if share := float64(held[name]) / runs; share < 0.91 {
			t.Errorf("%s: the interval holds the truth in %.0f %% of the runs", name, 100*share)
		}
	}
}

func metricsOf(t *testing.T, name string, records []kv.Record) map[string]report.Metric {
	t.Helper()
	out := map[string]report.Metric{}
	for _, a := range audit.Analyzers(audit.Config{}) {
		if a.Name != name {
			continue
		}
		c := a.New(audittest.Now)
		for i := range records {
			c.Observe(&records[i])
		}
		var o audit.Output
		c.Report(&o)
		for _, m := range o.Metrics {
			out[m.Name] = m
		}
	}
	return out
}
