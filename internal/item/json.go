package item

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON reads a line of DynamoDB JSON: {"Item":{…}} of a full export, or Metadata, Keys, NewImage and OldImage of an incremental
// one. An error is a *SyntaxError, and l is not to be used.
func (r *Reader) JSON(line []byte, l *Line) error { return r.line(line, l, jsonText{}) }

// jsonText is the form of DynamoDB JSON.
type jsonText struct{}

func (jsonText) header(*Reader) {}

func (jsonText) blank(r *Reader) { r.space() }

func (jsonText) fields(r *Reader, each func(name []byte) error) error { return r.object(each) }

func (jsonText) value(r *Reader, depth int) (int64, error) { return r.valueJSON(depth) }

func (jsonText) unescape(b, raw []byte) []byte { return unescapeJSON(b, raw) }

// object reads an object and calls each with every name, to read the value. The name is valid until the next line.
func (r *Reader) object(each func(name []byte) error) error {
	if err := r.expect('{'); err != nil {
		return err
	}
	if r.space(); r.peek() == '}' {
		r.i++
		return nil
	}
	for {
		s, _, err := r.stringJSON()
		if err != nil {
			return err
		}
		name := s.raw
		if s.escaped {
			name = unescapeJSON(nil, name)
		}
		if err := r.expect(':'); err != nil {
			return err
		}
		if err := each(name); err != nil {
			return err
		}
		more, err := r.more('}')
		if err != nil || !more {
			return err
		}
	}
}

// array reads an array and calls each to read every element.
func (r *Reader) array(each func() error) error {
	if err := r.expect('['); err != nil {
		return err
	}
	if r.space(); r.peek() == ']' {
		r.i++
		return nil
	}
	for {
		if err := each(); err != nil {
			return err
		}
		more, err := r.more(']')
		if err != nil || !more {
			return err
		}
	}
}

// more reads a comma, or what closes.
func (r *Reader) more(end byte) (bool, error) {
	r.space()
	switch r.peek() {
	case ',':
		r.i++
		return true, nil
	case end:
		r.i++
		return false, nil
	}
	return false, r.fail("no , or " + string(end))
}

func (r *Reader) expect(c byte) error {
	r.space()
	if r.peek() != c {
		return r.fail("no " + string(c))
	}
	r.i++
	return nil
}

func (r *Reader) space() {
	for r.i < len(r.b) {
		switch r.b[r.i] {
		case ' ', '\t', '\n', '\r':
			r.i++
		default:
			return
		}
	}
}

// valueJSON reads {"S":"…"} and returns the size of the value.
func (r *Reader) valueJSON(depth int) (n int64, err error) {
	if depth > deepest {
		return 0, r.fail("nested too deep")
	}
	if err := r.expect('{'); err != nil {
		return 0, err
	}
	tag, _, err := r.stringJSON()
	if err != nil {
		return 0, err
	}
	if err := r.expect(':'); err != nil {
		return 0, err
	}
	var last scalar
	switch string(tag.raw) {
	case "S":
		last, n, err = r.stringJSON()
		last.kind = S
	case "N":
		last, n, err = r.numberJSON()
	case "B":
		last, n, err = r.binaryJSON()
	case "BOOL":
		last, n, err = scalar{kind: BOOL}, Unset, r.word("true", "false")
	case "NULL":
		last, n, err = scalar{kind: NULL}, Unset, r.word("true", "false")
	case "SS":
		last.kind = SS
		n, err = r.setJSON(r.stringJSON)
	case "NS":
		last.kind = NS
		n, err = r.setJSON(r.numberJSON)
	case "BS":
		last.kind = BS
		n, err = r.setJSON(r.binaryJSON)
	case "L":
		last.kind = L
		n, err = r.listJSON(depth)
	case "M":
		last.kind = M
		n, err = r.mapping(jsonText{}, depth)
	default:
		return 0, r.fail("no type " + strconv.Quote(string(tag.raw)))
	}
	if err != nil {
		return 0, err
	}
	r.last = last
	return n, r.expect('}')
}

