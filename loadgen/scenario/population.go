package scenario

import (
	"math"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// AssumedKeys is how many keys a template has of which nobody says it.
const AssumedKeys = 10_000

// near is how far the number of keys that declared fields make may be from the one that is said: populations are shared then.
const near = 0.1

// A populator gives the placeholders of templates their populations, so that a fill knows how many keys there are. A design says
// that in many ways: values of a field, keys at a time, keys for each value of another field. A load knows one: how many values
// each placeholder takes.
type populator struct {
	s      *schema.Schema
	t      *schema.Template
	pieces []*schema.Piece // placeholders of the key; of those of one name the first
	counts []int64         // 0 is not known
	near   float64
}

// Populate gives template i about live keys. Distinct is how many values each placeholder has, where that was counted; it may be
// nil, and 0 in it is not known. Where nothing is known of the number of keys it is AssumedKeys, and Populate returns true.
func Populate(s *schema.Schema, i int, live int64, distinct []int64) (assumed bool) {
	p := &populator{s: s, t: &s.Templates[i], near: near}
	if distinct != nil {
		p.near = 0 // what was counted of the keys is exact, and of the values an estimate
	}
	seen := map[string]bool{}
	for j := range p.t.Key {
		pc := &p.t.Key[j]
		if pc.Type == nil || pc.Field != "" && seen[pc.Field] {
			continue
		}
		seen[pc.Field] = true
		n := Count(s, pc)
		if k := len(p.pieces); n == 0 && k < len(distinct) {
			n = distinct[k]
		}
		p.pieces, p.counts = append(p.pieces, pc), append(p.counts, n)
	}
	if len(p.pieces) == 0 {
		return false
	}
	for j, c := range p.counts {
		p.counts[j] = int64(min(float64(c), p.most(j)))
	}
	if per := p.per(); live == 0 {
		live = per
	}
	assumed = live == 0 && slices.Contains(p.counts, 0)
	p.share(live)
	for range p.counts { // what one cannot do for being a whole number, the next does
		p.fit(live)
	}
	for j, pc := range p.pieces {
		if p.counts[j] != Count(s, pc) {
			p.own(pc, p.counts[j])
		}
	}
	return assumed
}

// per returns how many keys there are if they are counted by the values of a field; 0 if they are not.
func (p *populator) per() int64 {
	for _, c := range p.t.Cardinality.Per {
		if f := p.s.Field(c.Field); f != nil && f.Cardinality > 0 && c.N > 0 {
			return int64(math.Ceil(float64(f.Cardinality) * c.N))
		}
	}
	return 0
}

// product returns how many keys the known populations make.
func (p *populator) product() float64 {
	n := 1.0
	for _, c := range p.counts {
		n *= float64(max(c, 1))
	}
	return n
}

// share divides what is left to the placeholders that are not known, evenly.
func (p *populator) share(live int64) {
	if live == 0 {
		live = int64(AssumedKeys)
	}
	unknown := 0
	for _, c := range p.counts {
		if c == 0 {
			unknown++
		}
	}
	if unknown == 0 {
		return
	}
	each := math.Pow(float64(live)/p.product(), 1/float64(unknown))
	for j, c := range p.counts {
		if c == 0 {
			p.counts[j] = max(1, int64(math.Round(each)))
		}
	}
}

// fit makes the largest population so large that there are about live keys, unless there are already.
func (p *populator) fit(live int64) {
	product := p.product()
	if live == 0 || math.Abs(product-float64(live)) <= p.near*float64(live) {
		return
	}
	j := -1
	for k, c := range p.counts {
		if (j < 0 || c > p.counts[j]) && float64(c)*float64(live)/product <= p.most(k) {
			j = k
		}
	}
	if j < 0 { // no type has so many values
		for k := range p.counts {
			p.counts[k] = max(1, int64(min(float64(p.counts[k])*float64(live)/product, p.most(k))))
			product = p.product()
		}
		return
	}
	p.counts[j] = max(1, int64(math.Round(float64(live)/product*float64(p.counts[j]))))
}

// most returns how many values the type of a placeholder has.
func (p *populator) most(k int) float64 {
	if n := schema.NewGenerator(*p.pieces[k].Type, epoch()).Count(); n > 0 {
		return float64(n)
	}
	return math.Inf(1)
}

// own gives a placeholder a field with so many values: its own, unless the field that it names says nothing.
func (p *populator) own(pc *schema.Piece, n int64) {
	f := p.s.Field(pc.Field)
	if f != nil && f.Cardinality == 0 {
		f.Cardinality = n
		return
	}
	field := schema.Field{Name: p.name(pc.Name()), Type: *pc.Type, Cardinality: n}
	if f != nil {
		field.Dist = f.Dist
	}
	if k := field.Type.Kind; k == schema.TypeStr || k == schema.TypeOpaque {
		field.Span = field.Type.Span
	}
	was := *pc
	for j := range p.t.Key {
		if q := &p.t.Key[j]; q == pc || was.Field != "" && q.Field == was.Field && q.Type != nil {
			q.Field, q.Shared = field.Name, true
		}
	}
	p.s.Fields = append(p.s.Fields, field)
}

// name returns the name of a new field: that of the placeholder, or with the template's before it, or with a number behind it.
func (p *populator) name(of string) string {
	taken := func(n string) bool {
		_, isType := schema.ParseType(n)
		return p.s.Field(n) != nil || isType == nil || p.elsewhere(n) || slices.Contains([]string{Token, Seq, Now, Reply}, n)
	}
	if of = fieldName(of); !taken(of) {
		return of
	}
	return unique(fieldName(p.t.Name+"_"+of), taken)
}

// elsewhere reports whether a placeholder of another template has a name, and perhaps another type.
func (p *populator) elsewhere(name string) bool {
	return slices.ContainsFunc(p.s.Templates, func(t schema.Template) bool {
		return t.Name != p.t.Name && slices.ContainsFunc(t.Key, func(q schema.Piece) bool { return q.Type != nil && !q.Shared && q.Field == name })
	})
}

// fieldName makes a text a name of a field: a small letter, then letters, digits and _.
func fieldName(text string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, text)
	if name == "" || name[0] < 'a' || name[0] > 'z' {
		name = "f" + name
	}
	return name
}
