package dynamodb

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// A command is one of Redis's that DynamoDB can do: one request about one item.
type command struct {
	name    string
	words   int                              // that it has at least
	options map[string]int                   // that may follow, with how many words each has; nil: whatever follows belongs to it
	run     func(*request) error             // alone
	part    func(*change, [][]byte) error    // as a part of a change to one item; nil: it is none
	takes   func(*request, attributes) error // its reply, if another part removes the item; nil: it cannot be had so
	ends    bool                             // it is not queued by MULTI
}

// The commands by name. What is not here needs what DynamoDB has not: lists and sorted sets, several items at once, scripts.
func commands() []*command {
	expiry := map[string]int{"EX": 2, "PX": 2, "EXAT": 2, "PXAT": 2}
	set := map[string]int{"EX": 2, "PX": 2, "EXAT": 2, "PXAT": 2, "NX": 1, "XX": 1}
	none := map[string]int{}
	return []*command{
		{name: "GET", words: 2, options: none, run: runGet, takes: giveValue},
		{name: "MGET", words: 2, run: runMany},
		{name: "SET", words: 3, options: set, run: runSet},
		{name: "SETNX", words: 3, options: none, run: runSet},
		{name: "SETEX", words: 4, options: none, run: runSet},
		{name: "PSETEX", words: 4, options: none, run: runSet},
		{name: "GETSET", words: 3, options: none, run: runSet},
		{name: "GETDEL", words: 2, options: none, run: runTake},
		{name: "GETEX", words: 2, options: expiry, run: runGetEx},
		{name: "STRLEN", words: 2, options: none, run: runLength},
		{name: "EXISTS", words: 2, run: runExists},
		{name: "TTL", words: 2, options: none, run: runTTL},
		{name: "PTTL", words: 2, options: none, run: runTTL},
		{name: "DEL", words: 2, run: runDelete},
		{name: "UNLINK", words: 2, run: runDelete},
		{name: "EXPIRE", words: 3, options: none, run: runChange, part: partExpire},
		{name: "PEXPIRE", words: 3, options: none, run: runChange, part: partExpire},
		{name: "PERSIST", words: 2, options: none, run: runChange, part: partPersist},
		{name: "INCR", words: 2, options: none, run: runChange, part: partCount},
		{name: "INCRBY", words: 3, options: none, run: runChange, part: partCount},
		{name: "DECR", words: 2, options: none, run: runChange, part: partCount},
		{name: "DECRBY", words: 3, options: none, run: runChange, part: partCount},
		{name: "HSET", words: 4, run: runChange, part: partFields},
		{name: "HINCRBY", words: 4, options: none, run: runChange, part: partCount},
		{name: "HDEL", words: 3, run: runChange, part: partDropFields},
		{name: "HGET", words: 3, options: none, run: runFields},
		{name: "HMGET", words: 3, run: runFields},
		{name: "HGETALL", words: 2, options: none, run: runHash, takes: giveHash},
		{name: "HVALS", words: 2, options: none, run: runHash, takes: giveHash},
		{name: "HKEYS", words: 2, options: none, run: runHash, takes: giveHash},
		{name: "HLEN", words: 2, options: none, run: runHash, takes: giveHash},
		{name: "SADD", words: 3, run: runChange, part: partMembers},
		{name: "SREM", words: 3, run: runChange, part: partMembers},
		{name: "SMEMBERS", words: 2, options: none, run: runSetOf, takes: giveSet},
		{name: "SCARD", words: 2, options: none, run: runSetOf, takes: giveSet},
		{name: "SISMEMBER", words: 3, options: none, run: runSetOf},
		{name: "WATCH", words: 2, options: none, run: runWatch, ends: true},
		{name: "UNWATCH", words: 1, options: none, run: runUnwatch, ends: true},
		{name: "MULTI", words: 1, options: none, run: runMulti, ends: true},
		{name: "EXEC", words: 1, options: none, run: runExec, ends: true},
		{name: "PING", words: 1, options: none, run: runPing},
		{name: "INFO", words: 1, run: runInfo},
	}
}

// byName is made once, as a session looks up each operation.
func byName() map[string]*command {
	m := map[string]*command{}
	for _, c := range commands() {
		m[c.name] = c
	}
	return m
}

// longestName bounds a name that is repeated in an error.
const longestName = 40

// find returns the command of an operation.
func (w *session) find(args [][]byte) (*command, error) {
	var name [longestName]byte
	n := copy(name[:], args[0])
	for i, c := range name[:n] {
		if 'a' <= c && c <= 'z' {
			name[i] = c - 'a' + 'A'
		}
	}
	c, ok := w.byName[string(name[:n])]
	switch {
	case !ok:
		return nil, kv.ReplyError("ERR DynamoDB has no " + oneLine(string(name[:n])))
	case len(args) < c.words || c.options != nil && len(c.options) == 0 && len(args) > c.words:
		return nil, errSyntax
	}
	return c, nil
}

