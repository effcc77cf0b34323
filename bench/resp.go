package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// A client is a connection to a server, for replies that are one line or one bulk string.
type client struct {
	net.Conn
	r *bufio.Reader
	w *bufio.Writer
}

// errNil is the reply that there is nothing.
var errNil = errors.New("nil")

// A refusal is an error that the server answered.
type refusal string

func (r refusal) Error() string { return string(r) }

func (s *server) connect() (*client, error) {
	c, err := net.Dial("tcp", "127.0.0.1:"+s.port)
	if err != nil {
		return nil, err
	}
	return &client{c, bufio.NewReaderSize(c, 1<<16), bufio.NewWriterSize(c, 1<<16)}, nil
}

// send writes a command into the buffer.
func (c *client) send(args ...string) {
	fmt.Fprintf(c.w, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(c.w, "$%d\r\n%s\r\n", len(a), a)
	}
}

// do sends a command and returns its reply.
func (c *client) do(args ...string) (string, error) {
	c.send(args...)
	if err := c.w.Flush(); err != nil {
		return "", err
	}
	return c.reply()
}

func (c *client) reply() (string, error) {
	line, err := c.r.ReadString('\n')
	if err != nil {
		return "", err
	}
	switch rest := strings.TrimSpace(line[1:]); line[0] {
	case '+', ':':
		return rest, nil
	case '-':
		return "", refusal(rest)
	case '$':
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 {
			return "", errors.Join(err, errNil)
		}
		b := make([]byte, n+2)
		_, err = io.ReadFull(c.r, b)
		return string(b[:n]), err
	}
	return "", fmt.Errorf("unexpected reply %q", line)
}

// fill sends commands, some hundred at a time; none may fail.
func (c *client) fill(commands func(yield func([]string) bool)) error {
	const batch = 256
	waiting := 0
	drain := func() error {
		if err := c.w.Flush(); err != nil {
			return err
		}
		for ; waiting > 0; waiting-- {
			if _, err := c.reply(); err != nil {
				return err
			}
		}
		return nil
	}
	for args := range commands {
		c.send(args...)
		if waiting++; waiting < batch {
			continue
		}
		if err := drain(); err != nil {
			return err
		}
	}
	return drain()
}
