package report

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Bounds of the JSON of a report, far beyond that of any audit. They bound what it takes in memory: an empty object has two
// bytes there and hundreds here, and a few kilobytes unpack to many of them.
const (
	maxJSON    = 64 << 20 // bytes
	maxObjects = 1 << 20  // objects, at most; braces within texts count as well
)

// ErrTooLarge says that the JSON of a report is beyond what is read.
var ErrTooLarge = errors.New("larger than any report")

// Bounded returns ErrTooLarge if doc, the JSON of a report, is beyond the bounds.
func Bounded(doc []byte) error {
	if len(doc) > maxJSON || bytes.Count(doc, []byte("{")) > maxObjects {
		return ErrTooLarge
	}
	return nil
}

// Check returns an error if r, which somebody has read, is not as a report is made: of another schema, with a table whose rows
// are not of its columns, with names or severities that are none of ours. Renderers need not ask again: names are printed as
// they are, unlike texts.
func (r *Report) Check() error {
	if r.Schema != Schema {
		return fmt.Errorf("its schema is %q, not %q", r.Schema, Schema)
	}
	for i := range r.Sections {
		if err := r.Sections[i].check(); err != nil {
			return err
		}
	}
	for i := range r.Findings {
		if err := r.Findings[i].check(); err != nil {
			return fmt.Errorf("finding %d: %w", i, err)
		}
	}
	if err := r.Gate.check(); err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	for i, t := range r.Targets {
		if t == nil {
			return fmt.Errorf("target %d is null", i)
		}
		if err := t.Check(); err != nil {
			return fmt.Errorf("target %d: %w", i, err)
		}
	}
	return nil
}

func (s *Section) check() error {
	if err := checkNames(s.Name); err != nil {
		return fmt.Errorf("section: %w", err)
	}
	if err := checkMetrics(s.Metrics); err != nil {
		return fmt.Errorf("section %s, %w", s.Name, err)
	}
	for i := range s.Tables {
		if err := s.Tables[i].check(); err != nil {
			return fmt.Errorf("section %s, %w", s.Name, err)
		}
	}
	for _, u := range s.NotEvaluated {
		if err := checkNames(u.Rule); err != nil {
			return fmt.Errorf("section %s, a rule that was not evaluated: %w", s.Name, err)
		}
	}
	return nil
}

func (f *Finding) check() error {
	if !slices.Contains(Severities[:], f.Severity) {
		return fmt.Errorf("its severity is %q", f.Severity)
	}
	if f.Status != "" && !slices.Contains(Statuses[:], f.Status) {
		return fmt.Errorf("its status is %q", f.Status)
	}
	if f.Measure != nil {
		if err := checkMetrics([]Metric{*f.Measure}); err != nil {
			return err
		}
	}
	return cmp.Or(checkNames(f.Rule), checkMetrics(f.Evidence))
}

func (g *Gate) check() error {
	if g == nil {
		return nil
	}
	verdicts := []Verdict{g.Verdict}
	for i := range g.Checks {
		c := &g.Checks[i]
		verdicts = append(verdicts, c.Verdict)
		if !slices.Contains([]string{"", "<", "<=", ">", ">=", "=="}, c.Sign) {
			return fmt.Errorf("the sign of a check is %q", c.Sign)
		}
		if c.Level != Error && c.Level != Warning {
			return fmt.Errorf("the level of a check is %q", c.Level)
		}
		if err := checkNames(c.Name, string(c.Unit)); err != nil {
			return fmt.Errorf("check: %w", err)
		}
	}
	for _, v := range verdicts {
		if v != Pass && v != Fail && v != Inconclusive {
			return fmt.Errorf("a verdict is %q", v)
		}
	}
	return nil
}

func checkMetrics(ms []Metric) error {
	for i := range ms {
		if err := checkNames(ms[i].Name, string(ms[i].Unit), ms[i].How); err != nil {
			return fmt.Errorf("metric: %w", err)
		}
	}
	return nil
}

// checkNames returns an error if a name has bytes that no name of ours has: control characters, or any beyond ASCII.
func checkNames(names ...string) error {
	for _, n := range names {
		if strings.IndexFunc(n, func(c rune) bool { return c < ' ' || c > '~' }) >= 0 {
			return fmt.Errorf("%q is no name", n)
		}
	}
	return nil
}

func (t *Table) check() error {
	if err := checkNames(t.Name); err != nil {
		return fmt.Errorf("table: %w", err)
	}
	for _, c := range t.Columns {
		if err := checkNames(c.Name, string(c.Unit)); err != nil {
			return fmt.Errorf("table %s, column: %w", t.Name, err)
		}
	}
	for i, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return fmt.Errorf("table %s: row %d has %d values for %d columns", t.Name, i, len(row), len(t.Columns))
		}
	}
	switch {
	case t.Omitted < 0:
		return fmt.Errorf("table %s: %d rows omitted", t.Name, t.Omitted)
	case t.More != nil && len(t.More) != len(t.Columns):
		return fmt.Errorf("table %s: sums of %d values for %d columns", t.Name, len(t.More), len(t.Columns))
	case t.More == nil && t.Omitted > 0:
		return fmt.Errorf("table %s: rows omitted without their sums", t.Name)
	}
	return nil
}
