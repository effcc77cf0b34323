package conformance

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A client is a connection of which every reply is kept, asked for or not.
type client struct {
	*conn
	id string

	mu      sync.Mutex
	replies []reply
	closed  bool
}

func (c *client) listen() {
	for {
		c.SetReadDeadline(time.Time{})
		r, err := c.next()
		c.mu.Lock()
		if err != nil {
			c.closed = true
			c.mu.Unlock()
			return
		}
		c.replies = append(c.replies, r)
		c.mu.Unlock()
	}
}

// state returns how many replies came so far, and whether the server closed the connection.
func (c *client) state() (n int, closed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.replies), c.closed
}

// A stage is a server on which several clients act.
type stage struct {
	t       testing.TB
	addr    string
	control *conn
	clients map[byte]*client
	blocked map[byte]int // with the number of replies that they had
}

func newStage(t testing.TB, addr string) *stage {
	control, err := dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, addr: addr, control: control, clients: map[byte]*client{}, blocked: map[byte]int{}}
	for end := time.Now().Add(patience / 4); strings.Count(s.must("CLIENT", "LIST").text, "\n") > 1; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s keeps clients that are gone:\n%s", addr, s.must("CLIENT", "LIST").text)
		}
	}
	for _, args := range (history{}).prologue() {
		if args[0] == "DEBUG" {
			control.do(args...)
			continue
		}
		s.must(args...)
	}
	return s
}

func (s *stage) must(args ...string) reply {
	s.t.Helper()
	r, err := s.control.do(args...)
	if err != nil || r.isError() {
		s.t.Fatalf("%s: %v %v", line(args), r, err)
	}
	return r
}

func (s *stage) close() {
	s.control.Close()
	for _, c := range s.clients {
		c.Close()
	}
}

// client returns the client of a letter, connected.
func (s *stage) client(letter byte) *client {
	if c := s.clients[letter]; c != nil {
		return c
	}
	conn, err := dial(s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	id, err := conn.do("CLIENT", "ID")
	if err != nil {
		s.t.Fatal(err)
	}
	c := &client{conn: conn, id: id.text}
	s.clients[letter] = c
	go c.listen()
	return c
}

// waiting reports whether the server holds a client blocked.
func (s *stage) waiting(c *client) bool {
	r, err := s.control.do("CLIENT", "LIST", "ID", c.id)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range strings.Fields(r.text) {
		if flags, ok := strings.CutPrefix(f, "flags="); ok {
			return strings.Contains(flags, "b")
		}
	}
	return false
}

// grew waits until a client has more than n replies, or is closed, or blocked; it reports whether there was one.
func (s *stage) grew(letter byte, n int, mayBlock bool) bool {
	c := s.clients[letter]
	for end := time.Now().Add(patience / 4); time.Now().Before(end); time.Sleep(50 * time.Microsecond) {
		if now, closed := c.state(); now > n || closed {
			return true
		}
		if mayBlock && s.waiting(c) {
			// It may have been served between the two questions.
			now, _ := c.state()
			return now > n
		}
	}
	return false
}

// step lets a client send a command, and waits for what comes of it.
func (s *stage) step(letter byte, args []string, silent bool) error {
	c := s.client(letter)
	before, closed := c.state()
	if closed {
		return nil
	}
	if _, err := c.Write(appendCommand(nil, s.fill(args))); err != nil {
		return nil // closed meanwhile
	}
	if silent {
		time.Sleep(20 * time.Millisecond)
		return nil
	}
	if !s.grew(letter, before, true) && !s.waiting(c) {
		return fmt.Errorf("no reply")
	}
	if now, closed := c.state(); now == before && !closed {
		s.blocked[letter] = before
	}
	return s.settle()
}

// settle waits for the replies of clients that are blocked no more.
func (s *stage) settle() error {
	for _, letter := range slices.Sorted(maps.Keys(s.blocked)) {
		if s.waiting(s.clients[letter]) {
			continue
		}
		if !s.grew(letter, s.blocked[letter], false) {
			return fmt.Errorf("client %c was served without a reply", letter)
		}
		delete(s.blocked, letter)
	}
	return nil
}

// fill puts the numbers of clients in the place of {a}.
func (s *stage) fill(args []string) []string {
	args = slices.Clone(args)
	for i, a := range args {
		if len(a) == 3 && a[0] == '{' && a[2] == '}' {
			args[i] = s.client(a[1]).id
		}
	}
	return args
}

// letters returns the blocked clients.
func (s *stage) letters() string { return string(slices.Sorted(maps.Keys(s.blocked))) }

// A cue is a line of a play: what one client does.
type cue struct {
	letter byte
	args   []string
	same   same // of its reply; nil: equal bytes
	silent bool // there is no reply
	wait   time.Duration
}

func (c cue) String() string {
	if c.wait > 0 {
		return "wait " + c.wait.String()
	}
	return string(c.letter) + " " + line(c.args)
}

// play lets the same clients do the same on two servers, and compares all that each of them got.
func play(t testing.TB, addr [2]string, cues []cue) error {
	want, got := newStage(t, addr[0]), newStage(t, addr[1])
	defer want.close()
	defer got.close()
	asked := map[byte]map[int]cue{}
	for i, c := range cues {
		if c.wait > 0 {
			time.Sleep(c.wait)
			want.calm()
			got.calm()
			continue
		}
		if _, ok := want.blocked[c.letter]; ok {
			continue
		}
		n, _ := want.client(c.letter).state()
		if asked[c.letter] == nil {
			asked[c.letter] = map[int]cue{}
		}
		asked[c.letter][n] = c
		if err := want.step(c.letter, c.args, c.silent); err != nil {
			t.Fatalf("redis-server, %s: %v", c, err)
		}
		if err := got.step(c.letter, c.args, c.silent); err != nil {
			return fmt.Errorf("cue %d, %s: %w", i, c, err)
		}
		for end := time.Now().Add(2 * time.Second); got.letters() != want.letters() && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
			got.calm()
		}
		if got.letters() != want.letters() {
			return fmt.Errorf("cue %d, %s: clients %q are blocked, not %q", i, c, got.letters(), want.letters())
		}
	}
	return compareStages(want, got, asked)
}

