package place

import (
	"encoding/binary"
	"math/bits"
)

// RIPEMD-160 (Dobbertin, Bosselaers, Preneel: RIPEMD-160, a strengthened version of RIPEMD, 1996): two lines of five rounds of
// sixteen steps each over a block, with these words, rotations and constants. It is here to find partitions, not to keep
// secrets.
var (
	leftWord = [80]uint8{
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
		7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8,
		3, 10, 14, 4, 9, 15, 8, 1, 2, 7, 0, 6, 13, 11, 5, 12,
		1, 9, 11, 10, 0, 8, 12, 4, 13, 3, 7, 15, 14, 5, 6, 2,
		4, 0, 5, 9, 7, 12, 2, 10, 14, 1, 3, 8, 11, 6, 15, 13,
	}
	rightWord = [80]uint8{
		5, 14, 7, 0, 9, 2, 11, 4, 13, 6, 15, 8, 1, 10, 3, 12,
		6, 11, 3, 7, 0, 13, 5, 10, 14, 15, 8, 12, 4, 9, 1, 2,
		15, 5, 1, 3, 7, 14, 6, 9, 11, 8, 12, 2, 10, 0, 4, 13,
		8, 6, 4, 1, 3, 11, 15, 0, 5, 12, 2, 13, 9, 7, 10, 14,
		12, 15, 10, 4, 1, 5, 8, 7, 6, 2, 13, 14, 0, 3, 9, 11,
	}
	leftTurn = [80]uint8{
		11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8,
		7, 6, 8, 13, 11, 9, 7, 15, 7, 12, 15, 9, 11, 7, 13, 12,
		11, 13, 6, 7, 14, 9, 13, 15, 14, 8, 13, 6, 5, 12, 7, 5,
		11, 12, 14, 15, 14, 15, 9, 8, 9, 14, 5, 6, 8, 6, 5, 12,
		9, 15, 5, 11, 6, 8, 13, 12, 5, 12, 13, 14, 11, 8, 5, 6,
	}
	rightTurn = [80]uint8{
		8, 9, 9, 11, 13, 15, 15, 5, 7, 7, 8, 11, 14, 14, 12, 6,
		9, 13, 15, 7, 12, 8, 9, 11, 7, 7, 12, 7, 6, 15, 13, 11,
		9, 7, 15, 11, 8, 6, 6, 14, 12, 13, 5, 14, 13, 13, 7, 5,
		15, 5, 8, 11, 14, 14, 6, 14, 6, 9, 12, 9, 12, 5, 15, 8,
		8, 5, 12, 9, 12, 5, 14, 6, 8, 13, 6, 5, 15, 13, 11, 11,
	}
	leftAdd  = [5]uint32{0, 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xa953fd4e}
	rightAdd = [5]uint32{0x50a28be6, 0x5c4dd124, 0x6d703ef3, 0x7a6d76e9, 0}
)

func ripemd160(msg []byte) (sum [20]byte) {
	state := [5]uint32{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}
	rest := msg
	for ; len(rest) >= 64; rest = rest[64:] {
		compress(&state, rest)
	}
	var last [128]byte
	n := copy(last[:], rest)
	last[n] = 0x80
	end := 64
	if n >= 56 {
		end = 128
	}
	binary.LittleEndian.PutUint64(last[end-8:], uint64(len(msg))*8)
	for b := last[:end]; len(b) > 0; b = b[64:] {
		compress(&state, b)
	}
	for i, w := range state {
		binary.LittleEndian.PutUint32(sum[4*i:], w)
	}
	return sum
}

func compress(state *[5]uint32, block []byte) {
	var x [16]uint32
	for i := range x {
		x[i] = binary.LittleEndian.Uint32(block[4*i:])
	}
	l, r := *state, *state
	for i := range 80 {
		round := i / 16
		step(&l, mix(round, l[1], l[2], l[3])+x[leftWord[i]]+leftAdd[round], int(leftTurn[i]))
		step(&r, mix(4-round, r[1], r[2], r[3])+x[rightWord[i]]+rightAdd[round], int(rightTurn[i]))
	}
	state[0], state[1], state[2], state[3], state[4] = state[1]+l[2]+r[3], state[2]+l[3]+r[4], state[3]+l[4]+r[0], state[4]+l[0]+r[1], state[0]+l[1]+r[2]
}

// step turns the five words of a line by one.
func step(w *[5]uint32, add uint32, turn int) {
	t := bits.RotateLeft32(w[0]+add, turn) + w[4]
	w[0], w[1], w[2], w[3], w[4] = w[4], t, w[1], bits.RotateLeft32(w[2], 10), w[3]
}

// mix is the function of a round of the left line; the right line has them in reverse order.
func mix(round int, x, y, z uint32) uint32 {
	switch round {
	case 0:
		return x ^ y ^ z
	case 1:
		return x&y | ^x&z
	case 2:
		return (x | ^y) ^ z
	case 3:
		return x&z | y&^z
	}
	return x ^ (y | ^z)
}
