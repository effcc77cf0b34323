package packed

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// elems draws what the encodings differ over: numbers of every width, strings about the limits of every length.
func elems() *rapid.Generator[string] {
	long := rapid.Custom(func(t *rapid.T) string {
		n := rapid.SampledFrom([]int{0, 1, 62, 63, 64, 120, 126, 127, 4094, 4095, 4096, 16380, 16384}).Draw(t, "length")
		return strings.Repeat("x", n)
	})
	num := rapid.Custom(func(t *rapid.T) string { return strconv.FormatInt(rapid.Int64().Draw(t, "n"), 10) })
	return rapid.OneOf(num, long, rapid.StringN(0, 10, -1), rapid.SampledFrom([]string{"-0", "00", "+1", "1.0", "9223372036854775808"}))
}

func list(p *Pack) []string {
	var all []string
	var buf [20]byte
	for at := 0; at < p.End(); {
		elem, next := p.At(at, buf[:])
		all = append(all, string(elem))
		at = next
	}
	return all
}

// TestPackAgainstSlice runs random histories against a slice of strings.
func TestPackAgainstSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p Pack
		var model []string
		index := func(t *rapid.T, n int) int { return rapid.IntRange(0, n).Draw(t, "index") }
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				s := elems().Draw(t, "elem")
				p.Append(s)
				model = append(model, s)
			},
			"insert": func(t *rapid.T) {
				i, s := index(t, len(model)), elems().Draw(t, "elem")
				p.Insert(p.Offset(i), s)
				model = slices.Insert(model, i, s)
			},
			"replace": func(t *rapid.T) {
				if len(model) == 0 {
					return
				}
				i, s := index(t, len(model)-1), elems().Draw(t, "elem")
				p.Replace(p.Offset(i), s)
				model[i] = s
			},
			"delete": func(t *rapid.T) {
				i := index(t, len(model))
				n := rapid.IntRange(0, len(model)-i).Draw(t, "n")
				p.Delete(p.Offset(i), n)
				model = slices.Delete(model, i, i+n)
			},
			"": func(t *rapid.T) {
				if got := list(&p); !slices.Equal(got, model) || p.Len() != len(model) {
					t.Fatalf("%q (length %d), want %q", got, p.Len(), model)
				}
				for i := range model {
					if p.Offset(i) != p.Offset(i-len(model)) {
						t.Fatalf("element %d: from the end at %d, from the start at %d", i, p.Offset(i-len(model)), p.Offset(i))
					}
				}
				if len(model) > 0 {
					last := model[len(model)-1]
					if want := p.Offset(slices.Index(model, last)); p.Find(last, 1) != want {
						t.Fatalf("find %q = %d, want %d", last, p.Find(last, 1), want)
					}
				}
			},
		})
	})
}

// TestPackBytes pins lengths that listpack.c gives (a listpack of one element).
func TestPackBytes(t *testing.T) {
	for s, want := range map[string]int{
		"": 2, "0": 2, "127": 2, "128": 3, "-1": 3, "4095": 3, "-4096": 3, "4096": 4, "32767": 4, "32768": 5, "8388607": 5, "8388608": 6,
		"2147483648": 10, "-9223372036854775808": 10, "9223372036854775808": 21, "01": 4, "a": 3,
		strings.Repeat("a", 63): 65, strings.Repeat("a", 64): 67, strings.Repeat("a", 125): 128, strings.Repeat("a", 126): 130,
		strings.Repeat("a", 4095): 4099, strings.Repeat("a", 4096): 4103,
	} {
		var p Pack
		p.Append(s)
		if got := p.Bytes() - overhead; got != want {
			t.Errorf("%.20q (%d bytes) takes %d bytes, want %d", s, len(s), got, want)
		}
	}
}

func TestInt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(elems(), rapid.StringMatching(`-?[0-9]{1,20}`)).Draw(t, "s")
		want, err := strconv.ParseInt(s, 10, 64)
		ok := err == nil && strconv.FormatInt(want, 10) == s
		if n, got := Int(s); got != ok || ok && n != want {
			t.Fatalf("Int(%q) = %d, %v", s, n, got)
		}
	})
}

// TestIntsAgainstMap runs random histories against a map.
func TestIntsAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Ints
		model := map[int64]bool{}
		wide := 0
		numbers := rapid.OneOf(rapid.Int64Range(-5, 5), rapid.Int64Range(math.MinInt16-2, math.MinInt16+1), rapid.Int64())
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				n := numbers.Draw(t, "n")
				if s.Add(n) == model[n] {
					t.Fatalf("adding %d, member before: %v", n, model[n])
				}
				model[n] = true
				for _, w := range []int{2, 4, 8} {
					if limit := int64(1) << (8*w - 1); w == 8 || n >= -limit && n < limit {
						wide = max(wide, w)
						break
					}
				}
			},
			"remove": func(t *rapid.T) {
				n := numbers.Draw(t, "n")
				if s.Remove(n) != model[n] {
					t.Fatalf("removing %d, member before: %v", n, model[n])
				}
				delete(model, n)
			},
			"": func(t *rapid.T) {
				if s.Len() != len(model) || s.Bytes() != 8+wide*len(model) {
					t.Fatalf("%d members in %d bytes, want %d of %d bytes", s.Len(), s.Bytes(), len(model), wide)
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
