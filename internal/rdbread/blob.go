package rdbread

import (
	"encoding/binary"

	"github.com/kvtool/kvtool/internal/lzf"
	"github.com/kvtool/kvtool/internal/memory"
)

// A blobReader gives the logical bytes of a blob one by one. It is the slow way through a block, for the few whose head
// does not say how many elements they hold.
type blobReader struct {
	w      *window
	left   int64 // logical bytes
	stored int64 // bytes in the file
	past   *expander
}

func (w *window) open(b blob) *blobReader {
	r := &blobReader{w: w, left: b.size, stored: b.stored}
	if b.packed {
		r.past = new(expander)
	}
	return r
}

func (r *blobReader) storedByte() byte {
	if r.stored == 0 {
		r.w.fail(reasonf("a block ends before its content"))
		return 0
	}
	r.stored--
	return r.w.byte()
}

func (r *blobReader) byte() byte {
	if r.left == 0 {
		r.w.fail(reasonf("a block ends before its content"))
		return 0
	}
	r.left--
	if r.past != nil {
		return r.past.next(r)
	}
	return r.storedByte()
}

// read fills p with the next logical bytes and returns how many there were.
func (r *blobReader) read(p []byte) (n int) {
	if r.past == nil {
		for n < len(p) && r.left > 0 && r.w.need(1) {
			step := min(int64(len(p)-n), r.left, int64(r.w.end-r.w.pos))
			n += copy(p[n:], r.w.bytes(int(step)))
			r.left -= step
			r.stored -= step
		}
		return n
	}
	for ; n < len(p) && r.left > 0 && r.w.err == nil; n++ {
		p[n] = r.byte()
	}
	return n
}

// skip hops over n logical bytes.
func (r *blobReader) skip(n int64) {
	if n > r.left {
		r.w.fail(reasonf("a block ends before its content"))
		return
	}
	if r.past == nil {
		r.left -= n
		r.stored -= n
		r.w.skip(n)
		return
	}
	for ; n > 0 && r.w.err == nil; n-- {
		r.byte()
	}
}

// close hops over what was not read.
func (r *blobReader) close() {
	r.w.skip(r.stored)
	r.stored = 0
}

// big and little read numbers of n bytes.
func (r *blobReader) big(n int) (v int64) {
	for range n {
		v = v<<8 | int64(r.byte())
	}
	return v
}

func (r *blobReader) little(n int) (v int64) {
	for i := range n {
		v |= int64(r.byte()) << (8 * i)
	}
	return v
}

// unknownCount is what a 16-bit count holds when there are more.
const unknownCount = 1<<16 - 1

// A layout says which entries of a block are elements: of each group of so many the last is none. 0 is that all are.
type layout int

const (
	allEntries    layout = 0
	memberScore   layout = 2
	fieldValueTTL layout = 3
)

// An entries counts the entries of a block and the bytes of the longest element among them. A number counts with the bytes
// that it takes there, for what is looked for is what is large.
type entries struct {
	layout  layout
	n       int64
	group   layout // position in it
	longest int64
	told    *teller // nil: nobody wants them
}

// add counts an entry, and reports whether it is an element.
func (e *entries) add(size int64) bool {
	e.n++
	if e.layout != 0 {
		if e.group++; e.group == e.layout {
			e.group = 0
			return false
		}
	}
	e.longest = max(e.longest, size)
	return true
}

// inspect walks b entry by entry: fast where it lies in one piece, slow where it does not.
func (w *window) inspect(b blob, l layout, fast func(p []byte, e *entries) bool, slow func(r *blobReader, e *entries)) (n int64) {
	e := &w.entries
	*e = entries{layout: l, longest: w.longest, told: w.told}
	if b.size <= maxNeed && b.stored <= maxNeed {
		if p := w.content(b); w.err == nil && !fast(p, e) {
			w.fail(reasonf("a block's entries contradict its length"))
		}
	} else {
		r := w.open(b)
		slow(r, e)
		r.close()
	}
	w.longest = e.longest
	return e.n
}

