package tui

import (
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
)

// A doc is a report with what screens look up in it again and again. It is made once for each report and does not change.
type doc struct {
	r         *report.Report
	templates *report.Table // keys and sizes by template; nil if the report has none
	tree      *keytree
	marks     map[string]style // of what findings are about: of the worst
}

func docOf(r *report.Report) *doc {
	d := &doc{r: r, templates: templatesOf(r), marks: map[string]style{}}
	d.tree = treeOf(d.templates)
	for i := range r.Findings {
		if f := &r.Findings[i]; render.Present(f) {
			if st := severityStyle(f.Severity); rankOf(st) > rankOf(d.marks[f.Subject]) {
				d.marks[f.Subject] = st
			}
		}
	}
	return d
}

func severityStyle(s report.Severity) style {
	switch s {
	case report.Error:
		return bad
	case report.Warning:
		return warn
	}
	return plain
}

func rankOf(st style) int {
	switch st {
	case bad:
		return 2
	case warn:
		return 1
	}
	return 0
}

// templatesOf returns the table of templates with what they hold: that of an audit, or the first that has one to a row and adds up.
func templatesOf(r *report.Report) *report.Table {
	if t := tableOf(r, "templates", "templates"); t != nil && isTemplates(t) {
		return t
	}
	for i := range r.Sections {
		for j := range r.Sections[i].Tables {
			if t := &r.Sections[i].Tables[j]; isTemplates(t) {
				return t
			}
		}
	}
	return nil
}

func isTemplates(t *report.Table) bool {
	return len(t.Columns) > 1 && t.Columns[0].Name == "template" && columnOf(t, "keys") > 0 && len(t.Rows) > 0
}

// tableOf returns a table by the names of its section and its own; nil if there is none that has rows.
func tableOf(r *report.Report, section, table string) *report.Table {
	s := r.Section(section)
	if s == nil {
		return nil
	}
	for i := range s.Tables {
		if t := &s.Tables[i]; t.Name == table && len(t.Rows) > 0 && len(t.Columns) > 0 {
			return t
		}
	}
	return nil
}

// firstTable returns the first table that the report has of several, each as section.table.
func (d *doc) firstTable(names ...[2]string) *report.Table {
	for _, n := range names {
		if t := tableOf(d.r, n[0], n[1]); t != nil {
			return t
		}
	}
	return nil
}

// columnOf returns the place of a column, -1 if there is none.
func columnOf(t *report.Table, name string) int {
	for c := range t.Columns {
		if t.Columns[c].Name == name {
			return c
		}
	}
	return -1
}

// metric returns a metric, nil if there is none or it is not known.
func (d *doc) metric(section, name string) *report.Metric {
	s := d.r.Section(section)
	if s == nil {
		return nil
	}
	for i := range s.Metrics {
		if m := &s.Metrics[i]; m.Name == name && !m.Value.IsNull() {
			return m
		}
	}
	return nil
}

// A fact is a line of a pane: what it is, how much it is, and what is to be said of it.
type fact struct {
	name, value, note string
	mark              style
}

// facts draws lines of facts, as many as there is room for.
func (k *look) facts(width, height int, fs []fact) block {
	name, value := 0, 0
	for i := range fs {
		name = max(name, min(render.Columns(fs[i].name), 20))
		if fs[i].note != "" {
			value = max(value, min(render.Columns(fs[i].value), width/2))
		}
	}
	var out block
	for i := range fs[:min(len(fs), height)] {
		f := &fs[i]
		p := k.pen(width).put(plain, " ").field(faint, f.name, name, false).put(plain, "  ")
		if f.note == "" {
			p.put(f.mark, f.value)
		} else {
			p.field(f.mark, f.value, value, false).put(plain, "  ").put(f.mark, f.note)
		}
		out = append(out, p.line())
	}
	return out.tall(width, height)
}

// factsOf are the metrics of a section.
func (d *doc) factsOf(section string, ascii bool) []fact {
	if s := d.r.Section(section); s != nil {
		return figuresOf(s, ascii)
	}
	return nil
}

func figuresOf(s *report.Section, ascii bool) []fact {
	var fs []fact
	for i := range s.Metrics {
		m := &s.Metrics[i]
		if m.Value.IsNull() {
			continue
		}
		c := report.Column{Name: m.Name}
		fs = append(fs, fact{name: render.Clean(heading(&c), ascii), value: render.HumanMetric(m, ascii), note: m.How})
	}
	return fs
}

// about are the cells of a row as facts, the first column left out.
func about(t *report.Table, r []report.Value, ascii bool) []fact {
	var fs []fact
	for c := 1; c < len(t.Columns); c++ {
		if !r[c].IsNull() {
			fs = append(fs, fact{name: render.Clean(heading(&t.Columns[c]), ascii), value: written(&t.Columns[c], r[c], ascii)})
		}
	}
	return fs
}

// skipped says why an analysis did not run; empty if it was not skipped.
func (d *doc) skipped(names ...string) string {
	for _, n := range names {
		for _, s := range d.r.Skipped {
			if s.Name == n {
				return s.Why
			}
		}
	}
	return ""
}
