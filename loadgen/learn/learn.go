// Package learn writes down the load that a keyspace seems to be under, as a scenario that can be run: from what an audit knows of
// its keys, from two readings of a server's counters of commands, and from what was seen of single accesses. It asks no store
// anything; who calls it does.
//
// The one idea is that no number stands alone: each has beside it, under x-learnt, how much it was learnt from, and what nobody knows
// is assumed in words: so a reader sees what to correct, and what was learnt twice can be held against each other.
//
//	audit ──Facts────────┐
//	commandstats ──Mix───┼─▶ From ──▶ scenario.Draft ──Write──▶ scenario.yaml ──▶ load run
//	accesses ──Uses──────┘
package learn

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/bind"
	"github.com/kvtool/kvtool/keydesign/propose"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/loadgen/scenario"
)

// A Source is what is known. Facts are needed; the others may be nil.
type Source struct {
	Name     string // of the scenario
	Of       string // what it was learnt from, redacted
	At       time.Time
	Facts    *keydesign.Facts
	MinShare float64 // the least share of the keys or bytes that a template is learnt for
	Mix      *Mix
	Uses     *Uses
	Length   time.Duration // of the phase; 0 is a minute
}

var errNothing = errors.New("there are no keys from which a load could be learnt")

// From writes down what a source knows. The error says that it is nothing.
func From(src *Source) (*scenario.Draft, error) {
	p := propose.From(src.Facts, propose.Options{MinShare: src.MinShare})
	if len(p.Templates) == 0 {
		return nil, errNothing
	}
	l := &learner{src: src, raw: p.Schema, draft: &scenario.Draft{
		Name: src.Name, About: "learnt from " + src.Of, Schema: scenario.Bare(p.Schema),
		Comments: []string{
			fmt.Sprintf("learnt from %s, %s", src.Of, src.At.UTC().Format(time.DateOnly)),
			scenario.LearntKey + ": how much a number was learnt from; assumed is what nobody knows",
		},
	}}
	l.draft.Comments = append(l.draft.Comments, p.Notes...)
	if err := l.group(); err != nil {
		return nil, err
	}
	l.unprefix()
	for i := range l.draft.Schema.Templates {
		l.template(i)
	}
	l.operations()
	if len(l.draft.Ops) == 0 {
		return nil, fmt.Errorf("none of the keys is of a type that a load can be made of: %s", strings.Join(l.missing, "; "))
	}
	l.popularity()
	l.phases()
	l.draft.Comments = append(l.draft.Comments, l.missing...)
	return l.draft, nil
}

// A learner is on the way from a source to a draft. The templates of facts, of the proposal and of the draft are three lists: at
// says of the first which of the others they went into, or -1.
type learner struct {
	src     *Source
	raw     *schema.Schema
	draft   *scenario.Draft
	at      []int
	of      [][]int // the reverse
	cut     []int   // placeholders that were of a prefix, of each of the draft
	missing []string
}

// group finds the template of the proposal that each one of the facts has gone into.
func (l *learner) group() error {
	m, err := bind.New(l.raw)
	if err != nil {
		return err
	}
	l.of = make([][]int, len(l.raw.Templates))
	for i := range l.src.Facts.Templates {
		at := -1
		for _, k := range l.src.Facts.Templates[i].Samples {
			if j, ok := m.Match(k); ok {
				at = j
				break
			}
		}
		if l.at = append(l.at, at); at >= 0 {
			l.of[at] = append(l.of[at], i)
		}
	}
	return nil
}

// facts are those of template i, the one with most keys first.
func (l *learner) facts(i int) []*keydesign.TemplateFacts {
	var all []*keydesign.TemplateFacts
	for _, j := range l.of[i] {
		all = append(all, &l.src.Facts.Templates[j])
	}
	slices.SortStableFunc(all, func(a, b *keydesign.TemplateFacts) int { return cmp.Compare(b.Keys, a.Keys) })
	return all
}

// template learns the populations, sizes and TTL of template i.
func (l *learner) template(i int) {
	t := &l.draft.Schema.Templates[i]
	keys := l.raw.Templates[i].Cardinality.Live
	var learnt scenario.Learnt
	learnt.Add("keys", float64(keys))
	facts := l.facts(i)
	var distinct []int64
	if len(facts) == 1 && facts[0].Populations != nil {
		distinct = populations(facts[0])
		distinct = distinct[min(l.cut[i], len(distinct)):]
	}
	scenario.Populate(l.draft.Schema, i, keys, distinct)
	if len(facts) > 0 {
		f := facts[0]
		l.value(t, f, &learnt)
		switch {
		case f.TTL.Keys == 0:
			learnt.Say("ttl", "assumed")
		default:
			learnt.Add("ttls", float64(f.TTL.Keys))
			learnt.Add("expiring", float64(f.TTL.Expiring))
		}
	}
	t.Extensions = append(t.Extensions, schema.Extension{Name: scenario.LearntKey, Text: learnt.Flow()})
}

