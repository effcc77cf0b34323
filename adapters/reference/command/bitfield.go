package command

import (
	"bytes"
	"encoding/binary"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/wire"
)

// overflow is what BITFIELD does with a number that does not fit.
type overflow uint8

const (
	overflowWrap overflow = iota
	overflowSat
	overflowFail
)

// A fieldOp is one GET, SET or INCRBY of BITFIELD.
type fieldOp struct {
	set, increment bool // neither: GET
	signed         bool
	width          uint // bits, 1 to 64
	offset         int64
	value          int64 // to set, or to add
	overflow       overflow
}

const errBitfieldType = "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."

// fieldOps reads the operations of BITFIELD.
func fieldOps(c *engine.Call) (ops []fieldOp, ok bool) {
	var mode overflow
	for i := 2; i < len(c.Args); {
		arg, left := c.Args[i], len(c.Args)-i-1
		op := fieldOp{overflow: mode}
		n := 4
		switch {
		case is(arg, "get") && left >= 2:
			n = 3
		case is(arg, "set") && left >= 3:
			op.set = true
		case is(arg, "incrby") && left >= 3:
			op.increment = true
		case is(arg, "overflow") && left >= 1:
			if mode, ok = overflowMode(c.Args[i+1]); !ok {
				c.Fail("ERR Invalid OVERFLOW type specified")
				return nil, false
			}
			i += 2
			continue
		default:
			c.Fail(engine.ErrSyntax)
			return nil, false
		}
		if !op.arguments(c, c.Args[i+1:i+n]) {
			return nil, false
		}
		ops = append(ops, op)
		i += n
	}
	return ops, true
}

func overflowMode(arg []byte) (overflow, bool) {
	switch {
	case is(arg, "wrap"):
		return overflowWrap, true
	case is(arg, "sat"):
		return overflowSat, true
	case is(arg, "fail"):
		return overflowFail, true
	}
	return 0, false
}

// arguments reads type, offset and, unless it is a GET, number.
func (op *fieldOp) arguments(c *engine.Call, args [][]byte) (ok bool) {
	if !op.parseType(args[0]) {
		c.Fail(errBitfieldType)
		return false
	}
	if op.offset, ok = bitOffset(c, args[1], int64(op.width)); !ok {
		return false
	}
	if len(args) == 3 {
		op.value, ok = c.Int(args[2])
	}
	return ok
}

// parseType reads i1 to i64 and u1 to u63. As in Redis what follows a zero byte is not looked at.
func (op *fieldOp) parseType(arg []byte) bool {
	if len(arg) == 0 || arg[0] != 'i' && arg[0] != 'u' {
		return false
	}
	op.signed = arg[0] == 'i'
	digits, _, _ := bytes.Cut(arg[1:], []byte{0})
	n, ok := wire.ParseInt(digits)
	if !ok || n < 1 || n > 64 || n == 64 && !op.signed {
		return false
	}
	op.width = uint(n)
	return true
}

const errBitOffset = "ERR bit offset is not an integer or out of range"

// bitOffset reads where a bit is; with a width above 0, #n is the n-th field of that width.
func bitOffset(c *engine.Call, arg []byte, width int64) (int64, bool) {
	scale := int64(1)
	if width > 0 && len(arg) > 0 && arg[0] == '#' {
		arg, scale = arg[1:], width
	}
	n, ok := wire.ParseInt(arg)
	n *= scale // may wrap around, as it does in Redis
	if !ok || n < 0 || n>>3 >= int64(c.Engine().MaxBulk()) {
		c.Fail(errBitOffset)
		return 0, false
	}
	return n, true
}

// last returns the last bit of the field.
func (op *fieldOp) last() int64 { return op.offset + int64(op.width) - 1 }

// load reads the field out of p; beyond the end of p all bits are 0.
func (op *fieldOp) load(p []byte) int64 {
	var around [16]byte
	if at := op.offset >> 3; at < int64(len(p)) {
		copy(around[:9], p[at:])
	}
	shift := uint(op.offset & 7)
	high, low := binary.BigEndian.Uint64(around[:]), uint64(around[8])
	bits := high<<shift | low>>(8-shift)
	if op.signed {
		return int64(bits) >> (64 - op.width)
	}
	return int64(bits >> (64 - op.width))
}

// store writes a number into the field, which is in p.
func (op *fieldOp) store(p []byte, n int64) {
	for i := range op.width {
		bit := op.offset + int64(i)
		mask := byte(0x80) >> (bit & 7)
		if n>>(op.width-1-i)&1 != 0 {
			p[bit>>3] |= mask
		} else {
			p[bit>>3] &^= mask
		}
	}
}

// next returns what a SET or INCRBY makes of a number, and reports false if nothing is to be written.
func (op *fieldOp) next(old int64) (n int64, ok bool) {
	base, by := old, op.value
	if op.set {
		base, by = op.value, 0
	}
	over := 0
	if op.signed {
		over = signedOverflow(base, by, op.width)
	} else {
		over = unsignedOverflow(uint64(base), by, op.width)
	}
	switch {
	case over == 0:
		return base + by, true
	case op.overflow == overflowFail:
		return 0, false
	case op.overflow == overflowWrap:
		return op.wrapped(base + by), true
	}
	return op.saturated(over), true
}

// wrapped returns the lowest bits of n as a number of the field.
func (op *fieldOp) wrapped(n int64) int64 {
	unused := 64 - op.width
	if op.signed {
		return n << unused >> unused
	}
	return int64(uint64(n) << unused >> unused)
}

// saturated returns the largest number of the field, or the smallest for what is below it.
func (op *fieldOp) saturated(over int) int64 {
	switch {
	case op.signed && over > 0:
		return int64(uint64(1)<<(op.width-1) - 1)
	case op.signed:
		return -1 << (op.width - 1)
	case over > 0:
		return int64(uint64(1)<<op.width - 1)
	}
	return 0
}

// signedOverflow returns 1 if n + by is too large for so many bits, -1 if it is too small (bitops.c:
// checkSignedBitfieldOverflow).
func signedOverflow(n, by int64, width uint) int {
	most := int64(uint64(1)<<(width-1) - 1)
	least := -most - 1
	up, down := most-n, least-n // may wrap around; then n is out of range by itself
	switch {
	case n > most || width != 64 && by > up || n >= 0 && by > 0 && by > up:
		return 1
	case n < least || width != 64 && by < down || n < 0 && by < 0 && by < down:
		return -1
	}
	return 0
}

// unsignedOverflow is the same for numbers without a sign (checkUnsignedBitfieldOverflow).
func unsignedOverflow(n uint64, by int64, width uint) int {
	most := uint64(1)<<width - 1
	switch {
	case n > most || by > 0 && by > int64(most-n):
		return 1
	case by < 0 && by < int64(-n):
		return -1
	}
	return 0
}
