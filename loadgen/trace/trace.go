// Package trace reads files of accesses: what was done to which key, and when. It owns their forms: what MONITOR of the Redis
// family prints and the cache traces of Twitter, which Read reads; and besides these append-only files, comma-separated values and
// JSON lines, which Commands reads as commands that can be done again.
//
// The one idea is that a trace is a stream of kv.Access, the same as a live store yields (kv.Tracer), so that whatever counts
// accesses need not know where they come from. A line that cannot be read is not the end: it is counted as lost, in the access
// after it. Input is hostile: a line is kept up to 64 KiB, and nothing grows with the file.
package trace

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/kvtool/kvtool/internal/monitor"
	"github.com/kvtool/kvtool/kv"
)

// A Format is a form of trace.
type Format struct {
	Name, Title string
	// parse yields the accesses of a line. It returns false for a line that is none of this form.
	parse func(line []byte, cut bool, s *scratch, yield func(*kv.Access) bool) (more, ok bool)
}

// Formats lists the forms.
func Formats() []Format {
	return []Format{
		{"monitor", "output of redis-cli MONITOR", parseMonitor},
		{"twitter", "cache trace of Twitter (timestamp,key,key size,value size,client,operation,TTL)", parseTwitter},
	}
}

// scratch is memory that is used again from line to line.
type scratch struct {
	line   monitor.Line
	access kv.Access
}

// Read yields the accesses of a trace in the form of its first lines. An error is the last thing yielded: kv.ErrCorrupt where
// no line is of a known form. An access is valid until the next step.
func Read(r io.Reader) iter.Seq2[*kv.Access, error] {
	return func(yield func(*kv.Access, error) bool) {
		in := monitor.NewLines(r)
		var s scratch
		var form *Format
		var lost, tried int64
		for {
			line, cut, _, err := in.Next()
			if len(line) > 0 && !header(line) {
				f, more := of(form, line, cut, &s, &lost, yield)
				if !more {
					return
				}
				if form = f; form == nil {
					if tried++; tried == tryLines {
						yield(nil, kv.WithHint(kv.Corruptf("no line of the first %d is one of a trace", tryLines), formsHint()))
						return
					}
				}
			}
			if err != nil {
				if errors.Is(err, io.EOF) {
					err = nil
				}
				finish(form, tried, lost, err, yield)
				return
			}
		}
	}
}

// tryLines is how many lines may come before one of a known form: whoever captures a trace may have written something above.
const tryLines = 100

// header reports lines that say nothing: the answer to MONITOR, and empty ones.
func header(line []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) == 0 || string(line) == "OK" || string(line) == "+OK"
}

func formsHint() string {
	hint := "traces are: "
	for i, f := range Formats() {
		if i > 0 {
			hint += "; "
		}
		hint += f.Title
	}
	return hint
}

// of reads a line in form, or in the first form that takes it.
func of(form *Format, line []byte, cut bool, s *scratch, lost *int64, yield func(*kv.Access, error) bool) (*Format, bool) {
	forms := Formats()
	if form != nil {
		forms = []Format{*form}
	}
	for i := range forms {
		more, ok := forms[i].parse(line, cut, s, func(a *kv.Access) bool {
			a.Lost, *lost = *lost, 0
			return yield(a, nil)
		})
		if ok {
			return &forms[i], more
		}
	}
	*lost++
	return form, true
}

func finish(form *Format, tried, lost int64, err error, yield func(*kv.Access, error) bool) {
	switch {
	case err != nil:
		yield(nil, err)
	case form == nil && tried > 0:
		yield(nil, kv.WithHint(kv.Corruptf("no line is one of a trace"), formsHint()))
	case lost > 0: // at the end
		yield(&kv.Access{Lost: lost}, nil)
	}
}

func parseMonitor(line []byte, cut bool, s *scratch, yield func(*kv.Access) bool) (more, ok bool) {
	if !monitor.Parse(line, cut, &s.line) {
		return true, false
	}
	more = true
	s.line.Accesses(func(key string, kind kv.OpKind) {
		if more {
			s.access = kv.Access{Key: key, DB: s.line.DB, Kind: kind, At: s.line.At, N: 1}
			more = yield(&s.access)
		}
	})
	return more, true
}

// The fields of a line of Twitter's, counted from its end: a key may hold commas.
const (
	twitterTTL = 1 + iota
	twitterOp
	twitterClient
	twitterValue
	twitterKey // its size
	twitterBehind
)

// A twitterLine is a line of https://github.com/twitter/cache-trace: seconds since the beginning of the trace, the key, its size and
// that of its value in bytes, a client, the operation, and the TTL in seconds or 0.
type twitterLine struct {
	seconds, keySize, valueSize, ttl int64
	key, client, op                  []byte
	kind                             kv.OpKind
}

// splitTwitter takes a line apart. It returns false for one that is none of that form.
func splitTwitter(line []byte, cut bool) (l twitterLine, ok bool) {
	fields := bytes.Split(bytes.TrimSpace(line), []byte{','})
	n := len(fields)
	if n < 7 || cut {
		return l, false
	}
	for _, x := range []struct {
		to *int64
		at int
	}{{&l.seconds, 0}, {&l.keySize, n - twitterKey}, {&l.valueSize, n - twitterValue}, {&l.ttl, n - twitterTTL}} {
		if *x.to, ok = number(fields[x.at]); !ok {
			return l, false
		}
	}
	l.key = bytes.Join(fields[1:n-twitterBehind+1], []byte{','})
	l.client, l.op = fields[n-twitterClient], fields[n-twitterOp]
	l.kind = twitterKind(string(l.op))
	return l, l.kind != kv.OpUnknown
}

func parseTwitter(line []byte, cut bool, s *scratch, yield func(*kv.Access) bool) (more, ok bool) {
	l, ok := splitTwitter(line, cut)
	if !ok {
		return true, false
	}
	s.access = kv.Access{Key: string(l.key), Kind: l.kind, At: time.Unix(l.seconds, 0), N: 1, Bytes: l.keySize + l.valueSize}
	return yield(&s.access), true
}

func number(b []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(b), 10, 64)
	return n, err == nil && n >= 0 && n < 1<<40
}

// twitterKind are memcached's operations.
func twitterKind(op string) kv.OpKind {
	switch op {
	case "get", "gets":
		return kv.OpRead
	case "set", "add", "replace", "cas", "append", "prepend", "delete", "incr", "decr":
		return kv.OpWrite
	}
	return kv.OpUnknown
}
