package command_test

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/adapters/reference/command"
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/internal/servertest"
)

// A twin is a session of an engine and a connection to a redis-server, which are told the same. Package conformance compares
// more; this is the quick check beside the handlers.
type twin struct {
	t       *testing.T
	conn    net.Conn
	in      *bufio.Reader
	session *engine.Session
	history []string
}

func newTwin(t *testing.T, shards int) *twin {
	t.Helper()
	s := servertest.Redis(t, servertest.Options{Args: []string{"--enable-debug-command", "yes"}})
	conn, err := net.Dial("unix", s.Socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	w := &twin{t: t, conn: conn, in: bufio.NewReader(conn)}
	w.restart(shards)
	return w
}

// restart makes both empty.
func (w *twin) restart(shards int) {
	e, err := engine.New(engine.Options{Shards: shards, Log: func(text string) { w.t.Error(text) }}, command.Table())
	if err != nil {
		w.t.Fatal(err)
	}
	w.session, w.history = e.Connect(engine.Origin{}), nil
	w.ask("FLUSHALL")
	w.ask("SELECT", "0")
	w.ask("HELLO", "2")
}

// ask returns the reply of the redis-server, as it came.
func (w *twin) ask(args ...string) string {
	w.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := io.WriteString(w.conn, b.String()); err != nil {
		w.t.Fatal(err)
	}
	b.Reset()
	w.reply(&b)
	return b.String()
}

func (w *twin) reply(b *strings.Builder) {
	w.t.Helper()
	line, err := w.in.ReadString('\n')
	if err != nil {
		w.t.Fatalf("%v, after\n%s", err, strings.Join(w.history, "\n"))
	}
	b.WriteString(line)
	n, _ := strconv.Atoi(strings.TrimRight(line[1:], "\r\n"))
	switch line[0] {
	case '$', '=':
		if n >= 0 {
			if _, err := io.CopyN(b, w.in, int64(n)+2); err != nil {
				w.t.Fatal(err)
			}
		}
	case '%':
		n *= 2
		fallthrough
	case '*', '~', '>':
		for range n {
			w.reply(b)
		}
	}
}

// tell returns the reply of the engine.
func (w *twin) tell(args ...string) string { return tell(w.session, args...) }

// tell runs a command and returns the reply.
func tell(s *engine.Session, args ...string) string {
	raw := make([][]byte, len(args))
	for i, a := range args {
		raw[i] = []byte(a)
	}
	s.Run(raw)
	reply := string(s.Out.Bytes())
	s.Out.Reset()
	s.Release()
	return reply
}

// same sends a command to both and fails the test unless the replies are the same bytes.
func (w *twin) same(args ...string) string {
	w.t.Helper()
	w.history = append(w.history, fmt.Sprintf("%.300q", args))
	want, got := w.ask(args...), w.tell(args...)
	if got != want && !(len(args) == 3 && strings.EqualFold(args[1], "IDLETIME") && apart(got, want) <= 2) {
		w.t.Fatalf("%.300q\nengine %.600q\nredis  %.600q\nafter\n%s", args, got, want, strings.Join(w.history, "\n"))
	}
	return want
}

// apart returns by how much two replies differ that are numbers: idle times are whole seconds, and one may end between two questions.
func apart(a, b string) int {
	var x, y int
	if _, err := fmt.Sscanf(a+b, ":%d\r\n:%d\r\n", &x, &y); err != nil {
		return math.MaxInt
	}
	return max(x-y, y-x)
}

// state compares what there is of keys.
func (w *twin) state(keys ...string) {
	w.t.Helper()
	for _, k := range keys {
		w.same("TYPE", k)
		w.same("OBJECT", "ENCODING", k)
		w.same("PEXPIRETIME", k)
		if w.ask("TYPE", k) == "+string\r\n" {
			w.same("GET", k)
		}
	}
}

// draw returns one of the choices.
func draw[T any](r *rand.Rand, choices ...T) T { return choices[r.IntN(len(choices))] }

var twinKeys = []string{"k0", "k1", "k2", "k3", "{k}4"}

func key(r *rand.Rand) string { return draw(r, twinKeys...) }

// text is a value at the border between encodings, a number, or a few bytes.
func text(r *rand.Rand) string {
	switch r.IntN(8) {
	case 0:
		return strconv.FormatInt(int64(r.Uint64())>>r.IntN(64), 10)
	case 1:
		return strings.Repeat("x", draw(r, 0, 1, 43, 44, 45, 100))
	case 2:
		return draw(r, "", "0", "-0", "007", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1.5",
			"abc", " 1", "1e3", "\x00\xff")
	case 3:
		return strconv.Itoa(r.IntN(20) - 10)
	case 4:
		return draw(r, "3.14", "-0.1", "1e400", "inf", "nan", "0x10", "1.0e-5")
	}
	b := make([]byte, r.IntN(12))
	for i := range b {
		b[i] = draw(r, byte('a'), 'b', 0, 0xff, 'A', 0x80)
	}
	return string(b)
}

// number is an integer, mostly small, at times at a border or none.
func number(r *rand.Rand) string {
	switch r.IntN(8) {
	case 0:
		return draw(r, "9223372036854775807", "-9223372036854775808", "9223372036854775808", "abc", "", "1.5", "01", "+1",
			" 1", "4294967296")
	case 1:
		return strconv.FormatInt(int64(r.Uint64())>>r.IntN(64), 10)
	}
	return strconv.Itoa(r.IntN(40) - 15)
}

// anyCase returns a word as some client might write it.
func anyCase(r *rand.Rand, w string) string {
	if r.IntN(3) == 0 {
		return strings.ToUpper(w)
	}
	return w
}

// play runs histories of calls that one of the makers makes.
func play(t *testing.T, seed uint64, keys []string, makers ...func(r *rand.Rand) []string) {
	t.Helper()
	w := newTwin(t, 1)
	if n, err := strconv.ParseUint(os.Getenv("KVTOOL_SEED"), 10, 64); err == nil {
		seed = n
	}
	r := rand.New(rand.NewPCG(seed, 1))
	for round := range 60 {
		w.restart(draw(r, 1, 4))
		if round%2 == 1 {
			w.ask("HELLO", "3")
			w.tell("HELLO", "3")
		}
		for range 80 {
			args := draw(r, makers...)(r)
			if r.IntN(40) == 0 { // wrong somewhere
				i := 1 + r.IntN(len(args))
				args = append(args[:i:i], append([]string{text(r)}, args[i:]...)...)
			}
			w.same(args...)
		}
		w.state(keys...)
	}
}
