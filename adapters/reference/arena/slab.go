package arena

// newSlab gives a class one more slab; 0 if the Arena is full.
func (a *Arena) newSlab(class uint8) uint32 {
	first, ok := a.run(slabPages)
	if !ok {
		return 0
	}
	id := a.unused
	if id != 0 {
		a.unused = a.slabs[id].next
	} else {
		id = uint32(len(a.slabs))
		a.slabs = append(a.slabs, slab{})
	}
	a.slabs[id] = slab{start: Ref(first) << pageShift, class: class}
	for p := first; p < first+slabPages; p++ {
		a.pages.at[p].slab = id
	}
	a.link(id)
	return id
}

// dropSlab gives the pages of an empty slab back.
func (a *Arena) dropSlab(id uint32) {
	s := &a.slabs[id]
	a.unlink(id)
	a.giveRun(uint32(s.start>>pageShift), slabPages)
	*s = slab{next: a.unused}
	a.unused = id
}

// link puts a slab at the head of those of its class that have room.
func (a *Arena) link(id uint32) {
	s := &a.slabs[id]
	head := &a.room[s.class]
	s.prev, s.next = 0, *head
	if *head != 0 {
		a.slabs[*head].prev = id
	}
	*head = id
}

func (a *Arena) unlink(id uint32) {
	s := &a.slabs[id]
	if s.prev != 0 {
		a.slabs[s.prev].next = s.next
	} else {
		a.room[s.class] = s.next
	}
	if s.next != 0 {
		a.slabs[s.next].prev = s.prev
	}
}
