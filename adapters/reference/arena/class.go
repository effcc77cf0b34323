package arena

import "math/bits"

// Size classes: multiples of 8 up to 64, then four for each doubling, up to 2 KiB.
//
//	8 16 24 32 40 48 56 64 │ 80 96 112 128 │ 160 192 224 256 │ … │ 1280 1536 1792 2048
const classes = 8 + 4*5

// classBytes are the sizes of the classes.
var classBytes = sizes()

func sizes() (s [classes]int) {
	for i := range s {
		if i < 8 {
			s[i] = 8 * (i + 1)
			continue
		}
		step := 16 << ((i - 8) / 4)
		s[i] = 4*step + step*((i-8)%4+1)
	}
	return s
}

// classOf returns the smallest class of at least n bytes, 0 <= n <= maxSmall.
func classOf(n int) uint8 {
	switch {
	case n <= 8:
		return 0
	case n <= 64:
		return uint8((n - 1) / 8)
	}
	shift := bits.Len(uint(n-1)) - 3 // of the step between classes
	return uint8(8 + 4*(shift-4) + (n-1)>>shift - 4)
}

// capacities are the numbers of blocks of a slab.
var capacities = func() (n [classes]int) {
	for i := range n {
		n[i] = slabBytes / classBytes[i]
	}
	return n
}()

func capacity(class uint8) int { return capacities[class] }

// Rounded returns the length of the block that Alloc returns for n bytes.
func Rounded(n int) int {
	if n > maxSmall {
		return pagesFor(n) * pageBytes
	}
	return classBytes[classOf(n)]
}
