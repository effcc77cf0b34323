package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/kvtool/kvtool/report"
)

// platforms are the formats that other programs read, each with what they are held against.
func platforms(t *testing.T) map[string]func([]byte) error {
	t.Helper()
	junit := loadXSD(t, "testdata/schema/junit-10.xsd")
	return map[string]func([]byte) error{
		"sarif":  jsonSchema(t, "testdata/schema/sarif-2.1.0.json"),
		"gitlab": jsonSchema(t, "testdata/schema/gitlab-codequality.json"),
		"junit":  junit.validate,
		"github": checkWorkflow,
	}
}

func jsonSchema(t *testing.T, path string) func([]byte) error {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile(path)
	if err != nil {
		t.Fatal(err)
	}
	return func(doc []byte) error {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
		if err != nil {
			return err
		}
		return s.Validate(v)
	}
}

// workflowCommand is a line as the runner of GitHub reads it: a command, properties, and all behind the second "::".
var workflowCommand = regexp.MustCompile(`^::(error|warning|notice) ((?:[a-z]+=[^,:\r\n]*)(?:,[a-z]+=[^,:\r\n]*)*)::(.+)$`)

func checkWorkflow(doc []byte) error {
	for l := range strings.Lines(string(doc)) {
		m := workflowCommand.FindStringSubmatch(strings.TrimSuffix(l, "\n"))
		if m == nil {
			return fmt.Errorf("no command: %q", l)
		}
		for p := range strings.SplitSeq(m[2], ",") {
			name, _, _ := strings.Cut(p, "=")
			if !slices.Contains([]string{"file", "line", "title"}, name) {
				return fmt.Errorf("unknown property %q", p)
			}
		}
	}
	return nil
}

// flooded is a report of 7,000 findings, of which more are errors than sarif holds.
func flooded() *report.Report {
	r := checked()
	r.Findings = nil
	for i := range 7_000 {
		r.Findings = append(r.Findings, report.Finding{
			Rule: fmt.Sprintf("KD%03d", i%7), Severity: report.Severities[max(0, i%10-7)], Subject: fmt.Sprintf("t%d:{id}", i), Status: report.New,
			Message: strings.Repeat("no namespace, ", 8), Fix: "add one", Pos: report.Pos{File: "keys.yaml", Line: i + 1},
		})
	}
	report.SortFindings(r.Findings)
	return r
}

// Every sample validates against what is published.
func TestPlatforms(t *testing.T) {
	empty := &report.Report{Kind: report.KindLint, Target: report.Target{URL: "keys.yaml"}, Coverage: report.Coverage{Complete: true}}
	cut := sample()
	cut.Coverage.Complete, cut.Coverage.Why = false, []string{"connection reset"}
	published := platforms(t)
	for kind, r := range map[string]*report.Report{
		"audit": sample(), "check": checked(), "besieged": besieged(), "empty": empty, "cut": cut, "flooded": flooded(),
	} {
		for name, validate := range published {
			for _, o := range []Options{{}, {Rules: documented(), All: true}} {
				if err := validate(render(t, name, r, o)); err != nil {
					t.Errorf("%s as %s: %.2000v", kind, name, err)
				}
			}
		}
	}
}

// What is fixed is in none of the files, and no warning counts it.
func TestPlacelessLeavesOutFixed(t *testing.T) {
	r := &report.Report{Findings: []report.Finding{{Rule: "KD061", Subject: "a"}, {Rule: "KD061", Subject: "b", Status: report.Fixed}}}
	if got := placeless(r, "gone"); got != "1 findings have no line in a keys.yaml: gone" {
		t.Errorf("%q", got)
	}
}

// A validator that accepts anything would pass the test above.
func TestPlatformsRefuse(t *testing.T) {
	v := platforms(t)
	for name, doc := range map[string]string{
		"sarif":  `{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "kvtool", "rulez": []}}}]}`,
		"gitlab": `[{"description": "d", "check_name": "c", "fingerprint": "f", "severity": "fatal", "location": {"path": "p"}}]`,
		"junit":  `<testsuites><testsuite name="a"/></testsuites>`,
		"github": "::error file=a,b,line=1::x\n",
	} {
		if v[name]([]byte(doc)) == nil {
			t.Errorf("%s: accepted %s", name, doc)
		}
	}
}

