package command

import (
	"encoding/binary"
	"math/bits"
)

// Bits are numbered from the highest of the first byte on, as in SETBIT.

// popCount counts the set bits of p.
func popCount(p []byte) int64 {
	n := 0
	for ; len(p) >= 32; p = p[32:] {
		n += bits.OnesCount64(binary.LittleEndian.Uint64(p)) + bits.OnesCount64(binary.LittleEndian.Uint64(p[8:])) +
			bits.OnesCount64(binary.LittleEndian.Uint64(p[16:])) + bits.OnesCount64(binary.LittleEndian.Uint64(p[24:]))
	}
	for ; len(p) >= 8; p = p[8:] {
		n += bits.OnesCount64(binary.LittleEndian.Uint64(p))
	}
	for _, b := range p {
		n += bits.OnesCount8(b)
	}
	return int64(n)
}

// countBits counts the set bits of p from bit first to bit last, which both count and are in p.
func countBits(p []byte, first, last int64) int64 {
	p = p[first>>3 : last>>3+1]
	before := p[0] &^ (0xff >> (first & 7))
	behind := p[len(p)-1] & (0x7f >> (last & 7))
	return popCount(p) - int64(bits.OnesCount8(before)) - int64(bits.OnesCount8(behind))
}

// findBit returns the first bit of p, from bit first to bit last, that is set, or with set false the first that is not; -1 if
// there is none.
func findBit(p []byte, first, last int64, set bool) int64 {
	var flip byte
	if !set {
		flip = 0xff
	}
	at := first >> 3
	b := (p[at] ^ flip) & (0xff >> (first & 7))
	if b == 0 {
		at = skipBytes(p, at+1, flip)
		if at > last>>3 {
			return -1
		}
		b = p[at] ^ flip
	}
	if i := at<<3 + int64(bits.LeadingZeros8(b)); i <= last {
		return i
	}
	return -1
}

// skipBytes returns the place of the first byte of p, from at on, that is not b, or the length of p.
func skipBytes(p []byte, at int64, b byte) int64 {
	word := uint64(b) * 0x0101010101010101
	for ; at+8 <= int64(len(p)); at += 8 {
		if binary.LittleEndian.Uint64(p[at:]) != word {
			break
		}
	}
	for at < int64(len(p)) && p[at] == b {
		at++
	}
	return at
}

// bitOperation is one of BITOP's.
type bitOperation uint8

const (
	bitAnd bitOperation = iota
	bitOr
	bitXor
	bitNot
)

// combine returns the bits of all sources put together, as long as the longest of them: where one has ended its bits are 0.
func combine(op bitOperation, sources [][]byte) []byte {
	longest := 0
	for _, s := range sources {
		longest = max(longest, len(s))
	}
	out := make([]byte, longest)
	copy(out, sources[0])
	if op == bitNot {
		for i := range out {
			out[i] = ^out[i]
		}
		return out
	}
	for _, s := range sources[1:] {
		combineOne(op, out, s)
	}
	return out
}

// combineOne puts s, which is no longer than out, into out.
func combineOne(op bitOperation, out, s []byte) {
	n := len(s) &^ 7
	switch op {
	case bitAnd:
		for i := 0; i < n; i += 8 {
			putWord(out[i:], word(out[i:])&word(s[i:]))
		}
		for i := n; i < len(s); i++ {
			out[i] &= s[i]
		}
		clear(out[len(s):])
	case bitOr:
		for i := 0; i < n; i += 8 {
			putWord(out[i:], word(out[i:])|word(s[i:]))
		}
		for i := n; i < len(s); i++ {
			out[i] |= s[i]
		}
	default:
		for i := 0; i < n; i += 8 {
			putWord(out[i:], word(out[i:])^word(s[i:]))
		}
		for i := n; i < len(s); i++ {
			out[i] ^= s[i]
		}
	}
}

func word(p []byte) uint64       { return binary.LittleEndian.Uint64(p) }
func putWord(p []byte, w uint64) { binary.LittleEndian.PutUint64(p, w) }
