#include "textflag.h"

// Folding by carry-less multiplication (Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ").
//
// A block of 128 bits that stands d bits before another adds to it as block * x^d. Its halves are multiplied apart, each
// with a power of x that was reduced modulo the checksum's polynomial:
//
//	low  (earlier bytes, higher powers)   x^(d+64-1)
//	high                                  x^(d-1)
//
// The -1 is because a product of two reflected numbers of 64 bits has 127 bits. Eight blocks go side by side (d = 1024),
// because one multiplication takes longer than it must wait for the next; at the end they are folded into one (d = 128).
// The constants are checked by TestFoldConstants.

DATA foldBy1024<>+0(SB)/8, $0xcc26fa7c57f8054c
DATA foldBy1024<>+8(SB)/8, $0x768361524d29ed0b
GLOBL foldBy1024<>(SB), RODATA|NOPTR, $16

DATA foldBy128<>+0(SB)/8, $0xd9d7be7d505da32c
DATA foldBy128<>+8(SB)/8, $0x381d0015c96f4444
GLOBL foldBy128<>(SB), RODATA|NOPTR, $16

// STEP folds lane over 1024 bits onto the block at off(SI).
#define STEP(lane, off) \
	MOVOA     lane, X10     \
	MOVOU     off(SI), X11  \
	PCLMULQDQ $0x00, X9, X10 \
	PCLMULQDQ $0x11, X9, lane \
	PXOR      X10, lane     \
	PXOR      X11, lane

// JOIN folds from over 128 bits onto to.
#define JOIN(from, to) \
	MOVOA     from, X10      \
	PCLMULQDQ $0x00, X9, X10 \
	PCLMULQDQ $0x11, X9, from \
	PXOR      X10, to        \
	PXOR      from, to

// func fold(p *byte, n int, crc uint64, out *[16]byte)
TEXT ·fold(SB), NOSPLIT, $0-32
	MOVQ  p+0(FP), SI
	MOVQ  n+8(FP), CX
	MOVQ  out+24(FP), DI
	MOVQ  crc+16(FP), X8
	MOVOU 0(SI), X0
	MOVOU 16(SI), X1
	MOVOU 32(SI), X2
	MOVOU 48(SI), X3
	MOVOU 64(SI), X4
	MOVOU 80(SI), X5
	MOVOU 96(SI), X6
	MOVOU 112(SI), X7
	PXOR  X8, X0
	MOVOU foldBy1024<>(SB), X9

loop:
	ADDQ $128, SI
	SUBQ $128, CX
	JLE  join
	STEP(X0, 0)
	STEP(X1, 16)
	STEP(X2, 32)
	STEP(X3, 48)
	STEP(X4, 64)
	STEP(X5, 80)
	STEP(X6, 96)
	STEP(X7, 112)
	JMP  loop

join:
	MOVOU foldBy128<>(SB), X9
	JOIN(X0, X1)
	JOIN(X1, X2)
	JOIN(X2, X3)
	JOIN(X3, X4)
	JOIN(X4, X5)
	JOIN(X5, X6)
	JOIN(X6, X7)
	MOVOU X7, (DI)
	RET
