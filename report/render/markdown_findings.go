package render

import (
	"slices"
	"strings"

	"github.com/kvtool/kvtool/report"
)

// findingTable writes findings as a table. Columns that would be empty are left out.
func (m *markdown) findingTable(fs []report.Finding) {
	rows := make([][]string, len(fs))
	for i := range fs {
		rows[i] = m.findingCells(&fs[i])
	}
	heads := []string{" ", " Rule ", " Line ", " Subject ", " Finding ", " Measure ", " Status "}
	rules := []string{"---", "---", "---", "---", "---", "---:", "---"}
	var kept []int
	for c := range heads {
		optional := c == lineColumn || c == statusColumn
		if !optional || slices.ContainsFunc(rows, func(row []string) bool { return row[c] != "" }) {
			kept = append(kept, c)
		}
	}
	m.add("\n|" + strings.Join(choose(heads, kept), "|") + "|\n|" + strings.Join(choose(rules, kept), "|") + "|\n")
	for _, row := range rows {
		m.add("| " + strings.Join(choose(row, kept), " | ") + " |\n")
	}
}

// The columns of findingTable that may be empty.
const (
	lineColumn   = 2
	statusColumn = 6
)

func (m *markdown) findingCells(f *report.Finding) []string {
	measure, line := "", ""
	if f.Measure != nil {
		measure = metric(f.Measure, m.o.ASCII)
	}
	if f.Pos.Line > 0 {
		line = m.code(where(f.Pos))
	}
	text := m.esc(f.Message)
	if f.Fix != "" {
		text += "<br>fix: " + m.esc(f.Fix)
	}
	if f.Note != "" {
		text += "<br>note: " + m.esc(f.Note)
	}
	return []string{
		letter(f.Severity), m.esc(m.o.ruleTitle(f.Rule)), line, m.code(Subject(f)), text, m.esc(measure), m.esc(statusWord(f)),
	}
}

// choose returns the cells of a row that are kept.
func choose(row []string, kept []int) []string {
	out := make([]string, len(kept))
	for i, c := range kept {
		out[i] = row[c]
	}
	return out
}

// budgets writes the limits that were set as a table.
func (m *markdown) budgets() {
	if m.r.Gate == nil || len(m.r.Gate.Checks) == 0 {
		return
	}
	if report.LimitsWord(m.r.Gate.Checks) == thresholds {
		m.thresholds()
		return
	}
	m.add("\n| Budget | Limit | Base | Head | |\n|---|---:|---:|---:|---|\n")
	for i := range m.r.Gate.Checks {
		c := &m.r.Gate.Checks[i]
		cells := []string{m.code(c.Name)}
		for _, cell := range budgetNumbers(c, m.o.ASCII) {
			cells = append(cells, m.esc(cell))
		}
		word, _ := budgetWord(c)
		if c.Why != "" {
			word += " " + c.Why
		}
		m.add("| " + strings.Join(append(cells, m.esc(word)), " | ") + " |\n")
	}
}

// thresholds writes what was asked of a run as a table.
func (m *markdown) thresholds() {
	m.add("\n| Threshold | Measured | |\n|---|---:|---|\n")
	for i := range m.r.Gate.Checks {
		c := &m.r.Gate.Checks[i]
		word, _ := thresholdWord(c)
		said := strings.Join(notEmpty(word, overBy(c), c.Why), " ")
		m.add("| " + strings.Join([]string{m.code(c.Name), m.esc(budgetHead(c, m.o.ASCII)), m.esc(said)}, " | ") + " |\n")
	}
}
