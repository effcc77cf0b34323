package render

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// Text writes the report for a terminal.
func Text(w io.Writer, r *report.Report, o Options) error {
	t := &text{page: newPage(w, o), r: o.Keys.apply(r), o: o}
	switch {
	case o.Quiet:
	case o.Section != "":
		if err := t.only(o.Section); err != nil {
			return err
		}
	default:
		t.head()
		t.body()
		t.foot()
	}
	t.verdict()
	return t.close()
}

// body draws what was found out. Of a keys.yaml that is what is wrong with it; what a check has read of the store as well is
// there for who asks for it.
func (t *text) body() {
	switch {
	case t.r.Kind == report.KindCheck:
		t.findings()
	case t.r.Kind == report.KindLint:
		t.findings()
		t.sections()
	case t.r.Kind == report.KindTriage:
		t.causes()
		t.sections()
	case t.r.Kind == report.KindFleet:
		t.fleet()
	default:
		t.sections()
		if t.scanned() || t.r.Kind == report.KindLoad {
			t.findings()
		} else {
			t.budgets()
		}
	}
}

// only draws one section, with every row unless the user says how many.
func (t *text) only(name string) error {
	if name == findingsSection {
		t.findings()
		return nil
	}
	section, table, _ := strings.Cut(name, ".")
	s := t.r.Section(section)
	if s == nil {
		return noSection(t.r, section)
	}
	if table != "" && !slices.ContainsFunc(s.Tables, func(x report.Table) bool { return x.Name == table }) {
		return noTable(s, table)
	}
	if len(s.Metrics) > 0 && table == "" {
		t.metrics(s, s.Title, t.labelColumn())
	}
	for i := range s.Tables {
		if table == "" || s.Tables[i].Name == table {
			t.gap()
			t.table(s, &s.Tables[i])
		}
	}
	return nil
}

type text struct {
	*page
	r *report.Report
	o Options
}

// head says what was looked at and how much of it was seen.
func (t *text) head() {
	tg, c := &t.r.Target, &t.r.Coverage
	if t.judged() {
		t.designHead()
	} else {
		t.scanHead()
	}
	for _, n := range tg.Notes {
		t.items("note", t.clean(n))
	}
	label := "note"
	if !c.Complete && t.r.Kind != report.KindLint && (t.scanned() || t.r.Kind == report.KindTriage || t.r.Kind == report.KindFleet) {
		label = "partial"
	}
	for _, w := range c.Why {
		t.items(label, t.clean(w))
	}
}

// scanHead says what was looked at and what was read of it.
func (t *text) scanHead() {
	tg := &t.r.Target
	t.items("target", t.clean(tg.URL), t.clean(strings.TrimSpace(tg.Product+" "+tg.Version)))
	switch t.r.Kind {
	case report.KindLoad:
		t.items("load", t.runWords()...)
	case report.KindTriage:
		t.items("watched", t.watched()...)
		return
	case report.KindFleet:
		t.items("fleet", t.fleetWords()...)
		return
	}
	switch of := t.r.Coverage.Of; {
	case t.r.Kind == report.KindSimulate && of != nil:
		t.items("drawn", humanize.Counted(t.r.Coverage.Keys, "key"), "of "+humanize.Exact(*of))
	case t.scanned() && t.r.Kind != report.KindLoad && (t.r.Kind != report.KindHotkeys || t.r.Coverage.Keys > 0):
		t.items("scan", append([]string{humanize.Counted(t.r.Coverage.Keys, "key")}, t.scan()...)...)
	}
	if m := t.memory(); len(m) > 0 {
		t.items("memory", m...)
	}
	if d := t.r.Design; d != nil {
		t.items("schema", t.clean(strings.Join(d.Files, " ")), humanize.Counted(int64(d.Templates), "template"))
	}
}

// scanned reports whether the report is of keys that were read: not all that look at a store read them.
func (t *text) scanned() bool {
	return t.r.Kind == report.KindAudit || t.r.Coverage.Keys > 0 || len(t.r.Findings) > 0
}

