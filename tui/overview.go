package tui

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/chart"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
)

func overview() screen {
	return screen{
		name: "overview", title: "Overview", short: "Over", doc: "what is in the store, and what is wrong with it",
		keys:  []binding{{keys: "enter l", label: "enter:open", doc: "open the template, or the finding", do: (*Model).openFromOverview}},
		lacks: func(*doc) string { return "" },
		lists: func(d *doc, v *view, k *look) []*list {
			main := listOf(mainTitle(d), d.mainTable())
			main.marks = d.marks
			fs := findingList(d, v, k)
			fs.title = "Findings"
			return []*list{main, fs}
		},
		draw:    drawOverview,
		section: func(*doc) string { return "" },
	}
}

func mainTitle(d *doc) string {
	switch t := d.mainTable(); {
	case t == nil:
		return "Report"
	case t == d.templates:
		return "By template"
	default:
		return titleOf(d, t)
	}
}

// mainTable is what people come for: templates, or what the report begins with.
func (d *doc) mainTable() *report.Table {
	if d.templates != nil {
		return d.templates
	}
	return d.other()
}

// other returns the first table of the report that is none of those given.
func (d *doc) other(but ...*report.Table) *report.Table {
	for i := range d.r.Sections {
		for j := range d.r.Sections[i].Tables {
			t := &d.r.Sections[i].Tables[j]
			if len(t.Rows) > 0 && !slices.Contains(but, t) && t.Name != "seconds" && t.Name != "spectrum" && t.Name != heatmap {
				return t
			}
		}
	}
	return nil
}

// titleOf is what a table is called: by its own title, or its section's.
func titleOf(d *doc, t *report.Table) string {
	for i := range d.r.Sections {
		s := &d.r.Sections[i]
		for j := range s.Tables {
			if &s.Tables[j] == t {
				title := t.Title
				if title == "" {
					title = s.Title
				}
				return sentence(title)
			}
		}
	}
	return "Report"
}

// sentence writes a title as a sentence begins: HOT KEYS becomes Hot keys, and TTL, KEYS becomes TTL, keys.
func sentence(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		if w == strings.ToUpper(w) && len(strings.Trim(w, ",.")) > 3 {
			words[i] = strings.ToLower(w)
		}
	}
	s = strings.Join(words, " ")
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func drawOverview(s *sight) block {
	if s.wide() {
		return drawWideOverview(s)
	}
	ttl := s.d.firstTable([2]string{"ttl", "ttl_histogram"})
	parts := []part{{5, 9, func(h int) block { return s.list(0, s.width, h, "") }}}
	switch {
	case ttl != nil && s.height >= 15:
		parts = append(parts, part{3, 3, func(h int) block { return s.figures(s.width, h, "TTL, share of keys", s.shares(ttl)) }})
	case s.d.templates == nil && s.height >= 15:
		parts = append(parts, part{5, 7, func(h int) block { return s.figures(s.width, h, "Figures", s.health()) }})
	}
	parts = append(parts, part{5, 100, func(h int) block { return s.list(1, s.width, h, "") }})
	return stack(s.width, s.height, parts...)
}

func drawWideOverview(s *sight) block {
	ttl := s.d.firstTable([2]string{"ttl", "ttl_histogram"})
	if ttl == nil {
		ttl = s.d.other(s.d.mainTable())
	}
	types := s.d.firstTable([2]string{"types", "types"})
	if types == nil {
		types = s.d.other(s.d.mainTable(), ttl)
	}
	left := s.width * 11 / 20
	parts := []part{{6, s.height / 3, func(h int) block {
		return beside(s.list(0, left, h, ""), s.figures(s.width-left, h, "Health", s.health()))
	}}}
	if ttl != nil {
		parts = append(parts, part{6, 9, func(h int) block {
			first := s.table(s.width/2, h, ttl)
			if types == nil {
				return s.table(s.width, h, ttl)
			}
			return beside(first, s.table(s.width-s.width/2, h, types))
		}})
	}
	parts = append(parts, part{5, 100, func(h int) block { return s.list(1, s.width, h, "") }})
	return stack(s.width, s.height, parts...)
}

// table draws a table that has no keys.
func (s *sight) table(width, height int, t *report.Table) block {
	return s.once(t, width, height, func() block {
		l := listOf(titleOf(s.d, t), t)
		note := ""
		if n := l.count() - (height - 3); n > 0 {
			note = fmt.Sprintf("%d more", n)
		}
		return s.box(width, height, l.title, note, func(w, h int) block {
			return l.draw(s.look, w, h, l.show(&filter{}, order{}), -1, nil, "")
		})
	})
}

