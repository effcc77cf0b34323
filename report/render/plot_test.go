package render

import (
	"slices"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/report"
)

func loadReport() *report.Report {
	n := report.Number[float64]
	return &report.Report{Kind: "load", Target: report.Target{URL: "ref:"}, Sections: []report.Section{{Name: "latency", Title: "LATENCY", Tables: []report.Table{
		{
			Name:    "spectrum",
			Columns: []report.Column{{Name: "percentile", Unit: report.UnitRatio}, {Name: "get", Unit: report.UnitDuration}, {Name: "set", Unit: report.UnitDuration}},
			Rows: [][]report.Value{
				{n(0), n(1e-4), n(2e-4)}, {n(0.5), n(3e-4), n(4e-4)}, {n(0.99), n(2e-3), report.Null}, {n(0.999), n(0.9), n(1)},
			},
		},
		{
			Name: "seconds",
			Columns: []report.Column{
				{Name: "second", Unit: report.UnitDuration},
				{Name: "asked", Unit: report.UnitRate},
				{Name: "done", Unit: report.UnitRate},
				{Name: "p99", Unit: report.UnitDuration},
				{Name: "errors", Unit: report.UnitCount},
			},
			Rows: [][]report.Value{
				{n(0), n(1000), n(1000), n(0.002), n(0)}, {n(1), n(1000), n(10), report.Null, n(3)}, {n(2), n(1000), n(1990), n(0.9), n(0)},
			},
		},
		{
			Name:    "events",
			Columns: []report.Column{{Name: "at", Unit: report.UnitDuration}, {Name: "event", Unit: report.UnitText}},
			Rows:    [][]report.Value{{n(1), report.Text("server_sleep </svg>\x1b[1m")}},
		},
	}}}}
}

func TestPlots(t *testing.T) {
	s := string(render(t, "svg", loadReport(), Options{}))
	n := elements(t, s)
	// get and set; asked and done; p99. Each has a line, and a sample of it at its name.
	if n["path"] != 10 || n["svg"] != 1 || strings.Contains(s, "\x1b") || strings.Contains(s, "NaN") {
		t.Errorf("elements: %v in\n%s", n, s)
	}
	for _, want := range []string{
		">response time by percentile</text>", ">99.9%</text>", ">100 µs</text>", ">asked, done over time</text>", "<title>get, at most 99.9% 900 ms</title>",
		"1.99k/s at 2.0s", "server_sleep &lt;/svg&gt;",
	} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in:\n%s", want, s)
		}
	}
	elements(t, string(render(t, "svg", loadReport(), Options{ASCII: true})))
}

func TestSteps(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      []float64
	}{
		{0, 1000, []float64{0, 200, 400, 600, 800, 1000}},
		{0, 2.5, []float64{0, 0.5, 1, 1.5, 2, 2.5}},
		{0, 70, []float64{0, 10, 20, 30, 40, 50, 60, 70}},
		{3, 3, []float64{3}},
	} {
		if got := steps(c.low, c.high); !slices.Equal(got, c.want) {
			t.Errorf("%v to %v: %v", c.low, c.high, got)
		}
	}
}
