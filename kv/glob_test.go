package kv

import (
	"strings"
	"testing"
)

// The expectations were read from redis-server 7.0.15 with KEYS.
func TestMatchGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"**", "abc", true},
		{"?", "", false},
		{"a?c", "abc", true},
		{"user:*:cart", "user:42:cart", true},
		{"user:*:cart", "user:42:carts", false},
		{"*:cart", "a:cart:cart", true},
		{"*ab*ab", "abab", true},
		{"[abc]x", "bx", true},
		{"[^abc]x", "bx", false},
		{"[^abc]x", "dx", true},
		{"[a-c]", "b", true},
		{"[c-a]", "b", true},
		{"[a-", "-", true},
		{"[a", "a", true},
		{"[", "a", false},
		{"[^", "a", true},
		{"[]", "a", false},
		{`[\]]`, "]", true},
		{`\*`, "*", true},
		{`\*`, "a", false},
		{`a\`, `a\`, true},
		{"[^a]", "", false},
	} {
		if got := MatchGlob(c.pattern, c.s); got != c.want {
			t.Errorf("MatchGlob(%q, %q) = %v", c.pattern, c.s, got)
		}
	}
}

// A pattern of many stars takes exponential time in a matcher that tries each of them again.
func TestMatchGlobIsNotExponential(t *testing.T) {
	if MatchGlob(strings.Repeat("a*", 50)+"b", strings.Repeat("a", 5000)) {
		t.Error("matched")
	}
}

func FuzzMatchGlob(f *testing.F) {
	f.Add("a*[^b-d]?", "abc")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		// In front, because a star behind a backslash or in an open class is none.
		if MatchGlob(pattern, s) && !(MatchGlob("*"+pattern, s) && MatchGlob("*"+pattern, "x"+s)) {
			t.Errorf("%q matches %q but not with a star before it", pattern, s)
		}
	})
}

// An escaped text matches itself alone, with whatever comes behind it where a star does: of all texts of up to three characters.
func TestEscapeGlob(t *testing.T) {
	texts := []string{""}
	for from := 0; len(texts[from]) < 3; from++ {
		for _, c := range `a*?[]^\-` {
			texts = append(texts, texts[from]+string(c))
		}
	}
	for _, text := range texts {
		for _, other := range texts {
			if got := MatchGlob(EscapeGlob(text), other); got != (text == other) {
				t.Fatalf("%q for %q: %t", EscapeGlob(text), other, got)
			}
			if got := MatchGlob(EscapeGlob(text)+"*", other); got != strings.HasPrefix(other, text) {
				t.Fatalf("%q* for %q: %t", EscapeGlob(text), other, got)
			}
		}
	}
}
