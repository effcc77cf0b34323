package simulate

import (
	"math"

	"github.com/kvtool/kvtool/keydesign/place"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// A load is what lies on a part or a node: numbers, bytes, and what happens a second.
type load struct {
	keys, bytes float64
	ops, net    float64 // operations; bytes moved
	rcu, wcu    float64
}

func (l *load) add(o *load) {
	l.keys += o.keys
	l.bytes += o.bytes
	l.ops += o.ops
	l.net += o.net
	l.rcu += o.rcu
	l.wcu += o.wcu
}

func (l *load) scale(f float64) {
	l.keys, l.bytes, l.ops, l.net, l.rcu, l.wcu = l.keys*f, l.bytes*f, l.ops*f, l.net*f, l.rcu*f, l.wcu*f
}

// A measure adds up what is drawn.
type measure struct {
	w           *world
	used, usage *coster
	layout      *place.Layout
	parts       []load
	nodes       []load
	all         load
	sums        []sums // by template of the schema
	hot         hottest
	choices     []*choice
	blocks      blocks
	limits      limits
	moving      [][]byte // a few keys, to see which of them move
	every       int64
	seen        int64
}

// sums is what a template adds up to.
type sums struct {
	p      *population
	load   load
	cost   [3]float64 // key, value, expiry
	usage  float64    // what MEMORY USAGE would print
	ttl    float64    // keys with one
	tail   moments    // of bytes, where keys stand for others
	groups groups
	expiry expiry
	last   int  // part of the last draw
	moved  bool // draws were in several parts
}

func newMeasure(w *world) *measure {
	m := &measure{w: w, limits: newLimits(), used: newCoster(w, true), usage: newCoster(w, false), layout: w.layout}
	m.parts = make([]load, m.layout.Parts())
	m.sums = make([]sums, len(w.s.Templates))
	for _, p := range w.populations {
		m.sums[p.number].p = p
	}
	m.choices = newChoices(w)
	m.blocks.size = max(1, float64(w.total)/mostRecords)
	m.every = max(1, w.drawn/mostMoving)
	return m
}

// mostMoving is about how many keys are asked whether they move.
const mostMoving = 50_000

func (m *measure) observe(d *Draw) {
	s := &m.sums[d.Template]
	c := m.used.of(d)
	one := m.loadOf(d, float64(c.key+c.value+c.expiry))
	m.hot.offer(d, &one)
	m.blocks.add(d, one.bytes)
	part := m.layout.Place(d.placed())
	s.moved, s.last = s.moved || s.load.keys > 0 && s.last != part, part
	s.groups.add(d, part, &one)
	s.expiry.add(d, &one)
	if d.Weight > 1 {
		s.tail.add(one.bytes)
	}
	for i, b := range [...]int64{c.key, c.value, c.expiry} {
		s.cost[i] += float64(b) * d.Weight
	}
	u := m.usage.of(d)
	s.usage += float64(u.key+u.value) * d.Weight
	if d.TTL > 0 {
		s.ttl += d.Weight
	}
	one.scale(d.Weight)
	s.load.add(&one)
	m.parts[part].add(&one)
	for _, ch := range m.choices {
		ch.add(d, part, &one)
	}
	if m.seen++; m.w.store.Kind == schema.Memcached && m.seen%m.every == 0 {
		m.moving = append(m.moving, append([]byte(nil), d.Key...))
	}
}

// loadOf returns what one key of d bears.
func (m *measure) loadOf(d *Draw, bytes float64) load {
	l := load{keys: 1, bytes: bytes}
	for i := range d.p.uses {
		u := &d.p.uses[i]
		r := u.rate * d.shares[u.shape]
		size := d.Value.Bytes
		if !u.whole {
			size = d.Value.part()
		}
		l.ops += r
		l.net += r * float64(size+int64(len(d.Key)))
		if u.write {
			l.wcu += r * place.WriteUnits(int64(bytes))
		} else {
			l.rcu += r * place.ReadUnits(size, u.a.Consistency != "strong" && u.a.Consistency != "serializable")
		}
	}
	return l
}

// part is what an operation on part of a value moves, about.
func (v *Value) part() int64 {
	if v.Elements > 0 {
		return v.Element + FieldName
	}
	return min(v.Bytes, 2*FieldName)
}

// finish adds up nodes, once all is drawn.
func (m *measure) finish() {
	for i := range m.parts {
		m.all.add(&m.parts[i])
	}
	for i := range m.sums {
		m.sums[i].groups.end()
	}
	if m.blocks.weight > 0 {
		m.blocks.end()
	}
	if m.w.store.Kind == schema.DynamoDB {
		m.layout = m.partitioned()
	}
	m.nodes = nodesOf(m.layout, m.parts)
}

// partitioned returns a table of DynamoDB with the partitions that its capacity, size and load make.
func (m *measure) partitioned() *place.Layout {
	c := &m.w.s.Store.Capacity
	rcu, wcu := max(c.RCU, m.all.rcu), max(c.WCU, m.all.wcu)
	loads := make([]place.Load, len(m.parts))
	for i := range m.parts {
		loads[i] = place.Load{RCU: m.parts[i].rcu, WCU: m.parts[i].wcu, Bytes: m.parts[i].bytes}
	}
	return place.DynamoDB(place.Partitions(rcu, wcu, m.all.bytes/(1<<30))).Split(loads)
}

func nodesOf(l *place.Layout, parts []load) []load {
	nodes := make([]load, l.Nodes)
	for i := range parts {
		nodes[l.Owner[i]].add(&parts[i])
	}
	return nodes
}

// moments is a mean and what lies around it (Welford).
type moments struct{ n, mean, m2 float64 }

func (m *moments) add(x float64) {
	m.n++
	d := x - m.mean
	m.mean += d / m.n
	m.m2 += d * (x - m.mean)
}

// error returns the standard error of the sum of n numbers of which the moments are a sample.
func (m *moments) error(n float64) float64 {
	if m.n < 2 {
		return 0
	}
	return n * math.Sqrt(m.m2/(m.n-1)/m.n)
}
