package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"time"

	"github.com/kvtool/kvtool/internal/keygen"
)

// A server is a redis-server of our own.
type server struct {
	addr string
	cmd  *exec.Cmd
}

// startServer starts one on a free port of the loopback interface and gives it n keys.
func startServer(ctx context.Context, dir string, n int64) (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{addr: l.Addr().String()}
	_, port, _ := net.SplitHostPort(s.addr)
	l.Close()
	s.cmd = exec.CommandContext(ctx, "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--appendonly", "no")
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting redis-server: %w", err)
	}
	if err := s.fill(n); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *server) stop() {
	_ = s.cmd.Process.Kill() // it may have ended
	_ = s.cmd.Wait()
}

// connect waits until the server listens.
func (s *server) connect() (net.Conn, error) {
	for range 1000 {
		if c, err := net.Dial("tcp", s.addr); err == nil {
			return c, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil, errors.New("redis-server does not answer")
}

// fill sends the commands that make the keys, and reads as many replies as it takes until the server is done.
func (s *server) fill(n int64) error {
	say("filling a server with %d keys", n)
	c, err := s.connect()
	if err != nil {
		return err
	}
	defer c.Close()
	sent := make(chan error, 1)
	go func() {
		w := bufio.NewWriterSize(c, 1<<20)
		_, err := keygen.New(n).WriteTo(w)
		if err == nil {
			_, err = io.WriteString(w, "*1\r\n$4\r\nPING\r\n")
		}
		sent <- errors.Join(err, w.Flush())
	}()
	in := bufio.NewReader(c)
	for {
		line, err := in.ReadString('\n')
		switch {
		case err != nil:
			return err
		case line[0] == '-':
			return fmt.Errorf("filling: %s", line)
		case line == "+PONG\r\n":
			return <-sent
		}
	}
}
