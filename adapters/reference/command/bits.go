package command

import (
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
)

func bitCommands() []engine.Command {
	return []engine.Command{
		{Name: "setbit", Run: setBit},
		{Name: "getbit", Run: getBit},
		{Name: "bitcount", Run: bitCount},
		{Name: "bitpos", Run: bitPos},
		{Name: "bitop", Run: bitOp},
		{Name: "bitfield", Run: func(c *engine.Call) { bitField(c, false) }},
		{Name: "bitfield_ro", Run: func(c *engine.Call) { bitField(c, true) }},
	}
}

// bitsUpTo makes args[1] a raw string that has the bit last. Changed is that it is longer than it was (bitops.c:
// lookupStringForBitCommand). It answers the error itself.
func bitsUpTo(c *engine.Call, last int64) (value []byte, changed, ok bool) {
	key := c.Args[1]
	it := c.Write(key)
	if !isString(c, it) {
		return nil, false, false
	}
	n := len(it.Bytes())
	value, ok = rawOf(c, key, it, last>>3+1)
	return value, len(value) > n, ok
}

func setBit(c *engine.Call) {
	at, ok := bitOffset(c, c.Args[2], 0)
	if !ok {
		return
	}
	var bit byte
	switch arg := c.Args[3]; {
	case len(arg) == 1 && arg[0] == '1':
		bit = 1
	case len(arg) != 1 || arg[0] != '0':
		c.Fail("ERR bit is not an integer or out of range")
		return
	}
	value, changed, ok := bitsUpTo(c, at)
	if !ok {
		return
	}
	shift := 7 - at&7
	old := value[at>>3] >> shift & 1
	if changed || old != bit {
		value[at>>3] = value[at>>3]&^(1<<shift) | bit<<shift
		c.Changed(c.Args[1], '$', "setbit")
	}
	c.Out.Int(int64(old))
}

func getBit(c *engine.Call) {
	at, ok := bitOffset(c, c.Args[2], 0)
	if !ok {
		return
	}
	it := c.Read(c.Args[1])
	if !isString(c, it) {
		return
	}
	value := it.Bytes()
	if at>>3 >= int64(len(value)) {
		c.Out.Int(0)
		return
	}
	c.Out.Int(int64(value[at>>3] >> (7 - at&7) & 1))
}

// bitUnit reads BIT or BYTE. It answers the error itself.
func bitUnit(c *engine.Call, arg []byte) (bit, ok bool) {
	switch {
	case is(arg, "bit"):
		return true, true
	case is(arg, "byte"):
		return false, true
	}
	c.Fail(engine.ErrSyntax)
	return false, false
}

// bitCount is BITCOUNT key [first last [BYTE | BIT]].
func bitCount(c *engine.Call) {
	it := c.Read(c.Args[1])
	if !it.OK() {
		c.Out.Int(0)
		return
	}
	if !isString(c, it) {
		return
	}
	value := it.Bytes()
	if len(c.Args) == 2 {
		c.Out.Int(popCount(value))
		return
	}
	if len(c.Args) > 5 || len(c.Args) == 3 {
		c.Fail(engine.ErrSyntax)
		return
	}
	first, last, bit, ok := bitCountRange(c)
	if !ok {
		return
	}
	if first < 0 && last < 0 && first > last {
		c.Out.Int(0)
		return
	}
	first, last = bitSpan(first, last, int64(len(value)), bit)
	if first > last {
		c.Out.Int(0)
		return
	}
	c.Out.Int(countBits(value, first, last))
}

// bitCountRange reads first, last and unit. As in Redis a range that is empty by its signs ends it before the unit is looked at.
func bitCountRange(c *engine.Call) (first, last int64, bit, ok bool) {
	if first, ok = c.Int(c.Args[2]); !ok {
		return 0, 0, false, false
	}
	if last, ok = c.Int(c.Args[3]); !ok {
		return 0, 0, false, false
	}
	if len(c.Args) == 5 && !(first < 0 && last < 0 && first > last) {
		bit, ok = bitUnit(c, c.Args[4])
	}
	return first, last, bit, ok
}

// bitSpan makes bits of a range of bytes, or of bits, of a string of n bytes.
func bitSpan(first, last, n int64, bit bool) (int64, int64) {
	if bit {
		return span(first, last, n*8)
	}
	if first, last = span(first, last, n); first > last {
		return 0, -1
	}
	return first * 8, last*8 + 7
}

