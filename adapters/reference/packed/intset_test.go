package packed

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestIntsetAgainstMap runs random histories against a map, in a block of changing capacity.
func TestIntsetAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, model, wide := NewIntset(), map[int64]bool{}, 2
		numbers := rapid.OneOf(rapid.Int64Range(-5, 5), rapid.Int64Range(math.MinInt16-2, math.MinInt16+1),
			rapid.Int64Range(math.MaxInt32-1, math.MaxInt32+1), rapid.Int64())
		check := func(n int64, got bool) {
			if got != model[n] {
				t.Fatalf("%d was a member: %v", n, model[n])
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				n := numbers.Draw(t, "n")
				var added bool
				s, added = s.Add(n)
				check(n, !added)
				model[n] = true
				for wide < 8 && (n < -1<<(8*wide-1) || n >= 1<<(8*wide-1)) {
					wide *= 2
				}
			},
			"remove": func(t *rapid.T) {
				n := numbers.Draw(t, "n")
				var removed bool
				s, removed = s.Remove(n)
				check(n, removed)
				delete(model, n)
			},
			"move": func(t *rapid.T) { s = append(make(Intset, 0, len(s)+rapid.IntRange(0, 9).Draw(t, "room")), s...) },
			"": func(t *rapid.T) {
				if s.Len() != len(model) || s.Size() != 8+wide*len(model) {
					t.Fatalf("%d members in %d bytes, want %d of %d bytes", s.Len(), s.Size(), len(model), wide)
				}
				for i := range s.Len() {
					if n := s.At(i); !model[n] || !s.Has(n) || i > 0 && s.At(i-1) >= n {
						t.Fatalf("member %d out of place or not one", n)
					}
				}
			},
		})
	})
}