// What is refused before it is sent.
const (
	errSyntax    = kv.ReplyError("ERR syntax error")
	errNotNumber = kv.ReplyError("ERR value is not an integer or out of range")
	errNoKey     = kv.ReplyError("ERR a key has at least one byte in each of its parts")
	errParts     = kv.ReplyError("ERR the key has more parts than the table's")
	errWrongType = kv.ReplyError("WRONGTYPE Operation against a key holding the wrong kind of value")
	errReserved  = kv.ReplyError("ERR a field is called as an attribute that the table or kvtool needs")
	errSeveral   = kv.ReplyError("ERR a transaction is about one key here, and either changes it or removes it")
)

// Lacks implements kv.Limited. Of a transaction the words are MULTI and the names of the commands in it.
func (s *store) Lacks(words []string) string {
	all := byName()
	name := strings.ToUpper(words[0])
	c, ok := all[name]
	switch {
	case !ok:
		return "DynamoDB has no " + name
	case name == "MULTI":
		return lacksTogether(all, words[1:])
	}
	for _, w := range words[min(len(words), c.words):] {
		w = strings.ToUpper(w)
		if _, known := c.options[w]; c.options != nil && !known && w != "" && !isNumber(w) {
			return "DynamoDB has no " + name + " … " + w
		}
	}
	return ""
}

// lacksTogether is Lacks of a transaction.
func lacksTogether(all map[string]*command, names []string) string {
	if len(names) == 0 {
		return "DynamoDB has no MULTI but of some commands about one key"
	}
	changes, takes := true, true
	for i, n := range names {
		c := all[strings.ToUpper(n)]
		if c == nil {
			return "DynamoDB has no " + n
		}
		changes = changes && c.part != nil
		takes = takes && (c.takes != nil && i < len(names)-1 || i == len(names)-1 && removes(c))
	}
	if !changes && !takes {
		return "DynamoDB cannot do " + strings.Join(names, ", ") + " at once"
	}
	return ""
}

func removes(c *command) bool { return c.name == "DEL" || c.name == "UNLINK" }

func isNumber(s string) bool {
	_, err := strconv.ParseInt(s, 10, 64)
	return err == nil
}

// number64 reads a whole number.
func number64(b []byte) (int64, bool) {
	if len(b) > 20 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	return n, err == nil
}

// An expiry is what the options of a command say of it.
type expiry struct {
	ms     int64 // since 1970; 0 is none
	nx, xx bool
}

// longestLife bounds a TTL, in milliseconds: a thousand years.
const longestLife = 1000 * 365 * 24 * 3600 * 1000

// life returns when something ends that lasts so long, in the unit.
func life(b []byte, unit time.Duration, now int64) (ms int64, ok bool) {
	n, ok := number64(b)
	per := int64(unit / time.Millisecond)
	if !ok || n > longestLife/per || n < -longestLife/per {
		return 0, false
	}
	return now + n*per, true
}

// expiryOf reads the options of SET and GETEX.
func expiryOf(words [][]byte, now int64) (e expiry, err error) {
	for i := 0; i < len(words); i++ {
		switch {
		case bytes.EqualFold(words[i], []byte("NX")):
			e.nx = true
			continue
		case bytes.EqualFold(words[i], []byte("XX")):
			e.xx = true
			continue
		}
		if i+1 >= len(words) || e.ms != 0 {
			return e, errSyntax
		}
		var ok bool
		switch w := strings.ToUpper(string(words[i][:min(len(words[i]), 8)])); w {
		case "EX", "PX":
			unit := time.Second
			if w == "PX" {
				unit = time.Millisecond
			}
			e.ms, ok = life(words[i+1], unit, now)
			ok = ok && e.ms > now
		case "EXAT":
			e.ms, ok = life(words[i+1], time.Second, 0)
		case "PXAT":
			e.ms, ok = life(words[i+1], time.Millisecond, 0)
		}
		if !ok || e.ms <= 0 {
			return e, errSyntax
		}
		i++
	}
	if e.nx && e.xx {
		return e, errSyntax
	}
	return e, nil
}

func nowMS() int64 { return time.Now().UnixMilli() }

// seconds is when the table is to remove what ends at a moment: not before.
func seconds(ms int64) int64 { return int64(math.Ceil(float64(ms) / 1000)) }

var _ kv.Limited = (*store)(nil)
