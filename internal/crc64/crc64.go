// Package crc64 owns the checksum of dumps and of the payloads of DUMP: the CRC-64 of Redis, by carry-less multiplication
// where the processor has it.
package crc64

import (
	"encoding/binary"
	"sync"
)

// The checksum: CRC-64 with the polynomial 0xad93d23594c935a9 (Jones), bits reflected, starting at 0 and not
// inverted. (hash/crc64 inverts at both ends.)
const poly = 0x95ac9329ac4bc9b5 // reflected

// tables[i][b] is the checksum of the byte b with i zero bytes behind it. It never changes.
var tables = sync.OnceValue(func() *[8][256]uint64 {
	t := new([8][256]uint64)
	for b := range t[0] {
		crc := uint64(b)
		for range 8 {
			crc = timesX(crc)
		}
		t[0][b] = crc
	}
	for i := 1; i < 8; i++ {
		for b, crc := range t[i-1] {
			t[i][b] = t[0][byte(crc)] ^ crc>>8
		}
	}
	return t
})

// timesX multiplies a reflected polynomial by x modulo the checksum's.
func timesX(v uint64) uint64 {
	if v&1 != 0 {
		return v>>1 ^ poly
	}
	return v >> 1
}

// Update returns the checksum of what crc is that of, and p behind it.
func Update(crc uint64, p []byte) uint64 {
	crc, p = foldFront(crc, p)
	return portable(crc, p)
}

// portable takes eight bytes a step.
func portable(crc uint64, p []byte) uint64 {
	if len(p) == 0 {
		return crc
	}
	t := tables()
	for ; len(p) >= 8; p = p[8:] {
		crc ^= binary.LittleEndian.Uint64(p)
		crc = t[7][byte(crc)] ^ t[6][byte(crc>>8)] ^ t[5][byte(crc>>16)] ^ t[4][byte(crc>>24)] ^
			t[3][byte(crc>>32)] ^ t[2][byte(crc>>40)] ^ t[1][byte(crc>>48)] ^ t[0][crc>>56]
	}
	for _, b := range p {
		crc = t[0][byte(crc)^b] ^ crc>>8
	}
	return crc
}
