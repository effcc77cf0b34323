package render

import (
	"fmt"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// budgets draws the limits that were set, each with its verdict.
//
//	BUDGETS             limit       base       head
//	  bytes/uid      8.00 KiB   6.10 KiB   8.90 KiB   FAIL +11%
func (t *text) budgets() {
	if t.r.Gate == nil || len(t.r.Gate.Checks) == 0 {
		return
	}
	checks := t.r.Gate.Checks
	if report.LimitsWord(checks) == thresholds {
		t.thresholds(checks)
		return
	}
	name, head := len("BUDGETS"), budgetNumber
	for i := range checks {
		name = max(name, 2+columns(t.clean(checks[i].Name)))
		head = max(head, 2+columns(budgetHead(&checks[i], t.ascii)))
	}
	widths := []int{min(name, t.width/3), budgetNumber, budgetNumber, head}
	t.gap()
	t.line(span{budgetLine([]string{"BUDGETS", "limit", "base", "head"}, widths), bold})
	for i := range checks {
		t.budget(&checks[i], widths)
	}
}

// thresholds is the word for limits of a run, which are what they say: their names hold the limit.
const thresholds = "thresholds"

// thresholds draws what was asked of a run, each with what came of it.
//
//	THRESHOLDS
//	  ok    p99 < 5ms       2.41 ms
//	  FAIL  p99.9 < 8ms     8.70 ms   +8.8%
func (t *text) thresholds(checks []report.Check) {
	word, name, head := 0, 0, 0
	for i := range checks {
		w, _ := thresholdWord(&checks[i])
		word, name = max(word, columns(w)), max(name, columns(t.clean(checks[i].Name)))
		head = max(head, columns(budgetHead(&checks[i], t.ascii)))
	}
	name = min(name, t.width/2)
	t.gap()
	t.line(span{"THRESHOLDS", bold})
	for i := range checks {
		c := &checks[i]
		w, st := thresholdWord(c)
		said := strings.Join(notEmpty(overBy(c), t.clean(c.Why)), "   ")
		lead := pad(cutMiddle(t.clean(c.Name), name, t.mark), name) + "  " + padLeft(budgetHead(c, t.ascii), head)
		t.line(span{text: "  "}, span{pad(w, word), st}, span{text: "  " + lead}, span{"   " + said, dim})
	}
}

// thresholdWord is a threshold's verdict: "ok", "FAIL", "?".
func thresholdWord(c *report.Check) (string, style) {
	switch c.Verdict {
	case report.Pass:
		return "ok", plain
	case report.Fail:
		return "FAIL", red
	}
	return "?", yellow
}

// budgetNumber is the least width of a number of a budget.
const budgetNumber = 11

// budgetLine puts a name and three numbers into their columns.
func budgetLine(cells []string, widths []int) string {
	line := pad(cells[0], widths[0])
	for i, cell := range cells[1:] {
		line += padLeft(cell, widths[i+1])
	}
	return line
}

// budget draws one budget. The reason stands behind it where there is room.
func (t *text) budget(c *report.Check, widths []int) {
	name := "  " + cutMiddle(t.clean(c.Name), widths[0]-2, t.mark)
	line := budgetLine(append([]string{name}, budgetNumbers(c, t.ascii)...), widths)
	word, st := budgetWord(c)
	why := ""
	if t.width >= rulesFrom && c.Why != "" {
		why = spaces(max(3, 16-columns(word))) + t.clean(c.Why)
	}
	t.line(span{text: line + "   "}, span{word, st}, span{why, dim})
}

// budgetNumbers are the limit of a budget, and what it was and is.
func budgetNumbers(c *report.Check, ascii bool) []string {
	return []string{human(c.Limit, c.Unit, ascii), human(c.Base, c.Unit, ascii), budgetHead(c, ascii)}
}

func budgetHead(c *report.Check, ascii bool) string {
	return metric(&report.Metric{Value: c.Head, Unit: c.Unit, Interval: c.Interval}, ascii)
}

// budgetWord is a budget's verdict: "ok", "FAIL +11%".
func budgetWord(c *report.Check) (string, style) {
	switch {
	case c.Verdict == report.Inconclusive:
		return "INCONCLUSIVE", yellow
	case c.Verdict != report.Fail:
		return "ok", plain
	case c.Level == report.Error:
		return strings.TrimSpace("FAIL " + overBy(c)), red
	}
	return strings.TrimSpace("warn " + overBy(c)), yellow
}

// overBy says how far a budget is overdrawn: as a share of its limit, of a share in percentage points; or how much it has grown
// where only that is limited.
func overBy(c *report.Check) string {
	limit, _ := c.Limit.Number()
	head, _ := c.Head.Number()
	over, isOver := c.Over()
	grown, hasGrown := c.Delta.Number()
	switch {
	case isOver && c.Unit == report.UnitRatio:
		return fmt.Sprintf("+%.1fpp", 100*(head-limit))
	case isOver:
		return "+" + humanize.Ratio(over)
	case hasGrown && grown > 0:
		return "+" + humanize.Ratio(grown) + " grown"
	}
	return ""
}
