package berkeleydb

import (
	"bytes"
	"errors"
	"fmt"
)

// What is wrong with a line of data.
var (
	errOdd    = errors.New("an odd number of hexadecimal digits")
	errEscape = errors.New(`a backslash that neither \\ nor two hexadecimal digits follow`)
)

// none is what digits has for a byte that is no hexadecimal digit.
const none = 0xff

// digits has the value of each hexadecimal digit.
var digits = func() (t [256]uint8) {
	for i := range t {
		t[i] = none
	}
	for i := range 10 {
		t['0'+i] = uint8(i)
	}
	for i := range 6 {
		t['a'+i], t['A'+i] = uint8(10+i), uint8(10+i)
	}
	return t
}()

// appendHex appends what hexadecimal digits stand for.
func appendHex(to, p []byte) ([]byte, error) {
	if len(p)%2 != 0 {
		return to, errOdd
	}
	for i := 0; i < len(p); i += 2 {
		hi, lo := digits[p[i]], digits[p[i+1]]
		if hi|lo == none {
			return to, noDigit(p[i:])
		}
		to = append(to, hi<<4|lo)
	}
	return to, nil
}

// noDigit names the first byte of p that is no hexadecimal digit.
func noDigit(p []byte) error {
	for _, c := range p {
		if digits[c] == none {
			return fmt.Errorf("%q is no hexadecimal digit", c)
		}
	}
	return nil
}

// appendPrint appends what a text with escapes stands for.
func appendPrint(to, p []byte) ([]byte, error) {
	for {
		i := bytes.IndexByte(p, '\\')
		if i < 0 {
			return append(to, p...), nil
		}
		to, p = append(to, p[:i]...), p[i+1:]
		switch {
		case len(p) > 0 && p[0] == '\\':
			to, p = append(to, '\\'), p[1:]
		case len(p) > 1 && digits[p[0]]|digits[p[1]] != none:
			to, p = append(to, digits[p[0]]<<4|digits[p[1]]), p[2:]
		default:
			return to, errEscape
		}
	}
}

// A counter counts what a line stands for, piece by piece, and keeps none of it.
type counter struct {
	n     int64 // digits, or bytes
	state uint8 // of an escape that the next piece goes on with
}

// States of an escape.
const (
	plain  uint8 = iota
	opened       // behind a backslash
	halved       // and a digit
)

// hex counts digits.
func (c *counter) hex(p []byte) error {
	if !allDigits(p) {
		return noDigit(p)
	}
	c.n += int64(len(p))
	return nil
}

// allDigits reports whether all of p are hexadecimal digits.
func allDigits(p []byte) bool {
	var seen uint8
	for len(p) >= 8 {
		q := p[:8:8]
		seen |= digits[q[0]] | digits[q[1]] | digits[q[2]] | digits[q[3]] | digits[q[4]] | digits[q[5]] | digits[q[6]] | digits[q[7]]
		p = p[8:]
	}
	for _, c := range p {
		seen |= digits[c]
	}
	return seen&0x80 == 0 // values of digits have four bits
}

// print counts bytes.
func (c *counter) print(p []byte) error {
	for len(p) > 0 {
		switch {
		case c.state == plain:
			i := bytes.IndexByte(p, '\\')
			if i < 0 {
				c.n += int64(len(p))
				return nil
			}
			c.n += int64(i)
			c.state, p = opened, p[i+1:]
			continue
		case c.state == opened && p[0] == '\\':
			c.state = plain
			c.n++
		case digits[p[0]] == none:
			return errEscape
		case c.state == opened:
			c.state = halved
		default:
			c.state = plain
			c.n++
		}
		p = p[1:]
	}
	return nil
}

// end returns how many bytes it were.
func (c *counter) end(print bool) (int64, error) {
	switch {
	case c.state != plain:
		return 0, errEscape
	case print:
		return c.n, nil
	case c.n%2 != 0:
		return 0, errOdd
	}
	return c.n / 2, nil
}
