package packed

import (
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

// TestEntryBytes pins lengths that listpack.c gives (a listpack of one element).
func TestEntryBytes(t *testing.T) {
	for s, want := range map[string]int{
		"": 2, "0": 2, "127": 2, "128": 3, "-1": 3, "4095": 3, "-4096": 3, "4096": 4, "32767": 4, "32768": 5, "8388607": 5, "8388608": 6,
		"2147483648": 10, "-9223372036854775808": 10, "9223372036854775808": 21, "01": 4, "a": 3,
		strings.Repeat("a", 63): 65, strings.Repeat("a", 64): 67, strings.Repeat("a", 125): 128, strings.Repeat("a", 126): 130,
		strings.Repeat("a", 4095): 4099, strings.Repeat("a", 4096): 4103,
	} {
		if got := New().Append([]byte(s)).Size() - overhead; got != want {
			t.Errorf("%.20q (%d bytes) takes %d bytes, want %d", s, len(s), got, want)
		}
	}
}

func TestInt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(elems(), rapid.StringMatching(`-?[0-9]{1,20}`)).Draw(t, "s")
		want, err := strconv.ParseInt(s, 10, 64)
		ok := err == nil && strconv.FormatInt(want, 10) == s
		if n, got := Int([]byte(s)); got != ok || ok && n != want {
			t.Fatalf("Int(%q) = %d, %v", s, n, got)
		}
	})
}
