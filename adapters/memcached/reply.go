package memcached

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// reply reads the replies to one operation.
func (w *session) reply(op *kv.Op, p *pending, res *kv.Result, sent time.Duration) error {
	*res = kv.Result{Sent: sent, Done: sent}
	if p.refuse != nil {
		res.Status, res.Err, res.Done = kv.Failed, p.refuse, time.Since(w.began)
		return nil
	}
	from, total := len(w.values), int64(0)
	for i := range p.parts {
		c := w.wires[w.route[p.first+i]]
		n, err := w.part(c, op, p, res, &total)
		if err != nil {
			return err
		}
		res.Bytes += n
		res.Done = max(res.Done, c.at)
	}
	switch {
	case res.Status == kv.Failed:
		w.values = w.values[:from]
		return nil
	case p.as == cmdDelete || p.as == cmdExists || p.as == cmdTouch || p.as == cmdAdd:
		w.value(op, w.want(op, total))
	case p.as == cmdPing:
		w.value(op, wordPong)
	case p.as == cmdFlush:
		w.value(op, wordOK)
	case p.as == cmdStats:
		w.value(op, w.info(op))
	}
	if op.Want {
		res.Values = w.values[from:len(w.values):len(w.values)]
	}
	return nil
}

var wordOK, wordPong = []byte("OK"), []byte("PONG")

// value adds one to the values of the operation.
func (w *session) value(op *kv.Op, b []byte) {
	if op.Want {
		w.values = append(w.values, b)
	}
}

// want writes a number if somebody reads it.
func (w *session) want(op *kv.Op, n int64) []byte {
	if !op.Want {
		return nil
	}
	return w.keepNumber(n)
}

// part reads the reply of one server to one command, and returns how many bytes it was.
func (w *session) part(c *wire, op *kv.Op, p *pending, res *kv.Result, total *int64) (n int, err error) {
	line, err := w.line(c)
	if err != nil {
		return 0, err
	}
	n = len(line) + 2
	if isError(line) {
		res.Status, res.Err = kv.Failed, w.text(line)
		return n, nil
	}
	switch p.as {
	case cmdGet, cmdGets, cmdGat, cmdMany:
		more, err := w.values1(c, op, p, res, line)
		return n + more, err
	case cmdSet, cmdAdd:
		return n, w.stored(op, p, res, line, total)
	case cmdCount, cmdTTL, cmdSize, cmdExists, cmdMeta:
		more, err := w.meta(c, op, p, res, line, total)
		return n + more, err
	case cmdTouch, cmdDelete:
		switch string(line) {
		case "TOUCHED", "DELETED":
			*total++
			return n, nil
		case "NOT_FOUND":
			return n, nil
		}
	case cmdPing:
		if bytes.HasPrefix(line, []byte("VERSION ")) {
			return n, nil
		}
	case cmdFlush:
		if string(line) == "OK" {
			return n, nil
		}
	case cmdStats:
		more, err := w.addStats(c, line)
		return n + more, err
	}
	return n, unexpected(line)
}

func unexpected(line []byte) error { return fmt.Errorf("%w: a reply of %q", errProtocol, bound(line)) }

// values1 reads the reply to get: a value with its line, or none, and END.
func (w *session) values1(c *wire, op *kv.Op, p *pending, res *kv.Result, line []byte) (n int, err error) {
	if string(line) == "END" {
		if p.as != cmdMany {
			res.Status = kv.Miss
		}
		w.value(op, nil)
		return 0, nil
	}
	size, token, ok := valueLine(line)
	if !ok {
		return 0, unexpected(line)
	}
	var kept []byte
	if p.as == cmdGets && op.Want { // the line is gone once more is read
		kept = w.keep(token)
	}
	b, err := w.data(c, size)
	if err != nil {
		return 0, err
	}
	if op.Want {
		w.values = append(w.values, w.keep(b))
		if p.as == cmdGets {
			w.values = append(w.values, kept)
		}
	}
	if line, err = w.line(c); err != nil {
		return 0, err
	}
	if string(line) != "END" {
		return 0, unexpected(line)
	}
	return size + 2 + len("END\r\n"), nil
}

