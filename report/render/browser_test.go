package render

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/kvtool/kvtool/internal/browsertest"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/report"
)

// A real browser opens pages: it has nothing to complain of, asks for nothing, and a page is as accessible as axe-core can tell, in
// light, in dark on a phone, and on paper.
func TestPagesInABrowser(t *testing.T) {
	t.Parallel() // it waits for the browser
	b := browsertest.Start(t)
	axe, err := os.ReadFile(filepath.Join(servertest.Dir(), "axe-core", "node_modules", "axe-core", "axe.min.js"))
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatal("axe-core is missing: scripts/servers fetches it")
	default:
		servertest.Binary(t, "axe-core") // skips by name, with the reason
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		r    *report.Report
		o    browsertest.Options
	}{
		{"audit", judged(sample(), report.Error), browsertest.Options{Width: 1280, Height: 900}},
		{"audit", judged(sample(), report.Error), browsertest.Options{Width: 800, Height: 1100, Print: true}},
		{"load", loadReport(), browsertest.Options{Width: 1280, Height: 900, Dark: true}},
		{"hostile", besieged(), browsertest.Options{Width: 390, Height: 844, Dark: true}},
		{"compare", compared(), browsertest.Options{Width: 390, Height: 844}},
		{"load", loadReport(), browsertest.Options{Width: 800, Height: 1100, Print: true}},
	} {
		if testing.Short() && (c.o.Print || c.name == "compare") {
			continue // a page takes seconds where other tests run
		}
		path := filepath.Join(t.TempDir(), c.name+".html")
		if err := os.WriteFile(path, render(t, "html", c.r, Options{Keys: KeysFull, Rules: sampleRules()}), 0o600); err != nil {
			t.Fatal(err)
		}
		p := b.Open(t, "file://"+path, c.o)
		checkPage(t, fmt.Sprintf("%s %+v", c.name, c.o), p, string(axe))
		if dir := os.Getenv("KVTOOL_SCREENSHOTS"); dir != "" { // to be looked at
			file := filepath.Join(dir, fmt.Sprintf("%s-%d.png", c.name, c.o.Width))
			if err := os.WriteFile(file, p.Picture(t, true), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// checkPage holds a page against what every page keeps.
func checkPage(t *testing.T, name string, p *browsertest.Page, axe string) {
	t.Helper()
	var found []struct {
		ID    string `json:"id"`
		Help  string `json:"help"`
		Nodes []struct {
			HTML    string `json:"html"`
			Summary string `json:"failureSummary"`
		} `json:"nodes"`
	}
	p.Eval(t, axe+";axe.run(document,{resultTypes:['violations']}).then(r=>r.violations)", &found)
	for _, v := range found {
		for i, n := range v.Nodes {
			if i < 3 {
				t.Errorf("%s: axe %s: %s\n%.300s\n%s", name, v.ID, v.Help, n.HTML, n.Summary)
			}
		}
	}
	var wide struct{ Page, Window int }
	p.Eval(t, "({Page: document.documentElement.scrollWidth, Window: document.documentElement.clientWidth})", &wide)
	if wide.Page > wide.Window {
		t.Errorf("%s: the page is %d pixels wide in a window of %d", name, wide.Page, wide.Window)
	}
	if c := p.Console(); len(c) > 0 {
		t.Errorf("%s: the browser says %.600s", name, c)
	}
	if r := p.Requests(); len(r) > 0 {
		t.Errorf("%s: it asks for %.600s", name, r)
	}
}

// sampleRules are two rules of the sample's findings, with all that their text can have.
func sampleRules() []*report.Rule {
	return []*report.Rule{
		{ID: "KD061", Title: "Keys without a TTL", Doc: "These keys never expire: `SET` without `EX`.\n\n- The store fills up.\n- Nothing is ever evicted\n  where eviction needs a TTL.\n\n```\nSET k v EX 86400\n```", Fix: "set a TTL"},
		{ID: "KD041", Title: "Big keys", Doc: "One key is large.", Fix: "split it"},
	}
}
