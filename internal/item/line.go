package item

import (
	"encoding/base64"
	"strconv"
)

// A form is how a line is written: as DynamoDB JSON or as Ion text. What the two have in common is in this file.
type form interface {
	// header reads what stands before the item.
	header(r *Reader)
	// blank skips white space.
	blank(r *Reader)
	// fields reads what has named values and calls each with every name, to read the value. A name is valid until the next line.
	fields(r *Reader, each func(name []byte) error) error
	// value reads a value into r.last and returns its size.
	value(r *Reader, depth int) (int64, error)
	// unescape appends what a string with escapes stands for.
	unescape(b, raw []byte) []byte
}

// line reads one.
func (r *Reader) line(line []byte, l *Line, f form) error {
	*l = Line{Item: l.Item, Keys: l.Keys[:0], keyed: l.keyed, old: l.old}
	r.begin(line, &l.Item)
	f.header(r)
	image, keyed := false, false
	var part func(name []byte) error
	part = func(name []byte) error {
		switch string(name) {
		case "Record": // of Ion: all of a change
			l.Change = true
			return f.fields(r, part)
		case "Item":
			image = true
			return r.image(f, &l.Item, nil)
		case "NewImage":
			image, l.Change = true, true
			return r.image(f, &l.Item, nil)
		case "OldImage":
			l.Change = true
			err := r.image(f, &l.old, nil)
			l.Previous = l.old.Size
			return err
		case "Keys":
			keyed, l.Change = true, true
			return r.image(f, &l.keyed, &l.Keys)
		case "Metadata":
			l.Change = true
			return r.metadata(f, l)
		}
		return r.fail("a line has no " + strconv.Quote(string(name)))
	}
	if err := f.fields(r, part); err != nil {
		return err
	}
	if f.blank(r); r.i < len(r.b) {
		return r.fail("more after the end of the item")
	}
	return l.finish(image, keyed)
}

// metadata reads when the item was written.
func (r *Reader) metadata(f form, l *Line) error {
	return f.fields(r, func(name []byte) error {
		written := string(name) == "WriteTimestampMicros"
		if _, err := f.value(r, 0); err != nil {
			return err
		}
		if written && r.last.kind == N {
			l.Written, _ = strconv.ParseInt(string(appendDecimal(nil, r.last.raw)), 10, 64)
		}
		return nil
	})
}

// image reads the attributes of an item, and keeps their names if they are asked for.
func (r *Reader) image(f form, it *Item, names *[][]byte) error {
	r.open(it)
	return f.fields(r, func(name []byte) error {
		if names != nil {
			*names = append(*names, name)
		}
		pick, length := r.index(name), int64(len(name))
		size, err := f.value(r, 0)
		if err != nil {
			return err
		}
		r.attribute(length, size)
		r.pick(pick, name, f)
		return nil
	})
}

// mapping reads a map.
func (r *Reader) mapping(f form, depth int) (n int64, err error) {
	n = Container
	err = f.fields(r, func(name []byte) error {
		r.within(name)
		size, err := f.value(r, depth+1)
		n += Element + int64(len(name)) + size
		return err
	})
	return n, err
}

func (r *Reader) number(raw []byte) (s scalar, n int64, err error) {
	r.it.Numbers++
	n, ok := numberSize(raw)
	if !ok {
		return s, 0, r.fail("no number")
	}
	return scalar{kind: N, raw: raw}, n, nil
}

func (r *Reader) binary(raw []byte) (s scalar, n int64, err error) {
	n, ok := base64Size(raw)
	if !ok {
		return s, 0, r.fail("no Base64")
	}
	return scalar{kind: B, raw: raw}, n, nil
}

// text returns the text of the last value, in memory of the item unless it stands in the line as it is.
func (r *Reader) text(f form) []byte {
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
		r.it.text = f.unescape(r.it.text, s.raw)
	default:
		return s.raw
	}
	return r.it.text[from:len(r.it.text):len(r.it.text)]
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
