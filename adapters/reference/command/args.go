package command

import "bytes"

// is reports whether arg is a word, given in lower case, in any case: strcasecmp in the C locale. (bytes.EqualFold folds letters
// beyond ASCII, too.)
func is(arg []byte, lower string) bool {
	if len(arg) != len(lower) {
		return false
	}
	for i := range arg {
		c := arg[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// cString is what C sees of a string: up to its first zero byte.
func cString(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
