package render

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// markdownMost is the size that Markdown is kept below: GitHub drops a step summary of 1 MiB without a word.
const markdownMost = 900 << 10

// markdownFindings are shown openly, the rest folded; of tables this many rows.
const markdownFindings = 20

// Markdown writes the report for a ticket or a pull request. Its first line is a comment by which a later report can
// find and replace it.
func Markdown(w io.Writer, r *report.Report, o Options) error {
	m := &markdown{r: o.Keys.apply(r), o: o}
	m.head()
	m.budgets()
	if s := m.r.Section(fleetSection); s != nil {
		for i := range s.Tables {
			m.table(&s.Tables[i])
		}
	}
	m.findings()
	m.sections()
	m.notes()
	if m.dropped > 0 {
		fmt.Fprintf(&m.b, "\n%d parts are left out: the report is larger than %s.\n", m.dropped, humanize.Bytes(markdownMost))
	}
	_, err := io.WriteString(w, m.b.String())
	return err
}

type markdown struct {
	b       strings.Builder
	r       *report.Report
	o       Options
	dropped int
}

// reserve is kept free of the cap for what comes last.
const reserve = 16 << 10

// add appends one part, unless it would not fit.
func (m *markdown) add(part string) {
	if m.b.Len()+len(part) > markdownMost-reserve {
		m.dropped++
		return
	}
	m.b.WriteString(part)
}

func (m *markdown) head() {
	r := m.r
	t := &text{r: r, o: m.o, page: newPage(io.Discard, Options{ASCII: m.o.ASCII})}
	fmt.Fprintf(&m.b, "<!-- kvtool:%s:%s -->\n", marker(r.Kind), marker(r.Target.URL))
	fmt.Fprintf(&m.b, "### kvtool %s: %s\n\n", m.esc(r.Kind), m.esc(r.Target.URL))
	if g := r.Gate; g != nil {
		fmt.Fprintf(&m.b, "**%s** %s\n\n", strings.ToUpper(string(g.Verdict)), m.esc(gateWhy(g)))
	}
	if scope := t.briefScope(); len(scope) > 0 {
		fmt.Fprintf(&m.b, "%s\n\n", m.esc(strings.Join(scope, ", ")))
	}
	for _, w := range r.Coverage.Why {
		fmt.Fprintf(&m.b, "> %s\n\n", m.esc(cutEnd(clean(w, m.o.ASCII), 1000, clean("…", m.o.ASCII))))
	}
	fmt.Fprintf(&m.b, "%s\n", strings.ReplaceAll(counts(r), "   ", ", "))
}

// marker makes s part of the comment in the first line, which nothing in it may end.
func marker(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || r == '<' || r == '>' || r == '-' {
			return '_'
		}
		return r
	}, s)
}

func (m *markdown) findings() {
	fs := only(m.r.Findings, open)
	most := m.o.Top
	if most == 0 {
		most = markdownFindings
	}
	most = min(most, len(fs))
	if most > 0 {
		m.findingTable(fs[:most])
	}
	if rest := fs[most:]; len(rest) > 0 {
		m.folded(fmt.Sprintf("%d more findings", len(rest)), func() { m.findingTable(rest) })
	}
	if known := only(m.r.Findings, func(f *report.Finding) bool { return !open(f) }); len(known) > 0 {
		all := Options{All: true}
		m.folded(strings.Join(all.hiddenCounts(known), ", "), func() { m.findingTable(known) })
	}
}

// folded writes what body adds inside a block that is closed at first.
func (m *markdown) folded(summary string, body func()) {
	before := m.dropped
	m.add("\n<details><summary>" + m.esc(summary) + "</summary>\n")
	if m.dropped > before {
		return
	}
	body()
	m.b.WriteString("\n</details>\n") // never dropped: reserve has room for it
}

func (m *markdown) sections() {
	for i := range m.r.Sections {
		s := &m.r.Sections[i]
		if m.r.Kind == report.KindDiff { // it is all there is
			for j := range s.Tables {
				m.table(&s.Tables[j])
			}
			continue
		}
		if m.r.Kind == report.KindLoad && i == 0 { // what people run it for
			m.section(s)
			continue
		}
		if m.r.Kind == report.KindFleet {
			continue // stands before the findings
		}
		m.folded(s.Title, func() { m.section(s) })
	}
}

