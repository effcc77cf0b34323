package arena

import "encoding/binary"

// An evacuation is the slab that is being emptied: which of its blocks are still to be moved, and how far it is.
type evacuation struct {
	id   uint32 // 0: none
	next int
	live [slabBytes / unit / 64]uint64
}

func (e *evacuation) has(i int) bool { return e.live[i/64]>>(i%64)&1 != 0 }
func (e *evacuation) clear(i int)    { e.live[i/64] &^= 1 << (i % 64) }

// The chunks of slabs may be so much of them free: a fifth, and a little more where there are few, since a class that is used at all
// has a slab, and one chunk is kept.
const (
	mostSlack  = 5 // th
	leastSlack = chunkBytes + chunkBytes/2
)

// Sparse reports whether Compact has something to do.
func (a *Arena) Sparse() bool {
	all := int64(a.places.chunks) * chunkBytes
	return a.moving.id != 0 || all-a.small > all/mostSlack+leastSlack
}

// Compact moves at most n small blocks out of sparse slabs and chunks, if more than a fifth of the memory for them is free, and calls
// moved for each, whose content is already in its new place; the old one is free when moved returns. moved must not call Alloc, Free
// or Compact. It returns how many it moved.
func (a *Arena) Compact(n int, moved func(from, to Ref)) (done int) {
	for ; done < n; done++ {
		if a.moving.id == 0 && !a.nextSparse() {
			return done
		}
		if !a.evacuate(moved) {
			a.giveUp()
			return done
		}
	}
	return done
}

// nextSparse begins with a slab: one that is rather empty, if slabs are, or else one that could be farther down.
func (a *Arena) nextSparse() bool {
	if !a.Sparse() {
		return false
	}
	slabs := 0
	for _, n := range a.count {
		slabs += int(n.slabs)
	}
	if bytes := int64(slabs) * slabBytes; bytes-a.small > bytes/mostSlack {
		return a.emptiest()
	}
	id, low := a.places.highest(), a.places.lowest()
	if id == 0 || low == 0 || low >= uint32(a.slabs[id].start>>chunkShift) {
		return false
	}
	a.begin(id)
	return true
}

// emptiest begins with the emptiest slab of the class that has most to give.
func (a *Arena) emptiest() bool {
	class, most := -1, int64(0)
	for c, n := range a.count {
		free := int64(n.slabs)*slabBytes - int64(n.live)*int64(classBytes[c])
		if n.slabs > 1 && free > most {
			class, most = c, free
		}
	}
	if class < 0 {
		return false
	}
	for _, id := range a.room[class] {
		if id == 0 {
			continue
		}
		n := a.count[class]
		if others := int(n.slabs-1)*capacity(uint8(class)) - int(n.live) + int(a.slabs[id].live); others < int(a.slabs[id].live) {
			return false // it would move into another as empty as itself
		}
		a.begin(id)
		return true
	}
	return false
}

// begin takes a slab out of its list and finds its blocks: those that were ever given out, but not those in the list of the free.
func (a *Arena) begin(id uint32) {
	s := &a.slabs[id]
	a.unlink(id)
	s.moving = true
	a.moving = evacuation{id: id}
	for i := range int(s.used) {
		a.moving.live[i/64] |= 1 << (i % 64)
	}
	for r := s.free; r != 0; r = Ref(binary.LittleEndian.Uint32(a.Bytes(r))) {
		a.moving.clear(a.index(s, r))
	}
}

// evacuate moves the next block: into a slab that has room, or into a new one farther down. It fails if there is neither.
func (a *Arena) evacuate(moved func(from, to Ref)) bool {
	e := &a.moving
	class := a.slabs[e.id].class
	target := a.fullest(class)
	if target == 0 {
		if low := a.places.lowest(); low == 0 || low >= uint32(a.slabs[e.id].start>>chunkShift) {
			return false
		}
		target = a.newSlab(class)
	}
	s := &a.slabs[e.id] // newSlab may have moved it
	for !e.has(e.next) {
		e.next++
	}
	size := classBytes[s.class]
	from := s.start + Ref(e.next*size/unit)
	to := a.take(target)
	copy(a.Bytes(to)[:size], a.Bytes(from)[:size])
	moved(from, to)
	a.Free(from, size)
	return true
}

// giveUp puts the slab that is being emptied back among those with room.
func (a *Arena) giveUp() {
	id := a.moving.id
	if id == 0 {
		return
	}
	a.moving.id = 0
	a.slabs[id].moving = false
	a.link(id)
}
