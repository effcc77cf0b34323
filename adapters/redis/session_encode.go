package redis

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/kvtool/kvtool/internal/resp"
)

// errEnded is the server's end of a connection.
var errEnded = fmt.Errorf("the server closed the connection: %w", io.ErrUnexpectedEOF)

// errNoCommand is an operation without words.
var errNoCommand = errors.New("an operation without a command")

// encode appends one request.
func (w *wire) encode(args [][]byte) error {
	if len(args) == 0 {
		return errNoCommand
	}
	if err := w.examine(args); err != nil {
		return err
	}
	w.out = resp.AppendRequest(w.out, args...)
	return nil
}

// longestName is that of the longest command that matters here.
const longestName = 16

// lower writes name in lower case into buf, and returns nothing of one that is longer than any that matters.
func lower(buf *[longestName]byte, name []byte) []byte {
	if len(name) > len(buf) {
		return nil
	}
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf[i] = c
	}
	return buf[:len(name)]
}

// examine looks for commands that are not answered at once, and refuses those that are not answered with one reply each: after
// them nobody knows which reply is whose.
//
// Source: https://redis.io/docs/latest/commands/, where the blocking ones say "blocking" and the argument timeout.
func (w *wire) examine(args [][]byte) error {
	name := args[0]
	if len(name) < len("wait") {
		return nil // nearly all
	}
	switch name[0] | 0x20 {
	case 'b', 'c', 'h', 'm', 'p', 'q', 'r', 's', 'u', 'w', 'x':
	default:
		return nil
	}
	var buf [longestName]byte
	switch string(lower(&buf, name)) {
	case "blpop", "brpop", "bzpopmin", "bzpopmax", "blmove", "brpoplpush":
		w.bePatient(args, len(args)-1, time.Second)
	case "blmpop", "bzmpop":
		w.bePatient(args, 1, time.Second)
	case "wait":
		w.bePatient(args, 2, time.Millisecond)
	case "waitaof":
		w.bePatient(args, 3, time.Millisecond)
	case "xread", "xreadgroup":
		for i := range args {
			if bytes.EqualFold(args[i], []byte("block")) {
				w.bePatient(args, i+1, time.Millisecond)
				break
			}
		}
	case "subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe", "monitor", "sync", "psync",
		"replconf", "quit", "reset", "hello":
		return fmt.Errorf("%s is not answered with one reply: %w", name, errors.ErrUnsupported)
	case "client":
		if len(args) > 1 && (bytes.EqualFold(args[1], []byte("reply")) || bytes.EqualFold(args[1], []byte("tracking"))) {
			return fmt.Errorf("CLIENT %s changes which replies come: %w", args[1], errors.ErrUnsupported)
		}
	}
	return nil
}

// mostPatience bounds what commands may wait: a run is to end.
const mostPatience = time.Hour

// bePatient adds how long a command waits: its argument at i, in units; 0 is without end, and adds nothing.
func (w *wire) bePatient(args [][]byte, i int, unit time.Duration) {
	if i >= len(args) {
		return
	}
	f, err := strconv.ParseFloat(string(args[i]), 64)
	if err != nil || !(f > 0) { // the server will say so
		return
	}
	w.patient += time.Duration(min(f*float64(unit), float64(mostPatience)))
}
