package render

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kvtool/kvtool/report"
)

// besieged is a report with a hostile name wherever a name or a text can come from outside. The longest is the name of a key, a
// subject and a path; elsewhere it would only take time.
func besieged() *report.Report {
	r := sample()
	long := hostile[len(hostile)-1]
	r.Findings = append(r.Findings, report.Finding{
		Rule: "KD061", Severity: report.Error, Subject: long, Message: "long", Pos: report.Pos{File: long, Line: 1}, Samples: []report.Value{report.Text(long)},
	})
	hostile := append(slices.Clone(hostile[:len(hostile)-1]), long[:10_000])
	r.Kind = report.KindCheck
	r.Design = &report.Design{Files: slices.Clone(hostile)}
	r.Target.URL, r.Target.Notes = hostile[4], hostile
	r.Coverage.Why = hostile
	r.Gate = &report.Gate{FailOn: report.Error, Verdict: report.Fail, Why: slices.Clone(hostile), Warnings: hostile}
	for i, h := range hostile {
		status := report.Statuses[i%len(report.Statuses)]
		r.Findings = append(r.Findings, report.Finding{
			Rule: "KD061", Severity: report.Severities[i%3], Scope: h, Subject: h, Message: h, Fix: h, Note: h, Status: status,
			Pos: report.Pos{File: h, Line: i}, Samples: []report.Value{report.Text(h)},
		})
		r.Gate.Checks = append(r.Gate.Checks, report.Check{
			Name: h, Why: h, Unit: report.UnitBytes, Head: report.Number(2), Limit: report.Number(1), Verdict: report.Fail, Level: report.Error,
		})
		r.Skipped = append(r.Skipped, report.Skip{Name: h, Why: h})
	}
	return r
}

// No format may hold a byte that drives what shows it. Every format is tried: a new one need not be named here.
func TestHostileBytes(t *testing.T) {
	attacked := besieged()
	for _, f := range Formats() {
		for _, keys := range KeyModes() {
			for _, r := range []*report.Report{sample(), attacked} {
				for _, o := range []Options{{}, {ASCII: true}, {Section: "findings"}} {
					if o.Section != "" && f.Name != "text" && f.Name != "csv" || o.ASCII && !slices.Contains([]string{"text", "brief", "md"}, f.Name) {
						continue
					}
					o.Keys, o.Width, o.Top, o.All = KeyMode(keys), 200, 50, true
					out := render(t, f.Name, r, o)
					checkBytes(t, f.Name, out, o.ASCII)
					checkCommands(t, f.Name, out)
				}
			}
		}
	}
}

func checkBytes(t *testing.T, name string, out []byte, ascii bool) {
	t.Helper()
	if !utf8.Valid(out) {
		t.Errorf("%s: not UTF-8", name)
	}
	for _, c := range string(out) {
		if c != '\n' && !visible(c, 2) || ascii && c > '~' {
			t.Errorf("%s: holds %U", name, c)
			return
		}
	}
}

// checkCommands reads out as the runner of a workflow does: only the format that is for it may command it.
func checkCommands(t *testing.T, name string, out []byte) {
	t.Helper()
	if bytes.Contains(out, []byte("##[")) {
		t.Errorf("%s: holds ##[", name)
	}
	for l := range strings.Lines(string(out)) {
		if name != "github" && strings.HasPrefix(strings.TrimSpace(l), "::") {
			t.Errorf("%s commands the runner: %.80q", name, l)
		}
	}
}

// What a browser obeys may not come from a name.
func TestHostileMarkup(t *testing.T) {
	for _, name := range []string{"md", "json", "jsonl", "sarif", "junit", "gitlab"} {
		out := render(t, name, besieged(), Options{Top: 50})
		for _, tag := range []string{"<img", "</script"} {
			if bytes.Contains(out, []byte(tag)) {
				t.Errorf("%s holds %s", name, tag)
			}
		}
	}
	md := string(render(t, "md", besieged(), Options{Top: 50}))
	for l := range strings.Lines(md) {
		if strings.Contains(l, "-->") && !strings.HasPrefix(l, "<!-- kvtool:") {
			t.Errorf("md ends a comment: %.80q", l)
		}
	}
	if bytes.Contains(render(t, "sarif", besieged(), Options{}), []byte(`"text": "@everyone [x](javascript`)) {
		t.Error("sarif holds a link that a name made")
	}
}

// A spreadsheet takes a cell that begins like a formula for one.
func TestHostileCells(t *testing.T) {
	for _, section := range []string{"findings", "top", "templates"} {
		rows, err := csv.NewReader(bytes.NewReader(render(t, "csv", besieged(), Options{Section: section}))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			for _, cell := range row {
				if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
					t.Errorf("csv holds the cell %.40q", cell)
				}
			}
		}
	}
}

// XML knows characters that no escape makes legal, and readers that keep whole messages in memory.
func TestHostileXML(t *testing.T) {
	d := xml.NewDecoder(bytes.NewReader(render(t, "junit", besieged(), Options{})))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.CharData:
			if len(token) > junitMessage {
				t.Errorf("a text of %d bytes", len(token))
			}
		case xml.StartElement:
			for _, a := range token.Attr {
				if len(a.Value) > junitMessage {
					t.Errorf("%s %s has %d bytes", token.Name.Local, a.Name.Local, len(a.Value))
				}
			}
		}
	}
}

// A key of a megabyte, and many of them, must not make a document of gigabytes.
func TestHostileSizes(t *testing.T) {
	r := besieged()
	long := report.Text(strings.Repeat("very-long-key:", 80_000))
	keys := &r.Sections[4].Tables[0]
	keys.Rows = append(keys.Rows, []report.Value{long, report.Text("t:{id}"), report.Text("zset"), report.Number(1)})
	subject, _ := long.Text()
	r.Findings = append(r.Findings, report.Finding{
		Rule: "KD061", Severity: report.Error, Subject: subject, Message: "long", Pos: report.Pos{File: subject, Line: 1}, Samples: []report.Value{long},
	})
	for _, f := range Formats() {
		out := render(t, f.Name, r, Options{Top: 50, Keys: f.Keys})
		most := 512 << 10
		if slices.Contains([]string{"json", "jsonl", "csv"}, f.Name) { // which lose no byte
			most = 40 << 20
		}
		if len(out) > most {
			t.Errorf("%s: %d bytes", f.Name, len(out))
		}
	}
}
