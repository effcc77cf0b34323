// Package monitor reads the lines that MONITOR of the Redis family prints, and says of a command which keys it touches and
// whether it changes them.
//
// The one idea is that a line is the whole command, so what happened to which key follows from its words alone: the table of
// commands (command.go) names the places of the keys, and nothing is asked of a server.
//
//	1339518083.107412 [0 127.0.0.1:60866] "set" "user:1" "a \"quoted\" value"
//	└─ seconds        │ └─ client         └─ words, escaped
//	                  └─ database
//
// Source: https://redis.io/docs/latest/commands/monitor/, and the command table of Redis 7.0 and Valkey 9 (COMMAND).
package monitor

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// A Line is one command that a server was asked.
type Line struct {
	At     time.Time
	DB     int
	Client string // its address; "lua" for what a script has asked
	Words  []string
}

// maxWords bounds the words of a line that are kept: a command of more has its keys among the first.
const maxWords = 1 << 12

// Parse reads one line, without its end. Cut says that the end of the line is missing: its last word may be a part of one. The
// words of l are used again. It returns false for what is no line of MONITOR.
func Parse(line []byte, cut bool, l *Line) bool {
	line = bytes.TrimPrefix(bytes.TrimSpace(line), []byte("+")) // as it comes over the network
	stamp, rest, ok := bytes.Cut(line, []byte(" ["))
	if !ok || !l.setTime(string(stamp)) {
		return false
	}
	source, rest, ok := bytes.Cut(rest, []byte("] "))
	if !ok {
		return false
	}
	db, client, ok := strings.Cut(string(source), " ")
	n, err := strconv.Atoi(db)
	if !ok || err != nil || n < 0 {
		return false
	}
	l.DB, l.Client = n, client
	return l.setWords(rest, cut)
}

func (l *Line) setTime(s string) bool {
	seconds, micros, _ := strings.Cut(s, ".")
	sec, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || sec < 0 || sec > 1<<40 {
		return false
	}
	us := int64(0)
	if micros != "" {
		if us, err = strconv.ParseInt((micros + "000000")[:6], 10, 64); err != nil || us < 0 {
			return false
		}
	}
	l.At = time.Unix(sec, us*1000)
	return true
}

// setWords reads "word" "word" …; of a line that was cut, what is there of the last word is left out.
func (l *Line) setWords(rest []byte, cut bool) bool {
	l.Words = l.Words[:0]
	for len(rest) > 0 && len(l.Words) < maxWords {
		word, after, ok := unquote(rest)
		if !ok {
			return cut && len(l.Words) > 0
		}
		l.Words = append(l.Words, word)
		rest = bytes.TrimLeft(after, " ")
	}
	return len(l.Words) > 0
}

// unquote reads one word as sdscatrepr writes it: \\ \" \n \r \t \a \b \xHH.
func unquote(b []byte) (word string, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != '"' {
		return "", nil, false
	}
	if i := bytes.IndexAny(b[1:], `\"`); i >= 0 && b[1+i] == '"' { // nearly all
		return string(b[1 : 1+i]), b[2+i:], true
	}
	var out []byte
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '"':
			return string(out), b[i+1:], true
		case '\\':
			c, n := escape(b[i+1:])
			if n == 0 {
				return "", nil, false
			}
			out, i = append(out, c), i+n
		default:
			out = append(out, b[i])
		}
	}
	return "", nil, false
}

// escape returns the byte that an escape stands for and how many bytes it has behind its backslash; 0 for none.
func escape(b []byte) (c byte, n int) {
	if len(b) == 0 {
		return 0, 0
	}
	if b[0] != 'x' {
		const names, bytes = "nrtab", "\n\r\t\a\b"
		if i := strings.IndexByte(names, b[0]); i >= 0 {
			return bytes[i], 1
		}
		return b[0], 1
	}
	if len(b) < 3 {
		return 0, 0
	}
	v, err := strconv.ParseUint(string(b[1:3]), 16, 8)
	if err != nil {
		return 0, 0
	}
	return byte(v), 3
}

// Accesses calls fn for each key that the command of l touches.
func (l *Line) Accesses(fn func(key string, kind kv.OpKind)) { Keys(l.Words, fn) }

// maxLine is how much of a line is kept: keys stand at its beginning.
const maxLine = 64 << 10

// Lines reads lines of any length, of each at most 64 KiB.
type Lines struct{ in *bufio.Reader }

// NewLines returns the lines of r.
func NewLines(r io.Reader) *Lines { return &Lines{bufio.NewReaderSize(r, maxLine)} }

// Next returns the next line without its end, and how many bytes it took; of a long one its beginning, and cut. What it returns
// is valid until the next call. The last line may come with io.EOF.
func (l *Lines) Next() (line []byte, cut bool, n int, err error) {
	line, err = l.in.ReadSlice('\n')
	if n = len(line); !errors.Is(err, bufio.ErrBufferFull) {
		return bytes.TrimRight(line, "\r\n"), false, n, err
	}
	line = bytes.Clone(line)
	for errors.Is(err, bufio.ErrBufferFull) {
		var more []byte
		more, err = l.in.ReadSlice('\n')
		n += len(more)
	}
	return line, true, n, err
}
