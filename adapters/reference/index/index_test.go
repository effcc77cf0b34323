package index

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// spread makes a hash of a ref; a narrow one so that chains get long.
func spread(ref uint32) uint64 {
	h := uint64(ref) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}

func narrow(ref uint32) uint64 { return spread(ref % 37) }

func (x *Index) lookUp(hash uint64, want uint32) bool {
	for p := x.Probe(hash); ; {
		switch p.Next() {
		case 0:
			return false
		case want:
			return true
		}
	}
}

// check holds an Index to what should be in it.
func check(t *rapid.T, x *Index, model map[uint32]bool, highest uint32) {
	if x.Len() != len(model) {
		t.Fatalf("%x refs, want %x", x.Len(), len(model))
	}
	for ref := uint32(1); ref <= highest; ref++ {
		if got := x.lookUp(x.hash(ref), ref); got != model[ref] {
			t.Fatalf("ref %x found: %v", ref, got)
		}
	}
	seen := map[uint32]bool{}
	for _, ref := range all(x) {
		if seen[ref] || !model[ref] {
			t.Fatalf("ref %x in the tables, twice: %v, there: %v", ref, seen[ref], model[ref])
		}
		seen[ref] = true
	}
	if len(seen) != len(model) {
		t.Fatalf("a scan found %x of %x", len(seen), len(model))
	}
}

// all returns what stands in the tables.
func all(x *Index) (refs []uint32) {
	for _, groups := range x.tables {
		for i := range groups {
			for g := &groups[i]; g != nil; g = x.kid(g) {
				for j := range places {
					if g.tags>>(8*j)&0xff > chain {
						refs = append(refs, g.refs[j])
					}
				}
			}
		}
	}
	return refs
}

// TestAgainstModel runs random histories, with hashes that are good and with some that many refs share.
func TestAgainstModel(t *testing.T) {
	for name, hash := range map[string]func(uint32) uint64{"spread": spread, "narrow": narrow} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				x, model := New(hash), map[uint32]bool{}
				r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
				const highest = 2000
				for range rapid.IntRange(1, 8).Draw(t, "rounds") {
					adding := r.IntN(100)
					for range r.IntN(3000) {
						ref := 1 + r.Uint32N(highest)
						switch {
						case !model[ref] && r.IntN(100) < adding:
							x.Add(hash(ref), ref)
							model[ref] = true
						case model[ref] && r.IntN(100) >= adding:
							if !x.Remove(hash(ref), ref) {
								t.Fatalf("ref %x is not there", ref)
							}
							delete(model, ref)
						case !model[ref] && x.Remove(hash(ref), ref):
							t.Fatalf("ref %x removed, and was not there", ref)
						}
					}
					check(t, x, model, highest)
				}
				for ref := range model {
					x.Remove(hash(ref), ref)
				}
				for x.growing() {
					x.step()
				}
				if x.Len() != 0 || len(x.tables[0]) > 1<<minBits || x.spare != len(x.kids)-1 {
					t.Fatalf("%x refs, %x groups and %x of %x children are left", x.Len(), len(x.tables[0]), len(x.kids)-1-x.spare, len(x.kids)-1)
				}
			})
		})
	}
}

func BenchmarkFind(b *testing.B) {
	for _, n := range []uint32{1 << 10, 1 << 20} {
		x := New(spread)
		for ref := uint32(1); ref <= n; ref++ {
			x.Add(spread(ref), ref)
		}
		r := rand.New(rand.NewPCG(1, 1))
		b.Run(fmt.Sprint("find/", n), func(b *testing.B) {
			for b.Loop() {
				ref := 1 + r.Uint32N(n)
				if !x.lookUp(spread(ref), ref) {
					b.Fatal(ref)
				}
			}
		})
		m := map[uint32]uint32{}
		for ref := uint32(1); ref <= n; ref++ {
			m[ref] = ref
		}
		b.Run(fmt.Sprint("map/", n), func(b *testing.B) {
			for b.Loop() {
				ref := 1 + r.Uint32N(n)
				if m[ref] != ref {
					b.Fatal(ref)
				}
			}
		})
	}
}
