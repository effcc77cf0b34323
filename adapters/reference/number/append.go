package number

import (
	"math"
	"strconv"
)

// exact bounds the whole numbers that "%.17g" prints without an exponent.
const exact = 1e17

// AppendDouble appends x as printf's "%.17g" does, and infinity as inf: how a score is replied in RESP2 and RESP3
// (addReplyDouble) and how one with a fraction is kept in a listpack (d2string).
func AppendDouble(b []byte, x float64) []byte {
	switch {
	case math.Abs(x) < exact && x == math.Trunc(x) && (x != 0 || !math.Signbit(x)):
		return strconv.AppendInt(b, int64(x), 10)
	case math.IsInf(x, 1):
		return append(b, "inf"...)
	case math.IsInf(x, -1):
		return append(b, "-inf"...)
	case x != x:
		return append(b, "nan"...)
	}
	return strconv.AppendFloat(b, x, 'g', 17, 64)
}

// Whole returns x as the integer that a listpack keeps in its place, as double2ll (util.c) does: a whole number of up to 62
// bits. The sign of a zero is lost.
func Whole(x float64) (n int64, ok bool) {
	if x < -(1<<62) || x > 1<<62 {
		return 0, false
	}
	n = int64(x)
	return n, float64(n) == x
}

// AppendHuman appends x with up to 17 digits after the point and no zeros at the end, as ld2string (util.c) does for people:
// how a coordinate is replied.
func AppendHuman(b []byte, x float64) []byte {
	if math.IsInf(x, 0) {
		return AppendDouble(b, x)
	}
	from := len(b)
	return people(strconv.AppendFloat(b, x, 'f', 17, 64), from)
}

// people takes from the number at b[from:] the zeros at its end and the sign of a zero.
func people(b []byte, from int) []byte {
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	if b[len(b)-1] == '.' {
		b = b[:len(b)-1]
	}
	if string(b[from:]) == "-0" {
		return append(b[:from], '0')
	}
	return b
}

// AppendFixed4 appends x with four digits after the point, halves to the even digit, as fixedpoint_d2string (util.c) does: how
// a distance is replied. x is less than 9e14; of NaN it makes what the server does.
func AppendFixed4(b []byte, x float64) []byte {
	const unit = 10000
	n := int64(math.MinInt64)
	if x == x {
		n = int64(math.RoundToEven(x * unit))
	}
	u := uint64(n)
	if n < 0 {
		b = append(b, '-')
		u = -u
	}
	b = strconv.AppendUint(b, u/unit, 10)
	b = append(b, '.')
	for d := uint64(unit / 10); d > 0; d /= 10 {
		b = append(b, '0'+byte(u/d%10))
	}
	return b
}
