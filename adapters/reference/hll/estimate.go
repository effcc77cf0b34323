package hll

import "math"

// zerosMost is the longest run of zeros that a hash can have, with the one behind it: less one.
const zerosMost = 64 - precision

// alpha is 0.5/ln 2.
const alpha = 0.721347520444481703680

// A histogram counts registers by their value.
type histogram [64]int

// Count returns the estimate of a value. It fails if that is corrupt.
func Count(b []byte) (n uint64, ok bool) {
	if Dense(b) {
		return Of(b).Count(), true
	}
	var h histogram
	sum := 0
	for p := b[head:]; len(p) > 0; {
		o := decode(p)
		h[o.value] += o.n
		sum += o.n
		p = p[o.bytes:]
	}
	if sum != registers {
		return 0, false
	}
	return h.estimate(), true
}

// Count returns the estimate of registers.
func (r *Registers) Count() uint64 {
	var h, h1, h2, h3 histogram // most registers are of a few values: one counter would wait for itself
	for i := 0; i < len(r); i += 4 {
		h[r[i]&63]++
		h1[r[i+1]&63]++
		h2[r[i+2]&63]++
		h3[r[i+3]&63]++
	}
	for v := range h {
		h[v] += h1[v] + h2[v] + h3[v]
	}
	return h.estimate()
}

// estimate is that of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", arXiv:1702.01284. Products are
// rounded before they are added, as the C code does it: a machine that fuses the two would have other last digits.
func (h *histogram) estimate() uint64 {
	const m = registers
	z := m * tau((m-float64(h[zerosMost+1]))/m)
	for i := zerosMost; i >= 1; i-- {
		z += float64(h[i])
		z *= 0.5
	}
	z += float64(m * sigma(float64(h[0])/m))
	return uint64(math.Round(alpha * m * m / z))
}

func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for {
		x *= x
		before := z
		z += float64(x * y)
		y += y
		if z == before {
			return z
		}
	}
}

func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for {
		x = math.Sqrt(x)
		before := z
		y *= 0.5
		z -= float64(float64((1-x)*(1-x)) * y)
		if z == before {
			return z / 3
		}
	}
}
