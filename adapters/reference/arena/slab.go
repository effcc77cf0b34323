package arena

import "math/bits"

// places says of the chunks for slabs where slabs are.
type places struct {
	owner  []uint32 // the slab at a place
	free   []uint32 // by chunk: a bit for each place without a slab
	low    uint32   // no chunk below has a free place
	chunks int      // for slabs
	empty  uint32   // one of them without a slab; 0: there is none
}

const allFree = 1<<chunkSlabs - 1

// lowest returns the first chunk with a free place, or 0.
func (p *places) lowest() uint32 {
	for ; int(p.low) < len(p.free); p.low++ {
		if p.free[p.low] != 0 {
			return p.low
		}
	}
	return 0
}

// highest returns the slab that is farthest up, or 0.
func (p *places) highest() uint32 {
	for c := len(p.free) - 1; c > 0; c-- {
		if taken := allFree &^ p.free[c]; taken != 0 && p.isFor(c) {
			return p.owner[c*chunkSlabs+bits.Len32(taken)-1]
		}
	}
	return 0
}

// isFor reports whether a chunk is for slabs: what has no free place may be of another kind.
func (p *places) isFor(chunk int) bool {
	return p.free[chunk] != 0 || p.owner[chunk*chunkSlabs] != 0
}

// cover makes places of a chunk.
func (p *places) cover(chunk uint32) {
	for len(p.free) <= int(chunk) {
		p.free = append(p.free, 0)
		p.owner = append(p.owner, make([]uint32, chunkSlabs)...)
	}
	p.free[chunk] = allFree
	p.low = min(p.low, chunk)
	p.chunks++
	p.empty = chunk
}

func (p *places) take(chunk, id uint32) (place uint32) {
	i := uint32(bits.TrailingZeros32(p.free[chunk]))
	p.free[chunk] &^= 1 << i
	p.owner[chunk*chunkSlabs+i] = id
	if p.empty == chunk {
		p.empty = 0
	}
	return chunk*chunkSlabs + i
}

// give returns a place, and reports whether its chunk can do without memory: it is empty, and not the only one that is.
func (p *places) give(place uint32) (chunk uint32, drop bool) {
	chunk = place / chunkSlabs
	p.owner[place] = 0
	p.free[chunk] |= 1 << (place % chunkSlabs)
	p.low = min(p.low, chunk)
	switch {
	case p.free[chunk] != allFree:
		return chunk, false
	case p.empty == 0:
		p.empty = chunk
		return chunk, false
	}
	chunk = max(chunk, p.empty)
	p.empty = min(place/chunkSlabs, p.empty)
	p.free[chunk] = 0
	p.chunks--
	return chunk, true
}

// newSlab gives a class one more slab; 0 if the Arena is full.
func (a *Arena) newSlab(class uint8) uint32 {
	chunk := a.places.lowest()
	if chunk == 0 {
		made, ok := a.newChunk(chunkBytes)
		if !ok {
			return 0
		}
		a.places.cover(made)
		chunk = made
	}
	id := a.unused
	if id != 0 {
		a.unused = a.slabs[id].next
	} else {
		id = uint32(len(a.slabs))
		a.slabs = append(a.slabs, slab{})
	}
	a.slabs[id] = slab{start: Ref(a.places.take(chunk, id)) << slabShift, class: class}
	a.count[class].slabs++
	a.link(id)
	return id
}

// dropSlab gives the place of an empty slab back.
func (a *Arena) dropSlab(id uint32) {
	s := &a.slabs[id]
	if s.moving {
		a.moving.id = 0
	} else {
		a.unlink(id)
	}
	a.count[s.class].slabs--
	if chunk, drop := a.places.give(uint32(s.start >> slabShift)); drop {
		a.dropChunk(chunk)
	}
	*s = slab{next: a.unused}
	a.unused = id
}

// levelOf returns in which list a slab belongs.
func (s *slab) levelOf() uint8 {
	switch n, most := fullness*int(s.live), capacity(s.class); {
	case n < most:
		return 0
	case n < 2*most:
		return 1
	case n < 3*most:
		return 2
	case n < fullness*most:
		return 3
	}
	return fullness
}

// settle puts a slab into the list that it belongs in.
func (a *Arena) settle(id uint32) {
	s := &a.slabs[id]
	if s.moving || s.level == s.levelOf() {
		return
	}
	a.unlink(id)
	a.link(id)
}

// fullest returns the slab of a class from which a block is to be taken; 0 if none has room.
func (a *Arena) fullest(class uint8) uint32 {
	room := &a.room[class]
	for level := fullness - 1; level >= 0; level-- {
		if room[level] != 0 {
			return room[level]
		}
	}
	return 0
}

// link puts a slab at the head of its list, if it has room.
func (a *Arena) link(id uint32) {
	s := &a.slabs[id]
	s.level, s.prev, s.next = s.levelOf(), 0, 0
	if s.level == fullness {
		return
	}
	head := &a.room[s.class][s.level]
	s.next = *head
	if *head != 0 {
		a.slabs[*head].prev = id
	}
	*head = id
}

func (a *Arena) unlink(id uint32) {
	s := &a.slabs[id]
	if s.level == fullness {
		return
	}
	if s.prev != 0 {
		a.slabs[s.prev].next = s.next
	} else {
		a.room[s.class][s.level] = s.next
	}
	if s.next != 0 {
		a.slabs[s.next].prev = s.prev
	}
}
