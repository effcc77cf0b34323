// Package dict holds the hash tables of the reference engine: the keys of a database, and the fields and members of large
// hashes and sets. It holds refs; what they name is its owner's.
//
// The one idea is a group of 40 bytes, eight tags of one byte and eight refs, so that a look-up reads one or two cache lines
// before it reads the record. A group that is full gives its last place to a child, never to a neighbour: what belongs to a
// bucket stays in its chain, and a cursor over buckets keeps its promise while the table grows and shrinks.
//
//	table   │ group │ group │ group │ group │        a power of two
//	            │ tags  a3 07 9c 00 00 00 5e ▼       0: free; the last one: a child follows
//	            │ refs  ·  ·  ·           ·  ╰─▶ group
//
// A table grows and shrinks by itself into a second one, a group at a time with each call that changes something, and when it is
// told to. It holds no pointer: the garbage collector does not look into it. SCAN's cursor counts the bits of the bucket from the
// top down, as Redis's does: a record that is there all the time is seen at least once, whatever happens to the table.
package dict

import "math/bits"

const (
	places = 8
	last   = places - 1
	chain  = 1 // the tag of a last place that leads to a child

	growAt   = 6 // records a group, above which the table doubles
	shrinkAt = 1 // below which it halves
	minBits  = 2
)

// A group is a bucket, or part of one.
type group struct {
	tags uint64 // place i is byte i
	refs [places]uint32
}

// A Dict maps hashes to refs. It is not safe for concurrent use.
type Dict struct {
	hash   func(ref uint32) uint64
	tables [2]table
	moved  uint64 // groups of table 0 that were moved to table 1, if there is one
	n      int
	kids   []group // 0 is nobody's
	free   uint32  // kids that are unused; the next is in refs[0]
	spare  int     // how many
}

type table struct {
	groups []group
}

// New returns an empty Dict. hash returns the hash of a record that is in it.
func New(hash func(ref uint32) uint64) *Dict {
	d := &Dict{hash: hash, kids: make([]group, 1)}
	d.tables[0].groups = make([]group, 1<<minBits)
	return d
}

// Len returns the number of refs.
func (d *Dict) Len() int { return d.n }

// Bytes returns what the tables take.
func (d *Dict) Bytes() int64 {
	const size = 40
	return size * int64(cap(d.kids)+len(d.tables[0].groups)+len(d.tables[1].groups))
}

// tagOf returns the tag of a hash: 2 to 255, from its top bits; buckets go by the others.
func tagOf(hash uint64) uint64 { return max(2, hash>>56) }

// every has a bit in each byte.
const every = 0x0101010101010101

// match returns a word with the top bit of each byte that equals tag. A byte above one that matches may be there falsely, which
// costs a comparison of keys.
func match(tags, tag uint64) uint64 {
	x := tags ^ tag*every
	return (x - every) & ^x & (every << 7)
}

// A Probe walks the refs that may have a hash.
type Probe struct {
	d     *Dict
	g     *group
	tag   uint64
	hits  uint64
	hash  uint64
	table int
}

// Probe begins a look-up:
//
//	for p := d.Probe(hash); ; {
//		ref := p.Next()
//		if ref == 0 || has(ref, key) {
//			return ref
//		}
//	}
func (d *Dict) Probe(hash uint64) Probe {
	p := Probe{d: d, tag: tagOf(hash), hash: hash}
	p.open(d.first(hash))
	return p
}

// first returns the table in which a hash is to be looked for first: its group may have been moved.
func (d *Dict) first(hash uint64) int {
	if d.growing() && hash&uint64(len(d.tables[0].groups)-1) < d.moved {
		return 1
	}
	return 0
}

func (p *Probe) open(table int) {
	groups := p.d.tables[table].groups
	p.table, p.g = table, &groups[p.hash&uint64(len(groups)-1)]
	p.hits = match(p.g.tags, p.tag)
}

// Next returns the next candidate, or 0. The Dict must not change meanwhile.
func (p *Probe) Next() uint32 {
	for {
		if p.hits != 0 {
			i := bits.TrailingZeros64(p.hits) / 8
			p.hits &= p.hits - 1
			if i == last && p.g.tags>>56 == chain {
				continue
			}
			return p.g.refs[i]
		}
		switch {
		case p.g.tags>>56 == chain:
			p.g = &p.d.kids[p.g.refs[last]]
			p.hits = match(p.g.tags, p.tag)
		case p.table == 0 && p.d.growing():
			p.open(1)
		default:
			return 0
		}
	}
}

