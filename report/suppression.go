package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Suppression is a finding that somebody has accepted, with a reason and, unless the design itself says so, for a time.
type Suppression struct {
	Rule    string
	Match   string // subject, the beginning of one and "*", or fingerprint
	Target  string // name of a target, or the beginning of one and "*"; empty is any
	Reason  string
	Expires time.Time // the last day that it holds, UTC; zero is never
	Owner   string
	Ticket  string
	Pos     Pos
}

// soon is how many days before its end a suppression is announced.
const soon = 14

// matches reports whether s is about f, which has the fingerprints ids.
func (s *Suppression) matches(f *Finding, ids []string) bool {
	return s.Rule == f.Rule && (slices.Contains(ids, s.Match) || like(f.Subject, s.Match))
}

// covers reports whether s holds for what was looked at, which has the given names.
func (s *Suppression) covers(targets []string) bool {
	for _, t := range targets {
		if like(t, s.Target) {
			return true
		}
	}
	return s.Target == ""
}

// like reports whether text is pattern, or begins with it up to its star.
func like(text, pattern string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok && strings.HasPrefix(text, prefix) {
		return true
	}
	return text == pattern
}

// daysLeft returns how many days after today s holds; less than 0 if its last day has passed. It is only called where there is
// such a day.
func (s *Suppression) daysLeft(now time.Time) int {
	today := now.UTC().Truncate(24 * time.Hour)
	return int(s.Expires.UTC().Truncate(24*time.Hour).Sub(today).Hours() / 24)
}

func (s *Suppression) expired(now time.Time) bool { return !s.Expires.IsZero() && s.daysLeft(now) < 0 }

// note is what a finding says of the suppression that is about it.
func (s *Suppression) note() string {
	var about []string
	if !s.Expires.IsZero() {
		about = append(about, "until "+s.Expires.Format(time.DateOnly))
	}
	for _, x := range []string{s.Owner, s.Ticket} {
		if x != "" {
			about = append(about, x)
		}
	}
	if about == nil {
		return s.Reason
	}
	return s.Reason + " (" + strings.Join(about, ", ") + ")"
}

// warning returns what is to be said of s, "" if nothing is: that it ends soon or has ended, or that it is about no finding.
func (s *Suppression) warning(now time.Time, used bool) string {
	what := ""
	switch {
	case s.expired(now):
		what = "expired on " + s.Expires.Format(time.DateOnly)
	case !used:
		what = "is about no finding: remove it"
	case !s.Expires.IsZero() && s.daysLeft(now) <= soon:
		what = fmt.Sprintf("ends on %s, in %d days", s.Expires.Format(time.DateOnly), s.daysLeft(now))
	default:
		return ""
	}
	text := fmt.Sprintf("the suppression of %s %s %s", s.Rule, s.Match, what)
	if s.Owner != "" {
		text += ", owner " + s.Owner
	}
	if s.Pos.Line > 0 {
		return fmt.Sprintf("%s:%d: %s", s.Pos.File, s.Pos.Line, text)
	}
	return text
}

// suppression returns the suppression of f, nil if there is none: one that is live before one that has expired. What is about
// f is marked as used.
func (j *judge) suppression(f *Finding, id string) *Suppression {
	ids := j.fingerprints(f, id)
	var live, expired *Suppression
	for i := range j.Suppressions {
		s := &j.Suppressions[i]
		if !s.covers(j.targetsOf(f)) || !s.matches(f, ids) {
			continue
		}
		j.used[i] = true
		if s.expired(j.Now) {
			expired = cmp.Or(expired, s)
		} else {
			live = cmp.Or(live, s)
		}
	}
	return cmp.Or(live, expired)
}

// fingerprints returns those that f has in any report of its target: its own, id; and that of the report of one target, which has no
// scope, as well as that of a fleet's, whose scope is the name of the target.
func (j *judge) fingerprints(f *Finding, id string) []string {
	if len(j.Suppressions) == 0 {
		return nil
	}
	ids, twin := []string{id}, *f
	for _, scope := range append([]string{""}, j.targetsOf(f)...) {
		twin.Scope = scope
		ids = append(ids, twin.Fingerprint())
	}
	return ids
}

// targetsOf returns the names of what f was found in: of a fleet the one target, else what was looked at.
func (j *judge) targetsOf(f *Finding) []string {
	if names, ok := j.scopes[f.Scope]; ok {
		return names
	}
	return j.Targets
}

// scopesOf returns the names of each target of a fleet, by the scope of its findings.
func scopesOf(r *Report) map[string][]string {
	m := map[string][]string{}
	for _, t := range r.Targets {
		m[t.Target.Name] = []string{t.Target.Name, t.Target.URL}
	}
	return m
}

// warnings says what is to be said of suppressions, and counts those that are about nothing. Whether one is can be told only
// where its rule was judged and all was read; and nobody who only looks needs to know.
func (j *judge) warnings() (texts []string, unused int) {
	for i := range j.Suppressions {
		s := &j.Suppressions[i]
		if !s.covers(j.Targets) || !j.ran(s.Rule) {
			continue
		}
		idle := !j.used[i] && j.whole() && j.gates()
		if idle {
			unused++
		}
		if w := s.warning(j.Now, !idle); w != "" {
			texts = append(texts, w)
		}
	}
	return texts, unused
}
