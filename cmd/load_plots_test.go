package cmd

import (
	"bytes"
	"context"
	"math"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen"
	"github.com/kvtool/kvtool/loadgen/arrival"
	"github.com/kvtool/kvtool/loadgen/figures"
	"github.com/kvtool/kvtool/loadgen/findings"
	"github.com/kvtool/kvtool/loadgen/play"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/loadgen/scenario"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
)

// A cache that is too small for what is read, whose store stands still once, and of which other keys become popular.
const plotted = `kvscenario: 1
name: products
fields: {sku: {type: int, cardinality: 20k, dist: {zipf: 0.99}}}
templates:
  product: {key: "product:{sku}", kind: cache, type: string, value: {size: {p50: 400B, p99: 4KiB}}, ttl: {policy: fixed, value: 10m, jitter: ±20%}}
ops:
  read:
    steps:
      - cmd: [GET, "@product"]
        on_nil: [{think: {exp: 4ms}}, {cmd: [SET, "@product", "@product.value", PX, "@product.ttl"]}]
phases:
  - {name: day, for: 40s, rate: {poisson: 1k/s}, events: [{at: 25s, popularity_shift: {field: sku, by: 5k}}]}
`

// plottedRun runs it in virtual time against the store inside kvtool: the same bytes each time.
func plottedRun(t *testing.T) *recording.Recording {
	t.Helper()
	target, err := kv.ParseTarget("demo:?preset=empty")
	if err != nil {
		t.Fatal(err)
	}
	store, err := adapters.Open(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	driver, err := kv.DriverOf(store)
	if err != nil {
		t.Fatal(err)
	}
	s, err := driver.Session(t.Context(), kv.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range [][2]string{{"maxmemory", "6mb"}, {"maxmemory-policy", "allkeys-lfu"}} {
		op := kv.Op{Args: [][]byte{[]byte("CONFIG"), []byte("SET"), []byte(set[0]), []byte(set[1])}}
		out := make([]kv.Result, 1)
		if err := s.Do([]kv.Op{op}, out); err != nil || out[0].Status == kv.Failed {
			t.Fatal(set, err, out[0].Err)
		}
	}
	sc, err := scenario.Parse("products.yaml", []byte(plotted), nil)
	if err != nil {
		t.Fatal(err)
	}
	player := play.New(sc, play.Options{Run: "plot"})
	server, err := figures.New(t.Context(), driver, kv.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p := loadgen.Phase{Workload: player.Phase(0), Arrivals: &arrival.Law{Segments: arrival.Steady(1000)}, For: sc.Phases[0].For, Record: true}
	for _, e := range player.Events(0) {
		p.Events = append(p.Events, loadgen.Event{At: e.At, Name: e.Name, Do: func() { _ = e.Do(play.Subject{Session: s}) }})
	}
	stall := func() {}
	p.Events = append(p.Events, loadgen.Event{At: 12 * time.Second, Name: "the store stands still for half a second", Do: stall})
	rec, err := loadgen.Run(t.Context(), driver, []loadgen.Phase{p}, loadgen.Options{
		Meta: recording.Meta{
			Scenario: sc.Name, Hash: sc.Hash(), Seed: 1, Target: "ref:?preset=empty", Server: "reference engine 7.0.15", CPU: "virtual time",
		}, Conns: 50, Workers: 1, Virtual: served,
		Server: func(context.Context) map[string]float64 {
			now, err := server.Read()
			if err != nil {
				t.Error(err)
			}
			return now
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// served is how long the store takes: about 0.2 ms, ten times that for one in a hundred, and half a second while it stands still.
func served(at time.Duration, _ []kv.Op) time.Duration {
	u := math.Mod(float64(at.Microseconds())*0.6180339887, 1)
	took := time.Duration(float64(100*time.Microsecond) * (1 - math.Log(1-0.999*u)))
	if u > 0.99 {
		took *= 10
	}
	const still, until = 12 * time.Second, 12500 * time.Millisecond
	if at >= still && at < until {
		took += until - at
	}
	return took
}

// The plots of docs/load.md, and what it shows of a report, are those of this run (go test ./cmd -run TestPlots -update).
func TestPlots(t *testing.T) {
	t.Parallel()
	rec := plottedRun(t)
	r, err := loadReport(rec)
	if err != nil {
		t.Fatal(err)
	}
	for file, section := range map[string]string{"load-spectrum.svg": "seconds.spectrum", "load-seconds.svg": "seconds.seconds"} {
		var b bytes.Buffer
		if err := render.SVG(&b, r, render.Options{Section: section}); err != nil {
			t.Fatal(err)
		}
		drawn(t, "../docs/"+file, b.Bytes())
		if b.Len() > 64<<10 {
			t.Errorf("%s takes %d bytes", file, b.Len())
		}
	}
	Shown(t, "../docs/load.md", "run", "```text\n"+plottedText(t, r, rec)+"```\n")
}

// plottedText is what the run prints.
func plottedText(t *testing.T, r *report.Report, rec *recording.Recording) string {
	t.Helper()
	thresholds, err := thresholdsOf([]string{"p99 < 5ms", "hit_rate >= 80%", "errors < 0.1%"}, false)
	if err != nil {
		t.Fatal(err)
	}
	s, err := scenario.Parse("products.yaml", []byte(plotted), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Findings = findings.Of(&findings.Run{Recording: rec, Schema: s.Schema, Policy: "allkeys-lfu"})
	addFixes(r)
	hits, misses := rec.Figure(recording.FigureHits), rec.Figure(recording.FigureMisses)
	counts := map[string]float64{"hit_rate": hits.Total() / (hits.Total() + misses.Total())}
	if err := judgeRun(r, rec, thresholds, counts); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := render.Text(&b, r, render.Options{Width: 110, Rules: rules(), Exit: exitGate}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
