package number

import (
	"math"
	"strings"
	"testing"
)

// TestStrtod pins what glibc's strtod answers.
func TestStrtod(t *testing.T) {
	inf := math.Inf(1)
	for s, want := range map[string]struct {
		x   float64
		n   int
		out bool
	}{
		"": {}, " ": {}, "+": {}, "-": {}, ".": {}, "-.": {}, "e5": {}, "x": {}, "in": {}, "_1": {}, "\x001": {},
		"1": {1, 1, false}, "-12": {-12, 3, false}, "+7x": {7, 2, false}, " \t\n\v\f\r3": {3, 7, false}, "1 ": {1, 1, false},
		"1_000": {1, 1, false}, "1\x002": {1, 1, false}, "0x": {0, 1, false}, "0x.": {0, 1, false}, "0xg": {0, 1, false},
		"0x10": {16, 4, false}, "-0X1.8p1": {-3, 8, false}, "0x.8": {.5, 4, false}, "0x1p": {1, 3, false}, "0x1_0": {1, 3, false},
		"0x1p-2z": {.25, 6, false}, "1e": {1, 1, false}, "1e+": {1, 1, false}, "1e+2": {100, 4, false}, "1E2.5": {100, 3, false},
		"1.5.5": {1.5, 3, false}, ".5": {.5, 2, false}, "5.": {5, 2, false}, "0b1": {0, 1, false}, "0o7": {0, 1, false},
		"inf": {inf, 3, false}, "+INF": {inf, 4, false}, "-Infinity": {-inf, 9, false}, "infini": {inf, 3, false},
		"1e400": {inf, 5, true}, "-1e400": {-inf, 6, true}, "1e-400": {0, 6, true}, "0e-400": {0, 6, false}, "0.0e999": {0, 7, false},
		"5e-324": {5e-324, 6, false}, "0x1p-2000": {0, 9, true}, "0x0p-2000": {0, 9, false},
		"9007199254740993": {9007199254740992, 16, false}, "1234567890123456789012": {1234567890123456789012, 22, false},
		"100000000000000000000000000000000000000000000000001": {1e50, 51, false},
	} {
		x, n, out := Strtod([]byte(s))
		if x != want.x || n != want.n || out != want.out {
			t.Errorf("%q = %v, %d bytes, out of range %v; want %v", s, x, n, out, want)
		}
	}
	if x, _, _ := Strtod([]byte("-0")); x != 0 || !math.Signbit(x) {
		t.Errorf("-0 is %v, without its sign", x)
	}
	for s, want := range map[string]int{"nan": 3, "-NaN": 4, "nan(": 3, "nan()": 5, "nan(1_a)b": 8, "nan(-)": 3} {
		if x, n, _ := Strtod([]byte(s)); x == x || n != want {
			t.Errorf("%q = %v in %d bytes, want NaN in %d", s, x, n, want)
		}
	}
}

func TestParseDouble(t *testing.T) {
	for _, s := range []string{"1", "-0", "0x1p4", "inf", "-Infinity", "+.5", "5.", "1e308", "5e-324"} {
		if _, ok := ParseDouble([]byte(s)); !ok {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range []string{"", " 1", "1 ", "\t1", "nan", "1e309", "-1e309", "1e-330", "1_0", "0x", "e1", "1\x00", "1e", "--1", "infx"} {
		if x, ok := ParseDouble([]byte(s)); ok {
			t.Errorf("%q is %v", s, x)
		}
	}
}

// TestAppend pins what printf prints.
func TestAppend(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 1: "1", -3: "-3", 0.1: "0.10000000000000001", 1e16: "10000000000000000", 99999999999999984: "99999999999999984",
		1e17: "1e+17", -1e17: "-1e+17", 1e18: "1e+18", 123456789012345680000: "1.2345678901234568e+20", 1e-5: "1.0000000000000001e-05",
		0.0001: "0.0001", 1.5: "1.5", 1e300: "1.0000000000000001e+300", 5e-324: "4.9406564584124654e-324", math.Inf(1): "inf",
		math.Inf(-1): "-inf", math.MaxFloat64: "1.7976931348623157e+308", 100000.5: "100000.5",
	} {
		if got := string(AppendDouble(nil, x)); got != want {
			t.Errorf("%v is %s, want %s", x, got, want)
		}
	}
	if got := string(AppendDouble(nil, math.Copysign(0, -1))); got != "-0" {
		t.Errorf("the negative zero is %s", got)
	}
	for x, want := range map[float64]string{
		0: "0", 1: "1", 13.361389338970184: "13.36138933897018433", -0.1: "-0.10000000000000001", 1e20: "100000000000000000000",
		-1e-20: "0", 1e-20: "0", 120: "120", math.Inf(-1): "-inf", 0.00000762939453125: "0.00000762939453125",
	} {
		if got := string(AppendHuman([]byte("x"), x)); got != "x"+want {
			t.Errorf("%v for people is %s, want x%s", x, got, want)
		}
	}
	for x, want := range map[float64]string{
		0: "0.0000", 166274.15156960033: "166274.1516", 0.00005: "0.0000", -1.5: "-1.5000", 9.99996: "10.0000",
		0.0312: "0.0312", math.NaN(): "-922337203685477.5808",
	} {
		if got := string(AppendFixed4(nil, x)); got != want {
			t.Errorf("%v with four digits is %s, want %s", x, got, want)
		}
	}
}

func TestWhole(t *testing.T) {
	for _, x := range []float64{0, -5, 1 << 62, -(1 << 62), 1e17} {
		if n, ok := Whole(x); !ok || float64(n) != x {
			t.Errorf("%v is %d, %v", x, n, ok)
		}
	}
	for _, x := range []float64{.5, 1<<62 + 1024, -(1 << 63), math.Inf(1), math.Inf(-1), 1e300} {
		if n, ok := Whole(x); ok {
			t.Errorf("%v is whole: %d", x, n)
		}
	}
}

// FuzzStrtod holds that what is read of a prefix is read of the whole, and that what AppendDouble writes comes back.
func FuzzStrtod(f *testing.F) {
	for _, s := range []string{"1", "-0x1.8p-3", "infinity", "nan(1)", " 1e5", "1e", "0x", "12345678901234567890", strings.Repeat("1", 40)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x, n, out := Strtod(b)
		if n < 0 || n > len(b) {
			t.Fatalf("%q: %d bytes read", b, n)
		}
		y, m, outAgain := Strtod(b[:n])
		if m != n || out != outAgain || x != y && (x == x || y == y) {
			t.Fatalf("%q: %v in %d bytes, and %v in %d of those alone", b, x, n, y, m)
		}
		if n == 0 || x != x {
			return
		}
		if z, ok := ParseDouble(AppendDouble(nil, x)); !ok || z != x || math.Signbit(z) != math.Signbit(x) {
			t.Fatalf("%v comes back as %v, %v", x, z, ok)
		}
	})
}

func TestNoAllocation(t *testing.T) {
	texts := [][]byte{[]byte("12.5"), []byte("1234567"), []byte("-1.2345678901234567e-12"), []byte("inf")}
	buf := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() {
		for _, s := range texts {
			x, _ := ParseDouble(s)
			buf = AppendDouble(buf[:0], x)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