// figures draws what is said of the report as a whole.
func (s *sight) figures(width, height int, title string, draw func(w, h int) block) block {
	return s.once(title, width, height, func() block { return s.box(width, height, title, "", draw) })
}

// shares draws the first shares of a table in one line: none ████ 40%  <1h ██ 13%.
func (s *sight) shares(t *report.Table) func(w, h int) block {
	return func(w, h int) block {
		c := columnOf(t, "share")
		if c < 0 {
			return nil
		}
		p := s.pen(w).put(plain, " ")
		var rows [][]report.Value
		for _, r := range t.Rows {
			if v, _ := r[c].Number(); v >= 0.01 {
				rows = append(rows, r)
			}
		}
		room := w - 1 // what words leave for bars, which together are as long as one of all
		for _, r := range rows {
			v, _ := r[c].Number()
			room -= render.Columns(render.Human(r[0], report.UnitText, s.ascii)+humanize.Ratio(v)) + 5
		}
		for _, r := range rows {
			v, _ := r[c].Number()
			p.put(faint, render.Human(r[0], report.UnitText, s.ascii)+" ").put(accent, chart.Bar(v, max(4, room), s.ascii)).
				put(plain, " "+humanize.Ratio(v)+"  ")
		}
		return block{p.line()}
	}
}

// health draws what one asks first.
func (s *sight) health() func(w, h int) block {
	return func(w, h int) block { return s.facts(w, h, s.healthFacts()) }
}

func (s *sight) healthFacts() []fact {
	d := s.d
	n := render.Tally(d.r)
	fs := []fact{{name: "findings", value: fmt.Sprintf("%d error   %d warning   %d info", n[0], n[1], n[2]), mark: tallyStyle(n)}}
	add := func(name, value, note string, mark style) { fs = append(fs, fact{name, value, note, mark}) }
	if m := d.metric("totals", "with_ttl"); m != nil {
		v, _ := m.Value.Number()
		add("no TTL", humanize.Ratio(1-v), "of keys", plain)
	}
	if m := d.metric("totals", "bytes"); m != nil {
		add("memory", render.HumanMetric(m, s.ascii), m.How, plain)
	}
	if d.r.Target.Memory != nil {
		add("store uses", humanize.Bytes(float64(*d.r.Target.Memory)), "as it says itself", plain)
	}
	if t := d.firstTable([2]string{"biggest", "biggest"}); t != nil {
		if c := columnOf(t, "bytes"); c >= 0 {
			add("biggest key", render.Human(t.Rows[0][c], report.UnitBytes, s.ascii), render.Human(t.Rows[0][0], report.UnitKey, s.ascii), plain)
		}
	}
	if t := hotTable(d); t != nil {
		if c := columnOf(t, "share"); c >= 0 {
			add("hottest key", render.Human(t.Rows[0][c], report.UnitRatio, s.ascii), render.Human(t.Rows[0][0], report.UnitKey, s.ascii), plain)
		}
	}
	if m := d.metric("slots", "keys_max_over_mean"); m != nil {
		add("fullest slot", render.HumanMetric(m, s.ascii), "times the mean", plain)
	}
	if d.r.Gate != nil {
		add("verdict", string(d.r.Gate.Verdict), render.Clean(strings.Join(d.r.Gate.Why, "; "), s.ascii), verdictStyle(d.r.Gate.Verdict))
	}
	if d.templates == nil {
		for i := range d.r.Sections {
			fs = append(fs, d.factsOf(d.r.Sections[i].Name, s.ascii)...)
		}
	}
	for _, note := range d.r.Target.Notes {
		add("note", render.Clean(note, s.ascii), "", plain)
	}
	for _, x := range d.r.Skipped {
		add("skipped", render.Clean(x.Name+": "+x.Why, s.ascii), "", faint)
	}
	return fs
}

func tallyStyle(n [len(report.Severities)]int) style {
	switch {
	case n[0] > 0:
		return bad
	case n[1] > 0:
		return warn
	}
	return good
}

func verdictStyle(v report.Verdict) style {
	switch v {
	case report.Fail:
		return bad
	case report.Inconclusive:
		return warn
	}
	return good
}
