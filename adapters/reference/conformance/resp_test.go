package conformance

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// patience is how long a server may take over one reply.
const patience = 20 * time.Second

// A reply is one of RESP2 or RESP3, with the bytes that it came in.
type reply struct {
	kind  byte // the byte that it began with
	text  string
	null  bool
	items []reply
	raw   string
}

func (r reply) isError() bool { return r.kind == '-' || r.kind == '!' }

// collection reports whether the reply has items.
func (r reply) collection() bool { return strings.IndexByte("*%~>", r.kind) >= 0 && r.kind != 0 }

// int returns the number of an integer reply.
func (r reply) int() (int64, bool) {
	n, err := strconv.ParseInt(r.text, 10, 64)
	return n, err == nil && (r.kind == ':' || r.kind == '$' || r.kind == '+')
}

// texts returns the items of a reply as text.
func (r reply) texts() []string {
	all := make([]string, len(r.items))
	for i, item := range r.items {
		all[i] = item.text
	}
	return all
}

// flat returns the items of a reply, and for those that are arrays theirs: a map of RESP3 looks like the array of RESP2.
func (r reply) flat() []reply {
	var all []reply
	for _, item := range r.items {
		if item.kind == '*' && !item.null {
			all = append(all, item.items...)
			continue
		}
		all = append(all, item)
	}
	return all
}

func (r reply) String() string {
	const most = 2000
	if len(r.raw) > most {
		return fmt.Sprintf("%q… (%d bytes)", r.raw[:most], len(r.raw))
	}
	return strconv.Quote(r.raw)
}

// sorted returns the items' bytes in order, taken together by n: pairs of fields and values for n = 2.
func sorted(items []reply, n int) []string {
	var all []string
	for chunk := range slices.Chunk(items, n) {
		var b strings.Builder
		for _, r := range chunk {
			b.WriteString(r.raw)
		}
		all = append(all, b.String())
	}
	slices.Sort(all)
	return all
}

// A conn is a connection to a server under test. It writes what it is told, right or wrong.
type conn struct {
	net.Conn
	r   *bufio.Reader
	raw []byte // of the reply being read
}

func dial(addr string) (*conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, r: bufio.NewReaderSize(c, 64<<10)}, nil
}

// appendCommand appends a request of these arguments.
func appendCommand(b []byte, args []string) []byte {
	b = append(b, '*')
	b = strconv.AppendInt(b, int64(len(args)), 10)
	b = append(b, '\r', '\n')
	for _, a := range args {
		b = append(b, '$')
		b = strconv.AppendInt(b, int64(len(a)), 10)
		b = append(b, '\r', '\n')
		b = append(b, a...)
		b = append(b, '\r', '\n')
	}
	return b
}

// do sends one command and returns its reply.
func (c *conn) do(args ...string) (reply, error) {
	if _, err := c.Write(appendCommand(nil, args)); err != nil {
		return reply{}, err
	}
	return c.read()
}

// read returns the next reply.
func (c *conn) read() (reply, error) {
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return reply{}, err
	}
	return c.next()
}

// next returns the next reply, however long it takes.
func (c *conn) next() (reply, error) {
	c.raw = c.raw[:0]
	return c.parse(0)
}

func (c *conn) line() (string, error) {
	line, err := c.r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		return "", fmt.Errorf("a line of more than %d bytes: %.100q", len(line), line)
	}
	if err != nil {
		return "", err
	}
	c.raw = append(c.raw, line...)
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return "", fmt.Errorf("not a line of RESP: %q", line)
	}
	return string(line[:len(line)-2]), nil
}

const (
	deepest = 64
	longest = 1 << 30
)

func (c *conn) parse(depth int) (reply, error) {
	if depth > deepest {
		return reply{}, fmt.Errorf("a reply nested %d deep", depth)
	}
	start := len(c.raw)
	line, err := c.line()
	if err != nil {
		return reply{}, err
	}
	r := reply{kind: line[0], text: line[1:]}
	switch r.kind {
	case '+', '-', ':', ',', '#', '(':
	case '_':
		r.null = true
	case '$', '=', '!', '*', '%', '~', '>':
		if err := c.body(&r, depth); err != nil {
			return r, err
		}
	default:
		return r, fmt.Errorf("not a reply of RESP: %q", line)
	}
	r.raw = string(c.raw[start:])
	return r, nil
}

// body reads what follows a line with a length.
func (c *conn) body(r *reply, depth int) error {
	n, err := strconv.Atoi(r.text)
	if err != nil || n < -1 || n > longest {
		return fmt.Errorf("not a length: %q", r.text)
	}
	r.text = ""
	if n == -1 {
		r.null = true
		return nil
	}
	if strings.IndexByte("$=!", r.kind) >= 0 {
		at := len(c.raw)
		c.raw = append(c.raw, make([]byte, n+2)...)
		if _, err := io.ReadFull(c.r, c.raw[at:]); err != nil {
			return err
		}
		if string(c.raw[at+n:]) != "\r\n" {
			return fmt.Errorf("a string of %d bytes is longer", n)
		}
		r.text = string(c.raw[at : at+n])
		return nil
	}
	if r.kind == '%' {
		n *= 2
	}
	for range n {
		item, err := c.parse(depth + 1)
		if err != nil {
			return err
		}
		r.items = append(r.items, item)
	}
	return nil
}
