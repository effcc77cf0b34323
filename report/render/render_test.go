package render

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"

	"github.com/kvtool/kvtool/report"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got; go test -update rewrites it):\n%s", name, d)
	}
}

func format(t *testing.T, name string) Format {
	t.Helper()
	fs := Formats()
	i := slices.IndexFunc(fs, func(f Format) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("no format %q", name)
	}
	return fs[i]
}

// render writes r as the format would be written if the user says nothing but o.
func render(t *testing.T, name string, r *report.Report, o Options) []byte {
	t.Helper()
	f := format(t, name)
	if o.Keys == "" {
		o.Keys = f.Keys
	}
	var b bytes.Buffer
	if err := f.Write(&b, r, o); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return b.Bytes()
}

// judged is r with a gate.
func judged(r *report.Report, failOn report.Severity) *report.Report {
	r, _ = report.Judge(r, nil, report.Policy{FailOn: failOn})
	return r
}

func TestGolden(t *testing.T) {
	r := sample()
	// The key of a megabyte is for the other tests: it would be in the goldens in full.
	top := &r.Sections[4].Tables[0]
	top.Rows = top.Rows[:len(top.Rows)-1]
	for _, width := range []int{60, 80, 100, 120, 180} {
		golden(t, fmt.Sprintf("text-%d.txt", width), render(t, "text", r, Options{Width: width, Top: 13}))
	}
	golden(t, "text-ascii.txt", render(t, "text", r, Options{ASCII: true, Top: 13}))
	golden(t, "text-color.txt", render(t, "text", r, Options{Color: true, Top: 3}))
	golden(t, "text-masked.txt", render(t, "text", r, Options{Keys: KeysMasked, Top: 13}))
	for _, f := range Formats() {
		if f.Name != "text" {
			golden(t, f.Name+".txt", render(t, f.Name, r, Options{}))
		}
	}
	golden(t, "csv-top.txt", render(t, "csv", r, Options{Section: "top"}))
	r = judged(r, report.Error)
	golden(t, "text-gate.txt", render(t, "text", r, Options{Top: 2, Exit: 1}))
	golden(t, "text-quiet.txt", render(t, "text", r, Options{Quiet: true, Exit: 1}))
}

// Reports that are empty, cut short or odd in another way.
func TestOddReports(t *testing.T) {
	of := int64(100)
	empty := &report.Report{Kind: report.KindAudit, Target: report.Target{URL: "redis://h"}, Coverage: report.Coverage{Complete: true, Of: new(int64)}}
	cut := &report.Report{Kind: report.KindAudit, Target: report.Target{URL: "rdb:x"}, Coverage: report.Coverage{
		Keys: 61, Of: &of, Why: []string{"rdb:x: unexpected end at offset 812,331,008"},
	}}
	cut = judged(cut, report.Warning)
	numbers := &report.Report{Kind: report.KindAudit, Sections: []report.Section{{
		Name: "hours", Title: "Hours",
		Tables: []report.Table{
			{
				Name: "hours", Columns: []report.Column{{Name: "hour", Unit: report.UnitTime}, {Name: "keys", Unit: report.UnitCount}},
				Rows: [][]report.Value{{report.Number(1.7e9), report.Number(7)}, {report.Null, report.Null}},
			},
			{Name: "none", Title: "Nothing here", Columns: []report.Column{{Name: "key", Unit: report.UnitKey}}},
		},
	}}}
	for name, r := range map[string]*report.Report{"empty": empty, "cut": cut, "numbers": numbers} {
		for _, f := range Formats() {
			if f.Name == "text" || f.Name == "md" && name == "numbers" || f.Name == "brief" && name == "cut" {
				golden(t, name+"-"+f.Name+".txt", render(t, f.Name, r, Options{Exit: 4}))
				continue
			}
			render(t, f.Name, r, Options{}) // must not fail
		}
	}
}

func TestWidths(t *testing.T) {
	r := sample()
	for width := 60; width <= 200; width++ {
		for _, o := range []Options{{Width: width}, {Width: width, ASCII: true}, {Width: width, Keys: KeysTemplate}, {Width: width, Top: 1}} {
			for l := range strings.Lines(string(render(t, "text", r, o))) {
				if w := uniseg.StringWidth(strings.TrimSuffix(l, "\n")); w > width {
					t.Errorf("%d columns of %d: %q", w, width, l)
				}
			}
		}
	}
}

// What a key names must not get into a ticket or a chat unless the user says so.
func TestKeysByDefault(t *testing.T) {
	for _, name := range []string{"brief", "md", "prom", "sarif", "junit", "gitlab", "github"} {
		if out := render(t, name, sample(), Options{Top: 50}); bytes.Contains(out, []byte("alice")) || bytes.Contains(out, []byte("feed:front")) {
			t.Errorf("%s names a key:\n%s", name, out)
		}
	}
	for _, name := range []string{"text", "json", "jsonl", "csv", "md"} {
		for _, keys := range []KeyMode{KeysTemplate, KeysMasked, KeysHash} {
			if out := render(t, name, sample(), Options{Keys: keys, Top: 50, Section: "top"}); bytes.Contains(out, []byte("alice")) {
				t.Errorf("%s with --keys %s names a key:\n%s", name, keys, out)
			}
		}
	}
	r := sample()
	render(t, "md", r, Options{})
	if d := cmp.Diff(r, sample(), cmp.AllowUnexported(report.Value{})); d != "" {
		t.Errorf("hiding keys changed the report: %s", d)
	}
}

