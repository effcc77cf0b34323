package dict

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/internal/evict"
)

// spread makes a hash of a ref; a narrow one so that chains get long.
func spread(ref uint32) uint64 {
	h := uint64(ref) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}

func narrow(ref uint32) uint64 { return spread(ref % 37) }

func (d *Dict) lookUp(hash uint64, want uint32) bool {
	for p := d.Probe(hash); ; {
		switch p.Next() {
		case 0:
			return false
		case want:
			return true
		}
	}
}

// check holds a Dict to what should be in it.
func check(t *rapid.T, d *Dict, model map[uint32]bool, highest uint32) {
	if d.Len() != len(model) {
		t.Fatalf("%d refs, want %d", d.Len(), len(model))
	}
	for ref := uint32(1); ref <= highest; ref++ {
		if got := d.lookUp(d.hash(ref), ref); got != model[ref] {
			t.Fatalf("ref %d found: %v", ref, got)
		}
	}
	seen := map[uint32]bool{}
	for _, ref := range all(d) {
		if seen[ref] && !d.growing() || !model[ref] {
			t.Fatalf("ref %d in a scan, twice: %v, there: %v", ref, seen[ref], model[ref])
		}
		seen[ref] = true
	}
	if len(seen) != len(model) {
		t.Fatalf("a scan found %d of %d", len(seen), len(model))
	}
}

func all(d *Dict) (refs []uint32) {
	for cursor, first := uint64(0), true; first || cursor != 0; first = false {
		refs, cursor = d.Scan(refs, cursor)
	}
	return refs
}

// TestAgainstModel runs random histories, with hashes that are good and with some that many refs share.
func TestAgainstModel(t *testing.T) {
	for name, hash := range map[string]func(uint32) uint64{"spread": spread, "narrow": narrow} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				d, model := New(hash), map[uint32]bool{}
				r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
				const highest = 2000
				for range rapid.IntRange(1, 8).Draw(t, "rounds") {
					adding := r.IntN(100)
					for range r.IntN(3000) {
						ref := 1 + r.Uint32N(highest)
						switch {
						case !model[ref] && r.IntN(100) < adding:
							d.Add(hash(ref), ref)
							model[ref] = true
						case model[ref] && r.IntN(100) >= adding:
							if !d.Remove(hash(ref), ref) {
								t.Fatalf("ref %d is not there", ref)
							}
							delete(model, ref)
						case !model[ref] && d.Remove(hash(ref), ref):
							t.Fatalf("ref %d removed, and was not there", ref)
						}
					}
					check(t, d, model, highest)
				}
				for ref := range model {
					d.Remove(hash(ref), ref)
				}
				for d.Step(100) {
				}
				if d.Len() != 0 || len(d.tables[0].groups) > 1<<minBits || d.spare != len(d.kids)-1 {
					t.Fatalf("%d refs, %d groups and %d of %d children are left", d.Len(), len(d.tables[0].groups), len(d.kids)-1-d.spare, len(d.kids)-1)
				}
			})
		})
	}
}

func TestReplace(t *testing.T) {
	same := func(uint32) uint64 { return 42 }
	d := New(same)
	for ref := uint32(1); ref <= 30; ref++ {
		d.Add(42, ref)
	}
	if !d.Replace(42, 17, 1000) || d.Replace(42, 17, 1001) || !d.lookUp(42, 1000) || d.lookUp(42, 17) {
		t.Error("17 should be 1000 now, once")
	}
}

// TestScanGuarantee: a ref that is there from the first call of a scan to the last is seen, while others come and go and the
// table grows and shrinks.
func TestScanGuarantee(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		d := New(spread)
		stay := 1 + r.Uint32N(3000)
		for ref := uint32(1); ref <= stay; ref++ {
			d.Add(spread(ref), ref)
		}
		next, others := stay+1, []uint32{}
		seen := map[uint32]bool{}
		adding := r.IntN(2) == 0
		var refs []uint32
		for cursor, first := uint64(0), true; first || cursor != 0; first = false {
			refs, cursor = d.Scan(refs[:0], cursor)
			for _, ref := range refs {
				seen[ref] = true
			}
			for range r.IntN(40) {
				if adding {
					d.Add(spread(next), next)
					others = append(others, next)
					next++
				} else if n := len(others); n > 0 {
					d.Remove(spread(others[n-1]), others[n-1])
					others = others[:n-1]
				}
			}
			if r.IntN(200) == 0 {
				adding = !adding
			}
		}
		for ref := uint32(1); ref <= stay; ref++ {
			if !seen[ref] {
				t.Fatalf("ref %d of %d was never seen", ref, stay)
			}
		}
	})
}

// TestSample: every ref has a chance, also while the table grows, and the buckets shown to who samples hold each ref once.
func TestSample(t *testing.T) {
	for _, n := range []uint32{1, 5, 40, 100, 1000} {
		d, r := New(spread), rand.New(rand.NewPCG(1, uint64(n)))
		for ref := uint32(1); ref <= n; ref++ {
			d.Add(spread(ref), ref)
		}
		if got := buckets(d); len(got) != int(n) {
			t.Errorf("the buckets hold %d refs of %d", len(got), n)
		}
		run, anyone := map[evict.Ref]int{}, map[evict.Ref]int{}
		for range 100 * n {
			for _, ref := range evict.Run(nil, d, 5, r) {
				run[ref]++
			}
			anyone[evict.Any(nil, d, r)]++
		}
		for ref := evict.Ref(1); ref <= evict.Ref(n); ref++ {
			if run[ref] < 20 || anyone[ref] < 5 {
				t.Errorf("%d refs: %d was in %d runs and drawn %d times", n, ref, run[ref], anyone[ref])
			}
		}
	}
}

// buckets returns the refs of all buckets, or nil if one is there twice.
func buckets(d *Dict) map[evict.Ref]bool {
	seen := map[evict.Ref]bool{}
	for table := range 2 {
		for i := range d.Size(table) {
			for _, ref := range d.Bucket(nil, table, i) {
				if seen[ref] {
					return nil
				}
				seen[ref] = true
			}
		}
	}
	return seen
}

func BenchmarkDict(b *testing.B) {
	for _, n := range []uint32{1 << 10, 1 << 20} {
		d := New(spread)
		for ref := uint32(1); ref <= n; ref++ {
			d.Add(spread(ref), ref)
		}
		r := rand.New(rand.NewPCG(1, 1))
		b.Run(fmt.Sprint("find/", n), func(b *testing.B) {
			for b.Loop() {
				ref := 1 + r.Uint32N(n)
				if !d.lookUp(spread(ref), ref) {
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
