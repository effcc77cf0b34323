package report

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"
)

// today is when the tests take place.
var today = time.Date(2026, 11, 22, 9, 14, 0, 0, time.UTC)

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func whole(fs ...Finding) *Report {
	return &Report{Schema: Schema, Kind: KindCheck, Coverage: Coverage{Complete: true}, Findings: fs}
}

func found(rule, subject string, s Severity, measure float64) Finding {
	return Finding{Rule: rule, Subject: subject, Severity: s, Measure: &Metric{Name: "keys", Unit: UnitCount, Value: Number(measure)}}
}

func (f Finding) within(low, high float64) Finding {
	f.Measure.Interval = &Interval{low, high}
	return f
}

func TestStatus(t *testing.T) {
	was := found("KD061", "session:{uid}", Warning, 100)
	accept := func(expires, match string) []Suppression {
		return []Suppression{{Rule: "KD061", Match: match, Reason: "known since the launch", Expires: day(expires)}}
	}
	for name, c := range map[string]struct {
		cur          *Report
		base         *Report
		suppressions []Suppression
		want         Status // of the finding; of none: ""
		verdict      Verdict
	}{
		"no baseline":            {whole(was), nil, nil, "", Fail},
		"not in the baseline":    {whole(was), whole(), nil, New, Fail},
		"another subject":        {whole(was), whole(found("KD061", "cart:{uid}", Warning, 100)), nil, New, Fail},
		"another scope":          {whole(was), whole(Finding{Rule: "KD061", Subject: "session:{uid}", Scope: "db1", Severity: Warning}), nil, New, Fail},
		"the same":               {whole(was), whole(was), nil, Existing, Pass},
		"a little more":          {whole(found("KD061", "session:{uid}", Warning, 110)), whole(was), nil, Existing, Pass},
		"much more":              {whole(found("KD061", "session:{uid}", Warning, 111)), whole(was), nil, Worsened, Fail},
		"from nothing":           {whole(was), whole(found("KD061", "session:{uid}", Warning, 0)), nil, Worsened, Fail},
		"less":                   {whole(found("KD061", "session:{uid}", Warning, 1)), whole(was), nil, Existing, Pass},
		"a higher severity":      {whole(found("KD061", "session:{uid}", Error, 1)), whole(was), nil, Worsened, Fail},
		"a lower severity":       {whole(was), whole(found("KD061", "session:{uid}", Error, 100)), nil, Existing, Pass},
		"another measure":        {whole(Finding{Rule: "KD061", Subject: "session:{uid}", Severity: Warning, Measure: &Metric{Name: "bytes", Value: Number(1e9)}}), whole(was), nil, Existing, Pass},
		"no measure":             {whole(Finding{Rule: "KD061", Subject: "session:{uid}", Severity: Warning}), whole(was), nil, Existing, Pass},
		"sampled, worse":         {whole(found("KD061", "session:{uid}", Warning, 150).within(120, 180)), whole(was), nil, Worsened, Fail},
		"sampled, no worse":      {whole(found("KD061", "session:{uid}", Warning, 100).within(91, 109)), whole(was), nil, Existing, Pass},
		"sampled, nobody knows":  {whole(found("KD061", "session:{uid}", Warning, 112).within(90, 130)), whole(was), nil, Existing, Inconclusive},
		"suppressed":             {whole(was), nil, accept("2026-11-28", "session:{uid}"), Suppressed, Pass},
		"suppressed and in it":   {whole(found("KD061", "session:{uid}", Error, 900)), whole(was), accept("2026-11-28", "session:{uid}"), Suppressed, Pass},
		"by its prefix":          {whole(was), nil, accept("2026-11-28", "session:*"), Suppressed, Pass},
		"by its fingerprint":     {whole(was), nil, accept("2026-11-28", "0a340d7d0f9b4b88"), Suppressed, Pass},
		"of something else":      {whole(was), nil, accept("2026-11-28", "cart:{uid}"), "", Fail},
		"on the last day":        {whole(was), nil, accept("2026-11-22", "session:{uid}"), Suppressed, Pass},
		"a day later":            {whole(was), nil, accept("2026-11-21", "session:{uid}"), Expired, Fail},
		"expired and in it":      {whole(was), whole(was), accept("2026-11-21", "session:{uid}"), Expired, Fail},
		"suppressed there":       {whole(was), whole(Finding{Rule: "KD061", Subject: "session:{uid}", Severity: Warning, Status: Suppressed}), nil, New, Fail},
		"expired and renewed":    {whole(was), nil, append(accept("2026-11-21", "session:{uid}"), accept("2026-12-01", "session:*")...), Suppressed, Pass},
		"suppressed in the file": {whole(Finding{Rule: "KD061", Subject: "session:{uid}", Severity: Error, Status: Suppressed, Note: "small"}), whole(), nil, Suppressed, Pass},
		"gone":                   {whole(), whole(was), nil, Fixed, Pass},
		"gone from a part":       {&Report{Findings: nil}, whole(was), nil, "", Inconclusive},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := Judge(c.cur, c.base, Policy{FailOn: Warning, Tolerance: 0.10, Suppressions: c.suppressions, Now: today})
			var got Status
			for _, f := range r.Findings {
				if got = f.Status; got != Fixed {
					break
				}
			}
			if got != c.want || r.Gate.Verdict != c.verdict {
				t.Errorf("%q, %s %q; want %q, %s", got, r.Gate.Verdict, r.Gate.Why, c.want, c.verdict)
			}
		})
	}
}

