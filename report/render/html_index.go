package render

import (
	_ "embed"
	"html/template"
	"io"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

//go:embed index.html
var indexHTML string

// An Entry is a report in a list of them, or why it cannot be read.
type Entry struct {
	Name   string // of its file
	Link   string // to its page
	Report *report.Report
	Err    error // with a report: what is damaged
}

type indexRow struct {
	Link, Name, Kind, Subject, Taken, Says string
	Verdict                                *htmlCount
}

// HTMLIndex writes a page that lists reports. It needs no other file and no script.
func HTMLIndex(w io.Writer, entries []Entry, o Options) error {
	t, err := template.New("index").Parse(indexHTML)
	if err != nil {
		return err
	}
	style, policy := pageStyle()
	rows := make([]indexRow, len(entries))
	for i := range entries {
		rows[i] = newIndexRow(&entries[i], o)
	}
	return t.Execute(w, struct {
		Style           template.CSS
		Policy, Caption string
		Rows            []indexRow
	}{style, policy, humanize.Counted(int64(len(rows)), "report"), rows})
}

func newIndexRow(e *Entry, o Options) indexRow {
	row := indexRow{Name: cutMiddle(clean(e.Name, o.ASCII), longestName, clean("…", o.ASCII))}
	if e.Err != nil {
		row.Says = clean(e.Err.Error(), o.ASCII)
	}
	if e.Report == nil {
		return row
	}
	p := &htmlPage{r: e.Report, o: o, t: &text{r: e.Report, o: o, page: newPage(io.Discard, Options{ASCII: o.ASCII})}}
	row.Link, row.Kind, row.Subject = e.Link, p.clean(e.Report.Kind), p.subject()
	if !e.Report.Taken.IsZero() {
		row.Taken = e.Report.Taken.UTC().Format("2006-01-02 15:04 UTC")
	}
	if g := e.Report.Gate; g != nil {
		word, class := verdictWord(g.Verdict)
		row.Verdict = &htmlCount{Class: class, Big: word}
	}
	if row.Says == "" && p.judgesRules() {
		row.Says = strings.ReplaceAll(counts(e.Report), "   ", ", ")
	}
	return row
}
