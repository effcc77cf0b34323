package triage

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/report"
)

// MergeSetup carries over to r, into which the audits of parts were merged, what these have found of their servers: a section as AddSetup's,
// and findings, which name the server where there are several. It returns the ids of the rules that all were held against.
func MergeSetup(r *report.Report, parts ...*report.Report) (judged []string) {
	m := merging{open: map[string]string{}}
	for _, p := range parts {
		m.products = append(m.products, p.Target.Product)
		s := p.Section(setupSection)
		if s == nil {
			m.unseen(p)
			continue
		}
		m.seen = true
		of := m.add(s)
		for _, f := range p.Findings {
			if slices.ContainsFunc(standing(), func(x rule) bool { return x.ID == f.Rule }) {
				if len(parts) > 1 && of <= 1 && f.Subject != cluster {
					f.Subject = placeOf(p) + " " + f.Subject
				}
				f.Status, f.Note = "", ""
				addFinding(r, f)
			}
		}
	}
	if !m.seen {
		return nil
	}
	return addSection(r, docsFor(m.products), m.open, m.span)
}

// merging is what has been read of sections.
type merging struct {
	products []string
	open     map[string]string // why a rule was not judged, by its name
	span     report.Table
	seen     bool
}

// add reads a section, and returns of how many servers it is.
func (m *merging) add(s *report.Section) (servers int) {
	for i := range s.Tables {
		switch t := &s.Tables[i]; t.Name {
		case spanName:
			m.span.Name, m.span.Columns = t.Name, t.Columns
			m.span.Rows = append(m.span.Rows, t.Rows...)
			servers = len(t.Rows)
		case openName:
			for _, row := range t.Rows {
				if len(row) == 2 {
					what, _ := row[0].Text()
					why, _ := row[1].Text()
					_, name, _ := strings.Cut(what, " ")
					m.open[name] = why
				}
			}
		}
	}
	return servers
}

// unseen notes that nobody has looked at the server of a part.
func (m *merging) unseen(p *report.Report) {
	for _, doc := range docsFor([]string{p.Target.Product}) {
		m.open[doc.Name] = cmp.Or(m.open[doc.Name], "the audit of "+placeOf(p)+" did not look at the server")
	}
}

// placeOf names the one server of a part.
func placeOf(p *report.Report) string {
	if s := p.Section(setupSection); s != nil {
		for _, t := range s.Tables {
			if t.Name == spanName && len(t.Rows) == 1 {
				place, _ := t.Rows[0][0].Text()
				return place
			}
		}
	}
	if u, err := url.Parse(p.Target.URL); err == nil && u.Host != "" {
		return u.Host
	}
	return p.Target.URL
}
