package tui

import (
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/kvtool/kvtool/report"
)

// sampleOf is a report with something for a screen.
func sampleOf(screen string) *report.Report {
	switch screen {
	case report.KindTriage:
		return triageSample()
	case report.KindFleet:
		return fleetSample()
	}
	return sample()
}

// triageSample is why an invented server is slow.
func triageSample() *report.Report {
	r := sample()
	r.Kind, r.Gate, r.Target.Notes = report.KindTriage, nil, nil
	r.Coverage = report.Coverage{Complete: true, Elapsed: report.Duration(10 * time.Second)}
	ratio := func(name string, n float64) report.Metric {
		return report.Metric{Name: name, Value: num(n), Unit: report.UnitRatio}
	}
	share := ratio("share", 0.45)
	r.Findings = []report.Finding{
		{
			Rule: "TR005", Severity: report.Error, Subject: "hgetall", Rank: 1, Message: "HGETALL is asked of large values: 45% of the time in 1.37k calls of 3.30 ms",
			Fix: "read what is needed (HMGET, HSCAN, ranges), and split the value", Avoid: "do not delete the value with DEL", Measure: &share,
			Evidence: []report.Metric{{Name: "calls", Value: num(1370), Unit: report.UnitCount}, {Name: "mean", Value: num(0.0033), Unit: report.UnitDuration}},
			Samples:  []report.Value{text("profile:all"), text(hostile()[0])},
		},
		{Rule: "SV008", Severity: report.Warning, Subject: "server", Rank: 2, Message: "1.6 times the memory that values take: " + hostile()[1], Fix: "restart"},
	}
	r.Skipped = []report.Skip{{Name: "client-buffers", Why: "NOPERM: this user may not run 'client|list'"}, {Name: "slow-log", Why: hostile()[3]}}
	commands := report.Table{Name: "commands", Columns: []report.Column{
		{Name: "command", Unit: report.UnitText},
		{Name: "share", Title: "of the time", Unit: report.UnitRatio, Sum: true},
		{Name: "calls", Title: "calls/s", Unit: report.UnitRate, Sum: true},
		{Name: "mean", Unit: report.UnitDuration},
	}}
	for i, name := range []string{"hgetall", "get", "set", "expire", hostile()[5]} {
		x := 0.45 / float64(int(1)<<i)
		commands.Rows = append(commands.Rows, []report.Value{text(name), num(x), num(137 * float64(i+1)), num(x / 100)})
	}
	r.Sections = []report.Section{
		{Name: "vitals", Title: "Vitals", Tables: []report.Table{}, Metrics: []report.Metric{
			{Name: "commands", Value: num(1370), Unit: report.UnitRate},
			ratio("main_thread", 0.62),
			{Name: "ping_max", Value: num(0.0071), Unit: report.UnitDuration},
			ratio("hit_rate", 0.91),
			{Name: "clients", Value: num(212), Unit: report.UnitCount},
			{Name: "used_memory", Value: num(9.9e9), Unit: report.UnitBytes},
		}},
		{Name: "commands", Title: "Commands", Metrics: []report.Metric{}, Tables: []report.Table{commands}},
	}
	return r
}

// fleetSample is four targets of an invented fleet: one dead, one with causes, one with a name to be careful of, and one that is well.
func fleetSample() *report.Report {
	r := triageSample()
	bad := triageSample()
	tab := report.Table{Name: "targets", Columns: []report.Column{
		{Name: "target", Unit: report.UnitText},
		{Name: "state", Unit: report.UnitText},
		{Name: "error", Title: "E", Unit: report.UnitCount, Sum: true},
		{Name: "warning", Title: "W", Unit: report.UnitCount, Sum: true},
		{Name: "worst", Title: "what", Unit: report.UnitText},
		{Name: "commands", Title: "cmd/s", Unit: report.UnitRate, Sum: true, Rank: 2},
		{Name: "url", Unit: report.UnitText, Rank: 8},
	}}
	r.Kind, r.Target = report.KindFleet, report.Target{Adapter: "fleet", URL: "@prod-*"}
	r.Coverage.Complete, r.Coverage.Why = false, []string{"no access: 1 of 4 targets: @prod-dead"}
	r.Findings, r.Skipped = nil, nil
	for i, name := range []string{"@prod-dead", "@prod-cart", "@prod-queue", hostile()[0]} {
		t := &report.Report{
			Kind: report.KindTriage, Target: bad.Target, Coverage: report.Coverage{Complete: true}, Sections: bad.Sections[:1],
		}
		t.Target.Name = name
		row := []report.Value{text(name), text("ok"), num(0), num(0), report.Null, num(1370), text(bad.Target.URL)}
		switch i {
		case 0:
			t.Coverage = report.Coverage{Why: []string{"kv-1.prod:6379 refuses the connection"}}
			t.Sections = nil
			row = []report.Value{text(name), text("no access"), report.Null, report.Null, text(t.Coverage.Why[0]), report.Null, text(bad.Target.URL)}
		case 1:
			t.Findings = bad.Findings
			row[2], row[3], row[4] = num(1), num(1), text("TR005 "+bad.Findings[0].Message)
		}
		tab.Rows = append(tab.Rows, row)
		r.Targets = append(r.Targets, t)
		for _, f := range t.Findings {
			f.Scope = name
			r.Findings = append(r.Findings, f)
		}
	}
	counted := func(name string, n float64) report.Metric {
		return report.Metric{Name: name, Value: num(n), Unit: report.UnitCount}
	}
	r.Sections = []report.Section{{
		Name: "fleet", Title: "Targets", Metrics: []report.Metric{counted("targets", 4), counted("ok", 3), counted("no_access", 1)}, Tables: []report.Table{tab},
	}}
	return r
}

// TestFirstScreen: a report of a triage or of a fleet is opened on what it is about, any other on the first screen; and each target of a
// fleet can be gone to.
func TestFirstScreen(t *testing.T) {
	for kind, want := range map[string]string{report.KindTriage: "Causes", report.KindFleet: "Targets", "": "By template"} {
		frame, err := Frame(options(sampleOf(kind)), 100, 30)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strip(frame), want) {
			t.Errorf("a report of kind %q opens without %q:\n%s", kind, want, strip(frame))
		}
	}
	m, err := New(options(fleetSample()))
	if err != nil {
		t.Fatal(err)
	}
	m.Update(tea.WindowSizeMsg{Width: 120, Height: 40})
	if first := strip(m.frame()); !strings.Contains(first, "refuses the connection") {
		t.Errorf("the dead target does not say why:\n%s", first)
	}
	m.Update(tea.KeyPressMsg{Code: 'j', Text: "j"})
	if second := strip(m.frame()); !strings.Contains(second, "read what is needed") {
		t.Errorf("the second target does not say what to do:\n%s", second)
	}
	if i := slices.IndexFunc(m.all, func(s screen) bool { return s.name == "fleet" }); m.screen != i {
		t.Errorf("screen %d, want %d", m.screen, i)
	}
}
