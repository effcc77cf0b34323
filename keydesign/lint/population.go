package lint

import (
	"math"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// count returns how many values a placeholder takes, times apart; 0 is not known.
func (d *design) count(p *schema.Piece) float64 {
	if f := d.fields[p.Field]; f != nil && f.Cardinality > 0 {
		return float64(f.Cardinality)
	}
	switch t := p.Type; t.Kind {
	case schema.TypeEnum:
		return float64(len(t.Values))
	case schema.TypeBucket:
		return float64(t.N)
	case schema.TypeUint:
		if t.Max > t.Min {
			return float64(t.Max-t.Min) + 1
		}
	}
	return 0
}

// distinct returns how many values a key takes at one moment, when each of its times is now; 0 is not known.
func (d *design) distinct(k schema.Key) float64 {
	n := 1.0
	for _, p := range placeholders(k) {
		if !isTime(p.Type) {
			n *= d.count(p)
		}
	}
	return n
}

// keysOf returns how many keys of t there are: as declared, or as many as its fields allow; 0 is not known.
func (d *design) keysOf(t *template) float64 {
	switch c := &t.Cardinality; {
	case c.Live > 0:
		return float64(c.Live)
	case c.Max > 0:
		return float64(c.Max)
	case len(c.Per) > 0:
		return d.perField(c)
	}
	n := d.distinct(t.Key) * t.periods()
	if w := t.writes(); n > 0 && w > 0 && t.life.ends() {
		n = min(n, w*t.life.max) // no more than are written within a life
	}
	return n
}

// perField returns how many keys there are by the field that allows the fewest.
func (d *design) perField(c *schema.Cardinality) float64 {
	n := 0.0
	for _, p := range c.Per {
		f := d.fields[p.Field]
		if f == nil || f.Cardinality == 0 {
			continue
		}
		if m := p.N * float64(f.Cardinality); n == 0 || m < n {
			n = m
		}
	}
	return n
}

// periods returns how many values its times take among living keys: 1 without any, 0 if they never end.
func (t *template) periods() float64 {
	n := 1.0
	for _, p := range placeholders(t.Key) {
		if !isTime(p.Type) {
			continue
		}
		if !t.life.ends() {
			return 0
		}
		n *= math.Ceil(t.life.max/period(p.Type).Seconds()) + 1
	}
	return n
}

// leastOverhead is what a key costs besides its name and value, in bytes: the least that Redis keeps (dictionary entry 24,
// object 16, headers and rounding of two allocations).
const leastOverhead = 56

// bytes returns what all keys of t take; 0 if their number or the size of their values is not declared.
func (t *template) bytes() float64 {
	v := t.valueBytes()
	if v == 0 {
		return 0
	}
	return t.keys * (v + float64(typicalLength(t.Key)) + leastOverhead)
}

// valueBytes returns what a value takes; 0 is not declared.
func (t *template) valueBytes() float64 {
	if n := t.Value.Size.Typical(); n > 0 {
		return float64(n)
	}
	return float64(t.Value.Elements.Typical()) * float64(t.Value.ElementSize)
}

// share returns which part of an access goes to the one value of k, a key or a part of one, that gets most. Where the fields do
// not say how many values there are, it is so many keys. 0 is not known, or too little to matter.
func (d *design) share(a *schema.Access, k schema.Key, keys float64) float64 {
	n := d.distinct(k)
	if n == 0 {
		n = keys
	}
	if a.Dist.Kind != "" {
		return topShare(a.Dist, n)
	}
	s := 1.0
	for _, p := range placeholders(k) {
		if isTime(p.Type) {
			continue
		}
		dist := schema.Dist{}
		if f := d.fields[p.Field]; f != nil {
			dist = f.Dist
		}
		s *= topShare(dist, d.count(p))
	}
	return s
}

// topShare returns which part of what spreads over n values goes to the first of them; 0 is not known.
func topShare(dist schema.Dist, n float64) float64 {
	switch {
	case dist.Kind == schema.Hot && dist.Keys > 0:
		return dist.Share / float64(dist.Keys)
	case n == 0 || dist.Kind == schema.Hot:
		return 0
	case dist.Kind == schema.Zipf || dist.Kind == schema.Latest:
		return 1 / harmonic(n, dist.A)
	case dist.Kind == schema.Exponential:
		return dist.Exponentially(0, n)
	}
	return 1 / n
}

// harmonic returns the sum of k^-a for k from 1 to n: term by term where they are large, and of the others the integral with
// the first term of Euler and Maclaurin. It is off by less than 1e-6 of the sum.
func harmonic(n, a float64) float64 {
	const exact = 50
	sum := 0.0
	for k := 1.0; k <= min(n, exact); k++ {
		sum += math.Pow(k, -a)
	}
	if n <= exact {
		return sum
	}
	low, high := exact+0.5, n+0.5
	sum += a * (math.Pow(high, -a-1) - math.Pow(low, -a-1)) / 24
	if a == 1 {
		return sum + math.Log(high/low)
	}
	return sum + (math.Pow(high, 1-a)-math.Pow(low, 1-a))/(1-a)
}
