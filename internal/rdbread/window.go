package rdbread

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/kvtool/kvtool/internal/crc64"
	"github.com/kvtool/kvtool/internal/lzf"
)

const (
	windowSize = 256 << 10 // fits in a core's second-level cache, so that the checksum finds the bytes there
	maxNeed    = 128 << 10 // the most that is ever wanted in one piece
)

// errCut marks the end of the input where more was promised.
var errCut = errors.New("cut")

// A window is the part of a dump that is in memory. Its methods never fail loudly: after the first failure they return
// zeros and err stays, so that a walk checks it once a loop and not once a byte.
//
//	buf   [ summed │ read, not summed │ to be read ]
//	               ▲ sum              ▲ pos        ▲ end
//	base is the offset in the dump of buf[0]
type window struct {
	src           io.Reader
	buf           []byte
	sum, pos, end int
	base          int64
	size          int64 // of the dump, or -1 if unknown
	crc           uint64
	unchecked     bool // no checksum wanted
	err           error
	failedAt      int64 // offset of err

	// Of the collection that is being read: bytes of the longest element that was met, or -1, and whether blocks are
	// walked for theirs.
	longest int64
	inside  bool
	scratch []byte // holds an expanded block
	tap     []byte // what was read since record, if recording
	tapped  int    // where in buf begins what tap does not have yet
	taps    bool
	entries entries // of the block that is being walked
	told    *teller // of the texts of the value that is being read; nil: nobody wants them
}

// newWindow returns a window on src, of size bytes or -1, in buf, which has at least maxNeed bytes, or nil.
func newWindow(src io.Reader, size int64, buf []byte) *window {
	if buf == nil {
		buf = make([]byte, windowSize)
	}
	return &window{src: src, buf: buf, size: size}
}

// offset returns where in the dump the next byte lies.
func (w *window) offset() int64 { return w.base + int64(w.pos) }

// fail stops the walk. The first reason stands.
func (w *window) fail(err error) {
	if w.err != nil {
		return
	}
	w.err, w.failedAt = err, w.offset()
	if errors.Is(err, errCut) {
		w.failedAt = w.base + int64(w.end)
		if w.size >= 0 {
			w.failedAt = w.size
		}
	}
}

// need makes the next n bytes, at most maxNeed, lie in buf[pos:].
func (w *window) need(n int) bool { return w.end-w.pos >= n && w.err == nil || w.fill(n) }

func (w *window) fill(n int) bool {
	if w.err != nil {
		return false
	}
	w.checksum()
	w.drain()
	w.tapped = 0
	copy(w.buf, w.buf[w.pos:w.end])
	w.base += int64(w.pos)
	w.sum, w.end, w.pos = 0, w.end-w.pos, 0
	for idle := 0; w.end < n; {
		m, err := w.src.Read(w.buf[w.end:])
		w.end += m
		switch {
		case w.end >= n:
		case err == io.EOF:
			w.fail(errCut)
			return false
		case err != nil:
			w.fail(err)
			return false
		case m > 0:
			idle = 0
		default:
			if idle++; idle > 100 {
				w.fail(io.ErrNoProgress)
				return false
			}
		}
	}
	return true
}

// checksum takes what was read into the checksum.
func (w *window) checksum() {
	if !w.unchecked {
		w.crc = crc64.Update(w.crc, w.buf[w.sum:w.pos])
	}
	w.sum = w.pos
}

// record begins to keep what is read: recorded returns it.
func (w *window) record() {
	w.tap, w.tapped, w.taps = w.tap[:0], w.pos, true
}

func (w *window) drain() {
	if w.taps {
		w.tap = append(w.tap, w.buf[w.tapped:w.pos]...)
		w.tapped = w.pos
	}
}

// recorded returns what was read since record, valid until the window moves, and ends that.
func (w *window) recorded() []byte {
	defer func() { w.taps = false }()
	if len(w.tap) == 0 { // it lies in one piece
		return w.buf[w.tapped:w.pos]
	}
	w.drain()
	return w.tap
}

// left returns how many bytes can follow at most.
func (w *window) left() int64 {
	if w.size < 0 {
		return 1 << 62
	}
	return max(0, w.size-w.offset()) // a file may grow while it is read
}

// skip hops over n bytes.
func (w *window) skip(n int64) {
	if n <= int64(w.end-w.pos) {
		w.pos += int(n)
		return
	}
	w.skipFar(n)
}

func (w *window) skipFar(n int64) {
	if n > w.left() {
		w.fail(errCut)
	}
	for w.err == nil {
		step := min(n, int64(w.end-w.pos))
		w.pos += int(step)
		if n -= step; n == 0 {
			return
		}
		w.fill(1)
	}
}

func (w *window) byte() byte {
	if w.pos >= w.end && !w.fill(1) || w.err != nil {
		return 0
	}
	b := w.buf[w.pos]
	w.pos++
	return b
}

// bytes returns the next n bytes, at most maxNeed. They are valid until the next call.
func (w *window) bytes(n int) []byte {
	if !w.need(n) {
		return nil
	}
	w.pos += n
	return w.buf[w.pos-n : w.pos]
}

