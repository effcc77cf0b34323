// Package hll estimates how many different strings it was shown, in a string value that is byte for byte a Redis 7.0's:
// hyperloglog.c is its source, since GET, DUMP and replicas show the bytes.
//
// The one idea is 16384 registers, each with the longest run of zeros among the hashes that fell to it. A value begins sparse, as
// runs of equal registers, and becomes dense, six bits a register, when a run does not express a register or gets too many:
//
//	"HYLL" │ encoding │ 000 │ cached estimate, 8 bytes; top bit: stale │ registers
//
//	sparse  00nnnnnn                n+1 registers are 0
//	        01nnnnnn nnnnnnnn       n+1 registers are 0
//	        1vvvvvnn                n+1 registers are v+1
package hll

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strconv"
)

const (
	precision = 14
	registers = 1 << precision
	head      = 16
	denseSize = head + registers*6/8

	dense, sparse = 0, 1 // encodings
	encodingAt    = 4
	cacheAt       = 8
	staleAt       = 15
	stale         = 1 << 7

	hashSeed = 0xadc83b19
)

// Registers are those of a value, or the greatest of several.
type Registers [registers]uint8

// New returns the value of nothing.
func New() []byte {
	b := make([]byte, head, head+2)
	copy(b, "HYLL")
	b[encodingAt] = sparse
	return appendZeros(b, registers)
}

// Valid reports whether b may be such a value. Whether the runs of a sparse one have the right sum is seen when it is used.
func Valid(b []byte) bool {
	return len(b) >= head && string(b[:4]) == "HYLL" && b[encodingAt] <= sparse && (b[encodingAt] == sparse || len(b) == denseSize)
}

// Dense reports whether b is dense.
func Dense(b []byte) bool { return b[encodingAt] == dense }

// Cached returns the estimate that b carries, unless it is stale.
func Cached(b []byte) (n uint64, ok bool) {
	return binary.LittleEndian.Uint64(b[cacheAt:]), b[staleAt]&stale == 0
}

// SetCached makes b carry an estimate.
func SetCached(b []byte, n uint64) { binary.LittleEndian.PutUint64(b[cacheAt:], n) }

// Invalidate says that the estimate of b is stale.
func Invalidate(b []byte) { b[staleAt] |= stale }

// Growth is how a sparse value grows. Its capacity is what a server's string has got: it is asked for before each change.
type Growth struct {
	Most int             // bytes, above which it becomes dense (hll-sparse-max-bytes)
	Room func(n int) int // the capacity of a string that is to be n bytes long; nil is twice as much
}

// Add shows b a string. changed says that a register did; ok is false if b is corrupt.
func Add(b, elem []byte, g Growth) (_ []byte, changed, ok bool) {
	i, run := place(elem)
	return set(b, i, run, g)
}

// set raises a register.
func set(b []byte, i int, run uint8, g Growth) (_ []byte, changed, ok bool) {
	switch {
	case Dense(b):
		return b, raise(b[head:], i, run), true
	case run > mostSparse:
		return promote(b, i, run)
	}
	return setSparse(g.grow(b), i, run, g.Most)
}

// grow gives b room for what one change can need.
func (g Growth) grow(b []byte) []byte {
	n := len(b) + mostMore
	if n <= cap(b) {
		return b
	}
	room := 2 * n
	if g.Room != nil {
		room = g.Room(n)
	}
	return append(make([]byte, 0, room), b...)
}

// place returns the register of a string, and the length of the run of zeros with the one behind it.
func place(elem []byte) (i int, run uint8) {
	h := murmur(elem)
	return int(h % registers), uint8(1 + bits.TrailingZeros64(h>>precision|1<<(64-precision)))
}

// murmur is MurmurHash64A.
func murmur(b []byte) uint64 {
	const m = 0xc6a4a7935bd1e995
	h := hashSeed ^ uint64(len(b))*m
	for ; len(b) >= 8; b = b[8:] {
		k := binary.LittleEndian.Uint64(b) * m
		k = (k ^ k>>47) * m
		h = (h ^ k) * m
	}
	if len(b) > 0 {
		for i, c := range b {
			h ^= uint64(c) << (8 * i)
		}
		h *= m
	}
	h = (h ^ h>>47) * m
	return h ^ h>>47
}

// register returns a register of dense ones.
func register(dense []byte, i int) uint8 {
	at, shift := i*6/8, i*6%8
	v := uint16(dense[at])
	if shift > 2 {
		v |= uint16(dense[at+1]) << 8
	}
	return uint8(v>>shift) & 63
}

// raise gives a register of dense ones a value if that is greater than what it has.
func raise(dense []byte, i int, run uint8) bool {
	if run <= register(dense, i) {
		return false
	}
	at, shift := i*6/8, i*6%8
	dense[at] = dense[at]&^(63<<shift) | run<<shift
	if shift > 2 {
		dense[at+1] = dense[at+1]&^(63>>(8-shift)) | run>>(8-shift)
	}
	return true
}

// ToDense returns b as a dense value. It fails if b is corrupt.
func ToDense(b []byte) ([]byte, bool) {
	if Dense(b) {
		return b, true
	}
	var r Registers
	if !r.Merge(b) {
		return b, false
	}
	d := make([]byte, denseSize)
	copy(d, b[:head])
	d[encodingAt] = dense
	for i, v := range r {
		raise(d[head:], i, v)
	}
	return d, true
}

