// Package number reads and writes floating-point numbers as the C library of a Redis server does.
//
// The one idea is that a reply is compared byte for byte, so that what strtod and printf accept, round and print is the
// specification: "0x1p4", " 1", "+inf" and "1e400" each have one answer, and it depends on who asks. Nothing here allocates
// for numbers of up to 32 bytes.
package number

import (
	"math"
	"strconv"
)

// ParseDouble reads a number that is the whole of b, as string2d (util.c) does: no space before it, not NaN, and neither so
// large nor so small that it cannot be told from infinity or zero. "inf" is a number.
func ParseDouble(b []byte) (x float64, ok bool) {
	if len(b) == 0 || space(b[0]) {
		return 0, false
	}
	x, n, outOfRange := Strtod(b)
	return x, n == len(b) && !outOfRange && x == x
}

// Strtod reads the longest number that b begins with, as strtod(3) does, and returns how many bytes that took: 0 if there is
// none. Space before it is skipped. outOfRange is for a number that became infinite, or zero although it is not.
func Strtod(b []byte) (x float64, n int, outOfRange bool) {
	i := 0
	for i < len(b) && space(b[i]) {
		i++
	}
	from := i
	negative := i < len(b) && b[i] == '-'
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		i++
	}
	if i < len(b) && b[i]|0x20 >= 'i' {
		return word(b, i, negative)
	}
	if hexadecimal(b[i:]) {
		return hex(b, from, i)
	}
	s := mantissa(b, i, decimalDigit)
	if s.digits == 0 {
		return 0, 0, false
	}
	n = exponent(b, s.end, 'e')
	if s.whole && n == s.end && s.digits < 19 {
		return small(b[i:n], negative), n, false
	}
	x, outOfRange = parse(string(b[from:n]), s.zero)
	return x, n, outOfRange
}

// A span is the digits of a number, with or without a point.
type span struct {
	end, digits int
	whole       bool // there is no point
	zero        bool // no digit but 0
}

func mantissa(b []byte, i int, digit func(byte) bool) span {
	s := span{whole: true, zero: true}
	for ; i < len(b); i++ {
		switch {
		case digit(b[i]):
			s.digits++
			s.zero = s.zero && b[i] == '0'
		case b[i] == '.' && s.whole:
			s.whole = false
		default:
			s.end = i
			return s
		}
	}
	s.end = i
	return s
}

// exponent returns the end of the exponent at i, which is i if there is none.
func exponent(b []byte, i int, mark byte) int {
	if i >= len(b) || b[i]|0x20 != mark {
		return i
	}
	at := i + 1
	if at < len(b) && (b[at] == '-' || b[at] == '+') {
		at++
	}
	first := at
	for at < len(b) && decimalDigit(b[at]) {
		at++
	}
	if at == first {
		return i
	}
	return at
}

// hexadecimal reports whether b begins with 0x and a digit.
func hexadecimal(b []byte) bool {
	if len(b) < 3 || b[0] != '0' || b[1]|0x20 != 'x' {
		return false
	}
	return hexDigit(b[2]) || b[2] == '.' && len(b) > 3 && hexDigit(b[3])
}

// hex reads a hexadecimal number whose sign is at from, if it has one, and whose 0x is at i.
func hex(b []byte, from, i int) (x float64, n int, outOfRange bool) {
	s := mantissa(b, i+2, hexDigit)
	n = exponent(b, s.end, 'p')
	text := string(b[from:n])
	if n == s.end {
		text += "p0" // which Go asks for and C does not
	}
	x, outOfRange = parse(text, s.zero)
	return x, n, outOfRange
}

// small is the value of up to 18 digits.
func small(digits []byte, negative bool) float64 {
	var n int64
	for _, c := range digits {
		n = n*10 + int64(c-'0')
	}
	if negative {
		return -float64(n) // -0 too
	}
	return float64(n)
}

// parse is for what is a number by C's grammar.
func parse(s string, zero bool) (x float64, outOfRange bool) {
	x, _ = strconv.ParseFloat(s, 64) // ±Inf where it is out of range
	return x, math.IsInf(x, 0) || x == 0 && !zero
}

// word reads inf, infinity, nan and nan(…) in any case, at i behind the sign.
func word(b []byte, i int, negative bool) (x float64, n int, outOfRange bool) {
	switch {
	case begins(b[i:], "infinity"):
		n = i + len("infinity")
	case begins(b[i:], "inf"):
		n = i + len("inf")
	case begins(b[i:], "nan"):
		return math.NaN(), nanEnd(b, i+len("nan")), false
	default:
		return 0, 0, false
	}
	if negative {
		return math.Inf(-1), n, false
	}
	return math.Inf(1), n, false
}

// nanEnd returns the end of the (…) at i, which is i if there is none.
func nanEnd(b []byte, i int) int {
	if i >= len(b) || b[i] != '(' {
		return i
	}
	for at := i + 1; at < len(b); at++ {
		c := b[at]
		if c == ')' {
			return at + 1
		}
		if !decimalDigit(c) && c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') {
			break
		}
	}
	return i
}

func begins(b []byte, lower string) bool {
	if len(b) < len(lower) {
		return false
	}
	for i := range len(lower) {
		if b[i]|0x20 != lower[i] {
			return false
		}
	}
	return true
}

func space(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func decimalDigit(c byte) bool { return c >= '0' && c <= '9' }

func hexDigit(c byte) bool { return decimalDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }
