package value_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/adapters/reference/value"
	"github.com/kvtool/kvtool/internal/memory"
)

var (
	theKey  = []byte("key")
	theHash = keyspace.Hash(theKey)
)

// newShard returns a shard with limits that are soon reached.
func newShard() *keyspace.Shard {
	return keyspace.New(keyspace.Options{
		Size:   value.Size,
		Limits: keyspace.Limits{HashEntries: 20, HashValue: 12, ListSize: 6, ZSetEntries: 20, ZSetValue: 12, SetInts: 20},
	})
}

// checkSize holds what is charged for a value against a walk over it: another Model of the same profile has it counted anew.
func checkSize(t *rapid.T, s *keyspace.Shard) {
	it := s.Find(0, theKey, theHash)
	if !it.OK() {
		if s.Dataset() != 0 || s.Heap().Live() != 0 {
			t.Fatalf("nothing is charged as %d bytes, and has %d", s.Dataset(), s.Heap().Live())
		}
		return
	}
	again := it.Size(memory.New(s.Model().Profile()))
	if got := it.Size(s.Model()); got != again || s.Dataset() != got {
		t.Fatalf("%s %s: charged %d, kept %d, counted %d", it.Type(), it.Encoding(), s.Dataset(), got, again)
	}
}

func text(r *rand.Rand, longest int) string {
	switch r.IntN(3) {
	case 0:
		return strconv.Itoa(r.IntN(1 << (1 + r.IntN(40))))
	case 1:
		return strings.Repeat("x", r.IntN(longest+1))
	}
	return string(rune('a' + r.IntN(26)))
}

// TestHash runs random histories of a hash against a map and the order of its fields, with its encoding: packed until it has more
// than 20 fields, or a string of more than 12 bytes.
func TestHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, r := newShard(), rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		model, order, packedStill := map[string]string{}, []string{}, true
		longest := 5 + r.IntN(10)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			h := value.OpenHash(s, s.Find(0, theKey, theHash))
			adding := r.IntN(3) > 0
			for range 1 + r.IntN(4) {
				f, v := text(r, longest), text(r, longest)
				_, had := model[f]
				if adding {
					if h.Set([]byte(f), []byte(v)) == had {
						t.Fatalf("set %q: new is %v", f, had)
					}
					if model[f] = v; !had {
						order = append(order, f)
					}
					packedStill = packedStill && len(f) <= 12 && len(v) <= 12 && len(model) <= 20
					continue
				}
				if h.Delete([]byte(f)) != had {
					t.Fatalf("delete %q: there was %v", f, had)
				}
				delete(model, f)
				order = slices.DeleteFunc(order, func(o string) bool { return o == f })
			}
			it, ok := h.Put(0, theKey, theHash)
			if packedStill = packedStill || len(model) == 0; !ok || it.OK() != (len(model) > 0) {
				t.Fatalf("put: %v, there is %v", ok, it.OK())
			}
			checkHash(t, s, r, model, order, packedStill)
		}
	})
}

func checkHash(t *rapid.T, s *keyspace.Shard, r *rand.Rand, model map[string]string, order []string, isPacked bool) {
	checkSize(t, s)
	h := value.OpenHash(s, s.Find(0, theKey, theHash))
	got := []string{}
	var buf [2 * packed.IntBytes]byte
	for f, v := range h.All() {
		got = append(got, string(f))
		if g, ok := h.Get(f, buf[:packed.IntBytes]); !ok || string(g) != string(v) || model[string(f)] != string(v) || !h.Has(f) {
			t.Fatalf("%q has %q in a walk, %q by name, %v; want %q", f, v, g, ok, model[string(f)])
		}
	}
	if !isPacked {
		slices.Sort(got)
		order = slices.Sorted(slices.Values(order))
	}
	if !slices.Equal(got, order) || h.Len() != len(order) || h.IsPacked() != isPacked || h.Has([]byte("absent")) {
		t.Fatalf("%d fields %q, packed %v; want %d %q, packed %v", h.Len(), got, h.IsPacked(), len(order), order, isPacked)
	}
	seen := map[string]bool{}
	for cursor, more := uint64(0), true; more; more = cursor != 0 {
		cursor = h.Scan(cursor, func(f, v []byte) { seen[string(f)] = model[string(f)] == string(v) })
	}
	for _, f := range order {
		if !seen[f] {
			t.Fatalf("a scan did not find %q", f)
		}
	}
	if len(order) > 0 {
		if f, v := h.Random(r, buf[:]); model[string(f)] != string(v) {
			t.Fatalf("a random field %q has %q, want %q", f, v, model[string(f)])
		}
	}
}

// TestHashInPlace: a counter that stays as long is written where it is.
func TestHashInPlace(t *testing.T) {
	s := newShard()
	h := value.OpenHash(s, keyspace.Item{})
	h.Set([]byte("n"), []byte("1000"))
	h.Set([]byte("other"), []byte("text"))
	if _, ok := h.Put(0, theKey, theHash); !ok {
		t.Fatal("no room")
	}
	n := []byte("1001")
	if allocs := testing.AllocsPerRun(100, func() {
		h := value.OpenHash(s, s.Find(0, theKey, theHash))
		h.Expect(theKey, n)
		h.Set(theKey[:1], n)
		h.Set([]byte("n"), n)
		h.Put(0, theKey, theHash)
	}); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// TestFull: a hash and a list that outgrow the arena say so, keep what they had, and leak nothing.
func TestFull(t *testing.T) {
	for _, kind := range []string{"hash", "list"} {
		s := keyspace.New(keyspace.Options{Size: value.Size, Heap: 2 << 20, Limits: keyspace.DefaultLimits()})
		n, long := 0, []byte(strings.Repeat("x", 5000))
		for ok := true; ok; n++ {
			it := s.Find(0, theKey, theHash)
			if kind == "hash" {
				h := value.OpenHash(s, it)
				h.Set(fmt.Append(nil, n), long)
				_, ok = h.Put(0, theKey, theHash)
			} else {
				l := value.OpenList(s, it)
				l.Push(long, n%2 == 0)
				_, ok = l.Put(0, theKey, theHash)
			}
		}
		it := s.Find(0, theKey, theHash)
		if n < 100 || it.Object().Len() != n-1 {
			t.Errorf("%s: %d elements after %d", kind, it.Object().Len(), n)
		}
		if s.Delete(it); s.Heap().Live() != 0 || s.Dataset() != 0 {
			t.Errorf("%s: %d bytes are left, %d are charged", kind, s.Heap().Live(), s.Dataset())
		}
	}
}
