package kv

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// A Planner is a store whose scans are paid for, in money or by its server. What one will cost is said before it begins.
type Planner interface {
	Plan(ctx context.Context) (Plan, error)
}

// PlanOf returns what a scan of s will take. It is free where the store says nothing of that.
func PlanOf(ctx context.Context, s Store) (Plan, error) {
	if p, ok := s.(Planner); ok {
		return p.Plan(ctx)
	}
	return Plan{Free: true}, nil
}

// A Plan is what a scan of a whole store will take, about.
type Plan struct {
	Known bool    // of Units, Cost, Time and Keys; else the store did not say how large it is
	Free  bool    // nobody is billed for it
	Keys  int64   // by the store's own count
	Units float64 // that the store meters
	Unit  string  // what they are called
	Cost  float64 // in USD; 0 where the units are paid for already
	Basis string  // which prices that is by, or what pays for it
	Load  string  // what operations of a load take, where that is billed: "0.625 USD a million write units"
	Rate  float64 // units a second that the scan is held to; 0 is no limit
	Time  time.Duration
	// Burden says what a scan does to the store, a sentence each, where that is more than to answer questions: it is asked about
	// then although nobody is billed. Instead is how the same can be read without it.
	Burden  []string
	Instead string
}

// String writes the plan in one line.
func (p Plan) String() string {
	switch {
	case len(p.Burden) > 0:
		return strings.Join(p.Burden, "; ")
	case p.Free:
		return "a scan costs nothing here"
	case !p.Known:
		return "the store does not say how large it is, nor so what a scan costs"
	}
	text := fmt.Sprintf("a scan takes about %.0f %s", p.Units, p.Unit)
	switch {
	case p.Cost > 0:
		text += fmt.Sprintf(", %.2f USD (%s)", p.Cost, p.Basis)
	case p.Basis != "":
		text += " " + p.Basis
	}
	if p.Rate > 0 && p.Time > time.Second {
		text += fmt.Sprintf(", %s at %.0f a second", p.Time.Round(time.Second), p.Rate)
	}
	return text
}
