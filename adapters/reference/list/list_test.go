package list

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/adapters/reference/arena"
	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/internal/memory"
)

// A pair is a List and the naive model of it.
type pair struct {
	l     *List
	model []string
	heap  *arena.Arena
	m     *memory.Model
	r     *rand.Rand
}

func (h *pair) elem() string {
	switch h.r.IntN(6) {
	case 0:
		return strconv.Itoa(h.r.IntN(3) * 1000)
	case 1:
		return strings.Repeat("x", h.r.IntN(200))
	case 2:
		return strings.Repeat("y", 60+h.r.IntN(10))
	case 3:
		return strings.Repeat("z", h.r.IntN(9000))
	default:
		return string(rune('a' + h.r.IntN(4)))
	}
}

// check holds the List to its model, and its chunks to their laws: none is empty, and the sums are those of what is there.
func (h *pair) check(t *rapid.T) {
	l := h.l
	if got := strs(l.Range(0, l.Len(), false)); !slices.Equal(got, h.model) || l.Len() != len(h.model) {
		t.Fatalf("%d elements, want %d:\n%.300q\n%.300q", l.Len(), len(h.model), got, h.model)
	}
	bytes, live, n := int64(0), int64(0), 0
	for i := range l.Nodes() {
		nd := l.nodes.at(i)
		p := l.Node(i)
		if p.Len() != int(nd.count) || nd.count == 0 || nd.used > nd.size {
			t.Fatalf("chunk %d has %d elements in %d of %d bytes, and says %d", i, p.Len(), nd.used, nd.size, nd.count)
		}
		bytes += h.m.QuicklistNode(int64(p.Size()))
		live += int64(arena.Rounded(int(nd.size)))
		n += p.Len()
	}
	if l.Bytes() != bytes || h.heap.Live() != live || n != l.Len() {
		t.Fatalf("%d modelled bytes, want %d; %d live, want %d", l.Bytes(), bytes, h.heap.Live(), live)
	}
}

func strs(elems func(func([]byte) bool)) []string {
	all := []string{}
	for s := range elems {
		all = append(all, string(s))
	}
	return all
}

// step does one random thing to both.
func (h *pair) step(t *rapid.T) {
	l, n, s := h.l, len(h.model), h.elem()
	switch op := h.r.IntN(11); {
	case op < 2:
		l.Push([]byte(s), true)
		h.model = slices.Insert(h.model, 0, s)
	case op < 4:
		l.Push([]byte(s), false)
		h.model = append(h.model, s)
	case n == 0:
	case op == 4:
		front := h.r.IntN(2) == 0
		i := n - 1
		if front {
			i = 0
		}
		if got := string(l.Pop(nil, front)); got != h.model[i] {
			t.Fatalf("popped %.50q, want %.50q", got, h.model[i])
		}
		h.model = slices.Delete(h.model, i, i+1)
	case op == 5:
		i := h.r.IntN(n)
		l.Set(i, []byte(s))
		h.model[i] = s
	case op < 8:
		h.insert(t, h.model[h.r.IntN(n)], s)
	case op == 8:
		i := h.r.IntN(n)
		k := h.r.IntN(min(n-i, 1+n/4) + 1)
		l.Delete(i, k)
		h.model = slices.Delete(h.model, i, i+k)
	case op == 9:
		h.remove(t, h.elem(), h.r.IntN(9)-4)
	default:
		h.read(t, h.elem())
	}
}

func (h *pair) insert(t *rapid.T, pivot, s string) {
	i, after := slices.Index(h.model, pivot), h.r.IntN(2) == 0
	if found, ok := h.l.Insert([]byte(pivot), []byte(s), after); !found || !ok {
		t.Fatalf("next to %.50q: %v, %v", pivot, found, ok)
	}
	if after {
		i++
	}
	h.model = slices.Insert(h.model, i, s)
	if found, _ := h.l.Insert([]byte("absent"), []byte(s), after); found {
		t.Fatal("inserted next to nothing")
	}
}

func (h *pair) remove(t *rapid.T, s string, n int) {
	removed, most := 0, n
	if n <= 0 {
		most = max(-n, len(h.model)*(1-min(1, -n)))
	}
	for removed < most {
		i := slices.Index(h.model, s)
		if n < 0 {
			for i = len(h.model) - 1; i >= 0 && h.model[i] != s; i-- {
			}
		}
		if i < 0 {
			break
		}
		h.model = slices.Delete(h.model, i, i+1)
		removed++
	}
	if got := h.l.Remove([]byte(s), n); got != removed {
		t.Fatalf("removed %d of %d %.50q, want %d", got, n, s, removed)
	}
}

