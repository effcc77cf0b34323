package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
)

// A Rule is one thing that may be held against a keyspace. Its documentation is part of it: help, docs and the machine
// formats print it.
type Rule struct {
	ID       string   `json:"id"`    // KD001 keys, SV001 servers, LD001 runs: never reused
	Name     string   `json:"name"`  // no-namespace
	Title    string   `json:"title"` // one line: what is wrong
	Doc      string   `json:"doc"`   // Markdown: what, why it hurts
	Fix      string   `json:"fix"`   // one line: what to do
	Bad      []string `json:"bad"`
	Good     []string `json:"good"`
	Severity Severity `json:"severity"`         // the highest that it raises
	Stores   []string `json:"stores,omitempty"` // where it applies; empty is everywhere
	Limits   []Limit  `json:"limits,omitempty"`
}

// A Limit is a named threshold of a rule with the source of its value.
type Limit struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Unit   Unit    `json:"unit"`
	Source string  `json:"source"`
}

// OwnDefault is the source of a limit that no vendor gives.
const OwnDefault = "default of kvtool"

// Severity is how bad a finding is; the empty severity is none.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Info    Severity = "info"
)

// Severities lists them, worst first.
var Severities = [...]Severity{Error, Warning, Info}

// AtLeast reports whether s is as bad as t or worse. No severity is at least the empty one, which gates nothing.
func (s Severity) AtLeast(t Severity) bool { return t != "" && s.rank() <= t.rank() }

func (s Severity) rank() int {
	if i := slices.Index(Severities[:], s); i >= 0 {
		return i
	}
	return len(Severities)
}

// Set makes a *Severity a flag value: error, warning, info or never.
func (s *Severity) Set(v string) error {
	if v == "never" {
		*s = ""
		return nil
	}
	if !slices.Contains(Severities[:], Severity(v)) {
		return fmt.Errorf("want error, warning, info or never")
	}
	*s = Severity(v)
	return nil
}

// String returns the name that Set reads.
func (s Severity) String() string { return string(cmp.Or(s, "never")) }

// Type names the flag's value in help.
func (Severity) Type() string { return "severity" }

// A Finding is one instance of a rule. Scope and subject are its identity, so they never hold a number that moves from
// one scan to the next; the message may.
type Finding struct {
	Rule     string
	Severity Severity
	Scope    string // profile, database or table, never a host
	Subject  string // template, prefix, node or "server"; never a slot number or a sampled key
	Message  string
	Fix      string   // what to do, where the finding knows better than its rule
	Avoid    string   // what would make it worse
	Rank     int      // of causes: 1 explains most; 0 where there is no such order
	Measure  *Metric  // the number the rule judged; larger is worse
	Evidence []Metric // more numbers
	Samples  []Value  // example keys
	Status   Status   // against a baseline and suppressions; empty where nothing was compared
	Pos      Pos      // where keys.yaml says what the finding is about; zero if it does not
	Note     string   // a suppression's reason and end
}

// A Pos is a place in a file that somebody wrote; line 0 is no place.
type Pos struct {
	File string `json:"file"`
	Line int    `json:"line"` // from 1
}

// A Status says what became of a finding since the baseline.
type Status string

// The statuses.
const (
	New        Status = "new"        // not in the baseline, or there is none
	Worsened   Status = "worsened"   // in it, and the measure grew beyond the tolerance or the severity rose
	Existing   Status = "existing"   // in it, and no worse
	Fixed      Status = "fixed"      // only in the baseline, and the scan was complete
	Suppressed Status = "suppressed" // accepted, with a reason
	Expired    Status = "expired"    // accepted once; the date has passed
)

// Statuses lists them.
var Statuses = [...]Status{New, Worsened, Existing, Fixed, Suppressed, Expired}

// Fingerprint is the finding's identity across runs: 16 hexadecimal digits from rule, scope and subject.
func (f *Finding) Fingerprint() string {
	h := sha256.Sum256([]byte(f.Rule + "\x00" + f.Scope + "\x00" + f.Subject))
	return hex.EncodeToString(h[:8])
}

// findingJSON is the order and spelling of a finding in the document.
type findingJSON struct {
	Rule        string   `json:"rule"`
	Severity    Severity `json:"severity"`
	Scope       string   `json:"scope,omitempty"`
	Subject     Value    `json:"subject"`
	Message     string   `json:"message"`
	Fix         string   `json:"fix,omitempty"`
	Avoid       string   `json:"avoid,omitempty"`
	Rank        int      `json:"rank,omitempty"`
	Fingerprint string   `json:"fingerprint"`
	Measure     *Metric  `json:"measure,omitempty"`
	Evidence    []Metric `json:"evidence"`
	Samples     []Value  `json:"samples,omitempty"`
	Status      Status   `json:"status,omitempty"`
	Pos         *Pos     `json:"pos,omitempty"`
	Note        string   `json:"note,omitempty"`
}

// MarshalJSON adds the fingerprint.
func (f Finding) MarshalJSON() ([]byte, error) {
	ev := f.Evidence
	if ev == nil {
		ev = []Metric{}
	}
	j := findingJSON{
		f.Rule, f.Severity, f.Scope, Text(f.Subject), f.Message, f.Fix, f.Avoid, f.Rank, f.Fingerprint(),
		f.Measure, ev, f.Samples, f.Status, nil, f.Note,
	}
	if f.Pos.Line > 0 {
		j.Pos = &f.Pos
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (f *Finding) UnmarshalJSON(b []byte) error {
	var j findingJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	subject, _ := j.Subject.Text()
	*f = Finding{
		Rule: j.Rule, Severity: j.Severity, Scope: j.Scope, Subject: subject, Message: j.Message, Fix: j.Fix, Avoid: j.Avoid, Rank: j.Rank,
		Measure: j.Measure, Evidence: j.Evidence, Samples: j.Samples, Status: j.Status, Note: j.Note,
	}
	if j.Pos != nil {
		f.Pos = *j.Pos
	}
	return nil
}

// SortFindings puts the worst first: by severity, then rank, rule, scope and subject, so that equal reports have equal
// bytes.
func SortFindings(fs []Finding) {
	slices.SortStableFunc(fs, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.Severity.rank(), b.Severity.rank()),
			cmp.Compare(a.Rank, b.Rank),
			cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.Scope, b.Scope),
			cmp.Compare(a.Subject, b.Subject),
		)
	})
}
