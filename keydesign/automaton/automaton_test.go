package automaton

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/keydesign/schema"
)

func lit(text string) schema.Piece { return schema.Piece{Literal: text} }

func re(pattern string) schema.Piece {
	return schema.Piece{Type: &schema.Type{Kind: schema.TypeRE, Pattern: pattern}}
}

func typed(kind schema.TypeKind) schema.Piece { return schema.Piece{Type: &schema.Type{Kind: kind}} }

func key(pieces ...schema.Piece) schema.Key { return pieces }

func TestIntersect(t *testing.T) {
	enum := schema.Piece{Type: &schema.Type{Kind: schema.TypeEnum, Values: []string{"pro", "free"}}}
	for _, c := range []struct {
		name string
		a, b schema.Key
		want string // "" is none
	}{
		{"words and a word", key(lit("user:"), typed(schema.TypeStr)), key(lit("user:meta")), "user:meta"},
		{"words stop at a separator", key(lit("user:"), typed(schema.TypeStr)), key(lit("user:a:b")), ""},
		{"numbers and a word", key(lit("user:"), typed(schema.TypeInt)), key(lit("user:meta")), ""},
		{"numbers and words", key(lit("user:"), typed(schema.TypeInt)), key(lit("user:"), typed(schema.TypeStr)), "user:1"},
		{"numbers and UUIDs", key(lit("order:"), typed(schema.TypeInt)), key(lit("order:"), typed(schema.TypeUUID)), ""},
		{"crossed", key(lit("a:"), typed(schema.TypeInt), lit(":c")), key(lit("a:1:"), typed(schema.TypeStr)), "a:1:c"},
		{"other beginnings", key(lit("a"), typed(schema.TypeInt)), key(lit("b"), typed(schema.TypeInt)), ""},
		{"other ends", key(typed(schema.TypeInt), lit("a")), key(typed(schema.TypeInt), lit("b")), ""},
		{"an enumeration", key(lit("p:"), enum), key(lit("p:"), re("p.*")), "p:pro"},
		{"itself", key(lit("{u}:"), typed(schema.TypeInt)), key(lit("{u}:"), typed(schema.TypeInt)), "{u}:1"},
		{"either case", key(lit("GET")), key(re("(?i)get")), "GET"},
		{"beyond ASCII", key(lit("é")), key(re("[à-ü]")), "é"},
		{"two characters, as many bytes", key(lit("é")), key(re(".{2}")), "é"},
		{"one byte of a class is not a character of another", key(re("[à-ü]")), key(re("[à-ü]{2}")), ""},
		{"empty", key(), key(re("a*")), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := SetOf(c.a).Intersect(SetOf(c.b))
			if ok != (c.want != "" || c.name == "empty") || got != c.want {
				t.Errorf("%q, %v, want %q", got, ok, c.want)
			}
			if back, same := SetOf(c.b).Intersect(SetOf(c.a)); same != ok || len(back) != len(got) {
				t.Errorf("the other way round: %q, %v", back, same)
			}
		})
	}
}

// What would take for ever ends.
func TestIntersectIsBounded(t *testing.T) {
	a := key(re(".{0,900}a"), re(".{0,900}a"), lit(":x"))
	b := key(re(".{0,800}b"), re(".{0,800}b"), lit("-x"))
	if w, ok := SetOf(a).Intersect(SetOf(b)); ok {
		t.Errorf("%q ends in two ways", w)
	}
	var huge schema.Key
	for range 3000 {
		huge = append(huge, re(".{1000}"))
	}
	if _, err := New(huge); !errors.Is(err, ErrTooLarge) {
		t.Errorf("three million states: %v", err)
	}
}

// small draws a key over the alphabet ab: with every operator there is.
func small(t *rapid.T, label string) schema.Key {
	atom := rapid.SampledFrom([]string{"a", "b", "[ab]", "[^:]", ".", "ab", "", ":", "(?i)A", `\x61`})
	var expression func(depth int) string
	expression = func(depth int) string {
		if depth == 0 {
			return atom.Draw(t, "atom")
		}
		x, y := expression(depth-1), expression(depth-1)
		form := rapid.SampledFrom([]string{"X", "XY", "X|Y", "(?:X)*", "(?:X)+Y", "(?:X)?Y", "(?:X){2}", "(?:X){0,2}", "(?:X){2,}", "(X|Y)b"}).Draw(t, "form")
		return strings.ReplaceAll(strings.ReplaceAll(form, "X", "("+x+")"), "Y", "("+y+")")
	}
	var k schema.Key
	for range rapid.IntRange(1, 3).Draw(t, label) {
		if rapid.Bool().Draw(t, "literal") {
			k = append(k, lit(rapid.StringMatching("[ab:]{0,2}").Draw(t, "text")))
		} else {
			k = append(k, re(expression(rapid.IntRange(0, 2).Draw(t, "depth"))))
		}
	}
	return k
}

