package render

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/report"
)

// findingsSection is the name under which CSV writes the findings.
const findingsSection = "findings"

// CSV writes one section: its first table, or the one that is named after a dot, or its metrics if it has no table.
// Numbers are unscaled. Names are sanitised, and one that a spreadsheet would take for a formula gets an apostrophe: JSON
// is the format that loses no byte.
func CSV(w io.Writer, r *report.Report, o Options) error {
	r = o.Keys.apply(r)
	rows, err := csvRows(r, o.Section)
	if err != nil {
		return err
	}
	bw := bufio.NewWriter(w)
	cw := csv.NewWriter(bw)
	if err := cw.WriteAll(rows); err != nil {
		return err
	}
	return bw.Flush()
}

func csvRows(r *report.Report, name string) ([][]string, error) {
	if name == "" {
		name = mainSection(r)
	}
	if name == findingsSection {
		return findingRows(r), nil
	}
	section, table, _ := strings.Cut(name, ".")
	s := r.Section(section)
	if s == nil {
		return nil, noSection(r, section)
	}
	if table == "" && len(s.Tables) == 0 {
		return metricRows(s), nil
	}
	i := slices.IndexFunc(s.Tables, func(t report.Table) bool { return table == "" || t.Name == table })
	if i < 0 {
		return nil, noTable(s, table)
	}
	return tableRows(&s.Tables[i]), nil
}

// mainSection is what CSV shows unless asked for another: the templates, the first section with a table in a report that
// has no templates, else the findings. These are what lint is about.
func mainSection(r *report.Report) string {
	if r.Kind == report.KindLint {
		return findingsSection
	}
	if r.Section("templates") != nil {
		return "templates"
	}
	for i := range r.Sections {
		if len(r.Sections[i].Tables) > 0 {
			return r.Sections[i].Name
		}
	}
	return findingsSection
}

// noTable says which tables a section has.
func noTable(s *report.Section, name string) error {
	var names []string
	for i := range s.Tables {
		names = append(names, s.Name+"."+s.Tables[i].Name)
	}
	if names == nil {
		return fmt.Errorf("%w: %s has no table %q, nor any other", ErrNoSection, s.Name, name)
	}
	return fmt.Errorf("%w: %s has no table %q; this report has %s", ErrNoSection, s.Name, name, strings.Join(names, ", "))
}

// noSection says which sections there are.
func noSection(r *report.Report, name string) error {
	var names []string
	for i := range r.Sections {
		names = append(names, r.Sections[i].Name)
	}
	return fmt.Errorf("%w: %q; this report has %s", ErrNoSection, name, strings.Join(append(names, findingsSection), ", "))
}

func tableRows(t *report.Table) [][]string {
	head := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		head[i] = c.Name
	}
	rows := [][]string{head}
	for _, row := range t.Rows {
		rows = append(rows, cells(row))
	}
	return rows
}

func metricRows(s *report.Section) [][]string {
	rows := [][]string{{"name", "value", "unit"}}
	for _, m := range s.Metrics {
		rows = append(rows, []string{cell(report.Text(m.Name)), cell(m.Value), string(m.Unit)})
	}
	return rows
}

func findingRows(r *report.Report) [][]string {
	rows := [][]string{{"rule", "severity", "subject", "message", "measure", "unit", "fingerprint", "fix", "status", "file", "line", "note"}}
	for i := range r.Findings {
		f := &r.Findings[i]
		var value, line report.Value
		var unit report.Unit
		if f.Measure != nil {
			value, unit = f.Measure.Value, f.Measure.Unit
		}
		if f.Pos.Line > 0 {
			line = report.Number(f.Pos.Line)
		}
		rows = append(rows, cells([]report.Value{
			report.Text(f.Rule), report.Text(string(f.Severity)), report.Text(f.Subject), report.Text(f.Message), value,
			report.Text(string(unit)), report.Text(f.Fingerprint()), report.Text(f.Fix),
			report.Text(string(f.Status)), report.Text(f.Pos.File), line, report.Text(f.Note),
		}))
	}
	return rows
}

func cells(row []report.Value) []string {
	out := make([]string, len(row))
	for i, v := range row {
		out[i] = cell(v)
	}
	return out
}

// cell writes a value. A negative number is a number; text is guarded, since a spreadsheet or a terminal may show it.
func cell(v report.Value) string {
	s, isText := v.Text()
	if !isText {
		return raw(v)
	}
	guard := ""
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		guard = "'"
	}
	return guard + cleanWhole(s, false)
}
