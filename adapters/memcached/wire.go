package memcached

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/kvtool/kvtool/internal/socket"
)

// A wire is the connection of a session to one server.
type wire struct {
	conn   net.Conn
	raw    syscall.RawConn       // nil: only conn can be read
	step   func(fd uintptr) bool // receiveRaw
	limits *limits
	out    []byte
	unsent []byte // of out, what goes out with the next read
	in     []byte
	r, w   int           // in[r:w] has been received and not been read
	at     time.Duration // when it was received
	err    error         // of the read that goes on
}

// line returns the next line without its end, valid until more is read.
func (w *session) line(c *wire) ([]byte, error) {
	from := c.r
	for {
		if i := bytes.IndexByte(c.in[from:c.w], '\n'); i >= 0 {
			b := c.in[c.r : from+i]
			c.r = from + i + 1
			if n := len(b); n > 0 && b[n-1] == '\r' {
				b = b[:n-1]
			}
			return b, nil
		}
		if c.w-c.r > longestLine {
			return nil, fmt.Errorf("%w: a line of more than %d bytes", errProtocol, longestLine)
		}
		seen := c.w - c.r
		if err := w.fill(c); err != nil {
			return nil, err
		}
		from = c.r + seen
	}
}

// data returns n bytes and skips the end of their line.
func (w *session) data(c *wire, n int) ([]byte, error) {
	for c.w-c.r < n+2 {
		if err := w.fill(c); err != nil {
			return nil, err
		}
	}
	b := c.in[c.r : c.r+n]
	if end := c.in[c.r+n : c.r+n+2]; end[0] != '\r' || end[1] != '\n' {
		return nil, fmt.Errorf("%w: a value of %d bytes goes on", errProtocol, n)
	}
	c.r += n + 2
	return b, nil
}

// fill receives more.
func (w *session) fill(c *wire) error {
	if c.r > 0 {
		c.w = copy(c.in, c.in[c.r:c.w])
		c.r = 0
	}
	if c.w == len(c.in) {
		c.in = append(c.in, make([]byte, len(c.in))...)
	}
	had := c.w
	err := c.receive()
	c.at = time.Since(w.began)
	switch {
	case c.w > had:
		return nil
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}

// receive reads once into the room that there is. What has not been sent goes out before.
func (c *wire) receive() error {
	if c.raw == nil {
		n, err := c.conn.Read(c.in[c.w:])
		c.w += n
		return err
	}
	for {
		c.err = nil
		if err := c.raw.Read(c.step); err != nil {
			return err
		}
		if c.err != nil || len(c.unsent) == 0 {
			return c.err
		}
		rest := c.unsent // the socket has taken a part
		c.unsent = nil
		if _, err := c.conn.Write(rest); err != nil {
			return err
		}
	}
}

// receiveRaw is called with the socket, and again when there is something to read.
func (c *wire) receiveRaw(fd uintptr) (done bool) {
	if len(c.unsent) > 0 {
		n, err := socket.Write(fd, c.unsent)
		c.unsent = c.unsent[n:]
		if err != nil {
			c.err = os.NewSyscallError("write", err)
		}
		return err != nil || len(c.unsent) > 0
	}
	n, again, err := socket.Read(fd, c.in[c.w:])
	switch {
	case again:
		return false
	case err != nil:
		c.err = os.NewSyscallError("read", err)
	case n == 0:
		c.err = io.EOF
	}
	c.w += n
	return true
}
