package arena

import "github.com/kvtool/kvtool/internal/hugepage"

// A pageTable keeps the runs of free pages of the chunks that have pages, by length. A run is known by its first and its last page,
// so that neighbours join when one is freed.
type pageTable struct {
	at   [][]page               // by chunk; nil: it has no pages
	bins [chunkPages + 1]uint32 // first page of a free run of the length, + 1
}

// A page is the first or last of a free run, or part of what is given out. 12 bytes.
type page struct {
	prev, next uint32 // of the free runs of one length, + 1
	n          uint16 // length of the free run that begins or ends here; 0: given out
}

func (t *pageTable) page(p uint32) *page { return &t.at[p/chunkPages][p%chunkPages] }

// cover makes room for the pages of a chunk.
func (t *pageTable) cover(chunk uint32) {
	for len(t.at) <= int(chunk) {
		t.at = append(t.at, nil)
	}
	t.at[chunk] = make([]page, chunkPages)
}

// take removes n pages from the shortest free run that has them and returns the first.
func (t *pageTable) take(n int) (first uint32, ok bool) {
	for length := n; length <= chunkPages; length++ {
		if t.bins[length] == 0 {
			continue
		}
		first = t.bins[length] - 1
		t.cut(first)
		if length > n {
			t.put(first+uint32(n), length-n)
		}
		return first, true
	}
	return 0, false
}

// give returns n pages, joined with free neighbours of the same chunk: the run that they are part of now.
func (t *pageTable) give(first uint32, n int) (uint32, int) {
	if end := first + uint32(n); end%chunkPages != 0 && t.page(end).n > 0 {
		n += int(t.page(end).n)
		t.cut(end)
	}
	if first%chunkPages != 0 && t.page(first-1).n > 0 {
		before := uint32(t.page(first - 1).n)
		first -= before
		n += int(before)
		t.cut(first)
	}
	t.put(first, n)
	return first, n
}

func (t *pageTable) put(first uint32, n int) {
	head := t.bins[n]
	*t.page(first + uint32(n) - 1) = page{n: uint16(n)}
	*t.page(first) = page{n: uint16(n), next: head}
	if head != 0 {
		t.page(head - 1).prev = first + 1
	}
	t.bins[n] = first + 1
}

// cut takes a free run out of its list.
func (t *pageTable) cut(first uint32) {
	p := t.page(first)
	if p.prev != 0 {
		t.page(p.prev - 1).next = p.next
	} else {
		t.bins[p.n] = p.next
	}
	if p.next != 0 {
		t.page(p.next - 1).prev = p.prev
	}
	t.page(first + uint32(p.n) - 1).n = 0
	t.page(first).n = 0
}

// run returns n pages in a row, at most a chunk's.
func (a *Arena) run(n int) (first uint32, ok bool) {
	if first, ok = a.pages.take(n); ok {
		return first, true
	}
	chunk, ok := a.newChunk(chunkBytes)
	if !ok {
		return 0, false
	}
	a.pages.cover(chunk)
	a.pages.put(chunk*chunkPages, chunkPages)
	return a.pages.take(n)
}

// newChunk gets memory from the runtime, unless that is more than the limit.
func (a *Arena) newChunk(bytes int) (chunk uint32, ok bool) {
	n := len(a.spare)
	switch {
	case a.held+int64(bytes) > a.limit || n == 0 && len(a.chunks) == mostChunks:
		return 0, false
	case n > 0:
		chunk, a.spare = a.spare[n-1], a.spare[:n-1]
	default:
		chunk = uint32(len(a.chunks))
		a.chunks = append(a.chunks, nil)
	}
	a.chunks[chunk] = make([]byte, bytes)
	hugepage.Advise(a.chunks[chunk])
	a.held += int64(bytes)
	return chunk, true
}

func (a *Arena) dropChunk(chunk uint32) {
	a.held -= int64(len(a.chunks[chunk]))
	a.chunks[chunk] = nil
	a.spare = append(a.spare, chunk)
}

// giveRun frees pages, and their chunk if nothing else is in it. One such chunk is kept: who frees the only block there is and makes
// another would get a new chunk each time.
func (a *Arena) giveRun(first uint32, n int) {
	first, n = a.pages.give(first, n)
	if n == chunkPages && a.pages.page(first).next != 0 {
		a.pages.cut(first)
		a.pages.at[first/chunkPages] = nil
		a.dropChunk(first / chunkPages)
	}
}

// huge reports whether n bytes take a chunk of their own.
func huge(n int) bool { return n > chunkBytes/2 }

// allocRun gives a block its own pages, or its own chunk.
func (a *Arena) allocRun(n int) Ref {
	pages := pagesFor(n)
	if huge(n) {
		chunk, ok := a.newChunk(pages * pageBytes)
		if !ok {
			return 0
		}
		a.live += int64(pages * pageBytes)
		return Ref(chunk) << chunkShift
	}
	first, ok := a.run(pages)
	if !ok {
		return 0
	}
	a.live += int64(pages * pageBytes)
	return Ref(first) << pageShift
}

func (a *Arena) freeRun(r Ref, n int) {
	pages := pagesFor(n)
	a.live -= int64(pages * pageBytes)
	if huge(n) {
		a.dropChunk(uint32(r >> chunkShift))
		return
	}
	a.giveRun(uint32(r>>pageShift), pages)
}
