package zset

import (
	"fmt"
	"testing"

	"github.com/kvtool/kvtool/adapters/reference/arena"
)

// Warming is for any members, of a set of any size and with any scores, and allocates nothing.
func TestWarm(t *testing.T) {
	for _, size := range []int{0, 1, 20, 5000} {
		s := New(arena.New(arena.Limit))
		var members [][]byte
		for i := range 2 * size {
			member := fmt.Appendf(nil, "member:%d", i)
			members = append(members, member)
			if i < size {
				s.Add(member, float64(i%7))
			}
		}
		if n := testing.AllocsPerRun(1, func() { s.Warm(members) }); n != 0 {
			t.Errorf("%d members: %g allocations", size, n)
		}
		rank, ok := s.Rank([]byte("member:0"))
		if ok != (size > 0) || rank != 0 || s.Len() != size {
			t.Errorf("%d members: afterwards member:0 has rank %d, %v, of %d", size, rank, ok, s.Len())
		}
	}
}
