package item

import (
	"bytes"
	"unicode/utf8"
)

// Ion reads a line of Ion text: $ion_1_0 {Item:{…}} of a full export, or {Record:{Keys:…,Metadata:…,NewImage:…,OldImage:…}} of an
// incremental one. An error is a *SyntaxError, and l is not to be used.
func (r *Reader) Ion(line []byte, l *Line) error { return r.line(line, l, ionText{}) }

// ionText is the form of Ion text.
type ionText struct{}

// ionVersion begins each line.
const ionVersion = "$ion_1_0"

func (ionText) header(r *Reader) {
	r.blank()
	if bytes.HasPrefix(r.b[r.i:], []byte(ionVersion)) {
		r.i += len(ionVersion)
	}
}

func (ionText) blank(r *Reader) { r.blank() }

func (ionText) fields(r *Reader, each func(name []byte) error) error { return r.structIon(each) }

func (ionText) value(r *Reader, depth int) (int64, error) { return r.valueIon(depth) }

func (ionText) unescape(b, raw []byte) []byte { return unescapeIon(b, raw) }

// blank skips white space. Comments are not written by exports, and are not read.
func (r *Reader) blank() {
	for r.i < len(r.b) {
		switch r.b[r.i] {
		case ' ', '\t', '\n', '\r', '\v', '\f':
			r.i++
		default:
			return
		}
	}
}

// structIon reads {name:value,…} and calls each with every name, to read the value.
func (r *Reader) structIon(each func(name []byte) error) error {
	r.blank()
	if r.peek() != '{' {
		return r.fail("no {")
	}
	r.i++
	for {
		if r.blank(); r.peek() == '}' {
			r.i++
			return nil
		}
		name, err := r.nameIon()
		if err != nil {
			return err
		}
		if r.blank(); r.peek() != ':' {
			return r.fail("no :")
		}
		r.i++
		if err := each(name); err != nil {
			return err
		}
		if r.blank(); r.peek() == ',' {
			r.i++
		} else if r.peek() != '}' {
			return r.fail("no , or }")
		}
	}
}

// nameIon reads the name of a field: name, 'name' or "name".
func (r *Reader) nameIon() ([]byte, error) {
	switch r.peek() {
	case '\'', '"':
		s, _, err := r.quotedIon(r.peek())
		if err != nil || !s.escaped {
			return s.raw, err
		}
		return unescapeIon(nil, s.raw), nil
	}
	return r.identifier()
}

// identifier reads a symbol without quotes.
func (r *Reader) identifier() ([]byte, error) {
	from := r.i
	for r.i < len(r.b) && isIdentifier(r.b[r.i], r.i > from) {
		r.i++
	}
	if r.i == from {
		return nil, r.fail("no name")
	}
	return r.b[from:r.i], nil
}

func isIdentifier(c byte, digits bool) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c == '$' || digits && '0' <= c && c <= '9'
}

// valueIon reads a value and returns its size. Which set a list is says its annotation: $dynamodb_SS::["a","b"].
func (r *Reader) valueIon(depth int) (n int64, err error) {
	if depth > deepest {
		return 0, r.fail("nested too deep")
	}
	r.blank()
	switch c := r.peek(); {
	case c == '"':
		r.last, n, err = r.quotedIon('"')
		r.last.kind = S
	case bytes.HasPrefix(r.b[r.i:], []byte("'''")):
		return 0, r.fail("a long string: no export writes them")
	case bytes.HasPrefix(r.b[r.i:], []byte("{{")):
		r.last, n, err = r.blobIon()
	case c == '{':
		n, err = r.mapping(ionText{}, depth)
		r.last = scalar{kind: M}
	case c == '[':
		n, err = r.listIon(depth, L)
	case c == '-' || '0' <= c && c <= '9':
		r.last, n, err = r.numberIon()
	default:
		return r.wordIon(depth)
	}
	return n, err
}

// wordIon reads null, true, false, or a list with an annotation.
func (r *Reader) wordIon(depth int) (n int64, err error) {
	name, err := r.identifier()
	if err != nil {
		return 0, err
	}
	switch string(name) {
	case "true", "false":
		r.last = scalar{kind: BOOL}
		return Unset, nil
	case "null":
		if r.peek() == '.' { // null.string: what kind of nothing makes no difference
			r.i++
			if _, err := r.identifier(); err != nil {
				return 0, err
			}
		}
		r.last = scalar{kind: NULL}
		return Unset, nil
	}
	kind := map[string]Kind{"$dynamodb_SS": SS, "$dynamodb_NS": NS, "$dynamodb_BS": BS}[string(name)]
	if r.blank(); kind == None || !bytes.HasPrefix(r.b[r.i:], []byte("::")) {
		return 0, r.fail("a value of no type that an item has")
	}
	r.i += 2
	if r.blank(); r.peek() != '[' {
		return 0, r.fail("no set")
	}
	return r.listIon(depth, kind)
}

