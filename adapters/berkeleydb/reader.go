package berkeleydb

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/kvtool/kvtool/kv"
)

// A reader takes a dump apart: headers, and the pairs below each. It keeps one key and never a value.
//
// The form is that of db_dump and db_load: after HEADER=END a line for each key and one for its data, each led by a space, until
// DATA=END. What is in the lines is hexadecimal (bytevalue), or text in which what cannot be printed is \xx and a backslash \\
// (print). Dumps of version 1 have no leading spaces, and end where the file does.
type reader struct {
	in        *bufio.Reader
	line      int64 // that is read
	databases int   // whose header was read
	text      []byte
	key       []byte // of the last pair
	number    int64  // of the last pair, where records are numbered
}

// bufferSize is more than most lines, so that these are looked at where they lie.
const bufferSize = 256 << 10

func newReader(in io.Reader) *reader { return &reader{in: bufio.NewReaderSize(in, bufferSize)} }

// A lineState says what there is of a line.
type lineState uint8

const (
	whole lineState = iota
	long            // its beginning: the rest comes from more
	cut             // the input ends in it
	ended           // nothing: the input has ended before it
)

// errorf returns an error that names the line and is kv.ErrCorrupt.
func (r *reader) errorf(format string, args ...any) error {
	return r.wrong(fmt.Errorf(format, args...))
}

func (r *reader) wrong(err error) error {
	if hint := kv.Hint(err); hint != "" {
		return kv.WithHint(kv.Corruptf("line %d: %w", r.line, err), hint)
	}
	return kv.Corruptf("line %d: %w", r.line, err)
}

const cutHint = "the dump was not written to its end: dump it again, and look whether db_dump fails or the disk is full"

// begin returns the next line without its end, or as much of it as the buffer holds. It is valid until the next call.
func (r *reader) begin() ([]byte, lineState, error) {
	r.line++
	return r.piece()
}

// piece returns what is left of a line, or as much of it as the buffer holds.
func (r *reader) piece() ([]byte, lineState, error) {
	p, err := r.in.ReadSlice('\n')
	switch {
	case err == nil:
		p = p[:len(p)-1]
		if len(p) > 0 && p[len(p)-1] == '\r' { // a file that went through Windows: db_dump itself writes a CR as \0d
			p = p[:len(p)-1]
		}
		return p, whole, nil
	case errors.Is(err, bufio.ErrBufferFull):
		if p[len(p)-1] == '\r' { // of the line's end, perhaps
			if err := r.in.UnreadByte(); err == nil {
				p = p[:len(p)-1]
			}
		}
		return p, long, nil
	case !errors.Is(err, io.EOF):
		return nil, cut, err
	case len(p) == 0:
		return nil, ended, nil
	}
	return p, cut, nil
}

// datum begins a line of data. done is true at DATA=END, or where a dump of version 1 ends.
func (r *reader) datum(d *database) (p []byte, state lineState, done bool, err error) {
	p, state, err = r.begin()
	switch {
	case err != nil:
		return nil, state, false, err
	case state == ended && d.version == 1:
		return nil, state, true, nil
	case state == ended:
		return nil, state, false, kv.WithHint(r.errorf("the dump ends without DATA=END"), cutHint)
	case d.version == 1:
		return p, state, false, nil
	case len(p) > 0 && p[0] == ' ':
		return p[1:], state, false, nil
	case string(p) == "DATA=END":
		return nil, state, true, nil
	case state == cut && bytes.HasPrefix([]byte("DATA=END"), p):
		return nil, state, false, kv.WithHint(r.errorf("the dump ends without DATA=END"), cutHint)
	case bytes.HasPrefix(p, []byte("VERSION=")):
		return nil, state, false, r.errorf("another dump begins before DATA=END")
	}
	return nil, state, false, kv.WithHint(r.errorf("%.40q is no line of data: those begin with a space", p),
		"was the file edited, or copied without its leading spaces?")
}

// pair reads the next key, into r.key, and what it leads to, of which it returns the bytes. done is true at the end of the database.
func (r *reader) pair(d *database) (size int64, done bool, err error) {
	if !d.numbered {
		p, state, done, err := r.datum(d)
		if err != nil || done {
			return 0, done, err
		}
		if err := r.decodeKey(d, p, state); err != nil {
			return 0, false, err
		}
	}
	p, state, done, err := r.datum(d)
	switch {
	case err != nil:
		return 0, false, err
	case done && !d.numbered:
		return 0, false, r.errorf("the last key has no data")
	case done:
		return 0, true, nil
	}
	if d.numbered {
		r.number++
		r.key = strconv.AppendInt(r.key[:0], r.number, 10)
	}
	if size, err = r.measure(d, p, state); err != nil {
		return 0, false, err
	}
	return size, false, nil
}

// longestKey bounds what a dump can make us hold.
const longestKey = 16 << 20

// decodeKey reads a key, which begins with p, into r.key.
func (r *reader) decodeKey(d *database, p []byte, state lineState) (err error) {
	if state == long {
		r.text = append(r.text[:0], p...)
		for state == long {
			if p, state, err = r.piece(); err != nil {
				return err
			}
			if r.text = append(r.text, p...); len(r.text) > 2*longestKey {
				return r.errorf("a key is longer than %d MiB", longestKey>>20)
			}
		}
		p = r.text
	}
	if err := r.ends(d, state); err != nil {
		return err
	}
	if d.print {
		r.key, err = appendPrint(r.key[:0], p)
	} else {
		r.key, err = appendHex(r.key[:0], p)
	}
	if err != nil {
		return r.errorf("the key: %w", err)
	}
	return nil
}

// ends returns an error where the input ends within a line: what is there of it may not be all.
func (r *reader) ends(d *database, state lineState) error {
	if (state == cut || state == ended) && d.version > 1 {
		return kv.WithHint(r.errorf("the dump ends within a line"), cutHint)
	}
	return nil
}

// measure returns how many bytes a line of data stands for, which begins with p.
func (r *reader) measure(d *database, p []byte, state lineState) (size int64, err error) {
	var c counter
	for {
		if d.print {
			err = c.print(p)
		} else {
			err = c.hex(p)
		}
		if err != nil {
			return 0, r.errorf("the data: %w", err)
		}
		if state != long {
			break
		}
		if p, state, err = r.piece(); err != nil {
			return 0, err
		}
	}
	if err := r.ends(d, state); err != nil {
		return 0, err
	}
	if size, err = c.end(d.print); err != nil {
		return 0, r.errorf("the data: %w", err)
	}
	return size, nil
}
