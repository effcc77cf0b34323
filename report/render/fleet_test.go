package render

import (
	"slices"
	"testing"
	"time"

	"github.com/kvtool/kvtool/report"
)

// fleetOfThree is a report of targets of which one is dead, one has findings, and one, with a name to be careful of, is well.
func fleetOfThree() *report.Report {
	taken := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	one := func(name string, complete bool, why ...string) *report.Report {
		return &report.Report{
			Schema: report.Schema, Kind: report.KindTriage, Tool: report.Tool{Name: "kvtool", Version: "v0.1.0"}, Taken: taken,
			Target:   report.Target{Adapter: "redis", Name: name, URL: "redis://cart-1:6379", Facts: []report.Fact{}},
			Coverage: report.Coverage{Complete: complete, Why: why}, Sections: []report.Section{}, Findings: []report.Finding{}, Skipped: []report.Skip{},
		}
	}
	r := one("", false, "no access: 1 of 3 targets: @prod-dead")
	r.Kind, r.Target.Adapter, r.Target.URL = report.KindFleet, "fleet", "@prod-*"
	r.Coverage.Elapsed = report.Duration(10 * time.Second)
	r.Targets = []*report.Report{one("@prod-dead", false, "cart-1:6379 refuses the connection"), one("@prod-cart", true), one(hostile[0], true)}
	r.Findings = []report.Finding{
		{
			Rule: "TR005", Severity: report.Error, Scope: "@prod-cart", Subject: "hgetall", Message: "HGETALL is asked of large values: 45% of the time in 1.37k calls of 3.30 ms",
			Measure: &report.Metric{Name: "share", Value: report.Number(0.45), Unit: report.UnitRatio}, Fix: "read what is needed", Samples: []report.Value{report.Text("profile:all")},
		},
		{Rule: "SV008", Severity: report.Warning, Scope: "@prod-cart", Subject: "server", Message: "memory is fragmented"},
	}
	r.Targets[1].Findings = slices.Clone(r.Findings)
	n := report.Null
	r.Sections = []report.Section{{
		Name: "fleet", Title: "Targets",
		Metrics: []report.Metric{
			{Name: "targets", Value: report.Number(3), Unit: report.UnitCount},
			{Name: "ok", Value: report.Number(1), Unit: report.UnitCount},
			{Name: "failed", Value: report.Number(1), Unit: report.UnitCount},
			{Name: "no_access", Value: report.Number(1), Unit: report.UnitCount},
		},
		Tables: []report.Table{{
			Name: "targets", Columns: []report.Column{
				{Name: "target", Unit: report.UnitText},
				{Name: "state", Unit: report.UnitText},
				{Name: "error", Title: "E", Unit: report.UnitCount, Sum: true},
				{Name: "warning", Title: "W", Unit: report.UnitCount, Sum: true},
				{Name: "worst", Title: "what", Unit: report.UnitText},
				{Name: "commands", Title: "cmd/s", Unit: report.UnitRate, Sum: true, Rank: 2},
			},
			Rows: [][]report.Value{
				{report.Text("@prod-dead"), report.Text("no access"), n, n, report.Text("cart-1:6379 refuses the connection"), n},
				{
					report.Text("@prod-cart"), report.Text("failed"), report.Number(1), report.Number(1),
					report.Text("TR005 HGETALL is asked of large values: 45% of the time in 1.37k calls of 3.30 ms"), report.Number(1370),
				},
				{report.Text(hostile[0]), report.Text("ok"), report.Number(0), report.Number(0), n, report.Number(5)},
			},
		}},
	}}
	return r
}

// TestFleet holds a report of several targets against what it was, in the formats that say something of each target.
func TestFleet(t *testing.T) {
	r := judged(fleetOfThree(), report.Error)
	for name, o := range map[string]Options{"text": {Exit: 3}, "brief": {}, "md": {}, "prom": {}, "junit": {}, "github": {}, "csv": {}} {
		golden(t, "fleet-"+name+".txt", render(t, name, r, o))
	}
	for _, keys := range KeyModes() {
		if err := validate(t, render(t, "json", r, Options{Keys: KeyMode(keys)})); err != nil {
			t.Error(err)
		}
	}
	again, err := ReadHTML(render(t, "html", r, Options{}))
	if err != nil || len(again.Targets) != 3 {
		t.Errorf("a page of a fleet holds %d targets: %v", len(again.Targets), err)
	}
}
