package sketch

import (
	"math/bits"

	"github.com/kvtool/kvtool/internal/saved"
)

// A Wide is an unsigned number of 128 bits: a sum that is exact has no order.
type Wide struct{ hi, lo uint64 }

// AddSquare adds the square of x; a negative one counts as 0.
func (w *Wide) AddSquare(x int64) {
	hi, lo := bits.Mul64(uint64(max(0, x)), uint64(max(0, x)))
	w.Add(Wide{hi, lo})
}

// Add adds o. A sum that needs more than 128 bits begins at 0 again.
func (w *Wide) Add(o Wide) {
	var carry uint64
	w.lo, carry = bits.Add64(w.lo, o.lo, 0)
	w.hi, _ = bits.Add64(w.hi, o.hi, carry)
}

// Form writes or reads w.
func (w *Wide) Form(f *saved.Form) { saved.Uint(f, &w.hi, &w.lo) }

// Float returns the number nearest to w.
func (w Wide) Float() float64 { return float64(w.hi)*(1<<64) + float64(w.lo) }