// scan lists what the line about the scan says after the number of keys.
func (t *text) scan() []string {
	c := &t.r.Coverage
	var out []string
	if b, ok := t.total("bytes"); ok {
		out = append(out, humanize.Bytes(b))
	}
	if s := seconds(c.Elapsed); s > 0 {
		out = append(out, t.clean(humanize.Duration(s)), humanize.Count(float64(c.Keys)/s)+" keys/s")
	}
	switch {
	case t.r.Kind == report.KindSimulate && c.Of != nil:
		out = append(out, "drawn of "+humanize.Exact(*c.Of))
	case c.Complete:
		out = append(out, "full scan")
	case c.Of != nil && *c.Of > c.Keys:
		out = append(out, "incomplete: about "+humanize.Ratio(float64(c.Keys)/float64(*c.Of))+" of the keys")
	default:
		out = append(out, "incomplete")
	}
	return out
}

// total returns a metric of the section that sums everything up.
func (t *text) total(name string) (float64, bool) {
	s := t.r.Section("totals")
	if s == nil {
		return 0, false
	}
	for i := range s.Metrics {
		if s.Metrics[i].Name == name {
			return s.Metrics[i].Value.Number()
		}
	}
	return 0, false
}

// memory says where sizes come from and how they compare with what the store says.
func (t *text) memory() []string {
	tg := &t.r.Target
	var out []string
	for _, f := range tg.Facts {
		if f.Name == "size" && f.How != "missing" {
			out = append(out, t.clean(how(f)))
		}
	}
	if tg.Memory == nil {
		return out
	}
	used := float64(*tg.Memory)
	says := "store says " + humanize.Bytes(used) + " used"
	if b, ok := t.total("bytes"); ok && b < used && t.r.Coverage.Complete {
		says += ", " + humanize.Ratio(1-b/used) + " is not keys"
	}
	return append(out, says)
}

// how says in a few words where a fact comes from. A reason often says it itself.
func how(f report.Fact) string {
	if f.Why == "" || strings.HasPrefix(f.Why, f.How) {
		return cmp.Or(f.Why, f.How)
	}
	return f.How + ": " + f.Why
}

// sections draws each section as its tables and a line of metrics. Lines of sections that have nothing else stand
// together.
func (t *text) sections() {
	label := t.labelColumn()
	block := false
	t.gap()
	for i := range t.r.Sections {
		s := &t.r.Sections[i]
		if titled(s) == nil && !slices.ContainsFunc(s.Tables, func(x report.Table) bool { return isSeries(&x) }) {
			block = t.block(s, s.Title, label, block)
		}
		for j := range s.Tables {
			if isSeries(&s.Tables[j]) {
				t.overTime(&s.Tables[j])
				block = false
				continue
			}
			if detail(s, &s.Tables[j]) {
				continue
			}
			t.gap()
			t.table(s, &s.Tables[j])
			t.gap()
			block = false
		}
		if titled(s) != nil {
			block = t.block(s, s.Name, label, block)
		}
	}
}

// block adds a section's metrics to a block of such lines, or begins one, and reports whether it did.
func (t *text) block(s *report.Section, title string, label int, block bool) bool {
	if len(s.Metrics) == 0 {
		return block
	}
	if !block {
		t.gap()
	}
	t.metrics(s, title, label)
	return true
}

// titled returns the table that bears its section's title, or nil. The metrics of such a section come after it, under the
// section's name.
func titled(s *report.Section) *report.Table {
	if len(s.Tables) == 0 || s.Tables[0].Title != "" || detail(s, &s.Tables[0]) {
		return nil
	}
	return &s.Tables[0]
}

// detail reports whether a table only says at length what its section's line of metrics says: it has no title of its
// own, and its rows are not named after anything in the store. It is shown where the section is asked for.
func detail(s *report.Section, t *report.Table) bool {
	return len(s.Metrics) > 0 && t.Title == "" && len(t.Columns) > 0 && t.Columns[0].Unit != report.UnitKey
}

// longestLabel is the longest title that the metrics of other sections are aligned to.
const longestLabel = 16

