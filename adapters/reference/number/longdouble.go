package number

import (
	"math/big"
	"math/bits"
	"strconv"
)

// A LongDouble is a number of the x87's 80 bits, 64 of them mantissa: what INCRBYFLOAT and HINCRBYFLOAT add in on the
// processors that most servers run on. The zero value is 0.
type LongDouble struct {
	mantissa uint64 // with its highest bit set, or 0
	exponent int    // the value is mantissa * 2^exponent
	negative bool
	special  special
}

// special is a LongDouble that is no finite number.
type special uint8

const (
	finite special = iota
	infinite
	notANumber
)

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
	x.negative = b[0] == '-'
	if b[0] == '-' || b[0] == '+' {
		b = b[1:]
	}
	switch {
	case b[0]|0x20 == 'i':
		x.special = infinite
		return x, true
	case hexadecimal(b):
		return x, x.setHex(b[2:])
	}
	return x, x.setDecimal(b)
}

// setDecimal takes digits with or without a point and an exponent.
func (x *LongDouble) setDecimal(b []byte) bool {
	var room [32]byte
	digits, scale := significand(room[:0], b, 'e', 1)
	switch {
	case len(digits) == 0:
		return true
	case len(digits) < 20 && scale >= -exactPower && scale <= exactPower:
		x.scale(smallUint(digits), scale)
		return true
	case len(digits)+scale > maxExponent || len(digits)+scale < minExponent: // far beyond, for they are powers of two
		return false
	}
	var whole, power, f big.Float
	n, _ := new(big.Int).SetString(string(digits), 10)
	whole.SetInt(n)
	power.SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(scale, -scale))), nil))
	f.SetPrec(precision)
	if scale < 0 {
		f.Quo(&whole, &power)
	} else {
		f.Mul(&whole, &power)
	}
	return x.setBig(&f)
}

// exactPower is the largest power of five that 64 bits hold.
const exactPower = 27

// scale sets x to n * 10^scale, rounded once: n is not 0, and the power of five in it is exact.
func (x *LongDouble) scale(n uint64, scale int) {
	power := uint64(1)
	for range max(scale, -scale) {
		power *= 5
	}
	if scale >= 0 {
		hi, lo := bits.Mul64(n, power)
		x.round(hi, lo, scale+64)
		return
	}
	shiftN, shiftP := bits.LeadingZeros64(n), bits.LeadingZeros64(power)
	n, power = n<<shiftN, power<<shiftP
	whole := n / power // 0 or 1
	hi, rest := bits.Div64(n%power, 0, power)
	lo, rest := bits.Div64(rest, 0, power)
	if rest != 0 {
		lo |= 1
	}
	e := scale - shiftN + shiftP - 64
	if whole > 0 {
		lo, hi, e = lo>>1|lo&1|hi<<63, hi>>1|1<<63, e+1
	}
	x.round(hi, lo, e)
}

// round sets the size of x to (hi + lo/2^64) * 2^exponent, to the nearest number of 64 bits, or of two as near the even one.
func (x *LongDouble) round(hi, lo uint64, exponent int) {
	if hi == 0 {
		hi, lo, exponent = lo, 0, exponent-64
	}
	if hi == 0 {
		x.mantissa, x.exponent = 0, 0
		return
	}
	if shift := bits.LeadingZeros64(hi); shift > 0 {
		hi, lo, exponent = hi<<shift|lo>>(64-shift), lo<<shift, exponent-shift
	}
	if lo>>63 != 0 && (lo<<1 != 0 || hi&1 != 0) {
		if hi++; hi == 0 {
			hi, exponent = 1<<63, exponent+1
		}
	}
	x.mantissa, x.exponent = hi, exponent
}

// setHex takes the same in hexadecimal, without its 0x.
func (x *LongDouble) setHex(b []byte) bool {
	digits, scale := significand(nil, b, 'p', 4)
	if len(digits) == 0 {
		return true
	}
	n, _ := new(big.Int).SetString(string(digits), 16)
	var f big.Float
	f.SetPrec(precision).SetInt(n)
	return x.setBig(f.SetMantExp(&f, scale))
}

// setBig sets the size of x, and reports whether f, which is above 0, is neither infinite nor zero in 80 bits.
func (x *LongDouble) setBig(f *big.Float) bool {
	var fraction big.Float
	e := f.MantExp(&fraction)
	x.mantissa, _ = fraction.SetMantExp(&fraction, precision).Uint64()
	x.exponent = e - precision
	return e <= maxExponent && e > minExponent
}

