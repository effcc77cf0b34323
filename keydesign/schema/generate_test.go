package schema

import (
	"bytes"
	"math"
	"regexp"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func noon() time.Time { return time.Date(2026, time.March, 4, 12, 30, 15, 0, time.UTC) }

// samples are types of every kind, with and without arguments.
func samples() []Type {
	ts := []Type{
		{Kind: TypeUint, Min: 5, Max: 1000},
		{Kind: TypeUint, Max: 1 << 62},
		{Kind: TypeEnum, Values: []string{"a", "b,c", ""}},
		{Kind: TypeBucket, N: 64},
		{Kind: TypeBucket, N: 1, Of: "uid"},
		{Kind: TypeHash, Algo: "sha256", N: 32},
		{Kind: TypeHash, Algo: "md5"},
		{Kind: TypeHash, Algo: "crc32"},
		{Kind: TypeTSs, Step: 60},
		{Kind: TypeTSms, Step: 250},
		{Kind: TypeRE, Pattern: "[A-Z]{3}-[0-9A-Z]{6}"},
		{Kind: TypeRE, Pattern: "(?:a|bc|d?)[x-z]*v[0-9]+"},
		{Kind: TypeRE, Pattern: `\w+\.(png|jpe?g)`},
		{Kind: TypeRE, Pattern: "é{1,3}[à-ü]"},
		{Kind: TypeRE, Pattern: ".{2,}"},
	}
	for _, n := range []int64{0, 1, 3, 13, 14, 15, 16, 40} {
		for _, k := range []TypeKind{TypeHex, TypeStr, TypeBin, TypeOpaque, TypeGeohash} {
			ts = append(ts, Type{Kind: k, N: n})
		}
	}
	for _, layout := range []string{"", "yyyy", "yyyymm", "yyyymmdd", "yyyy-mm-dd", "yyyymmddhh", "yyyy-mm-ddThh:mm:ss"} {
		ts = append(ts, Type{Kind: TypeDate, Layout: layout})
	}
	for _, k := range TypeKinds() {
		if k != TypeRE && k != TypeHash && k != TypeBucket && k != TypeEnum {
			ts = append(ts, Type{Kind: k})
		}
	}
	return ts
}

// What is generated for a type is of the type, and no two numbers below Count have the same value.
func TestGeneratedValuesAreOfTheirType(t *testing.T) {
	for _, typ := range samples() {
		t.Run(typ.String(), func(t *testing.T) {
			re := regexp.MustCompile("^(?:" + typ.Regexp() + ")$")
			g := NewGenerator(typ, noon())
			n := int64(3000)
			if c := g.Count(); c > 0 {
				n = min(n, c)
			}
			if g.Step() > 0 {
				n = min(n, 40) // years, of which there are not many
			}
			seen := map[string]int64{}
			for i := range n {
				v := string(g.Append(nil, i))
				if !re.MatchString(v) && typ.Kind != TypeBin { // any bytes, which need not be UTF-8
					t.Fatalf("%d: %q", i, v)
				}
				if before, ok := seen[v]; ok && !twoWays(typ) {
					t.Fatalf("%d and %d are both %q", before, i, v)
				}
				seen[v] = i
			}
		})
	}
}

// twoWays reports whether a pattern can make one text in two ways.
func twoWays(typ Type) bool {
	return typ.Kind == TypeRE && bytes.ContainsAny([]byte(typ.Pattern), "|?")
}

// A value is appended, is the same every time, and is there for any number.
func TestAppend(t *testing.T) {
	types := samples()
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom(types).Draw(t, "type")
		i := rapid.Int64Range(0, math.MaxInt64/(1<<40)).Draw(t, "number")
		a := NewGenerator(typ, noon()).Append([]byte("x"), i)
		b := NewGenerator(typ, noon()).Append([]byte("x"), i)
		if !bytes.Equal(a, b) || a[0] != 'x' {
			t.Errorf("%q, then %q", a, b)
		}
	})
}

func TestGeneratedTimes(t *testing.T) {
	for _, c := range []struct {
		typ  Type
		i    int64
		want string
	}{
		{Type{Kind: TypeTSs, Step: 60}, 0, "1772627400"},
		{Type{Kind: TypeTSs, Step: 60}, 1, "1772627340"},
		{Type{Kind: TypeTSms}, 0, "1772627415000"},
		{Type{Kind: TypeDate, Layout: "yyyymmdd"}, 0, "20260304"},
		{Type{Kind: TypeDate, Layout: "yyyymmdd"}, 4, "20260228"},
		{Type{Kind: TypeDate, Layout: "yyyy-mm"}, 1, "2026-02"},
		{Type{Kind: TypeDate, Layout: "yyyymmddhhmm"}, 31, "202603041159"},
		{Type{Kind: TypeISOWeek}, 0, "2026-W10"},
		{Type{Kind: TypeISOWeek}, 10, "2025-W52"},
	} {
		if got := string(NewGenerator(c.typ, noon()).Append(nil, c.i)); got != c.want {
			t.Errorf("%s, %d: %s, want %s", c.typ, c.i, got, c.want)
		}
	}
}

func TestCount(t *testing.T) {
	for _, c := range []struct {
		typ  Type
		want int64
	}{
		{Type{Kind: TypeInt}, 0},
		{Type{Kind: TypeHex, N: 2}, 256},
		{Type{Kind: TypeHex, N: 40}, 0},
		{Type{Kind: TypeUint, Min: 3, Max: 5}, 3},
		{Type{Kind: TypeEnum, Values: []string{"a", "b"}}, 2},
		{Type{Kind: TypeRE, Pattern: "[A-Z]{3}-[0-9]"}, 26 * 26 * 26 * 10},
		{Type{Kind: TypeRE, Pattern: "[A-Z]{300}"}, 0},
		{Type{Kind: TypeRE, Pattern: "a|b?"}, 3},
	} {
		if got := NewGenerator(c.typ, noon()).Count(); got != c.want {
			t.Errorf("%s: %d values, want %d", c.typ, got, c.want)
		}
	}
}

// Whatever a pattern is, making texts of it ends, and keeps within bounds.
func FuzzGeneratePattern(f *testing.F) {
	for _, p := range []string{"[a-z]{3}", "(", "((a{100}){10}){10}", "(a|(b|(c|d*)*)*)*", `\C`, "[^a]", `(?i)K`, "x{1000}"} {
		f.Add(p, int64(12345))
	}
	f.Fuzz(func(t *testing.T, pattern string, i int64) {
		g := NewGenerator(Type{Kind: TypeRE, Pattern: pattern}, noon())
		if v := g.Append(nil, max(0, i)); len(v) > 2*longestValue+len(pattern) {
			t.Errorf("%q makes %d bytes", pattern, len(v))
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	for _, typ := range []Type{{Kind: TypeInt}, {Kind: TypeUUID}, {Kind: TypeHex, N: 16}, {Kind: TypeIP}, {Kind: TypeRE, Pattern: "[A-Z]{3}-[0-9A-Z]{6}"}} {
		b.Run(typ.String(), func(b *testing.B) {
			g := NewGenerator(typ, noon())
			buf := make([]byte, 0, 64)
			for i := int64(0); b.Loop(); i++ {
				buf = g.Append(buf[:0], i)
			}
		})
	}
}
