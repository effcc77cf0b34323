package packed

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func strs(p Listpack) []string {
	var all []string
	var buf [IntBytes]byte
	for at := p.First(); at < p.End(); {
		elem, next := p.At(at, buf[:])
		if next != p.Next(at) || p.Prev(next) != at || !p.Is(at, elem) {
			panic("the ways to the next element disagree")
		}
		all = append(all, string(elem))
		at = next
	}
	return all
}

// TestListpackAgainstSlice runs random histories against a slice of strings, in blocks that have room and in some that have not.
func TestListpackAgainstSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := append(make(Listpack, 0, rapid.SampledFrom([]int{2, 100, 100_000}).Draw(t, "cap")), New()...)
		var model []string
		index := func(t *rapid.T, n int) int { return rapid.IntRange(0, n).Draw(t, "index") }
		elem := func(t *rapid.T) []byte { return []byte(elems().Draw(t, "elem")) }
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				s := elem(t)
				p, model = p.Append(s), append(model, string(s))
			},
			"insert": func(t *rapid.T) {
				i, s := index(t, len(model)), elem(t)
				p, model = p.Insert(p.Offset(i), s), slices.Insert(model, i, string(s))
			},
			"replace": func(t *rapid.T) {
				if len(model) > 0 {
					i, s := index(t, len(model)-1), elem(t)
					p, model[i] = p.Replace(p.Offset(i), s), string(s)
				}
			},
			"delete": func(t *rapid.T) {
				i := index(t, len(model))
				n := rapid.IntRange(0, len(model)-i).Draw(t, "n")
				p, model = p.Delete(p.Offset(i), n), slices.Delete(model, i, i+n)
			},
			"concat": func(t *rapid.T) {
				q := New().Append(elem(t)).Append(elem(t))
				p, model = p.Concat(q), append(model, strs(q)...)
			},
			"": func(t *rapid.T) { checkListpack(t, p, model) },
		})
	})
}

func checkListpack(t *rapid.T, p Listpack, model []string) {
	if got := strs(p); !slices.Equal(got, model) || p.Len() != len(model) {
		t.Fatalf("%q (length %d), want %q", got, p.Len(), model)
	}
	size := overhead
	for i, s := range model {
		size += EntrySize([]byte(s))
		if p.Offset(i) != p.Offset(i-len(model)) {
			t.Fatalf("element %d: from the end at %d, from the start at %d", i, p.Offset(i-len(model)), p.Offset(i))
		}
		want, isInt := Int([]byte(s))
		if n, ok := p.Int(p.Offset(i)); ok != isInt || n != want && ok {
			t.Fatalf("%q is kept as %d, %v", s, n, ok)
		}
	}
	if p.Size() != size {
		t.Fatalf("%d bytes, want %d", p.Size(), size)
	}
	for _, step := range []int{1, 2, 3} {
		for _, s := range append([]string{"absent"}, model...) {
			want := -1
			for i := step - 1; i < len(model) && want < 0; i += step {
				if model[i] == s {
					want = p.Offset(i)
				}
			}
			from := p.End()
			if len(model) >= step {
				from = p.Offset(step - 1)
			}
			if got := p.Find([]byte(s), from, step); got != want {
				t.Fatalf("find %q by %d = %d, want %d", s, step, got, want)
			}
		}
	}
}

// TestListpackLong: the number of elements is right where the header cannot hold it.
func TestListpackLong(t *testing.T) {
	p := New()
	for i := range 70_000 {
		p = p.Append([]byte(strconv.Itoa(i % 100)))
		if i >= uncounted-2 && i < uncounted+2 && p.Len() != i+1 {
			t.Fatalf("%d elements, want %d", p.Len(), i+1)
		}
	}
	if p = p.Delete(p.First(), 60_000); p.Len() != 10_000 {
		t.Errorf("%d elements are left of 10000", p.Len())
	}
}

func BenchmarkListpackFind(b *testing.B) {
	p := New()
	for i := range 64 {
		p = p.Append([]byte("field:" + strconv.Itoa(i))).Append([]byte(strings.Repeat("v", 16)))
	}
	b.ReportAllocs()
	for b.Loop() {
		if p.Find([]byte("field:63"), p.First(), 2) < 0 {
			b.Fatal("not there")
		}
	}
}