// significand appends the digits of b to digits, without the point and the zeros before them, and returns the exponent that they stand before
// then, where each digit counts step. The exponent is bounded: what is beyond is out of range anyway.
func significand(digits, b []byte, mark byte, step int) (_ []byte, scale int) {
	const beyond = 1 << 20
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
	switch {
	case x.special == notANumber || y.special == notANumber:
		return LongDouble{special: notANumber}
	case x.special == infinite && y.special == infinite && x.negative != y.negative:
		return LongDouble{special: notANumber}
	case x.special == infinite || y.mantissa == 0 && y.special == finite && x.mantissa != 0:
		return x
	case y.special == infinite || x.mantissa == 0:
		return y
	}
	if x.exponent < y.exponent || x.exponent == y.exponent && x.mantissa < y.mantissa {
		x, y = y, x
	}
	hi, lo := shifted(y.mantissa, x.exponent-y.exponent)
	sum.negative = x.negative
	e := x.exponent
	if x.negative == y.negative {
		var carry uint64
		if hi, carry = bits.Add64(x.mantissa, hi, 0); carry != 0 {
			lo, hi, e = lo>>1|lo&1|hi<<63, hi>>1|1<<63, e+1
		}
	} else {
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(x.mantissa, hi, borrow)
		sum.negative = x.negative && hi|lo != 0
	}
	sum.round(hi, lo, e)
	if sum.exponent+precision > maxExponent {
		return LongDouble{special: infinite, negative: sum.negative}
	}
	return sum
}

// shifted returns n/2^by in 128 bits, of which the first 64 are whole; what does not fit is a 1 at the end.
func shifted(n uint64, by int) (hi, lo uint64) {
	switch {
	case by == 0:
		return n, 0
	case by < 64:
		return n >> by, n << (64 - by)
	case by == 64:
		return 0, n
	case by < 128:
		lo = n >> (by - 64)
		if n<<(128-by) != 0 {
			lo |= 1
		}
		return 0, lo
	}
	return 0, 1
}

// IsFinite reports whether x is neither infinite nor NaN.
func (x LongDouble) IsFinite() bool { return x.special == finite }

// digits17 is how many digits stand behind the point of what is printed for people.
const digits17 = 100_000_000_000_000_000

// AppendHuman appends x with up to 17 digits after the point and no zeros at the end (ld2string, LD_STR_HUMAN). x is finite.
func (x LongDouble) AppendHuman(b []byte) []byte {
	from := len(b)
	if x.negative {
		b = append(b, '-')
	}
	down := -x.exponent
	if down < 0 || down > 126 {
		var f big.Float
		f.SetPrec(precision).SetUint64(x.mantissa)
		return people(f.SetMantExp(&f, x.exponent).Append(b, 'f', 17), from)
	}
	whole, rest := uint64(0), x.mantissa
	if down < 64 {
		whole, rest = x.mantissa>>down, x.mantissa&(1<<down-1)
	}
	rest = overPower(rest, down)
	if rest == digits17 {
		whole, rest = whole+1, 0
	}
	b = append(strconv.AppendUint(b, whole, 10), '.')
	at := len(b)
	b = strconv.AppendUint(b, digits17+rest, 10) // its first digit takes the place of none
	copy(b[at:], b[at+1:])
	return people(b[:len(b)-1], from)
}

// overPower returns n * 10^17 / 2^power, which is at most 10^17, to the nearest integer, or of two as near the even one.
func overPower(n uint64, power int) uint64 {
	hi, lo := bits.Mul64(n, digits17)
	if power == 0 {
		return lo
	}
	var q, restHi, restLo, halfHi, halfLo uint64
	if power < 64 {
		q = hi<<(64-power) | lo>>power
		restLo, halfLo = lo&(1<<power-1), 1<<(power-1)
	} else {
		q = hi >> (power - 64)
		restHi, restLo = hi&(1<<(power-64)-1), lo
		if power == 64 {
			halfLo = 1 << 63
		} else {
			halfHi = 1 << (power - 65)
		}
	}
	above := restHi > halfHi || restHi == halfHi && restLo > halfLo
	tie := restHi == halfHi && restLo == halfLo
	if above || tie && q&1 != 0 {
		q++
	}
	return q
}
