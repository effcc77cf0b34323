package memory

// What glibc does to a radix tree that grows. Its realloc moves a node to the end of the heap, unless it is there already, and
// leaves a hole; the small nodes that come next are cut off from the smallest hole there is (malloc.c: _int_realloc, _int_malloc).
// A rest that is shorter than 32 bytes is no block of its own: the last node that is cut off has it too.
//
//	branch  small  small │ end            the branch grows
//	 hole   small  small   branch │ end
//	s s s+  small  small   branch │ end   three small ones; the last has 16 bytes more
//
// MEMORY USAGE of Valkey counts them. Other allocators keep blocks of one size together and have none of this. On a server that
// lives, other blocks come between those of a tree, and what holes there are nobody knows.

const (
	chunkHead = 8   // of a block, in front of what malloc_usable_size counts
	leastHole = 144 // shorter blocks are kept for others of their size (fastbins)
	leastRest = 32
	mostHole  = 2400 // a branch has 256 children at most
)

// holes are the free blocks that the nodes of one tree left, in units of 16 bytes. The zero value has none.
type holes struct {
	free  [mostHole / 16]uint8 // how many, by their length
	least int                  // no hole is shorter
	rest  int64                // what is left of the one that is being cut up
	last  int8                 // depth + 1 of the branch at the end of the heap; 0: something else is there
}

func (m *Model) leavesHoles() bool { return m.p.Allocator == Libc && m.p.State == Loaded }

// cut takes a block of so many usable bytes, and returns how many it has more than that.
func (h *holes) cut(usable int64) (more int64) {
	size := usable + chunkHead
	if h.rest < size {
		h.rest = h.smallest(size)
	}
	switch {
	case h.rest == 0:
		h.last = 0 // it comes to the end
		return 0
	case h.rest < size+leastRest:
		more, h.rest = h.rest-size, 0
		return more
	}
	h.rest -= size
	return 0
}

// smallest takes the smallest hole of at least size bytes, or 0.
func (h *holes) smallest(size int64) int64 {
	for i := max(h.least, int(size/16)); i < len(h.free); i++ {
		if h.free[i] > 0 {
			h.free[i]--
			h.least = i
			return int64(i) * 16
		}
	}
	return 0
}

// grow says that a branch has become longer, in usable bytes.
func (h *holes) grow(depth int, from, to int64) {
	if from == to || h.last == int8(depth+1) {
		return
	}
	h.last = int8(depth + 1)
	if size := from + chunkHead; size >= leastHole {
		i := int(min(size, mostHole-16) / 16)
		h.free[i]++
		h.least = min(h.least, i)
	}
}