func TestJudgeLeavesItsInputAlone(t *testing.T) {
	cur, base := whole(found("KD061", "a", Error, 1)), whole(found("KD061", "b", Error, 1))
	Judge(cur, base, Policy{FailOn: Error})
	if cur.Findings[0].Status != "" || cur.Gate != nil || base.Findings[0].Status != "" {
		t.Errorf("%+v %+v", cur, base)
	}
}

// A report that was judged is judged anew as if it had not been.
func TestJudgeAgain(t *testing.T) {
	cur, base := whole(found("KD061", "a", Error, 1)), whole(found("KD061", "a", Error, 1), found("KD061", "b", Error, 1))
	p := Policy{FailOn: Error, Now: today}
	once, _ := Judge(cur, base, p)
	again, _ := Judge(once, base, p)
	if len(once.Findings) != 2 || len(again.Findings) != 2 || again.Findings[0].Status != Existing || again.Findings[1].Status != Fixed {
		t.Errorf("%+v\n%+v", once.Findings, again.Findings)
	}
	if again, _ = Judge(once, nil, p); len(again.Findings) != 1 || again.Findings[0].Status != "" {
		t.Errorf("%+v", again.Findings)
	}
}

// That a finding may be worse leaves the verdict open only where that decides whether it fails.
func TestUnsureMatters(t *testing.T) {
	cur, base := whole(found("KD061", "a", Error, 112).within(90, 130)), whole(found("KD061", "a", Error, 100))
	for want, statuses := range map[Verdict][]Status{
		Inconclusive: {New, Worsened}, Pass: {New}, Fail: {New, Worsened, Existing},
	} {
		r, _ := Judge(cur, base, Policy{FailOn: Error, Tolerance: 0.10, Statuses: statuses, Now: today})
		if r.Gate.Verdict != want || r.Gate.Why != nil && strings.Contains(r.Gate.Why[0], "perhaps") != (want == Inconclusive) {
			t.Errorf("%s of %q: %+v", want, statuses, r.Gate)
		}
	}
}

// What was not judged is neither fixed nor unused.
func TestRulesThatDidNotRun(t *testing.T) {
	base := whole(found("KD061", "a", Error, 1), found("KD005", "b", Error, 1))
	p := Policy{
		FailOn: Error, Strict: true, Now: today, Ran: func(rule string) bool { return rule == "KD005" },
		Suppressions: []Suppression{{Rule: "KD061", Match: "c", Reason: "a good reason"}},
	}
	r, warnings := Judge(whole(found("KD005", "b", Error, 1)), base, p)
	if len(r.Findings) != 1 || r.Gate.Verdict != Pass || warnings != nil {
		t.Errorf("%+v %+v %q", r.Findings, r.Gate, warnings)
	}
	b := p.Baseline(r, base)
	if len(b.Findings) != 2 {
		t.Errorf("a new baseline forgets what was not judged: %+v", b.Findings)
	}
}

