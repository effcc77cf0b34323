package dict

import (
	"math/rand/v2"
	"testing"
)

// TestRandom: every ref comes about as often as any other, in a table that grows too, and in the chains of one bucket.
func TestRandom(t *testing.T) {
	for name, hash := range map[string]func(uint32) uint64{"spread": spread, "narrow": narrow} {
		for _, n := range []uint32{1, 7, 25, 26, 60, 150, 500} {
			d, r := New(hash), rand.New(rand.NewPCG(1, uint64(n)))
			for ref := uint32(1); ref <= n; ref++ {
				d.Add(hash(ref), ref)
			}
			const each = 400
			count := make([]int, n+1)
			for range each * n {
				count[d.Random(r)]++
			}
			for ref := uint32(1); ref <= n; ref++ {
				if c := count[ref]; n > 1 && (c < each-110 || c > each+110) { // more than five standard deviations
					t.Errorf("%s, %d refs: %d came %d times, want about %d", name, n, ref, c, each)
				}
			}
			if count[0] > 0 {
				t.Errorf("%s, %d refs: 0 came %d times", name, n, count[0])
			}
		}
	}
	if ref := New(spread).Random(rand.New(rand.NewPCG(1, 1))); ref != 0 {
		t.Errorf("of none: %d", ref)
	}
}
