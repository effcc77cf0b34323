package render

import (
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// The section of a fleet's report that has a row for each target: that of report/fleet.
const fleetSection = "fleet"

// fleetWords say how many targets there are, and what came of them: "12 targets, 9 ok, 2 no access".
func (t *text) fleetWords() []string {
	s := t.r.Section(fleetSection)
	if s == nil {
		return []string{humanize.Counted(int64(len(t.r.Targets)), "target")}
	}
	var out []string
	for i := range s.Metrics {
		m := &s.Metrics[i]
		if m.Name == "targets" {
			n, _ := m.Value.Number()
			out = append(out, humanize.Counted(int64(n), "target"))
			continue
		}
		out = append(out, metric(m, t.ascii)+" "+t.clean(strings.ReplaceAll(m.Name, "_", " ")))
	}
	if sec := seconds(t.r.Coverage.Elapsed); sec > 0 {
		out = append(out, t.clean(humanize.Duration(sec)))
	}
	return out
}

// fleet draws a row for each target, whatever came of it, and then what was found.
func (t *text) fleet() {
	for i := range t.r.Sections {
		for j := range t.r.Sections[i].Tables {
			t.gap()
			t.table(&t.r.Sections[i], &t.r.Sections[i].Tables[j])
		}
	}
	t.findings()
}

// fleetNext says how to look at the target that needs it most.
func (t *text) fleetNext() {
	if len(t.r.Targets) == 0 || len(t.r.Findings) == 0 && t.r.Coverage.Complete {
		return
	}
	worst := t.r.Targets[0]
	t.gap()
	command := "audit"
	if worst.Kind == report.KindTriage {
		command = "triage"
	}
	t.items("next", "kvtool "+command+" "+t.clean(worst.Target.Name))
}
