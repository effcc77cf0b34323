package hll

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

// testElements is how many strings SelfTest shows a value: enough for a sparse one to become dense, and quick.
const testElements = 100_000

// SelfTest is PFSELFTEST: registers keep what they are given, a sparse value agrees with a dense one, and estimates are off by no
// more than six standard errors. It returns what went wrong, as a server says it.
func SelfTest(random *rand.Rand) error {
	regs := make([]byte, denseSize-head)
	var want Registers
	for i := range want {
		want[i] = uint8(random.IntN(64))
		raise(regs, i, want[i])
	}
	for i, v := range want {
		if got := register(regs, i); got != v {
			return fmt.Errorf("TESTFAILED Register %d should be %d but is %d", i, v, got)
		}
	}
	const standard = 1.04 / (1 << (precision / 2))
	some := New()
	full, _ := ToDense(some)
	seed, check := random.Uint64(), 1
	for n := 1; n <= testElements; n++ {
		var elem [8]byte
		binary.LittleEndian.PutUint64(elem[:], uint64(n)^seed)
		full, _, _ = Add(full, elem[:], Growth{})
		some, _, _ = Add(some, elem[:], Growth{Most: 3000})
		if n != check {
			continue
		}
		check *= 10
		estimate, _ := Count(full)
		if other, _ := Count(some); other != estimate {
			return errors.New("TESTFAILED dense/sparse disagree")
		}
		if off := math.Abs(float64(estimate) - float64(n)); off > math.Ceil(standard*6*float64(n)) {
			return fmt.Errorf("TESTFAILED Too big error. card:%d abserr:%d", n, int64(off))
		}
	}
	return nil
}
