package render

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/kvtool/kvtool/report"
)

// githubMost is how many annotations of a kind are written. GitHub shows ten of each kind a step; one is left for others.
const githubMost = 9

// GitHub writes workflow commands, which become annotations of a pull request: the worst errors and warnings that are open, and
// one notice of how many more there are.
//
//	::error file=keys.yaml,line=14,title=KD061 ttl-less-keys::session:{uid}: no TTL on 100%25 of 4,601 keys
func GitHub(w io.Writer, r *report.Report, o Options) error {
	r = o.Keys.apply(r)
	b := bufio.NewWriter(w)
	written := map[report.Severity]int{}
	more := unreadTargets(b, r, written)
	for i := range r.Findings {
		f := &r.Findings[i]
		switch {
		case !open(f):
			continue
		case f.Severity == report.Info || written[f.Severity] == githubMost:
			more++
			continue
		}
		written[f.Severity]++
		command(b, string(f.Severity), githubProperties(r, f, o), githubMessage(r, f))
	}
	if more > 0 {
		command(b, "notice", []string{"title=kvtool"}, fmt.Sprintf("%d more findings", more))
	}
	return b.Flush()
}

// unreadTargets writes an error of each target of a fleet that was not read whole, as many as there is room for, and returns how many
// there was none for.
func unreadTargets(w io.Writer, r *report.Report, written map[report.Severity]int) (more int) {
	for _, t := range r.Targets {
		switch {
		case t.Coverage.Complete:
			continue
		case written[report.Error] == githubMost:
			more++
			continue
		}
		written[report.Error]++
		why := t.Target.Name + ": " + strings.Join(t.Coverage.Why, "; ")
		command(w, string(report.Error), []string{"title=kvtool"}, cutEnd(clean(why, false), longestMessage, "…"))
	}
	return more
}

// command writes one workflow command. Its properties are escaped already.
func command(w io.Writer, name string, properties []string, message string) {
	fmt.Fprintf(w, "::%s %s::%s\n", name, strings.Join(properties, ","), githubData.Replace(message))
}

// What a command's message and properties hold escaped, as the runner reads them.
var (
	githubData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func githubProperties(r *report.Report, f *report.Finding, o Options) []string {
	var ps []string
	if p := place(r, f); p.Line > 0 {
		ps = append(ps, "file="+githubProperty.Replace(clean(p.File, false)), fmt.Sprintf("line=%d", p.Line))
	}
	return append(ps, "title="+githubProperty.Replace(clean(o.ruleTitle(f.Rule), false)))
}

func githubMessage(r *report.Report, f *report.Finding) string {
	m := plainMessage(r, f)
	if g := growth(f); g != "" {
		m += " (worsened " + strings.TrimPrefix(g, "+") + ")"
	}
	return m
}