func (r *Reader) setJSON(member func() (scalar, int64, error)) (n int64, err error) {
	err = r.array(func() error {
		_, size, err := member()
		n += size
		return err
	})
	return n, err
}

func (r *Reader) listJSON(depth int) (n int64, err error) {
	n = Container
	err = r.array(func() error {
		size, err := r.valueJSON(depth + 1)
		n += Element + size
		return err
	})
	return n, err
}

func (r *Reader) numberJSON() (s scalar, n int64, err error) {
	if s, _, err = r.stringJSON(); err != nil {
		return s, 0, err
	}
	return r.number(s.raw)
}

func (r *Reader) binaryJSON() (s scalar, n int64, err error) {
	if s, _, err = r.stringJSON(); err != nil {
		return s, 0, err
	}
	return r.binary(s.raw)
}

func (r *Reader) word(words ...string) error {
	r.space()
	for _, w := range words {
		if bytes.HasPrefix(r.b[r.i:], []byte(w)) {
			r.i += len(w)
			return nil
		}
	}
	return r.fail("neither true nor false")
}

// stringJSON reads a string and returns how many bytes it has in UTF-8.
func (r *Reader) stringJSON() (s scalar, n int64, err error) {
	if err := r.expect('"'); err != nil {
		return s, 0, err
	}
	end := bytes.IndexByte(r.b[r.i:], '"')
	if end < 0 {
		return s, 0, r.fail("a string does not end")
	}
	s.raw = r.b[r.i : r.i+end]
	if bytes.IndexByte(s.raw, '\\') < 0 {
		r.i += end + 1
		return s, int64(end), nil
	}
	from := r.i
	s.escaped = true
	for r.i < len(r.b) {
		switch c := r.b[r.i]; {
		case c == '"':
			s.raw = r.b[from:r.i]
			r.i++
			return s, n, nil
		case c != '\\':
			r.i++
			n++
			continue
		}
		width, size := escapeJSON(r.b[r.i:])
		if width == 0 {
			return s, 0, r.fail("an escape that there is not")
		}
		r.i += width
		n += int64(size)
	}
	return s, 0, r.fail("a string does not end")
}

// escapeJSON returns how many bytes the escape at the front of b takes, and how many what it stands for does in UTF-8; 0 if it
// is none.
func escapeJSON(b []byte) (width, size int) {
	if len(b) < 2 {
		return 0, 0
	}
	if b[1] != 'u' {
		if bytes.IndexByte([]byte(`"\/bfnrt`), b[1]) < 0 {
			return 0, 0
		}
		return 2, 1
	}
	c, width := runeJSON(b)
	if width == 0 {
		return 0, 0
	}
	return width, utf8.RuneLen(c)
}

// runeJSON reads \uXXXX, or two of them that are a pair. Half a pair is a replacement character.
func runeJSON(b []byte) (c rune, width int) {
	first, ok := hexRune(b, 'u', 4)
	switch {
	case !ok:
		return 0, 0
	case !utf16.IsSurrogate(first):
		return first, 6
	}
	if second, ok := hexRune(b[6:], 'u', 4); ok {
		if c := utf16.DecodeRune(first, second); c != utf8.RuneError {
			return c, 12
		}
	}
	return utf8.RuneError, 6
}

// hexRune reads a backslash, the letter and so many hexadecimal digits.
func hexRune(b []byte, letter byte, digits int) (rune, bool) {
	if len(b) < 2+digits || b[0] != '\\' || b[1] != letter {
		return 0, false
	}
	v, err := strconv.ParseUint(string(b[2:2+digits]), 16, 32)
	return rune(v), err == nil
}

// unescapeJSON appends what a string stands for. Its escapes have been checked.
func unescapeJSON(b, raw []byte) []byte {
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			b = append(b, raw[i])
			i++
			continue
		}
		if raw[i+1] == 'u' {
			c, width := runeJSON(raw[i:])
			b = utf8.AppendRune(b, c)
			i += width
			continue
		}
		c := raw[i+1]
		if at := bytes.IndexByte([]byte("bfnrt"), c); at >= 0 {
			c = "\b\f\n\r\t"[at]
		}
		b = append(b, c)
		i += 2
	}
	return b
}