func (h *pair) read(t *rapid.T, s string) {
	n := len(h.model)
	lo := h.r.IntN(n)
	hi := lo + h.r.IntN(n-lo+1)
	back := slices.Clone(h.model[lo:hi])
	slices.Reverse(back)
	if got := strs(h.l.Range(lo, hi, false)); !slices.Equal(got, h.model[lo:hi]) {
		t.Fatalf("%d to %d: %.200q", lo, hi, got)
	}
	if got := strs(h.l.Range(lo, hi, true)); !slices.Equal(got, back) {
		t.Fatalf("%d to %d, from the end: %.200q", lo, hi, got)
	}
	var buf [packed.IntBytes]byte
	if got := string(h.l.Index(lo, buf[:])); got != h.model[lo] {
		t.Fatalf("element %d is %.50q, want %.50q", lo, got, h.model[lo])
	}
	for _, reverse := range []bool{false, true} {
		var want []int
		for i := range hi {
			if reverse && h.model[n-1-i] == s || !reverse && h.model[i] == s {
				want = append(want, i)
			}
		}
		if got := slices.Collect(h.l.Matches([]byte(s), hi, reverse)); !slices.Equal(got, want) {
			t.Fatalf("%.50q among %d of %d is at %v, want %v", s, hi, n, got, want)
		}
	}
}

// TestAgainstSlice runs random histories against a slice of strings, for limits of every kind.
func TestAgainstSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		heap, m := arena.New(arena.Limit), memory.New(memory.Profile{})
		fill := rapid.SampledFrom([]int{-2, -1, -5, -9, 0, 1, 2, 3, 5, 100, 40_000}).Draw(t, "fill")
		h := &pair{New(heap, m, fill), []string{}, heap, m, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))}
		for range rapid.IntRange(1, 8).Draw(t, "rounds") {
			for range h.r.IntN(60) {
				h.step(t)
			}
			h.check(t)
		}
		other := arena.New(arena.Limit)
		c, ok := h.l.Clone(other)
		h.l.Release()
		if !ok || heap.Live() != 0 {
			t.Fatalf("cloned: %v; %d bytes left of what was released", ok, heap.Live())
		}
		h.l, h.heap = c, other
		h.check(t)
	})
}

// TestFull: what does not fit changes nothing.
func TestFull(t *testing.T) {
	heap, m := arena.New(1<<20), memory.New(memory.Profile{})
	l := New(heap, m, 4)
	long := []byte(strings.Repeat("x", 3000))
	for l.Push(long, false) {
	}
	want, n := strs(l.Range(0, l.Len(), false)), l.Len()
	huge := []byte(strings.Repeat("y", 60_000))
	_, inserted := l.Insert(long, huge, true)
	if l.Push(huge, true) || l.Set(3, huge) || inserted {
		t.Error("60000 bytes fit")
	}
	if got := strs(l.Range(0, l.Len(), false)); !slices.Equal(got, want) || l.Len() != n {
		t.Errorf("%d elements of %d, or others", l.Len(), n)
	}
	if _, ok := l.Clone(heap); ok {
		t.Error("a clone fits")
	}
	l.Release()
	if heap.Live() != 0 {
		t.Errorf("%d bytes are left", heap.Live())
	}
}

// TestManyChunks: with a chunk an element, no step is as slow as the list is long more often than it must be.
func TestManyChunks(t *testing.T) {
	heap, m := arena.New(arena.Limit), memory.New(memory.Profile{})
	l := New(heap, m, 1)
	const n = 200_000
	for i := range n {
		l.Push(fmt.Append(nil, i%2), i%4 < 2)
	}
	if got := l.Remove([]byte("1"), 0); got != n/2 {
		t.Errorf("removed %d of %d", got, n/2)
	}
	for l.Len() > 0 {
		if s := l.Pop(nil, l.Len()%3 == 0); string(s) != "0" {
			t.Fatalf("%q is left", s)
		}
	}
	if heap.Live() != 0 || cap(l.nodes.all) > 32 {
		t.Errorf("%d bytes and room for %d chunks are left", heap.Live(), cap(l.nodes.all))
	}
}

func BenchmarkList(b *testing.B) {
	heap, m := arena.New(arena.Limit), memory.New(memory.Profile{})
	l := New(heap, m, -2)
	for _, front := range []bool{true, false} {
		b.Run(fmt.Sprint("push/", front), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.Push([]byte("xxx"), front)
			}
		})
	}
	b.Run("index", func(b *testing.B) {
		b.ReportAllocs()
		var buf [packed.IntBytes]byte
		for i := 0; b.Loop(); i = (i + 7919) % l.Len() {
			l.Index(i, buf[:])
		}
	})
	b.Run("range100", func(b *testing.B) {
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			for s := range l.Range(0, 100, false) {
				n += len(s)
			}
		}
	})
	b.Run("pop", func(b *testing.B) {
		b.ReportAllocs()
		var buf [packed.IntBytes]byte
		for b.Loop() {
			if l.Len() > 0 {
				l.Pop(buf[:0], true)
			}
		}
	})
}