// labelColumn returns where metrics begin, so that they stand below each other.
func (t *text) labelColumn() int {
	label := labelWidth
	for i := range t.r.Sections {
		s := &t.r.Sections[i]
		title := s.Title
		if titled(s) != nil {
			title = s.Name
		}
		if n := columns(t.clean(title)); len(s.Metrics) > 0 && n <= longestLabel {
			label = max(label, n+2)
		}
	}
	return label
}

func (t *text) metrics(s *report.Section, title string, label int) {
	var items []string
	for i := range s.Metrics {
		m := &s.Metrics[i]
		items = append(items, t.clean(strings.ReplaceAll(m.Name, "_", " "))+" "+metric(m, t.ascii))
	}
	t.labelled(span{pad(strings.ToUpper(t.clean(title)), label-2) + "  ", bold}, t.between(), items)
}

func (t *text) table(s *report.Section, tab *report.Table) {
	title := tab.Title
	if title == "" && tab == &s.Tables[0] {
		title = s.Title
	}
	if len(tab.Rows) == 0 && tab.Omitted == 0 {
		t.line(span{strings.ToUpper(t.clean(title)), bold}, span{text: "  none"})
		return
	}
	if isHeat(tab) && t.o.Section == "" {
		t.heat(tab, title)
		return
	}
	if g := newGrid(t.page, tab, title, t.rows(s, tab), t.r.Findings); g != nil {
		g.draw(t.page)
	}
}

// The rows that are shown where the user does not say: many of the first table, which is what people come for, and of
// others enough to see what they are about.
const (
	firstRows = 20
	otherRows = 5
)

func (t *text) rows(s *report.Section, tab *report.Table) int {
	switch {
	case t.o.Top > 0:
		return t.o.Top
	case t.o.Section != "", t.r.Kind == report.KindFleet: // a target each
		return len(tab.Rows)
	case s == &t.r.Sections[0] && tab == &s.Tables[0]:
		return firstRows
	}
	return otherRows
}

// foot says what did not run and what could be done next.
func (t *text) foot() {
	switch t.r.Kind {
	case report.KindTriage:
		t.notRuledOut()
		return
	case report.KindFleet:
		t.fleetNext()
		return
	}
	if len(t.r.Skipped) > 0 {
		t.gap()
	}
	for _, group := range bySkipReason(t.r.Skipped) {
		t.items("skipped", t.clean(group))
	}
	if fs := t.o.shown(t.r.Findings); len(fs) > 0 {
		t.gap()
		t.items("next", "kvtool keydesign explain "+t.clean(fs[0].Rule))
	}
}

// bySkipReason says each reason once: "sizes, ttl: a list of keys holds names only". The facts that an analysis needs are
// left out where there is a reason for their lack.
func bySkipReason(skips []report.Skip) []string {
	names := map[string][]string{}
	var order []string
	for _, s := range skips {
		why := s.Why
		if needs, reason, ok := strings.Cut(s.Why, ": "); ok && strings.HasPrefix(needs, "needs ") {
			why = reason
		}
		if names[why] == nil {
			order = append(order, why)
		}
		names[why] = append(names[why], s.Name)
	}
	for i, why := range order {
		order[i] = strings.Join(names[why], ", ") + ": " + why
	}
	return order
}

// verdict comes after all else. Without a gate there is none, unless it is all that was asked for.
func (t *text) verdict() {
	g := t.r.Gate
	if g == nil {
		if t.o.Quiet {
			t.line(span{text: counts(t.r)})
		}
		return
	}
	t.gap()
	word, st := "PASSED", bold
	switch g.Verdict {
	case report.Fail:
		word, st = "FAILED", red
	case report.Inconclusive:
		word, st = "INCONCLUSIVE", yellow
	}
	why := t.clean(gateWhy(g))
	if g.Verdict != report.Pass {
		why += fmt.Sprintf("   (exit %d)", t.o.Exit)
	}
	if why == "" {
		t.line(span{word, st})
		return
	}
	t.labelled(span{pad(word, labelWidth-2) + "  ", st}, 3, []string{strings.TrimSpace(why)})
}

// gateWhy joins the reasons of a verdict; one in parentheses belongs to those before it.
func gateWhy(g *report.Gate) string {
	return strings.ReplaceAll(strings.Join(g.Why, "; "), "; (", " (")
}
