package simulate

import (
	"time"

	"github.com/kvtool/kvtool/internal/random"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// A population is the keys of one template, numbered from 0. The number of a key is taken apart into one number for each of its
// fields, the lead first: all keys of one value of the lead are neighbours, as many as a run has, and a small number is a
// popular value. Of a field of times 0 is the newest.
//
//	order:{uid}:{day}:{oid}      uid has 3 values, a run is 4 keys, 2 of the days are alive
//	key 0  1  2  3 │ 4  5  6  7 │ 8 …
//	uid 0  0  0  0 │ 1  1  1  1 │ 2      the lead
//	day 0  1  0  1 │ 0  1  0  1 │ 0      bounded: the rest, divided
//	oid 0  1  2  3 │ 4  5  6  7 │ 8      not bounded: the number of the key
type population struct {
	w       *world
	t       *schema.Template
	number  int    // of the template in the schema
	text    string // of the key
	ttl     schema.TTL
	life    time.Duration
	id      uint64 // of the template, for chance
	keys    int64
	why     string // how their number is known
	run     int64
	fields  []*field
	lead    *field // nil if none is bounded
	parts   []part // of the key
	pk      []part // of the partition key, where it is not the whole key
	apart   bool   // it is part of the key that decides where it is kept
	value   value
	assumed []string // of the values, since it is not declared
	uses    []use
	shapes  []shape

	// The sample: the first head units in full, then one unit of every stride.
	unit, head, tail int64
	stride           float64
	drawn            int64
}

// A part of a key is a literal, or the value of a field.
type part struct {
	literal string
	field   int // index; -1 for a literal
}

// A field is a placeholder of a template. One name is one field, however often the key has it.
type field struct {
	name    string
	gen     *schema.Generator
	n       int64 // values; 0 is not bounded
	time    bool
	of      int // index of the field that this one is made from, or -1
	dist    schema.Dist
	scatter random.Permutation
	ordered bool // numbers are not scattered: times, and what is made from another field
}

func newPopulation(w *world, number int) *population {
	t := &w.s.Templates[number]
	p := &population{w: w, t: t, number: number, text: t.Key.String(), ttl: w.lives[number], id: random.Hash(w.o.Seed, random.Text(t.Name))}
	p.life = lifeOf(p.ttl)
	p.parts = p.parse(t.Key)
	if len(t.Item.PK) > 0 {
		p.pk = p.parse(t.Item.PK)
	}
	p.apart = p.family() != p.text
	for _, f := range p.fields {
		f.of = p.index(f.gen.Of())
	}
	return p
}

// parse takes a key apart and notes its fields.
func (p *population) parse(key schema.Key) []part {
	parts := make([]part, len(key))
	for i := range key {
		if key[i].Type == nil {
			parts[i] = part{key[i].Literal, -1}
			continue
		}
		parts[i] = part{"", p.fieldOf(&key[i])}
	}
	return parts
}

// fieldOf returns the index of the field of a placeholder, which it adds if it is new.
func (p *population) fieldOf(piece *schema.Piece) int {
	if i := p.index(piece.Field); i >= 0 {
		return i
	}
	f := &field{name: piece.Field, gen: schema.NewGenerator(*piece.Type, p.w.o.Now), of: -1}
	f.time = f.gen.Step() > 0
	f.n = p.w.cardinality(piece.Field)
	if n := f.gen.Count(); n > 0 && (f.n == 0 || n < f.n) && (f.n > 0 || small(n)) {
		f.n = n
	}
	if f.time && f.n == 0 && p.life > 0 {
		f.n = int64((p.life + f.gen.Step() - 1) / f.gen.Step())
	}
	if s := p.w.s.Field(piece.Field); s != nil {
		f.dist = s.Dist
	}
	p.fields = append(p.fields, f)
	return len(p.fields) - 1
}

// small reports whether a type of n values is one whose values are all in use, such as an enum, and not one of identifiers.
func small(n int64) bool { return n <= 1<<16 }

func (p *population) index(name string) int {
	for i, f := range p.fields {
		if name != "" && f.name == name {
			return i
		}
	}
	return -1
}

// count finds out how many keys there are and reports whether it could.
func (p *population) count(made map[string]*population) bool {
	p.chooseLead()
	p.keys, p.why = p.declared()
	if p.keys == 0 {
		p.keys, p.why = p.computed()
	}
	if p.keys == 0 {
		p.keys, p.why = p.referred(made)
	}
	if p.keys == 0 {
		return false
	}
	if n := p.product(); n > 0 && n < p.keys {
		p.keys, p.why = n, "all values of its fields"
	}
	p.run = p.keys
	if p.lead != nil {
		p.run = max(1, ceil(p.keys, p.lead.n))
	}
	for _, f := range p.fields {
		f.ordered = f.time || f.of >= 0
		n := f.n
		if n == 0 {
			n = p.keys
		}
		f.scatter = random.NewPermutation(n, random.Hash(p.w.o.Seed, random.Text(f.name)))
	}
	return true
}

// chooseLead picks the field whose values have keys in common: the one that cardinality is declared per, else one with an uneven
// distribution, else the first whose number of values is known.
func (p *population) chooseLead() {
	p.lead = nil
	best := 0
	for _, f := range p.fields {
		score := 0
		switch {
		case f.n == 0 || f.time || f.of >= 0:
			continue
		case p.per(f.name) > 0:
			score = 3
		case f.dist.Kind != "" && f.dist.Kind != schema.Uniform:
			score = 2
		default:
			score = 1
		}
		if score > best {
			best, p.lead = score, f
		}
	}
}

func (p *population) per(name string) float64 {
	for _, per := range p.t.Cardinality.Per {
		if per.Field == name {
			return per.N
		}
	}
	return 0
}

// declared returns the number of keys that the options or the template say.
func (p *population) declared() (int64, string) {
	c := &p.t.Cardinality
	if n := p.w.o.Entities[p.t.Name]; n > 0 && p.w.s.Field(p.t.Name) == nil {
		return n, "as asked for"
	}
	if c.Live > 0 {
		return min(c.Live, mostKeys), "declared"
	}
	fewest := 0.0
	for _, per := range c.Per {
		if n := per.N * float64(p.w.cardinality(per.Field)); n > 0 && (fewest == 0 || n < fewest) {
			fewest = n
		}
	}
	if fewest > 0 {
		n := clampKeys(fewest)
		if c.Max > 0 {
			n = min(n, c.Max)
		}
		return n, "declared for each value of a field"
	}
	if c.Max > 0 {
		return min(c.Max, mostKeys), "declared as the most there may be"
	}
	return 0, ""
}

// computed returns the number of keys that follows from what is declared: no more than the values of the fields, and no more than
// are written in a life.
func (p *population) computed() (int64, string) {
	n, why := p.product(), "all values of its fields"
	if w := p.written(); w > 0 && p.life > 0 {
		if written := clampKeys(w * p.life.Seconds()); n == 0 || written < n {
			n, why = written, "at most: rate of writes × TTL"
		}
	}
	return n, why
}

// product returns how many keys the values of all fields make, or 0 if one is not bounded.
func (p *population) product() int64 {
	n := 1.0
	for _, f := range p.fields {
		if f.of < 0 {
			n *= float64(f.n)
		}
	}
	return clampKeys(n)
}

// written returns how many writes of the template are declared, a second.
func (p *population) written() float64 {
	rate := 0.0
	for _, a := range p.w.accesses(p.t) {
		if writes(a) {
			rate += a.Rate
		}
		rate += missed(a)
	}
	return rate
}

// referred returns the number of keys of the template that an index leads to, or that the keys belong to, one by one.
func (p *population) referred(made map[string]*population) (int64, string) {
	for _, r := range p.t.Refs {
		if to := made[r.To]; to != nil && r.Kind != schema.RefMember {
			return to.keys, "one for each key of " + r.To
		}
	}
	return 0, ""
}
