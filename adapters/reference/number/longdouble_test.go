package number

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/internal/servertest"
)

func TestLongDouble(t *testing.T) {
	for _, c := range []struct{ x, y, want string }{
		{"0.1", "0.2", "0.3"},
		{"3.0e3", "200", "3200"},
		{"10.50", "0.1", "10.6"},
		{"5.0e3", "2.0e2", "5200"},
		{"1", "-1", "0"},
		{"-0", "-0", "0"},
		{"0x1p3", "0x.8", "8.5"},
		{"0x1.8p1", "0X1P-1", "3.5"},
		{"1e-30", "-1e-31", "0"},
		{"17179869184", "1.5", "17179869185.5"},
		{"1152921504606846977", "0", "1152921504606846977"}, // 61 bits and a one: a double has no room for it
		{"9223372036854775807", "1", "9223372036854775808"},
		{"0.00000000000000001", "0", "0.00000000000000001"},
		{"1e18", "0.5", "1000000000000000000.5"}, // 61 bits
		{"1e19", "0.5", "10000000000000000000"},  // 64,
		{"1e20", "0.5", "100000000000000000000"},
		{"00000000000000000000000000000000000000000000001", "1", "2"},
		{".5", "5.", "5.5"},
	} {
		x, ok := ParseLongDouble([]byte(c.x))
		y, ok2 := ParseLongDouble([]byte(c.y))
		if !ok || !ok2 {
			t.Errorf("%s or %s is no number", c.x, c.y)
			continue
		}
		if got := string(x.Add(y).AppendHuman([]byte("="))); got != "="+c.want {
			t.Errorf("%s + %s is %s, want %s", c.x, c.y, got, c.want)
		}
	}
}

func TestLongDoubleIsNoNumber(t *testing.T) {
	for _, s := range []string{
		"", " 1", "1 ", "abc", "1e", "nan", "-nan(1)", "1e5000", "-1e5000", "1e-5000", "1\x00",
		"0x", "1e99999999999999999999", "1e-99999999999999999999", strings.Repeat("1", longest),
	} {
		if x, ok := ParseLongDouble([]byte(s)); ok {
			t.Errorf("%.20q is %s", s, x.AppendHuman(nil))
		}
	}
	for _, s := range []string{"inf", "-INFINITY", "1e4932", "1e-4950", "0e99999999999999999999", strings.Repeat("0", longest-1)} {
		if _, ok := ParseLongDouble([]byte(s)); !ok {
			t.Errorf("%.20q is no number", s)
		}
	}
	inf, _ := ParseLongDouble([]byte("inf"))
	less, _ := ParseLongDouble([]byte("-inf"))
	most, _ := ParseLongDouble([]byte("1e4932"))
	for _, x := range []LongDouble{inf.Add(less), inf.Add(most), most.Add(less), most.Add(most)} {
		if x.IsFinite() {
			t.Errorf("%s is finite", x.AppendHuman(nil))
		}
	}
}

// TestLongDoubleOnAServer holds the sum of random numbers against INCRBYFLOAT.
func TestLongDoubleOnAServer(t *testing.T) {
	c := servertest.Redis(t, servertest.Options{}).Client(t)
	r := rand.New(rand.NewPCG(7, 7))
	for range 3000 {
		a, b := randomNumber(r), randomNumber(r)
		c.Must(t, "SET", "k", a)
		want := fmt.Sprint(c.Do("INCRBYFLOAT", "k", b))
		x, ok := ParseLongDouble([]byte(a))
		y, ok2 := ParseLongDouble([]byte(b))
		got := "ERR value is not a valid float"
		if sum := x.Add(y); ok && ok2 && sum.IsFinite() {
			got = string(sum.AppendHuman(nil))
		} else if ok && ok2 {
			got = "ERR increment would produce NaN or Infinity"
		}
		if got != want {
			t.Fatalf("%s + %s is %s, and on the server %s", a, b, got, want)
		}
	}
}

// randomNumber is one of the many forms that strtold reads, and some that it does not.
func randomNumber(r *rand.Rand) string {
	sign := []string{"", "-", "+"}[r.IntN(3)]
	digits := strconv.FormatUint(r.Uint64()>>r.IntN(64), 10)
	for range r.IntN(3) {
		digits += strconv.FormatUint(r.Uint64()>>r.IntN(64), 10)
	}
	at := r.IntN(len(digits) + 1)
	switch r.IntN(6) {
	case 0:
		return sign + digits
	case 1:
		return sign + digits[:at] + "." + digits[at:]
	case 2:
		return sign + digits[:at] + "." + digits[at:] + "e" + strconv.Itoa(r.IntN(80)-40)
	case 3:
		return sign + digits + "E" + strconv.Itoa(r.IntN(10100)-5050)
	case 4:
		return sign + "0x" + strconv.FormatUint(r.Uint64(), 16) + "." + strconv.FormatUint(r.Uint64(), 16) + "p" +
			strconv.Itoa(r.IntN(120)-60)
	}
	return sign + []string{"inf", "nan", "", "e", "0", ".", "infini", "Infinity", "0.", "0x.p1"}[r.IntN(10)]
}

// TestLongDoubleIsExactlyRounded holds sums against big.Float, which is exact and slow.
func TestLongDoubleIsExactlyRounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Custom(func(t *rapid.T) string {
			digits := strconv.FormatUint(rapid.Uint64().Draw(t, "digits")>>rapid.IntRange(0, 63).Draw(t, "shift"), 10)
			sign := rapid.SampledFrom([]string{"", "-"}).Draw(t, "sign")
			return sign + digits + "e" + strconv.Itoa(rapid.IntRange(-30, 30).Draw(t, "exponent"))
		})
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		x, ok := ParseLongDouble([]byte(a))
		y, ok2 := ParseLongDouble([]byte(b))
		if !ok || !ok2 {
			t.Fatalf("%s or %s is no number", a, b)
		}
		var sum big.Float
		sum.SetPrec(64).Add(exactly(a), exactly(b))
		want := string(people(sum.Append(nil, 'f', 17), 0))
		if got := string(x.Add(y).AppendHuman(nil)); got != want {
			t.Fatalf("%s + %s is %s, want %s", a, b, got, want)
		}
	})
}

// exactly returns a number rounded once to 64 bits.
func exactly(s string) *big.Float {
	r, _ := new(big.Rat).SetString(s)
	return new(big.Float).SetPrec(64).SetRat(r)
}

func BenchmarkLongDouble(b *testing.B) {
	x, y := []byte("1234.5678"), []byte("0.1")
	var out [64]byte
	b.ReportAllocs()
	for b.Loop() {
		n, _ := ParseLongDouble(x)
		m, _ := ParseLongDouble(y)
		n.Add(m).AppendHuman(out[:0])
	}
}
