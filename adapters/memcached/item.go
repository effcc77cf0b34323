package memcached

import (
	"bytes"
	"fmt"
)

// An item is a line of metadump, or an answer to me. What a version does not tell is missing in has.
type item struct {
	key        []byte // decoded; valid until the next line is read into the item
	name       string // the same, of a dump
	exp, la    int64  // seconds since 1970, by the server's clock; exp is -1 without TTL
	fetched    bool
	class      int
	size       int64 // bytes of the whole item, header and all
	has        parts
	keyScratch []byte
}

// parts are the words of a line that were there.
type parts uint8

const (
	hasExp parts = 1 << iota
	hasLA
	hasFetched
	hasClass
	hasSize
)

// longestKey is the longest key that memcached takes, in bytes (KEY_MAX_LENGTH).
const longestKey = 250

// parse reads a line "key=… exp=… la=… cas=… fetch=yes cls=1 size=72": words in any order, of which those that are not known are
// left alone, since later versions add some.
func (it *item) parse(line []byte) error {
	*it = item{keyScratch: it.keyScratch}
	for rest := line; len(rest) > 0; {
		word := rest
		if end := bytes.IndexByte(rest, ' '); end >= 0 {
			word, rest = rest[:end], rest[end+1:]
		} else {
			rest = nil
		}
		eq := 0 // names are short: nothing is faster than to look
		for eq < len(word) && word[eq] != '=' {
			eq++
		}
		if eq == len(word) {
			continue
		}
		name, value := word[:eq], word[eq+1:]
		if string(name) == "key" {
			if err := it.setKey(value); err != nil {
				return err
			}
			it.name = string(it.key)
			continue
		}
		if !it.set(name, value) {
			return fmt.Errorf("%w: %q in a line of metadump", errProtocol, bound(word))
		}
	}
	if it.name == "" {
		return fmt.Errorf("%w: a line of metadump without a key: %q", errProtocol, bound(line))
	}
	return nil
}

func bound(b []byte) []byte { return b[:min(len(b), 40)] }

// set sets a word by its name. It is false for a value that is no value of that.
func (it *item) set(name, value []byte) bool {
	ok := true
	switch string(name) {
	case "exp":
		it.exp, ok = number(value)
		it.has |= hasExp
	case "la":
		it.la, ok = number(value)
		it.has |= hasLA
	case "size":
		it.size, ok = number(value)
		it.has |= hasSize
		ok = ok && it.size >= 0
	case "cls":
		var n int64
		n, ok = number(value)
		it.class = int(n)
		it.has |= hasClass
		ok = ok && n >= 0 && n < 256
	case "fetch":
		it.fetched = string(value) == "yes"
		it.has |= hasFetched
		ok = it.fetched || string(value) == "no"
	}
	return ok
}

// number reads a decimal number, with a sign or without.
func number(b []byte) (n int64, ok bool) {
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	if negative {
		n = -n
	}
	return n, true
}

// setKey decodes a key: bytes that are no letter, digit, or one of -._~ are written as %XX, and + is itself (uriencode in util.c).
func (it *item) setKey(b []byte) error {
	plain := bytes.IndexByte(b, '%')
	if plain < 0 {
		plain = len(b)
	}
	it.keyScratch = append(it.keyScratch[:0], b[:plain]...)
	for i := plain; i < len(b); i++ {
		c := b[i]
		if c == '%' {
			if i+2 >= len(b) || hex[b[i+1]] == 0 || hex[b[i+2]] == 0 {
				return fmt.Errorf("%w: a key is encoded wrongly: %q", errProtocol, bound(b))
			}
			c = (hex[b[i+1]]-1)<<4 | (hex[b[i+2]] - 1)
			i += 2
		}
		it.keyScratch = append(it.keyScratch, c)
	}
	if it.key = it.keyScratch; len(it.key) == 0 || len(it.key) > longestKey {
		return fmt.Errorf("%w: a key of %d bytes: %q", errProtocol, len(it.key), bound(b))
	}
	return nil
}

// hex has for each byte the value of the hexadecimal digit plus one, 0 for what is none.
var hex = func() (t [256]byte) {
	for i := range byte(10) {
		t['0'+i] = i + 1
	}
	for i := range byte(6) {
		t['a'+i], t['A'+i] = i+11, i+11
	}
	return t
}()
