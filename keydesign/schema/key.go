package schema

import "strings"

// A Key is the parsed text of a template's key: literals and placeholders in turn.
//
//	key  = { literal | "{{" | "}}" | "{" name [ ":" type ] "}" | "{" type "}" }
//
// Doubled braces are braces of the key itself, so that {{user:{uid}}}:cart has the hash tag {user:…}.
type Key []Piece

// A Piece is a literal, or a placeholder if Type is set.
type Piece struct {
	Literal string
	Field   string // name of the placeholder; empty if it has only a type
	Shared  bool   // Field names one of Schema.Fields, so that the text of the key does not say its type
	Type    *Type  // resolved: that of the field, if the placeholder names one
}

// String returns the text of the key, from which ParseKey makes the same key.
func (k Key) String() string {
	var b strings.Builder
	for _, p := range k {
		b.WriteString(p.String())
	}
	return b.String()
}

// String returns the text of the piece, with the braces of literals doubled.
func (p Piece) String() string {
	switch {
	case p.Type == nil:
		return strings.NewReplacer("{", "{{", "}", "}}").Replace(p.Literal)
	case p.Shared:
		return "{" + p.Field + "}"
	case p.Field == "":
		return "{" + p.Type.String() + "}"
	}
	return "{" + p.Field + ":" + p.Type.String() + "}"
}

// Name returns what other parts of the schema call a placeholder: its name or, if it has none, its type. It is empty for a
// literal.
func (p Piece) Name() string {
	if p.Field == "" && p.Type != nil {
		return string(p.Type.Kind)
	}
	return p.Field
}

// Has reports whether a placeholder of the key has the name.
func (k Key) Has(name string) bool {
	for _, p := range k {
		if name != "" && p.Name() == name {
			return true
		}
	}
	return false
}
