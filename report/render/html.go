package render

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/chart"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

// htmlMost is the size that a page is kept below, however large the keyspace is: mail and tickets take it.
const htmlMost = 1 << 20

// HTML writes the report as one page that needs no other file, no script and no network, for a browser and for paper. The report is
// in it as data, too, which ReadHTML reads back. Of a report that would make a page of more than htmlMost fewer rows are shown,
// and of one whose data alone would, fewer are kept.
func HTML(w io.Writer, r *report.Report, o Options) error {
	t, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return err
	}
	r = o.Keys.apply(r)
	data, kept, err := htmlData(r)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	for _, rows := range htmlRows(o) {
		page.Reset()
		p := newHTMLPage(r, o, rows)
		p.Data = data
		if kept > 0 {
			p.Warnings = append(p.Warnings, fmt.Sprintf("The report was too large for a page: of each table the first %s are in it, the others as their sums.",
				humanize.Counted(int64(kept), "row")))
		}
		if err := t.Execute(&page, p); err != nil {
			return err
		}
		if page.Len() < htmlMost {
			break
		}
	}
	_, err = w.Write(page.Bytes())
	return err
}

// htmlRows is how many rows of a table and findings are shown, and how many if that is too much.
func htmlRows(o Options) []int {
	return []int{cmp.Or(o.Top, 50), min(cmp.Or(o.Top, 20), 20), 5, 1}
}

// An htmlPage is what page.html shows. All its texts are clean.
type htmlPage struct {
	Title, Eyebrow, Subject, Generator, Policy, Footer string

	Style        template.CSS
	Meta         []string
	Verdict      []htmlCount
	Contents     []htmlLink
	Warnings     []string
	Checks       *htmlTable
	Hero         []template.HTML // what the report is looked at for
	HasFindings  bool
	Rules        []htmlRule
	MoreFindings string
	Accepted     *htmlRule
	Sections     []htmlSection
	Command      string
	Method       []named
	Known        *htmlTable
	Data         string

	r      *report.Report
	t      *text
	o      Options
	rows   int // of a table, and findings of a rule
	charts int
}

type (
	htmlCount struct{ Class, Big, Small string }
	htmlLink  struct{ ID, Title string }
	named     struct{ Name, Text string }
)

func newHTMLPage(r *report.Report, o Options, rows int) *htmlPage {
	p := &htmlPage{r: r, o: o, rows: rows, t: &text{r: r, o: o, page: newPage(io.Discard, Options{ASCII: o.ASCII})}}
	p.Style, p.Policy = pageStyle()
	p.Generator = strings.TrimSpace(p.clean(r.Tool.Name + " " + r.Tool.Version))
	p.Eyebrow = "kvtool " + p.clean(r.Kind)
	p.Subject = p.subject()
	p.Title = p.Eyebrow + ": " + p.Subject
	p.head()
	p.Checks = p.checks()
	p.findings()
	for i := range r.Sections {
		if s := p.section(&r.Sections[i]); len(s.Numbers)+len(s.Parts) > 0 {
			p.Sections = append(p.Sections, s)
		}
	}
	p.method()
	p.hero()
	p.contents()
	return p
}

// hero moves what a report is looked at for before all else: the areas of its keyspace, its response times, its heaviest keys.
func (p *htmlPage) hero() {
	kinds := []Figure{Changes, Spectrum, Staircase, Treemap, Ranks, Heatmap}
	if p.r.Kind == report.KindHotkeys {
		kinds = []Figure{Ranks}
	}
	for _, kind := range kinds {
		for i := range p.Sections {
			for j := range p.Sections[i].Parts {
				if part := &p.Sections[i].Parts[j]; part.kind == kind && len(part.Figures) > 0 {
					p.Hero, part.Figures = part.Figures[:1], part.Figures[1:]
					return
				}
			}
		}
	}
}

// pageStyle returns the style sheet of a page, and a policy by which a browser obeys that and nothing else.
func pageStyle() (template.CSS, string) {
	style := pageCSS + chart.Style() + "\n"
	hash := sha256.Sum256([]byte(style))
	policy := "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"
	return template.CSS(style), policy //nolint:gosec // a constant of ours
}

// clean is what every text passes: short enough to be read, and inert.
func (p *htmlPage) clean(s string) string {
	return cutMiddle(clean(s, p.o.ASCII), longestInPage, clean("…", p.o.ASCII))
}

// longestInPage is where a text is cut, and longestName where a name is.
const longestInPage = 2000

func (p *htmlPage) name(s string) string {
	return cutMiddle(clean(s, p.o.ASCII), longestName, clean("…", p.o.ASCII))
}

// subject is what the report is of: a target, or else the files that were read.
func (p *htmlPage) subject() string {
	if d := p.r.Design; d != nil && (p.r.Target.URL == "" || p.r.Kind == report.KindLint) {
		return p.name(strings.Join(d.Files, " "))
	}
	return cmp.Or(p.name(p.r.Target.URL), p.clean(p.r.Kind))
}

