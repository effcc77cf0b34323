package report

import (
	"testing"

	"pgregory.net/rapid"
)

// findings draws findings of few rules and subjects, so that lists have some in common; each at most once.
func findings(t *rapid.T, label string) []Finding {
	var fs []Finding
	for _, rule := range []string{"KD001", "KD002"} {
		for _, subject := range []string{"a:{int}", "ab:{int}", "b:{int}"} {
			if !rapid.Bool().Draw(t, label+rule+subject) {
				continue
			}
			severity := rapid.SampledFrom(Severities[:]).Draw(t, "severity")
			fs = append(fs, found(rule, subject, severity, float64(rapid.IntRange(0, 30).Draw(t, "measure"))))
		}
	}
	return fs
}

// What Judge says is what the table of statuses says, read line by line.
func TestJudgeLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cur, base := findings(t, "cur "), findings(t, "base ")
		p := Policy{FailOn: rapid.SampledFrom(Severities[:]).Draw(t, "fail on"), Tolerance: 0.1, Now: today}
		if rapid.Bool().Draw(t, "suppressed") {
			end := rapid.SampledFrom([]string{"2026-11-21", "2026-11-22", "2027-01-01"}).Draw(t, "end")
			p.Suppressions = []Suppression{{Rule: "KD001", Match: "a*", Reason: "a good reason", Expires: day(end)}}
		}
		r, _ := Judge(whole(cur...), whole(base...), p)
		fails, fixed := false, 0
		for _, f := range r.Findings {
			want := naiveStatus(&f, base, &p)
			if f.Status == Fixed {
				want = Fixed
				fixed++
			}
			if f.Status != want {
				t.Fatalf("%s %s is %s, not %s", f.Rule, f.Subject, f.Status, want)
			}
			fails = fails || f.Severity.AtLeast(p.FailOn) && (want == New || want == Worsened || want == Expired)
		}
		if len(r.Findings)-fixed != len(cur) || fixed != missing(base, cur) {
			t.Fatalf("%d findings of which %d are fixed, of %d and a baseline of %d", len(r.Findings), fixed, len(cur), len(base))
		}
		if got := r.Gate.Verdict == Fail; got != fails {
			t.Fatalf("%s %q", r.Gate.Verdict, r.Gate.Why)
		}
		again, _ := Judge(whole(cur...), p.Baseline(r, nil), Policy{FailOn: Info, Tolerance: 0.1, Now: today})
		if count(again, Worsened) > 0 || count(again, New) != count(r, Suppressed) {
			t.Fatalf("against its own baseline: %+v", again.Findings)
		}
	})
}

// naiveStatus follows the definition of each status.
func naiveStatus(f *Finding, base []Finding, p *Policy) Status {
	for _, s := range p.Suppressions {
		if s.Rule == f.Rule && f.Subject[0] == 'a' {
			if s.Expires.AddDate(0, 0, 1).After(p.Now) {
				return Suppressed
			}
			return Expired
		}
	}
	for _, was := range base {
		if was.Rule != f.Rule || was.Subject != f.Subject {
			continue
		}
		before, _ := was.Measure.Value.Number()
		now, _ := f.Measure.Value.Number()
		if now > before*1.1+1e-3 || f.Severity.rank() < was.Severity.rank() {
			return Worsened
		}
		return Existing
	}
	return New
}

// missing counts the findings of a that b does not have.
func missing(a, b []Finding) (n int) {
	for i := range a {
		n++
		for j := range b {
			if a[i].Fingerprint() == b[j].Fingerprint() {
				n--
			}
		}
	}
	return n
}

func count(r *Report, s Status) (n int) {
	for i := range r.Findings {
		if r.Findings[i].Status == s {
			n++
		}
	}
	return n
}
