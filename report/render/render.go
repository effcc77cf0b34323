// Package render writes a report: as text for people, and in the formats that other programs read. It owns how things
// look; what is true was decided before.
//
// The one idea is that a renderer knows only the words of package report. Sections, metrics and tables are drawn by what
// they are (a name, a unit, a column that adds up), never by which analysis made them, so a new analysis needs no change
// here. Key names are hostile bytes: whatever a person's terminal or browser interprets goes through one sanitiser.
package render

import (
	"errors"
	"io"

	"github.com/kvtool/kvtool/report"
)

// A Format is one way to write a report.
type Format struct {
	Name string
	Doc  string
	// Keys is how much of a key's name the format shows where the user does not say.
	Keys  KeyMode
	Write func(w io.Writer, r *report.Report, o Options) error
	// Caveats says what a user should know of a report in this format; nil if there is never anything.
	Caveats func(r *report.Report) []string
}

// Formats lists every format. To add one, write its function and add its line here.
func Formats() []Format {
	return []Format{
		{"text", "tables for a terminal", KeysFull, Text, nil},
		{"brief", "at most 12 lines without key names, to paste into a chat", KeysTemplate, Brief, nil},
		{"json", "the whole report, one document", KeysFull, JSON, nil},
		{"jsonl", "one metric, row or finding a line", KeysFull, JSONL, nil},
		{"csv", "one section's table (--section)", KeysFull, CSV, nil},
		{"md", "Markdown for a ticket or a pull request", KeysTemplate, Markdown, nil},
		{"prom", "Prometheus text for a textfile collector", KeysTemplate, Prometheus, nil},
		{"sarif", "SARIF 2.1.0 for code scanning", KeysTemplate, SARIF, sarifCaveat},
		{"junit", "JUnit XML: rules as suites", KeysTemplate, JUnit, nil},
		{"gitlab", "GitLab code quality", KeysTemplate, GitLab, gitlabCaveat},
		{"github", "GitHub workflow commands, behind text on stdout", KeysTemplate, GitHub, nil},
		{"html", "one page with pictures, for a browser, a ticket and paper", KeysTemplate, HTML, nil},
		{"svg", "pictures of a report's tables, heat maps among them", KeysTemplate, SVG, nil},
	}
}

// Options say how a report is to look. The zero value is text of 80 columns in full, without colour.
type Options struct {
	Width   int            // columns of text; 0 is 80, and less than 60 is 60
	Top     int            // rows of a table and findings; 0 is each format's own choice
	Color   bool           // ANSI colours, which never carry a meaning alone
	ASCII   bool           // no byte over 127
	Quiet   bool           // text: the verdict only
	Keys    KeyMode        // "" shows full names
	Section string         // text and csv: only this section, or section.table
	All     bool           // findings that are existing, fixed or suppressed as well
	Rules   []*report.Rule // what the rules are called and mean, for formats that say it
	Command string         // html: the line that made the report, without secrets
	Exit    int            // the exit code that a failed or inconclusive gate leads to, to be named beside it
}

// ErrNoSection marks a Section that the report does not have.
var ErrNoSection = errors.New("no such section")

// width returns the columns to use.
func (o Options) width() int {
	switch {
	case o.Width == 0:
		return 80
	case o.Width < 60:
		return 60
	}
	return o.Width
}
