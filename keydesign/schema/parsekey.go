package schema

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/internal/spell"
)

// MaxKey is how many bytes the text of a key may have.
const MaxKey = 4096

// maxPlaceholders is how many placeholders a key may have.
const maxPlaceholders = 32

// ParseKey reads the text of a key. Placeholders may name the fields, or have a type of their own.
func ParseKey(text string, fields ...Field) (Key, error) {
	return parseKey(text, population(fields))
}

// population is fields by their names.
func population(fields []Field) map[string]*Field {
	all := make(map[string]*Field, len(fields))
	for i := range fields {
		if fields[i].Name != "" { // the second of that name has none
			all[fields[i].Name] = &fields[i]
		}
	}
	return all
}

func parseKey(text string, fields map[string]*Field) (Key, error) {
	switch {
	case text == "":
		return nil, errors.New("is empty")
	case len(text) > MaxKey:
		return nil, fmt.Errorf("is longer than %d bytes", MaxKey)
	}
	s := scanner{text: text, fields: fields}
	k, err := s.key()
	if err != nil {
		return nil, err
	}
	for i := range k {
		if err := k.settle(i); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// settle decides what only the whole key can tell of a placeholder. JSON takes the rest of the key. An opaque value, such as
// base64, may hold slashes where the key has another separator and no slash stands next to it, as inference takes it.
func (k Key) settle(i int) error {
	t := k[i].Type
	switch {
	case t == nil:
	case t.Kind == TypeJSON && i < len(k)-1:
		return errors.New("json takes the rest of the key, so that nothing may follow it")
	case t.Kind == TypeOpaque:
		before, after := "", ""
		if i > 0 {
			before = k[i-1].Literal
		}
		if i < len(k)-1 {
			after = k[i+1].Literal
		}
		colon := slices.ContainsFunc(k, func(p Piece) bool { return strings.Contains(p.Literal, ":") })
		t.Span = t.Span || colon && !strings.HasSuffix(before, "/") && !strings.HasPrefix(after, "/")
	}
	return nil
}

// ParseType reads a type: hex(32), enum[chess,go].
func ParseType(text string) (Type, error) {
	if len(text) > MaxKey {
		return Type{}, fmt.Errorf("is longer than %d bytes", MaxKey)
	}
	s := scanner{text: text}
	name := s.word()
	t, err := s.typeOf(name)
	if err == nil && s.pos < len(text) {
		err = fmt.Errorf("%q behind the type", text[s.pos:])
	}
	return t, err
}

// A scanner reads keys and types from the left.
type scanner struct {
	text   string
	pos    int
	fields map[string]*Field
}

func (s *scanner) key() (Key, error) {
	var k Key
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			k = append(k, Piece{Literal: lit.String()})
			lit.Reset()
		}
	}
	holders := 0
	for s.pos < len(s.text) {
		switch {
		case s.skip("{{"):
			lit.WriteByte('{')
		case s.skip("}}"):
			lit.WriteByte('}')
		case s.skip("}"):
			return nil, errors.New("a } without its {; a brace of the key itself is written }}")
		case s.skip("{"):
			flush()
			p, err := s.placeholder()
			if err != nil {
				return nil, err
			}
			if k, holders = append(k, p), holders+1; holders > maxPlaceholders {
				return nil, fmt.Errorf("more than %d placeholders", maxPlaceholders)
			}
		default:
			lit.WriteByte(s.text[s.pos])
			s.pos++
		}
	}
	flush()
	return k, nil
}

// skip moves behind what the rest begins with.
func (s *scanner) skip(prefix string) bool {
	if !strings.HasPrefix(s.text[s.pos:], prefix) {
		return false
	}
	s.pos += len(prefix)
	return true
}

