package fit

import (
	"fmt"
	"strings"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// Ways to ask that need more than the name of a key.

func complexQueries(f *facts) []line {
	found := f.where(isComplex, func(u use) string {
		what := u.Query
		if len(u.By) > 0 {
			what += " by " + strings.Join(u.By, ", ")
		}
		if u.Order != "" {
			what += " in the order of " + u.Order
		}
		return what
	})
	if found == nil {
		return nil
	}
	return []line{{
		"complex-query", join(found), "a document or relational store; for text a search engine",
		"secondary indexes and a planner answer what nobody wrote an index for",
		"each such query has a key or a sorted set of its own that the writer keeps up to date",
	}}
}

// isComplex reports whether a query filters on more than one field or sorts what it filters, aggregates, or searches in text.
func isComplex(u use) bool {
	switch u.Query {
	case "aggregate", "text":
		return true
	case "filter":
		return len(u.By) > 1 || u.Order != ""
	}
	return false
}

func rangesOverKeys(f *facts) []line {
	if f.declared() == schema.Ordered {
		return nil
	}
	found := f.where(overKeys, func(u use) string { return u.Query + " over " + u.t.Key.String() })
	if found == nil {
		return nil
	}
	return []line{{
		"range-and-order", join(found), "an ordered or wide-column store",
		"keys are hashed: a range or a prefix is found only by reading all of them",
		"a sorted set or a list holds the names of the keys, or a sort key takes the place of the prefix",
	}}
}

// overKeys reports whether a query asks for a range of keys, rather than of the elements of one, or of the sort keys of one
// partition.
func overKeys(u use) bool {
	switch u.Query {
	case "prefix_scan":
		return len(u.t.Item.SK) == 0
	case "range":
		return !ordered(u.t)
	case "scan":
		return u.RequestPath
	}
	return false
}

// ordered reports whether what a template holds has an order of its own.
func ordered(t *schema.Template) bool {
	switch t.Type {
	case "zset", "list", "stream":
		return true
	}
	return len(t.Item.SK) > 0
}

// observedScans looks at what a server says it was asked.
func observedScans(f *facts) []line {
	calls := f.calls()
	keys, all := calls["keys"], calls.total()
	scans := calls["scan"]
	if all < fewestCalls || keys == 0 && scans < scanShare*all {
		return nil
	}
	evidence := fmt.Sprintf("commandstats: %.0f KEYS and %.0f SCAN of %.0f calls", keys, scans, all)
	return []line{{
		"range-and-order", evidence, "an ordered or wide-column store",
		"a scan reads every key to find a few; KEYS stops the server meanwhile",
		"the scans are of tools, not of requests; else a set or sorted set that holds the names",
	}}
}

// The share of calls from which a command is a habit, and how many calls there must be to say so; defaults of kvtool.
const (
	scanShare   = 0.01
	txShare     = 0.01
	fewestCalls = 10_000
)

// A tally counts the calls of commands by their names in lower case.
type tally map[string]float64

// calls reads the calls that the report holds; empty if it holds none.
func (f *facts) calls() tally {
	t := tally{}
	f.rows("server", "commands", func(c cell) {
		name, _ := c("command").Text()
		if n, ok := c("calls").Number(); ok {
			t[strings.ToLower(name)] += n
		}
	})
	return t
}

func (t tally) total() float64 {
	sum := 0.0
	for _, n := range t {
		sum += n
	}
	return sum
}