// listIon reads a list or a set.
func (r *Reader) listIon(depth int, kind Kind) (n int64, err error) {
	r.i++
	member := map[Kind]Kind{SS: S, NS: N, BS: B}[kind]
	if kind == L {
		n = Container
	}
	for {
		if r.blank(); r.peek() == ']' {
			r.i++
			r.last = scalar{kind: kind}
			return n, nil
		}
		size, err := r.valueIon(depth + 1)
		if err != nil {
			return 0, err
		}
		n += size
		if kind == L {
			n += Element
		} else if r.last.kind != member {
			return 0, r.fail("a member of another type than its set")
		}
		if r.blank(); r.peek() == ',' {
			r.i++
		} else if r.peek() != ']' {
			return 0, r.fail("no , or ]")
		}
	}
}

// numberIon reads an integer, a decimal or a float.
func (r *Reader) numberIon() (s scalar, n int64, err error) {
	from := r.i
	for r.i < len(r.b) && bytes.IndexByte([]byte("+-.0123456789_eEdD"), r.b[r.i]) >= 0 {
		r.i++
	}
	return r.number(r.b[from:r.i])
}

// blobIon reads {{ Base64 }}.
func (r *Reader) blobIon() (s scalar, n int64, err error) {
	r.i += 2
	end := bytes.Index(r.b[r.i:], []byte("}}"))
	if end < 0 {
		return s, 0, r.fail("a blob does not end")
	}
	raw := bytes.TrimSpace(r.b[r.i : r.i+end])
	r.i += end + 2
	return r.binary(raw)
}

// quotedIon reads a string or a symbol in quotes and returns how many bytes it has in UTF-8.
func (r *Reader) quotedIon(quote byte) (s scalar, n int64, err error) {
	r.i++
	from := r.i
	for r.i < len(r.b) {
		switch c := r.b[r.i]; {
		case c == quote:
			s.raw = r.b[from:r.i]
			r.i++
			return s, n, nil
		case c != '\\':
			r.i++
			n++
			continue
		}
		s.escaped = true
		_, size, width := escapeIon(r.b[r.i:])
		if width == 0 {
			return s, 0, r.fail("an escape that there is not")
		}
		r.i += width
		n += int64(size)
	}
	return s, 0, r.fail("a string does not end")
}

// escapeIon reads the escape at the front of b: what it stands for, how many bytes that has in UTF-8, and how many the escape
// has; 0 if it is none. See https://amazon-ion.github.io/ion-docs/docs/spec.html, escape characters.
func escapeIon(b []byte) (c rune, size, width int) {
	if len(b) < 2 {
		return 0, 0, 0
	}
	switch b[1] {
	case 'x':
		if c, ok := hexRune(b, 'x', 2); ok {
			return c, utf8.RuneLen(c), 4
		}
		return 0, 0, 0
	case 'U':
		if c, ok := hexRune(b, 'U', 8); ok && utf8.ValidRune(c) {
			return c, utf8.RuneLen(c), 10
		}
		return 0, 0, 0
	case 'u':
		c, width := runeJSON(b)
		if width == 0 {
			return 0, 0, 0
		}
		return c, utf8.RuneLen(c), width
	case '\n':
		return -1, 0, 2
	}
	at := bytes.IndexByte([]byte(`0abtnfrv"'?\/`), b[1])
	if at < 0 {
		return 0, 0, 0
	}
	return rune("\x00\a\b\t\n\f\r\v\"'?\\/"[at]), 1, 2
}

// unescapeIon appends what a string stands for. Its escapes have been checked.
func unescapeIon(b, raw []byte) []byte {
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			b = append(b, raw[i])
			i++
			continue
		}
		c, size, width := escapeIon(raw[i:])
		if width == 0 {
			return append(b, raw[i:]...)
		}
		if size > 0 {
			b = utf8.AppendRune(b, c)
		}
		i += width
	}
	return b
}
