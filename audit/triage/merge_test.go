package triage_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/audit/triage"
	"github.com/kvtool/kvtool/report"
)

// audited is the report of an audit of servers, which the cases are.
func audited(t *testing.T, url string, names ...string) (*report.Report, []string) {
	t.Helper()
	cases := setupCases()
	var all []*triage.Observation
	for _, name := range names {
		place, name, _ := strings.Cut(name, "=")
		c := cases[name]
		o := c.observe(t)
		o.Place = place
		all = append(all, o)
	}
	r := &report.Report{Target: report.Target{Adapter: "redis", URL: url, Product: "redis"}}
	return r, triage.AddSetup(r, all)
}

// ofServers is what a report says of its servers: findings, and the rules that were not judged.
func ofServers(r *report.Report) (findings []string, missing string) {
	for _, f := range r.Findings {
		findings = append(findings, f.Rule+" "+f.Subject)
	}
	slices.Sort(findings)
	if s := r.Section("server_rules"); s != nil {
		for _, m := range s.Metrics {
			if m.Name == "rules_not_evaluated" {
				missing, _ = m.Value.Text()
			}
		}
	}
	return findings, missing
}

// TestMergeSetup: of one part the merged report says what the part said; of several, what an audit of all of them at once would have.
func TestMergeSetup(t *testing.T) {
	one, judged := audited(t, "redis://10.0.0.1:6379", "10.0.0.1:6379=no limit")
	alone := &report.Report{}
	if got := triage.MergeSetup(alone, one); !slices.Equal(got, judged) {
		t.Errorf("judged %q, want %q", got, judged)
	}
	if got, want := fmt.Sprint(ofServers(alone)), fmt.Sprint(ofServers(one)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if len(alone.Sections) != 1 || fmt.Sprint(alone.Sections) != fmt.Sprint(one.Sections) {
		t.Errorf("%+v\nwant %+v", alone.Sections, one.Sections)
	}

	other, _ := audited(t, "redis://10.0.0.2:6379", "10.0.0.2:6379=KEYS")
	many, _ := audited(t, "redis+cluster://10.0.0.3:6379", "10.0.0.3:6379=well", "10.0.0.4:6379=no limit")
	all, want := audited(t, "", "10.0.0.1:6379=no limit", "10.0.0.2:6379=KEYS", "10.0.0.3:6379=well", "10.0.0.4:6379=no limit")
	merged := &report.Report{}
	if got := triage.MergeSetup(merged, one, other, many); !slices.Equal(got, want) {
		t.Errorf("judged %q, want %q", got, want)
	}
	if got, want := fmt.Sprint(ofServers(merged)), fmt.Sprint(ofServers(all)); got != want || len(merged.Findings) < 3 {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got, want := fmt.Sprint(merged.Section("server_rules")), fmt.Sprint(all.Section("server_rules")); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}

	unseen := &report.Report{Target: report.Target{URL: "redis://10.0.0.9:6379", Product: "redis"}}
	part := &report.Report{}
	if got := triage.MergeSetup(part, one, unseen); got != nil {
		t.Errorf("judged %q, although nobody has looked at one of two", got)
	}
	if found, missing := ofServers(part); len(found) == 0 || !strings.Contains(missing, "SV001") || !strings.Contains(fmt.Sprint(part.Sections), "10.0.0.9:6379 did not look") {
		t.Errorf("%q, not evaluated %q", found, missing)
	}
	dump := &report.Report{}
	if triage.MergeSetup(dump, &report.Report{Target: report.Target{URL: "rdb:a.rdb"}}) != nil || dump.Sections != nil {
		t.Errorf("of dumps: %+v", dump.Sections)
	}
}
