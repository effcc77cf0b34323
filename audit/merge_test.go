package audit

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// savedRun runs an audit of the shards and returns it as a file would hold it.
func savedRun(t *testing.T, as []*Analyzer, name string, shards ...string) Saved {
	t.Helper()
	r, err := Run(t.Context(), newPaged(shards...), as, saving(nil))
	if err != nil {
		t.Fatal(err)
	}
	r.Target.URL = "paged:" + name
	return Saved{Name: name + ".kvr", Report: r}
}

// The files of the shards say together what the audit of all of them says, byte for byte, and so do their parts.
func TestMergedFilesEqualTheWhole(t *testing.T) {
	as := Analyzers(Config{Top: 9})
	whole := savedRun(t, as, "", "a", "b", "c", "d").Report
	one, two := savedRun(t, as, "1", "a", "b"), savedRun(t, as, "2", "c")
	three := savedRun(t, as, "3", "d")
	all, err := Merge(as, one, two, three)
	if err != nil {
		t.Fatal(err)
	}
	some, err := Merge(as, two, three)
	if err != nil {
		t.Fatal(err)
	}
	nested, err := Merge(as, one, Saved{Name: "some", Report: some})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*report.Report{all, nested} {
		r.Target = whole.Target
		r.Parts, whole.Parts = withoutStore(r.Parts), withoutStore(whole.Parts)
		if got, want := text(t, r), text(t, whole); got != want {
			t.Fatalf("merged it says\n%s\nand whole\n%s", got, want)
		}
	}
}

func withoutStore(parts []report.Part) []report.Part {
	if n := len(parts) - 1; n >= 0 && parts[n].Analyzer == report.StorePart {
		return parts[:n]
	}
	return parts
}

func TestMergeAddsUpStores(t *testing.T) {
	as := Analyzers(Config{})
	a, b := savedRun(t, as, "a", "a"), savedRun(t, as, "b", "b")
	for _, s := range []Saved{a, b} {
		bas, err := loadStore(s.Parts)
		if err != nil {
			t.Fatal(err)
		}
		bas.info.Target, bas.info.Memory = s.Target.URL, 1<<20
		bas.info.Ledger = []kv.Line{{Name: "main_dict", Bytes: 1000, How: kv.Measured}}
		p, err := saveStore(bas)
		if err != nil {
			t.Fatal(err)
		}
		s.Parts[len(s.Parts)-1] = p
	}
	b.Taken = b.Taken.Add(time.Hour)
	r, err := Merge(as, b, a)
	if err != nil {
		t.Fatal(err)
	}
	if *r.Target.Memory != 2<<20 || r.Target.URL != "paged:b, paged:a" || r.Coverage.Keys != 2000 || *r.Coverage.Of != 2000 {
		t.Errorf("%+v, %+v", r.Target, r.Coverage)
	}
	if !r.Taken.Equal(frozen) || !strings.Contains(strings.Join(r.Target.Notes, " "), "between 2026-01-15T12:00:00Z and 2026-01-15T13:00:00Z") {
		t.Errorf("taken %v, notes %q", r.Taken, r.Target.Notes)
	}
	s := r.Section("memory")
	if s == nil || !strings.Contains(text(t, &report.Report{Sections: []report.Section{*s}}), `"main dict",`) {
		t.Errorf("the memory of the stores is not accounted for: %+v", s)
	}
}

func TestMergeRefuses(t *testing.T) {
	as := Analyzers(Config{})
	a := savedRun(t, as, "a", "a")
	bare := *savedRun(t, as, "b", "b").Report
	bare.Parts = nil
	damaged := savedRun(t, as, "c", "c")
	damaged.Parts[0].Data = damaged.Parts[0].Data[:3]
	for want, b := range map[string]Saved{
		"b.kvr holds a report and nothing that could be merged":   {Name: "b.kvr", Report: &bare},
		"a.kvr and again.kvr hold the same audit":                 {Name: "again.kvr", Report: a.Report},
		"a.kvr holds the analysis totals and less.kvr does not":   {Name: "less.kvr", Report: savedRun(t, as[1:], "b", "b").Report},
		"a.kvr and top.kvr are not of the same configuration: bi": {Name: "top.kvr", Report: savedRun(t, Analyzers(Config{Top: 3}), "b", "b").Report},
		"cut.kvr: reading the part totals":                        {Name: "cut.kvr", Report: damaged.Report},
	} {
		_, err := Merge(as, a, b)
		kind := kv.ErrUsage
		if strings.Contains(want, "reading") {
			kind = kv.ErrCorrupt
		}
		if !errors.Is(err, kind) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		} else if kind == kv.ErrUsage && kv.Hint(err) == "" {
			t.Errorf("%v: no hint", err)
		}
	}
}

// What this kvtool cannot merge it leaves out, and says so.
func TestMergeSkips(t *testing.T) {
	as := Analyzers(Config{})
	a, b := savedRun(t, append(as, counting(0, 0)), "a", "a"), savedRun(t, append(as, counting(0, 0)), "b", "b")
	b.Parts[0].Version = 7
	lost := savedRun(t, append(as, counting(0, 0)), "c", "c")
	lost.Damaged, lost.Parts = true, lost.Parts[2:]
	r, err := Merge(as, a, b, lost)
	if err != nil {
		t.Fatal(err)
	}
	skipped := map[string]string{}
	for _, s := range r.Skipped {
		skipped[s.Name] = s.Why
	}
	if !strings.Contains(skipped["types"], "c.kvr is damaged") || !strings.Contains(skipped["totals"], "c.kvr is damaged") ||
		!strings.Contains(skipped["count"], "does not know it") {
		t.Errorf("%v", skipped)
	}
	if r.Coverage.Complete || r.Section("sizes") == nil || r.Section("totals") != nil {
		t.Errorf("%+v", r.Coverage)
	}
	r, err = Merge(as, a, b)
	if err != nil || r.Section("totals") != nil || r.Section("types") == nil {
		t.Fatalf("%v", err)
	}
	for _, s := range r.Skipped {
		if s.Name == "totals" && strings.Contains(s.Why, "newer version of kvtool") {
			return
		}
	}
	t.Errorf("%v", r.Skipped)
}
