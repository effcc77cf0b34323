package render

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/report"
)

func spreadReport() *report.Report {
	return &report.Report{Kind: report.KindSimulate, Target: report.Target{URL: "keys.yaml", Product: "redis-cluster:6"}, Sections: []report.Section{
		{Name: "heatmap", Title: "HEATMAP", Tables: []report.Table{{
			Name:    "heatmap",
			Columns: []report.Column{{Name: "parts", Unit: report.UnitText}, {Name: "keys", Unit: report.UnitCount, Sum: true}, {Name: "ops", Unit: report.UnitRate, Sum: true}},
			Rows:    [][]report.Value{{report.Text("0-63"), report.Number(5), report.Null}, {report.Text("64-127"), report.Number(9), report.Number(2000)}},
		}}},
		{Name: "memory", Title: "MEMORY BY TEMPLATE", Tables: []report.Table{
			{Name: "words", Columns: []report.Column{{Name: "a", Unit: report.UnitText}}, Rows: [][]report.Value{{report.Text("no numbers")}}},
			{
				Name:    "templates",
				Columns: []report.Column{{Name: "template", Unit: report.UnitKey}, {Name: "keys", Unit: report.UnitCount, Sum: true}, {Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true}},
				Rows:    [][]report.Value{{report.Text("a:{id}</svg><script>\x1b[31m"), report.Number(1), report.Number(1 << 20)}},
			},
		}},
	}}
}

// elements counts the elements of a picture, which must be XML.
func elements(t *testing.T, s string) map[string]int {
	t.Helper()
	d, n := xml.NewDecoder(strings.NewReader(s)), map[string]int{}
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			t.Fatalf("%v in:\n%s", err, s)
		}
		if e, ok := tok.(xml.StartElement); ok {
			n[e.Name.Local]++
		}
	}
}

func TestSVG(t *testing.T) {
	s := string(render(t, "svg", spreadReport(), Options{}))
	n := elements(t, s)
	if n["svg"] != 1 || n["script"] != 0 || strings.Contains(s, "\x1b") {
		t.Errorf("elements: %v", n)
	}
	for _, want := range []string{"<title>64-127: 9</title>", "<title>64-127: 2.00k/s</title>", "<title>0-63: -</title>", ">memory by template</text>", "1.00 MiB"} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in:\n%s", want, s)
		}
	}
	if strings.Contains(s, "no numbers") {
		t.Error("a table without numbers is drawn")
	}
	only := string(render(t, "svg", spreadReport(), Options{Section: "memory"}))
	if strings.Contains(only, "64-127") || !strings.Contains(only, "memory by template") {
		t.Error("--section draws another")
	}
	if err := SVG(io.Discard, spreadReport(), Options{Section: "none"}); !errors.Is(err, ErrNoSection) {
		t.Errorf("error %v", err)
	}
	empty := string(render(t, "svg", &report.Report{Kind: report.KindLint}, Options{}))
	if elements(t, empty)["svg"] != 1 || !strings.Contains(empty, "nothing in this report can be drawn") {
		t.Error(empty)
	}
}

// What two words call is cut as one name is, whichever of them is long.
func TestLongNamesOfPictures(t *testing.T) {
	long := strings.Repeat("é:", 500_000)
	for _, words := range [][]report.Value{{report.Text(long), report.Text("b")}, {report.Text("a"), report.Text(long)}, {report.Text(long), report.Text(long)}} {
		table := &report.Table{Columns: []report.Column{{Name: "type", Unit: report.UnitText}, {Name: "encoding", Unit: report.UnitText}}}
		if name := rowName(table, words, Options{}); columns(name) > longestName || !strings.Contains(name, "…") {
			t.Errorf("a name of %d columns: %.200s", columns(name), name)
		}
	}
}
