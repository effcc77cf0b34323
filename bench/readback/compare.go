package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
)

// compared lists what is asked of each key, in this order, and the column that must say the same.
var compared = [...]struct {
	column, command string
	args            []string // the key follows
	by              string   // how much it takes to differ
}{
	{"type", "TYPE", []string{"TYPE"}, ""},
	{"encoding", "OBJECT ENCODING", []string{"OBJECT", "ENCODING"}, ""},
	{"bytes", "MEMORY USAGE", []string{"MEMORY", "USAGE"}, ""},
	{"expire_at", "PEXPIRETIME", []string{"PEXPIRETIME"}, " by more than a second"},
}

// A comparison is of rows with what a server says.
type comparison struct {
	version  string
	keys     int64 // of the server
	compared int
	gone     int
	differ   [len(compared)]int
	latest   int64    // ms, the most that an expiry differs
	first    []string // some differences, in words
}

// compare asks the server about each row, many at a time.
func (c *comparison) compare(addr string, rows []row) error {
	say("asking the server about %d keys", len(rows))
	s, err := dial(addr)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := c.ask(s); err != nil {
		return err
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.DB, b.DB) })
	db := -1
	for batch := range slices.Chunk(rows, 500) {
		for i := range batch {
			if batch[i].DB != db {
				db = batch[i].DB
				s.send("SELECT", strconv.Itoa(db))
			}
			for _, x := range compared {
				s.send(append(slices.Clone(x.args), batch[i].Key)...)
			}
		}
		if err := s.Flush(); err != nil {
			return err
		}
		if err := c.answers(s, batch); err != nil {
			return err
		}
	}
	return nil
}

// ask learns what the server is.
func (c *comparison) ask(s *conn) error {
	s.send("INFO", "server")
	s.send("INFO", "keyspace")
	if err := s.Flush(); err != nil {
		return err
	}
	info, err := s.reply()
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(info, "redis_version:")
	c.version, _, _ = strings.Cut(rest, "\r\n")
	keyspace, err := s.reply()
	if err != nil {
		return err
	}
	for _, part := range strings.Split(keyspace, "keys=")[1:] {
		digits, _, _ := strings.Cut(part, ",")
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return err
		}
		c.keys += n
	}
	return nil
}

// answers reads the replies about a batch. The one to SELECT comes before that about its first key.
func (c *comparison) answers(s *conn, batch []row) error {
	for i := range batch {
		r := &batch[i]
		if s.selects(r.DB) {
			if _, err := s.reply(); err != nil {
				return err
			}
		}
		var said [len(compared)]string
		for j := range compared {
			var err error
			if said[j], err = s.reply(); err != nil {
				return err
			}
		}
		c.row(r, said)
	}
	return nil
}

// expirySlack is how far the expiry of a live key may be off, in milliseconds. A server is asked for the time left (PTTL), which
// every version tells, and the answer takes its time to arrive.
const expirySlack = 1000

// row compares one row with what the server said.
func (c *comparison) row(r *row, said [len(compared)]string) {
	if said[0] == "none" && r.Expire != nil {
		c.gone++
		return
	}
	c.compared++
	expire := "-1"
	if r.Expire != nil {
		expire = strconv.FormatInt(*r.Expire, 10)
		if truth, err := strconv.ParseInt(said[3], 10, 64); err == nil && truth >= 0 {
			off := max(truth-*r.Expire, *r.Expire-truth)
			c.latest = max(c.latest, off)
			if off <= expirySlack {
				expire = said[3]
			}
		}
	}
	for j, row := range [len(compared)]string{r.Type, r.Encoding, strconv.FormatInt(r.Bytes, 10), expire} {
		if row == said[j] {
			continue
		}
		if c.differ[j]++; len(c.first) < 10 {
			c.first = append(c.first, fmt.Sprintf("%q: %s is %s in the row, and %s says %s", r.Key, compared[j].column, row, compared[j].command, said[j]))
		}
	}
}

// sound is an error if a row differs.
func (c *comparison) sound() error {
	if c.compared == 0 {
		return errors.New("nothing was compared")
	}
	if len(c.first) > 0 {
		return fmt.Errorf("rows differ from the server:\n%s", strings.Join(c.first, "\n"))
	}
	return nil
}

// A conn speaks RESP2 to a server: plain, and apart from the code that is checked.
type conn struct {
	net.Conn
	w  *bufio.Writer
	r  *bufio.Reader
	db int // selected by the replies read so far
}

func dial(addr string) (*conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, w: bufio.NewWriter(c), r: bufio.NewReader(c), db: -1}, nil
}

func (c *conn) send(args ...string) {
	fmt.Fprintf(c.w, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(c.w, "$%d\r\n%s\r\n", len(a), a)
	}
}

func (c *conn) Flush() error { return c.w.Flush() }

// selects reports whether a SELECT was sent before the first key of db, and notes it.
func (c *conn) selects(db int) bool {
	if c.db == db {
		return false
	}
	c.db = db
	return true
}

// reply returns a line, a number or a bulk string as text.
func (c *conn) reply() (string, error) {
	line, err := c.r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	switch line[0] {
	case '-':
		return line, nil
	case '$':
		n, err := strconv.Atoi(line[1:])
		if err != nil || n < 0 {
			return "nothing", err
		}
		bulk := make([]byte, n+2)
		_, err = io.ReadFull(c.r, bulk)
		return string(bulk[:n]), err
	}
	return line[1:], nil
}
