package render

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// junitMessage is where a message is cut, in bytes: what shows test results keeps all of it in memory.
const junitMessage = 4 << 10

// JUnit writes test results: a suite is a rule, a case of it what the rule was held against. What fails a gate is a failure;
// what is accepted is skipped; what is known or not as bad passes, and its output says so. Two more suites hold the target,
// whose case is an error if not everything was read, and the budgets.
func JUnit(w io.Writer, r *report.Report, o Options) error {
	r = o.Keys.apply(r)
	suites := append([]junitSuite{targetSuite(r)}, ruleSuites(r, o)...)
	if r.Gate != nil && len(r.Gate.Checks) > 0 {
		suites = append(suites, budgetSuite(r.Gate.Checks))
	}
	doc := junitSuites{Name: "kvtool " + clean(r.Kind, false)}
	for i := range suites {
		suites[i].count()
		doc.Tests += suites[i].Tests
		doc.Failures += suites[i].Failures
		doc.Errors += suites[i].Errors
	}
	doc.Suites = suites
	b, err := xml.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, xml.Header+string(b)+"\n")
	return err
}

// The part of JUnit's XML that we write: what Jenkins, GitLab and GitHub's viewers have in common.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string       `xml:"name,attr"`
		Class   string       `xml:"classname,attr"`
		Skipped *junitResult `xml:"skipped"`
		Error   *junitResult `xml:"error"`
		Failure *junitResult `xml:"failure"`
		Output  string       `xml:"system-out,omitempty"`
	}
	junitResult struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

func (s *junitSuite) count() {
	s.Tests = len(s.Cases)
	for i := range s.Cases {
		switch c := &s.Cases[i]; {
		case c.Error != nil:
			s.Errors++
		case c.Failure != nil:
			s.Failures++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
}

// targetSuite says whether the target could be read; of a fleet, whether each could.
func targetSuite(r *report.Report) junitSuite {
	if r.Kind != report.KindFleet {
		return junitSuite{Name: "target", Cases: []junitCase{targetCase(r)}}
	}
	s := junitSuite{Name: "target"}
	for _, t := range r.Targets {
		s.Cases = append(s.Cases, targetCase(t))
	}
	return s
}

func targetCase(r *report.Report) junitCase {
	c := junitCase{Name: cutMiddle(clean(cmp.Or(r.Target.Name, r.Target.URL), false), longestSubject, "…"), Class: "target"}
	if c.Name == "" {
		c.Name = "target"
	}
	if !r.Coverage.Complete {
		c.Error = newJUnitResult("incomplete", "not everything was read", strings.Join(r.Coverage.Why, "\n"))
	}
	return c
}

// ruleSuites makes a suite of each rule that found something, in the order of the findings.
func ruleSuites(r *report.Report, o Options) []junitSuite {
	var suites []junitSuite
	index := map[string]int{}
	for i := range r.Findings {
		f := &r.Findings[i]
		at, known := index[f.Rule]
		if !known {
			at = len(suites)
			index[f.Rule] = at
			suites = append(suites, junitSuite{Name: clean(o.ruleTitle(f.Rule), false)})
		}
		suites[at].Cases = append(suites[at].Cases, newJUnitCase(f, suites[at].Name, r.Gate))
	}
	return suites
}

func newJUnitCase(f *report.Finding, class string, g *report.Gate) junitCase {
	c := junitCase{Name: plainSubject(f), Class: class}
	says := []string{string(f.Severity) + ": " + f.Message}
	if at := where(f.Pos); at != "" {
		says = append(says, "at: "+at)
	}
	if f.Status != "" {
		says = append(says, "status: "+strings.TrimSpace(string(f.Status)+" "+growth(f)))
	}
	if f.Note != "" {
		says = append(says, "note: "+f.Note)
	}
	if f.Fix != "" {
		says = append(says, "fix: "+f.Fix)
	}
	says = append(says, "fingerprint: "+f.Fingerprint())
	switch {
	case f.Status == report.Suppressed:
		c.Skipped = newJUnitResult("suppressed", "suppressed: "+f.Note, "")
	case failing(f, g):
		c.Failure = newJUnitResult(string(f.Severity), f.Message, strings.Join(says, "\n"))
	default:
		c.Output = plainLines(strings.Join(says, "\n"))
	}
	return c
}

func newJUnitResult(kind, message, text string) *junitResult {
	return &junitResult{kind, cutBytes(clean(message, false), junitMessage), plainLines(text)}
}

// plainLines cleans text line by line and cuts it.
func plainLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = clean(lines[i], false)
	}
	return cutBytes(strings.Join(lines, "\n"), junitMessage)
}

// cutBytes shortens s, which is valid UTF-8, to at most n bytes.
func cutBytes(s string, n int) string {
	const mark = "…"
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n-len(mark)], "") + mark
}

// budgetSuite makes each budget a case.
func budgetSuite(checks []report.Check) junitSuite {
	s := junitSuite{Name: report.LimitsWord(checks)}
	for i := range checks {
		b := &checks[i]
		c := junitCase{Name: cutMiddle(clean(b.Name, false), longestSubject, "…"), Class: s.Name}
		says := budgetText(b, false)
		switch {
		case b.Verdict == report.Inconclusive:
			c.Skipped = newJUnitResult("inconclusive", says, "")
		case b.Verdict == report.Fail && b.Level == report.Error:
			c.Failure = newJUnitResult(strings.TrimSuffix(s.Name, "s"), says, b.Why)
		default:
			c.Output = plainLines(says)
		}
		s.Cases = append(s.Cases, c)
	}
	return s
}

// budgetText says in a few words how a budget stands: "8.90 KiB, limit 8.00 KiB, 6.10 KiB before".
func budgetText(c *report.Check, ascii bool) string {
	says := budgetHead(c, ascii)
	if !c.Limit.IsNull() {
		says += ", limit " + human(c.Limit, c.Unit, ascii)
	}
	if !c.Base.IsNull() {
		says += ", " + human(c.Base, c.Unit, ascii) + " before"
	}
	if most, ok := c.MaxDelta.Number(); ok {
		says += fmt.Sprintf(", may grow by %s", humanize.Ratio(most))
	}
	return says
}
