package trace

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/monitor"
	"github.com/kvtool/kvtool/kv"
)

// A Command is one operation that can be done again.
type Command struct {
	At     time.Duration // since the first command that has a time; 0 without Timed
	Timed  bool
	Whole  bool      // the time is known to the second only
	Wall   time.Time // the time of day, where the trace tells it
	Client string    // whoever asked; "" where the trace does not tell
	DB     int
	// Words are the command of a server of the Redis family. Size is that of a value that the trace does not hold, in bytes: it
	// is the last word but for Tail, and is to be made up. -1 is none.
	Words []string
	Size  int
	Tail  []string
	Lost  int64 // lines that could not be read, since the command before
}

// A CommandFormat is a form of trace that can be replayed.
type CommandFormat struct{ Name, Title string }

// CommandFormats lists the forms that Commands reads.
func CommandFormats() []CommandFormat {
	return []CommandFormat{
		{"monitor", "output of redis-cli MONITOR"},
		{"aof", "append-only file of the Redis family, without a base in RDB form"},
		{"twitter", "cache trace of Twitter (timestamp,key,key size,value size,client,operation,TTL)"},
		{"csv", "comma-separated values with a line of names: ts (ts_ms, ts_us), client, op, key, size, ttl"},
		{"jsonl", "a JSON object a line: ts, client, op, key, size, ttl"},
	}
}

// CommandOptions say what the file does not.
type CommandOptions struct {
	Columns []string // of comma-separated values, in their order; "-" is left out. nil: the first line says
}

// maxSize bounds the size of a value that is made up.
const maxSize = 512 << 20

// Commands yields what a trace says was asked, in the form of its first lines. An error is the last thing yielded: kv.ErrCorrupt
// where it is in no known form. A command is valid until the next step.
func Commands(r io.Reader, opt CommandOptions) iter.Seq2[*Command, error] {
	return func(yield func(*Command, error) bool) {
		in := bufio.NewReaderSize(r, 64<<10)
		head, _ := in.Peek(8)
		c := clock{yield: yield}
		switch {
		case bytes.HasPrefix(head, []byte("REDIS0")):
			c.fail(kv.WithHint(kv.Corruptf("this begins with a base in RDB form, which says nothing of what was asked"),
				"give the file that ends in .incr.aof, or rewrite with aof-use-rdb-preamble no"))
		case len(head) > 1 && head[0] == '*' && '0' <= head[1] && head[1] <= '9', bytes.HasPrefix(head, []byte("#TS:")):
			readAOF(in, &c)
		default:
			readLines(in, opt, &c)
		}
	}
}

// A clock turns the times of a trace into those since its beginning, and yields.
type clock struct {
	yield func(*Command, error) bool
	begin time.Duration
	began bool
	lost  int64
	any   bool // a command was yielded
	ended bool
}

// next yields a command whose At is as the trace says. It returns false when nobody wants more.
func (k *clock) next(c *Command) bool {
	if c.Timed {
		if !k.began {
			k.begin, k.began = c.At, true
		}
		c.At = max(0, c.At-k.begin)
	}
	c.Lost, k.lost, k.any = k.lost, 0, true
	k.ended = !k.yield(c, nil)
	return !k.ended
}

func (k *clock) fail(err error) {
	if !k.ended {
		k.ended = true
		k.yield(nil, err)
	}
}

// finish yields what was lost at the end, and the error if there was one.
func (k *clock) finish(err error, tried bool) {
	switch {
	case k.ended:
	case err != nil && !errors.Is(err, io.EOF):
		k.fail(err)
	case !k.any && tried:
		k.fail(kv.WithHint(kv.Corruptf("no line is one of a trace"), commandsHint()))
	case k.lost > 0:
		k.next(&Command{Size: -1})
	}
}

func commandsHint() string {
	var names []string
	for _, f := range CommandFormats() {
		names = append(names, f.Title)
	}
	return "traces are: " + strings.Join(names, "; ")
}

