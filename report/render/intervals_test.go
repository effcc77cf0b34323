package render

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/report"
)

// compared is a report of two loads, one number of which has an interval and one has none.
func compared() *report.Report {
	metric := func(name string, v float64, i *report.Interval) report.Metric {
		return report.Metric{Name: name, Value: report.Number(v), Unit: report.UnitRatio, Interval: i}
	}
	return &report.Report{
		Schema: report.Schema, Kind: report.KindCompare, Target: report.Target{URL: "a.kvr -> b.kvr"},
		Sections: []report.Section{{Name: "compare", Title: "CHANGE FROM BASE TO HEAD", Metrics: []report.Metric{
			metric("change_p50", 0.24, &report.Interval{Low: -0.2, High: 0.75}), metric("change_p99</text>", 0.6, nil), metric("share", 0.5, nil),
			{Name: "change_text", Value: report.Text("odd"), Unit: report.UnitText},
		}}},
	}
}

// A comparison is drawn with its intervals, what is not known is said, and a report of no keys says nothing of keys.
func TestChanges(t *testing.T) {
	for _, format := range []string{"svg", "html"} {
		page := render(t, format, compared(), Options{})
		for _, want := range []string{"change and its 95% interval", "-20% to +75%", "+60%, no interval", "p99&lt;/text&gt;"} {
			if !strings.Contains(string(page), want) {
				t.Errorf("%s: no %q", format, want)
			}
		}
		for _, bad := range []string{"0 keys", "full scan", "odd:"} {
			if strings.Contains(string(page), bad) {
				t.Errorf("%s: %q", format, bad)
			}
		}
	}
	d := xml.NewDecoder(bytes.NewReader(render(t, "svg", compared(), Options{})))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// What was counted by how long it took is drawn as rows of shades: what is nothing is not drawn.
func TestBands(t *testing.T) {
	svg := string(render(t, "svg", loadReport(), Options{}))
	for _, want := range []string{"response times over time", "1.00k took ≤ 1ms &lt;/text&gt; from 0s on", "3 took to 2ms from 0s on"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(svg, "took to 2ms from 1.0s") {
		t.Error("nothing is drawn")
	}
}
