package recording

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kvtool/kvtool/loadgen/latency"
)

// ErrParts says that recordings are not parts of one run.
var ErrParts = errors.New("not parts of one run")

// fits returns why two recordings do not merge.
func (m *Meta) fits(o *Meta) error {
	differ := func(what string, a, b any) error {
		return fmt.Errorf("%w: %s is %v here and %v there", ErrParts, what, a, b)
	}
	switch {
	case m.Hash != o.Hash:
		return differ("the scenario's hash", m.Hash, o.Hash)
	case m.Version != o.Version:
		return differ("the version of kvtool", m.Version, o.Version)
	case m.Parts != o.Parts:
		return differ("the number of parts", m.Parts, o.Parts)
	case m.Seed != o.Seed:
		return differ("the seed", m.Seed, o.Seed)
	case !slices.Equal(m.Classes, o.Classes):
		return differ("the operations", m.Classes, o.Classes)
	}
	return nil
}

// Merge adds o to r: counts to counts, second by second of the time of day at which the schedules began. It is exact, and the same
// in whatever order and grouping. Recordings that are not parts of one run, or have a part in common, are refused, and r is as it
// was.
func (r *Recording) Merge(o *Recording) error {
	if err := r.Meta.fits(&o.Meta); err != nil {
		return err
	}
	for i := range o.Parts {
		if slices.ContainsFunc(r.Parts, func(p Part) bool { return p.Number == o.Parts[i].Number }) {
			return fmt.Errorf("%w: part %d is there twice", ErrParts, o.Parts[i].Number)
		}
	}
	began := r.Began
	if o.Began.Before(began) {
		began = o.Began
	}
	left, right := offset(began, r.Began), offset(began, o.Began)
	seconds := make([]Second, max(left+len(r.Seconds), right+len(o.Seconds)))
	copy(seconds[left:], r.Seconds)
	for i := range o.Seconds {
		sum, err := add(&seconds[right+i], &o.Seconds[i])
		if err != nil {
			return err
		}
		seconds[right+i] = sum
	}
	events := mergeEvents(r.Events, left, o.Events, right)
	r.Meta.merge(&o.Meta)
	r.Began, r.Seconds, r.Events = began, seconds, events
	r.Parts = append(slices.Clip(r.Parts), o.Parts...)
	slices.SortFunc(r.Parts, func(a, b Part) int { return cmp.Compare(a.Number, b.Number) })
	return nil
}

// merge keeps of what may differ between machines the lesser, so that the order does not matter.
func (m *Meta) merge(o *Meta) {
	m.Scenario, m.CPU, m.Server = min(m.Scenario, o.Scenario), min(m.CPU, o.CPU), min(m.Server, o.Server)
	m.Target, m.Text = min(m.Target, o.Target), min(m.Text, o.Text)
	m.Closed = m.Closed || o.Closed
}

// mostApart bounds by how many seconds parts may begin apart: a day.
const mostApart = 24 * 60 * 60

// offset is in which second of a schedule that began at from another one began.
func offset(from, at time.Time) int {
	return int(min(at.Unix()-from.Unix(), mostApart))
}

// mergeEvents returns all events, each once, by time.
func mergeEvents(a []Event, left int, b []Event, right int) []Event {
	all := make([]Event, 0, len(a)+len(b))
	for _, e := range a {
		all = append(all, Event{e.At + time.Duration(left)*time.Second, e.Name})
	}
	for _, e := range b {
		all = append(all, Event{e.At + time.Duration(right)*time.Second, e.Name})
	}
	slices.SortFunc(all, func(a, b Event) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Name, b.Name)) })
	return slices.Compact(all) // every part has done it
}

// add returns the sum of two seconds, which are not changed. What the server said is the same for all parts: of two readings the
// greater counts.
func add(a, b *Second) (Second, error) {
	s := Second{Due: a.Due + b.Due, Done: a.Done + b.Done, Unsent: a.Unsent + b.Unsent, Violations: a.Violations + b.Violations}
	s.Errors = maps.Clone(a.Errors)
	for k, n := range b.Errors {
		if s.Errors == nil {
			s.Errors = map[string]uint64{}
		}
		s.Errors[k] += n
	}
	s.Server = maps.Clone(a.Server)
	for k, v := range b.Server {
		if s.Server == nil {
			s.Server = map[string]float64{}
		}
		if was, ok := s.Server[k]; !ok || v > was {
			s.Server[k] = v
		}
	}
	s.Classes = make([]Class, max(len(a.Classes), len(b.Classes)))
	for i := range s.Classes {
		var x, y Class
		if i < len(a.Classes) {
			x = a.Classes[i]
		}
		if i < len(b.Classes) {
			y = b.Classes[i]
		}
		c := Class{Errors: x.Errors + y.Errors}
		for k, into := range []*latency.Packed{&c.Response, &c.Service, &c.Lag} {
			sum, err := addPacked(x.of(Kind(k)), y.of(Kind(k)))
			if err != nil {
				return s, err
			}
			*into = sum
		}
		s.Classes[i] = c
	}
	return s, nil
}

func addPacked(a, b latency.Packed) (latency.Packed, error) {
	switch {
	case len(a) == 0:
		return b, nil
	case len(b) == 0:
		return a, nil
	}
	var h latency.Histogram
	if err := h.AddPacked(a); err != nil {
		return nil, err
	}
	if err := h.AddPacked(b); err != nil {
		return nil, err
	}
	return h.Pack(), nil
}
