package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Judge returns cur with the statuses of its findings and a verdict, and what its owner should be warned of. Base is an
// earlier report that was accepted, or nil. A finding is known by its fingerprint:
//
//	suppressed?  ──yes──▶ suppressed, or expired where the date has passed
//	     │no
//	in base?     ──no───▶ new
//	     │yes
//	worse?       ──yes──▶ worsened: the severity rose, or the measure grew beyond the tolerance
//	     └──────────────▶ existing
//	only in base ───────▶ fixed, if everything was read and the rule was judged
//
// Without a baseline there is nothing to compare: findings that nobody has suppressed have no status and count as new.
func Judge(cur, base *Report, p Policy) (r *Report, warnings []string) {
	j := &judge{
		Policy: p, cur: cur, base: accepted(base), seen: map[string]bool{},
		used: make([]bool, len(p.Suppressions)), failing: map[Status]int{}, scopes: scopesOf(cur),
	}
	doc := *cur
	doc.Gate = nil
	doc.Findings = make([]Finding, 0, len(cur.Findings))
	for _, f := range cur.Findings {
		if f.Status != Fixed { // of a report that was judged before
			j.finding(&f)
			doc.Findings = append(doc.Findings, f)
		}
	}
	doc.Findings = append(doc.Findings, j.fixed()...)
	SortFindings(doc.Findings)
	warnings, unused := j.warnings()
	if p.gates() {
		doc.Gate = j.gate(base, unused)
		doc.Gate.Warnings = warnings
	}
	return &doc, warnings
}

// A judge is a report being judged.
type judge struct {
	Policy
	cur     *Report
	base    map[string]*Finding // of the baseline, by fingerprint; nil if there is none
	seen    map[string]bool     // fingerprints of cur
	used    []bool              // by suppression
	failing map[Status]int      // findings that fail
	scopes  map[string][]string // names of a fleet's targets
	stale   int                 // entries of the baseline that are fixed
	unsure  []string            // findings whose measure may be on either side of what is tolerated
}

// accepted returns the findings of a baseline, nil if there is no baseline. What was suppressed was not accepted for good.
func accepted(base *Report) map[string]*Finding {
	if base == nil {
		return nil
	}
	m := map[string]*Finding{}
	for i := range base.Findings {
		f := &base.Findings[i]
		if id := f.Fingerprint(); f.Status != Suppressed && f.Status != Fixed && m[id] == nil {
			m[id] = f // of several the first, which is the worst
		}
	}
	return m
}

// whole reports whether everything was read, so that what was not found is not there.
func (j *judge) whole() bool { return j.cur.Coverage.Complete && len(j.cur.Coverage.Why) == 0 }

// finding sets the status of f and counts it if it fails.
func (j *judge) finding(f *Finding) {
	id := f.Fingerprint()
	j.seen[id] = true
	j.status(f, id)
	if s := cmp.Or(f.Status, New); f.Severity.AtLeast(j.FailOn) && slices.Contains(j.statuses(), s) {
		j.failing[s]++
	}
}

func (j *judge) status(f *Finding, id string) {
	f.Evidence = withoutBaseline(f.Evidence)
	s := j.suppression(f, id)
	if f.Status == Suppressed { // where the key is designed
		return
	}
	f.Status = ""
	if s != nil {
		f.Status, f.Note = Suppressed, s.note()
		if s.expired(j.Now) {
			f.Status = Expired
		}
		return
	}
	switch was := j.base[id]; {
	case j.base == nil:
	case was == nil:
		f.Status = New
	default:
		f.Status = j.since(f, was)
	}
}

// since compares f with what it was.
func (j *judge) since(f, was *Finding) Status {
	verdict := Pass
	if limit, ok := measured(f, was); ok {
		m := *was.Measure
		m.Name = BaselineMetric
		f.Evidence = append(f.Evidence, m)
		verdict = f.Measure.against(grown(limit, j.Tolerance))
	}
	switch {
	case was.Severity != f.Severity && f.Severity.AtLeast(was.Severity), verdict == Fail:
		return Worsened
	case verdict == Inconclusive && f.Severity.AtLeast(j.FailOn) && j.worsenedFails():
		j.unsure = append(j.unsure, f.Rule+" "+f.Subject)
	}
	if verdict == Inconclusive && j.undecided() == Fail {
		return Worsened
	}
	return Existing
}

// worsenedFails reports whether it matters that a finding which is known may be worse: it fails then, and would not otherwise.
func (j *judge) worsenedFails() bool {
	s := j.statuses()
	return slices.Contains(s, Worsened) && !slices.Contains(s, Existing)
}

