package servertest

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
)

// A Client speaks to a server under test. It is apart from the code under test on purpose: slow, plain, and free to write.
type Client struct {
	conn net.Conn
	r    *bufio.Reader
	out  []byte // what is sent next
}

// Dial connects.
func Dial(network, addr string) (*Client, error) {
	conn, err := net.Dial(network, addr)
	if err != nil {
		return nil, err
	}
	return &Client{conn: conn, r: bufio.NewReader(conn)}, nil
}

// Close closes the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Do sends one command and returns its reply: string, int64, nil, []any or error.
func (c *Client) Do(args ...string) any {
	c.out = encode(c.out[:0], args)
	if _, err := c.conn.Write(c.out); err != nil {
		return err
	}
	return c.reply()
}

// Must is Do that fails the test when the server does not like the command.
func (c *Client) Must(t testing.TB, args ...string) any {
	t.Helper()
	reply := c.Do(args...)
	if err, ok := reply.(error); ok {
		t.Fatalf("%.200q: %v", args, err)
	}
	return reply
}

// Fill sends n commands that next makes, many at a time.
func (c *Client) Fill(t testing.TB, n int, next func(i int) []string) {
	t.Helper()
	if err := c.Send(n, next); err != nil {
		t.Fatal(err)
	}
}

// Send is Fill for who is no test: the first error ends it.
func (c *Client) Send(n int, next func(i int) []string) error {
	return c.Ask(n, next, func(_ int, reply any) error {
		err, _ := reply.(error)
		return err
	})
}

// Ask sends n commands, many at a time, and hands the reply to each to told, whose error ends it.
func (c *Client) Ask(n int, next func(i int) []string, told func(i int, reply any) error) error {
	for i := 0; i < n; {
		c.out = c.out[:0]
		first := i
		for ; i < n && len(c.out) < 64<<10; i++ {
			c.out = encode(c.out, next(i))
		}
		if _, err := c.conn.Write(c.out); err != nil {
			return err
		}
		for j := first; j < i; j++ {
			if err := told(j, c.reply()); err != nil {
				return err
			}
		}
	}
	return nil
}

func encode(b []byte, args []string) []byte {
	b = append(strconv.AppendInt(append(b, '*'), int64(len(args)), 10), "\r\n"...)
	for _, a := range args {
		b = append(strconv.AppendInt(append(b, '$'), int64(len(a)), 10), "\r\n"...)
		b = append(append(b, a...), "\r\n"...)
	}
	return b
}

func (c *Client) reply() any {
	line, err := c.r.ReadString('\n')
	if err != nil {
		return err
	}
	kind, rest := line[0], strings.TrimRight(line[1:], "\r\n")
	switch kind {
	case '+':
		return rest
	case '-':
		return errors.New(rest)
	}
	n, err := strconv.ParseInt(rest, 10, 64)
	switch {
	case err != nil:
		return err
	case kind == ':':
		return n
	case n < 0:
		return nil
	case kind == '$':
		buf := make([]byte, n+2)
		if _, err := io.ReadFull(c.r, buf); err != nil {
			return err
		}
		return string(buf[:n])
	}
	items := make([]any, n)
	for i := range items {
		items[i] = c.reply()
	}
	return items
}