// What a platform would drop is left out by us, the least first, and said.
func TestCaps(t *testing.T) {
	r := flooded()
	var log sarifLog
	if err := json.Unmarshal(render(t, "sarif", r, Options{}), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if len(run.Results) != sarifMost {
		t.Errorf("%d results", len(run.Results))
	}
	if i := slices.IndexFunc(run.Results, func(x sarifResult) bool { return x.Level != "error" }); i >= 0 {
		t.Errorf("a result is a %s while errors are left out", run.Results[i].Level)
	}
	if notes := run.Invocations[0].Notifications; len(notes) != 1 || !strings.Contains(notes[0].Message.Text, "2000 findings are left out") {
		t.Errorf("the log says %v", notes)
	}
	if c := sarifCaveat(r); len(c) != 1 || !strings.Contains(c[0], "2000") {
		t.Errorf("the user is told %q", c)
	}
	for _, res := range run.Results {
		if res.RuleID != run.Tool.Driver.Rules[res.RuleIndex].ID {
			t.Fatalf("%s has the index of %s", res.RuleID, run.Tool.Driver.Rules[res.RuleIndex].ID)
		}
	}

	out := string(render(t, "github", r, Options{}))
	for word, want := range map[string]int{"::error ": 9, "::warning ": 9, "::notice ": 1} {
		if n := strings.Count(out, word); n != want {
			t.Errorf("%d times %q, want %d", n, word, want)
		}
	}
	if !strings.HasSuffix(out, "::6982 more findings\n") {
		t.Errorf("github ends %q", out[len(out)-80:])
	}

	if out := render(t, "md", r, Options{}); len(out) > markdownMost || !bytes.Contains(out, []byte("6980 more findings")) {
		t.Errorf("md has %d bytes, or does not say how many findings are folded", len(out))
	}
}

// Statuses in the words of each platform.
func TestStatuses(t *testing.T) {
	r := checked()
	var log sarifLog
	if err := json.Unmarshal(render(t, "sarif", r, Options{Rules: documented()}), &log); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, res := range log.Runs[0].Results {
		got[res.RuleID] = fmt.Sprint(res.Level, " ", res.Baseline, " ", len(res.Suppressions))
	}
	want := map[string]string{
		"KD061": "error new 0", "KD081": "error updated 0", "KD040": "error new 0", "KD065": "warning new 0",
		"KD013": "warning unchanged 0", "KD025": "error unchanged 1",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("sarif: %v, want %v: what is fixed is no result", got, want)
	}
	if last := log.Runs[0].Results[len(got)-1]; last.RuleID != "KD025" || last.Suppressions[0].Justification != r.Findings[5].Note {
		t.Errorf("sarif: what is suppressed is not last, or without its reason: %+v", last)
	}

	var issues []gitlabIssue
	if err := json.Unmarshal(render(t, "gitlab", r, Options{}), &issues); err != nil {
		t.Fatal(err)
	}
	for _, i := range issues {
		switch {
		case i.Check == "KD010":
			t.Error("gitlab holds what is fixed")
		case i.Check == "KD025" && (i.Severity != "info" || !strings.Contains(i.Description, "suppressed")):
			t.Errorf("gitlab does not say that KD025 is suppressed: %+v", i)
		case i.Check == "KD013" && i.Location != gitlabLocation{"keys.yaml", gitlabLines{1}}:
			t.Errorf("gitlab: what no template is about is at %+v, not at the first line", i.Location)
		}
	}
}

// Where a finding is decides what a platform shows.
func TestPlaces(t *testing.T) {
	r := sample()
	if c := sarifCaveat(r); len(c) != 1 || !strings.Contains(c[0], "code scanning will not show them") {
		t.Errorf("without a keys.yaml: %q", c)
	}
	if out := render(t, "sarif", r, Options{}); bytes.Contains(out, []byte("physicalLocation")) || !bytes.Contains(out, []byte("logicalLocations")) {
		t.Error("without a keys.yaml there is only a logical location")
	}
	if c := sarifCaveat(checked()); len(c) > 0 {
		t.Errorf("with a keys.yaml: %q", c)
	}
	if got := newArtifact("a b/k%.yaml"); got != (sarifArtifact{"a%20b/k%25.yaml", "%SRCROOT%"}) {
		t.Errorf("%+v", got)
	}
	if got := newArtifact("/src/keys.yaml"); got != (sarifArtifact{"file:///src/keys.yaml", ""}) {
		t.Errorf("%+v", got)
	}
	if got := newArtifact("a:b.yaml"); got.URI != "./a:b.yaml" {
		t.Errorf("%+v: a scheme", got)
	}
}

// GitLab shows one issue a fingerprint; line numbers move and are no part of it.
func TestGitLabFingerprints(t *testing.T) {
	f := checked().Findings[0]
	a := gitlabFingerprint(&f, report.Pos{File: "keys.yaml", Line: 14})
	if b := gitlabFingerprint(&f, report.Pos{File: "keys.yaml", Line: 15}); a != b {
		t.Error("a line more makes another issue")
	}
	if b := gitlabFingerprint(&f, report.Pos{File: "more.yaml", Line: 14}); a == b {
		t.Error("the same template in another file is the same issue")
	}
	f.Scope = "db3"
	if b := gitlabFingerprint(&f, report.Pos{File: "keys.yaml", Line: 14}); a == b {
		t.Error("the same template in another scope is the same issue")
	}
}

// Which case of JUnit fails is what fails the gate.
func TestJUnitFollowsTheGate(t *testing.T) {
	r := checked()
	for want, g := range map[int]*report.Gate{
		3: {FailOn: report.Error, Statuses: []report.Status{report.New, report.Worsened, report.Expired}},
		4: {FailOn: report.Warning},
		5: {FailOn: report.Warning, Statuses: []report.Status{report.New, report.Worsened, report.Expired, report.Existing}},
		0: {},
	} {
		r.Gate = g
		if n := bytes.Count(render(t, "junit", r, Options{}), []byte("<failure ")); n != want {
			t.Errorf("fail-on %q %v: %d failures, want %d", g.FailOn, g.Statuses, n, want)
		}
	}
	r.Gate = nil
	if n := bytes.Count(render(t, "junit", r, Options{}), []byte("<failure ")); n != 3 {
		t.Errorf("without a gate: %d failures", n)
	}
	r.Coverage = report.Coverage{Why: []string{"connection reset"}}
	if !bytes.Contains(render(t, "junit", r, Options{}), []byte(`<error type="incomplete"`)) {
		t.Error("a target that could not be read is no error")
	}
}
