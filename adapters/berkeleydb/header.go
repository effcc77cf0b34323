package berkeleydb

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/kvtool/kvtool/kv"
)

// A database is what the header of one says.
type database struct {
	index    int    // in the dump, from 0
	name     string // empty of a file's only one
	method   string // btree, hash, recno, queue, heap
	version  int
	print    bool  // printable characters stand for themselves, else all are hexadecimal
	numbered bool  // records have no keys in the dump: they are numbered as they come
	several  bool  // a key may have several values
	pageSize int64 // bytes; 0 if it does not say
}

// newestVersion is that of the dumps of every release since Berkeley DB 3.0.
const newestVersion = 3

// String names the database and its access method.
func (d *database) String() string {
	text := d.method
	if d.several {
		text += ", several values a key"
	}
	if d.name == "" {
		return text
	}
	return fmt.Sprintf("%.100q (%s)", d.name, text)
}

// set takes one line of a header. Names that a load would not know either are left alone: they say nothing of keys.
func (d *database) set(name, value string) error {
	switch name {
	case "VERSION":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			return fmt.Errorf("VERSION is %.20q", value)
		}
		if n > newestVersion {
			return kv.WithHint(fmt.Errorf("a dump of version %d, and kvtool reads %d", n, newestVersion),
				"dump it with the db_dump of Berkeley DB 5.3")
		}
		d.version = n
	case "format":
		switch value {
		case "bytevalue":
			d.print = false
		case "print":
			d.print = true
		default:
			return fmt.Errorf("format is %.20q, neither bytevalue nor print", value)
		}
	case "type":
		switch value {
		case "btree", "hash", "recno", "queue", "heap":
			d.method = value
		default:
			return fmt.Errorf("type is %.20q, no access method of Berkeley DB", value)
		}
	case "database", "subdatabase":
		d.name = unescaped(value)
	case "keys":
		d.numbered = value == "0"
	case "duplicates", "dupsort":
		d.several = d.several || value == "1"
	case "db_pagesize":
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && n > 0 {
			d.pageSize = n
		}
	}
	return nil
}

// A header has fewer lines, and shorter ones: names of databases are the longest in it.
const (
	longestHeader = 64
	longestLine   = 64 << 10
)

// header reads the head of the next database. done is true where the dump has ended before one began.
func (r *reader) header() (d *database, done bool, err error) {
	d = &database{index: r.databases, version: 1}
	r.number = 0
	keyed := false
	for n := 0; ; n++ {
		line, err := r.headerLine()
		for n == 0 && err == nil && line != nil && len(line) == 0 { // between dumps that were put together
			line, err = r.headerLine()
		}
		switch {
		case err != nil:
			return nil, false, err
		case line == nil && n == 0:
			return nil, true, nil
		case line == nil:
			return nil, false, kv.WithHint(r.errorf("the dump ends within a header"), cutHint)
		case n == longestHeader:
			return nil, false, r.errorf("a header without HEADER=END")
		}
		name, value, ok := bytes.Cut(line, []byte("="))
		if !ok || n == 0 && string(name) != "VERSION" && string(name) != "format" {
			return nil, false, r.errorf("%.40q where a header should be", line)
		}
		if string(name) == "HEADER" {
			break
		}
		keyed = keyed || string(name) == "keys"
		if err := d.set(string(name), string(value)); err != nil {
			return nil, false, r.wrong(err)
		}
	}
	if d.method == "" {
		return nil, false, r.errorf("a header without type=, which would be the access method")
	}
	// db_dump writes keys of record numbers with -k alone, and says keys=1 then.
	if d.method == "recno" || d.method == "queue" || d.method == "heap" {
		d.numbered = d.numbered || !keyed
	} else {
		d.numbered = false
	}
	r.databases++
	return d, false, nil
}

// headerLine returns a line without its end, which is nil only at the end of the dump.
func (r *reader) headerLine() ([]byte, error) {
	p, state, err := r.begin()
	switch {
	case err != nil:
		return nil, err
	case state == ended:
		return nil, nil // no error: whether more should come the caller knows
	case state == cut && string(p) != "HEADER=END":
		return nil, kv.WithHint(r.errorf("the dump ends within a header"), cutHint)
	case state == long || len(p) > longestLine:
		return nil, r.errorf("a line of a header is longer than %d KiB", longestLine>>10)
	}
	return p, nil
}

// unescaped returns the name of a database, which is written as in the format print, whatever the format is.
func unescaped(s string) string {
	out, err := appendPrint(nil, []byte(s))
	if err != nil {
		return s
	}
	return string(out)
}