func TestStrict(t *testing.T) {
	unused := []Suppression{{Rule: "KD061", Match: "c", Reason: "a good reason", Expires: day("2027-01-01"), Pos: Pos{"i.yaml", 3}}}
	for name, c := range map[string]struct {
		cur, base *Report
		sup       []Suppression
		want      string
	}{
		"an unused suppression":  {whole(), nil, unused, "unused suppressions: 1"},
		"a stale entry":          {whole(), whole(found("KD061", "a", Error, 1)), nil, "stale entries of the baseline: 1"},
		"neither":                {whole(), whole(), nil, ""},
		"not everything is read": {&Report{}, whole(found("KD061", "a", Error, 1)), unused, "not everything was read"},
	} {
		r, _ := Judge(c.cur, c.base, Policy{FailOn: Error, Strict: true, Suppressions: c.sup, Now: today})
		if got := strings.Join(r.Gate.Why, "; "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		r, _ = Judge(c.cur, c.base, Policy{FailOn: Error, Suppressions: c.sup, Now: today})
		if r.Gate.Verdict == Fail {
			t.Errorf("%s fails although nobody is strict: %q", name, r.Gate.Why)
		}
	}
}

func TestWarnings(t *testing.T) {
	s := Suppression{Rule: "KD061", Match: "session:*", Reason: "a good reason", Owner: "@feed", Pos: Pos{"i.yaml", 4}}
	on := func(expires string) Suppression { c := s; c.Expires = day(expires); return c }
	bound := s
	bound.Target = "@prod-*"
	is := whole(found("KD061", "session:{uid}", Error, 1))
	for name, c := range map[string]struct {
		cur  *Report
		sup  Suppression
		want string
	}{
		"far":        {is, on("2026-12-07"), ""},
		"soon":       {is, on("2026-12-06"), "i.yaml:4: the suppression of KD061 session:* ends on 2026-12-06, in 14 days, owner @feed"},
		"today":      {is, on("2026-11-22"), "i.yaml:4: the suppression of KD061 session:* ends on 2026-11-22, in 0 days, owner @feed"},
		"over":       {is, on("2026-11-21"), "i.yaml:4: the suppression of KD061 session:* expired on 2026-11-21, owner @feed"},
		"never":      {is, s, ""},
		"unused":     {whole(), on("2026-12-07"), "i.yaml:4: the suppression of KD061 session:* is about no finding: remove it, owner @feed"},
		"of a part":  {&Report{}, on("2026-12-07"), ""},
		"of another": {whole(), bound, ""},
	} {
		r, got := Judge(c.cur, nil, Policy{FailOn: Error, Suppressions: []Suppression{c.sup}, Targets: []string{"@ci"}, Now: today})
		if strings.Join(got, "\n") != c.want || !slices.Equal(got, r.Gate.Warnings) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestSuppressionOfATarget(t *testing.T) {
	for target, names := range map[string][2]string{
		"@prod-*":   {"@prod-cart", "@ci"},
		"@prod":     {"@prod", "@prod-cart"},
		"redis://a": {"redis://a", "redis://ab"},
	} {
		sup := []Suppression{{Rule: "KD061", Match: "a", Target: target, Reason: "a good reason"}}
		for i, want := range []Status{Suppressed, ""} {
			r, _ := Judge(whole(found("KD061", "a", Error, 1)), nil, Policy{Suppressions: sup, Targets: []string{"other", names[i]}, Now: today})
			if got := r.Findings[0].Status; got != want {
				t.Errorf("%s on %s: %q", target, names[i], got)
			}
		}
	}
}

func TestBudgets(t *testing.T) {
	base := func(v Value) *Report {
		b := whole()
		b.Sections = []Section{{Name: "budgets", Metrics: []Metric{{Name: "bytes/uid", Unit: UnitBytes, Value: v}}}}
		return b
	}
	for name, c := range map[string]struct {
		limit, delta, head Value
		interval           *Interval
		base               *Report
		want               Verdict
	}{
		"below":                       {Number(100), Null, Number(99), nil, nil, Pass},
		"at the limit":                {Number(100), Null, Number(100), nil, nil, Pass},
		"over":                        {Number(100), Null, Number(101), nil, nil, Fail},
		"the interval is below":       {Number(100), Null, Number(90), &Interval{80, 100}, nil, Pass},
		"the interval is above":       {Number(100), Null, Number(120), &Interval{101, 140}, nil, Fail},
		"the interval holds it":       {Number(100), Null, Number(90), &Interval{70, 110}, nil, Inconclusive},
		"nobody knows":                {Number(100), Null, Null, nil, nil, Inconclusive},
		"grown a little":              {Null, Number(0.05), Number(105), nil, base(Number(100)), Pass},
		"grown":                       {Null, Number(0.05), Number(106), nil, base(Number(100)), Fail},
		"grown within the limit":      {Number(200), Number(0.05), Number(106), nil, base(Number(100)), Fail},
		"shrunk":                      {Null, Number(0.05), Number(1), nil, base(Number(100)), Pass},
		"perhaps grown":               {Null, Number(0.05), Number(104), &Interval{98, 110}, base(Number(100)), Inconclusive},
		"from nothing":                {Null, Number(0.05), Number(1), nil, base(Number(0)), Fail},
		"no baseline":                 {Null, Number(0.05), Number(1), nil, nil, Pass},
		"not in the baseline":         {Null, Number(0.05), Number(1), nil, whole(), Inconclusive},
		"unknown in the baseline":     {Null, Number(0.05), Number(1), nil, base(Null), Inconclusive},
		"over, not in the baseline":   {Number(0.5), Number(0.05), Number(1), nil, whole(), Fail},
		"rounded when it was written": {Null, Number(0), Number(1.0 / 3), nil, base(Number(0.333333)), Pass},
	} {
		t.Run(name, func(t *testing.T) {
			check := Check{Name: "bytes/uid", Unit: UnitBytes, Level: Error, Limit: c.limit, MaxDelta: c.delta, Head: c.head, Interval: c.interval}
			r, _ := Judge(whole(), c.base, Policy{Checks: []Check{check}})
			if got := r.Gate.Checks[0].Verdict; got != c.want || r.Gate.Verdict != c.want {
				t.Errorf("%s, gate %s; want %s", got, r.Gate.Verdict, c.want)
			}
			check.Level = Warning
			r, _ = Judge(whole(), c.base, Policy{Checks: []Check{check}})
			if r.Gate.Checks[0].Verdict != c.want || r.Gate.Verdict != Pass {
				t.Errorf("as a warning: gate %s", r.Gate.Verdict)
			}
			for _, as := range []Verdict{Pass, Fail} {
				want := c.want
				if want == Inconclusive {
					want = as
				}
				check.Level = Error
				if r, _ = Judge(whole(), c.base, Policy{Checks: []Check{check}, Undecided: as}); r.Gate.Verdict != want {
					t.Errorf("--inconclusive %s: gate %s", as, r.Gate.Verdict)
				}
			}
		})
	}
}

// A baseline holds a report against itself: nothing is new, nothing is gone, and budgets know their base.
func TestBaseline(t *testing.T) {
	cur := whole(
		Finding{Rule: "KD061", Subject: "a", Severity: Error, Message: "m", Fix: "f", Samples: []Value{Text("a:secret")}, Evidence: []Metric{{Name: "x"}}},
		found("KD040", "b", Warning, 7), found("KD040", "c", Info, 7),
	)
	cur.Sections = []Section{{Name: "biggest"}}
	p := Policy{
		FailOn: Info, Now: today, Checks: []Check{{Name: "keys/uid", Unit: UnitCount, Level: Error, Limit: Number(9), MaxDelta: Number(0), Head: Number(5)}},
		Suppressions: []Suppression{{Rule: "KD040", Match: "c", Reason: "a good reason"}},
	}
	judged, _ := Judge(cur, nil, p)
	b := p.Baseline(judged, nil)
	if len(b.Findings) != 2 || b.Findings[0].Samples != nil || b.Findings[0].Message != "" || len(b.Sections) != 1 {
		t.Fatalf("%+v", b)
	}
	if err := b.Check(); err != nil {
		t.Fatal(err)
	}
	again, _ := Judge(cur, b, p)
	if again.Gate.Verdict != Pass || again.Gate.Checks[0].Base != Number(5) {
		t.Errorf("%+v", again.Gate)
	}
	for _, f := range again.Findings {
		if f.Status != Existing && f.Status != Suppressed {
			t.Errorf("%s %s is %s", f.Rule, f.Subject, f.Status)
		}
	}
	// The whole report is a baseline as well.
	if again, _ = Judge(cur, judged, p); again.Gate.Verdict != Pass || again.Gate.Checks[0].Base != Number(5) {
		t.Errorf("%+v", again.Gate)
	}
}

func TestAdvisory(t *testing.T) {
	advice := Check{Name: "keys/uid", Level: Warning, Limit: Number(1), Head: Number(2)}
	for name, c := range map[string]struct {
		p    Policy
		want string
	}{
		"nothing":           {Policy{Always: true}, "(advisory: nothing here can fail)"},
		"a warning":         {Policy{Checks: []Check{advice}}, "(advisory: nothing here can fail)"},
		"findings can":      {Policy{FailOn: Error, Checks: []Check{advice}}, ""},
		"strictness can":    {Policy{Strict: true}, ""},
		"another check can": {Policy{Checks: []Check{advice, {Name: "x", Level: Error, Limit: Number(3), Head: Number(2)}}}, ""},
	} {
		r, _ := Judge(whole(found("KD061", "a", Warning, 1)), nil, c.p)
		if got := strings.Join(r.Gate.Why, "; "); got != c.want || r.Gate.Verdict != Pass {
			t.Errorf("%s: %s %q, want %q", name, r.Gate.Verdict, got, c.want)
		}
	}
	if r, _ := Judge(whole(), nil, Policy{}); r.Gate != nil {
		t.Error("nobody has asked for a verdict")
	}
}

func TestStatusesThatFail(t *testing.T) {
	was := found("KD061", "a", Error, 1)
	for _, c := range []struct {
		statuses []Status
		cur      Finding
		want     string
	}{
		{[]Status{New}, found("KD061", "a", Error, 2), ""},
		{[]Status{New}, found("KD061", "b", Error, 2), "new findings of severity error or worse: 1"},
		{[]Status{Existing}, was, "existing findings of severity error or worse: 1"},
		{nil, found("KD061", "a", Error, 2), "new or worsened findings of severity error or worse: 1"},
	} {
		r, _ := Judge(whole(c.cur), whole(was), Policy{FailOn: Error, Statuses: c.statuses})
		if got := strings.Join(r.Gate.Why, "; "); got != c.want {
			t.Errorf("%v: %q, want %q", c.statuses, got, c.want)
		}
	}
}

// A threshold was judged where the run was known, and stays as it was: what must be at least something is not over a budget.
func TestThresholdsStay(t *testing.T) {
	checks := []Check{
		{Name: "achieved >= 99%", Sign: ">=", Unit: UnitRatio, Limit: Number(0.99), Head: Number(1), Verdict: Pass, Level: Error},
		{Name: "p99 < 5ms", Sign: "<", Unit: UnitDuration, Limit: Number(0.005), Head: Number(0.001), Verdict: Inconclusive, Why: "few", Level: Error},
	}
	judged, _ := Judge(&Report{Coverage: Coverage{Complete: true}}, nil, Policy{Checks: checks})
	if g := judged.Gate; g.Verdict != Inconclusive || g.Checks[0].Verdict != Pass || g.Why[0] != "thresholds that cannot be decided: p99 < 5ms" {
		t.Errorf("%+v", g)
	}
	checks[1].Verdict = Fail
	judged, _ = Judge(&Report{Coverage: Coverage{Complete: true}}, nil, Policy{Checks: checks})
	if g := judged.Gate; g.Verdict != Fail || g.Why[0] != "thresholds that do not hold: p99 < 5ms" {
		t.Errorf("%+v", g)
	}
}

// TestFleetFingerprints: what is accepted by the fingerprint that the report of one target has is accepted in that of a fleet, and the other way
// round; a target that is named keeps it to that one.
func TestFleetFingerprints(t *testing.T) {
	alone := Finding{Rule: "KD061", Severity: Error, Subject: "cart:{uid}", Message: "m"}
	scoped := alone
	scoped.Scope = "@b"
	fleet := &Report{Schema: Schema, Kind: KindFleet, Coverage: Coverage{Complete: true}}
	for _, name := range []string{"@a", "@b"} {
		f := alone
		f.Scope = name
		fleet.Findings = append(fleet.Findings, f)
		fleet.Targets = append(fleet.Targets, &Report{Target: Target{Name: name}})
	}
	single := &Report{Schema: Schema, Kind: KindAudit, Coverage: Coverage{Complete: true}, Findings: []Finding{alone}}
	for _, tt := range []struct {
		name, match, target string
		r                   *Report
		targets             []string
		want                string
	}{
		{"of one, in a fleet", alone.Fingerprint(), "", fleet, nil, "@a @b"},
		{"of one, in a fleet, for one", alone.Fingerprint(), "@b", fleet, nil, "@b"},
		{"of a fleet, in it", scoped.Fingerprint(), "", fleet, nil, "@b"},
		{"of a fleet, alone", scoped.Fingerprint(), "", single, []string{"@b"}, "alone"},
		{"of a fleet, alone, of another", scoped.Fingerprint(), "", single, []string{"@a"}, ""},
		{"of one, alone", alone.Fingerprint(), "", single, []string{"@a"}, "alone"},
	} {
		r, _ := Judge(tt.r, nil, Policy{FailOn: Error, Now: day("2026-11-27"), Targets: tt.targets, Suppressions: []Suppression{
			{Rule: "KD061", Match: tt.match, Target: tt.target, Reason: "known since the launch", Expires: day("2027-01-01")},
		}})
		var got []string
		for _, f := range r.Findings {
			if f.Status == Suppressed {
				got = append(got, cmp.Or(f.Scope, "alone"))
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: suppressed are %q, want %q", tt.name, got, tt.want)
		}
	}
}
