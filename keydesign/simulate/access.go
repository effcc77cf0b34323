package simulate

import (
	"math"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// A use is what an access does to the keys of one template.
type use struct {
	a     *schema.Access
	rate  float64 // a second, of all keys together
	write bool
	whole bool // moves the whole value, and not an element of it
	shape int  // index: how it spreads over the keys
}

// Operations that only read; an operation that is none of them writes. An operation may be several: INCR+EXPIRE.
func reading() []string {
	return strings.Fields(`get mget getrange substr strlen getbit bitcount bitpos exists ttl pttl type hget hmget hgetall hkeys hvals hlen
hexists hscan hrandfield hstrlen lrange lindex llen lpos smembers sismember smismember scard srandmember sscan sinter sunion sdiff
sintercard zrange zrangebyscore zrangebylex zrevrange zrevrangebyscore zscore zmscore zcard zcount zrank zrevrank zscan
zrandmember xrange xrevrange xread xlen xinfo pfcount geosearch geopos geodist json.get json.mget scan keys
getitem batchgetitem query scan select gets getmulti range read`)
}

// Operations that move an element or less; the others move the whole value.
func partial() []string {
	return strings.Fields(`incr incrby decr decrby incrbyfloat expire exists ttl pttl type strlen getbit setbit bitcount hget hmget hset hmset hsetnx
hincrby hincrbyfloat hdel hexists hlen hstrlen lpush rpush lpushx rpushx lpop rpop lmove blmove brpop blpop rpoplpush brpoplpush lindex
llen lset ltrim lrem sadd srem sismember smismember scard spop srandmember zadd zincrby zrem zscore zmscore zcard zcount zrank zrevrank
zpopmin zpopmax zremrangebyrank zremrangebyscore xadd xack xlen xtrim xdel xread xreadgroup pfadd pfcount del unlink delete touch
multi exec eval evalsha fcall updateitem deleteitem`)
}

func words(op string) []string {
	return strings.FieldsFunc(strings.ToLower(op), func(r rune) bool { return strings.ContainsRune("+ ,/|", r) })
}

// all reports whether every word of an operation is in a list.
func all(op string, list []string) bool {
	ws := words(op)
	for _, w := range ws {
		if !slices.Contains(list, w) {
			return false
		}
	}
	return len(ws) > 0
}

// writes reports whether an access changes what it touches.
func writes(a *schema.Access) bool {
	if a.Op == "" {
		return a.Query == "tx"
	}
	return !all(a.Op, reading())
}

// missed returns how often a second an access finds nothing and the application writes what it was looking for.
func missed(a *schema.Access) float64 {
	if a.OnMiss.Op == "" {
		return 0
	}
	return a.Rate * a.Miss
}

// accesses returns the accesses that touch t: its own, unless they name other templates alone, and those of others that name it.
func (w *world) accesses(t *schema.Template) []*schema.Access {
	var list []*schema.Access
	for i := range w.s.Templates {
		from := &w.s.Templates[i]
		for j := range from.Access {
			a := &from.Access[j]
			if slices.Contains(a.Keys, t.Name) || len(a.Keys) == 0 && from == t {
				list = append(list, a)
			}
		}
	}
	return list
}

// addUses works out what the accesses do to each population.
func (w *world) addUses() {
	for _, p := range w.populations {
		for _, a := range w.accesses(p.t) {
			if a.Rate <= 0 {
				continue
			}
			write := writes(a)
			p.use(use{a: a, rate: a.Rate, write: write, whole: !all(a.Op, partial())})
			if m := missed(a); m > 0 {
				p.use(use{a: a, rate: m, write: true, whole: !all(a.OnMiss.Op, partial())})
			}
		}
		p.value = p.newValue()
	}
}

func (p *population) use(u use) {
	u.shape = p.shapeOf(u.a.Dist, u.write)
	p.uses = append(p.uses, u)
	p.w.ops += u.rate
}

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
	}
	return 1 / float64(s.ranks)
}

// rate returns how many operations a second there are on the key of d.
func (p *population) rate(d *Draw) float64 {
	sum := 0.0
	for i := range p.uses {
		sum += p.uses[i].rate * d.shares[p.uses[i].shape]
	}
	return sum
}

// reads returns how many of them read.
func (p *population) reads(d *Draw) float64 {
	sum := 0.0
	for i := range p.uses {
		if !p.uses[i].write {
			sum += p.uses[i].rate * d.shares[p.uses[i].shape]
		}
	}
	return sum
}