// Merge raises the registers to those of b. It fails if b is corrupt, after a part of it.
func (r *Registers) Merge(b []byte) bool {
	if Dense(b) {
		r.mergeDense(b[head:])
		return true
	}
	i := 0
	for p := b[head:]; len(p) > 0; {
		op := decode(p)
		if op.value > 0 {
			if i+op.n > registers {
				return false
			}
			for k := i; k < i+op.n; k++ {
				r[k] = max(r[k], op.value)
			}
		}
		i += op.n
		p = p[op.bytes:]
	}
	return i == registers
}

// mergeDense takes four registers from each three bytes.
func (r *Registers) mergeDense(dense []byte) {
	for i := 0; i < len(r); i += 4 {
		v := uint32(dense[0]) | uint32(dense[1])<<8 | uint32(dense[2])<<16
		four := r[i : i+4 : i+4]
		four[0] = max(four[0], uint8(v&63))
		four[1] = max(four[1], uint8(v>>6&63))
		four[2] = max(four[2], uint8(v>>12&63))
		four[3] = max(four[3], uint8(v>>18))
		dense = dense[3:]
	}
}

// Store raises the registers of b to r, and marks its estimate as stale.
func (r *Registers) Store(b []byte, g Growth) []byte {
	for i, v := range r {
		if v > 0 {
			b, _, _ = set(b, i, v, g)
		}
	}
	Invalidate(b)
	return b
}

// Of returns the registers of a dense b.
func Of(b []byte) *Registers {
	var r Registers
	r.Merge(b)
	return &r
}

// An op is one run of a sparse value.
type op struct {
	n     int   // registers
	value uint8 // of each
	bytes int
}

// decode returns the first run of p. What a corrupt value lacks at its end is 0, as behind a string of Redis.
func decode(p []byte) op {
	switch c := p[0]; {
	case c&0x80 != 0:
		return op{int(c&3) + 1, c>>2&31 + 1, 1}
	case c&0x40 == 0:
		return op{int(c) + 1, 0, 1}
	case len(p) == 1:
		return op{int(c&0x3f)<<8 + 1, 0, 1}
	default:
		return op{(int(c&0x3f)<<8 | int(p[1])) + 1, 0, 2}
	}
}

func appendZeros(b []byte, n int) []byte {
	if n > 64 {
		return append(b, 0x40|byte((n-1)>>8), byte(n-1))
	}
	return append(b, byte(n-1))
}

func appendRun(b []byte, value uint8, n int) []byte {
	if value == 0 {
		return appendZeros(b, n)
	}
	return append(b, 0x80|(value-1)<<2|byte(n-1))
}

const (
	mostSparse = 32 // the greatest value of a run that is not 0
	mostRun    = 4  // its most registers
	mostMore   = 3  // bytes that a change can need: a long run of zeros becomes three
)

// setSparse raises a register of a sparse value: the run that has it becomes up to three.
func setSparse(b []byte, i int, run uint8, most int) (_ []byte, changed, ok bool) {
	at, before, first := seek(b, i)
	if at >= len(b) {
		return b, false, false
	}
	o := decode(b[at:])
	if o.value >= run {
		return b, false, true
	}
	var room [5]byte
	seq := room[:0]
	if n := i - first; n > 0 {
		seq = appendRun(seq, o.value, n)
	}
	seq = appendRun(seq, run, 1)
	if n := first + o.n - 1 - i; n > 0 {
		seq = appendRun(seq, o.value, n)
	}
	if more := len(seq) - o.bytes; more > 0 && len(b)+more > most {
		return promote(b, i, run)
	}
	b = join(slices.Replace(b, at, at+o.bytes, seq...), before)
	Invalidate(b)
	return b, true, true
}

// seek returns the offset of the run that has register i, that of the run before it, and its first register. It is what most of
// the time of adding to a sparse value goes to.
func seek(b []byte, i int) (at, before, first int) {
	at, before = head, head
	for at < len(b) {
		n, width := int(b[at]&0x3f)+1, 1
		switch c := b[at]; {
		case c >= 0x80:
			n = int(c&3) + 1
		case c >= 0x40:
			o := decode(b[at:])
			n, width = o.n, o.bytes
		}
		if i < first+n {
			break
		}
		first += n
		before, at = at, at+width
	}
	return at, before, first
}

// promote makes a sparse value dense and raises a register.
func promote(b []byte, i int, run uint8) (_ []byte, changed, ok bool) {
	if b, ok = ToDense(b); ok {
		raise(b[head:], i, run)
		Invalidate(b)
	}
	return b, ok, ok
}

// join makes one of two neighbouring runs of the same value, among the five runs from that at offset at on.
func join(b []byte, at int) []byte {
	for scan := 5; scan > 0 && at < len(b); scan-- {
		o := decode(b[at:])
		if o.value > 0 && at+1 < len(b) {
			next := decode(b[at+1:])
			if next.value == o.value && o.n+next.n <= mostRun {
				appendRun(b[at:at], o.value, o.n+next.n)
				b = slices.Delete(b, at+1, at+2)
				continue
			}
		}
		at += o.bytes
	}
	return b
}

// AppendRuns appends the runs of a sparse value as PFDEBUG DECODE shows them.
func AppendRuns(dst, b []byte) []byte {
	for p := b[head:]; len(p) > 0; {
		o := decode(p)
		letter := "z:"
		switch {
		case o.value > 0:
			letter = "v:"
		case p[0]&0x40 != 0:
			letter = "Z:"
		}
		dst = append(dst, letter...)
		if o.value > 0 {
			dst = append(strconv.AppendUint(dst, uint64(o.value), 10), ',')
		}
		dst = append(strconv.AppendInt(dst, int64(o.n), 10), ' ')
		p = p[o.bytes:]
	}
	return slices.Delete(dst, max(0, len(dst)-1), len(dst))
}
