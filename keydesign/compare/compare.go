// Package compare says what changed between two key designs, and what that does to the keys that are there already.
//
// The one idea is that a design is compared by what it means, not by its text. Templates are paired first: by name, then by
// the shape of their keys, then by what they hold, so that a template with another name is a rename and not one removed and
// one added. What differs between the two of a pair has a class:
//
//	breaking     keys or values of before are not found or not understood any more: another key, another type
//	risky        they may be lost or refused: a shorter TTL, a lower limit, a reference that is gone
//	compatible   nothing happens to them
//
// Either design may be that of a keyspace (package propose), which knows less than a schema: no owners, no access, and of
// types and sizes what happened to be there. Only what both sides can know is compared then.
package compare

import (
	"cmp"
	"errors"
	"slices"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// A Class says what a change does to keys that are there.
type Class string

// The classes, the worst first.
const (
	Breaking   Class = "breaking"
	Risky      Class = "risky"
	Compatible Class = "compatible"
)

// Classes lists them, the worst first.
func Classes() []Class { return []Class{Breaking, Risky, Compatible} }

// Set makes a *Class a flag value: a class that can fail.
func (c *Class) Set(s string) error {
	if Class(s) != Breaking && Class(s) != Risky {
		return errors.New("want breaking or risky")
	}
	*c = Class(s)
	return nil
}

// String returns the name that Set reads.
func (c *Class) String() string { return string(*c) }

// Type names the flag's value in help.
func (*Class) Type() string { return "class" }

// AtLeast reports whether c is as bad as d.
func (c Class) AtLeast(d Class) bool { return slices.Index(Classes(), c) <= slices.Index(Classes(), d) }

// A Change is one difference.
type Change struct {
	Class    Class
	Template string // its name: the new one, or the old one of a template that is gone
	What     string // key, type, ttl, …
	Old, New string // empty is not there
}

// Sides says which of the designs are those of a keyspace.
type Sides struct{ OldObserved, NewObserved bool }

func (s Sides) observed() bool { return s.OldObserved || s.NewObserved }

// Schemas returns what changed from one design to the other: the worst first, then by template.
func Schemas(before, after *schema.Schema, sides Sides) []Change {
	c := &comparison{before: before, after: after, sides: sides, lives: map[*schema.Template]schema.TTL{}}
	for _, s := range []*schema.Schema{before, after} {
		for i, ttl := range s.Lives() {
			c.lives[&s.Templates[i]] = ttl
		}
	}
	c.pairUp()
	c.store()
	for _, p := range c.pairs {
		c.template(p)
	}
	slices.SortStableFunc(c.changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(slices.Index(Classes(), a.Class), slices.Index(Classes(), b.Class)), cmp.Compare(a.Template, b.Template))
	})
	return c.changes
}

// A comparison in progress.
type comparison struct {
	before, after *schema.Schema
	sides         Sides
	pairs         []pair
	lives         map[*schema.Template]schema.TTL
	renamed       map[string]string // of templates: the new name by the old one
	changes       []Change
}

// A pair is a template before and after; one of them is nil if it came or went.
type pair struct{ old, new *schema.Template }

func (p *pair) name() string {
	if p.new != nil {
		return p.new.Name
	}
	return p.old.Name
}

func (c *comparison) add(class Class, p pair, what, before, after string) {
	c.changes = append(c.changes, Change{Class: class, Template: p.name(), What: what, Old: before, New: after})
}

// differ adds a change if the two texts are not the same.
func (c *comparison) differ(class Class, p pair, what, before, after string) {
	if before != after {
		c.add(class, p, what, before, after)
	}
}