// valueLine reads "VALUE key flags bytes" or "VALUE key flags bytes token".
func valueLine(line []byte) (size int, token []byte, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("VALUE "))
	if !ok {
		return 0, nil, false
	}
	_, rest, _ = bytes.Cut(rest, []byte(" ")) // the key
	_, rest, ok = bytes.Cut(rest, []byte(" "))
	text, token, _ := bytes.Cut(rest, []byte(" "))
	n, isNumber := number(text)
	if !ok || !isNumber || n < 0 || n > math.MaxInt32 {
		return 0, nil, false
	}
	return int(n), token, true
}

func (w *session) stored(op *kv.Op, p *pending, res *kv.Result, line []byte, total *int64) error {
	switch string(line) {
	case "STORED":
		if *total++; p.as == cmdSet {
			w.value(op, wordOK)
		}
	case "NOT_STORED", "EXISTS", "NOT_FOUND":
		if p.as == cmdSet {
			res.Status = kv.Miss
			w.value(op, nil)
		}
	default:
		return unexpected(line)
	}
	return nil
}

// meta reads the reply to a meta command: a code of two letters, flags, and with VA a value.
func (w *session) meta(c *wire, op *kv.Op, p *pending, res *kv.Result, line []byte, total *int64) (n int, err error) {
	code, rest, _ := bytes.Cut(line, []byte(" "))
	there := false
	size := -1
	switch string(code) {
	case "HD":
		there = true
	case "VA":
		text, flags, _ := bytes.Cut(rest, []byte(" "))
		rest = flags
		x, ok := number(text)
		if !ok || x < 0 || x > math.MaxInt32 {
			return 0, unexpected(line)
		}
		there, size = true, int(x)
	case "EN", "NF", "NS", "EX":
	default:
		return 0, unexpected(line)
	}
	switch p.as {
	case cmdExists:
		if there {
			*total++
		}
	case cmdTTL:
		w.value(op, w.want(op, ttlOf(there, rest, op.Args[0])))
	case cmdSize:
		x, _ := flag(rest, 's')
		w.value(op, w.want(op, x))
	default:
		return w.metaValue(c, op, p, res, rest, there, size)
	}
	return 0, nil
}

// ttlOf answers as Redis does: what is left in the unit of the command, -1 without a TTL, -2 without a key.
func ttlOf(there bool, flags, command []byte) int64 {
	if !there {
		return -2
	}
	left, ok := flag(flags, 't')
	if !ok || left < 0 {
		return -1
	}
	if command[0]|0x20 == 'p' {
		left *= 1000
	}
	return left
}

// flag returns the number that stands behind a letter among flags: "s5 t-1".
func flag(flags []byte, letter byte) (n int64, ok bool) {
	for len(flags) > 0 {
		var f []byte
		f, flags, _ = bytes.Cut(flags, []byte(" "))
		if len(f) > 1 && f[0] == letter {
			return number(f[1:])
		}
	}
	return 0, false
}

// metaValue hands over the value of a meta command, and of one that was sent as it is the flags behind it.
func (w *session) metaValue(c *wire, op *kv.Op, p *pending, res *kv.Result, flags []byte, there bool, size int) (n int, err error) {
	if !there {
		res.Status = kv.Miss
		w.value(op, nil)
	}
	var kept []byte
	raw := p.as == cmdMeta && op.Want && there
	if raw {
		kept = w.keep(flags)
	}
	var b []byte
	if size >= 0 {
		if b, err = w.data(c, size); err != nil {
			return 0, err
		}
		n = size + 2
		if p.as == cmdCount {
			b = bytes.TrimRight(b, " ") // decr leaves blanks where there were digits
		}
		if op.Want {
			b = w.keep(b)
		}
	}
	if there {
		w.value(op, b)
	}
	for raw && len(kept) > 0 {
		var f []byte
		f, kept, _ = bytes.Cut(kept, []byte(" "))
		w.value(op, f)
	}
	return n, nil
}
