package docs

import (
	"fmt"
	"io"
	"strings"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report/render"
)

// Markdown writes a schema for a wiki or a repository.
func Markdown(w io.Writer, s *schema.Schema) error {
	m := &markdown{}
	p := newPage(s)
	m.line("# " + esc(p.Title))
	if p.Store != "" {
		m.line(esc("Store: " + p.Store))
	}
	m.overview(p.Templates)
	if len(p.Links) > 0 {
		m.line("## What leads where")
		for _, l := range p.Links {
			m.item(code(l.From) + " → " + code(l.To) + ": " + esc(l.Kind+l.How))
		}
	}
	m.fields(p.Fields)
	for i := range p.Templates {
		m.entry(&p.Templates[i])
	}
	_, err := io.WriteString(w, m.b.String())
	return err
}

type markdown struct {
	b    strings.Builder
	list bool // the line before was an item
}

// line writes a paragraph.
func (m *markdown) line(text string) {
	if m.b.Len() > 0 {
		m.b.WriteByte('\n')
	}
	m.b.WriteString(text + "\n")
	m.list = false
}

// item writes an item of a list.
func (m *markdown) item(text string) {
	if !m.list {
		m.b.WriteByte('\n')
	}
	m.b.WriteString("- " + text + "\n")
	m.list = true
}

// row writes a row of a table.
func (m *markdown) row(cells ...string) { m.b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }

func (m *markdown) overview(es []entry) {
	m.line("## Templates")
	m.line("| name | key | kind | type | lives | keys | owner |\n|---|---|---|---|---|---|---|")
	for i := range es {
		e := &es[i]
		m.row(code(e.Name), code(e.Key), esc(e.Kind), esc(e.Type), esc(e.Life), esc(e.Keys), esc(e.Owner))
	}
}

func (m *markdown) fields(ps []population) {
	if len(ps) == 0 {
		return
	}
	m.line("## Fields")
	m.line("| name | type | values | growth | distribution | used in |\n|---|---|---|---|---|---|")
	for _, p := range ps {
		m.row(code(p.Name), code(p.Type), esc(p.Values), esc(p.Growth), esc(p.Dist), esc(p.Used))
	}
}

func (m *markdown) entry(e *entry) {
	m.line("## " + esc(e.Name))
	m.line(code(e.Key))
	if e.Description != "" {
		m.line(esc(e.Description))
	}
	for _, f := range append(heading(e), e.Facts...) {
		m.item(esc(f.Name + ": " + f.Text))
	}
	for _, a := range e.Access {
		m.item(esc("access: " + a))
	}
	for _, l := range e.Links {
		m.item(esc("reference: " + l))
	}
	for _, a := range e.Accepted {
		m.item(esc("accepted: " + a))
	}
}

// heading is what the overview says of a template, as facts.
func heading(e *entry) []fact {
	kind := strings.Trim(fmt.Sprintf("%s, a %s", e.Kind, e.Type), ", ")
	if e.Type == "" {
		kind = e.Kind
	}
	var said []fact
	for _, f := range []fact{{"kind", kind}, {"lives", e.Life}, {"keys", e.Keys}, {"owner", e.Owner}} {
		if f.Text != "" {
			said = append(said, f)
		}
	}
	return said
}

// esc is text in which nothing is markup; code a name in which nothing ends it.
func esc(s string) string { return render.MarkdownText(s) }

func code(s string) string { return render.MarkdownCode(s) }
