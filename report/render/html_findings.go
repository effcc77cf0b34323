package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// An htmlRule is a rule with what was found by it, so that why it matters is said once.
type htmlRule struct {
	ID, Title, Class, Anchor string
	Doc                      []htmlBlock
	Fix                      string
	Caption                  string
	HasStatus                bool
	Findings                 []htmlFinding
}

type htmlFinding struct {
	Badge                                        string // its severity, where that is not its rule's
	Subject, Message, Fix, Note, Measure, Status string
	Evidence                                     []named
}

// mostRules is how many rules are shown with what was found by them.
const mostRules = 60

// findings groups what was found by rules, the worst first, and keeps what was accepted or known before apart.
func (p *htmlPage) findings() {
	p.HasFindings = p.judgesRules()
	var order []string
	byRule := map[string][]*report.Finding{}
	var known []*report.Finding
	for i := range p.r.Findings {
		f := &p.r.Findings[i]
		if !open(f) {
			known = append(known, f)
			continue
		}
		if byRule[f.Rule] == nil {
			order = append(order, f.Rule)
		}
		byRule[f.Rule] = append(byRule[f.Rule], f)
	}
	most := min(mostRules, max(p.rows, 5))
	for _, id := range order[:min(len(order), most)] {
		p.Rules = append(p.Rules, p.rule(id, byRule[id]))
	}
	if n := len(order) - most; n > 0 {
		p.MoreFindings = fmt.Sprintf("What was found by %s more is in the data of this page: kvtool report convert FILE.html -o json", humanize.Counted(int64(n), "rule"))
	}
	if len(known) > 0 {
		rule := p.list(known)
		all := Options{All: true}
		var fs []report.Finding
		for _, f := range known {
			fs = append(fs, *f)
		}
		rule.Caption = upperFirst(strings.Join(all.hiddenCounts(fs), ", "))
		p.Accepted = &rule
	}
}

// rule is one rule with what was found by it.
func (p *htmlPage) rule(id string, fs []*report.Finding) htmlRule {
	out := p.list(fs)
	out.ID, out.Class, out.Anchor = p.clean(id), string(fs[0].Severity), "rule-"+anchor(id)
	for i := range out.Findings {
		if out.Findings[i].Badge == out.Class {
			out.Findings[i].Badge = ""
		}
	}
	for _, r := range p.o.Rules {
		if r.ID == id {
			out.Title, out.Doc, out.Fix = p.clean(r.Title), blocks(p.clean, r.Doc), p.clean(r.Fix)
		}
	}
	for i := range out.Findings {
		if out.Findings[i].Fix == out.Fix {
			out.Findings[i].Fix = ""
		}
	}
	return out
}

// list is findings as rows of a table.
func (p *htmlPage) list(fs []*report.Finding) htmlRule {
	shown := fs[:min(len(fs), p.rows)]
	out := htmlRule{Caption: humanize.Counted(int64(len(fs)), "finding")}
	if len(shown) < len(fs) {
		out.Caption = fmt.Sprintf("The first %d of %s", len(shown), humanize.Counted(int64(len(fs)), "finding"))
	}
	out.HasStatus = slices.ContainsFunc(fs, func(f *report.Finding) bool { return f.Status != "" })
	for _, f := range shown {
		out.Findings = append(out.Findings, p.finding(f))
	}
	return out
}

func (p *htmlPage) finding(f *report.Finding) htmlFinding {
	out := htmlFinding{
		Badge: string(f.Severity), Subject: p.name(Subject(f)), Message: p.clean(f.Message), Fix: p.clean(f.Fix), Note: p.clean(f.Note),
		Status: p.clean(strings.ToLower(statusWord(f))),
	}
	if f.Measure != nil {
		out.Measure = p.clean(metric(f.Measure, p.o.ASCII))
		out.Evidence = append(out.Evidence, p.evidence(f.Measure))
	}
	for i := range f.Evidence {
		out.Evidence = append(out.Evidence, p.evidence(&f.Evidence[i]))
	}
	var samples []string
	for _, s := range f.Samples[:min(len(f.Samples), 5)] {
		if text, ok := s.Text(); ok {
			samples = append(samples, p.name(text))
		}
	}
	for _, more := range []named{
		{"such as", strings.Join(samples, ", ")}, {"in", p.name(where(f.Pos))}, {"rule", p.clean(f.Rule)}, {"fingerprint", f.Fingerprint()},
	} {
		if more.Text != "" {
			out.Evidence = append(out.Evidence, more)
		}
	}
	return out
}

func (p *htmlPage) evidence(m *report.Metric) named {
	text := p.clean(metric(m, p.o.ASCII))
	if m.How != "" {
		text += " (" + p.clean(m.How) + ")"
	}
	return named{p.clean(strings.ReplaceAll(m.Name, "_", " ")), text}
}

// An htmlBlock is a paragraph, a list or lines of code of what a rule says about itself.
type htmlBlock struct {
	Words []htmlWords
	Items [][]htmlWords
	Code  string
}

// htmlWords are words, or a piece of code among them.
type htmlWords struct {
	Text string
	Code bool
}

// blocks takes the Markdown of a rule apart, which has paragraphs, lists, fenced lines and code among words.
func blocks(clean func(string) string, markdown string) []htmlBlock {
	var out []htmlBlock
	var para, items, code []string
	fenced := false
	flush := func() {
		if len(para) > 0 {
			out = append(out, htmlBlock{Words: words(clean, strings.Join(para, " "))})
		}
		if len(items) > 0 {
			b := htmlBlock{}
			for _, item := range items {
				b.Items = append(b.Items, words(clean, item))
			}
			out = append(out, b)
		}
		if len(code) > 0 {
			out = append(out, htmlBlock{Code: strings.Join(code, "\n")})
		}
		para, items, code = nil, nil, nil
	}
	for _, l := range strings.Split(markdown, "\n") {
		trimmed := strings.TrimSpace(l)
		switch {
		case strings.HasPrefix(l, "```"):
			flush()
			fenced = !fenced
		case fenced:
			code = append(code, clean(l))
		case trimmed == "":
			flush()
		case strings.HasPrefix(l, "- "):
			if len(para) > 0 {
				flush()
			}
			items = append(items, trimmed[2:])
		case len(items) > 0:
			items[len(items)-1] += " " + trimmed
		default:
			para = append(para, trimmed)
		}
	}
	flush()
	return out
}

// words takes a line apart into words and code.
func words(clean func(string) string, line string) []htmlWords {
	var out []htmlWords
	for i, part := range strings.Split(line, "`") {
		if part != "" {
			out = append(out, htmlWords{clean(part), i%2 == 1})
		}
	}
	return out
}
