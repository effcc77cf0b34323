package item

import (
	"bytes"
	"strconv"
)

// numberSize returns how many bytes DynamoDB counts for a number: one for each pair of digits, one more, and one for a minus. Zeros
// on either side are no significant digits, so that 100 takes 2 bytes and 0 takes 1. Digits pair up at the point, so that 1.23 is 01 23
// and 1.234 takes three pairs: the developer guide says "approximately", DynamoDB Local counts so. ok is false if text is no number.
func numberSize(text []byte) (n int64, ok bool) {
	d, ok := parseDecimal(text)
	switch {
	case !ok:
		return 0, false
	case d.digits == 0:
		return 1, true
	}
	top := d.exponent + d.digits - 1
	n = int64(top>>1-d.exponent>>1) + 2
	if d.negative {
		n++
	}
	return n, true
}

// A decimal is where the digits of a number stand in its text.
type decimal struct {
	negative    bool
	first, last int // of the significant digits, in the text; a point may be between them
	digits      int // significant; 0 is zero
	exponent    int // of ten, of the last significant digit
}

// largestExponent bounds what is read: DynamoDB's numbers go to 9.99e125.
const largestExponent = 1000

// parseDecimal reads 12, -1.50, 6d2, 5., 1E-3: the forms of DynamoDB and of Ion.
func parseDecimal(text []byte) (d decimal, ok bool) {
	i := 0
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		d.negative = text[0] == '-'
		i = 1
	}
	point, any := -1, false
	after := 0 // digits behind the point
	trailing := 0
	for ; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '.' && point < 0:
			point = i
			continue
		case c == '_':
			continue
		case c < '0' || c > '9':
			return d, any && d.scale(text[i:], after, trailing)
		}
		any = true
		if point >= 0 {
			after++
		}
		switch {
		case c != '0':
			if d.digits == 0 {
				d.first = i
			}
			d.digits += trailing + 1
			d.last, trailing = i, 0
		case d.digits > 0:
			trailing++
		}
	}
	return d, any && d.scale(nil, after, trailing)
}

// scale sets the exponent from what follows the digits, which is nothing or e and a number.
func (d *decimal) scale(rest []byte, after, trailing int) bool {
	e := 0
	if len(rest) > 0 {
		if bytes.IndexByte([]byte("eEdD"), rest[0]) < 0 {
			return false
		}
		v, err := strconv.Atoi(string(rest[1:]))
		if err != nil || v > largestExponent || v < -largestExponent {
			return false
		}
		e = v
	}
	d.exponent = e - after + trailing
	if d.digits == 0 {
		d.negative, d.exponent = false, 0
	}
	return true
}

// appendDecimal appends the number in its plain form, in which equal numbers are equal text: 600 for 6d2, 1.5 for 1.50.
func appendDecimal(b, text []byte) []byte {
	d, ok := parseDecimal(text)
	switch {
	case !ok:
		return append(b, text...)
	case d.digits == 0:
		return append(b, '0')
	}
	if d.negative {
		b = append(b, '-')
	}
	whole := d.digits + d.exponent // digits before the point
	if whole <= 0 {
		b = append(b, '0', '.')
		for range -whole {
			b = append(b, '0')
		}
	}
	n := 0
	for _, c := range text[d.first : d.last+1] {
		if c < '0' || c > '9' {
			continue
		}
		if n == whole && n > 0 {
			b = append(b, '.')
		}
		b = append(b, c)
		n++
	}
	for range d.exponent {
		b = append(b, '0')
	}
	return b
}

// CompareNumbers compares two numbers in their plain form by value.
func CompareNumbers(a, b []byte) int {
	x, okX := parseDecimal(a)
	y, okY := parseDecimal(b)
	switch {
	case !okX || !okY:
		return bytes.Compare(a, b)
	case x.sign() != y.sign():
		return x.sign() - y.sign()
	case x.digits == 0:
		return 0
	}
	c := x.digits + x.exponent - y.digits - y.exponent // places before the point
	if c == 0 {
		c = bytes.Compare(x.significant(a), y.significant(b))
	}
	return c * x.sign()
}

func (d *decimal) sign() int {
	switch {
	case d.digits == 0:
		return 0
	case d.negative:
		return -1
	}
	return 1
}

// significant returns the digits of the number whose text is given, without a point.
func (d *decimal) significant(text []byte) []byte {
	return bytes.ReplaceAll(text[d.first:d.last+1], []byte("."), nil)
}

// NumberSize returns how many bytes DynamoDB counts for a number that it has written.
func NumberSize(text string) int64 {
	n, _ := numberSize([]byte(text))
	return n
}

// Plain returns a number in its plain form.
func Plain(text string) []byte { return appendDecimal(nil, []byte(text)) }