func (m *markdown) section(s *report.Section) {
	var items []string
	for i := range s.Metrics {
		items = append(items, m.esc(strings.ReplaceAll(s.Metrics[i].Name, "_", " ")+" "+metric(&s.Metrics[i], m.o.ASCII)))
	}
	if len(items) > 0 {
		m.add("\n" + strings.Join(items, ", ") + "\n")
	}
	for i := range s.Tables {
		if isSeries(&s.Tables[i]) {
			m.table(overTime(&s.Tables[i], m.o.ASCII, sparkWidth))
			continue
		}
		if name := s.Tables[i].Name; name == spectrumTable || name == bandsTable {
			continue // they are drawn, and svg does
		}
		m.table(&s.Tables[i])
	}
}

func (m *markdown) table(t *report.Table) {
	top := m.o.Top
	if top == 0 {
		top = markdownFindings
	}
	rows, more := fold(t, top)
	var head, rule []string
	var shown []int
	for c, col := range t.Columns {
		if hidden(t, c) {
			continue
		}
		shown = append(shown, c)
		title := col.Title
		if title == "" {
			title = strings.ReplaceAll(col.Name, "_", " ")
		}
		head = append(head, m.esc(title))
		if isText(col.Unit) {
			rule = append(rule, "---")
		} else {
			rule = append(rule, "---:")
		}
	}
	if len(shown) == 0 {
		return
	}
	if t.Title != "" {
		m.add("\n" + m.esc(t.Title) + "\n")
	}
	m.add("\n| " + strings.Join(head, " | ") + " |\n|" + strings.Join(rule, "|") + "|\n")
	for _, row := range rows {
		m.row(t, row, shown)
	}
	if more != nil {
		omitted := t.Omitted + int64(len(t.Rows)-len(rows))
		m.add("| (" + humanize.Exact(omitted) + " more) | " + strings.Join(m.cells(t, more, shown[1:], true), " | ") + " |\n")
	}
}

func (m *markdown) row(t *report.Table, row []report.Value, shown []int) {
	m.add("| " + strings.Join(m.cells(t, row, shown, false), " | ") + " |\n")
}

func (m *markdown) cells(t *report.Table, row []report.Value, shown []int, more bool) []string {
	var out []string
	for _, c := range shown {
		col := t.Columns[c]
		s, isKey := row[c].Text()
		switch {
		case isKey && col.Unit == report.UnitKey:
			out = append(out, m.code(s))
		case more:
			out = append(out, m.esc(moreCell(row[c], col, m.o.ASCII)))
		default:
			out = append(out, m.esc(human(row[c], col.Unit, m.o.ASCII)))
		}
	}
	return out
}

// notes says what did not run.
func (m *markdown) notes() {
	if g := m.r.Gate; g != nil {
		for _, w := range g.Warnings {
			m.add("\nwarning: " + m.esc(w) + "\n")
		}
	}
	for _, n := range m.r.Target.Notes {
		m.add("\n" + m.esc(n) + "\n")
	}
	for _, s := range m.r.Skipped {
		m.add("\nskipped " + m.esc(s.Name+": "+s.Why) + "\n")
	}
	target := strings.TrimSpace(m.r.Target.Product + " " + m.r.Target.Version)
	if target != "" {
		target = "target " + target + ", "
	}
	m.add("\n" + m.esc(target) + "taken " + m.r.Taken.UTC().Format("2006-01-02T15:04:05Z07:00") + "\n")
}

// longestName is where a name in a table is cut.
const longestName = 120

// code writes a name as code, in which nothing is markup but the characters that end it, the cell or an HTML block.
func (m *markdown) code(s string) string {
	if s == "" {
		return ""
	}
	s = cutMiddle(clean(s, m.o.ASCII), longestName, clean("…", m.o.ASCII))
	return "`" + strings.NewReplacer("`", `\x60`, "|", `\x7c`, "<", `\x3c`, "@", `\x40`).Replace(s) + "`"
}

// emoji is what becomes a picture: :cart: in a name must stay what it is.
var emoji = regexp.MustCompile(`:([A-Za-z0-9_+-]+):`)

// esc escapes text so that none of it is markup, a mention or a picture.
func (m *markdown) esc(s string) string {
	s = strings.NewReplacer(
		"&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "&#64;", `\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`,
		"|", `\|`, "$", `\$`, "~", `\~`, "#", `\#`, "!", `\!`,
	).Replace(clean(s, m.o.ASCII))
	return emoji.ReplaceAllString(s, "&#58;$1:")
}

// MarkdownText is text from outside as Markdown in which none of it is markup, a mention or a picture.
func MarkdownText(s string) string { return (&markdown{}).esc(s) }

// MarkdownCode is a name from outside as code in Markdown.
func MarkdownCode(s string) string { return (&markdown{}).code(s) }
