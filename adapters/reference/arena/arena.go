// Package arena gives out memory without pointers, so that a store of ten million records costs the garbage collector nothing.
//
// The one idea is that a block is named by a Ref, a number of 8-byte units, and that memory is a few large chunks which the
// collector does not look into. A chunk is for small blocks, those of one size class in a slab, or for large ones in runs of pages:
//
//	Ref     15 bits of chunk │ 17 bits of unit in the chunk     32 GiB, 0 is nil
//	chunk   1 MiB            │ slab │ slab │ … 32 of them       or 1024 pages of 1 KiB, or one block that is longer
//	slab    32 KiB           │ block │ block │ free ──▶ free │ never used yet
//
// Who frees a block says how long it is, since who owns it knows. A chunk that is empty gives its memory back, except one of each
// kind. A new block goes where its class is fullest, and a new slab as far down as can be, so that the emptiest become empty. Where
// sizes shift that is not enough: an owner who can tell everybody that knows a Ref has blocks moved together, by Compact.
package arena

import "encoding/binary"

// A Ref names a block. 0 names none.
type Ref uint32

const (
	unit       = 8
	chunkBytes = 1 << 20
	chunkShift = 17 // a Ref >> chunkShift is its chunk
	chunkUnits = 1 << chunkShift
	mostChunks = 1 << (32 - chunkShift)

	pageBytes  = 1 << 10
	pageShift  = 7 // a Ref >> pageShift is its page
	chunkPages = chunkBytes / pageBytes

	slabBytes  = 32 << 10
	slabShift  = 12 // a Ref >> slabShift is its slab's place
	chunkSlabs = chunkBytes / slabBytes

	maxSmall = 2048 // the longest block that shares a slab
)

// Most is the length of the longest block in bytes, and Limit what Refs can name.
const (
	Most  = 1 << 30
	Limit = unit << 32
)

// An Arena is a heap. It is not safe for concurrent use: each shard of a store has its own.
type Arena struct {
	chunks [][]byte // nil: given back; 0 is nobody's
	spare  []uint32 // chunks that were given back
	pages  pageTable
	places places
	slabs  []slab // 0 is nobody's
	unused uint32 // slabs without memory
	room   [classes][fullness]uint32
	count  [classes]count
	moving evacuation
	small  int64 // bytes of all blocks in slabs, as rounded up
	live   int64 // bytes of all blocks, as rounded up
	held   int64 // bytes of all chunks
	limit  int64 // of held
}

// A slab holds blocks of one class. 28 bytes.
type slab struct {
	start      Ref
	free       Ref    // the last block that was freed; each holds the Ref of the one before
	prev, next uint32 // of the slabs of the class that are about as full
	live, used uint16 // blocks that are given out; that ever were
	class      uint8
	level      uint8 // of fullness: fullness if it has no room
	moving     bool  // it is being emptied, and in no list
}

// fullness is how many lists there are of the slabs of a class that have room: by quarters.
const fullness = 4

// count is what there is of a class.
type count struct{ slabs, live int32 }

// New returns an empty Arena, which holds at most limit bytes.
func New(limit int64) *Arena {
	return &Arena{chunks: make([][]byte, 1), slabs: make([]slab, 1), limit: limit}
}

// Held returns the bytes of all chunks.
func (a *Arena) Held() int64 { return a.held }

// Live returns the bytes of all blocks, as rounded up.
func (a *Arena) Live() int64 { return a.live }

// Bytes returns the memory from r to the end of its chunk, of which the block is the beginning. It is valid until the block is
// freed.
func (a *Arena) Bytes(r Ref) []byte {
	return a.chunks[r>>chunkShift][uint64(r&(chunkUnits-1))*unit:]
}

// Alloc returns a block of at least n bytes, whose content is arbitrary. It returns 0 if n is more than Most, or if the Arena
// would hold more than its limit.
func (a *Arena) Alloc(n int) Ref {
	switch {
	case n > Most:
		return 0
	case n > maxSmall:
		return a.allocRun(n)
	}
	class := classOf(n)
	id := a.fullest(class)
	if id == 0 {
		if id = a.newSlab(class); id == 0 {
			return 0
		}
	}
	return a.take(id)
}

// take gives out a block of a slab that has room.
func (a *Arena) take(id uint32) Ref {
	s := &a.slabs[id]
	size := classBytes[s.class]
	r := s.free
	if r != 0 {
		s.free = Ref(binary.LittleEndian.Uint32(a.Bytes(r)))
	} else {
		r = s.start + Ref(int(s.used)*size/unit)
		s.used++
	}
	s.live++
	a.tally(s, 1)
	a.settle(id)
	return r
}

// tally counts a block of a slab that is given out or freed.
func (a *Arena) tally(s *slab, by int) {
	bytes := int64(by * classBytes[s.class])
	a.count[s.class].live += int32(by)
	a.live += bytes
	a.small += bytes
}

// Free gives back a block for which Alloc was asked n bytes.
func (a *Arena) Free(r Ref, n int) {
	if n > maxSmall {
		a.freeRun(r, n)
		return
	}
	id := a.places.owner[r>>slabShift]
	s := &a.slabs[id]
	if s.moving {
		a.moving.clear(a.index(s, r))
	}
	binary.LittleEndian.PutUint32(a.Bytes(r), uint32(s.free))
	s.free = r
	s.live--
	a.tally(s, -1)
	if s.live == 0 {
		a.dropSlab(id)
		return
	}
	a.settle(id)
}

// index returns which block of its slab r is.
func (a *Arena) index(s *slab, r Ref) int { return int(r-s.start) * unit / classBytes[s.class] }

func pagesFor(n int) int { return (n + pageBytes - 1) / pageBytes }