// calm is settle for what may still be on its way: it shows in the replies.
func (s *stage) calm() { _ = s.settle() }

// compareStages compares what each client got, once nothing more comes.
func compareStages(want, got *stage, asked map[byte]map[int]cue) error {
	quiet(want)
	var err error
	for end := time.Now().Add(2 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if err = compareClients(want, got, asked); err == nil || time.Now().After(end) {
			break
		}
	}
	if err == nil {
		quiet(got)
		err = compareClients(want, got, asked)
	}
	return err
}

// monitored returns what a line of MONITOR says, but when and from where.
func monitored(r reply) string {
	if at := strings.Index(r.text, `] "`); r.kind == '+' && at > 0 {
		return r.text[at:]
	}
	return r.raw
}

// quiet waits until no client has got anything for a while.
func quiet(s *stage) {
	for last := -1; ; time.Sleep(30 * time.Millisecond) {
		sum := 0
		for _, c := range s.clients {
			n, _ := c.state()
			sum += n
		}
		if sum == last {
			return
		}
		last = sum
	}
}

func compareClients(want, got *stage, asked map[byte]map[int]cue) error {
	for _, letter := range slices.Sorted(maps.Keys(want.clients)) {
		a, b := want.clients[letter], got.clients[letter]
		a.mu.Lock()
		x, xClosed := slices.Clone(a.replies), a.closed
		a.mu.Unlock()
		b.mu.Lock()
		y, yClosed := slices.Clone(b.replies), b.closed
		b.mu.Unlock()
		for i := range max(len(x), len(y)) {
			c := asked[letter][i]
			switch {
			case i >= len(x):
				return fmt.Errorf("client %c, reply %d: redis none, engine %s", letter, i, y[i])
			case i >= len(y):
				return fmt.Errorf("client %c, reply %d: redis %s, engine none", letter, i, x[i])
			case compare(c.same, call{args: c.args, want: x[i], got: y[i]}) == "", monitored(x[i]) == monitored(y[i]):
			default:
				return fmt.Errorf("client %c, reply %d: redis %s, engine %s", letter, i, x[i], y[i])
			}
		}
		if xClosed != yClosed {
			return fmt.Errorf("client %c: closed by redis %v, by the engine %v", letter, xClosed, yClosed)
		}
	}
	return nil
}

// parseCues reads a play: a letter and a command a line. Behind "?" the reply has the same form only, behind "*" the same pairs in
// any order, behind "~" it is any that is no error unless Redis's is one, behind "-" there is none; "wait 50ms" waits. Words are
// separated by blanks; "" and words in double quotes are as in Go.
func parseCues(t testing.TB, text string) []cue {
	var cues []cue
	for raw := range strings.Lines(text) {
		words := splitWords(t, strings.TrimSpace(raw))
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if words[0] == "wait" {
			d, err := time.ParseDuration(words[1])
			if err != nil {
				t.Fatal(err)
			}
			cues = append(cues, cue{wait: d})
			continue
		}
		c := cue{letter: words[0][0], args: words[1:]}
		switch words[0][1:] {
		case "?":
			c.same = alike
		case "*":
			c.same = multiset(2)
		case "~":
			c.same = func(call) string { return "" }
		case "-":
			c.silent = true
		case "":
		default:
			t.Fatalf("not a cue: %s", raw)
		}
		cues = append(cues, c)
	}
	return cues
}

func splitWords(t testing.TB, s string) []string {
	var words []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		if s[0] == '"' {
			quoted, err := strconv.QuotedPrefix(s)
			if err != nil {
				t.Fatalf("%s: %v", s, err)
			}
			word, _ := strconv.Unquote(quoted)
			words, s = append(words, word), s[len(quoted):]
			continue
		}
		word, rest, _ := strings.Cut(s, " ")
		words, s = append(words, word), rest
	}
	return words
}
