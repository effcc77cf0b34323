package export

import (
	"encoding/base64"
	"unicode/utf8"
)

// Keys are bytes, and a column of text is UTF-8 in every program that reads it. One rule makes the first the second, without
// loss: a byte that is no UTF-8 or is part of a control character is written \xNN, and so is a backslash where it would read
// as the beginning of such an escape. Any other text, other backslashes included, is as it was. To get the bytes back, replace
// every \xNN by its byte.
//
// No row has a line break in it then, and no key drives a terminal.

// Classes of bytes.
const (
	plain     = 0
	control   = 1 << iota // or DEL
	high                  // part of a character over ASCII, or of none
	backslash             //
	quoted                // a quote or a comma
)

// classes tells the class of each byte.
var classes = func() (t [256]uint8) {
	for i := range t {
		switch {
		case i < ' ' || i == 0x7f:
			t[i] = control
		case i >= utf8.RuneSelf:
			t[i] = high
		case i == '\\':
			t[i] = backslash
		case i == '"' || i == ',':
			t[i] = quoted
		}
	}
	return t
}()

// survey returns the classes that occur in s.
func survey(s string) uint8 {
	var all uint8
	for i := range len(s) {
		all |= classes[s[i]]
	}
	return all
}

// appendText appends s, whose bytes are of the classes in all, by the rule above.
func appendText(b []byte, s string, all uint8) []byte {
	if all&(control|high|backslash) == 0 {
		return append(b, s...)
	}
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < ' ' || c == 0x7f || c == '\\' && isEscape(s[i:]) {
				b = appendEscape(b, c)
			} else {
				b = append(b, c)
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || r < 0xa0 {
			for range n {
				b = appendEscape(b, s[i])
				i++
			}
			continue
		}
		b = append(b, s[i:i+n]...)
		i += n
	}
	return b
}

const hexDigits = "0123456789ABCDEF"

func appendEscape(b []byte, c byte) []byte {
	return append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
}

// isEscape reports whether s begins with \xNN.
func isEscape(s string) bool {
	return len(s) >= 4 && s[0] == '\\' && s[1] == 'x' && isHex(s[2]) && isHex(s[3])
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// mark puts m before every quote of b[from:] and before every m.
func mark(b []byte, from int, m byte) []byte {
	n := 0
	for _, c := range b[from:] {
		if c == '"' || c == m {
			n++
		}
	}
	end := len(b)
	for range n {
		b = append(b, m)
	}
	for to := len(b); n > 0; {
		end--
		to--
		b[to] = b[end]
		if b[end] == '"' || b[end] == m {
			to--
			b[to] = m
			n--
		}
	}
	return b
}

// appendBase64 appends s in the alphabet of RFC 4648 with padding, which every engine reads.
func appendBase64(b []byte, s string) []byte {
	// In pieces of whole groups, so that no copy of a long key is made.
	var piece [3 << 8]byte
	for {
		n := copy(piece[:], s)
		b = base64.StdEncoding.AppendEncode(b, piece[:n])
		if s = s[n:]; s == "" {
			return b
		}
	}
}
