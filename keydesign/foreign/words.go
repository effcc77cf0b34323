package foreign

import (
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// clean makes one line of a text that a terminal may show.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// templateName makes the name of a template of whatever another tool allows.
func templateName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_', r == '.', r == '-':
			return r
		}
		return '_'
	}, s)
	if s == "" || s[0] == '.' || s[0] == '-' || strings.HasPrefix(s, "x-") {
		s = "_" + s
	}
	return s[:min(len(s), 100)]
}

// fieldName makes the name of a placeholder: a small letter, then letters, digits and underscores.
func fieldName(s string) string {
	s = strings.TrimLeft(strings.ReplaceAll(strings.ReplaceAll(templateName(s), ".", "_"), "-", "_"), "_0123456789")
	switch {
	case s == "":
		return "field"
	case s == strings.ToUpper(s):
		return strings.ToLower(s)
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// literal is a piece of a key that is always the same.
func literal(s string) schema.Piece { return schema.Piece{Literal: s} }

// placeholder is a piece of a key with the name of an attribute.
func placeholder(name string, t schema.Type) schema.Piece {
	return schema.Piece{Field: fieldName(name), Type: &t}
}

// key joins pieces, without those that are empty.
func key(pieces ...schema.Piece) schema.Key {
	var k schema.Key
	for _, p := range pieces {
		last := len(k) - 1
		switch {
		case p.Type == nil && p.Literal == "":
		case p.Type == nil && last >= 0 && k[last].Type == nil:
			k[last].Literal += p.Literal
		default:
			k = append(k, p)
		}
	}
	return k
}

// text returns a scalar that a mapping has, "" if it has none.
func text(n yamlfile.Node, name string) string {
	v, ok := n.Get(name)
	if !ok {
		return ""
	}
	s, _ := v.Scalar()
	return s
}

// texts returns a list of scalars that a mapping has.
func texts(n yamlfile.Node, name string) []string {
	v, ok := n.Get(name)
	if !ok {
		return nil
	}
	return list(v)
}

func list(v yamlfile.Node) []string {
	items, err := v.Items()
	if err != nil {
		return nil
	}
	var all []string
	for _, i := range items {
		if s, tag := i.Scalar(); tag != "" {
			all = append(all, s)
		}
	}
	return all
}

// enum is a type of the given values, or any text if there are too many or none.
func enum(values []string) schema.Type {
	t := schema.Type{Kind: schema.TypeEnum}
	seen := map[string]bool{"": true}
	for _, v := range values {
		if !seen[v] {
			seen[v] = true
			t.Values = append(t.Values, v)
		}
	}
	if parsed, err := schema.ParseType(t.String()); err == nil && len(t.Values) > 0 {
		return parsed
	}
	return schema.Type{Kind: schema.TypeStr}
}

// DynamoDB allows 25 indexes of a table, and keys of 2 KiB. What is beyond these bounds is no design, and costs time.
const (
	maxIndexes  = 100
	maxTemplate = 4096
)

// few refuses a table with more indexes than there can be.
func few(indexes yamlfile.Node) error {
	if indexes.Len() > maxIndexes {
		return indexes.Errorf("%s: more than %d", where(indexes), maxIndexes)
	}
	return nil
}

// braces splits a text at ${name}. It calls lit with what stands between, and name with what stands inside. A text that is too
// long is no key.
func braces(s string, lit, name func(string) schema.Piece) schema.Key {
	if len(s) > maxTemplate {
		return nil
	}
	var pieces []schema.Piece
	for s != "" {
		before, rest, ok := strings.Cut(s, "${")
		inside, after, closed := strings.Cut(rest, "}")
		if !ok || !closed {
			return key(append(pieces, lit(s))...)
		}
		pieces = append(pieces, lit(before), name(inside))
		s = after
	}
	return key(pieces...)
}
