package simulate

import (
	"math"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// shapeOf returns the index of the shape of a distribution. One that an access does not declare is that of the lead.
func (p *population) shapeOf(d schema.Dist, write bool) int {
	s := p.newShape(d, write)
	for i := range p.shapes {
		if p.shapes[i] == s {
			return i
		}
	}
	p.shapes = append(p.shapes, s)
	return len(p.shapes) - 1
}

// A shape says which share of an access goes to a key. Keys have ranks, those of equal rank have equal shares.
type shape struct {
	dist   schema.Dist
	by     ranking
	newest int64 // only the first of so many keys of a run is used at all: those of the newest times
	ranks  int64
	each   float64 // keys that have the same rank
	norm   float64
}

// A ranking is what the rank of a key is.
type ranking int

const (
	byLead ranking = iota // that of its value of the lead
	byKey                 // its number
	byTime                // its age: the number of its first time
	byAge                 // its age: how many values of the lead, or of the first field, are newer
)

func (p *population) newShape(d schema.Dist, write bool) shape {
	s := shape{dist: d, by: byKey, newest: 1}
	if d.Kind == "" {
		s.by = byLead
		if p.lead != nil {
			s.dist = p.lead.dist
		}
	}
	for _, f := range p.fields {
		// Nobody counts requests in a minute that is over: writes go to the newest time.
		if write && f.time && f.n > 0 {
			s.newest *= f.n
		}
	}
	if s.dist.Kind == schema.Latest {
		s.by = byAge
		if s.newest == 1 && p.time() != nil {
			s.by = byTime
		}
	}
	s.count(p)
	return s
}

// time returns the first field of times, or nil.
func (p *population) time() *field {
	for _, f := range p.fields {
		if f.time {
			return f
		}
	}
	return nil
}

// count finds out how many ranks there are and how many keys have each.
func (s *shape) count(p *population) {
	runs, perRun := ceil(p.keys, p.run), ceil(p.run, s.newest)
	used := float64(runs * perRun)
	if p.keys%p.run != 0 { // the last run is not whole
		used = float64((runs-1)*perRun + ceil(p.keys%p.run, s.newest))
	}
	switch s.by {
	case byLead, byAge:
		s.ranks = runs
		if p.lead == nil {
			s.ranks = 1
			if s.by == byAge {
				s.ranks = int64(used)
			}
		}
	case byTime:
		s.ranks = p.run
		if n := p.time().n; n > 0 {
			s.ranks = min(n, p.run)
		}
	default:
		s.ranks = int64(used)
	}
	s.each = used / float64(s.ranks)
	if s.dist.Kind == schema.Hot && s.dist.Keys >= s.ranks {
		s.dist = schema.Dist{} // all are hot
	}
	if s.dist.Kind == schema.Zipf || s.dist.Kind == schema.Latest {
		s.norm = zeta(float64(s.ranks), s.dist.A)
	}
}

// of returns the share of the key that d is.
func (s *shape) of(d *Draw) float64 {
	p := d.p
	run, rest := d.Number/p.run, d.Number%p.run
	if rest%s.newest != 0 {
		return 0
	}
	rank := run
	switch {
	case s.by == byKey:
		rank = run*ceil(p.run, s.newest) + rest/s.newest
	case s.by == byTime:
		rank = d.age()
	case p.lead == nil && s.by == byAge:
		rank = s.ranks - 1 - d.first()*s.ranks/p.keys
	case s.by == byAge:
		rank = max(0, s.ranks-1-p.lead.valueOf(run)%s.ranks)
	}
	return s.at(rank) / s.each
}

// age returns the number of the first time of a key: 0 is the newest.
func (d *Draw) age() int64 {
	for n, f := range d.p.fields {
		if f.time {
			return d.ids[n]
		}
	}
	return 0
}

// first returns the number of the value of the first field.
func (d *Draw) first() int64 {
	if len(d.ids) == 0 {
		return 0
	}
	return d.p.fields[0].valueOf(d.ids[0])
}

// at returns the share of a rank.
func (s *shape) at(rank int64) float64 {
	switch s.dist.Kind {
	case schema.Zipf, schema.Latest:
		return math.Exp(-s.dist.A*math.Log(float64(rank+1))) / s.norm
	case schema.Hot:
		if rank < s.dist.Keys {
			return s.dist.Share / float64(s.dist.Keys)
		}
		return (1 - s.dist.Share) / float64(s.ranks-s.dist.Keys)
	case schema.Exponential:
		return s.dist.Exponentially(float64(rank), float64(s.ranks))
	}
	return 1 / float64(s.ranks)
}