// growing reports whether there is a second table.
func (d *Dict) growing() bool { return d.tables[1].groups != nil }

// Add puts in a ref that is not in the Dict.
func (d *Dict) Add(hash uint64, ref uint32) {
	d.Step(1)
	table := 0
	if d.growing() {
		table = 1
	}
	d.put(table, hash, ref)
	d.n++
	d.resize()
}

// put looks for a free place in the chain of a bucket.
func (d *Dict) put(table int, hash uint64, ref uint32) {
	groups := d.tables[table].groups
	g := &groups[hash&uint64(len(groups)-1)]
	tag := tagOf(hash)
	for {
		if free := match(g.tags, 0); free != 0 {
			i := bits.TrailingZeros64(free) / 8
			g.tags |= tag << (8 * i)
			g.refs[i] = ref
			return
		}
		if g.tags>>56 != chain {
			g = d.chainTo(g)
			continue
		}
		g = &d.kids[g.refs[last]]
	}
}

// chainTo gives a full group a child, which takes what was in its last place.
func (d *Dict) chainTo(g *group) *group {
	kid := group{tags: g.tags >> 56, refs: [places]uint32{g.refs[last]}}
	id := d.free
	if id == 0 {
		id = uint32(len(d.kids))
	} else {
		d.free = d.kids[id].refs[0]
		d.spare--
	}
	g.tags, g.refs[last] = g.tags<<8>>8|chain<<56, id // g may be a kid itself, and append may move it
	if id == uint32(len(d.kids)) {
		d.kids = append(d.kids, kid)
	} else {
		d.kids[id] = kid
	}
	return &d.kids[id]
}

// Remove takes a ref out and reports whether it was there.
func (d *Dict) Remove(hash uint64, ref uint32) bool {
	d.Step(1)
	place := d.find(hash, ref)
	if place.g == nil {
		return false
	}
	d.take(place)
	d.n--
	d.resize()
	return true
}

// Replace puts a ref in the place of another with the same hash, and reports whether that was there.
func (d *Dict) Replace(hash uint64, from, to uint32) bool {
	p := d.find(hash, from)
	if p.g != nil {
		p.g.refs[p.i] = to
	}
	return p.g != nil
}

// Has reports whether a ref is in the Dict.
func (d *Dict) Has(hash uint64, ref uint32) bool { return d.find(hash, ref).g != nil }

// A place is where a ref is, and the group before in its chain.
type place struct {
	g, before *group
	i         int
}

func (d *Dict) find(hash uint64, ref uint32) place {
	for t := d.first(hash); t < 2 && d.tables[t].groups != nil; t++ {
		groups := d.tables[t].groups
		var before *group
		for g := &groups[hash&uint64(len(groups)-1)]; g != nil; before, g = g, d.kid(g) {
			for hits := match(g.tags, tagOf(hash)); hits != 0; hits &= hits - 1 {
				i := bits.TrailingZeros64(hits) / 8
				if g.refs[i] == ref && (i < last || g.tags>>56 != chain) {
					return place{g, before, i}
				}
			}
		}
	}
	return place{}
}

// kid returns the child of a group, or nil.
func (d *Dict) kid(g *group) *group {
	if g.tags>>56 != chain {
		return nil
	}
	return &d.kids[g.refs[last]]
}

// take empties a place, fills it from the end of the chain, and gives the last group back if it is empty then.
func (d *Dict) take(p place) {
	end, before := p.g, p.before
	for kid := d.kid(end); kid != nil; kid = d.kid(end) {
		end, before = kid, end
	}
	i := highest(end.tags)
	p.g.refs[p.i] = end.refs[i]
	p.g.tags = p.g.tags&^(0xff<<(8*p.i)) | end.tags>>(8*i)&0xff<<(8*p.i)
	end.tags &^= 0xff << (8 * i)
	end.refs[i] = 0
	if end.tags == 0 && before != nil {
		d.release(before.refs[last])
		before.tags, before.refs[last] = before.tags<<8>>8, 0
	}
}

// highest returns the last place that is taken.
func highest(tags uint64) int { return (bits.Len64(tags) - 1) / 8 }

func (d *Dict) release(id uint32) {
	d.kids[id] = group{refs: [places]uint32{d.free}}
	d.free = id
	d.spare++
}
