package memcached

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// A command is how an operation is sent, and what its reply looks like.
type command uint8

// The commands. What loads are made of comes in Redis's words, and in memcached's own where Redis has no such thing: GETS, CAS, and
// the meta commands.
const (
	cmdNone   command = iota
	cmdGet            // get: one key
	cmdGets           // gets: the value, and what CAS wants
	cmdGat            // gat: get and touch
	cmdMany           // get of each key
	cmdSet            // set, add, replace, cas
	cmdAdd            // SETNX answers 1 or 0
	cmdCount          // ma, which makes what is not there: INCR does
	cmdTouch          // touch
	cmdDelete         // delete of each key
	cmdTTL            // mg t
	cmdSize           // mg s
	cmdExists         // mg
	cmdMeta           // a meta command as it is
	cmdPing           // version
	cmdStats          // stats, as INFO has them
	cmdFlush          // flush_all
)

// commands are the names of what is understood, and how many words each has at least.
var commands = map[string]struct {
	as    command
	words int
	meta  bool // is of 1.6 and later
}{
	"GET": {cmdGet, 2, false}, "GETS": {cmdGets, 2, false}, "GETEX": {cmdGat, 2, false}, "MGET": {cmdMany, 2, false},
	"SET": {cmdSet, 3, false}, "SETEX": {cmdSet, 4, false}, "PSETEX": {cmdSet, 4, false}, "ADD": {cmdSet, 3, false},
	"REPLACE": {cmdSet, 3, false}, "CAS": {cmdSet, 4, false}, "SETNX": {cmdAdd, 3, false},
	"INCR": {cmdCount, 2, true}, "INCRBY": {cmdCount, 3, true}, "DECR": {cmdCount, 2, true}, "DECRBY": {cmdCount, 3, true},
	"EXPIRE": {cmdTouch, 3, false}, "PEXPIRE": {cmdTouch, 3, false}, "TOUCH": {cmdTouch, 3, false},
	"DEL": {cmdDelete, 2, false}, "UNLINK": {cmdDelete, 2, false}, "DELETE": {cmdDelete, 2, false},
	"TTL": {cmdTTL, 2, true}, "PTTL": {cmdTTL, 2, true}, "STRLEN": {cmdSize, 2, true}, "EXISTS": {cmdExists, 2, true},
	"MG": {cmdMeta, 2, true}, "MS": {cmdMeta, 3, true}, "MD": {cmdMeta, 2, true}, "MA": {cmdMeta, 2, true},
	"PING": {cmdPing, 1, false}, "INFO": {cmdStats, 1, false}, "FLUSHALL": {cmdFlush, 1, false},
}

// options of SET, with how many words each has.
var setOptions = map[string]int{"EX": 2, "PX": 2, "EXAT": 2, "PXAT": 2, "NX": 1, "XX": 1}

// Lacks implements kv.Limited.
func (s *store) Lacks(words []string) string {
	name := strings.ToUpper(words[0])
	c, ok := commands[name]
	if !ok {
		return "memcached has no " + name
	}
	if (name == "SET" || name == "GETEX") && len(words) > c.words {
		for _, w := range words[c.words:] {
			w = strings.ToUpper(w)
			if _, known := setOptions[w]; !known && w != "" && !isNumber(w) {
				return "memcached has no " + name + " … " + w
			}
		}
	}
	return ""
}

func isNumber(s string) bool {
	_, err := strconv.ParseInt(s, 10, 64)
	return err == nil
}

// longestTTL is what memcached takes for a duration; a longer one is for it a moment, seconds since 1970 (REALTIME_MAXDELTA).
const longestTTL = 30 * 24 * time.Hour

// exptime writes a duration as an expiration time: whole seconds, rounded up, since memcached knows no others, and of more than 30
// days the moment by the server's clock. A key lives up to a second less: the server's clock ticks once a second.
func (c *clock) exptime(d time.Duration) int64 {
	seconds := int64((d + time.Second - 1) / time.Second)
	switch {
	case d <= 0:
		return -1 // gone at once
	case d > longestTTL:
		return time.Now().Add(-c.behind).Unix() + seconds
	}
	return seconds
}

// An expiry is what the options of a command say of it.
type expiry struct {
	exp    int64 // as sent; 0 is none
	nx, xx bool
	ok     bool // they could be read
}

// options reads those of SET and GETEX.
func (c *clock) options(words [][]byte) (e expiry) {
	for i := 0; i < len(words); i++ {
		switch {
		case bytes.EqualFold(words[i], wordNX):
			e.nx = true
			continue
		case bytes.EqualFold(words[i], wordXX):
			e.xx = true
			continue
		}
		if i+1 >= len(words) {
			return e
		}
		n, ok := number(words[i+1])
		if !ok || n <= 0 || n > 1e15 {
			return e
		}
		switch w := words[i]; {
		case bytes.EqualFold(w, wordEX):
			e.exp = c.exptime(time.Duration(min(n, 1e9)) * time.Second)
		case bytes.EqualFold(w, wordPX):
			e.exp = c.exptime(time.Duration(min(n, 1e12)) * time.Millisecond)
		case bytes.EqualFold(w, wordEXAT):
			e.exp = n - int64(c.behind/time.Second)
		case bytes.EqualFold(w, wordPXAT):
			e.exp = (n+999)/1000 - int64(c.behind/time.Second)
		default:
			return e
		}
		i++
	}
	e.ok = !e.nx || !e.xx
	return e
}

var (
	wordNX, wordXX, wordEX, wordPX = []byte("NX"), []byte("XX"), []byte("EX"), []byte("PX")
	wordEXAT, wordPXAT             = []byte("EXAT"), []byte("PXAT")
)

// What is refused before it is sent.
const (
	errNoKey     = kv.ReplyError("CLIENT_ERROR a key has 1 to 250 bytes, no space and no control character")
	errTooLarge  = kv.ReplyError("SERVER_ERROR object too large for cache")
	errSyntax    = kv.ReplyError("ERR syntax error")
	errNotNumber = kv.ReplyError("ERR value is not an integer or out of range")
	errNegative  = kv.ReplyError("ERR memcached's counters are never negative")
)

// validKey reports whether a key can be sent.
func validKey(key []byte) bool {
	if len(key) == 0 || len(key) > longestKey {
		return false
	}
	for _, c := range key {
		if c <= ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

// headerBytes is about what an item takes besides key and value: its header, and the end of the value's line.
const headerBytes = 60
