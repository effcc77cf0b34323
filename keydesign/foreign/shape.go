package foreign

import (
	"regexp"
	"strings"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// A shaped is a value taken apart: words, separators, and between them what differs from item to item.
type shaped []part

// A part is a word with the separator behind it if its kind is empty, and a value otherwise.
type part struct {
	text string
	kind schema.TypeKind
}

// A shaper knows the types that values are tried for, the most special first.
type shaper []kind

type kind struct {
	of schema.TypeKind
	re *regexp.Regexp
}

func newShaper() shaper {
	var s shaper
	for _, k := range [...]schema.TypeKind{
		schema.TypeUUID, schema.TypeULID, schema.TypeDate, schema.TypeEmail, schema.TypeIP, schema.TypeURL, schema.TypeInt, schema.TypeFloat,
	} {
		s = append(s, kind{k, regexp.MustCompile(`\A(?:` + schema.Type{Kind: k}.Regexp() + `)\z`)})
	}
	return s
}

func (s shaper) kindOf(v string) schema.TypeKind {
	for _, k := range s {
		if k.re.MatchString(v) {
			return k.of
		}
	}
	return schema.TypeStr
}

// What is longer, or of more parts, is no key that somebody designed.
const (
	maxValue = 256
	maxParts = 16
)

// shape takes a value apart at # and :, unless it is of a type as a whole, such as a date. What stands before a separator and has
// only letters is a word. So is a value of small or only capital letters alone, such as metadata or PROFILE.
func (s shaper) shape(v string) shaped {
	if len(v) > maxValue || strings.Count(v, "#")+strings.Count(v, ":") > maxParts {
		return shaped{{v, schema.TypeStr}}
	}
	if word(v) && (v == strings.ToLower(v) || v == strings.ToUpper(v)) {
		return shaped{{text: v}}
	}
	var parts shaped
	for rest := v; rest != ""; {
		i := strings.IndexAny(rest, "#:")
		if k := s.kindOf(rest); i < 0 || k != schema.TypeStr {
			return append(parts, part{rest, k})
		}
		if head := rest[:i]; head == "" || word(head) {
			parts = append(parts, part{text: rest[:i+1]})
		} else {
			parts = append(parts, part{head, s.kindOf(head)}, part{text: rest[i : i+1]})
		}
		rest = rest[i+1:]
	}
	return parts
}

func word(s string) bool {
	return s != "" && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz_-") == ""
}

// look is what items of one kind have in common.
func (s shaped) look() string {
	var b strings.Builder
	for _, p := range s {
		if p.kind == "" {
			b.WriteString(p.text)
		} else {
			b.WriteByte(0)
		}
	}
	return b.String()
}

// word returns the first word.
func (s shaped) word() string {
	if len(s) == 0 || s[0].kind != "" {
		return ""
	}
	return strings.TrimRight(s[0].text, "#:")
}

// keyOf makes a key of values that look alike. A placeholder is named by the word before it or, if there is none, by the
// attribute; its type is that of all values, or any text.
func keyOf(attribute string, all []shaped) schema.Key {
	var pieces []schema.Piece
	name := attribute
	for i, p := range all[0] {
		if p.kind == "" {
			pieces = append(pieces, literal(p.text))
			if w := strings.Trim(p.text, "#:"); w != "" {
				name = w
			}
			continue
		}
		t := schema.Type{Kind: p.kind}
		for _, s := range all {
			if s[i].kind != p.kind {
				t.Kind = schema.TypeStr
			}
		}
		pieces = append(pieces, placeholder(name, t))
	}
	return key(pieces...)
}