// content returns the logical bytes of b, at most maxNeed, valid until the next call.
func (w *window) content(b blob) []byte {
	p := w.bytes(int(b.stored))
	if !b.packed || w.err != nil {
		return p
	}
	if w.scratch == nil {
		w.scratch = make([]byte, maxNeed+64) // room for lzf.Expand
	}
	if n, ok := lzf.Expand(w.scratch[:b.size], p); !ok || int64(n) != b.size {
		w.fail(reasonf("damaged LZF"))
		return nil
	}
	return w.scratch[:b.size]
}

// listpack hops over a listpack and returns how many entries it holds. Its head: 4 bytes total length, 2 bytes entries.
func (w *window) listpack(l layout) (n, size int64) {
	b := w.blob()
	var buf [maxHead]byte
	h := w.head(b, 6, &buf)
	if h == nil {
		return 0, 0
	}
	if total := int64(binary.LittleEndian.Uint32(h)); total != b.size {
		w.fail(reasonf("a listpack of %d bytes says that it has %d", b.size, total))
		return 0, 0
	}
	if n = int64(binary.LittleEndian.Uint16(h[4:])); n != unknownCount && !w.walks() {
		w.skip(b.stored)
		return n, b.size
	}
	return w.counted(n, w.inspect(b, l, listpackEntries, (*blobReader).countListpack)), b.size
}

// walks reports whether blocks are walked entry by entry.
func (w *window) walks() bool { return w.inside || w.told != nil }

// counted returns how many entries a block has that was walked and whose head says n.
func (w *window) counted(n, walked int64) int64 {
	if n != unknownCount && n != walked {
		w.fail(reasonf("a block of %d entries says that it has %d", walked, n))
	}
	return walked
}

// countListpack counts entries: encoding, data, then the length of both once more for walking backwards.
func (r *blobReader) countListpack(e *entries) {
	r.skip(6)
	for r.w.err == nil {
		before := r.left
		c := r.byte()
		if c == 0xff {
			r.wantEnd()
			return
		}
		n := r.listpackData(c)
		element := e.add(max(n, 1))
		switch {
		case e.told == nil:
			r.skip(n)
		case isListpackNumber(c):
			e.number(element, listpackNumber(c, r.piece(e.told, n)))
		default:
			e.text(element, r.piece(e.told, n), n)
		}
		r.skip(memory.Backlen(before - r.left))
	}
}

// wantEnd fails if something follows the mark of a block's end.
func (r *blobReader) wantEnd() {
	if r.left > 0 && r.w.err == nil {
		r.w.fail(reasonf("a block ends %d bytes before its length says", r.left))
	}
}

// listpackEntries is countListpack for a listpack in one piece. It reports whether it is sound.
func listpackEntries(p []byte, e *entries) bool {
	for i := 6; i < len(p); {
		var n int64 // encoding and data
		var data int64
		switch c := p[i]; {
		case c < 0x80:
			n = 1
		case c < 0xc0:
			data = int64(c & 0x3f)
			n = 1 + data
		case c < 0xe0:
			n, data = 2, 1
		case c < 0xf0:
			if i+1 >= len(p) {
				return false
			}
			data = int64(c&0xf)<<8 | int64(p[i+1])
			n = 2 + data
		case c == 0xf0:
			if i+5 > len(p) {
				return false
			}
			data = int64(binary.LittleEndian.Uint32(p[i+1:]))
			n = 5 + data
		case c <= 0xf3:
			data = int64(c - 0xf1 + 2)
			n = 1 + data
		case c == 0xf4:
			n, data = 9, 8
		default:
			return c == 0xff && i == len(p)-1
		}
		element := e.add(max(data, 1))
		whole := n + memory.Backlen(n)
		if whole > int64(len(p)-i) {
			return false
		}
		if e.told != nil {
			e.listpack(element, p[i], p[i+int(n-data):i+int(n)])
		}
		i += int(whole)
	}
	return false
}

