package render

import (
	"fmt"
	"strings"

	"github.com/kvtool/kvtool/report"
)

// place returns where a platform is to show a finding. What no template of keys.yaml is about stands at its first line; of a
// report that no keys.yaml had a part in, nothing has a place.
func place(r *report.Report, f *report.Finding) report.Pos {
	p := f.Pos
	if p.Line <= 0 && r.Design != nil && len(r.Design.Files) > 0 {
		p = report.Pos{File: r.Design.Files[0], Line: 1}
	}
	if len(p.File) > longestShown { // no path: it would be cut, and name another file
		return report.Pos{}
	}
	return p
}

// placeless is the warning about findings without a place, for a platform that drops them; empty if there are none.
func placeless(r *report.Report, drops string) string {
	n := 0
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Status != report.Fixed && place(r, f).Line == 0 {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d findings have no line in a keys.yaml: %s", n, drops)
}

// where is a place for a person: "keys.yaml:14".
func where(p report.Pos) string {
	if p.Line <= 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// ruleTitle names the rule of a finding: "KD061 ttl-less-keys", or its number alone if nobody said what it is called.
func (o Options) ruleTitle(id string) string {
	if r := o.rule(id); r != nil {
		return r.ID + " " + r.Name
	}
	return id
}

// rule returns the documentation of a rule, or nil.
func (o Options) rule(id string) *report.Rule {
	for _, r := range o.Rules {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// The longest that a platform is given of a name and of a message. What is behind it helps nobody.
const (
	longestSubject = 200
	longestMessage = 1000
)

// Subject is what a finding is about; of a fleet its target comes first.
func Subject(f *report.Finding) string {
	if f.Scope == "" {
		return f.Subject
	}
	return f.Scope + " " + f.Subject
}

// plainSubject is the subject of a finding as plain text for a platform.
func plainSubject(f *report.Finding) string {
	return cutMiddle(clean(Subject(f), false), longestSubject, "…")
}

// plainMessage is what a finding says as plain text for a platform, its subject first. Of one that is shown at the first line of
// keys.yaml, because no line there is about it, it says so.
func plainMessage(r *report.Report, f *report.Finding) string {
	text := plainSubject(f) + ": " + cutEnd(clean(f.Message, false), longestMessage, "…")
	if r.Design != nil && f.Pos.Line <= 0 && strings.HasPrefix(f.Rule, "KD") {
		text += " (undeclared template)"
	}
	return text
}
