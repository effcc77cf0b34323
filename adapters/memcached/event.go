package memcached

import (
	"bytes"
	"fmt"
	"time"
)

// An event is a line of watch: "ts=1795391770.81231 gid=7 type=item_get key=user%3A2 status=found clsid=1 cfd=22 size=5" (logger.c).
// Behind the dot are microseconds as a number, without leading zeros.
type event struct {
	at      time.Time
	kind    eventKind
	item    // its key and scratch
	status  string
	command string // of a store: set, add, …
	ttl     int64  // of a store, in seconds; 0 is none
	conn    int64  // whose it was
	bytes   int64  // of the value
	skipped int64  // events that the server has dropped before this one
}

type eventKind uint8

const (
	eventOther eventKind = iota
	eventGet
	eventStore
	eventDelete // 1.6.20 and later
	eventSkipped
)

// deadTTL is the least TTL that a store shows whose expiry lay in the past: the server writes it as a number of 32 bits without a
// sign, and what is left is less than nothing.
const deadTTL = 1 << 31

// dead reports whether the event is a store of what was gone as it was stored.
func (e *event) dead() bool { return e.kind == eventStore && e.status == "stored" && e.ttl >= deadTTL }

// parse reads a line. What it does not know it leaves alone.
func (e *event) parse(line []byte) error {
	*e = event{item: item{keyScratch: e.keyScratch}}
	if rest, ok := bytes.CutPrefix(line, []byte("skipped=")); ok {
		n, ok := number(rest)
		if !ok || n < 0 {
			return badEvent(line)
		}
		e.kind, e.skipped = eventSkipped, n
		return nil
	}
	named := false
	for rest := line; len(rest) > 0; {
		var word []byte
		word, rest, _ = bytes.Cut(rest, []byte(" "))
		name, value, ok := bytes.Cut(word, []byte("="))
		if !ok {
			continue
		}
		if string(name) == "key" {
			if err := e.setKey(value); err != nil {
				return err
			}
			named = true
			continue
		}
		if !e.setWord(string(name), value) {
			return badEvent(line)
		}
	}
	if e.at.IsZero() {
		return badEvent(line)
	}
	if !named {
		e.kind = eventOther
	}
	return nil
}

func badEvent(line []byte) error {
	return fmt.Errorf("%w: a line of watch: %q", errProtocol, bound(line))
}

func (e *event) setWord(name string, value []byte) bool {
	ok := true
	switch name {
	case "ts":
		seconds, micros, dot := bytes.Cut(value, []byte("."))
		s, ok1 := number(seconds)
		us, ok2 := number(micros)
		ok = dot && ok1 && ok2 && us >= 0 && us < 1e6
		e.at = time.Unix(s, us*1000)
	case "type":
		switch string(value) {
		case "item_get":
			e.kind = eventGet
		case "item_store":
			e.kind = eventStore
		case "deleted", "item_delete":
			e.kind = eventDelete
		}
	case "status":
		e.status = words(value)
	case "cmd":
		e.command = words(value)
	case "ttl":
		e.ttl, ok = number(value)
	case "cfd":
		e.conn, ok = number(value)
	case "size":
		e.bytes, ok = number(value)
	}
	return ok
}

// words returns a word that is known without allocating it, and "other" for one that is not.
func words(b []byte) string {
	for _, w := range [...]string{
		"found", "not_found", "flushed", "expired", "not_stored", "stored", "exists", "too_large", "no_memory", "null", "add", "set",
		"replace", "append", "prepend", "cas",
	} {
		if string(b) == w {
			return w
		}
	}
	return "other"
}
