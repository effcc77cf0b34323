package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// open reports whether somebody should look at f now: it is so, nobody has accepted it, and it was not so before.
func open(f *report.Finding) bool {
	return f.Status != report.Existing && present(f)
}

// present reports whether f counts as found: what is fixed is no longer so, and what is suppressed was accepted.
func present(f *report.Finding) bool {
	return f.Status != report.Fixed && f.Status != report.Suppressed
}

// failing reports whether f by itself fails the gate; without one, whether it is an error that is open.
func failing(f *report.Finding, g *report.Gate) bool {
	switch {
	case g == nil:
		return open(f) && f.Severity.AtLeast(report.Error)
	case len(g.Statuses) == 0:
		return open(f) && f.Severity.AtLeast(g.FailOn)
	}
	return g.Fails(f)
}

// shown returns the findings that a person is shown: those that are open, or all of them if that was asked for.
func (o Options) shown(fs []report.Finding) []report.Finding {
	if o.All {
		return fs
	}
	return only(fs, open)
}

// only returns the findings that keep wants, fs itself if it wants all.
func only(fs []report.Finding, keep func(*report.Finding) bool) []report.Finding {
	drop := func(f report.Finding) bool { return !keep(&f) }
	if !slices.ContainsFunc(fs, drop) {
		return fs
	}
	return slices.DeleteFunc(slices.Clone(fs), drop)
}

// statusWord is a status for a person: "NEW", "WORSENED +14%".
func statusWord(f *report.Finding) string {
	word := strings.ToUpper(string(f.Status))
	if g := growth(f); g != "" {
		word += " " + g
	}
	return word
}

// growth says how much the measure of a finding that worsened has grown: "+14%". It is empty if only its severity rose.
func growth(f *report.Finding) string {
	if f.Status != report.Worsened || f.Measure == nil {
		return ""
	}
	head, _ := f.Measure.Value.Number()
	for i := range f.Evidence {
		base, ok := f.Evidence[i].Value.Number()
		if f.Evidence[i].Name == report.BaselineMetric && ok && base > 0 && head > base {
			return "+" + humanize.Ratio(head/base-1)
		}
	}
	return ""
}

// hiddenCounts says what is not among the findings that are shown, and how to see it or to be rid of it.
func (o Options) hiddenCounts(fs []report.Finding) []string {
	var n [len(report.Statuses)]int
	for i := range fs {
		if s := slices.Index(report.Statuses[:], fs[i].Status); s >= 0 {
			n[s]++
		}
	}
	var out []string
	for _, x := range []struct {
		status report.Status
		hint   string
	}{
		{report.Suppressed, ""},
		{report.Existing, " (hidden; --show all)"},
		{report.Fixed, " (prune: --write-baseline)"},
	} {
		count := n[slices.Index(report.Statuses[:], x.status)]
		if count == 0 {
			continue
		}
		if o.All && x.status == report.Existing {
			x.hint = ""
		}
		out = append(out, fmt.Sprintf("%s %s%s", x.status, humanize.Exact(int64(count)), x.hint))
	}
	return out
}
