package simulate

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// A choice is one way to decide where keys are kept: as the schema declares it, by the whole key, or by one field, which those
// templates that have it put into their hash tag or partition key. It has what that changes: what comes to a part, less what
// leaves it.
type choice struct {
	name      string
	field     string // of a choice by one
	whole     bool
	w         *world
	index     []int // by template: which of its fields it is, or -1
	change    []tally
	templates int // that have the field
	keys      float64
	crossing  float64 // operations a second whose keys are in several parts
}

// A tally is what counts of a load where to place keys is chosen.
type tally struct{ keys, ops float64 }

// mostChoices bounds the fields that are tried: those that most templates have.
const mostChoices = 100

func newChoices(w *world) []*choice {
	if !w.store.tagged() {
		return nil
	}
	var fields []*choice
	for _, p := range w.populations {
		for _, f := range p.fields {
			if f.name != "" && !slices.ContainsFunc(fields, func(c *choice) bool { return c.field == f.name }) {
				fields = append(fields, w.newChoice(f.name, f.name))
			}
		}
	}
	slices.SortStableFunc(fields, func(a, b *choice) int { return cmp.Compare(b.templates, a.templates) })
	whole := w.newChoice("the whole key", "")
	whole.whole = true
	list := append([]*choice{w.newChoice("as declared", ""), whole}, fields[:min(len(fields), mostChoices)]...)
	for _, c := range list {
		c.change = make([]tally, w.layout.Parts())
		c.crossing = w.crossing(c)
	}
	return list
}

func (w *world) newChoice(name, field string) *choice {
	c := &choice{name: name, field: field, w: w, index: make([]int, len(w.s.Templates))}
	for i := range c.index {
		c.index[i] = -1
	}
	for _, p := range w.populations {
		n := p.index(field)
		c.index[p.number] = n
		if n >= 0 {
			c.templates++
		}
	}
	return c
}

func (c *choice) add(d *Draw, declared int, one *load) {
	part := declared
	if n := c.index[d.Template]; n >= 0 {
		part = c.w.layout.Place(d.text[d.spans[n].from:d.spans[n].to])
		c.keys += one.keys
	}
	if c.whole && d.p.apart {
		part = c.w.placeWhole(d.Key)
	}
	if part == declared {
		return
	}
	to, from := &c.change[part], &c.change[declared]
	to.keys, to.ops = to.keys+one.keys, to.ops+one.ops
	from.keys, from.ops = from.keys-one.keys, from.ops-one.ops
}

// parts returns what lies on the parts by the choice, if so much lies on them as declared.
func (c *choice) parts(declared []load) []load {
	parts := make([]load, len(declared))
	for i := range parts {
		parts[i].keys = max(0, declared[i].keys+c.change[i].keys)
		parts[i].ops = max(0, declared[i].ops+c.change[i].ops)
	}
	return parts
}

// placeWhole places a key as if it had no hash tag.
func (w *world) placeWhole(key []byte) int {
	if w.store.Kind == schema.RedisCluster {
		return int(slot.CRC16(key) % slot.Count)
	}
	return w.layout.Place(key)
}

// family returns what the templates have in common whose keys are placed together: the text of the hash tag or the partition key.
func (p *population) family() string {
	switch p.w.store.Kind {
	case schema.RedisCluster:
		if tag, ok := tagText(p.t.Key); ok {
			return tag
		}
	case schema.DynamoDB, schema.Cassandra, schema.Scylla:
		if len(p.t.Item.PK) > 0 {
			return p.t.Item.PK.String()
		}
	}
	return p.text
}

// tagText returns what is between the first { and the } behind it of the keys of a template, placeholders by their names.
func tagText(key schema.Key) (string, bool) {
	var b strings.Builder
	for i := range key {
		if key[i].Type == nil {
			b.WriteString(key[i].Literal)
		} else {
			b.WriteString("\x00" + key[i].Field + "\x01")
		}
	}
	if tag := slot.Tag(b.String()); len(tag) < b.Len() {
		return tag, true
	}
	return "", false
}

// crossing returns how many operations a second touch keys in several parts.
func (w *world) crossing(c *choice) float64 {
	sum := 0.0
	for i := range w.s.Templates {
		t := &w.s.Templates[i]
		for j := range t.Access {
			if a := &t.Access[j]; w.crosses(t, a, c) {
				sum += a.Rate
			}
		}
	}
	return sum
}

// crosses reports whether an access touches several keys that nothing keeps together.
func (w *world) crosses(t *schema.Template, a *schema.Access, c *choice) bool {
	names := a.Keys
	if len(names) == 0 {
		names = []string{t.Name}
	}
	if len(names) < 2 && a.Query != "multi_get" {
		return false
	}
	first := ""
	for n, name := range names {
		p := w.population(name)
		if p == nil {
			continue
		}
		family := p.text
		switch {
		case c.whole:
		case c.index[p.number] >= 0:
			family = "\x00" + c.field + "\x01"
		default:
			family = p.family()
		}
		if n > 0 && family != first || len(names) < 2 && family == p.text {
			return true
		}
		first = family
	}
	return false
}

func (w *world) population(name string) *population {
	for _, p := range w.populations {
		if p.t.Name == name {
			return p
		}
	}
	return nil
}

// An outcome is what a choice leads to.
type outcome struct {
	c           *choice
	values      int64  // of the field; 0 is not bounded
	keys, ops   spread // over the parts
	nodes, work spread // the same over the nodes
}

// evenly is how unevenly nodes may be loaded before it counts.
const evenly = 1.3

// rank orders the choices: those that load nodes evenly first, then those that keep together what is used together, then by the
// load of the busiest node and the fullest part.
func (m *measure) rank() []outcome {
	var list []outcome
	for _, c := range m.choices {
		parts := c.parts(m.parts)
		nodes := nodesOf(m.layout, parts)
		r := outcome{c: c, values: m.w.cardinality(c.field)}
		at := func(ls []load, d dim) spread {
			return spreadOf(len(ls), func(i int) float64 { return d.of(&ls[i]) }, things{})
		}
		r.keys, r.ops, r.nodes, r.work = at(parts, ofKeys), at(parts, ofOps), at(nodes, ofKeys), at(nodes, ofOps)
		list = append(list, r)
	}
	slices.SortStableFunc(list, func(a, b outcome) int {
		return cmp.Or(
			cmp.Compare(a.uneven(), b.uneven()),
			cmp.Compare(a.c.crossing, b.c.crossing),
			cmp.Compare(round1(a.work.drawn), round1(b.work.drawn)),
			cmp.Compare(a.rewrites(), b.rewrites()),
			cmp.Compare(b.c.keys, a.c.keys),
			cmp.Compare(a.keys.drawn, b.keys.drawn),
		)
	})
	return list
}

func (r *outcome) uneven() int {
	if max(r.nodes.drawn, r.work.drawn) > evenly {
		return 1
	}
	return 0
}

// rewrites returns 1 for what would change the schema.
func (r *outcome) rewrites() int {
	if r.c.whole || r.c.field != "" {
		return 1
	}
	return 0
}