// word reads letters, digits and underscores.
func (s *scanner) word() string {
	from := s.pos
	for s.pos < len(s.text) && isWordByte(s.text[s.pos]) {
		s.pos++
	}
	return s.text[from:s.pos]
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// isName reports whether s can be the name of a field.
func isName(s string) bool {
	return s != "" && s[0] >= 'a' && s[0] <= 'z' && strings.IndexFunc(s, func(r rune) bool { return r > 127 || !isWordByte(byte(r)) }) < 0
}

// placeholder reads what stands behind a brace, and the brace that closes it.
func (s *scanner) placeholder() (Piece, error) {
	name := s.word()
	var p Piece
	var err error
	switch {
	case s.skip(":"):
		p, err = s.named(name)
	default:
		p, err = s.bare(name)
	}
	if err != nil {
		return p, err
	}
	if !s.skip("}") {
		return p, fmt.Errorf("{%s is not closed", name)
	}
	return p, nil
}

// named reads the type of a placeholder that has both.
func (s *scanner) named(name string) (Piece, error) {
	if !isName(name) {
		return Piece{}, fmt.Errorf("{%s: want a name: a small letter, then letters, digits and _", name)
	}
	t, err := s.typeOf(s.word())
	if err != nil {
		return Piece{}, err
	}
	if f := s.fields[name]; f != nil {
		if t.Span = f.Type.Span; f.Type.Kind != "" && t.String() != f.Type.String() { // one without a type has a mistake already
			return Piece{}, fmt.Errorf("%s is %s here and %s in fields", name, t, f.Type)
		}
		return Piece{Field: name, Shared: true, Type: &t}, nil
	}
	return Piece{Field: name, Type: &t}, nil
}

// bare reads a placeholder that is the name of a field, or only a type.
func (s *scanner) bare(name string) (Piece, error) {
	if f := s.fields[name]; f != nil {
		t := f.Type
		return Piece{Field: name, Shared: true, Type: &t}, nil
	}
	if !slices.Contains(kindNames(), name) {
		known := kindNames()
		for name := range s.fields {
			known = append(known, name)
		}
		slices.Sort(known)
		return Piece{}, fmt.Errorf("{%s} is neither of fields nor a type%s", name, meant(name, known))
	}
	t, err := s.typeOf(name)
	return Piece{Type: &t}, err
}

// meant is the end of a message: what was probably meant.
func meant(typed string, known []string) string {
	if n := spell.Nearest(typed, known); n != "" && typed != "" {
		return ", did you mean " + n + "?"
	}
	return ""
}

// typeOf reads the arguments of the type of the given name.
func (s *scanner) typeOf(name string) (Type, error) {
	t := Type{Kind: TypeKind(name)}
	var err error
	switch {
	case !slices.Contains(kindNames(), name):
		return t, fmt.Errorf("unknown type %q%s", name, meant(name, kindNames()))
	case t.Kind == TypeEnum:
		t.Values, err = s.enum()
	case t.Kind == TypeRE:
		t.Pattern, err = s.pattern()
	case s.skip("("):
		err = s.arguments(&t)
	}
	if err == nil {
		err = t.complete()
	}
	return t, err
}

func (s *scanner) arguments(t *Type) error {
	inside, _, closed := strings.Cut(s.text[s.pos:], ")")
	if !closed {
		return fmt.Errorf("%s( is not closed", t.Kind)
	}
	s.pos += len(inside) + 1
	args := strings.Split(inside, ",")
	for i := range args {
		args[i] = strings.TrimSpace(args[i])
	}
	return t.setArgs(args)
}

// enum reads [a,b].
func (s *scanner) enum() ([]string, error) {
	if !s.skip("[") {
		return nil, errors.New("enum: want its values in brackets, such as enum[a,b]")
	}
	var values []string
	for {
		v, err := s.enumValue()
		if err != nil {
			return nil, err
		}
		if slices.Contains(values, v) {
			return nil, fmt.Errorf("enum: %s comes twice", v)
		}
		values = append(values, v)
		switch {
		case s.skip("]"):
			return values, nil
		case !s.skip(","):
			return nil, errors.New("enum[ is not closed")
		}
	}
}

func (s *scanner) enumValue() (string, error) {
	s.spaces()
	defer s.spaces()
	if quoted, err := strconv.QuotedPrefix(s.text[s.pos:]); err == nil && quoted[0] == '"' {
		s.pos += len(quoted)
		v, err := strconv.Unquote(quoted)
		if err == nil && v == "" {
			err = errors.New("enum: an empty value")
		}
		return v, err
	}
	end := strings.IndexAny(s.text[s.pos:], `,]{}["`)
	if end < 0 {
		return "", errors.New("enum[ is not closed")
	}
	v := strings.TrimRight(s.text[s.pos:s.pos+end], " ")
	if s.pos += end; v == "" {
		return "", errors.New("enum: an empty value")
	}
	return v, nil
}

func (s *scanner) spaces() {
	for s.skip(" ") {
	}
}

// pattern reads ("…"), in which \" is a quote.
func (s *scanner) pattern() (string, error) {
	if !s.skip(`("`) {
		return "", errors.New(`re: want an expression in quotes, such as re("[a-z]+")`)
	}
	from := s.pos
	for s.pos < len(s.text) && s.text[s.pos] != '"' {
		if s.text[s.pos] == '\\' {
			s.pos++
		}
		s.pos++
	}
	if s.pos >= len(s.text) || !strings.HasPrefix(s.text[s.pos:], `")`) {
		return "", errors.New(`re(" is not closed by ")`)
	}
	p := s.text[from:s.pos]
	s.pos += 2
	_, err := patternRegexp(p)
	return p, err
}
