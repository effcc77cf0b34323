package render

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// asJSON is a report as a document, by which two are compared.
func asJSON(t interface{ Fatal(...any) }, r *report.Report) string {
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What is written is read back: the same report, whatever is in it.
func TestHTMLRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyReport(t)
		var page bytes.Buffer
		if err := HTML(&page, r, Options{Keys: KeysFull}); err != nil {
			t.Fatal(err)
		}
		if !IsHTML(page.Bytes()) {
			t.Fatal("it is not told to be a page")
		}
		got, err := ReadHTML(page.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(asJSON(t, r), asJSON(t, got)); d != "" {
			t.Fatalf("-written +read:\n%s", d)
		}
	})
}

// anyReport draws a report of the shapes that analyses make, with any texts and numbers in it.
func anyReport(t *rapid.T) *report.Report {
	r := sample()
	top := &r.Sections[4].Tables[0]
	top.Rows = top.Rows[:len(top.Rows)-1] // the name of a megabyte is for other tests
	r.Kind = rapid.SampledFrom([]string{report.KindAudit, report.KindLoad, report.KindSkew, report.KindTTL, report.KindCheck, "new"}).Draw(t, "kind")
	text := func(name string) string {
		return rapid.OneOf(rapid.String(), rapid.SampledFrom(hostile[:len(hostile)-1]), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, name)
	}
	// The document is UTF-8: of texts that are no values a byte that is not becomes U+FFFD, in every format.
	sane := func(name string) string { return strings.ToValidUTF8(text(name), "?") }
	r.Target.URL = sane("url")
	r.Findings[0].Message, r.Findings[0].Subject = sane("message"), text("subject")
	names := []string{"templates", "heatmap", "ttl_histogram", "forecast", "seconds", "spectrum", "keys", "steps", "other"}
	units := []report.Unit{report.UnitKey, report.UnitText, report.UnitCount, report.UnitBytes, report.UnitRatio, report.UnitDuration, report.UnitRate, report.UnitTime}
	for i := range rapid.IntRange(0, 3).Draw(t, "tables") {
		tab := report.Table{Name: rapid.SampledFrom(names).Draw(t, "table"), Title: sane("title"), Rows: [][]report.Value{}}
		for c := range rapid.IntRange(1, 6).Draw(t, "columns") {
			tab.Columns = append(tab.Columns, report.Column{Name: fmt.Sprintf("c%d", c), Unit: rapid.SampledFrom(units).Draw(t, "unit"), Sum: rapid.Bool().Draw(t, "sum")})
		}
		for range rapid.IntRange(0, 12).Draw(t, "rows") {
			row := make([]report.Value, len(tab.Columns))
			for c := range row {
				switch rapid.IntRange(0, 3).Draw(t, "value") {
				case 0:
					row[c] = report.Text(text("text"))
				case 1, 2:
					row[c] = report.Number(rapid.Float64().Draw(t, "number"))
				}
			}
			tab.Rows = append(tab.Rows, row)
		}
		s := &r.Sections[i]
		s.Tables = append(s.Tables[:len(s.Tables):len(s.Tables)], tab)
	}
	return r
}

// A page of the largest keyspace is small, and still tells of all of it: what is not shown is counted and summed up.
func TestHTMLSize(t *testing.T) {
	r := sample()
	wide := templates()
	row := wide.Rows[0]
	wide.Rows = nil
	for i := range 20_000 {
		next := append([]report.Value(nil), row...)
		next[0] = report.Text(fmt.Sprintf("service-%x:{uid}:%s:{id}", i*7919%20_011, strings.Repeat("segment:", i%20)))
		next[2], next[3] = report.Number(100_000_000/(i+1)), report.Number(40_000_000_000/(i+1))
		wide.Rows = append(wide.Rows, next)
	}
	omitted := wide.Omitted
	r.Sections[0].Tables = []report.Table{wide}
	heat := report.Table{Name: "heatmap", Columns: []report.Column{
		{Name: "slots", Unit: report.UnitText},
		{Name: "keys", Unit: report.UnitCount, Sum: true},
		{Name: "bytes", Unit: report.UnitBytes, Sum: true},
	}}
	for i := range 256 {
		heat.Rows = append(heat.Rows, []report.Value{report.Text(fmt.Sprintf("%d-%d", 64*i, 64*i+63)), report.Number(400_000 + i), report.Number(1<<30 + i)})
	}
	r.Sections = append(r.Sections, report.Section{Name: "slots", Title: "Slots", Tables: []report.Table{heat}})
	for s := range 12 { // sections with lists as long as any analysis makes them
		tab := topKeys()
		for i := range 2000 {
			next := append([]report.Value(nil), tab.Rows[0]...)
			next[0] = report.Text(fmt.Sprintf("user:%d:%x", i*104_729%1_000_003, i*7919))
			tab.Rows = append(tab.Rows, next)
		}
		r.Sections = append(r.Sections, report.Section{Name: fmt.Sprintf("list%d", s), Title: "A list", Tables: []report.Table{tab}})
	}
	for i := range 10_000 {
		r.Findings = append(r.Findings, report.Finding{
			Rule: fmt.Sprintf("KD%03d", i%90), Severity: report.Severities[i%3], Subject: fmt.Sprintf("service-%d:{id}", i), Message: "no TTL on 4.6M keys, the schema says 24h",
			Evidence: []report.Metric{{Name: "keys", Value: report.Number(i), Unit: report.UnitCount}},
		})
	}
	report.SortFindings(r.Findings)
	page := render(t, "html", r, Options{})
	if len(page) >= htmlMost {
		t.Errorf("%d bytes", len(page))
	}
	got, err := ReadHTML(page)
	if err != nil {
		t.Fatal(err)
	}
	tab := &got.Sections[0].Tables[0]
	if n := int64(len(tab.Rows)) + tab.Omitted; n != 20_000+omitted || len(tab.Rows) == 0 {
		t.Errorf("%d rows are in the page or counted", n)
	}
	if !bytes.Contains(page, []byte(" of "+humanize.Exact(20_000+omitted)+"</caption>")) {
		t.Error("what is left out is not counted")
	}
	t.Logf("%d bytes, of which %d rows of data", len(page), len(tab.Rows))
}

