package dict

import "github.com/kvtool/kvtool/internal/hugepage"

// resize begins to grow or shrink the table when it is too full or too empty.
func (d *Dict) resize() {
	if d.growing() {
		return
	}
	n := len(d.tables[0].groups)
	switch {
	case d.n > growAt*n:
		d.tables[1].groups = make([]group, 2*n)
		hugepage.Advise(d.tables[1].groups)
	case d.n < shrinkAt*n && n > 1<<minBits:
		d.tables[1].groups = make([]group, n/2)
	default:
		return
	}
	d.moved = 0
}

// Step moves at most n groups of a table that grows or shrinks, and reports whether there is more to do: for idle time. Calls
// that change the Dict do it by themselves.
func (d *Dict) Step(n int) (more bool) {
	for ; n > 0 && d.growing(); n-- {
		d.move(&d.tables[0].groups[d.moved])
		if d.moved++; d.moved == uint64(len(d.tables[0].groups)) {
			d.tables[0], d.tables[1], d.moved = d.tables[1], table{}, 0
			d.pack()
			d.resize()
		}
	}
	return d.growing()
}

// move empties a group and its children into table 1.
func (d *Dict) move(g *group) {
	var refs []uint32
	var room [4 * places]uint32
	refs = d.drain(room[:0], g)
	for _, ref := range refs {
		d.put(1, d.hash(ref), ref)
	}
}

// drain appends the refs of a chain and gives its children back.
func (d *Dict) drain(dst []uint32, g *group) []uint32 {
	for {
		for i := range places {
			if tag := g.tags >> (8 * i) & 0xff; tag > chain {
				dst = append(dst, g.refs[i])
			}
		}
		if g.tags>>56 != chain {
			*g = group{}
			return dst
		}
		id := g.refs[last]
		*g = group{}
		next := d.kids[id]
		d.release(id)
		g = &next
	}
}

// pack drops the children that nobody uses, when that is most of them and there are many: once for each change of size.
func (d *Dict) pack() {
	if len(d.kids) < 64 || 2*d.spare < len(d.kids) {
		return
	}
	old := d.kids
	d.kids, d.free, d.spare = make([]group, 1, len(old)-d.spare), 0, 0
	for i := range d.tables[0].groups {
		for g := &d.tables[0].groups[i]; g.tags>>56 == chain; {
			id := uint32(len(d.kids))
			d.kids = append(d.kids, old[g.refs[last]])
			g.refs[last] = id
			g = &d.kids[id]
		}
	}
}
