package resp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A Mode says which commands may be sent.
type Mode uint8

// ReadOnly allows what neither writes nor counts as an access of a key. NoTouch also allows the lengths of values, which
// count as one unless the connection has said CLIENT NO-TOUCH ON before. Values also allows parts of values, a page of them at
// a time; they count as the lengths do. Watch allows, besides what ReadOnly does, what makes a server tell what it is asked by
// others, and how it is set: that costs it work, changes no data, and is for who was asked to. Replica allows what a new replica
// says: that makes a server fork, and is for who has accepted that.
const (
	ReadOnly Mode = iota
	NoTouch
	Values
	Watch
	Replica
	Cleaning // the one that writes: clean.go has all that it allows
)

// Allows reports whether the command that begins with words may be sent. Only names are looked at, not arguments. Case
// does not matter, as it does not to a server.
//
// The list is what the adapter uses, not all that would be harmless: KEYS, DUMP and GET read too, but stall a server or move
// values over the network.
func (m Mode) Allows(words ...string) bool {
	if len(words) == 0 {
		return false
	}
	switch strings.ToUpper(words[0]) {
	case "REPLCONF", "PSYNC", "SYNC":
		return m == Replica
	case "SCAN", "TYPE", "PTTL", "DBSIZE", "INFO", "PING":
		return true
	case "HELLO", "AUTH", "SELECT", "READONLY", "ASKING": // state of the connection
		return true
	case "STRLEN", "HLEN", "LLEN", "SCARD", "ZCARD", "XLEN":
		return m == NoTouch || m == Values
	case "GETRANGE", "HGET", "LRANGE", "SSCAN", "HSCAN", "ZSCAN", "SISMEMBER", "HEXISTS", "ZSCORE":
		return m == Values
	case "MONITOR", "HOTKEYS":
		return m == Watch
	}
	if len(words) < 2 {
		return false
	}
	if m == Cleaning && cleans(words) {
		return true
	}
	switch strings.ToUpper(words[0]) + " " + strings.ToUpper(words[1]) {
	case "OBJECT ENCODING", "OBJECT IDLETIME", "OBJECT FREQ", "MEMORY USAGE", "MEMORY STATS", "CLIENT NO-TOUCH", "CLIENT SETNAME", "ACL WHOAMI":
		return true
	case "CLUSTER SHARDS", "CLUSTER SLOTS", "CLUSTER NODES", "CLUSTER INFO", "CLUSTER SLOT-STATS": // who serves what, who is well, and what it takes
		return true
	case "CONFIG GET": // it may tell a secret: whoever asks names the settings
		return m == Watch
	case "SLOWLOG GET", "LATENCY LATEST", "CLIENT LIST", "ACL GETUSER", "ACL LIST", "COMMAND INFO": // what others have asked and may
		return m == Watch
	case "SENTINEL GET-MASTER-ADDR-BY-NAME", "SENTINEL REPLICAS", "SENTINEL MASTER":
		return true
	}
	return false
}

// A Command is the fixed part of a request. Only Mode.Command makes one, so that whoever holds a Command holds a
// permission.
type Command struct {
	head []byte
	args int
}

// Command returns the command that begins with words and takes args more arguments, or an error that is ErrRefused.
func (m Mode) Command(args int, words ...string) (Command, error) {
	if !m.Allows(words...) {
		return Command{}, fmt.Errorf("%s: %w", strings.Join(words, " "), ErrRefused)
	}
	head := appendCount(nil, '*', len(words)+args)
	for _, w := range words {
		head = appendBulk(head, w)
	}
	return Command{head, args}, nil
}

// Guard returns a writer that passes on to w what m allows. It is for clients that encode their requests themselves: each
// Write must be whole requests, and all of them allowed, or none is sent.
func (m Mode) Guard(w io.Writer) io.Writer { return &guard{m, w} }

type guard struct {
	mode Mode
	w    io.Writer
}

func (g *guard) Write(p []byte) (int, error) {
	r := NewReader(bytes.NewReader(p), len(p))
	for {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return g.w.Write(p)
		}
		if err != nil || head.Kind != Array {
			return 0, fmt.Errorf("a request in pieces: %w", ErrRefused)
		}
		if err := g.request(r, head.N); err != nil {
			return 0, err
		}
	}
}

// request reads one request of n words and checks its first two. Its other words may be a password: they are not named.
func (g *guard) request(r *Reader, n int64) error {
	var words [2]string
	for i := range n {
		word, err := r.Next()
		if err != nil || word.Kind != Bulk {
			return fmt.Errorf("a request in pieces: %w", ErrRefused)
		}
		if i < 2 {
			words[i] = string(word.Data)
		}
	}
	if !g.mode.Allows(words[:min(2, n)]...) {
		return fmt.Errorf("%.20q: %w", words[0], ErrRefused)
	}
	return nil
}
