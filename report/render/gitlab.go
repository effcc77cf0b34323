package render

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"github.com/kvtool/kvtool/report"
)

// GitLab writes a code quality report. GitLab compares it with that of the target branch by its fingerprints, so it holds all
// that is so, what is known and what is accepted as well.
func GitLab(w io.Writer, r *report.Report, o Options) error {
	r = o.Keys.apply(r)
	issues := make([]gitlabIssue, 0, len(r.Findings))
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Status != report.Fixed {
			issues = append(issues, newGitLabIssue(r, f))
		}
	}
	b, err := json.MarshalIndent(issues, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(escapeHidden(b), '\n'))
	return err
}

// The members that GitLab reads.
type (
	gitlabIssue struct {
		Description string         `json:"description"`
		Check       string         `json:"check_name"`
		Fingerprint string         `json:"fingerprint"`
		Severity    string         `json:"severity"`
		Location    gitlabLocation `json:"location"`
	}
	gitlabLocation struct {
		Path  string      `json:"path"`
		Lines gitlabLines `json:"lines"`
	}
	gitlabLines struct {
		Begin int `json:"begin"`
	}
)

func newGitLabIssue(r *report.Report, f *report.Finding) gitlabIssue {
	p := place(r, f)
	if p.Line == 0 { // a location is required: the target, which is no file and leads nowhere
		p = report.Pos{File: clean(r.Target.URL, false), Line: 1}
	}
	i := gitlabIssue{
		Description: plainMessage(r, f),
		Check:       f.Rule,
		Fingerprint: gitlabFingerprint(f, p),
		Severity:    gitlabSeverity(f.Severity),
		Location:    gitlabLocation{clean(p.File, false), gitlabLines{p.Line}},
	}
	if f.Status == report.Suppressed {
		i.Severity = "info"
		i.Description += " (suppressed: " + cutEnd(clean(f.Note, false), longestMessage, "…") + ")"
	}
	return i
}

// gitlabFingerprint adds the file to the fingerprint of a finding, since GitLab shows one issue a fingerprint and files may
// declare the same template. The line is no part of it: it moves whenever somebody writes above it.
func gitlabFingerprint(f *report.Finding, p report.Pos) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s", f.Fingerprint(), p.File))
	return hex.EncodeToString(h[:16])
}

func gitlabSeverity(s report.Severity) string {
	switch s {
	case report.Error:
		return "major"
	case report.Warning:
		return "minor"
	}
	return "info"
}

// gitlabCaveat is what a user should know of a report for GitLab.
func gitlabCaveat(r *report.Report) []string {
	return notEmpty(placeless(r, "GitLab shows them with a link that leads nowhere"))
}
