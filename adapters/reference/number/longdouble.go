package number

import "math/big"

// A LongDouble is a number of the x87's 80 bits, 64 of them mantissa: what INCRBYFLOAT and HINCRBYFLOAT add in on the
// processors that most servers run on. The zero value is 0.
type LongDouble struct {
	f   big.Float // of precision 64, or 0 for the zero value
	nan bool
}

// Bounds of the format: 2^maxExponent and more is infinite, and what is less than 2^minExponent rounds to zero.
const (
	precision   = 64
	maxExponent = 16384
	minExponent = -16446
)

// longest is one more than the digits that string2ld looks at (util.h: MAX_LONG_DOUBLE_CHARS).
const longest = 5 * 1024

// ParseLongDouble reads a number that is the whole of b, as string2ld (util.c) does: no space before it, not NaN, and neither
// so large nor so small that it cannot be told from infinity or zero. "inf" is a number.
func ParseLongDouble(b []byte) (x LongDouble, ok bool) {
	if len(b) == 0 || len(b) >= longest || space(b[0]) {
		return x, false
	}
	if d, n, _ := Strtod(b); n != len(b) || d != d {
		return x, false
	}
	negative := b[0] == '-'
	if b[0] == '-' || b[0] == '+' {
		b = b[1:]
	}
	switch {
	case b[0]|0x20 == 'i':
		x.f.SetInf(negative)
		return x, true
	case hexadecimal(b):
		ok = x.setHex(b[2:])
	default:
		ok = x.setDecimal(b)
	}
	if negative {
		x.f.Neg(&x.f)
	}
	return x, ok
}

// setDecimal takes digits with or without a point and an exponent.
func (x *LongDouble) setDecimal(b []byte) bool {
	digits, scale := significand(b, 'e', 1)
	x.f.SetPrec(precision)
	if len(digits) == 0 {
		return true
	}
	if len(digits)+scale > maxExponent || len(digits)+scale < minExponent { // far beyond, for they are powers of two
		return false
	}
	var whole, power big.Float
	if len(digits) < 20 {
		whole.SetUint64(smallUint(digits)) // exact: less than 10^19
	} else {
		n, _ := new(big.Int).SetString(string(digits), 10)
		whole.SetInt(n)
	}
	power.SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(scale, -scale))), nil))
	if scale < 0 {
		x.f.Quo(&whole, &power)
	} else {
		x.f.Mul(&whole, &power)
	}
	return x.inRange()
}

// setHex takes the same in hexadecimal, without its 0x.
func (x *LongDouble) setHex(b []byte) bool {
	digits, scale := significand(b, 'p', 4)
	x.f.SetPrec(precision)
	if len(digits) == 0 {
		return true
	}
	n, _ := new(big.Int).SetString(string(digits), 16)
	x.f.SetInt(n)
	x.f.SetMantExp(&x.f, scale)
	return x.inRange()
}

// inRange reports whether x is neither infinite nor zero in 80 bits. It was neither before.
func (x *LongDouble) inRange() bool {
	e := x.f.MantExp(nil)
	return e <= maxExponent && e > minExponent
}

// significand returns the digits of b without the point and the zeros before them, and the exponent that they stand before
// then, where each digit counts step. The exponent is bounded: what is beyond is out of range anyway.
func significand(b []byte, mark byte, step int) (digits []byte, scale int) {
	const beyond = 1 << 20
	digits = make([]byte, 0, len(b))
	fraction := false
	for i, c := range b {
		switch {
		case c == '.':
			fraction = true
		case c|0x20 == mark:
			return digits, max(-beyond, min(beyond, scale+signed(b[i+1:], beyond)))
		default:
			if fraction {
				scale -= step
			}
			if c != '0' || len(digits) > 0 {
				digits = append(digits, c)
			}
		}
	}
	return digits, scale
}

// signed reads an exponent, at most limit in size.
func signed(b []byte, limit int) int {
	negative := b[0] == '-'
	if negative || b[0] == '+' {
		b = b[1:]
	}
	n := 0
	for _, c := range b {
		n = min(n*10+int(c-'0'), limit)
	}
	if negative {
		return -n
	}
	return n
}

func smallUint(digits []byte) (n uint64) {
	for _, c := range digits {
		n = n*10 + uint64(c-'0')
	}
	return n
}

// Add returns x + y, rounded to 64 bits.
func (x LongDouble) Add(y LongDouble) (sum LongDouble) {
	sum.f.SetPrec(precision)
	switch {
	case x.nan || y.nan || x.f.IsInf() && y.f.IsInf() && x.f.Signbit() != y.f.Signbit():
		sum.nan = true
		return sum
	case x.f.IsInf() || y.f.IsInf():
		sum.f.SetInf(x.f.IsInf() && x.f.Signbit() || y.f.IsInf() && y.f.Signbit())
		return sum
	}
	sum.f.Add(&x.f, &y.f)
	if sum.f.MantExp(nil) > maxExponent {
		sum.f.SetInf(sum.f.Signbit())
	}
	return sum
}

// IsFinite reports whether x is neither infinite nor NaN.
func (x LongDouble) IsFinite() bool { return !x.nan && !x.f.IsInf() }

// AppendHuman appends x with up to 17 digits after the point and no zeros at the end (ld2string, LD_STR_HUMAN). x is finite.
func (x LongDouble) AppendHuman(b []byte) []byte {
	return people(x.f.Append(b, 'f', 17), len(b))
}