// listpackData returns how many bytes of data follow an encoding byte, after reading a longer length.
//
//	0xxxxxxx 7-bit number     110xxxxx 13-bit number (1 more byte)   11110001 .. 11110100 numbers of 2, 3, 4, 8 bytes
//	10xxxxxx string, 6 bits   1110xxxx string, 12 bits               11110000 string, 32 bits little endian
func (r *blobReader) listpackData(c byte) int64 {
	switch {
	case c < 0x80:
		return 0
	case c < 0xc0:
		return int64(c & 0x3f)
	case c < 0xe0:
		return 1
	case c < 0xf0:
		return int64(c&0xf)<<8 | int64(r.byte())
	}
	switch c {
	case 0xf0:
		return r.little(4)
	case 0xf1, 0xf2, 0xf3:
		return int64(c - 0xf1 + 2)
	case 0xf4:
		return 8
	}
	r.w.fail(reasonf("unknown encoding in a listpack: 0x%02x", c))
	return 0
}

// ziplist hops over a ziplist and returns how many entries it holds. Its head: 4 bytes total length, 4 bytes offset of the
// tail, 2 bytes entries.
func (w *window) ziplist(l layout) (n, size int64) {
	b := w.blob()
	var buf [maxHead]byte
	h := w.head(b, 10, &buf)
	if h == nil {
		return 0, 0
	}
	if total := int64(binary.LittleEndian.Uint32(h)); total != b.size {
		w.fail(reasonf("a ziplist of %d bytes says that it has %d", b.size, total))
		return 0, 0
	}
	if n = int64(binary.LittleEndian.Uint16(h[8:])); n != unknownCount && !w.walks() {
		w.skip(b.stored)
		return n, b.size
	}
	return w.counted(n, w.inspect(b, l, ziplistEntries, (*blobReader).countZiplist)), b.size
}

// countZiplist counts entries: length of the one before (1 byte, or 254 and 4), encoding, data.
func (r *blobReader) countZiplist(e *entries) {
	r.skip(10)
	for r.w.err == nil {
		switch r.byte() {
		case 0xff:
			r.wantEnd()
			return
		case 0xfe:
			r.skip(4)
		}
		c, n := r.ziplistData()
		element := e.add(max(n, 1))
		switch {
		case e.told == nil:
			r.skip(n)
		case c >= 0xc0:
			e.number(element, ziplistValue(c, r.piece(e.told, n)))
		default:
			e.text(element, r.piece(e.told, n), n)
		}
	}
}

// ziplistEntries is countZiplist for a ziplist in one piece. It reports whether it is sound.
func ziplistEntries(p []byte, e *entries) bool {
	for i := 10; i < len(p); {
		switch p[i] {
		case 0xff:
			return i == len(p)-1
		case 0xfe:
			i += 4
		}
		i++
		head, data := ziplistEntry(p[min(i, len(p)):])
		if head == 0 || data > int64(len(p)-i-head) {
			return false
		}
		element := e.add(max(data, 1))
		if e.told != nil {
			e.ziplist(element, p[i], p[i+head:i+head+int(data)])
		}
		i += head + int(data)
	}
	return false
}

// ziplistEntry returns how many bytes the encoding at the front of p has, and the data behind it. A head of 0 is that there
// is none.
func ziplistEntry(p []byte) (head int, data int64) {
	if len(p) == 0 {
		return 0, 0
	}
	switch c := p[0]; {
	case c < 0x40:
		return 1, int64(c)
	case c < 0x80:
		if len(p) < 2 {
			return 0, 0
		}
		return 2, int64(c&0x3f)<<8 | int64(p[1])
	case c < 0xc0:
		if len(p) < 5 {
			return 0, 0
		}
		return 5, int64(binary.BigEndian.Uint32(p[1:]))
	default:
		n, ok := ziplistNumber(c)
		if !ok {
			return 0, 0
		}
		return 1, n
	}
}

