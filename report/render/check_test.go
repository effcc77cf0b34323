package render

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/report"
)

// checked is a report of every status, with budgets, written by hand like sample.
func checked() *report.Report {
	ratio := func(v float64) *report.Metric {
		return &report.Metric{Name: "share", Value: report.Number(v), Unit: report.UnitRatio}
	}
	r := &report.Report{
		Schema: report.Schema,
		Kind:   report.KindCheck,
		Tool:   report.Tool{Name: "kvtool", Version: "v0.1.0"},
		Target: report.Target{Adapter: "reference", URL: "ref:?preset=shop", Product: "reference", Version: "1", Facts: []report.Fact{}},
		Design: &report.Design{Files: []string{"keys.yaml"}, Templates: 18, Rules: 43},
		Taken:  time.Date(2026, 11, 22, 9, 14, 0, 0, time.UTC),
		Coverage: report.Coverage{
			Keys: 120_000, Complete: true,
		},
		Sections: []report.Section{},
		Skipped:  []report.Skip{},
		Findings: []report.Finding{
			{
				Rule: "KD061", Severity: report.Error, Subject: "session:{uid}", Message: "ttl 24h declared, none on 100% of 4,601 keys",
				Fix: "SET k v EX 86400", Measure: ratio(1), Status: report.New, Pos: report.Pos{File: "keys.yaml", Line: 14},
			},
			{
				Rule: "KD081", Severity: report.Error, Subject: "idx:user:email:{h}", Message: "1.14% of entries point to no user, baseline 1.00%",
				Measure: ratio(.0114), Evidence: []report.Metric{{Name: report.BaselineMetric, Value: report.Number(.01), Unit: report.UnitRatio}},
				Status: report.Worsened, Pos: report.Pos{File: "keys.yaml", Line: 31},
			},
			{
				Rule: "KD040", Severity: report.Error, Subject: "img:thumb:{id}", Message: "value of 1.9 MiB, limit 512 KiB",
				Status: report.Expired, Pos: report.Pos{File: "keys.yaml", Line: 40}, Note: "until thumbnails move (until 2026-11-01, @img)",
			},
			{
				Rule: "KD065", Severity: report.Warning, Subject: "promo:{id}", Message: "62% of keys expire within 1 s of 3,600",
				Status: report.New, Pos: report.Pos{File: "keys.yaml", Line: 58},
			},
			{Rule: "KD013", Severity: report.Warning, Subject: "tmp:{int}", Message: "2% of keys fit no template", Status: report.Existing},
			{
				Rule: "KD025", Severity: report.Error, Subject: "feed:{id}", Message: "slot 7785 holds 130x the mean", Status: report.Suppressed,
				Pos: report.Pos{File: "keys.yaml", Line: 70}, Note: "one front page until the sharded feed ships (until 2026-11-28, @feed)",
			},
			{Rule: "KD010", Severity: report.Warning, Subject: "user:{id}", Message: "two formats", Status: report.Fixed},
		},
	}
	r.Gate = &report.Gate{
		FailOn: report.Error, Statuses: []report.Status{report.New, report.Worsened, report.Expired}, Verdict: report.Fail,
		Why: []string{"new or worsened findings of severity error or worse: 2", "budgets over: 2"}, Checks: budgets(),
		Warnings: []string{".kvtool-ignore.yaml:3: the suppression of KD025 feed:{id} ends on 2026-11-28, in 6 days, owner @feed"},
	}
	return r
}

func budgets() []report.Check {
	return []report.Check{
		{
			Name: "keys/uid", Unit: report.UnitCount, Limit: report.Number(12), Base: report.Number(11), Head: report.Number(12),
			Delta: report.Number(1.0 / 11), Verdict: report.Pass, Level: report.Error,
		},
		{
			Name: "bytes/uid", Unit: report.UnitBytes, Limit: report.Number(8192), MaxDelta: report.Number(.05), Base: report.Number(6246),
			Head: report.Number(9114), Delta: report.Number(.459), Verdict: report.Fail, Level: report.Error,
			Why: "cart:{uid} +2.1 KiB, session:{uid} +0.7 KiB",
		},
		{
			Name: "slot max/mean", Unit: report.UnitFactor, Limit: report.Number(2), Head: report.Number(1.9), Verdict: report.Inconclusive,
			Interval: &report.Interval{Low: 1.7, High: 2.1}, Level: report.Warning, Why: "the limit is within the error of sampling",
		},
		{
			Name: "no-TTL memory", Unit: report.UnitRatio, Limit: report.Number(.1), Base: report.Number(.021), Head: report.Number(.384),
			Verdict: report.Fail, Level: report.Warning,
		},
	}
}

// documented are the rules of checked, as a command would know them.
func documented() []*report.Rule {
	return []*report.Rule{
		{
			ID: "KD061", Name: "ttl-less-keys", Title: "Keys without the TTL that their template has", Doc: "They only ever add up.\n\n- twice",
			Fix: "set the TTL with the value", Bad: []string{"SET k v"}, Good: []string{"SET k v EX 60"}, Severity: report.Error,
			Limits: []report.Limit{{Name: "share", Value: .05, Unit: report.UnitRatio, Source: "default of kvtool"}},
		},
		{ID: "KD065", Name: "synchronised-expiry", Title: "Keys that expire at once", Doc: "A stampede.", Fix: "add jitter", Severity: report.Warning},
		{ID: "KD081", Name: "dangling-index", Title: "An index that leads nowhere", Doc: "Readers fail.", Fix: "write both", Severity: report.Error},
	}
}

