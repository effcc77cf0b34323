package tui

import (
	"fmt"
	"slices"

	"github.com/kvtool/kvtool/internal/chart"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
)

func keyspace() screen {
	return screen{
		name: "keyspace", title: "Keyspace", short: "Keys", doc: "what begins alike, and how much it takes, like a disk-usage browser",
		keys: []binding{
			{keys: "enter l right", label: "enter:open", doc: "open a prefix, or the details of a template", do: (*Model).openNode},
			{keys: "h left", label: "h:shut", doc: "shut it, or go to what it is in", do: (*Model).shutNode},
			{keys: "n", label: "n:next finding", doc: "to the next row with a finding", do: (*Model).nextMark},
			{keys: "N", doc: "to the one before", do: (*Model).previousMark},
		},
		lacks: func(d *doc) string {
			if d.templates != nil {
				return ""
			}
			return "This report has no templates. An audit has them: kvtool audit TARGET --save FILE.kvr"
		},
		lists:   func(d *doc, v *view, k *look) []*list { return []*list{d.tree.list(v, d.marks, k.ascii)} },
		draw:    drawKeyspace,
		section: func(d *doc) string { return sectionOf(d, d.templates) },
	}
}

// sectionOf is the section that a table of the report is in, "" for none.
func sectionOf(d *doc, t *report.Table) string {
	for i := range d.r.Sections {
		for j := range d.r.Sections[i].Tables {
			if &d.r.Sections[i].Tables[j] == t {
				return d.r.Sections[i].Name
			}
		}
	}
	return ""
}

func drawKeyspace(s *sight) block {
	tree := func(w, h int) block { return s.list(0, w, h, "") }
	detail := func(w, h int) block {
		title := "nothing chosen"
		n := s.node()
		if n != nil {
			title = render.CutMiddle(render.Clean(n.path, s.ascii), w-8, s.ascii)
		}
		return s.box(w, h, title, "", func(w, h int) block { return s.nodeDetail(n, w, h) })
	}
	switch {
	case s.v.detail:
		return detail(s.width, s.height)
	case s.wide():
		left := s.width * 54 / 100
		return beside(tree(left, s.height), detail(s.width-left, s.height))
	}
	return stack(s.width, s.height,
		part{8, s.height * 2 / 3, func(h int) block { return tree(s.width, h) }},
		part{6, 100, func(h int) block { return detail(s.width, h) }})
}

// node returns the node under the cursor, nil if there is none.
func (s *sight) node() *node {
	l, p := &s.lists[0], &s.v.panes[0]
	if p.cursor >= l.index.len() {
		return nil
	}
	return l.nodes[l.index.at(p.cursor)]
}

// nodeDetail says all that the report knows of a node.
func (s *sight) nodeDetail(n *node, w, h int) block {
	if n == nil {
		return nil
	}
	var fs []fact
	if n.row != nil {
		fs = about(s.d.templates, n.row, s.ascii)
		fs = append(fs, s.findingsOn(n.path)...)
		fs = append(fs, s.elsewhere(n.path)...)
		return s.facts(w, h, fs)
	}
	for i := range n.sums {
		c := &s.d.tree.cols[i+1]
		fs = append(fs, fact{name: render.Clean(heading(c), s.ascii), value: written(c, n.value(i), s.ascii)})
	}
	fs = append(fs, fact{name: "in it", value: humanize.Counted(int64(len(n.children)), "name")})
	return append(s.facts(w, min(h, len(fs)+1), fs), s.children(n, w, max(0, h-len(fs)-1))...).tall(w, h)
}

// children draws the largest of what is in a node as bars.
func (s *sight) children(n *node, w, h int) block {
	by := max(0, slices.IndexFunc(s.d.tree.cols[1:], func(c report.Column) bool { return c.Unit == report.UnitBytes }))
	if by >= len(n.sums) {
		return nil
	}
	var out block
	cs := s.d.tree.sorted(n.children, order{})
	most := 0.0
	for _, c := range cs {
		most = max(most, c.sums[by])
	}
	name := min(24, w/3)
	for i, c := range cs {
		if i == h-1 && len(cs) > h {
			out = append(out, s.pen(w).put(faint, fmt.Sprintf(" %d more", len(cs)-i)).line())
			break
		}
		if i >= h || most <= 0 {
			break
		}
		p := s.pen(w).put(plain, " ").name(plain, c.name, name).put(plain, "  ")
		p.field(plain, written(&s.d.tree.cols[by+1], c.value(by), s.ascii), 9, true)
		out = append(out, p.put(plain, "  ").put(accent, chart.Bar(c.sums[by]/most, max(4, w-name-15), s.ascii)).line())
	}
	return out
}

// findingsOn are the findings that are about a subject.
func (s *sight) findingsOn(subject string) []fact {
	var fs []fact
	for i := range s.d.r.Findings {
		if f := &s.d.r.Findings[i]; f.Subject == subject && render.Present(f) {
			fs = append(fs, fact{
				name: render.Clean(f.Rule, s.ascii), value: render.Clean(f.Message, s.ascii), mark: severityStyle(f.Severity),
			})
		}
	}
	return fs
}

// elsewhere are the rows about a template in other tables of the report.
func (s *sight) elsewhere(template string) []fact {
	var fs []fact
	for i := range s.d.r.Sections {
		for j := range s.d.r.Sections[i].Tables {
			t := &s.d.r.Sections[i].Tables[j]
			at := columnOf(t, "template")
			if at < 0 || t == s.d.templates || t.Name == "by_template" { // which says the same
				continue
			}
			for _, r := range t.Rows[:min(len(t.Rows), sampleRows)] {
				if name, _ := r[at].Text(); name == template {
					fs = append(fs, fact{name: render.Clean(titleOf(s.d, t), s.ascii), value: oneLine(t, r, at, s.ascii)})
				}
			}
		}
	}
	return fs
}

// oneLine writes a row in one line: keys 640, 7%.
func oneLine(t *report.Table, r []report.Value, but int, ascii bool) string {
	text := ""
	for c := range t.Columns {
		if c != but && !r[c].IsNull() {
			text = join(text, render.Clean(heading(&t.Columns[c]), ascii)+" "+render.Human(r[c], t.Columns[c].Unit, ascii))
		}
	}
	return text
}
