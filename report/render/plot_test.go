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
			Name:    "latency_bands",
			Columns: []report.Column{{Name: "from", Unit: report.UnitDuration}, {Name: "to_1ms", Title: "≤ 1ms </text>", Unit: report.UnitCount, Sum: true}, {Name: "to_2ms", Unit: report.UnitCount, Sum: true}},
			Rows:    [][]report.Value{{n(0), n(1000), n(3)}, {n(1), n(900), n(0)}, {n(2), n(1100), report.Null}},
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
	// get and set; asked and done; p99; errors. Each has a line, and a sample of it at its name.
	if n["path"] != 12 || n["svg"] != 1 || strings.Contains(s, "\x1b") || strings.Contains(s, "NaN") {
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
	if got := steps(1<<60, 1<<60+256); len(got) > mostSteps {
		t.Errorf("%d steps between numbers that no step changes", len(got))
	}
}

// The limits of a run are called what they are, and say their limit once.
func TestThresholds(t *testing.T) {
	r := loadReport()
	r.Gate = &report.Gate{Verdict: report.Fail, Why: []string{"hit_rate >= 95%"}, Checks: []report.Check{
		{Name: "p99 < 5ms", Sign: "<", Unit: report.UnitDuration, Limit: report.Number(0.005), Head: report.Number(0.0024), Verdict: report.Pass, Level: report.Error},
		{Name: "max < 1ms", Sign: "<", Unit: report.UnitDuration, Limit: report.Number(0.001), Head: report.Number(0.002), Verdict: report.Fail, Level: report.Error},
		{Name: "hit_rate >= 95%", Sign: ">=", Unit: report.UnitRatio, Limit: report.Number(0.95), Head: report.Number(0.5), Verdict: report.Fail, Level: report.Error},
		{
			Name: "p99.9 < 9ms", Sign: "<", Unit: report.UnitDuration, Limit: report.Number(0.009), Head: report.Number(0.008), Verdict: report.Inconclusive,
			Level: report.Error, Why: "only 3 samples beyond it",
		},
	}}
	text := string(render(t, "text", r, Options{}))
	for _, want := range []string{
		"THRESHOLDS\n", "  ok    p99 < 5ms        2.40 ms\n", "  FAIL  max < 1ms        2.00 ms   +100%\n", "  FAIL  hit_rate >= 95%      50%\n",
		"  ?     p99.9 < 9ms      8.00 ms   only 3 samples beyond it\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, format := range []string{"text", "brief", "md", "junit"} {
		out := strings.ToLower(string(render(t, format, r, Options{})))
		if strings.Contains(out, "budget") || strings.Contains(out, "0 keys") || strings.Contains(out, "full scan") {
			t.Errorf("%s:\n%s", format, out)
		}
	}
	if brief := string(render(t, "brief", r, Options{})); !strings.Contains(brief, "not kept: max < 1ms is 2.00 ms; hit_rate >= 95% is 50%") {
		t.Errorf("%s", brief)
	}
}