// expressionOf is what a key takes, for Go's own matcher.
func expressionOf(k schema.Key) *regexp.Regexp {
	var b strings.Builder
	for _, p := range k {
		if p.Type == nil {
			b.WriteString(regexp.QuoteMeta(p.Literal))
		} else {
			b.WriteString("(?:" + p.Type.Regexp() + ")")
		}
	}
	return regexp.MustCompile(`\A(?:` + b.String() + `)\z`)
}

// every returns all strings over ab: of at most n bytes, the shortest first.
func every(n int) []string {
	all := []string{""}
	for last := all; n > 0; n-- {
		var longer []string
		for _, s := range last {
			longer = append(longer, s+"a", s+"b", s+":")
		}
		all, last = append(all, longer...), longer
	}
	return all
}

// What Intersect says is what trying all short keys says: the same length of the shortest, and it is in both.
func TestIntersectAgainstAllKeys(t *testing.T) {
	const longest = 5
	all := every(longest)
	rapid.Check(t, func(t *rapid.T) {
		a, b := small(t, "a"), small(t, "b")
		x, y := expressionOf(a), expressionOf(b)
		want, some := "", false
		for _, s := range all {
			if x.MatchString(s) && y.MatchString(s) {
				want, some = s, true
				break
			}
		}
		got, ok := SetOf(a).Intersect(SetOf(b))
		switch {
		case ok && !(x.MatchString(got) && y.MatchString(got)):
			t.Fatalf("%s and %s: %q is not in both", x, y, got)
		case some && (!ok || len(got) != len(want)):
			t.Fatalf("%s and %s: %q, %v, but %q is in both", x, y, got, ok, want)
		case ok && !some && len(got) <= longest && strings.Trim(got, "ab:") == "":
			t.Fatalf("%s and %s: %q, which trying did not find", x, y, got)
		}
	})
}

// A DFA says of each key what Go's matcher says of each template, however little memory it has.
func TestDFAAgainstAllKeys(t *testing.T) {
	all := every(5)
	rapid.Check(t, func(t *rapid.T) {
		keys := make([]schema.Key, rapid.IntRange(1, 4).Draw(t, "keys"))
		want := make([]*regexp.Regexp, len(keys))
		for i := range keys {
			keys[i] = small(t, "pieces")
			want[i] = expressionOf(keys[i])
		}
		a, err := New(keys...)
		if err != nil {
			t.Fatal(err)
		}
		for _, limit := range []int{1, 1000, 1 << 20} {
			d := NewDFA(a, limit)
			for _, s := range all {
				first := slices.IndexFunc(want, func(re *regexp.Regexp) bool { return re.MatchString(s) })
				if got := d.Match(s); got != first {
					t.Fatalf("%q with %d bytes: template %d of %v, want %d", s, limit, got, want, first)
				}
			}
			if limit == 1 && d.drops == 0 && len(d.states) > 3 {
				t.Fatal("nothing was dropped")
			}
		}
	})
}

// Each sequence of an encoded range is characters of it, and all of them.
func TestEncoded(t *testing.T) {
	for _, c := range []struct{ lo, hi rune }{
		{0x80, 0x10ffff}, {0x80, 0x80}, {0x7ff, 0x800}, {0xd000, 0xe001}, {0xffff, 0x10000}, {0x3b1, 0x3c9}, {0x10fffe, 0x10ffff}, {0xd800, 0xdfff},
	} {
		seqs := encoded(nil, c.lo, c.hi)
		takes := func(s string) bool {
			return slices.ContainsFunc(seqs, func(seq []byteRange) bool {
				if len(seq) != len(s) {
					return false
				}
				for i := range seq {
					if s[i] < seq[i].lo || s[i] > seq[i].hi {
						return false
					}
				}
				return true
			})
		}
		for r := rune(0x80); r <= 0x10ffff; r++ {
			if surrogate := r >= surrogateMin && r <= surrogateMax; !surrogate && takes(string(r)) != (r >= c.lo && r <= c.hi) {
				t.Fatalf("%x to %x: %x is wrong", c.lo, c.hi, r)
			}
		}
	}
}

func FuzzExpression(f *testing.F) {
	for _, s := range []string{"[a-z]+", "(?i)ſ", "é*|\\pL", "(a|b){3,5}$", "\\bx", "[^\\x00-\\x{10FFFF}]", "((a*)*)*"} {
		f.Add(s, "x:é")
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if _, err := regexp.Compile(pattern); err != nil || len(pattern) > 100 {
			return
		}
		k := key(lit("k"), re(pattern))
		a, err := New(k)
		if err != nil {
			return
		}
		d := NewDFA(a, 4096)
		d.Match("k" + s)
		if w, ok := a.intersect(a); ok && d.Match(w) != 0 {
			t.Errorf("%q takes %q, and does not", pattern, w)
		}
	})
}
