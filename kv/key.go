package kv

import "strings"

// A Part is one component of a composite key: a partition and a sort key, a set and a digest, a bucket and a key.
type Part struct{ Name, Value string }

// Join writes the values of parts as one string that Split reverses: values are joined by "|", and "|" and "\" inside a
// value are escaped with "\".
func Join(parts []Part) string {
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteByte('|')
		}
		for j := range len(p.Value) {
			if c := p.Value[j]; c == '|' || c == '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(p.Value[j])
		}
	}
	return b.String()
}

// Split returns the values that Join joined. A lone "\" at the end stands for itself.
func Split(key string) []string {
	var values []string
	var b strings.Builder
	for i := 0; i < len(key); i++ {
		switch c := key[i]; {
		case c == '|':
			values = append(values, b.String())
			b.Reset()
		case c == '\\' && i+1 < len(key):
			i++
			b.WriteByte(key[i])
		default:
			b.WriteByte(c)
		}
	}
	return append(values, b.String())
}
