package rdbread

const lzfReach = 8192 // how far back a reference goes

// An expander expands a compressed blob of any length a byte at a time, keeping only what references can reach.
type expander struct {
	past     [lzfReach]byte
	n        int64 // bytes expanded
	literals int   // left of the run
	matched  int   // left of the reference
	back     int64
}

// next returns the next byte of the blob whose stored bytes in gives.
func (z *expander) next(in *blobReader) byte {
	if z.literals == 0 && z.matched == 0 {
		z.control(in)
	}
	var b byte
	if z.literals > 0 {
		z.literals--
		b = in.storedByte()
	} else {
		z.matched--
		b = z.past[(z.n-z.back)%lzfReach]
	}
	z.past[z.n%lzfReach] = b
	z.n++
	return b
}

func (z *expander) control(in *blobReader) {
	ctrl := int(in.storedByte())
	if ctrl < 32 {
		z.literals = ctrl + 1
		return
	}
	run := ctrl >> 5
	if run == 7 {
		run += int(in.storedByte())
	}
	z.back = int64(ctrl&31<<8|int(in.storedByte())) + 1
	z.matched = run + 2
	if z.back > z.n {
		in.w.fail(reasonf("damaged LZF"))
		z.back = 1
	}
}
