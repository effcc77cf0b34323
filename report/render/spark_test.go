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
