package table

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/adapters/reference/arena"
	"github.com/kvtool/kvtool/internal/memory"
)

func content(t *Table) map[string]string {
	all := map[string]string{}
	for key, value := range t.All() {
		all[string(key)] = string(value)
	}
	return all
}

// check holds a Table to a map: its content, by every way to it, and the sum of its elements.
func check(t *rapid.T, tab *Table, model map[string]string, m *memory.Model) {
	got := content(tab)
	sum := int64(0)
	for key, want := range model {
		value, ok := tab.Get([]byte(key))
		if !ok || string(value) != want || got[key] != want || !tab.Has([]byte(key)) {
			t.Fatalf("%q has %q, %v, in a walk %q; want %q", key, value, ok, got[key], want)
		}
		sum += m.SDS(int64(len(key)))
		if tab.valued {
			sum += m.SDS(int64(len(want)))
		}
	}
	if len(got) != len(model) || tab.Len() != len(model) || tab.elements != sum {
		t.Fatalf("%d keys, in a walk %d, elements of %d bytes; want %d, %d bytes", tab.Len(), len(got), tab.elements, len(model), sum)
	}
	if again := tab.Size(memory.New(memory.Profile{})); tab.Size(m) != again {
		t.Fatalf("%d bytes are kept, %d counted", tab.Size(m), again)
	}
}

// TestAgainstMap runs random histories against a map. What is released leaves nothing in the arena.
func TestAgainstMap(t *testing.T) {
	m := memory.New(memory.Profile{})
	rapid.Check(t, func(t *rapid.T) {
		heap, valued := arena.New(arena.Limit), rapid.Bool().Draw(t, "valued")
		tab, model := newTable(heap, m, valued), map[string]string{}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		lengths := []int{0, 1, 5, 6, 7, 8, 100, 126, 127, 128, 129, 2000, 16_383, 16_384, 70_000}
		key := func() []byte { return fmt.Appendf(nil, "%d%s", r.IntN(600), strings.Repeat("k", lengths[r.IntN(9)])) }
		for range rapid.IntRange(1, 6).Draw(t, "rounds") {
			setting := r.IntN(100)
			for range r.IntN(1000) {
				k, v := key(), strings.Repeat(string(rune('a'+r.IntN(26))), lengths[r.IntN(8)+r.IntN(8)])
				if !valued {
					v = ""
				}
				_, had := model[string(k)]
				if r.IntN(100) < setting {
					if added, ok := tab.Set(k, []byte(v)); !ok || added == had {
						t.Fatalf("set: added %v, %v, had it: %v", added, ok, had)
					}
					model[string(k)] = v
				} else if delete(model, string(k)); tab.Delete(k) != had {
					t.Fatalf("delete of %q, which was there: %v", k, had)
				}
			}
			check(t, tab, model, m)
		}
		other := arena.New(arena.Limit)
		c, ok := tab.Clone(other)
		tab.Release()
		if !ok || heap.Live() != 0 {
			t.Fatalf("cloned: %v, %d bytes left of what was released", ok, heap.Live())
		}
		check(t, c, model, m)
	})
}

// TestFull: what does not fit changes nothing, and a clone that does not fit leaves nothing.
func TestFull(t *testing.T) {
	heap, m := arena.New(1<<20), memory.New(memory.Profile{})
	tab := New(heap, m)
	value := make([]byte, 9000)
	n := 0
	for ok := true; ok; n++ {
		_, ok = tab.Set(fmt.Append(nil, n), value)
	}
	if _, ok := tab.Set([]byte("0"), append(value, value...)); ok || tab.Len() != n-1 || len(content(tab)["0"]) != 9000 {
		t.Errorf("%d of %d keys", tab.Len(), n-1)
	}
	for i := range 8 {
		tab.Delete(fmt.Append(nil, 1+i))
	}
	if _, ok := tab.Set([]byte("0"), append(value, value...)); !ok || len(content(tab)["0"]) != 18_000 {
		t.Error("no room after eight were deleted")
	}
	small := arena.New(300_000)
	live := small.Live()
	if _, ok := tab.Clone(small); ok || small.Live() != live {
		t.Errorf("%d bytes live of a clone that does not fit", small.Live())
	}
}

// TestScan: what is there all the time is seen, while others come and go.
func TestScan(t *testing.T) {
	heap, m := arena.New(arena.Limit), memory.New(memory.Profile{})
	tab := NewKeys(heap, m)
	const stay = 3000
	for i := range stay {
		tab.Set(fmt.Appendf(nil, "stay:%d", i), nil)
	}
	seen, calls := map[string]bool{}, 0
	for cursor, more := uint64(0), true; more; more = cursor != 0 {
		cursor = tab.Scan(cursor, func(key, _ []byte) { seen[string(key)] = true })
		for i := range 20 {
			if calls < 400 {
				tab.Set(fmt.Appendf(nil, "other:%d:%d", calls, i), nil)
			} else {
				tab.Delete(fmt.Appendf(nil, "other:%d:%d", calls-400, i))
			}
		}
		calls++
	}
	for i := range stay {
		if key := fmt.Sprintf("stay:%d", i); !seen[key] {
			t.Fatalf("%s was never seen in %d calls", key, calls)
		}
	}
}

func TestRandom(t *testing.T) {
	heap, m := arena.New(arena.Limit), memory.New(memory.Profile{})
	tab, r := New(heap, m), rand.New(rand.NewPCG(1, 1))
	const n, each = 300, 200
	for i := range n {
		tab.Set(fmt.Append(nil, i), fmt.Append(nil, -i))
	}
	count := map[string]int{}
	for range each * n {
		key, value := tab.Random(r)
		if string(key) != "0" && "-"+string(key) != string(value) {
			t.Fatalf("%q has %q", key, value)
		}
		count[string(key)]++
	}
	for i := range n {
		if c := count[fmt.Sprint(i)]; c < each-80 || c > each+80 {
			t.Errorf("%d came %d times, want about %d", i, c, each)
		}
	}
}

// BenchmarkSet is HSET's path: new values of the same length for fields of a large hash.
func BenchmarkSet(b *testing.B) {
	for _, n := range []int{1000, 1_000_000} {
		heap, m := arena.New(arena.Limit), memory.New(memory.Profile{})
		tab, r := New(heap, m), rand.New(rand.NewPCG(1, 1))
		key, value := make([]byte, 0, 32), []byte("xxx")
		for i := range n {
			tab.Set(fmt.Appendf(key, "element:%012d", i), value)
		}
		keys := make([][]byte, 1<<12)
		for i := range keys {
			keys[i] = fmt.Appendf(nil, "element:%012d", r.IntN(n))
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				tab.Set(keys[i%len(keys)], value)
			}
		})
	}
}