// measured returns what the measure of a finding was, if it is the same measure.
func measured(f, was *Finding) (float64, bool) {
	if f.Measure == nil || was.Measure == nil || f.Measure.Name != was.Measure.Name || f.Measure.Unit != was.Measure.Unit {
		return 0, false
	}
	return was.Measure.Value.Number()
}

// grown returns what a number of a baseline may have grown to. A report is saved with six significant digits; what these leave
// out is not growth.
func grown(was, share float64) float64 { return was * (1 + share) * (1 + 1e-5) }

// against says whether m is at most limit. Where m is sampled, its interval decides; nobody knows about one that holds the
// limit, nor about a number that was not measured.
func (m *Metric) against(limit float64) Verdict {
	v, ok := m.Value.Number()
	if !ok {
		return Inconclusive
	}
	low, high := v, v
	if m.Interval != nil {
		low, high = m.Interval.Low, m.Interval.High
	}
	switch {
	case low > limit:
		return Fail
	case high <= limit:
		return Pass
	}
	return Inconclusive
}

// fixed returns what is in the baseline alone, as far as it can be said to be gone.
func (j *judge) fixed() []Finding {
	var gone []Finding
	if !j.whole() {
		return nil
	}
	for id, f := range j.base {
		if !j.seen[id] && j.ran(f.Rule) {
			g := *f
			g.Status, g.Note = Fixed, ""
			gone = append(gone, g)
		}
	}
	j.stale = len(gone)
	return gone
}

// gate is the verdict on what has been judged.
func (j *judge) gate(base *Report, unused int) *Gate {
	g := &Gate{FailOn: j.FailOn, Statuses: j.statuses(), Checks: j.checks(base)}
	failed, open := j.tally(g.Checks)
	if j.Strict && unused > 0 {
		failed = append(failed, fmt.Sprintf("unused suppressions: %d", unused))
	}
	if j.Strict && j.stale > 0 {
		failed = append(failed, fmt.Sprintf("stale entries of the baseline: %d", j.stale))
	}
	if !j.cur.Coverage.Complete && !j.advisory() {
		open = append(open, "not everything was read")
	}
	switch {
	case len(failed) > 0:
		g.Verdict, g.Why = Fail, failed
	case len(open) > 0:
		g.Verdict, g.Why = Inconclusive, open
	case j.advisory():
		g.Verdict, g.Why = Pass, []string{"(advisory: nothing here can fail)"}
	default:
		g.Verdict = Pass
	}
	return g
}

// tally says why the findings and budgets fail, and why some are not decided.
func (j *judge) tally(checks []Check) (failed, open []string) {
	if n := j.failing[New] + j.failing[Worsened] + j.failing[Existing]; n > 0 {
		failed = append(failed, fmt.Sprintf("%sfindings of severity %s or worse: %d", j.which(), j.FailOn, n))
	}
	if n := j.failing[Expired]; n > 0 {
		failed = append(failed, fmt.Sprintf("findings whose suppression has expired: %d", n))
	}
	over := named(checks, Fail)
	if len(over) > 0 {
		failed = append(failed, failedLimits(checks, over))
	}
	if len(j.unsure) > 0 && j.undecided() == Inconclusive {
		open = append(open, "perhaps worse, within the error of sampling: "+few(j.unsure))
	}
	if unknown := named(checks, Inconclusive); len(unknown) > 0 {
		open = append(open, LimitsWord(checks)+" that cannot be decided: "+few(unknown))
	}
	return failed, open
}

// failedLimits says how many budgets are over, or which thresholds do not hold.
func failedLimits(checks []Check, failed []string) string {
	if LimitsWord(checks) == "thresholds" {
		return "thresholds that do not hold: " + few(failed)
	}
	return fmt.Sprintf("budgets over: %d", len(failed))
}

// few lists the first of some names.
func few(names []string) string {
	const most = 5
	if n := len(names); n > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), n-most)
	}
	return strings.Join(names, ", ")
}

// which names the statuses that fail, where there is a baseline to tell them apart: "new or worsened ".
func (j *judge) which() string {
	if j.base == nil {
		return ""
	}
	var words []string
	for _, s := range j.statuses() {
		if s == New || s == Worsened || s == Existing {
			words = append(words, string(s))
		}
	}
	return strings.Join(words, " or ") + " "
}

// named returns the names of the budgets that can fail and have the given verdict.
func named(checks []Check, v Verdict) []string {
	var names []string
	for i := range checks {
		if checks[i].Level == Error && checks[i].Verdict == v {
			names = append(names, checks[i].Name)
		}
	}
	return names
}