// A lineParser reads a line. It returns false for one that is none of its form.
type lineParser func(line []byte, cut bool, c *Command) bool

// readLines reads the forms that are text.
func readLines(in io.Reader, opt CommandOptions, k *clock) {
	lines := monitor.NewLines(in)
	var c Command
	parse, tried := lineParser(nil), int64(0)
	if opt.Columns != nil {
		parse = newTable(opt.Columns)
	}
	for {
		line, cut, _, err := lines.Next()
		if len(line) > 0 && !header(line) {
			if parse == nil {
				parse = detect(line, cut)
			}
			c = Command{Size: -1, Words: c.Words[:0]}
			switch {
			case parse == nil:
				if tried++; tried == tryLines {
					k.fail(kv.WithHint(kv.Corruptf("no line of the first %d is one of a trace", tryLines), commandsHint()))
					return
				}
				k.lost++
			case !parse(line, cut, &c):
				k.lost++
			case len(c.Words) == 0: // the line of names
			case !k.next(&c):
				return
			}
		}
		if err != nil {
			k.finish(err, tried > 0 || parse != nil && k.lost > 0)
			return
		}
	}
}

// detect returns the parser of the form of a line, nil for none.
func detect(line []byte, cut bool) lineParser {
	var c Command
	if parseMonitorCommand(line, cut, &c) {
		return parseMonitorCommand
	}
	if parseTwitterCommand(line, cut, &c) {
		return parseTwitterCommand
	}
	if line[0] == '{' {
		return parseJSON
	}
	if names := tableNames(line); names != nil {
		return newTable(names)
	}
	return nil
}

func parseMonitorCommand(line []byte, cut bool, c *Command) bool {
	l := monitor.Line{Words: c.Words}
	if cut || !monitor.Parse(line, cut, &l) || l.At.Unix() > maxSeconds {
		return false // a command that is cut is another one
	}
	*c = Command{At: time.Duration(l.At.UnixNano()), Timed: true, Wall: l.At, Client: l.Client, DB: l.DB, Words: l.Words, Size: -1}
	return true
}

func parseTwitterCommand(line []byte, cut bool, c *Command) bool {
	l, ok := splitTwitter(line, cut)
	if !ok || l.seconds > maxSeconds {
		return false
	}
	c.At, c.Timed, c.Whole, c.Client = time.Duration(l.seconds)*time.Second, true, true, string(l.client)
	return c.operate(string(l.op), string(l.key), l.valueSize, time.Duration(min(l.ttl, maxSeconds))*time.Second)
}

// maxSeconds is how many seconds a time.Duration can hold, about.
const maxSeconds = 1 << 33

// operate sets the command for an operation in memcached's words, or in Redis's where they are as simple. It returns false for
// one that it does not know.
func (c *Command) operate(op, key string, size int64, ttl time.Duration) bool {
	if size < 0 || size > maxSize || key == "" || ttl < 0 {
		return false
	}
	var expiry []string
	if ttl > 0 {
		expiry = []string{"PX", strconv.FormatInt(max(1, ttl.Milliseconds()), 10)}
	}
	words := c.Words[:0]
	switch strings.ToLower(op) {
	case "get", "gets", "read":
		words = append(words, "GET", key)
	case "set", "cas", "write", "put":
		words, c.Size, c.Tail = append(words, "SET", key), int(size), expiry
	case "add":
		words, c.Size, c.Tail = append(words, "SET", key), int(size), append(expiry, "NX")
	case "replace":
		words, c.Size, c.Tail = append(words, "SET", key), int(size), append(expiry, "XX")
	case "append", "prepend":
		words, c.Size = append(words, "APPEND", key), int(size)
	case "delete", "del":
		words = append(words, "DEL", key)
	case "incr":
		words = append(words, "INCR", key)
	case "decr":
		words = append(words, "DECR", key)
	case "touch", "expire":
		words = append(words, "PEXPIRE", key, strconv.FormatInt(max(1, ttl.Milliseconds()), 10))
	default:
		return false
	}
	c.Words = words
	return true
}
