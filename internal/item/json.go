package item

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON reads a line of DynamoDB JSON: {"Item":{…}} of a full export, or Metadata, Keys, NewImage and OldImage of an incremental
// one. An error is a *SyntaxError, and l is not to be used.
func (r *Reader) JSON(line []byte, l *Line) error {
	*l = Line{Item: l.Item, Keys: l.Keys[:0], keyed: l.keyed, old: l.old}
	r.begin(line, &l.Item)
	image, keyed := false, false
	err := r.object(func(name []byte) error {
		switch string(name) {
		case "Item":
			image = true
			return r.imageJSON(&l.Item, nil)
		case "NewImage":
			image, l.Change = true, true
			return r.imageJSON(&l.Item, nil)
		case "OldImage":
			l.Change = true
			err := r.imageJSON(&l.old, nil)
			l.Previous = l.old.Size
			return err
		case "Keys":
			keyed, l.Change = true, true
			return r.imageJSON(&l.keyed, &l.Keys)
		case "Metadata":
			l.Change = true
			return r.metadataJSON(l)
		}
		return r.fail("a line has no " + strconv.Quote(string(name)))
	})
	if err != nil {
		return err
	}
	if r.space(); r.i < len(r.b) {
		return r.fail("more after the end of the item")
	}
	return l.finish(image, keyed)
}

// metadataJSON reads when the item was written.
func (r *Reader) metadataJSON(l *Line) error {
	return r.object(func(name []byte) error {
		written := string(name) == "WriteTimestampMicros"
		if _, err := r.valueJSON(0); err != nil {
			return err
		}
		if written && r.last.kind == N {
			l.Written, _ = strconv.ParseInt(string(r.last.raw), 10, 64)
		}
		return nil
	})
}

// imageJSON reads the attributes of an item, and keeps their names if they are asked for.
func (r *Reader) imageJSON(it *Item, names *[][]byte) error {
	r.open(it)
	return r.object(func(name []byte) error {
		if names != nil {
			*names = append(*names, name)
		}
		pick, length := r.index(name), int64(len(name))
		size, err := r.valueJSON(0)
		if err != nil {
			return err
		}
		r.attribute(length, size)
		r.pick(pick, name, r.textJSON)
		return nil
	})
}

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
		n, err = r.mapJSON(depth)
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

func (r *Reader) mapJSON(depth int) (n int64, err error) {
	n = Container
	err = r.object(func(name []byte) error {
		r.within(name)
		size, err := r.valueJSON(depth + 1)
		n += Element + int64(len(name)) + size
		return err
	})
	return n, err
}

func (r *Reader) numberJSON() (s scalar, n int64, err error) {
	if s, _, err = r.stringJSON(); err != nil {
		return s, 0, err
	}
	s.kind = N
	r.it.Numbers++
	n, ok := numberSize(s.raw)
	if !ok {
		return s, 0, r.fail("no number")
	}
	return s, n, nil
}

func (r *Reader) binaryJSON() (s scalar, n int64, err error) {
	if s, _, err = r.stringJSON(); err != nil {
		return s, 0, err
	}
	s.kind = B
	n, ok := base64Size(s.raw)
	if !ok {
		return s, 0, r.fail("no Base64")
	}
	return s, n, nil
}

// base64Size returns how many bytes text stands for. Of the letters nothing is checked but that they are full groups of four.
func base64Size(text []byte) (n int64, ok bool) {
	if len(text)%4 != 0 {
		return 0, false
	}
	n = int64(len(text) / 4 * 3)
	for i := len(text) - 1; i >= 0 && i >= len(text)-2 && text[i] == '='; i-- {
		n--
	}
	return n, true
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

// textJSON returns the text of the last value, in memory of the item unless it stands in the line as it is.
func (r *Reader) textJSON() []byte {
	from := len(r.it.text)
	switch s := &r.last; {
	case s.kind == N:
		r.it.text = appendDecimal(r.it.text, s.raw)
	case s.kind == B:
		b, err := base64.StdEncoding.AppendDecode(r.it.text, s.raw)
		if err != nil {
			b = append(r.it.text[:from], s.raw...)
		}
		r.it.text = b
	case s.escaped:
		r.it.text = unescapeJSON(r.it.text, s.raw)
	default:
		return s.raw
	}
	return r.it.text[from:len(r.it.text):len(r.it.text)]
}
