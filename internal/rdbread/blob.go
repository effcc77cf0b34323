package rdbread

import "encoding/binary"

// A blobReader gives the logical bytes of a blob one by one. It is the slow way through a block, for the few whose head
// does not say how many elements they hold.
type blobReader struct {
	w      *window
	left   int64 // logical bytes
	stored int64 // bytes in the file
	lzf    *lzf
}

func (w *window) open(b blob) *blobReader {
	r := &blobReader{w: w, left: b.size, stored: b.stored}
	if b.packed {
		r.lzf = new(lzf)
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
	if r.lzf != nil {
		return r.lzf.next(r)
	}
	return r.storedByte()
}

// skip hops over n logical bytes.
func (r *blobReader) skip(n int64) {
	if n > r.left {
		r.w.fail(reasonf("a block ends before its content"))
		return
	}
	if r.lzf == nil {
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

// listpack hops over a listpack and returns how many entries it holds. Its head: 4 bytes total length, 2 bytes entries.
func (w *window) listpack() (n, size int64) {
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
	if n = int64(binary.LittleEndian.Uint16(h[4:])); n == unknownCount {
		r := w.open(b)
		n = r.countListpack()
		r.close()
	} else {
		w.skip(b.stored)
	}
	return n, b.size
}

// countListpack counts entries: encoding, data, then the length of both once more for walking backwards.
func (r *blobReader) countListpack() (n int64) {
	r.skip(6)
	for r.w.err == nil {
		before := r.left
		c := r.byte()
		if c == 0xff {
			return n
		}
		r.skip(r.listpackData(c))
		r.skip(backlen(before - r.left))
		n++
	}
	return 0
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

// backlen returns how many bytes say that an entry has n bytes, seven bits in each.
func backlen(n int64) int64 {
	switch {
	case n < 1<<7:
		return 1
	case n < 1<<14-1:
		return 2
	case n < 1<<21-1:
		return 3
	case n < 1<<28-1:
		return 4
	default:
		return 5
	}
}

// ziplist hops over a ziplist and returns how many entries it holds. Its head: 4 bytes total length, 4 bytes offset of the
// tail, 2 bytes entries.
func (w *window) ziplist() (n, size int64) {
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
	if n = int64(binary.LittleEndian.Uint16(h[8:])); n == unknownCount {
		r := w.open(b)
		n = r.countZiplist()
		r.close()
	} else {
		w.skip(b.stored)
	}
	return n, b.size
}

// countZiplist counts entries: length of the one before (1 byte, or 254 and 4), encoding, data.
func (r *blobReader) countZiplist() (n int64) {
	r.skip(10)
	for r.w.err == nil {
		switch r.byte() {
		case 0xff:
			return n
		case 0xfe:
			r.skip(4)
		}
		r.skip(r.ziplistData())
		n++
	}
	return 0
}

// ziplistData reads an encoding and returns how many bytes of data follow it.
//
//	00xxxxxx string, 6 bits        11000000, 11010000, 11100000 numbers of 2, 4, 8 bytes
//	01xxxxxx string, 14 bits       11110000, 11111110 numbers of 3, 1 bytes
//	10000000 string, 32 bits       1111xxxx number 0 to 12, no data
func (r *blobReader) ziplistData() int64 {
	c := r.byte()
	switch c >> 6 {
	case 0:
		return int64(c)
	case 1:
		return int64(c&0x3f)<<8 | int64(r.byte())
	case 2:
		return r.big(4)
	}
	switch {
	case c == 0xc0:
		return 2
	case c == 0xd0:
		return 4
	case c == 0xe0:
		return 8
	case c == 0xf0:
		return 3
	case c == 0xfe:
		return 1
	case c > 0xf0 && c < 0xfe:
		return 0
	}
	r.w.fail(reasonf("unknown encoding in a ziplist: 0x%02x", c))
	return 0
}

// zipmap hops over a zipmap and returns how many fields it holds: its first byte, unless that is 254 or more.
func (w *window) zipmap() (n, size int64) {
	b := w.blob()
	var buf [maxHead]byte
	h := w.head(b, 1, &buf)
	if h == nil {
		return 0, 0
	}
	if n = int64(h[0]); n >= 254 {
		r := w.open(b)
		n = r.countZipmap()
		r.close()
	} else {
		w.skip(b.stored)
	}
	return n, b.size
}

// countZipmap counts pairs: length and field, then length, a byte of free space, value and that space.
func (r *blobReader) countZipmap() (n int64) {
	r.skip(1)
	for r.w.err == nil {
		c := r.byte()
		if c == 0xff {
			return n
		}
		r.skip(r.zipmapLength(c))
		value := r.zipmapLength(r.byte())
		free := r.byte()
		r.skip(value + int64(free))
		n++
	}
	return 0
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
	w.skip(b.stored)
	return n, b.size
}
