// Package report holds the output words of kvtool: what any output may know of an analysis. A Report is one document
// that text, JSON, Prometheus, the dashboard and the exit code all read; none of them asks the store or the analysis
// again.
//
// The one idea is that a report is numbers with names and units, never text made for one output: a Section has metrics
// and tables, a Finding has a measure and evidence, and how they look is the renderer's business. Nothing here does I/O
// or imports anything outside the standard library.
package report

import (
	"slices"
	"time"
)

// Schema names the version of the document. Within v1 there are only additions.
const Schema = "kvtool.report/v1"

// Kinds of report.
const (
	KindAudit    = "audit"
	KindLint     = "lint"     // a schema alone
	KindCheck    = "check"    // a schema, and a keyspace held against it
	KindSimulate = "simulate" // what a schema would do
	KindDiff     = "diff"     // of two schemas
	KindDrift    = "drift"    // how a keyspace has left its plan
	KindHotkeys  = "hotkeys"  // what is done to the keys
	KindSkew     = "skew"     // how evenly a keyspace is spread
	KindTTL      = "ttl"      // what TTLs seem to have been set
	KindTriage   = "triage"   // why a server is slow now
	KindFleet    = "fleet"    // Targets holds one report a target
	KindLoad     = "load"     // how a store behaved under load
	KindCompare  = "compare"  // of two loads
	KindFindMax  = "find-max" // the highest load under limits
)

// A Report is the document.
type Report struct {
	Schema   string    `json:"schema"`
	Kind     string    `json:"kind"`
	Tool     Tool      `json:"tool"`
	Target   Target    `json:"target"`
	Design   *Design   `json:"design,omitempty"` // that it was judged by
	Taken    time.Time `json:"taken"`            // the time that every age and TTL counts from
	Coverage Coverage  `json:"coverage"`
	Sections []Section `json:"sections"`
	Findings []Finding `json:"findings"`
	Skipped  []Skip    `json:"skipped"`
	Gate     *Gate     `json:"gate,omitempty"`
	Targets  []*Report `json:"targets,omitempty"` // of a fleet
	Parts    []Part    `json:"-"`                 // of a snapshot file
	Resume   *Resume   `json:"-"`                 // of a snapshot file whose scan ended early
}

// Section returns the section of the given name, or nil.
func (r *Report) Section(name string) *Section {
	for i := range r.Sections {
		if r.Sections[i].Name == name {
			return &r.Sections[i]
		}
	}
	return nil
}

// A Tool says what made the report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// A Target says what was looked at.
type Target struct {
	Adapter string   `json:"adapter"`
	Name    string   `json:"name,omitempty"` // of a fleet's target: what its findings have for their scope
	URL     string   `json:"url"`            // redacted
	Product string   `json:"product,omitempty"`
	Version string   `json:"version,omitempty"`
	Memory  *int64   `json:"memory,omitempty"` // bytes the store says that it uses
	Facts   []Fact   `json:"facts"`
	Notes   []string `json:"notes,omitempty"`
}

// A Design is the keys.yaml that a report was judged by.
type Design struct {
	Files     []string `json:"files"`     // as they were named, the first one first
	Templates int      `json:"templates"` // declared
	Rules     int      `json:"rules"`     // held against them
}

// A Fact says how far one thing could be known of the target.
type Fact struct {
	Name string `json:"name"`
	How  string `json:"how"` // measured, modelled, sampled, missing
	Why  string `json:"why,omitempty"`
	Hint string `json:"hint,omitempty"`
}

// How returns how the named fact is known: measured, modelled, sampled or missing.
func (t *Target) How(name string) string {
	for _, f := range t.Facts {
		if f.Name == name {
			return f.How
		}
	}
	return "missing"
}

// Coverage says what was read. Why explains every way in which it is not all.
type Coverage struct {
	Keys     int64    `json:"keys"`
	Of       *int64   `json:"of"` // how many there are, about; null if unknown
	Complete bool     `json:"complete"`
	Elapsed  Duration `json:"elapsed,omitempty"` // of a live scan
	Why      []string `json:"why,omitempty"`
}

// A Duration is a time span, in JSON a number of seconds.
type Duration time.Duration

// A Skip is an analysis that did not run.
type Skip struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

// A Section is the result of one analysis.
type Section struct {
	Name         string     `json:"name"`
	Title        string     `json:"title"`
	Metrics      []Metric   `json:"metrics"`
	Tables       []Table    `json:"tables"`
	NotEvaluated []Unjudged `json:"not_evaluated,omitempty"` // rules of the analysis; they have not passed
}

// Evaluated reports whether the analysis could judge its rule.
func (s *Section) Evaluated(rule string) bool {
	return !slices.ContainsFunc(s.NotEvaluated, func(u Unjudged) bool { return u.Rule == rule })
}

// An Unjudged is a rule that could not be held against what was read.
type Unjudged struct {
	Rule string `json:"rule"`
	Why  string `json:"why"`
}

// A Metric is a number with a name. An unknown value is Null, never 0.
type Metric struct {
	Name     string    `json:"name"`
	Value    Value     `json:"value"`
	Unit     Unit      `json:"unit"`
	Interval *Interval `json:"interval,omitempty"` // 95 %; nil if exact
	How      string    `json:"how,omitempty"`      // "modelled" or "sampled"; empty is measured
}

// An Interval holds the true value in 95 of 100 reports.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// A Table has rows of as many values as it has columns, the most important first.
type Table struct {
	Name    string    `json:"name"`
	Title   string    `json:"title,omitempty"`
	Columns []Column  `json:"columns"`
	Rows    [][]Value `json:"rows"`
	// Omitted counts the rows that were left out at the end; More holds their sums in the columns where a sum means
	// something and Null in the others. More is nil if nothing was left out.
	Omitted int64   `json:"omitted,omitempty"`
	More    []Value `json:"more,omitempty"`
}

// A Column names the values below it.
type Column struct {
	Name  string `json:"name"`
	Title string `json:"title,omitempty"` // for people; Name if empty
	Unit  Unit   `json:"unit"`
	Sum   bool   `json:"sum,omitempty"` // values may be added up: a renderer may fold rows
	// Rank says which columns to drop first where there is no room: the highest. Columns of rank 0 stay.
	Rank int `json:"rank,omitempty"`
}

// A Unit says what a number counts and so how a renderer scales it.
type Unit string

// The units. A ratio is between 0 and 1; a duration is in seconds; a time in seconds since 1970 UTC; a rate in events a
// second. A key is text of bytes that nobody has checked; text is our own words.
const (
	UnitCount    Unit = "count"
	UnitBytes    Unit = "bytes"
	UnitDuration Unit = "duration"
	UnitRatio    Unit = "ratio"
	UnitRate     Unit = "rate"
	UnitTime     Unit = "time"
	UnitFactor   Unit = "factor" // so many times
	UnitFlag     Unit = "flag"   // 1 is yes and 0 is no
	UnitKey      Unit = "key"
	UnitText     Unit = "text"
)
