package rdbread

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/kvtool/kvtool/internal/crc64"
)

// A dump is written for tests: for type codes that no server at hand writes, and for damage that none would.
type dump struct {
	bytes.Buffer
	sum bool
}

func newDump(version int) *dump {
	d := &dump{sum: version >= 5}
	fmt.Fprintf(d, "REDIS%04d", version)
	return d
}

// num is a length in its shortest form.
func num(n uint64) []byte {
	switch {
	case n < 1<<6:
		return []byte{byte(n)}
	case n < 1<<14:
		return []byte{0x40 | byte(n>>8), byte(n)}
	case n < 1<<32:
		return binary.BigEndian.AppendUint32([]byte{0x80}, uint32(n))
	}
	return binary.BigEndian.AppendUint64([]byte{0x81}, n)
}

func str(s string) []byte { return append(num(uint64(len(s))), s...) }

// parts joins numbers (lengths), strings (with their length) and bytes (as they are).
func parts(all ...any) []byte {
	var b []byte
	for _, p := range all {
		switch p := p.(type) {
		case int:
			b = append(b, num(uint64(p))...)
		case string:
			b = append(b, str(p)...)
		case []byte:
			b = append(b, p...)
		}
	}
	return b
}

func (d *dump) key(code byte, name string, value []byte) *dump {
	d.WriteByte(code)
	d.Write(str(name))
	d.Write(value)
	return d
}

func (d *dump) opcode(code byte, body []byte) *dump {
	d.WriteByte(code)
	d.Write(body)
	return d
}

func (d *dump) raw() []byte { return bytes.Clone(d.Bytes()) }

func (d *dump) end() []byte {
	d.WriteByte(opEOF)
	if d.sum {
		b := d.Bytes()
		d.Write(binary.LittleEndian.AppendUint64(nil, crc64.Update(0, b)))
	}
	return d.raw()
}

// listpackOf packs short strings. With unknown the head does not say how many.
func listpackOf(unknown bool, items ...string) []byte {
	var body []byte
	for _, s := range items {
		e := append([]byte{0x80 | byte(len(s))}, s...)
		body = append(append(body, e...), byte(len(e)))
	}
	n := uint16(len(items))
	if unknown {
		n = unknownCount
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(6+len(body)+1))
	b = binary.LittleEndian.AppendUint16(b, n)
	return append(append(b, body...), 0xff)
}

func ziplistOf(unknown bool, items ...string) []byte {
	var body []byte
	prev := 0
	for _, s := range items {
		e := append([]byte{byte(prev), byte(len(s))}, s...)
		body = append(body, e...)
		prev = len(e)
	}
	n := uint16(len(items))
	if unknown {
		n = unknownCount
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(10+len(body)+1))
	b = binary.LittleEndian.AppendUint32(b, 10)
	b = binary.LittleEndian.AppendUint16(b, n)
	return append(append(b, body...), 0xff)
}

func zipmapOf(unknown bool, pairs ...string) []byte {
	b := []byte{byte(len(pairs) / 2)}
	if unknown {
		b[0] = 254
	}
	for i, s := range pairs {
		b = append(b, byte(len(s)))
		if i%2 == 1 {
			b = append(b, 2)
		}
		b = append(b, s...)
		if i%2 == 1 {
			b = append(b, "  "...) // the free space
		}
	}
	return append(b, 0xff)
}

// packLZF compresses into literal runs and, for a run of equal bytes, references, like a compressor of little ambition.
func packLZF(b []byte) []byte {
	var out []byte
	for i := 0; i < len(b); {
		run := 1
		for i > 0 && i+run < len(b) && b[i+run] == b[i-1] && b[i] == b[i-1] && run < 264 {
			run++
		}
		if run > 8 {
			out = append(out, 7<<5, byte(run-9), 0)
			i += run
			continue
		}
		n := min(7, len(b)-i)
		out = append(append(out, byte(n-1)), b[i:i+n]...)
		i += n
	}
	return parts([]byte{0xc3}, len(out), len(b), out)
}

// written are dumps of forms that the fixtures do not have.
func written() map[string][]byte {
	le8 := func(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }
	pairs := []string{"f1", "v1", "f2", "v2"}
	long := make([]string, 0, 400)
	for i := range 200 {
		long = append(long, fmt.Sprintf("field%d", i), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	}
	return map[string][]byte{
		"zset-text":     newDump(2).key(3, "k", parts(3, "a", []byte{253}, "b", []byte{255}, "c", []byte("\x031.5"))).end(),
		"zipmap":        newDump(2).key(9, "k", parts(string(zipmapOf(false, pairs...)))).key(9, "walked", parts(string(zipmapOf(true, pairs...)))).end(),
		"ziplist-walk":  newDump(6).key(10, "k", parts(string(ziplistOf(true, pairs...)))).key(13, "lzf", packLZF(ziplistOf(true, long...))).end(),
		"listpack-walk": newDump(11).key(16, "k", parts(string(listpackOf(true, pairs...)))).key(20, "lzf", packLZF(listpackOf(true, long...))).end(),
		"expiry": newDump(9).opcode(opExpiryInSec, []byte{1, 0, 0, 0}).opcode(opIdle, num(100)).key(0, "s", str("v")).
			opcode(opFreq, []byte{9}).opcode(opExpiry, le8(5000)).key(0, "ms", str("v")).key(0, "none", str("v")).end(),
		"module":     newDump(9).key(7, "k", parts([]byte{0x81, 1, 2, 3, 4, 5, 6, 7, 8}, 1, 5, 2, 6, 3, []byte("1234"), 4, []byte("12345678"), 5, "text", 0)).end(),
		"hash-ttl":   newDump(12).key(22, "rc", parts(2, 0, "f", "v", 77, "g", "w")).key(24, "ga", parts(le8(1), 1, 0, "f", "v")).key(23, "rc-lp", str(string(listpackOf(false, "f", "v", "0")))).key(25, "lp", parts(le8(1), string(listpackOf(false, "f", "v", "0", "g", "w", "5")))).end(),
		"plain-node": newDump(11).key(18, "k", parts(2, 1, "item of its own", 2, string(listpackOf(false, "a", "b", "c")))).opcode(opSlotInfo, parts(1, 2, 3)).key(18, "bare", parts(1, 2, string(listpackOf(false, "a")))).end(),
	}
}
