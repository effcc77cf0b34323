// Package compare finds what has changed between two saved states of a keyspace, or between two keyspaces. It owns which changes
// count and which are chance.
//
// The one idea is that a difference needs two things: it must be large enough to matter, and too large to be chance. Either alone
// is what makes such a tool be switched off: thresholds alone cry wolf over templates of forty keys, tests alone over a tenth of a
// percent of forty million.
//
//	template of BASE ─┐ same text, else where its keys would be counted ┌─ template of HEAD
//	                  └──▶ keys · bytes · sizes · types · TTL law ◀─────┘
package compare

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// A Side is one of the two.
type Side struct {
	Name   string
	Report *report.Report
	facts  *keydesign.Facts
	info   *kv.Info
	slots  []keydesign.KeyLoad
	nodes  map[string]keydesign.KeyLoad
}

// Load makes a side of a saved run; s is the schema that its keys were bound to, nil if there was none.
func Load(name string, s *schema.Schema, r *report.Report) (*Side, error) {
	facts, err := keydesign.FactsBound(s, r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	side := &Side{Name: name, Report: r, facts: facts}
	if side.info, err = audit.InfoOf(r); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if side.slots, side.nodes, err = keydesign.LoadsOf(r); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return side, nil
}

// Options of a comparison.
type Options struct {
	Normalise bool   // compare shares rather than numbers: of environments of different size
	Template  string // a glob; only these templates
}

// Limits.
const (
	fewest       = 200 // keys on both sides, for a law or a size to be compared
	fewestNew    = 20  // keys of a template that is on one side alone
	shapeInfo    = .10
	shapeWarning = .20
	shapeError   = .35
	ttlRatio     = 1.1
	ttlError     = 2.
	lostLeast    = .001
	lostError    = .05
	unitBeyond   = 2. // times the TTL
	countInfo    = 1.25
	countWarning = 2.
	sizeRatio    = 1.5
	typeShare    = .05
	skewChange   = .1
)

// A pair is a template on both sides. One of the two may be nil.
type pair struct {
	text       string
	base, head *keydesign.TemplateFacts
	moved      string // what it was called in BASE
}

// A comparison is one in progress.
type comparison struct {
	Options
	base, head *Side
	findings   []report.Finding
	notes      []string
	strays     int64 // templates of a few keys on one side
	few        int   // templates too small to be judged
	otherwise  int   // templates whose keys are under several on the other side
}

// Diff compares two sides. The report is that of HEAD, with what has changed since BASE.
func Diff(base, head *Side, opt Options) *report.Report {
	c := &comparison{Options: opt, base: base, head: head}
	pairs := c.pairs()
	rows := [][]report.Value{}
	for i := range pairs {
		p := &pairs[i]
		if c.Template != "" && !kv.MatchGlob(c.Template, p.text) {
			continue
		}
		rows = append(rows, c.compare(p))
	}
	c.servers()
	c.encodings()
	c.skew()
	return c.report(rows)
}

// pairs puts the templates of both sides side by side. Inference may see one set of keys as one template and another sample of
// it as two: a template whose text is not on the other side is looked for by its keys.
func (c *comparison) pairs() []pair {
	heads := map[string]*pair{}
	var order []string
	for i := range c.head.facts.Templates {
		t := &c.head.facts.Templates[i]
		heads[t.Text] = &pair{text: t.Text, head: t}
		order = append(order, t.Text)
	}
	var alone []*keydesign.TemplateFacts
	for i := range c.base.facts.Templates {
		t := &c.base.facts.Templates[i]
		if p := heads[t.Text]; p != nil {
			p.base = t
			continue
		}
		alone = append(alone, t)
	}
	var gone []pair
	for _, t := range alone {
		if to, _ := c.home(c.head.facts, t); heads[to] != nil {
			p := heads[to]
			p.base = merge(p.base, t)
			continue
		}
		gone = append(gone, pair{text: t.Text, base: t})
	}
	var pairs []pair
	for _, text := range order {
		p := heads[text]
		if p == nil {
			continue
		}
		if p.base == nil {
			text, _ := c.home(c.base.facts, p.head)
			if to := heads[text]; to != nil && to != p && to.base != nil {
				to.head = merge(to.head, p.head)
				heads[text] = nil
				continue
			}
		}
		pairs = append(pairs, *p)
	}
	pairs = slices.DeleteFunc(pairs, func(p pair) bool { return heads[p.text] == nil })
	for i := range pairs { // what was merged since
		pairs[i] = *heads[pairs[i].text]
	}
	return c.renamed(pairs, gone)
}

// home returns the text of the template of f that most keys of a template would be counted under, "" if there is none, and whether
// most of them would be counted under any.
func (c *comparison) home(f *keydesign.Facts, t *keydesign.TemplateFacts) (best string, elsewhere bool) {
	const most = 50
	votes, n, some := map[string]int{}, 0, 0
	for key := range examples(t) {
		if n == most {
			break
		}
		n++
		if i, ok := f.Match(key); ok {
			votes[f.Templates[i].Text]++
			some++
		}
	}
	for text, v := range votes {
		if v*2 > n {
			best = text
		}
	}
	return best, some*2 > n
}

// examples yields keys of a template: made-up ones of all its forms, else those that were kept.
func examples(t *keydesign.TemplateFacts) iter.Seq[string] {
	if t.Likenesses != nil {
		return t.Likenesses()
	}
	return slices.Values(t.Samples)
}

// merge returns what two templates are together. Its quantiles are those of the larger.
func merge(a, b *keydesign.TemplateFacts) *keydesign.TemplateFacts {
	if a == nil {
		return b
	}
	if b.Keys > a.Keys {
		a, b = b, a
	}
	m := *a
	m.Keys, m.Bytes = a.Keys+b.Keys, a.Bytes+b.Bytes
	m.TTL.Keys += b.TTL.Keys
	m.TTL.Persistent += b.TTL.Persistent
	m.TTL.Expiring += b.TTL.Expiring
	m.TTL.Left = slices.Concat(a.TTL.Left, b.TTL.Left)
	slices.SortFunc(m.TTL.Left, func(x, y keydesign.TTLSpan) int {
		if x.Low < y.Low {
			return -1
		}
		return 1
	})
	m.Types = slices.Clone(a.Types)
	for _, t := range b.Types {
		i := slices.IndexFunc(m.Types, func(x keydesign.TypeFacts) bool { return x.Type == t.Type })
		if i < 0 {
			m.Types = append(m.Types, t)
			continue
		}
		m.Types[i].Keys += t.Keys
	}
	return &m
}

// renamed pairs what has gone with what is new and of the same form: the same placeholders, of the same type, about as many.
func (c *comparison) renamed(pairs, gone []pair) []pair {
	for _, g := range gone {
		i := slices.IndexFunc(pairs, func(p pair) bool { return p.base == nil && p.moved == "" && sameForm(g.base, p.head) })
		if i >= 0 && g.base.Keys >= fewestNew {
			pairs[i].base, pairs[i].moved = g.base, g.text
			continue
		}
		pairs = append(pairs, g)
	}
	return pairs
}

func sameForm(a, b *keydesign.TemplateFacts) bool {
	form := func(t *keydesign.TemplateFacts) string {
		var parts []string
		for _, s := range t.Segments {
			parts = append(parts, s.Type)
		}
		return strings.Join(parts, ",") + "/" + string(mainType(t))
	}
	ratio := float64(a.Keys) / float64(b.Keys)
	return form(a) == form(b) && ratio > 1/countWarning && ratio < countWarning
}

func mainType(t *keydesign.TemplateFacts) kv.Type {
	if len(t.Types) == 0 {
		return ""
	}
	best := t.Types[0]
	for _, x := range t.Types {
		if x.Keys > best.Keys {
			best = x
		}
	}
	return best.Type
}

// scale returns how many keys of HEAD stand for one of BASE.
func (c *comparison) scale() float64 {
	if !c.Normalise || c.base.facts.Keys == 0 {
		return 1
	}
	return float64(c.head.facts.Keys) / float64(c.base.facts.Keys)
}

// find adds a finding.
func (c *comparison) find(f report.Finding) { c.findings = append(c.findings, f) }

// many reports whether two counts, the first expected to be times as many, differ by more than chance.
func many(a, b, times float64) bool {
	a *= times
	return math.Abs(b-a) > sure*math.Sqrt(a*max(1, times)+b+1)
}