// ziplistData reads an encoding and returns its first byte and how many bytes of data follow it.
//
//	00xxxxxx string, 6 bits        11000000, 11010000, 11100000 numbers of 2, 4, 8 bytes
//	01xxxxxx string, 14 bits       11110000, 11111110 numbers of 3, 1 bytes
//	10000000 string, 32 bits       1111xxxx number 0 to 12, no data
func (r *blobReader) ziplistData() (c byte, n int64) {
	c = r.byte()
	switch c >> 6 {
	case 0:
		return c, int64(c)
	case 1:
		return c, int64(c&0x3f)<<8 | int64(r.byte())
	case 2:
		return c, r.big(4)
	}
	n, ok := ziplistNumber(c)
	if !ok {
		r.w.fail(reasonf("unknown encoding in a ziplist: 0x%02x", c))
	}
	return c, n
}

// ziplistNumber returns how many bytes of data follow the encoding c of a number.
func ziplistNumber(c byte) (n int64, ok bool) {
	switch {
	case c == 0xc0:
		return 2, true
	case c == 0xd0:
		return 4, true
	case c == 0xe0:
		return 8, true
	case c == 0xf0:
		return 3, true
	case c == 0xfe:
		return 1, true
	case c > 0xf0 && c < 0xfe:
		return 0, true
	}
	return 0, false
}

// zipmap hops over a zipmap and returns how many fields it holds: its first byte, unless that is 254 or more.
func (w *window) zipmap() (n, size int64) {
	b := w.blob()
	var buf [maxHead]byte
	h := w.head(b, 1, &buf)
	if h == nil {
		return 0, 0
	}
	if n = int64(h[0]); n < 254 && !w.walks() {
		w.skip(b.stored)
		return n, b.size
	}
	e := &w.entries
	*e = entries{longest: w.longest, told: w.told}
	r := w.open(b)
	r.countZipmap(e)
	r.close()
	w.longest = e.longest
	if n >= 254 {
		n = unknownCount
	}
	return w.counted(n, e.n/2), b.size
}

// countZipmap counts fields and values: length and field, then length, a byte of free space, value and that space.
func (r *blobReader) countZipmap(e *entries) {
	r.skip(1)
	for r.w.err == nil {
		c := r.byte()
		if c == 0xff {
			return
		}
		field := r.zipmapLength(c)
		r.element(e, field)
		value := r.zipmapLength(r.byte())
		free := r.byte()
		r.element(e, value)
		r.skip(int64(free))
	}
}

// element takes the next n bytes for an element.
func (r *blobReader) element(e *entries, n int64) {
	e.add(n)
	if e.told == nil {
		r.skip(n)
		return
	}
	e.text(true, r.piece(e.told, n), n)
}

func (r *blobReader) zipmapLength(c byte) int64 {
	if c < 254 {
		return int64(c)
	}
	if c == 255 {
		r.w.fail(reasonf("a zipmap ends inside a pair"))
		return 0
	}
	return r.little(4)
}

// intset hops over an intset and returns how many members it holds. Its head: 4 bytes width of a member, 4 bytes members.
func (w *window) intset() (n, size int64) {
	b := w.blob()
	var buf [maxHead]byte
	h := w.head(b, 8, &buf)
	if h == nil {
		return 0, 0
	}
	width := int64(binary.LittleEndian.Uint32(h))
	n = int64(binary.LittleEndian.Uint32(h[4:]))
	if width != 2 && width != 4 && width != 8 || 8+n*width != b.size {
		w.fail(reasonf("an intset of %d bytes says that it has %d members of %d", b.size, n, width))
		return 0, 0
	}
	if w.told == nil {
		w.skip(b.stored)
		return n, b.size
	}
	r := w.open(b)
	r.skip(8)
	for i := n; i > 0 && w.err == nil; i-- {
		w.told.entryNumber(twosComplement(uint64(r.little(int(width))), int(width)))
	}
	r.close()
	return n, b.size
}
