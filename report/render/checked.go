package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// A report that a keys.yaml had a part in is read by somebody who will edit that file: its findings begin with the line.

// designed reports whether that is how the findings are to be shown.
func (t *text) designed() bool {
	return t.judged() || slices.ContainsFunc(t.r.Findings, func(f report.Finding) bool { return f.Pos.Line > 0 })
}

// judged reports whether the report is of a keys.yaml in the first place, and of a store at most in the second.
func (t *text) judged() bool { return t.r.Kind == report.KindLint || t.r.Kind == report.KindCheck }

// designHead is one line about what was judged, and by what.
func (t *text) designHead() {
	var items []string
	if d := t.r.Design; d != nil {
		items = append(items, t.clean(strings.Join(d.Files, " ")), humanize.Counted(int64(d.Templates), "template"), humanize.Counted(int64(d.Rules), "rule"))
	}
	if t.r.Kind == report.KindCheck {
		items = append(items, fmt.Sprintf("%s (%s)", t.clean(t.r.Target.URL), humanize.Counted(t.r.Coverage.Keys, "key")))
	}
	if g := t.r.Gate; g != nil {
		items = append(items, "fail-on: "+failOn(g))
	}
	t.labelled(span{}, 3, items)
}

// failOn says what fails a gate: "error (new, worsened, expired)".
func failOn(g *report.Gate) string {
	if g.FailOn == "" || len(g.Statuses) == 0 {
		return g.FailOn.String()
	}
	var words []string
	for _, s := range g.Statuses {
		words = append(words, string(s))
	}
	return g.FailOn.String() + " (" + strings.Join(words, ", ") + ")"
}

// blocks draws each finding as a line and, indented below it, what it says and what to do.
//
//	keys.yaml:14  E KD061 ttl-less-keys   session:{uid}       NEW
//	    ttl 24h declared, none on 100% of 4,601 keys
//	    fix: SET k v EX 86400
func (t *text) blocks(fs []report.Finding) {
	l := t.blockLayout(fs)
	for i := range fs {
		f := &fs[i]
		t.line(
			span{text: pad(cutMiddle(t.clean(where(f.Pos)), l.place, t.mark), l.place) + spaces(min(2, l.place))},
			span{letter(f.Severity), severityStyle(f.Severity)},
			span{text: " " + pad(t.ruleTitle(f, l), l.rule) + " "},
			span{text: pad(cutMiddle(t.clean(f.Subject), l.subject, t.mark), l.subject) + " "},
			span{padLeft(statusWord(f), l.status), bold})
		t.indented(f.Message)
		if f.Fix != "" {
			t.indented("fix: " + f.Fix)
		}
		if f.Note != "" {
			t.indented("note: " + f.Note)
		}
	}
}

// indented writes what belongs to the line above.
func (t *text) indented(words string) { t.labelled(span{text: "    "}, 1, []string{t.clean(words)}) }

// A blockLayout is the widths of the columns of a finding's line. Where it is narrow the names of rules are left out.
type blockLayout struct {
	place, rule, subject, status int
	short                        bool // rules by their numbers
}

// fewestSubject is how much of a subject must be seen.
const fewestSubject = 16

func (t *text) blockLayout(fs []report.Finding) blockLayout {
	var l blockLayout
	for _, short := range []bool{false, true} {
		l = blockLayout{short: short}
		for i := range fs {
			f := &fs[i]
			l.place = max(l.place, columns(t.clean(where(f.Pos))))
			l.rule = max(l.rule, columns(t.ruleTitle(f, l)))
			l.subject = max(l.subject, columns(t.clean(f.Subject)))
			l.status = max(l.status, columns(statusWord(f)))
		}
		l.place = min(l.place, t.width/3)
		room := t.width - l.place - min(2, l.place) - 2 - l.rule - 2 - l.status
		if room >= min(l.subject, fewestSubject) {
			l.subject = min(l.subject, room)
			return l
		}
		l.subject = max(1, room)
	}
	return l
}

func (t *text) ruleTitle(f *report.Finding, l blockLayout) string {
	if l.short {
		return t.clean(f.Rule)
	}
	return t.clean(t.o.ruleTitle(f.Rule))
}

// rowsOf draws the findings as a table, for a wide terminal.
func (t *text) rowsOf(fs []report.Finding) {
	g := &grid{rows: len(fs), cols: []gridColumn{
		{title: "LOCATION", cut: true},
		{title: "SEV"},
		{title: "RULE"},
		{title: "SUBJECT", cut: true},
		{title: "STATUS"},
		{title: "MEASURED"},
	}}
	for i := range fs {
		f := &fs[i]
		says := t.clean(f.Message)
		if f.Fix != "" {
			says += "; fix: " + t.clean(f.Fix)
		}
		for c, cell := range []string{
			t.clean(where(f.Pos)), letter(f.Severity), t.clean(t.o.ruleTitle(f.Rule)), t.clean(f.Subject), statusWord(f), says,
		} {
			g.cols[c].cells = append(g.cols[c].cells, cell)
		}
	}
	empty := func(c gridColumn) bool {
		return !slices.ContainsFunc(c.cells, func(s string) bool { return s != "" })
	}
	g.cols = slices.DeleteFunc(g.cols, empty)
	g.draw(t.page)
}
