package lzf

// Bounds of the format (lzf_c.c: MAX_LIT, MAX_OFF, MAX_REF), and of the table (lzfP.h: HLOG).
const (
	maxLiteral   = 1 << 5
	maxOffset    = 1 << 13
	maxReference = 1<<8 + 1<<3
	tableBits    = 16
)

// A Packer compresses. The zero value is ready; it holds 256 KiB and is not safe for concurrent use.
type Packer struct {
	seen [1 << tableBits]uint32 // by hash of three bytes: where they were last, counted from base
	base uint32                 // what seen holds below it is of earlier inputs
	next uint32                 // the base of the next input
}

// slot is where liblzf keeps the position of three bytes (lzf_c.c: IDX with VERY_FAST).
func slot(three uint32) uint32 {
	return (three>>(24-tableBits) - three*5) & (1<<tableBits - 1)
}

func three(p []byte) uint32 { return uint32(p[0])<<16 | uint32(p[1])<<8 | uint32(p[2]) }

// Compress appends src in compressed form to dst, if that is at most limit bytes long, as a server decides it: near the
// limit it gives up a few bytes early.
//
// A server does not clear its table before a string, so that what it finds may depend on what it packed before. This one
// gives what a server gives with a clear table.
func (z *Packer) Compress(dst, src []byte, limit int) ([]byte, bool) {
	if len(src) == 0 || limit == 0 {
		return dst, false
	}
	z.begin(len(src))
	from := len(dst)
	out := append(dst, 0) // the length of the first run of literals
	run := 0
	last := len(src) - 2
	i := 0
	for i < last {
		at := &z.seen[slot(three(src[i:]))]
		ref := int(int64(*at) - int64(z.base))
		*at = z.base + uint32(i)
		if ref <= 0 || i-ref > maxOffset || three(src[ref:]) != three(src[i:]) {
			if len(out)-from >= limit {
				return dst, false
			}
			out, run = literal(out, run, src[i])
			i++
			continue
		}
		if used := len(out) - from; used+4 >= limit && used-isZero(run)+4 >= limit {
			return dst, false
		}
		n := matched(src, ref, i)
		out = append(reference(endRun(out, run), i-ref-1, n), 0)
		run = 0
		i += n
		if i >= last {
			break
		}
		for k := i - 2; k < i; k++ {
			z.seen[slot(three(src[k:]))] = z.base + uint32(k)
		}
	}
	if len(out)-from+3 > limit {
		return dst, false
	}
	for ; i < len(src); i++ {
		out, run = literal(out, run, src[i])
	}
	return endRun(out, run), true
}

// begin makes what the table holds old, so that it need not be cleared.
func (z *Packer) begin(n int) {
	if uint64(z.next)+uint64(n) >= 1<<32 || z.next == 0 {
		clear(z.seen[:])
		z.next = 1
	}
	z.base = z.next
	z.next += uint32(n)
}

// literal adds a byte to the run of literals that out ends with, and begins another when it is full.
func literal(out []byte, run int, c byte) ([]byte, int) {
	out = append(out, c)
	if run++; run < maxLiteral {
		return out, run
	}
	out[len(out)-run-1] = byte(run - 1)
	return append(out, 0), 0
}

// endRun writes the length of the run that out ends with, or takes its place back if it is empty.
func endRun(out []byte, run int) []byte {
	if run == 0 {
		return out[:len(out)-1]
	}
	out[len(out)-run-1] = byte(run - 1)
	return out
}

func isZero(run int) int {
	if run == 0 {
		return 1
	}
	return 0
}

// reference adds a reference to n bytes that begin back+1 bytes before.
func reference(out []byte, back, n int) []byte {
	n -= 2
	if n < 7 {
		return append(out, byte(back>>8+n<<5), byte(back))
	}
	return append(out, byte(back>>8+7<<5), byte(n-7), byte(back))
}

// matched returns how many bytes at i are those at ref, at least three. As in liblzf the last two of the input are left over
// where the match is short, and where it ends within the sixteen that are looked at one by one they are not.
func matched(src []byte, ref, i int) int {
	most := min(len(src)-i-2, maxReference)
	n := 2
	if most > 16 {
		for n < 18 {
			if n++; src[ref+n] != src[i+n] {
				return n
			}
		}
	}
	for {
		if n++; n >= most || src[ref+n] != src[i+n] {
			return n
		}
	}
}
