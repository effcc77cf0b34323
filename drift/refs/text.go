package refs

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

// placeholder is one of a key as text: {uid}, {uid:int}, {value.user}.
var placeholder = regexp.MustCompile(`\{([a-z][A-Za-z0-9_]*)(\.[^{}]+)?[:}]`)

// typed is a placeholder with its type, which others of the same name have as well.
var typed = regexp.MustCompile(`\{([a-z][A-Za-z0-9_]*):([^{}]+)\}`)

// Parse reads references that are written as text, and returns them with the schema of their templates:
//
//	order:{uid}:{n} needs user:{uid}          the key names its parent
//	idx:mail:{h} needs user:{value}           the value does: of a string
//	session:{sid} needs user:{value.uid}      the field of a hash, or of a JSON object
//	friends:{uid} needs user:{member}         each member of a set, sorted set, list; each field name of a hash
//
// A placeholder without a type is any text without : / | and #.
func Parse(texts []string, s *schema.Schema) (*schema.Schema, []*Reference, error) {
	if s == nil {
		s = &schema.Schema{Store: schema.Store{Kind: schema.Redis}}
	}
	clone := *s
	clone.Templates = slices.Clone(s.Templates)
	var all []*Reference
	for _, text := range texts {
		r, err := parseOne(&clone, text)
		if err != nil {
			return nil, nil, kv.WithHint(kv.Usagef("--ref %q: %w", text, err), "a reference is 'order:{uid}:{n} needs user:{uid}'")
		}
		all = append(all, r)
	}
	return &clone, all, nil
}

func parseOne(s *schema.Schema, text string) (*Reference, error) {
	from, to, ok := strings.Cut(text, " needs ")
	if !ok {
		return nil, fmt.Errorf("has no \"needs\" between two keys")
	}
	from, to = strings.TrimSpace(from), strings.TrimSpace(to)
	d, to, err := nameOf(to)
	if err != nil {
		return nil, err
	}
	fields := fieldsOf(s, from, to)
	child, err := schema.ParseKey(from, fields...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	target, err := schema.ParseKey(to, fields...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", to, err)
	}
	i, j := declare(s, child), declare(s, target)
	r := &Reference{Kind: d.Kind, From: child.String(), To: target.String(), Child: i, Parent: j}
	if d.From != "" {
		r.content(d)
	}
	return r, r.connect(child, target, s.Templates[j].Key, "")
}

// nameOf returns what of the value the other key is named by, and that key with {value} for it.
func nameOf(to string) (schema.Ref, string, error) {
	d := schema.Ref{Kind: schema.RefParent}
	for _, m := range placeholder.FindAllStringSubmatch(to, -1) {
		name, field := m[1], m[2]
		whole := "{" + name + field
		switch {
		case name == "value" && field != "":
			d = schema.Ref{Kind: schema.RefMember, From: name + field}
			to = strings.Replace(to, whole, "{value", 1)
		case name == "value":
			d = schema.Ref{Kind: schema.RefIndex, From: "value"}
		case name == "member":
			d = schema.Ref{Kind: schema.RefMember, From: "member"}
			to = strings.Replace(to, whole, "{value", 1)
		case field != "":
			return d, to, fmt.Errorf("%s}: only {value.FIELD} has a field", whole)
		}
	}
	return d, to, nil
}

// fieldsOf declares the placeholders of keys that have no type: those that the schema does not declare are text.
func fieldsOf(s *schema.Schema, keys ...string) []schema.Field {
	fields := slices.Clone(s.Fields)
	for _, m := range typed.FindAllStringSubmatch(strings.Join(keys, " "), -1) {
		if t, err := schema.ParseType(m[2]); err == nil && !slices.ContainsFunc(fields, func(f schema.Field) bool { return f.Name == m[1] }) {
			fields = append(fields, schema.Field{Name: m[1], Type: t})
		}
	}
	count := map[string]int{}
	for _, key := range keys {
		for _, m := range placeholder.FindAllStringSubmatch(key, -1) {
			if name := m[1]; strings.HasSuffix(m[0], "}") {
				count[name]++
			}
		}
	}
	for name, n := range count {
		known := slices.ContainsFunc(fields, func(f schema.Field) bool { return f.Name == name })
		isType := slices.Contains(schema.TypeKinds(), schema.TypeKind(name)) && n < 2 // one that both have is a name
		if !known && !isType {
			fields = append(fields, schema.Field{Name: name, Type: schema.Type{Kind: schema.TypeStr, Span: name == "value"}})
		}
	}
	return fields
}

// declare returns the index of the template of that form, whatever its placeholders are called; it adds one if there is none.
func declare(s *schema.Schema, k schema.Key) int {
	same := func(a, b schema.Piece) bool { return a.Literal == b.Literal && (a.Type == nil) == (b.Type == nil) }
	for i := range s.Templates {
		if slices.EqualFunc(s.Templates[i].Key, k, same) {
			return i
		}
	}
	text := k.String()
	s.Templates = append(s.Templates, schema.Template{Name: text, Key: k})
	return len(s.Templates) - 1
}
