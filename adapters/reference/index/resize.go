package index

// resize begins to grow or shrink the table when it is too full or too empty.
func (x *Index) resize() {
	if x.growing() {
		return
	}
	n := len(x.tables[0])
	switch {
	case x.n > growAt*n:
		x.tables[1] = make([]group, 2*n)
	case x.n < shrinkAt*n && n > 1<<minBits:
		x.tables[1] = make([]group, n/2)
	default:
		return
	}
	x.moved = 0
}

// step moves one group of a table that grows or shrinks.
func (x *Index) step() {
	if !x.growing() {
		return
	}
	x.move(&x.tables[0][x.moved])
	if x.moved++; x.moved == uint64(len(x.tables[0])) {
		x.tables[0], x.tables[1], x.moved = x.tables[1], nil, 0
		x.pack()
		x.resize()
	}
}

// move empties a group and its children into table 1.
func (x *Index) move(g *group) {
	var refs []uint32
	var room [4 * places]uint32
	refs = x.drain(room[:0], g)
	for _, ref := range refs {
		x.put(1, x.hash(ref), ref)
	}
}

// drain appends the refs of a chain and gives its children back.
func (x *Index) drain(dst []uint32, g *group) []uint32 {
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
		next := x.kids[id]
		x.release(id)
		g = &next
	}
}

// pack drops the children that nobody uses, when that is most of them and there are many: once for each change of size.
func (x *Index) pack() {
	if len(x.kids) < 64 || 2*x.spare < len(x.kids) {
		return
	}
	old := x.kids
	x.kids, x.free, x.spare = make([]group, 1, len(old)-x.spare), 0, 0
	for i := range x.tables[0] {
		for g := &x.tables[0][i]; g.tags>>56 == chain; {
			id := uint32(len(x.kids))
			x.kids = append(x.kids, old[g.refs[last]])
			g.refs[last] = id
			g = &x.kids[id]
		}
	}
}
