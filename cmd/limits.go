package cmd

import (
	"maps"
	"slices"

	"github.com/kvtool/kvtool/internal/config"
	"github.com/kvtool/kvtool/keydesign/budget"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// limits are the budgets of a project.
type limits []config.Budget

// budgets returns the budgets that the configuration sets. An entity must be a field that some key of s holds.
func (e *Env) budgets(s *schema.Schema) (limits, error) {
	from := e.conf.first(func(f *config.File) bool { return f.Budgets != nil })
	if from == nil {
		return nil, nil
	}
	fields := fieldsOf(s)
	for _, b := range from.Budgets {
		if b.Entity == "" || fields[b.Entity] {
			continue
		}
		err := kv.Usagef("%s:%d: no key of the schema holds the field %q", from.Name, b.Line, b.Entity)
		if n := nearest(b.Entity, slices.Sorted(maps.Keys(fields))); n != "" {
			err = kv.WithHint(err, "did you mean "+n+"?")
		}
		return nil, err
	}
	return from.Budgets, nil
}

// fieldsOf returns the names of the fields that the keys of s hold.
func fieldsOf(s *schema.Schema) map[string]bool {
	fields := map[string]bool{}
	for i := range s.Templates {
		for _, p := range s.Templates[i].Key {
			if p.Field != "" {
				fields[p.Field] = true
			}
		}
	}
	return fields
}

// measure returns the checks of the budgets on r. What they were in the baseline is measured where that is a report of the same
// design, and else in the baseline's own words.
func (ls limits) measure(r, base *report.Report, s *schema.Schema) []report.Check {
	var all []report.Check
	for _, b := range ls {
		c := budget.Measure(r, s, b.Metric, b.Entity)
		c.Level = report.Severity(b.Level)
		c.Limit, c.MaxDelta = number(b.Max), number(b.MaxDelta)
		if base != nil && base.Design != nil {
			c.Base = budget.Measure(base, s, b.Metric, b.Entity).Head
		}
		all = append(all, c)
	}
	return all
}

func number(f *float64) report.Value {
	if f == nil {
		return report.Null
	}
	return report.Number(*f)
}