func (p *htmlPage) head() {
	r := p.r
	p.Meta = notEmpty(p.clean(strings.TrimSpace(r.Target.Product + " " + r.Target.Version)))
	if r.Kind != report.KindHotkeys || r.Coverage.Keys > 0 { // accesses are no keys
		for _, item := range p.t.briefScope() {
			p.Meta = append(p.Meta, p.clean(item))
		}
	}
	if !r.Taken.IsZero() {
		p.Meta = append(p.Meta, r.Taken.UTC().Format("2 January 2006, 15:04 UTC"))
	}
	if g := r.Gate; g != nil {
		word, class := verdictWord(g.Verdict)
		p.Verdict = append(p.Verdict, htmlCount{"gate " + class, word, cmp.Or(p.clean(gateWhy(g)), "nothing fails the gate: "+failOn(g))})
		for _, w := range g.Warnings {
			p.Warnings = append(p.Warnings, "Warning: "+p.clean(w))
		}
	}
	if p.judgesRules() {
		for i, n := range tally(r) {
			s := report.Severities[i]
			c := htmlCount{string(s), humanize.Exact(int64(n)), severityNoun(s, n)}
			if n == 0 {
				c.Class = "none"
			}
			p.Verdict = append(p.Verdict, c)
		}
	}
	for _, w := range r.Coverage.Why {
		if r.Gate == nil || !slices.Contains(r.Gate.Why, w) { // said already
			p.Warnings = append(p.Warnings, p.clean(w))
		}
	}
	for _, n := range r.Target.Notes {
		p.Warnings = append(p.Warnings, p.clean(n))
	}
}

// judgesRules reports whether rules were held against what the report is of.
func (p *htmlPage) judgesRules() bool {
	return p.t.scanned() || p.t.judged() || len(p.r.Findings) > 0
}

// severityNoun is what n findings of a severity are called: "error", "errors"; info has no plural.
func severityNoun(s report.Severity, n int) string {
	if s == report.Info {
		return "info"
	}
	return humanize.Noun(int64(n), string(s))
}

func verdictWord(v report.Verdict) (word, class string) {
	switch v {
	case report.Fail:
		return "Failed", "error"
	case report.Inconclusive:
		return "Inconclusive", "warning"
	}
	return "Passed", "pass"
}

// method says how the report was made, and how far it can be believed.
func (p *htmlPage) method() {
	r := p.r
	p.Command = p.clean(p.o.Command)
	add := func(name, text string) {
		if text != "" {
			p.Method = append(p.Method, named{name, text})
		}
	}
	add("target", p.name(r.Target.URL))
	if d := r.Design; d != nil {
		add("schema", p.name(strings.Join(d.Files, " "))+", "+humanize.Counted(int64(d.Templates), "template"))
	}
	add("memory", p.clean(strings.Join(p.t.memory(), ", ")))
	if !r.Taken.IsZero() {
		add("taken", r.Taken.UTC().Format("2006-01-02T15:04:05Z07:00"))
	}
	add("made by", p.Generator)
	add("names of keys", keysWord(p.o.Keys))
	for _, group := range bySkipReason(r.Skipped) {
		add("not looked at", p.clean(group))
	}
	p.Known = p.known()
	p.Footer = p.Generator + ". This page asks nothing of any server; its numbers are in it as data: kvtool report convert FILE.html -o json"
}

func keysWord(m KeyMode) string {
	switch m {
	case KeysTemplate:
		return "left out (--keys template)"
	case KeysMasked:
		return "masked (--keys masked)"
	case KeysHash:
		return "hashed (--keys hash)"
	}
	return "in full (--keys full)"
}

// known is what could be found out about the target, and how.
func (p *htmlPage) known() *htmlTable {
	if len(p.r.Target.Facts) == 0 {
		return nil
	}
	t := &htmlTable{Caption: "What is known of the keys, and how", Heads: []htmlCell{{Text: "fact"}, {Text: "known"}, {Text: "why"}, {Text: "hint"}}}
	for _, f := range p.r.Target.Facts {
		badge := ""
		if f.How == "missing" {
			badge = "warning"
		}
		t.Rows = append(t.Rows, htmlRow{Cells: []htmlCell{
			{Text: p.clean(f.Name), Head: true}, {Text: p.clean(f.How), Badge: badge}, {Text: p.clean(f.Why)}, {Text: p.clean(f.Hint)},
		}})
	}
	return t
}

// contents lists what the page has, by its headings.
func (p *htmlPage) contents() {
	if p.Hero != nil {
		p.Contents = append(p.Contents, htmlLink{"overview", "Overview"})
	}
	if p.Checks != nil {
		p.Contents = append(p.Contents, htmlLink{"checks", p.Checks.Title})
	}
	if p.HasFindings {
		p.Contents = append(p.Contents, htmlLink{"findings", "Findings"})
	}
	for i := range p.Sections {
		p.Contents = append(p.Contents, htmlLink{p.Sections[i].ID, p.Sections[i].Title})
	}
	p.Contents = append(p.Contents, htmlLink{"method", "How it was made"})
}

// acronyms keep their letters in a heading.
func acronyms() []string {
	return []string{"TTL", "TTLS", "CPU", "DB", "LFU", "LRU", "AOF", "RDB", "MEMORY USAGE"}
}

// heading writes a title that shouts, as text reports have them, like a sentence.
func heading(title string) string {
	if title == "" || strings.ToUpper(title) != title {
		return upperFirst(title)
	}
	words := strings.Fields(title)
	for i, w := range words {
		if !slices.Contains(acronyms(), strings.Trim(w, ",.:()")) {
			words[i] = strings.ToLower(w)
		}
	}
	return upperFirst(strings.Join(words, " "))
}

// upperFirst is of titles, which are ours and begin with a byte of ASCII where they begin with a letter.
func upperFirst(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}
