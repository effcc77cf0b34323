// Package budget measures what a team may limit of a keyspace: bytes and keys of a user, memory without TTL, uneven slots and
// nodes. It owns what each of these numbers means; how they are limited is package report's, where the limits stand is
// internal/config's.
//
// The one idea is that a budget is measured on a report, not on a store, so that the same number can be read from a scan, from
// a saved run and from a baseline:
//
//	report (templates, ttl, slots, nodes) ─┐
//	schema (which templates have a uid) ───┴─▶ Measure ─▶ report.Check
package budget

import (
	"fmt"
	"math"
	"slices"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

// The metrics.
const (
	BytesPerEntity = "bytes_per_entity"    // bytes of all keys that hold an id, by id; entity is the field
	KeysPerEntity  = "keys_per_entity"     // the same of keys
	NoTTLShare     = "no_ttl_memory_share" // share of the bytes whose keys have no TTL
	SlotMaxMean    = "slot_max_over_mean"  // what the fullest slot holds, as so many times the mean of those that are used
	NodeMaxMean    = "node_max_over_mean"  // the same of nodes
)

// Measure returns the check of a metric, one of those above, with its head as r has it. Where that is unknown, Why says what is
// missing. Entity is a field of s for those by entity.
func Measure(r *report.Report, s *schema.Schema, metric, entity string) report.Check {
	switch metric {
	case BytesPerEntity:
		return perEntity(r, s, entity, "bytes", report.UnitBytes)
	case KeysPerEntity:
		return perEntity(r, s, entity, "keys", report.UnitCount)
	case NoTTLShare:
		return noTTL(r)
	case SlotMaxMean:
		return slots(r)
	}
	return nodes(r)
}

// unknown is a check whose head nobody can tell.
func unknown(name string, unit report.Unit, why string, args ...any) report.Check {
	return report.Check{Name: name, Unit: unit, Why: fmt.Sprintf(why, args...)}
}

// perEntity is what all templates that hold the field have together, for each value that the field takes.
func perEntity(r *report.Report, s *schema.Schema, field, column string, unit report.Unit) report.Check {
	name := column + "/" + field
	t := templatesOf(r)
	if t == nil {
		return unknown(name, unit, "no templates were counted")
	}
	var sum, variance float64
	for i := range s.Templates {
		if !holds(s.Templates[i].Key, field) {
			continue
		}
		text := s.Templates[i].Key.String()
		n, known := t.of(text, column)
		if !known {
			return unknown(name, unit, "the %s of %s are not known", column, text)
		}
		off, _ := t.of(text, "bytes_off")
		sum += n
		variance += off * n * off * n
	}
	values, how := t.values(s, field)
	if values == 0 {
		return unknown(name, unit, "nobody knows how many %s there are: no key holds it alone, and it declares no cardinality", field)
	}
	c := report.Check{Name: name, Unit: unit, Head: report.Number(sum / values), Why: how}
	if variance > 0 && column == "bytes" {
		half := math.Sqrt(variance)
		c.Interval = &report.Interval{Low: (sum - half) / values, High: (sum + half) / values}
	}
	return c
}

// holds reports whether a key has the field.
func holds(k schema.Key, field string) bool {
	return slices.ContainsFunc(k, func(p schema.Piece) bool { return p.Type != nil && p.Field == field })
}

// alone reports whether the field is all that tells the keys of a template apart.
func alone(k schema.Key, field string) bool {
	return holds(k, field) && !slices.ContainsFunc(k, func(p schema.Piece) bool { return p.Type != nil && p.Field != field })
}

// values returns how many values a field has, 0 if nobody knows. A template that the field alone tells apart has one key a
// value, so the one with the most keys has counted them. Where there is none, what is declared has to do.
func (t *templates) values(s *schema.Schema, field string) (n float64, how string) {
	for i := range s.Templates {
		if k := s.Templates[i].Key; alone(k, field) {
			keys, _ := t.of(k.String(), "keys")
			n = max(n, keys)
		}
	}
	if f := s.Field(field); n == 0 && f != nil && f.Cardinality > 0 {
		return float64(f.Cardinality), fmt.Sprintf("with %d values of %s, as declared", f.Cardinality, field)
	}
	return n, ""
}
