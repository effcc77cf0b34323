package crc64

import "golang.org/x/sys/cpu"

// foldBlock is what fold takes in one step.
const foldBlock = 128

// fold folds n bytes at p, a positive multiple of foldBlock, into 16 bytes that have the same checksum.
//
//go:noescape
func fold(p *byte, n int, crc uint64, out *[16]byte)

// foldFront takes the front of p into crc with carry-less multiplication and returns what is left of p. Below a few blocks
// the table is as fast.
func foldFront(crc uint64, p []byte) (uint64, []byte) {
	n := len(p) &^ (foldBlock - 1)
	if n < 2*foldBlock || !cpu.X86.HasPCLMULQDQ {
		return crc, p
	}
	var out [16]byte
	fold(&p[0], n, crc, &out)
	return portable(0, out[:]), p[n:]
}
