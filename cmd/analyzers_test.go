package cmd

import (
	"slices"
	"testing"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func TestChoose(t *testing.T) {
	all := analyzers(0)
	for _, c := range []struct{ only, run []string }{
		{nil, analysisNames(all)},
		{[]string{"names"}, []string{"names"}},
		{[]string{"biggest", "biggest"}, []string{"biggest"}},
		{[]string{"types", "sizes"}, []string{"sizes", "types", "biggest"}}, // in the order of sections, not of the flag
	} {
		got, err := choose(all, c.only)
		if err != nil || !slices.Equal(analysisNames(got.run), c.run) || len(got.run)+len(got.out) != len(all) {
			t.Errorf("--only %v: %v and %v (%v), want %v", c.only, analysisNames(got.run), got.out, err, c.run)
		}
	}
}

// Each analysis can be named, and what it brings along exists.
func TestChooseEach(t *testing.T) {
	all := analyzers(0)
	for _, a := range all {
		got, err := choose(all, []string{a.Name})
		if err != nil || len(got.run) != 1+len(companions(a.Name)) {
			t.Errorf("--only %s: %v (%v)", a.Name, analysisNames(got.run), err)
		}
	}
}

// What is not chosen is not asked of the store: a scan for names alone costs no MEMORY USAGE.
func TestChooseNeeds(t *testing.T) {
	got, err := choose(analyzers(0), []string{"names"})
	if err != nil {
		t.Fatal(err)
	}
	var want kv.Field
	for _, a := range got.run {
		want |= a.Needs | a.Uses
	}
	if want != kv.FieldName {
		t.Errorf("--only names asks for %v", want)
	}
}

// A rule that several raise says the same of itself, whoever is asked.
func TestRulesOfSeveral(t *testing.T) {
	seen := map[string]*report.Rule{}
	for _, r := range raised() {
		o := seen[r.ID]
		if o == nil {
			seen[r.ID] = r
			continue
		}
		if o.Name != r.Name || o.Title != r.Title || o.Doc != r.Doc || o.Fix != r.Fix || o.Severity != r.Severity {
			t.Errorf("%s is told in two ways: %q and %q", r.ID, o.Title, r.Title)
		}
		for _, l := range r.Limits {
			if !slices.Contains(o.Limits, l) {
				t.Errorf("%s: the limit %s is not among those that explain tells", r.ID, l.Name)
			}
		}
	}
}
