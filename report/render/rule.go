package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/kvtool/kvtool/report"
)

// Rule explains one rule for a terminal.
func Rule(w io.Writer, r *report.Rule, o Options) error {
	p := newPage(w, o)
	p.line(span{r.ID + " " + r.Name, bold}, span{"   " + string(r.Severity), severityStyle(r.Severity)})
	p.prose(r.Title)
	p.gap()
	p.prose(r.Doc)
	p.gap()
	p.items("fix", p.clean(r.Fix))
	p.examples("bad", r.Bad)
	p.examples("good", r.Good)
	for _, l := range r.Limits {
		p.items("limit", p.clean(l.Name)+" "+human(report.Number(l.Value), l.Unit, p.ascii), p.clean(l.Source))
	}
	if len(r.Stores) > 0 {
		p.items("stores", p.clean(strings.Join(r.Stores, ", ")))
	}
	return p.close()
}

// examples writes lines that mean something by how far they are indented: what does not fit goes on below, as far in.
func (p *page) examples(label string, lines []string) {
	for _, l := range lines {
		text := strings.TrimLeft(l, " ")
		p.labelled(span{pad(label, labelWidth) + spaces(len(l)-len(text)), bold}, p.between(), []string{p.clean(text)})
		label = ""
	}
}

// prose writes Markdown as plain text: paragraphs and list items are wrapped, code is left as it stands.
func (p *page) prose(markdown string) {
	code := false
	var para []string
	flush := func() {
		for _, l := range wrap(p.clean(strings.Join(para, " ")), min(p.width, 100)) {
			p.line(span{text: l})
		}
		para = nil
	}
	for _, l := range strings.Split(markdown, "\n") {
		switch {
		case strings.HasPrefix(l, "```"):
			flush()
			code = !code
		case code:
			p.line(span{text: "    " + p.clean(l)})
		case strings.TrimSpace(l) == "":
			flush()
			p.gap()
		case strings.HasPrefix(l, "- "):
			flush()
			p.labelled(span{text: "- "}, 1, []string{p.clean(l[2:])})
		default:
			para = append(para, strings.TrimSpace(l))
		}
	}
	flush()
}

// Rules lists rules for a terminal, one a line.
func Rules(w io.Writer, rules []*report.Rule, o Options) error {
	p := newPage(w, o)
	id, name := 0, 0
	for _, r := range rules {
		id, name = max(id, columns(r.ID)), max(name, columns(r.Name))
	}
	for _, r := range rules {
		title := cutEnd(p.clean(r.Title), p.width-2-id-2-name-2, p.mark)
		p.line(span{letter(r.Severity), severityStyle(r.Severity)}, span{text: " " + pad(r.ID, id) + "  " + pad(r.Name, name) + "  " + title})
	}
	return p.close()
}

// RulesMarkdown writes the reference of rules: docs/rules.md is made of it.
func RulesMarkdown(w io.Writer, rules []*report.Rule, o Options) error {
	m := &markdown{o: o}
	for i, r := range rules {
		if i > 0 {
			m.b.WriteByte('\n')
		}
		m.rule(r)
	}
	_, err := io.WriteString(w, m.b.String())
	return err
}

// rule writes one rule. Its texts are ours and Markdown already.
func (m *markdown) rule(r *report.Rule) {
	fmt.Fprintf(&m.b, "## %s %s\n\n%s: %s\n\n%s\n\nFix: %s\n", r.ID, r.Name, r.Severity, r.Title, strings.TrimSpace(r.Doc), r.Fix)
	for _, x := range []struct {
		label string
		lines []string
	}{{"Bad", r.Bad}, {"Good", r.Good}} {
		if len(x.lines) > 0 {
			fmt.Fprintf(&m.b, "\n%s:\n\n```\n%s\n```\n", x.label, strings.Join(x.lines, "\n"))
		}
	}
	if len(r.Limits) > 0 {
		m.b.WriteString("\n| limit | value | source |\n|---|---:|---|\n")
	}
	for _, l := range r.Limits {
		fmt.Fprintf(&m.b, "| %s | %s | %s |\n", l.Name, m.esc(human(report.Number(l.Value), l.Unit, false)), m.esc(l.Source))
	}
	if len(r.Stores) > 0 {
		fmt.Fprintf(&m.b, "\nStores: %s\n", strings.Join(r.Stores, ", "))
	}
}
