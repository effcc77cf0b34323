package slot

import (
	"math/rand/v2"
	"testing"
)

// TestSet holds a set against a map.
func TestSet(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		var a, b Set
		inA, inB := map[uint16]bool{}, map[uint16]bool{}
		for range rng.IntN(20) {
			fill(rng, &a, inA)
			fill(rng, &b, inB)
		}
		and, or, without := a.And(b), a.Or(b), a.Without(b)
		n := 0
		for s := range uint16(Count) {
			if a.Has(s) != inA[s] || and.Has(s) != (inA[s] && inB[s]) || or.Has(s) != (inA[s] || inB[s]) || without.Has(s) != (inA[s] && !inB[s]) {
				t.Fatalf("slot %d of %s and %s", s, &a, &b)
			}
			if inA[s] {
				n++
			}
		}
		if a.Len() != n || a.Empty() != (n == 0) {
			t.Errorf("%s: %d slots, want %d", &a, a.Len(), n)
		}
		again, err := ParseSet(a.String())
		if err != nil || again != a {
			t.Errorf("%s is read as %s, %v", &a, &again, err)
		}
		each := 0
		a.Each(func(s uint16) {
			each++
			if !inA[s] {
				t.Errorf("%d is not in the set", s)
			}
		})
		if each != n {
			t.Errorf("each of %d slots, want %d", each, n)
		}
	}
}

func fill(rng *rand.Rand, s *Set, in map[uint16]bool) {
	low := rng.IntN(Count)
	high := low + rng.IntN(200)
	s.Add(low, high)
	for n := low; n <= high && n < Count; n++ {
		in[uint16(n)] = true
	}
}

func TestSetText(t *testing.T) {
	for _, text := range []string{"", "0", "16383", "0-16383", "0-5460,5462,7000-7001"} {
		s, err := ParseSet(text)
		if err != nil || s.String() != text {
			t.Errorf("%q is read as %q, %v", text, s.String(), err)
		}
	}
	for _, text := range []string{"x", "-", "1-", "-1", "5-1", "16384", "0-16384", "0,", "1 - 2", "99999999999999999999"} {
		if s, err := ParseSet(text); err == nil {
			t.Errorf("%q is read as %q", text, s.String())
		}
	}
}

func FuzzParseSet(f *testing.F) {
	f.Add("0-5460,5462")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSet(text)
		if err != nil {
			return
		}
		if again, err := ParseSet(s.String()); err != nil || again != s {
			t.Errorf("%q is %q, and that is %q, %v", text, s.String(), again.String(), err)
		}
	})
}