// populations are how many values the placeholders of a template have, in the order of the key; 0 is not known.
func populations(f *keydesign.TemplateFacts) []int64 {
	var all []int64
	values := f.Populations()
	for i := range f.Segments {
		if f.Segments[i].Type == "" {
			continue
		}
		n := int64(0)
		if i < len(values) && values[i] != nil {
			n = values[i].Distinct()
		}
		all = append(all, n)
	}
	return all
}

// prefixForm is what a run of kvtool writes before every key.
var (
	prefixForm = regexp.MustCompile(`^kvtool:[0-9a-f]{8}:`)
	nameForm   = regexp.MustCompile(`^kvtool_([0-9a-f]{8}_)?`)
)

// unprefix takes the prefix of a run from keys, since the scenario's own will be there again, and from the names of templates.
func (l *learner) unprefix() {
	s := l.draft.Schema
	l.cut = make([]int, len(s.Templates))
	for i := range s.Templates {
		t := &s.Templates[i]
		key, cut, ok := trimPrefix(t.Key)
		if !ok {
			continue
		}
		t.Key, l.cut[i] = key, cut
		name := nameForm.ReplaceAllString(t.Name, "")
		if name == "" || s.Template(name) != nil {
			continue
		}
		for j, n := range l.draft.Comments {
			if rest, ok := strings.CutPrefix(n, t.Name+": "); ok {
				l.draft.Comments[j] = name + ": " + rest
			}
		}
		t.Name = name
	}
}

// trimPrefix returns a key without the prefix of a run or, where there were several, of runs; and how many placeholders went with it.
func trimPrefix(k schema.Key) (rest schema.Key, cut int, ok bool) {
	switch {
	case len(k) == 0 || k[0].Type != nil:
		return k, 0, false
	case prefixForm.MatchString(k[0].Literal):
		rest = slices.Clone(k)
		rest[0].Literal = prefixForm.ReplaceAllString(k[0].Literal, "")
	case len(k) > 2 && k[0].Literal == "kvtool:" && k[1].Type != nil && strings.HasPrefix(k[2].Literal, ":"):
		rest, cut = slices.Clone(k[2:]), 1
		rest[0].Literal = rest[0].Literal[1:]
	default:
		return k, 0, false
	}
	if rest[0].Literal == "" {
		rest = rest[1:]
	}
	return rest, cut, len(rest) > 0
}

// phases are a fill, and a time at the rate that was seen.
func (l *learner) phases() {
	rate := usualRate
	var learnt scenario.Learnt
	if m := l.src.Mix; m != nil && m.total() > 0 {
		n := 0.0
		for i := range l.draft.Ops {
			n += l.draft.Ops[i].Weight
		}
		rate = n / m.Took.Seconds()
		learnt.Add("calls", math.Round(n))
		learnt.Add("seconds", round(m.Took.Seconds()))
	} else {
		learnt.Say("rate", "assumed")
	}
	length := l.src.Length
	if length == 0 {
		length = time.Minute
	}
	l.draft.AddPhases(round(max(rate, leastRate)), length, true).Learnt = learnt
}

const (
	usualRate = 1000.0 // operations a second, where nobody knows it
	leastRate = 0.01
)

// round keeps four digits.
func round(x float64) float64 {
	y, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 4, 64), 64) // what was written is read
	return y
}

// FromSchema writes down what a design says of its load: its accesses or, where there are none, nine reads to a write of everything.
// The error says that there are no keys.
func FromSchema(s *schema.Schema, name, of string) (*scenario.Draft, error) {
	d, notes := scenario.FromSchema(s)
	if len(d.Schema.Templates) == 0 {
		return nil, errNothing
	}
	d.Name, d.About = name, "made of "+of
	if len(d.Ops) == 0 {
		notes = append(notes, "the mix is assumed: no template says how it is used (access)")
		for i := range d.Schema.Templates {
			d.AssumeOps(i, float64(max(1, scenario.Keys(d.Schema, i))))
		}
		d.Phases = nil
		d.AddPhases(usualRate, time.Minute, false)
	}
	if len(d.Ops) == 0 {
		return nil, fmt.Errorf("none of the keys is of a type that a load can be made of: %s", strings.Join(notes, "; "))
	}
	d.Comments = append([]string{"made of " + of + "; " + scenario.LearntKey + " says what was assumed"}, notes...)
	return d, nil
}
