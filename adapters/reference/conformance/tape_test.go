package conformance

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/engine"
)

var record = flag.Bool("record", false, "record testdata/resp anew, of the redis-server that is installed")

// A tape is what one connection sent and got, in turn.
type tape struct {
	net.Conn // while it is recorded; nil when it is played
	marks    []mark
	at       int
}

// A mark is bytes that were sent, or that came.
type mark struct {
	sent  bool
	bytes []byte
}

func (t *tape) Write(b []byte) (int, error) {
	if t.Conn != nil {
		t.marks = append(t.marks, mark{true, bytes.Clone(b)})
		return t.Conn.Write(b)
	}
	for rest := b; len(rest) > 0; t.at++ {
		if t.at >= len(t.marks) || !t.marks[t.at].sent || !bytes.HasPrefix(rest, t.marks[t.at].bytes) {
			return 0, fmt.Errorf("the recording has no %.200q here: the grammar has changed; go test -run TestRecorded -record", rest)
		}
		rest = rest[len(t.marks[t.at].bytes):]
	}
	return len(b), nil
}

func (t *tape) Read(b []byte) (int, error) {
	if t.Conn != nil {
		n, err := t.Conn.Read(b)
		t.marks = append(t.marks, mark{false, bytes.Clone(b[:n])})
		return n, err
	}
	if t.at >= len(t.marks) || t.marks[t.at].sent {
		return 0, errors.New("the recording ends, or has a command here")
	}
	m := &t.marks[t.at]
	n := copy(b, m.bytes)
	if m.bytes = m.bytes[n:]; len(m.bytes) == 0 {
		t.at++
	}
	return n, nil
}

func (t *tape) SetDeadline(d time.Time) error {
	if t.Conn != nil {
		return t.Conn.SetDeadline(d)
	}
	return nil
}

func (t *tape) SetReadDeadline(d time.Time) error { return t.SetDeadline(d) }

func (t *tape) Close() error {
	if t.Conn != nil {
		return t.Conn.Close()
	}
	return nil
}

// write writes what is on the tape: a line for each command, and one for each reply.
func (t *tape) write(b *bytes.Buffer) error {
	for i := 0; i < len(t.marks); {
		sent, all := t.marks[i].sent, []byte(nil)
		for ; i < len(t.marks) && t.marks[i].sent == sent; i++ {
			all = append(all, t.marks[i].bytes...)
		}
		parts := &conn{r: bufio.NewReader(bytes.NewReader(all))}
		for {
			r, err := parts.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			if sent {
				fmt.Fprintf(b, "> %s\n", line(r.texts()))
			} else {
				fmt.Fprintf(b, "< %s\n", strconv.Quote(r.raw))
			}
		}
	}
	return nil
}

// A recording is tapes by name, and when they were recorded.
type recording struct {
	began time.Time
	tapes map[string]*tape
}

// load reads a recording from a file: "at" and a time, "= " and the name of a tape, "> " and a command, "< " and a reply.
func load(tb testing.TB, path string) recording {
	file, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	rec, t := recording{tapes: map[string]*tape{}}, (*tape)(nil)
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		kind, rest, _ := strings.Cut(lines.Text(), " ")
		switch kind {
		case "at":
			rec.began, err = time.Parse(time.RFC3339Nano, rest)
		case "=":
			t = &tape{}
			rec.tapes[rest] = t
		case ">":
			t.marks = append(t.marks, mark{true, appendCommand(nil, splitWords(tb, rest))})
		case "<":
			var raw string
			raw, err = strconv.Unquote(rest)
			t.marks = append(t.marks, mark{false, []byte(raw)})
		}
		if err != nil {
			tb.Fatalf("%s: %v: %.100s", path, err, lines.Text())
		}
	}
	if err := lines.Err(); err != nil {
		tb.Fatal(err)
	}
	return rec
}

// TestRecorded plays forms of every command on the engine, and compares with what a redis-server once replied. It needs none.
func TestRecorded(t *testing.T) {
	for i, name := range []string{"resp2", "resp3"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", "resp", name+".txt")
			h := history{resp3: i == 1, tiny: i == 0}
			if *record {
				recordTapes(t, path, h)
			}
			playTapes(t, load(t, path), h)
		})
	}
}

// A pastClock runs on from a moment in the past, so that times are those of the recording. It ticks seldom: what was asked there within a
// millisecond is here, on a machine that is slow, within a tick.
type pastClock struct {
	began int64
	start time.Time
}

func (c *pastClock) Now() int64 {
	return c.began + time.Since(c.start).Truncate(100*time.Millisecond).Microseconds()
}

// recordTapes records what a redis-server replies, if another one replies the same.
func recordTapes(t *testing.T, path string, h history) {
	d := &duel{addr: [2]string{redisAddr(t), redisAddr(t)}, has: func(string) bool { return true }, brief: true}
	var b bytes.Buffer
	now := time.Now().UTC().Format(time.RFC3339Nano)
	fmt.Fprintf(&b, "Redis 7.0.15; go test ./adapters/reference/conformance -run TestRecorded -record\nat %s\n", now)
	for _, s := range specs() {
		if err := d.connect(); err != nil {
			t.Fatal(err)
		}
		rec := &tape{Conn: d.conns[0].Conn}
		d.conns[0] = &conn{Conn: rec, r: bufio.NewReader(rec)}
		inTurn(t, d, s, h, recordedForms)
		fmt.Fprintf(&b, "= %s\n", tapeName(s))
		if err := rec.write(&b); err != nil {
			t.Fatal(err)
		}
	}
	if t.Failed() {
		return
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// tapeName returns the name of a command's tape: some commands have several grammars.
func tapeName(s spec) string { return s.name + " " + s.grammar }

func playTapes(t *testing.T, rec recording, h history) {
	addr := engineAddr(t, engine.Options{Shards: 2, Clock: &pastClock{rec.began.UnixMicro(), time.Now()}})
	have := commandsOf(t, addr)
	d := &duel{addr: [2]string{addr, addr}, has: func(name string) bool { return have[name] }, brief: true}
	for _, s := range specs() {
		if !have[s.name] {
			continue
		}
		if rec.tapes[tapeName(s)] == nil {
			t.Errorf("%s is not recorded", s.name)
			continue
		}
		if err := d.connect(); err != nil {
			t.Fatal(err)
		}
		d.conns[0].Close()
		d.conns[0] = &conn{Conn: rec.tapes[tapeName(s)], r: bufio.NewReader(rec.tapes[tapeName(s)])}
		inTurn(t, d, s, h, recordedForms)
	}
	t.Logf("%d commands compared", d.calls)
}
