package memcached

import (
	"bytes"
	"strconv"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// encode puts an operation into words of the protocol, for the server that has its key.
func (w *session) encode(args [][]byte) {
	p := pending{first: len(w.route)}
	c, ok := commands[string(upper(w.name[:0], args))]
	switch {
	case !ok:
		p.refuse = w.text(append(append(w.scratch[:0], "ERR memcached has no "...), first(args)...))
	case len(args) < c.words:
		p.refuse = errSyntax
	case c.meta && !w.wires[0].limits.meta:
		p.refuse = w.text(append(append(w.scratch[:0], "ERR before 1.6 memcached has nothing for "...), args[0]...))
	default:
		p.as = c.as
		if p.refuse = w.put(c.as, args); p.refuse != nil {
			w.route = w.route[:p.first]
		}
	}
	p.parts = len(w.route) - p.first
	w.pending = append(w.pending, p)
}

func first(args [][]byte) []byte {
	if len(args) == 0 {
		return nil
	}
	return args[0][:min(len(args[0]), 40)]
}

// upper appends the name of a command in upper case.
func upper(dst []byte, args [][]byte) []byte {
	for _, c := range first(args) {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// put encodes a command that is understood.
func (w *session) put(as command, args [][]byte) error {
	switch as {
	case cmdMany, cmdDelete:
		for _, key := range args[1:] {
			if !validKey(key) {
				return errNoKey
			}
		}
		word := "get "
		if as == cmdDelete {
			word = "delete "
		}
		for _, key := range args[1:] {
			w.line1(word, key, "")
		}
		return nil
	case cmdPing, cmdStats, cmdFlush:
		for i := range w.wires {
			w.route = append(w.route, uint16(i))
			w.wires[i].out = append(w.wires[i].out, map[command]string{cmdPing: "version\r\n", cmdStats: "stats\r\n", cmdFlush: "flush_all\r\n"}[as]...)
		}
		return nil
	}
	key := args[1]
	if !validKey(key) {
		return errNoKey
	}
	switch as {
	case cmdGet:
		w.line1("get ", key, "")
	case cmdGets:
		w.line1("gets ", key, "")
	case cmdTTL:
		w.line1("mg ", key, " t")
	case cmdSize:
		w.line1("mg ", key, " s")
	case cmdExists:
		w.line1("mg ", key, "")
	case cmdGat:
		return w.putGat(key, args[2:])
	case cmdTouch:
		return w.putTouch(args)
	case cmdCount:
		return w.putCount(args)
	case cmdMeta:
		return w.putMeta(args)
	default:
		return w.putStore(as, args)
	}
	return nil
}

// wire returns the connection to the server that has a key.
func (w *session) wire(key []byte) *wire {
	at := 0
	if ring := w.store.ring; ring != nil {
		at = ring.Owner[ring.Place(key)]
	}
	w.route = append(w.route, uint16(at))
	return w.wires[at]
}

// line1 sends a line about one key.
func (w *session) line1(word string, key []byte, rest string) {
	c := w.wire(key)
	c.out = append(c.out, word...)
	c.out = append(c.out, key...)
	c.out = append(c.out, rest...)
	c.out = append(c.out, "\r\n"...)
}

func (w *session) putGat(key []byte, options [][]byte) error {
	e := w.wires[0].limits.clock.options(options)
	switch {
	case !e.ok || e.nx || e.xx:
		return errSyntax
	case e.exp == 0:
		w.line1("get ", key, "")
		return nil
	}
	c := w.wire(key)
	c.out = append(c.out, "gat "...)
	c.out = strconv.AppendInt(c.out, e.exp, 10)
	c.out = append(c.out, ' ')
	c.out = append(c.out, key...)
	c.out = append(c.out, "\r\n"...)
	return nil
}

func (w *session) putTouch(args [][]byte) error {
	n, ok := number(args[2])
	if !ok || n > 1e12 || n < -1e12 {
		return errNotNumber
	}
	unit := time.Second
	if args[0][0]|0x20 == 'p' {
		unit = time.Millisecond
	} else {
		n = max(-1, min(n, 1e9))
	}
	c := w.wire(args[1])
	c.out = append(c.out, "touch "...)
	c.out = append(c.out, args[1]...)
	c.out = append(c.out, ' ')
	c.out = strconv.AppendInt(c.out, c.limits.clock.exptime(time.Duration(n)*unit), 10)
	c.out = append(c.out, "\r\n"...)
	return nil
}

// putCount adds to a counter, which is made without a TTL if there is none, as Redis does.
func (w *session) putCount(args [][]byte) error {
	n, ok := int64(1), true
	if len(args) > 2 {
		n, ok = number(args[2])
	}
	mode := byte('I')
	if args[0][0]|0x20 == 'd' {
		mode = 'D'
	}
	switch {
	case !ok:
		return errNotNumber
	case n < 0:
		return errNegative
	}
	initial := n
	if mode == 'D' {
		initial = 0
	}
	c := w.wire(args[1])
	c.out = append(c.out, "ma "...)
	c.out = append(c.out, args[1]...)
	c.out = append(c.out, " v N0 M"...)
	c.out = append(c.out, mode, ' ', 'J')
	c.out = strconv.AppendInt(c.out, initial, 10)
	c.out = append(c.out, " D"...)
	c.out = strconv.AppendInt(c.out, n, 10)
	c.out = append(c.out, "\r\n"...)
	return nil
}

// putStore writes a value: SET and its like.
func (w *session) putStore(as command, args [][]byte) error {
	word, value, options, token := "set ", args[2], args[3:], []byte(nil)
	clock := &w.wires[0].limits.clock
	var e expiry
	switch name := args[0]; {
	case bytes.EqualFold(name, []byte("SETEX")), bytes.EqualFold(name, []byte("PSETEX")):
		n, ok := number(args[2])
		unit := time.Second
		if name[0]|0x20 == 'p' {
			unit = time.Millisecond
		}
		if !ok || n <= 0 || n > 1e9*int64(time.Second/unit) {
			return errSyntax
		}
		value, options, e.exp = args[3], nil, clock.exptime(time.Duration(n)*unit)
	case bytes.EqualFold(name, []byte("CAS")):
		if token = args[3]; len(token) == 0 || len(token) > 20 || bytes.ContainsAny(token, " \r\n") {
			return errNotNumber
		}
		word, options = "cas ", args[4:]
	case as == cmdAdd, bytes.EqualFold(name, []byte("ADD")):
		word = "add "
	case bytes.EqualFold(name, []byte("REPLACE")):
		word = "replace "
	}
	if len(options) > 0 {
		if e = clock.options(options); !e.ok || (e.nx || e.xx) && word != "set " {
			return errSyntax
		}
	}
	switch {
	case e.nx:
		word = "add "
	case e.xx:
		word = "replace "
	}
	return w.putValue(word, args[1], value, e.exp, token)
}

func (w *session) putValue(word string, key, value []byte, exp int64, token []byte) error {
	c := w.wire(key)
	if int64(len(key)+len(value)+headerBytes) > c.limits.item {
		return errTooLarge
	}
	c.out = append(c.out, word...)
	c.out = append(c.out, key...)
	c.out = append(c.out, " 0 "...)
	c.out = strconv.AppendInt(c.out, exp, 10)
	c.out = append(c.out, ' ')
	c.out = strconv.AppendInt(c.out, int64(len(value)), 10)
	if token != nil {
		c.out = append(c.out, ' ')
		c.out = append(c.out, token...)
	}
	c.out = append(c.out, "\r\n"...)
	c.out = append(c.out, value...)
	c.out = append(c.out, "\r\n"...)
	return nil
}

// putMeta sends a meta command as it is: mg key flags …, ms key value flags …. One whose answer may be withheld (q) would leave
// everybody waiting for it.
func (w *session) putMeta(args [][]byte) error {
	set := bytes.EqualFold(args[0], []byte("MS"))
	flags := args[2:]
	if set {
		flags = args[3:]
	}
	for _, f := range flags {
		if len(f) == 0 || f[0] == 'q' || f[0] == 'k' || bytes.ContainsAny(f, " \r\n") {
			return errSyntax
		}
	}
	if set && int64(len(args[1])+len(args[2])+headerBytes) > w.wires[0].limits.item {
		return errTooLarge
	}
	c := w.wire(args[1])
	c.out = append(c.out, args[0][0]|0x20, args[0][1]|0x20, ' ')
	c.out = append(c.out, args[1]...)
	if set {
		c.out = append(c.out, ' ')
		c.out = strconv.AppendInt(c.out, int64(len(args[2])), 10)
	}
	for _, f := range flags {
		c.out = append(c.out, ' ')
		c.out = append(c.out, f...)
	}
	c.out = append(c.out, "\r\n"...)
	if set {
		c.out = append(c.out, args[2]...)
		c.out = append(c.out, "\r\n"...)
	}
	return nil
}

var _ kv.Limited = (*store)(nil)
