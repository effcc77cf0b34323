package fleet

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/report"
)

func reportOf(severities ...report.Severity) *report.Report {
	r := &report.Report{
		Schema: report.Schema, Kind: report.KindTriage, Coverage: report.Coverage{Complete: true},
		Target: report.Target{Adapter: "redis", URL: "redis://h", Product: "redis", Version: "7.0.15"},
		Sections: []report.Section{
			{Name: "vitals", Title: "Vitals", Metrics: []report.Metric{{Name: "commands", Value: report.Number(7), Unit: report.UnitRate}}},
			{Name: "commands", Title: "Commands", Tables: []report.Table{{Name: "commands", Columns: []report.Column{{Name: "command"}}}}},
		},
	}
	for i, s := range severities {
		r.Findings = append(r.Findings, report.Finding{Rule: fmt.Sprintf("TR%03d", i), Severity: s, Subject: "server", Message: "m"})
	}
	return r
}

func target(name string, state State, r *report.Report) Target {
	t := Target{Name: name, State: state}
	if state != OK {
		t.Why = "why of " + name
	}
	if r != nil {
		t.Keep(r)
	}
	return t
}

// TestWorstFirst holds the order of rows against what somebody who is woken up wants to see first.
func TestWorstFirst(t *testing.T) {
	e, w, i := report.Error, report.Warning, report.Info
	targets := []Target{
		target("@well", OK, reportOf()),
		target("@unseen", Waiting, nil),
		target("@info", OK, reportOf(i)),
		target("@warned", OK, reportOf(w, w, i)),
		target("@half", Partial, reportOf()),
		target("@bad", OK, reportOf(e, w)),
		target("@worse", Partial, reportOf(e, e)),
		target("@dead", NoAccess, nil),
		target("@typo", Mistake, nil),
		target("@bug", Crashed, nil),
	}
	r := Collect(Look{Name: "@*", Kind: report.KindTriage}, targets)
	judged, _ := report.Judge(r, nil, report.Policy{FailOn: report.Error})
	Rank(judged, targets)
	var got []string
	for _, row := range judged.Sections[0].Tables[0].Rows {
		name, _ := row[0].Text()
		state, _ := row[1].Text()
		got = append(got, name+" "+state)
	}
	want := "@dead no access, @bug crashed, @typo mistake, @worse partial, @bad failed, @warned ok, @half partial, @unseen not begun, @info ok, @well ok"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("rows\n%s\nwant\n%s", s, want)
	}
	if judged.Coverage.Complete || judged.Gate.Verdict != report.Fail {
		t.Errorf("complete %v, gate %+v", judged.Coverage.Complete, judged.Gate)
	}
	if err := judged.Check(); err != nil {
		t.Error(err)
	}
}

// TestCollect holds a fleet of any targets against its laws: every target has one row and one report, whatever became of it; no finding
// is lost or counted twice; what is kept is bounded; and the report is one that is read again.
func TestCollect(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var targets []Target
		want := map[string][3]int{}
		for n := range rapid.IntRange(0, 12).Draw(t, "targets") {
			name := fmt.Sprintf("@t%d", n)
			state := rapid.SampledFrom([]State{OK, Partial, NoAccess, Mistake, Stopped, Waiting, Crashed}).Draw(t, "state")
			var r *report.Report
			if state == OK || state == Partial {
				r = reportOf(rapid.SliceOfN(rapid.SampledFrom(report.Severities[:]), 0, 2*mostFindings).Draw(t, "findings")...)
				count := [3]int{}
				report.SortFindings(r.Findings)
				for _, f := range r.Findings[:min(len(r.Findings), mostFindings)] {
					count[slices.Index(report.Severities[:], f.Severity)]++
				}
				want[name] = count
			}
			targets = append(targets, target(name, state, r))
		}
		r := Collect(Look{Name: "@*", Kind: report.KindTriage}, targets)
		judged, _ := report.Judge(r, nil, report.Policy{})
		Rank(judged, targets)
		rows := judged.Sections[0].Tables[0].Rows
		if len(rows) != len(targets) || len(judged.Targets) != len(targets) {
			t.Fatalf("%d rows and %d reports of %d targets", len(rows), len(judged.Targets), len(targets))
		}
		total := 0
		for i, row := range rows {
			name, _ := row[0].Text()
			if judged.Targets[i].Target.Name != name {
				t.Errorf("row %d is of %s, its report of %s", i, name, judged.Targets[i].Target.Name)
			}
			count, looked := want[name]
			for s := range count {
				n, known := row[2+s].Number()
				if known != looked || int(n) != count[s] {
					t.Errorf("%s: %v findings of severity %s, known %v; want %d", name, n, report.Severities[s], known, count[s])
				}
				total += count[s]
			}
		}
		if len(judged.Findings) != total {
			t.Errorf("%d findings, want %d", len(judged.Findings), total)
		}
		b, err := json.Marshal(judged)
		if err != nil {
			t.Fatal(err)
		}
		again := &report.Report{}
		if err := json.Unmarshal(b, again); err != nil {
			t.Fatal(err)
		}
		if err := again.Check(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestKeepsNoTables: what is kept of a target has its numbers, and of a target with many servers what they do together.
func TestKeepsNoTables(t *testing.T) {
	r := reportOf()
	kept := target("@a", OK, r).Report
	if len(kept.Sections) != 1 || kept.Sections[0].Name != "vitals" || len(kept.Sections[0].Tables) != 0 {
		t.Errorf("kept %+v", kept.Sections)
	}
	cols := []report.Column{
		{Name: "server", Unit: report.UnitText},
		{Name: "commands", Unit: report.UnitRate},
		{Name: "ping_max", Unit: report.UnitDuration},
		{Name: "used_memory", Unit: report.UnitBytes},
	}
	r.Sections = []report.Section{{Name: "servers", Tables: []report.Table{{Name: "servers", Columns: cols, Rows: [][]report.Value{
		{report.Text("n1"), report.Number(10), report.Number(0.5), report.Null},
		{report.Text("n2"), report.Number(20), report.Number(0.1), report.Null},
		{report.Text("n3"), report.Null, report.Null, report.Null},
	}}}}}
	var got []string
	for _, m := range target("@a", OK, r).Report.Sections[0].Metrics {
		v, _ := m.Value.Number()
		got = append(got, fmt.Sprint(m.Name, " ", v))
	}
	if s := strings.Join(got, ", "); s != "servers 3, commands 30, ping_max 0.5" {
		t.Errorf("kept %s", s)
	}
}

// TestSuppressionOfOne: a suppression that is bound to one target of a fleet accepts nothing in another.
func TestSuppressionOfOne(t *testing.T) {
	targets := []Target{target("@a", OK, reportOf(report.Error)), target("@b", OK, reportOf(report.Error))}
	r := Collect(Look{Name: "@*", Kind: report.KindTriage}, targets)
	judged, _ := report.Judge(r, nil, report.Policy{
		FailOn: report.Error, Suppressions: []report.Suppression{{Rule: "TR000", Match: "server", Target: "@a", Reason: "known"}}, Targets: []string{"@a", "@b"},
	})
	Rank(judged, targets)
	states := map[string]State{}
	for _, t := range targets {
		states[t.Name] = t.State
	}
	if states["@a"] != OK || states["@b"] != Failed {
		t.Errorf("states %v", states)
	}
}
