package render

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/report"
)

// A heat map in text has a character a cell, of what is known: nothing, little, and the most are told apart; and no line is too
// long.
func TestHeatInText(t *testing.T) {
	tab := report.Table{Name: "heatmap", Title: "Slots", Columns: []report.Column{
		{Name: "slots", Unit: report.UnitText},
		{Name: "keys", Unit: report.UnitCount, Sum: true},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
	}}
	for i := range 64 {
		n := 100.0
		switch i {
		case 3:
			n = 0
		case 40:
			n = 10_000
		}
		tab.Rows = append(tab.Rows, []report.Value{report.Text(fmt.Sprintf("%d-%d", i, i)), report.Number(n), report.Null})
	}
	r := &report.Report{Schema: report.Schema, Kind: report.KindSkew, Sections: []report.Section{{
		Name: "skew", Title: "SKEW", Metrics: []report.Metric{{Name: "keys", Value: report.Number(1), Unit: report.UnitCount}},
		Tables: []report.Table{tab},
	}}}
	for _, c := range []struct {
		ascii  bool
		width  int
		first  string
		second string
	}{
		{false, 80, "0-0 ··· " + strings.Repeat("·", 28), "32-32 ········█" + strings.Repeat("·", 23)},
		{true, 80, "0-0 ... " + strings.Repeat(".", 28), "32-32 ........#" + strings.Repeat(".", 23)},
		{true, 120, "0-0 ... " + strings.Repeat(".", 36) + "#" + strings.Repeat(".", 23), ""},
	} {
		var b bytes.Buffer
		if err := Text(&b, r, Options{Width: c.width, ASCII: c.ascii}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), c.first) || !strings.Contains(b.String(), c.second) || !strings.Contains(b.String(),
			"SLOTS  keys of 0-0 and so on; the most: 40-40, 10.0k") {
			t.Errorf("width %d, ascii %v:\n%s", c.width, c.ascii, b.String())
		}
	}
}
