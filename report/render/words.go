package render

import "github.com/kvtool/kvtool/report"

// What other renderers for people (the dashboard) share with text, so that a number is written and a name is cleaned in one way.

// Human writes a value for people, scaled by its unit and fit to print; what is not known is "-".
func Human(v report.Value, u report.Unit, ascii bool) string { return human(v, u, ascii) }

// HumanMetric writes a metric for people, with its interval if it is an estimate.
func HumanMetric(m *report.Metric, ascii bool) string { return metric(m, ascii) }

// Columns returns how wide s is on a terminal.
func Columns(s string) int { return columns(s) }

// Cut shortens s to at most width columns at its end, which then is an ellipsis.
func Cut(s string, width int, ascii bool) string { return cutEnd(s, width, clean("…", ascii)) }

// CutMiddle shortens s to at most width columns by leaving out its middle, as names are cut.
func CutMiddle(s string, width int, ascii bool) string {
	return cutMiddle(s, width, clean("…", ascii))
}

// Wrap breaks s at spaces into lines of at most width columns.
func Wrap(s string, width int) []string { return wrap(s, width) }

// Apply returns r with its keys shown as m says, and leaves r alone.
func (m KeyMode) Apply(r *report.Report) *report.Report { return m.apply(r) }

// Present reports whether f counts as found: what is fixed is no longer so, and what is suppressed was accepted.
func Present(f *report.Finding) bool { return present(f) }

// Tally counts the findings that are present by severity, in the order of report.Severities.
func Tally(r *report.Report) [len(report.Severities)]int { return tally(r) }

// StatusWord is a finding's status for a person: "NEW", "WORSENED +14%"; empty where nothing was compared.
func StatusWord(f *report.Finding) string { return statusWord(f) }
