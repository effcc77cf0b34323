package simulate

import (
	"maps"
	"math"
	"slices"
)

// A dim is one of the quantities that are spread.
type dim int

// The quantities.
const (
	ofKeys dim = iota
	ofBytes
	ofOps
	dims
)

func (d dim) name() string { return [...]string{"keys", "bytes", "ops"}[d] }

func (d dim) of(l *load) float64 {
	switch d {
	case ofBytes:
		return l.bytes
	case ofOps:
		return l.ops
	}
	return l.keys
}

// A spread says how unevenly something lies over parts.
type spread struct {
	parts       int
	mean, most  float64
	fullest     int
	drawn, peak float64 // most / mean: of what was drawn, and of all keys
	chance      float64 // what it would be if the same keys were placed at random
	gini, top   float64 // top: share of the fullest hundredth of the parts
}

// things is what was placed: how many equal things lie as unevenly, as drawn and as they are, and which share the largest has.
type things struct{ drawn, all, largest float64 }

// spreadOf returns the spread over n parts of the things that were placed.
func spreadOf(n int, at func(int) float64, placed things) spread {
	xs := make([]float64, n)
	s := spread{parts: n}
	total := 0.0
	for i := range xs {
		xs[i] = at(i)
		total += xs[i]
		if xs[i] > s.most {
			s.most, s.fullest = xs[i], i
		}
	}
	if total == 0 {
		return s
	}
	s.mean = total / float64(n)
	s.drawn = s.most / s.mean
	s.chance = max(chance(n, placed.all), min(1, placed.largest)*float64(n))
	s.peak = s.drawn
	if placed.drawn < placed.all {
		s.peak = s.unsampled(n, placed)
	}
	slices.Sort(xs)
	weighted := 0.0
	for i, x := range xs {
		weighted += float64(i+1) * x
	}
	s.gini = 2*weighted/(float64(n)*total) - float64(n+1)/float64(n)
	for _, x := range xs[n-(n+99)/100:] {
		s.top += x / total
	}
	return s
}

// alike is how much more than chance does may be chance.
const alike = 1.25

// unsampled returns the peak of all keys, of which a sample was drawn. A sample lies less evenly than what it is of: its own share
// of chance goes, that of all comes. What chance can do is chance.
func (s *spread) unsampled(n int, placed things) float64 {
	c := max(chance(n, placed.drawn), poissonPeak(n, placed.drawn/float64(n)))
	if s.drawn <= alike*max(c, s.chance) {
		return min(s.drawn, s.chance)
	}
	return 1 + math.Sqrt(sq(s.drawn-1)-sq(c-1)+sq(chance(n, placed.all)-1))
}

// poissonPeak returns how many times the mean the fullest of n parts has, of events with the mean lambda a part, in one case of two.
// Where the mean is small, that is more than the formula of chance says.
func poissonPeak(n int, lambda float64) float64 {
	const few = 50
	if lambda > few || lambda <= 0 {
		return 1
	}
	p := math.Exp(-lambda)
	below := 0.0
	for k := 1.0; ; k++ {
		below += p
		if p *= lambda / k; float64(n)*(1-below) < 0.5 || k > 1000 {
			return k / lambda
		}
	}
}

func sq(x float64) float64 { return x * x }

// chance returns about how many times the mean the fullest of n parts has where so many equal things are placed at random:
//
//	1 + √(2·ln(n)/λ), λ = things/n
func chance(n int, things float64) float64 {
	if things <= 0 || n < 2 {
		return 1
	}
	return 1 + math.Sqrt(2*math.Log(float64(n))*float64(n)/things)
}

// groups counts what is placed together: the keys of one value of the lead that are in one part. For each quantity it has the sum
// of the groups and of their squares, as drawn and as all keys have it. Things of unequal size lie as unevenly as
// (Σx)²/Σx² equal ones.
type groups struct {
	sum, drawn, all [dims]float64
	largest         [dims]float64
	lead            int64
	part            int
	open            bool
	weight          float64
	now             [dims]float64
}

func (g *groups) add(d *Draw, part int, one *load) {
	lead := d.Number
	if d.p.lead != nil {
		lead = d.Number / d.p.run
	}
	if !g.open || lead != g.lead || part != g.part {
		g.end()
		g.open, g.lead, g.part, g.weight = true, lead, part, d.Weight
	}
	for i := range dims {
		g.now[i] += i.of(one)
	}
}

func (g *groups) end() {
	for i, x := range g.now {
		g.sum[i] += x * g.weight
		g.drawn[i] += sq(x * g.weight)
		g.all[i] += sq(x) * g.weight
		g.largest[i] = max(g.largest[i], x)
	}
	g.open, g.now = false, [dims]float64{}
}

// placed returns what was placed of a quantity. Templates with the same hash tag or partition key are placed together, value by
// value.
func (m *measure) placed(d dim) things {
	families := map[string]things{}
	sum := 0.0
	for i := range m.sums {
		s := &m.sums[i]
		if s.p == nil {
			continue
		}
		sum += s.groups.sum[d]
		f := families[s.p.family()]
		f.drawn += math.Sqrt(s.groups.drawn[d])
		f.all += math.Sqrt(s.groups.all[d])
		f.largest += s.groups.largest[d]
		families[s.p.family()] = f
	}
	q := things{}
	for _, name := range slices.Sorted(maps.Keys(families)) { // sums of floats depend on their order
		f := families[name]
		q.drawn += sq(f.drawn)
		q.all += sq(f.all)
		q.largest = max(q.largest, f.largest)
	}
	if q.all == 0 || q.drawn == 0 {
		return things{}
	}
	return things{drawn: sq(sum) / q.drawn, all: sq(sum) / q.all, largest: q.largest / sum}
}

// partSpread and nodeSpread return the spread of a quantity over the parts and the nodes of a layout.
func (m *measure) partSpread(d dim) spread {
	return spreadOf(len(m.parts), func(i int) float64 { return d.of(&m.parts[i]) }, m.placed(d))
}

func (m *measure) nodeSpread(d dim) spread {
	return spreadOf(len(m.nodes), func(i int) float64 { return d.of(&m.nodes[i]) }, m.placed(d))
}
