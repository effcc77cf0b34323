package render

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/report"
)

// sarifMost is how many results GitHub keeps of a run. It takes up to 25,000, but which of them it keeps is its own choice.
const sarifMost = 5000

// SARIF writes a log of one run in SARIF 2.1.0 for code scanning. What is fixed is no result: code scanning closes what is no
// longer there. What is suppressed is one, and says so.
func SARIF(w io.Writer, r *report.Report, o Options) error {
	b, err := json.MarshalIndent(newSARIF(o.Keys.apply(r), o), "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(escapeHidden(b), '\n'))
	return err
}

// The part of SARIF that we write. Members that would be empty are left out: an empty one often means something.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Automation  sarifAutomation   `json:"automationDetails"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"` // empty means that nothing was found
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		URI     string      `json:"informationUri"`
		Rules   []sarifRule `json:"rules,omitempty"`
	}
	sarifAutomation struct {
		ID string `json:"id"`
	}
	sarifInvocation struct {
		Successful    bool        `json:"executionSuccessful"`
		Notifications []sarifNote `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNote struct {
		Level   string    `json:"level"`
		Message sarifText `json:"message"`
	}
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifRule struct {
		ID      string      `json:"id"`
		Name    string      `json:"name,omitempty"`
		Short   *sarifText  `json:"shortDescription,omitempty"`
		Full    *sarifText  `json:"fullDescription,omitempty"`
		Help    *sarifText  `json:"help,omitempty"`
		Default sarifConfig `json:"defaultConfiguration"`
	}
	sarifConfig struct {
		Level string `json:"level"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Baseline     string             `json:"baselineState,omitempty"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI  string `json:"uri"`
		Base string `json:"uriBaseId,omitempty"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification,omitempty"`
	}
)

func newSARIF(r *report.Report, o Options) sarifLog {
	results, left := worstFirst(r.Findings, sarifMost)
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "kvtool", Version: r.Tool.Version, URI: "https://github.com/kvtool/kvtool"}},
		Automation:  sarifAutomation{"kvtool/" + marker(r.Kind) + "/"},
		Invocations: []sarifInvocation{{r.Coverage.Complete, sarifNotes(r, left)}},
		Results:     make([]sarifResult, 0, len(results)),
	}
	index := map[string]int{}
	for i := range results {
		f := &results[i]
		if _, known := index[f.Rule]; !known {
			index[f.Rule] = len(run.Tool.Driver.Rules)
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, newSARIFRule(f, o.rule(f.Rule)))
		}
		run.Results = append(run.Results, newSARIFResult(r, f, index[f.Rule]))
	}
	return sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}}
}

// worstFirst returns the most worst findings that are not fixed, and how many it leaves out. What is suppressed comes last.
func worstFirst(fs []report.Finding, most int) (worst []report.Finding, left int) {
	worst = slices.Clone(only(fs, func(f *report.Finding) bool { return f.Status != report.Fixed }))
	slices.SortStableFunc(worst, func(a, b report.Finding) int {
		return cmp.Or(cmp.Compare(rank(&a), rank(&b)), severityOrder(a.Severity)-severityOrder(b.Severity))
	})
	n := min(most, len(worst))
	return worst[:n], len(worst) - n
}

// rank puts what is to be looked at before what is known, and that before what is accepted.
func rank(f *report.Finding) int {
	switch {
	case open(f):
		return 0
	case present(f):
		return 1
	}
	return 2
}

func severityOrder(s report.Severity) int { return slices.Index(report.Severities[:], s) }

// sarifNotes says what the results do not: what was not read, and what is not among them.
func sarifNotes(r *report.Report, left int) []sarifNote {
	var notes []sarifNote
	add := func(text string) {
		if text != "" {
			notes = append(notes, sarifNote{"warning", sarifText{Text: noLinks(cutEnd(clean(text, false), longestMessage, "…"))}})
		}
	}
	for _, why := range r.Coverage.Why {
		add(why)
	}
	add(leftOut(left, sarifMost))
	add(placeless(r, codeScanningDrops))
	return notes
}

const codeScanningDrops = "code scanning will not show them"

// leftOut says that a format holds only the most worst findings.
func leftOut(left, most int) string {
	if left == 0 {
		return ""
	}
	return fmt.Sprintf("%d findings are left out: only the worst %d are in it", left, most)
}

// sarifCaveat is what a user should know of a report as SARIF.
func sarifCaveat(r *report.Report) []string {
	_, left := worstFirst(r.Findings, sarifMost)
	return notEmpty(leftOut(left, sarifMost), placeless(r, codeScanningDrops))
}

func notEmpty(texts ...string) []string {
	return slices.DeleteFunc(texts, func(s string) bool { return s == "" })
}

// longestDescription is what GitHub takes of one.
const longestDescription = 1000

func newSARIFRule(f *report.Finding, doc *report.Rule) sarifRule {
	if doc == nil {
		return sarifRule{ID: f.Rule, Default: sarifConfig{sarifLevel(f.Severity)}}
	}
	help := &markdown{}
	help.rule(doc)
	return sarifRule{
		ID:      doc.ID,
		Name:    doc.Name,
		Short:   &sarifText{Text: doc.Title},
		Full:    &sarifText{Text: cutEnd(strings.Join(strings.Fields(doc.Doc), " "), longestDescription, "…")},
		Help:    &sarifText{Text: doc.Title + ". Fix: " + doc.Fix, Markdown: help.b.String()},
		Default: sarifConfig{sarifLevel(doc.Severity)},
	}
}

func newSARIFResult(r *report.Report, f *report.Finding, rule int) sarifResult {
	text := plainMessage(r, f)
	if f.Fix != "" {
		text += ". Fix: " + cutEnd(clean(f.Fix, false), longestMessage, "…")
	}
	res := sarifResult{
		RuleID:       f.Rule,
		RuleIndex:    rule,
		Level:        sarifLevel(f.Severity),
		Message:      sarifText{Text: noLinks(text)},
		Locations:    []sarifLocation{{Logical: []sarifLogical{{plainSubject(f)}}}},
		Fingerprints: map[string]string{"kvtool/v1": f.Fingerprint()},
		Baseline:     baselineState(f.Status),
	}
	if p := place(r, f); p.Line > 0 {
		res.Locations[0].Physical = &sarifPhysical{newArtifact(p.File), sarifRegion{p.Line}}
	}
	if f.Status == report.Suppressed {
		res.Suppressions = []sarifSuppression{{"external", "accepted", cutEnd(clean(f.Note, false), longestMessage, "…")}}
	}
	return res
}

// noLinks escapes what SARIF takes for a link in a message: [text](target).
func noLinks(s string) string { return strings.NewReplacer("[", `\[`, "]", `\]`).Replace(s) }

// newArtifact names a file as a URI: relative to the root of the sources, unless its path is absolute.
func newArtifact(file string) sarifArtifact {
	path := filepath.ToSlash(file)
	if filepath.IsAbs(file) {
		return sarifArtifact{URI: (&url.URL{Scheme: "file", Path: path}).String()}
	}
	return sarifArtifact{URI: (&url.URL{Path: path}).String(), Base: "%SRCROOT%"}
}

func sarifLevel(s report.Severity) string {
	if s == report.Info {
		return "note"
	}
	return string(s)
}

// baselineState is a status in the words of SARIF. What is suppressed was seen when it was; a suppression that has ended
// brings a finding back.
func baselineState(s report.Status) string {
	switch s {
	case report.New, report.Expired:
		return "new"
	case report.Worsened:
		return "updated"
	case report.Existing, report.Suppressed:
		return "unchanged"
	}
	return ""
}
