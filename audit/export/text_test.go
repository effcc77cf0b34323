package export

import (
	"encoding/base64"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// unescape is the inverse of appendText, as docs/export.md states it.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if !isEscape(s[i:]) {
			b.WriteByte(s[i])
			continue
		}
		b.WriteByte(nibble(s[i+2])<<4 | nibble(s[i+3]))
		i += 3
	}
	return b.String()
}

func nibble(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

func TestText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"user:42", "user:42"},
		{"Straße:日本", "Straße:日本"},
		{"a\xffb", `a\xFFb`},
		{"caf\xc3", `caf\xC3`},
		{"a\nb\x00\x7f", `a\x0Ab\x00\x7F`},
		{"csi\u009b31m", `csi\xC2\x9B31m`},
		{"nbsp\u00a0", "nbsp\u00a0"},
		{`App\Models\User:1`, `App\Models\User:1`},
		{`a\x41`, `a\x5Cx41`},
		{`a\xaf\x`, `a\x5Cxaf\x`},
		{"\\\xff", `\\xFF`},
		{`say "hi", ok`, `say "hi", ok`},
		{"\ufffd", "\ufffd"}, // the replacement character itself is a character
	} {
		got := string(appendText(nil, c.in, survey(c.in)))
		if got != c.want {
			t.Errorf("%q is written %q, want %q", c.in, got, c.want)
		}
		if back := unescape(got); back != c.in {
			t.Errorf("%q is written %q and read %q", c.in, got, back)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("a\xff\\x41\n\u0085\\")
	f.Fuzz(func(t *testing.T, s string) {
		text := string(appendText([]byte("before"), s, survey(s)))[len("before"):]
		if !utf8.ValidString(text) || strings.IndexFunc(text, unicode.IsControl) >= 0 {
			t.Errorf("%q is written %q, which is no text", s, text)
		}
		if back := unescape(text); back != s {
			t.Errorf("%q is written %q and read %q", s, text, back)
		}
		if got := string(appendBase64(nil, s)); got != base64.StdEncoding.EncodeToString([]byte(s)) {
			t.Errorf("%q is %q in base64", s, got)
		}
	})
}
