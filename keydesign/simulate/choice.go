package simulate

import (
	"cmp"
	"slices"

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

func (w *world) population(name string) *population {
	for _, p := range w.populations {
		if p.t.Name == name {
			return p
		}
	}
	return nil
}
