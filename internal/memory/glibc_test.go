package memory

import (
	"encoding/binary"
	"math"
	"testing"
)

// A heap is glibc's, as plain as can be: its blocks in the order of their addresses, each free or not. Short ones that were freed
// are kept for requests of their size; the others join free neighbours, and the smallest that is long enough is cut up.
type heap struct {
	blocks []*chunk
	fast   map[int64][]*chunk
	rest   *chunk // of what was cut up last, as long as nothing else was freed since
}

type chunk struct {
	size int64
	free bool
}

func (h *heap) at(c *chunk) int {
	for i, b := range h.blocks {
		if b == c {
			return i
		}
	}
	return -1
}

func (h *heap) insert(i int, c *chunk) {
	h.blocks = append(h.blocks[:i], append([]*chunk{c}, h.blocks[i:]...)...)
}

func (h *heap) malloc(size int64) *chunk {
	if kept := h.fast[size]; len(kept) > 0 {
		h.fast[size] = kept[:len(kept)-1]
		return kept[len(kept)-1]
	}
	best := h.rest
	if best == nil || best.size <= size+32 {
		best = nil
		for _, b := range h.blocks {
			if b.free && b.size >= size && (best == nil || b.size < best.size) {
				best = b
			}
		}
	}
	if best == nil {
		c := &chunk{size: size}
		h.blocks = append(h.blocks, c)
		return c
	}
	best.free, h.rest = false, nil
	if rest := best.size - size; rest >= 32 {
		best.size = size
		h.rest = &chunk{size: rest, free: true}
		h.insert(h.at(best)+1, h.rest)
	}
	return best
}

func (h *heap) release(c *chunk) {
	if c.size <= 128 {
		h.fast[c.size] = append(h.fast[c.size], c)
		return
	}
	c.free, h.rest = true, nil
	i := h.at(c)
	if i+1 < len(h.blocks) && h.blocks[i+1].free {
		c.size += h.blocks[i+1].size
		h.blocks = append(h.blocks[:i+1], h.blocks[i+2:]...)
	}
	if i > 0 && h.blocks[i-1].free {
		h.blocks[i-1].size += c.size
		h.blocks = append(h.blocks[:i], h.blocks[i+1:]...)
	}
}

func (h *heap) realloc(c *chunk, size int64) *chunk {
	if c.size >= size {
		return c
	}
	if h.blocks[len(h.blocks)-1] == c {
		c.size = size
		return c
	}
	moved := h.malloc(size)
	h.release(c)
	return moved
}

// onHeap returns by how much the nodes of the trees of a group and of its consumer are longer than their classes, with n pending
// entries each, whose IDs part at one byte. rax.c and rdb.c make them in this order.
func onHeap(m *Model, n int) (more int64) {
	h := &heap{fast: map[int64][]*chunk{}}
	for _, entries := range []bool{true, false} {
		branch := h.malloc(m.branch(2) + chunkHead)
		node := func() { more += h.malloc(m.leaf()+chunkHead).size - m.leaf() - chunkHead }
		for i := 1; i <= n; i++ {
			if entries {
				h.malloc(m.Class(streamNAK) + chunkHead)
			}
			node()
			if i > 2 {
				branch = h.realloc(branch, m.branch(uint16(i))+chunkHead)
			}
			node()
		}
	}
	return more
}

// TestHoles compares what is counted of glibc's rests with a heap that is laid out block by block.
func TestHoles(t *testing.T) {
	loaded, live := New(Profile{Allocator: Libc, Version: Valkey91}), New(Profile{Allocator: Libc, Version: Valkey91, State: Live})
	counted, laid := 0.0, 0.0
	for n := 5; n <= 120; n += 5 {
		var group, consumer, plain Rax
		for i := range n {
			var id [16]byte
			binary.BigEndian.PutUint64(id[:], 1_700_000_000_000/256*256+uint64(i))
			group.AddPending(loaded, &id)
			consumer.Add(loaded, &id)
			plain.Add(live, &id)
		}
		counted += float64(group.bytes + consumer.bytes - 2*plain.bytes)
		laid += float64(onHeap(loaded, n))
	}
	if laid < 2000 || math.Abs(counted/laid-1) > 0.15 {
		t.Errorf("%.0f bytes counted, %.0f on a heap", counted, laid)
	}
}
