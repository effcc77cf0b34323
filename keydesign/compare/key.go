package compare

import (
	"slices"
	"strings"

	"github.com/kvtool/kvtool/keydesign/automaton"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// key compares the keys of a pair. Whatever differs but the names of placeholders, keys of before are not found any more.
func (c *comparison) key(p pair) {
	a, b := p.old.Key, p.new.Key
	if shape(a) == shape(b) {
		c.differ(Compatible, p, "placeholders", placeholders(a, true), placeholders(b, true))
		return
	}
	if c.sides.observed() {
		if _, ok := automaton.SetOf(a).Intersect(automaton.SetOf(b)); ok {
			return
		}
	}
	if onlyWider(a, b) {
		c.add(Compatible, p, "key takes more values", a.String(), b.String())
		return
	}
	if a.String() == b.String() { // a shared field has another type
		a, b = typed(a), typed(b)
	}
	c.add(Breaking, p, keyChange(a, b), a.String(), b.String())
}

// typed returns the key with the types of shared fields in it.
func typed(k schema.Key) schema.Key {
	out := slices.Clone(k)
	for i := range out {
		out[i].Shared = false
	}
	return out
}

// keyChange names what is different about two keys.
func keyChange(a, b schema.Key) string {
	var what []string
	if s, t := separators(a), separators(b); s != t && len(s) == len(t) && strings.Join(words(a), " ") == strings.Join(words(b), " ") {
		what = append(what, "separator")
	}
	if s, t := tag(a), tag(b); s != t {
		what = append(what, "hash tag")
	}
	if s, t := placeholders(a, false), placeholders(b, false); s != t {
		what = append(what, "placeholder type")
	}
	if strings.Join(words(a), " ") != strings.Join(words(b), " ") {
		what = append(what, "words")
	}
	if what == nil {
		return "key"
	}
	return "key: " + strings.Join(what, ", ")
}

const strong = ":/|#"

// separators returns the strong separators of a key's literals.
func separators(k schema.Key) string {
	var b strings.Builder
	for _, p := range k {
		for i := range len(p.Literal) {
			if strings.IndexByte(strong, p.Literal[i]) >= 0 {
				b.WriteByte(p.Literal[i])
			}
		}
	}
	return b.String()
}

// words returns the words of a key's literals: what stands between separators and braces.
func words(k schema.Key) []string {
	var out []string
	for _, p := range k {
		out = append(out, strings.FieldsFunc(p.Literal, func(r rune) bool { return strings.ContainsRune(strong+"{}", r) })...)
	}
	return out
}

// tag returns what stands between the first { and the next } of a key's shape.
func tag(k schema.Key) string {
	_, rest, open := strings.Cut(shape(k), "{")
	inside, _, closed := strings.Cut(rest, "}")
	if !open || !closed {
		return ""
	}
	return inside
}

// onlyWider reports whether b takes all keys of a: the same literals, and each type takes no less.
func onlyWider(a, b schema.Key) bool {
	return slices.EqualFunc(a, b, func(p, q schema.Piece) bool {
		if p.Type == nil || q.Type == nil {
			return p.Type == nil && q.Type == nil && p.Literal == q.Literal
		}
		return p.Type.String() == q.Type.String() || wider(p.Type, q.Type)
	})
}

// wider reports whether b takes every value that a takes, where that is plain to see.
func wider(a, b *schema.Type) bool {
	if a.Kind != b.Kind {
		return false
	}
	switch a.Kind {
	case schema.TypeEnum:
		return !slices.ContainsFunc(a.Values, func(v string) bool { return !slices.Contains(b.Values, v) })
	case schema.TypeUint:
		return b.Min <= a.Min && b.Max >= a.Max
	case schema.TypeStr:
		return b.N == 0 || a.N > 0 && b.N >= a.N
	case schema.TypeHex, schema.TypeOpaque, schema.TypeBin:
		return b.N == 0
	}
	return false
}
