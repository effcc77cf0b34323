package report

import (
	"bytes"
	"errors"
	"fmt"
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

// Check returns an error if r, which somebody has read, is not as a report is made: of another schema, or with a table whose
// rows are not of its columns. Renderers need not ask again.
func (r *Report) Check() error {
	if r.Schema != Schema {
		return fmt.Errorf("its schema is %q, not %q", r.Schema, Schema)
	}
	for i := range r.Sections {
		for j := range r.Sections[i].Tables {
			if err := r.Sections[i].Tables[j].check(); err != nil {
				return fmt.Errorf("section %s, %w", r.Sections[i].Name, err)
			}
		}
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

func (t *Table) check() error {
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
