package render

import (
	"strings"
	"testing"

	"github.com/kvtool/kvtool/report"
)

func series3() *report.Table {
	n := report.Number[float64]
	return &report.Table{
		Name: "seconds",
		Columns: []report.Column{
			{Name: "second", Unit: report.UnitDuration},
			{Name: "due", Unit: report.UnitRate, Rank: 1},
			{Name: "done", Unit: report.UnitRate},
			{Name: "p99", Unit: report.UnitDuration},
			{Name: "hit_rate", Unit: report.UnitRatio},
			{Name: "evicted", Unit: report.UnitCount, Sum: true},
			{Name: "errors", Unit: report.UnitCount, Sum: true},
		},
		Rows: [][]report.Value{
			{n(0), n(1000), n(1000), n(0.002), report.Null, n(0), n(0)},
			{n(1), n(1000), n(500), n(0.9), n(0.5), n(3), n(0)},
			{n(2), n(1000), n(1500), n(0.004), n(0.75), n(30), n(0)},
			{n(3), n(1000), n(1000), report.Null, n(1), n(7), n(0)},
			{n(4), n(0), n(2), report.Null, report.Null, report.Null, n(0)}, // the drain, which is no shape
		},
	}
}

// What a series looks like: a shape of what is worth one, and the numbers that say most of it.
func TestOverTime(t *testing.T) {
	r := &report.Report{Kind: report.KindLoad, Sections: []report.Section{{Name: "seconds", Title: "SECONDS", Tables: []report.Table{*series3()}}}}
	text := string(render(t, "text", r, Options{Width: 100}))
	for _, want := range []string{
		"OVER TIME  0s to 3.0s", "done       ▆▃█▆", "1.00k/s on average, at least 500/s at 1.0s", "p99        ▁█▁         at most 900 ms at 1.0s",
		"hit rate    ▅▇█", "from 50% to 100%, at most 100% at 3.0s", "evicted    ▁▁█▂", "40, at most 30 at 2.0s",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, left := range []string{"due", "errors"} { // one has a rank, the other never happened
		if strings.Contains(text, left) {
			t.Errorf("%s is shown:\n%s", left, text)
		}
	}
	if ascii := string(render(t, "text", r, Options{ASCII: true})); !strings.Contains(ascii, "done       *-@*") {
		t.Errorf("%s", ascii)
	}
	if md := string(render(t, "md", r, Options{})); !strings.Contains(md, "| done | ▆▃█▆ | 1.00k/s on average") {
		t.Errorf("%s", md)
	}
}

// A run has series of its own in the text for Prometheus, and no keys.
func TestPrometheusOfARun(t *testing.T) {
	n := report.Number[float64]
	r := &report.Report{Kind: report.KindLoad, Sections: []report.Section{
		{Name: "latency", Tables: []report.Table{{
			Name: "latency",
			Columns: []report.Column{
				{Name: "operation", Unit: report.UnitText},
				{Name: "rate", Unit: report.UnitRate},
				{Name: "errors", Unit: report.UnitCount},
				{Name: "p99", Unit: report.UnitDuration},
			},
			Rows: [][]report.Value{{report.Text("get"), n(10), n(1), n(0.5)}, {report.Text("all"), n(20), n(1), report.Null}},
		}}},
		{Name: "health", Metrics: []report.Metric{{Name: "achieved", Unit: report.UnitRatio, Value: n(0.5)}}},
	}}
	out := string(render(t, "prom", r, Options{}))
	for _, want := range []string{
		`kvtool_load_response_seconds{target="",operation="get",quantile="0.99"} 0.5` + "\n", `kvtool_load_rate{target="",operation="all"} 20` + "\n",
		`kvtool_load_errors{target="",operation="get"} 1` + "\n", `kvtool_load_achieved_ratio{target=""} 0.5` + "\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if strings.Contains(out, "keys_scanned") || strings.Count(out, "quantile") != 1 {
		t.Errorf("%s", out)
	}
}

// Many seconds share a column: of what takes time its longest, of counts the mean of a second.
func TestSparkIsNarrow(t *testing.T) {
	tab := &report.Table{Name: "seconds", Columns: []report.Column{{Name: "second", Unit: report.UnitDuration}, {Name: "p99", Unit: report.UnitDuration}}}
	for i := range 1000 {
		v := 0.001
		if i == 777 {
			v = 1
		}
		tab.Rows = append(tab.Rows, []report.Value{report.Number(i), report.Number(v)})
	}
	got := []rune(spark(tab, 1, 10, false))
	if string(got) != "▁▁▁▁▁▁▁█▁▁" {
		t.Errorf("%q", string(got))
	}
}