// Nothing in a page can be obeyed but what we wrote: hostile texts are words in it. It is well-formed and asks for nothing.
func TestHTMLIsInert(t *testing.T) {
	for _, r := range []*report.Report{sample(), besieged()} {
		for _, keys := range []KeyMode{KeysFull, KeysTemplate} {
			page := render(t, "html", r, Options{Keys: keys, All: true})
			tags := map[string]int{}
			d := xml.NewDecoder(bytes.NewReader(page))
			d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
			for {
				tok, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				e, ok := tok.(xml.StartElement)
				if !ok {
					continue
				}
				tags[e.Name.Local]++
				for _, a := range e.Attr {
					if n := strings.ToLower(a.Name.Local); strings.HasPrefix(n, "on") || n == "style" || n == "src" || n == "href" && !strings.HasPrefix(a.Value, "#") {
						t.Errorf("<%s %s=%.60q>", e.Name.Local, a.Name.Local, a.Value)
					}
				}
			}
			if tags["script"] != 1 || tags["img"]+tags["iframe"]+tags["link"]+tags["object"] > 0 {
				t.Errorf("elements: %v", tags)
			}
			if len(page) > 400_000 {
				t.Errorf("a name of a megabyte makes a page of %d bytes", len(page))
			}
		}
	}
}

// What is read back is hostile.
func TestReadHTMLRefuses(t *testing.T) {
	page := string(render(t, "html", sample(), Options{}))
	start := strings.Index(page, dataStart) + len(dataStart)
	pack := func(doc string) string {
		data, err := packed([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		return page[:start] + data + dataEnd
	}
	var bomb bytes.Buffer
	z, err := flate.NewWriter(&bomb, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(z, zeros{}, dataUnpacks+2); err != nil {
		t.Fatal(err)
	}
	z.Close()
	for name, bad := range map[string]string{
		"no data":       "<!DOCTYPE html><p>hello</p>",
		"cut":           page[:start+40],
		"not base64":    page[:start] + "{}" + dataEnd,
		"not packed":    page[:start] + "AAAA" + dataEnd,
		"not JSON":      pack("hello"),
		"another":       pack(`{"schema":"kvtool.report/v9"}`),
		"a bomb":        page[:start] + base64.RawURLEncoding.EncodeToString(bomb.Bytes()) + dataEnd,
		"wrong columns": pack(`{"schema":"kvtool.report/v1","sections":[{"tables":[{"columns":[],"rows":[[1]]}]}]}`),
	} {
		if r, err := ReadHTML([]byte(bad)); err == nil {
			t.Errorf("%s: read as %+v", name, r)
		}
	}
	if IsHTML([]byte("{}")) || IsHTML(nil) || !IsHTML([]byte("\n<!doctype HTML>")) {
		t.Error("pages are not told from JSON")
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func FuzzReadHTML(f *testing.F) {
	var page bytes.Buffer
	if err := HTML(&page, sample(), Options{Keys: KeysTemplate}); err != nil {
		f.Fatal(err)
	}
	f.Add(page.Bytes()[bytes.Index(page.Bytes(), []byte(dataStart)):])
	f.Add([]byte(dataStart + dataEnd))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ReadHTML(b)
		if err != nil {
			return
		}
		if err := HTML(io.Discard, r, Options{}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestHeading(t *testing.T) {
	for title, want := range map[string]string{
		"": "", "Biggest keys": "Biggest keys", "KEYS BY TEMPLATE": "Keys by template", "TTL LEFT": "TTL left", "TTL, KEYS": "TTL, keys", "expires within": "Expires within",
		"USED MEMORY BY PART": "Used memory by part",
	} {
		if got := heading(title); got != want {
			t.Errorf("%q becomes %q, want %q", title, got, want)
		}
	}
}
