package keydesign

import (
	"strings"
	"unicode/utf8"
)

// An oddity is something in a key's bytes that a rule may hold against it.
type oddity uint8

const (
	oddSpace  oddity = 1 << iota // a space or a control byte, in a key that is text
	oddBinary                    // not UTF-8, or a NUL
	oddBrace                     // braces that are no single hash tag
	oddCard                      // digits that could be the number of a payment card
)

// classes of bytes that are worth a closer look at the key.
const (
	plain = iota
	classSpace
	classHigh
	classNUL
	classBrace
	classDigit
)

var classOf = func() (c [256]uint8) {
	for b := range c {
		switch {
		case b == 0:
			c[b] = classNUL
		case b <= ' ' || b == 0x7f:
			c[b] = classSpace
		case b >= 0x80:
			c[b] = classHigh
		case b == '{' || b == '}':
			c[b] = classBrace
		case '0' <= b && b <= '9':
			c[b] = classDigit
		}
	}
	return c
}()

// oddities looks at each byte once; most keys end there.
func oddities(key string) oddity {
	var seen [8]bool
	digits, longest := 0, 0
	for i := range len(key) {
		c := classOf[key[i]]
		seen[c&7] = true
		if c == classDigit {
			digits++
			longest = max(longest, digits)
		} else {
			digits = 0
		}
	}
	var o oddity
	switch {
	case seen[classNUL], seen[classHigh] && !utf8.ValidString(key):
		o |= oddBinary
	case seen[classSpace]:
		o |= oddSpace
	}
	if seen[classBrace] && !oneTag(key) {
		o |= oddBrace
	}
	if longest >= cardMin && hasCard(key) {
		o |= oddCard
	}
	return o
}

// oneTag reports whether the braces of key are one hash tag and nothing else: "{", at least one byte, "}".
func oneTag(key string) bool {
	open, end := strings.IndexByte(key, '{'), strings.IndexByte(key, '}')
	return open >= 0 && end > open+1 && strings.Count(key, "{") == 1 && strings.Count(key, "}") == 1
}

// A card number has 13 to 19 digits (ISO/IEC 7812).
const cardMin, cardMax = 13, 19

// hasCard reports whether key has a run of digits that could be a card number.
func hasCard(key string) bool {
	for i := 0; i < len(key); {
		j := i
		for j < len(key) && classOf[key[j]] == classDigit {
			j++
		}
		if n := j - i; cardMin <= n && n <= cardMax && '2' <= key[i] && key[i] <= '6' && luhn(key[i:j]) {
			return true
		}
		i = max(j, i+1)
	}
	return false
}

// luhn checks the last digit (ISO/IEC 7812-1, annex B): doubled from the right, every other one, the sum ends in 0.
func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
