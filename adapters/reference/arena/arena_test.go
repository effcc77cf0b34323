package arena

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func TestClasses(t *testing.T) {
	for n := 0; n <= maxSmall; n++ {
		c := classOf(n)
		if classBytes[c] < n || c > 0 && classBytes[c-1] >= n && n > 0 {
			t.Fatalf("%d bytes are of class %d, which has %d", n, c, classBytes[c])
		}
	}
	if last := classBytes[classes-1]; last != maxSmall {
		t.Errorf("the last class has %d bytes", last)
	}
}

// A heap is the naive model: what each block should hold.
type heap struct {
	a      *Arena
	blocks map[Ref]block
	order  []Ref // of blocks that were made, some of them gone
}

type block struct {
	n    int
	fill byte
}

func (h *heap) add(t *rapid.T, n int, fill byte) {
	r := h.a.Alloc(n)
	if r == 0 {
		t.Fatalf("no room for %d bytes", n)
	}
	if _, had := h.blocks[r]; had {
		t.Fatalf("block %d given out twice", r)
	}
	h.blocks[r] = block{n, fill}
	h.order = append(h.order, r)
	b := h.a.Bytes(r)[:n]
	for i := range b {
		b[i] = fill
	}
}

// check holds every block to its content, and the sums to those of the model.
func (h *heap) check(t *rapid.T) {
	var live int64
	for r, b := range h.blocks {
		live += int64(Rounded(b.n))
		for i, c := range h.a.Bytes(r)[:b.n] {
			if c != b.fill {
				t.Fatalf("byte %d of %d of block %d was overwritten", i, b.n, r)
			}
		}
	}
	if h.a.Live() != live || h.a.held < live {
		t.Fatalf("%d bytes live of %d, want %d", h.a.Live(), h.a.held, live)
	}
}

// any returns a block that is there, or 0.
func (h *heap) any(r *rand.Rand) Ref {
	for len(h.order) > 0 {
		i := r.IntN(len(h.order))
		ref := h.order[i]
		h.order[i] = h.order[len(h.order)-1]
		h.order = h.order[:len(h.order)-1]
		if _, ok := h.blocks[ref]; ok {
			return ref
		}
	}
	return 0
}

// TestAgainstModel runs random histories: no block overlaps another, and what is freed is held no longer.
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &heap{a: New(Limit), blocks: map[Ref]block{}}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		length := func() int {
			switch n := r.IntN(400); {
			case n < 2:
				return r.IntN(700_000)
			case n < 40:
				return r.IntN(3000)
			}
			return 8 * (1 + r.IntN(3))
		}
		for range rapid.IntRange(1, 6).Draw(t, "rounds") {
			for range r.IntN(1500) {
				h.add(t, length(), byte(r.Uint32()))
			}
			for range r.IntN(1500) {
				if ref := h.any(r); ref != 0 {
					h.a.Free(ref, h.blocks[ref].n)
					delete(h.blocks, ref)
				}
			}
			h.check(t)
			h.a.Compact(r.IntN(2000), func(from, to Ref) {
				if _, taken := h.blocks[to]; taken {
					t.Fatalf("block %d was moved into another", from)
				}
				h.blocks[to] = h.blocks[from]
				delete(h.blocks, from)
				h.order = append(h.order, to)
			})
			h.check(t)
		}
		for ref, b := range h.blocks {
			h.a.Free(ref, b.n)
		}
		if h.a.Live() != 0 || h.a.held > 2*chunkBytes {
			t.Fatalf("%d bytes live and %d held of nothing", h.a.Live(), h.a.held)
		}
	})
}

func TestHuge(t *testing.T) {
	a := New(Limit)
	r := a.Alloc(3 << 20)
	if r == 0 || len(a.Bytes(r)) != 3<<20 || a.held != 3<<20 {
		t.Fatalf("3 MiB: %d with %d bytes, %d held", r, len(a.Bytes(r)), a.held)
	}
	a.Free(r, 3<<20)
	if a.held != 0 || a.Alloc(Most+1) != 0 {
		t.Errorf("%d bytes held", a.held)
	}
}

// TestShift: blocks become longer and longer, in random order. Without Compact most of what the arena holds would be the room that
// they leave behind.
func TestShift(t *testing.T) {
	const blocks = 150_000
	for _, compact := range []bool{false, true} {
		a, r := New(Limit), rand.New(rand.NewPCG(1, 1))
		refs, sizes := make([]Ref, blocks), make([]int, blocks)
		worst, moves := 1.0, 0
		for size := 24; size <= 224; size += 8 {
			for range blocks / 2 {
				i := r.IntN(blocks)
				if refs[i] != 0 {
					a.Free(refs[i], sizes[i])
				}
				refs[i], sizes[i] = a.Alloc(size), size
				binary.LittleEndian.PutUint32(a.Bytes(refs[i]), uint32(i))
				if !compact {
					continue
				}
				moves += a.Compact(4, func(_, to Ref) { refs[binary.LittleEndian.Uint32(a.Bytes(to))] = to })
			}
			if size > 64 {
				worst = min(worst, float64(a.Live())/float64(a.Held()))
			}
		}
		t.Logf("compacted %v: at worst %.2f of the arena is live; %.2f moves for each block", compact, worst, float64(moves)/(26*blocks/2))
		if compact != (worst > 0.65) {
			t.Errorf("compacted %v: %.2f of the arena is live", compact, worst)
		}
	}
}

// TestLastBlock: who frees the only block again and again takes no memory from the runtime each time.
func TestLastBlock(t *testing.T) {
	a := New(Limit)
	if n := testing.AllocsPerRun(100, func() { a.Free(a.Alloc(100), 100) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestLimit: an Arena that is full says so, and has room again when something is freed.
func TestLimit(t *testing.T) {
	for _, n := range []int{24, 2048, 5000, 900_000} {
		a := New(3 << 20)
		var refs []Ref
		for r := a.Alloc(n); r != 0; r = a.Alloc(n) {
			refs = append(refs, r)
		}
		if a.held > 3<<20 || a.live < 5<<19 {
			t.Errorf("%d bytes each: full at %d live, %d held", n, a.live, a.held)
		}
		a.Free(refs[0], n)
		if a.Alloc(n) == 0 || a.Alloc(n) != 0 {
			t.Errorf("%d bytes each: not room for one", n)
		}
	}
}

func BenchmarkAllocFree(b *testing.B) {
	a, r := New(Limit), rand.New(rand.NewPCG(1, 1))
	refs := make([]Ref, 1<<16)
	for i := range refs {
		refs[i] = a.Alloc(56)
	}
	b.ReportAllocs()
	for b.Loop() {
		i := r.IntN(len(refs))
		a.Free(refs[i], 56)
		refs[i] = a.Alloc(56)
	}
}
