package main

import (
	"fmt"
	"strings"
)

// A bar is a limit that a figure is held to.
type bar struct {
	figure string  // what is measured
	got    float64 // the median of the runs or, of memory, the most of them
	shown  string  // got, with the ends of what was measured
	limit  float64
	least  bool // the limit is the least that will do, not the most
}

// met reports whether the figure is on the right side. What could not be measured is not a number, and on neither.
func (b bar) met() bool {
	if b.least {
		return b.got >= b.limit
	}
	return b.got <= b.limit
}

func (b bar) want() string {
	if b.least {
		return fmt.Sprintf("≥ %.3g", b.limit)
	}
	return fmt.Sprintf("≤ %.3g", b.limit)
}

func (b bar) verdict() string {
	if b.met() {
		return "met"
	}
	return "**missed**"
}

// A claim is a bar on how the first tool compares with the peer.
type claim struct {
	what  string
	of    metric
	limit float64
	least bool
}

// claim holds the ratio of the i-th tool to the peer to a limit.
func (g group) claim(i int, c claim) bar {
	r := g.ratio(i, c.of)
	return bar{
		figure: fmt.Sprintf("`%s` against `%s`: %s", g.tools[i].label, g.peer().label, c.what),
		got:    r.median, shown: r.format("%.3g"), limit: c.limit, least: c.least,
	}
}

// A result is what a section found.
type result struct {
	name     string
	where    string   // the machine, a line
	data     string   // the data set, a line; may be empty
	commands []string // that were run
	bars     []bar
	tables   string // Markdown
}

// missed returns an error for each bar that is not met.
func (r *result) missed() []error {
	var errs []error
	for _, b := range r.bars {
		if !b.met() {
			errs = append(errs, fmt.Errorf("%s: %s is %s, the bar is %s", r.name, strings.ReplaceAll(b.figure, "`", ""), b.shown, b.want()))
		}
	}
	return errs
}