func TestBriefIsBrief(t *testing.T) {
	r := sample()
	for range 5 {
		r.Findings = append(r.Findings, r.Findings...)
	}
	r.Coverage.Complete = false
	r.Coverage.Why = []string{"one", "two", "three", "four", "five"}
	r = judged(r, report.Error)
	if n := bytes.Count(render(t, "brief", r, Options{}), []byte("\n")); n > briefLines {
		t.Errorf("%d lines", n)
	}
}

func TestMarkdownIsCapped(t *testing.T) {
	r := sample()
	for i := range 25_000 {
		r.Findings = append(r.Findings, report.Finding{Rule: "KD001", Severity: report.Info, Subject: fmt.Sprintf("t%d:{id}", i), Message: "no namespace"})
	}
	out := render(t, "md", r, Options{})
	if len(out) > markdownMost || len(out) < markdownMost/2 {
		t.Errorf("%d bytes", len(out))
	}
	if open, closed := bytes.Count(out, []byte("<details>")), bytes.Count(out, []byte("</details>")); open != closed {
		t.Errorf("%d blocks opened, %d closed", open, closed)
	}
	if !bytes.Contains(out, []byte("left out")) {
		t.Error("does not say that something is left out")
	}
}

func TestPrometheusIsBounded(t *testing.T) {
	r := sample()
	tab := &r.Sections[0].Tables[0]
	for i := range 1000 {
		row := slices.Clone(tab.Rows[1])
		row[0] = report.Text(fmt.Sprintf("t%d:{id}", i))
		tab.Rows = append(tab.Rows, row)
	}
	out := string(render(t, "prom", r, Options{}))
	if n := strings.Count(out, "kvtool_keys{"); n != promTemplates+1 {
		t.Errorf("%d series", n)
	}
	if !strings.Contains(out, `kvtool_keys{target="redis://kv-1.prod:6379",template="other"} `) {
		t.Error("the rest is not summed")
	}
	checkExposition(t, out)
	checkExposition(t, string(render(t, "prom", sample(), Options{})))
}

// JSON must lose nothing: what is read back is the report.
func TestJSONRoundTrip(t *testing.T) {
	var back report.Report
	if err := json.Unmarshal(render(t, "json", sample(), Options{}), &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(render(t, "json", sample(), Options{}), render(t, "json", &back, Options{})); d != "" {
		t.Error(d)
	}
	if got, _ := back.Sections[4].Tables[0].Rows[4][0].Text(); got != hostile[2] {
		t.Errorf("bytes that are not UTF-8 came back as %q", got)
	}
	for l := range bytes.Lines(render(t, "jsonl", sample(), Options{})) {
		if !json.Valid(l) {
			t.Errorf("not JSON: %s", l)
		}
	}
}

func TestCSVSections(t *testing.T) {
	if err := CSV(&bytes.Buffer{}, sample(), Options{Section: "nope"}); err == nil || !strings.Contains(err.Error(), "templates") {
		t.Errorf("an unknown section: %v", err)
	}
	got := string(render(t, "csv", sample(), Options{Section: "sizes"}))
	if !strings.HasPrefix(got, "name,value,unit\np50,612,bytes\n") {
		t.Errorf("metrics: %q", got)
	}
	for _, section := range []string{"templates.templates", "findings", "top.keys"} {
		render(t, "csv", sample(), Options{Section: section})
	}
}

func TestCutMiddle(t *testing.T) {
	for _, c := range []struct {
		in    string
		width int
		want  string
	}{
		{"session:9f31c2", 20, "session:9f31c2"},
		{"session:9f31c2", 9, "sess…31c2"},
		{"購物車購物車", 7, "購…物車"},
		{"購物車", 1, ""},
		{"abc", 2, "ab"},
		{"", 0, ""},
	} {
		if got := cutMiddle(c.in, c.width, "…"); got != c.want || uniseg.StringWidth(got) > c.width {
			t.Errorf("cutMiddle(%q, %d) = %q, want %q", c.in, c.width, got, c.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, h := range hostile {
		f.Add(h[:min(len(h), 100)], 20)
	}
	f.Fuzz(func(t *testing.T, s string, width int) {
		c := clean(s, false)
		for _, r := range c {
			if !visible(r, 2) {
				t.Errorf("clean(%q) holds %U", s, r)
			}
		}
		width = min(max(width, 0), 300)
		if got := cutMiddle(c, width, "…"); uniseg.StringWidth(got) > width {
			t.Errorf("cutMiddle(%q, %d) = %q", c, width, got)
		}
	})
}

// The whole report must be made fast enough to be looked at while a scan runs: a key of a megabyte is not copied to be cut.
func TestLongKeysAreCheap(t *testing.T) {
	r, key := sample(), strings.Repeat("sehr-lange-schlüssel:", 50_000) // what is no ASCII is copied as it is cleaned
	r.Sections[4].Tables[0].Rows[0][0] = report.Text(key)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	render(t, "text", r, Options{Top: 50})
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n >= uint64(len(key)) {
		t.Errorf("%d bytes are allocated", n)
	}
}