// bitPos is BITPOS key bit [first [last [BYTE | BIT]]].
func bitPos(c *engine.Call) {
	wanted, ok := c.Int(c.Args[2])
	if !ok {
		return
	}
	if wanted != 0 && wanted != 1 {
		c.Fail("ERR The bit argument must be 1 or 0.")
		return
	}
	it := c.Read(c.Args[1])
	if !it.OK() {
		c.Out.Int(-wanted)
		return
	}
	if !isString(c, it) {
		return
	}
	first, last, open, ok := bitPosRange(c, int64(len(it.Bytes())))
	if !ok {
		return
	}
	if first > last {
		c.Out.Int(-1)
		return
	}
	at := findBit(it.Bytes(), first, last, wanted == 1)
	if at < 0 && wanted == 0 && open { // behind the end there are zeros
		at = last + 1
	}
	c.Out.Int(at)
}

// bitPosRange reads the range of BITPOS in a string of n bytes, as bits. Open is that no end was given. It answers the error
// itself.
func bitPosRange(c *engine.Call, n int64) (first, last int64, open, ok bool) {
	switch len(c.Args) {
	case 3:
		return 0, n*8 - 1, true, true
	case 4, 5, 6:
	default:
		c.Fail(engine.ErrSyntax)
		return 0, 0, false, false
	}
	if first, ok = c.Int(c.Args[3]); !ok {
		return 0, 0, false, false
	}
	bit := false
	if len(c.Args) == 6 {
		if bit, ok = bitUnit(c, c.Args[5]); !ok {
			return 0, 0, false, false
		}
	}
	last, open = n-1, true
	if len(c.Args) > 4 {
		if last, ok = c.Int(c.Args[4]); !ok {
			return 0, 0, false, false
		}
		open = false
	}
	first, last = bitSpan(first, last, n, bit)
	return first, last, open, true
}

// bitOp is BITOP AND|OR|XOR|NOT target key …
func bitOp(c *engine.Call) {
	var op bitOperation
	switch arg := c.Args[1]; {
	case is(arg, "and"):
		op = bitAnd
	case is(arg, "or"):
		op = bitOr
	case is(arg, "xor"):
		op = bitXor
	case is(arg, "not"):
		op = bitNot
	default:
		c.Fail(engine.ErrSyntax)
		return
	}
	if op == bitNot && len(c.Args) != 4 {
		c.Fail("ERR BITOP NOT must be called with a single source key.")
		return
	}
	sources := make([][]byte, 0, len(c.Args)-3)
	for _, key := range c.Args[3:] {
		it := c.Read(key)
		if !isString(c, it) {
			return
		}
		sources = append(sources, it.Bytes())
	}
	out := combine(op, sources)
	target := c.Args[2]
	if len(out) == 0 {
		if c.Delete(c.Peek(target)) {
			c.Changed(target, 'g', "del")
		}
	} else {
		if !overwrite(c, target, c.Write(target), keyspace.KindRaw, out) {
			c.Fail(engine.ErrOOM)
			return
		}
		c.Changed(target, '$', "set")
	}
	c.Out.Int(int64(len(out)))
}

// bitField is BITFIELD and BITFIELD_RO.
func bitField(c *engine.Call, readOnly bool) {
	ops, ok := fieldOps(c)
	if !ok {
		return
	}
	highest, writes := int64(0), false
	for i := range ops {
		if op := &ops[i]; op.set || op.increment {
			writes = true
			highest = max(highest, op.last())
		}
	}
	var value []byte
	grown := false
	switch {
	case !writes:
		it := c.Read(c.Args[1])
		if !isString(c, it) {
			return
		}
		value = it.Bytes()
	case readOnly:
		c.Fail("ERR BITFIELD_RO only supports the GET subcommand")
		return
	default:
		if value, grown, ok = bitsUpTo(c, highest); !ok {
			return
		}
	}
	c.Out.Array(len(ops))
	if runFields(c, ops, value, grown) {
		c.Changed(c.Args[1], '$', "setbit")
	}
}

// runFields answers each operation in turn, and reports whether one has changed the value.
func runFields(c *engine.Call, ops []fieldOp, value []byte, grown bool) (changed bool) {
	for i := range ops {
		op := &ops[i]
		old := op.load(value)
		if !op.set && !op.increment {
			c.Out.Int(old)
			continue
		}
		n, ok := op.next(old)
		if !ok {
			c.Out.Null()
			continue
		}
		op.store(value, n)
		changed = changed || grown || old != n
		if op.set {
			n = old
		}
		c.Out.Int(n)
	}
	return changed
}