func TestCheckGolden(t *testing.T) {
	o := Options{Rules: documented(), Exit: 1}
	for _, width := range []int{60, 80, 120} {
		o.Width = width
		golden(t, fmt.Sprintf("check-text-%d.txt", width), render(t, "text", checked(), o))
	}
	o.Width, o.All = 80, true
	golden(t, "check-text-all.txt", render(t, "text", checked(), o))
	o.All = false
	for _, f := range Formats() {
		if f.Name != "text" && f.Name != "csv" {
			golden(t, "check-"+f.Name+".txt", render(t, f.Name, checked(), o))
		}
	}
	golden(t, "check-csv.txt", render(t, "csv", checked(), Options{Section: "findings"}))
	clean := checked()
	clean.Findings, clean.Gate = nil, &report.Gate{FailOn: report.Error, Verdict: report.Pass}
	golden(t, "check-clean.txt", render(t, "text", clean, o))
	lint := checked()
	lint.Kind, lint.Target, lint.Gate = report.KindLint, report.Target{Adapter: "schema", URL: "keys.yaml"}, nil
	lint.Coverage = report.Coverage{Complete: true}
	golden(t, "lint-text.txt", render(t, "text", lint, o))
	golden(t, "lint-md.txt", render(t, "md", lint, o))
	golden(t, "lint-brief.txt", render(t, "brief", lint, o))
}

// An audit that was compared with a baseline has statuses, and no lines without a keys.yaml.
func TestStatusOfAnAudit(t *testing.T) {
	r := sample()
	for i := range r.Findings {
		r.Findings[i].Status = report.Statuses[i]
	}
	r.Sections = nil
	golden(t, "status-text.txt", render(t, "text", r, Options{Width: 100}))
	if got := counts(r); got != "3 error   0 warning   1 info" {
		t.Errorf("counts %q: what is fixed or suppressed is not so", got)
	}
}

func TestCheckWidths(t *testing.T) {
	r := checked()
	for i, h := range hostile {
		h = h[:min(len(h), 1000)]
		r.Findings = append(r.Findings, report.Finding{
			Rule: "KD061", Severity: report.Error, Subject: h, Message: h, Fix: h, Note: h, Status: report.New, Pos: report.Pos{File: h, Line: i + 1},
		})
		r.Gate.Checks = append(r.Gate.Checks, report.Check{Name: h, Why: h, Unit: report.UnitBytes, Verdict: report.Fail, Level: report.Error})
	}
	for width := 60; width <= 200; width += 3 {
		for _, o := range []Options{{Width: width}, {Width: width, ASCII: true, Rules: documented()}, {Width: width, All: true, Top: 50}} {
			for l := range strings.Lines(string(render(t, "text", r, o))) {
				if w := columns(strings.TrimSuffix(l, "\n")); w > width {
					t.Errorf("%d columns of %d: %q", w, width, l)
				}
			}
		}
	}
}

func TestGrowth(t *testing.T) {
	f := checked().Findings[1]
	for name, c := range map[string]struct {
		spoil func(f *report.Finding)
		want  string
	}{
		"worsened":       {func(*report.Finding) {}, "WORSENED +14%"},
		"severity alone": {func(f *report.Finding) { f.Evidence = nil }, "WORSENED"},
		"was nothing":    {func(f *report.Finding) { f.Evidence[0].Value = report.Number(0) }, "WORSENED"},
		"no measure":     {func(f *report.Finding) { f.Measure = nil }, "WORSENED"},
		"existing":       {func(f *report.Finding) { f.Status = report.Existing }, "EXISTING"},
		"none":           {func(f *report.Finding) { f.Status = "" }, ""},
	} {
		g := f
		g.Evidence = append([]report.Metric{}, f.Evidence...)
		c.spoil(&g)
		if got := statusWord(&g); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Which budget stands how is said in a word.
func TestBudgetWord(t *testing.T) {
	n := func(v float64) report.Value { return report.Number(v) }
	for want, c := range map[string]report.Check{
		"ok":             {Verdict: report.Pass},
		"FAIL +11%":      {Verdict: report.Fail, Level: report.Error, Unit: report.UnitBytes, Limit: n(100), Head: n(111)},
		"FAIL +28.4pp":   {Verdict: report.Fail, Level: report.Error, Unit: report.UnitRatio, Limit: n(.1), Head: n(.384)},
		"FAIL +6% grown": {Verdict: report.Fail, Level: report.Error, Limit: n(100), Head: n(53), Base: n(50), Delta: n(.06)},
		"FAIL":           {Verdict: report.Fail, Level: report.Error, Limit: n(0), Head: n(1)},
		"warn +50%":      {Verdict: report.Fail, Level: report.Warning, Limit: n(2), Head: n(3)},
		"INCONCLUSIVE":   {Verdict: report.Inconclusive, Level: report.Error},
	} {
		if got, _ := budgetWord(&c); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