func (w *window) uint32() uint32 {
	if b := w.bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (w *window) uint64() uint64 {
	if b := w.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// length reads a length, or, with special, the code of a string that is stored in another form.
//
//	00nnnnnn                  6 bits
//	01nnnnnn nnnnnnnn         14 bits
//	10000000 + 4 bytes        32 bits, big endian
//	10000001 + 8 bytes        64 bits, big endian
//	11cccccc                  special: 0, 1, 2 an integer of 8, 16, 32 bits; 3 LZF
func (w *window) length() (n uint64, special bool) {
	b := w.byte()
	switch {
	case b < 0x40:
		return uint64(b), false
	case b < 0x80:
		return uint64(b&0x3f)<<8 | uint64(w.byte()), false
	case b >= 0xc0:
		return uint64(b & 0x3f), true
	case b == 0x80:
		if p := w.bytes(4); p != nil {
			return uint64(binary.BigEndian.Uint32(p)), false
		}
	case b == 0x81:
		if p := w.bytes(8); p != nil {
			return binary.BigEndian.Uint64(p), false
		}
	default:
		w.fail(reasonf("unknown form of a length: 0x%02x", b))
	}
	return 0, false
}

// count reads a number of things of which each takes at least size bytes.
func (w *window) count(size int64) int64 {
	n, special := w.length()
	if special {
		w.fail(reasonf("a count is stored as a string"))
		return 0
	}
	if w.err != nil {
		return 0
	}
	if left := w.left(); n > uint64(left/size) {
		w.fail(reasonf("%d elements of at least %d bytes are promised, and %d bytes are left: the file is cut, or the number damaged", n, size, left))
		return 0
	}
	return int64(n)
}

// number reads a length that is a plain number and not the length of anything.
func (w *window) number() uint64 {
	n, special := w.length()
	if special {
		w.fail(reasonf("a number is stored as a string"))
		return 0
	}
	return n
}

// Codes of special strings.
const (
	specialInt8 = iota
	specialInt16
	specialInt32
	specialLZF
)

// str hops over a string and returns its logical length: of a number the digits, of a compressed one what it expands to.
func (w *window) str() int64 {
	if w.told != nil {
		return w.tellStr()
	}
	n, special := w.length()
	if !special {
		w.skipString(n)
		return int64(n)
	}
	if n == specialLZF {
		b := w.compressed()
		w.skip(b.stored)
		return b.size
	}
	v, _ := w.integer(n)
	return digits(v)
}

func (w *window) skipString(n uint64) {
	if n > 1<<62 {
		w.fail(errCut)
		return
	}
	w.skip(int64(n))
}

// integer reads a number of the form that code names.
func (w *window) integer(code uint64) (v int64, ok bool) {
	switch code {
	case specialInt8:
		return int64(int8(w.byte())), true
	case specialInt16:
		if b := w.bytes(2); b != nil {
			return int64(int16(binary.LittleEndian.Uint16(b))), true
		}
	case specialInt32:
		return int64(int32(w.uint32())), true
	default:
		w.fail(reasonf("unknown form of a string: %d", code))
	}
	return 0, false
}

// digits returns the length of v in decimal.
func digits(v int64) int64 {
	n := int64(1)
	if v < 0 {
		n++
	}
	for v /= 10; v != 0; v /= 10 {
		n++
	}
	return n
}

// A blob is a string whose content has a structure. The window stands at its first stored byte.
type blob struct {
	size   int64 // logical bytes
	stored int64 // bytes in the file
	packed bool  // LZF
}

// blob reads the lengths of a string that must not be a number.
func (w *window) blob() blob {
	n, special := w.length()
	switch {
	case special && n == specialLZF:
		return w.compressed()
	case special:
		w.fail(reasonf("a number stands where a block of bytes belongs"))
		return blob{}
	case n > uint64(w.left()):
		w.fail(errCut)
		return blob{}
	}
	return blob{size: int64(n), stored: int64(n)}
}

// compressed reads the two lengths of an LZF string: stored and logical. Three stored bytes expand to 264 at most.
func (w *window) compressed() blob {
	stored, size := w.number(), w.number()
	if w.err != nil {
		return blob{}
	}
	if stored > uint64(w.left()) {
		w.fail(errCut)
		return blob{}
	}
	if size == 0 || size/88 > stored {
		w.fail(reasonf("%d compressed bytes cannot hold %d", stored, size))
		return blob{}
	}
	return blob{size: int64(size), stored: int64(stored), packed: true}
}

// maxHead is the longest head of a block that is looked at.
const maxHead = 16

// head returns the first n bytes of b, at most maxHead, without reading them. It fails if b is shorter.
func (w *window) head(b blob, n int, dst *[maxHead]byte) []byte {
	if b.size < int64(n) {
		w.fail(reasonf("a block of %d bytes has no room for its head of %d", b.size, n))
		return nil
	}
	if !b.packed {
		if !w.need(n) {
			return nil
		}
		return w.buf[w.pos : w.pos+n]
	}
	// A literal run spends at most two stored bytes on each that it gives, and ends at most 32 after it is wanted.
	in := int(min(b.stored, 4*maxHead))
	if !w.need(in) {
		return nil
	}
	if got, ok := lzf.Expand(dst[:n], w.buf[w.pos:w.pos+in]); !ok || got < n {
		w.fail(reasonf("damaged LZF"))
		return nil
	}
	return dst[:n]
}
