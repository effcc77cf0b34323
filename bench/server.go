package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A server is a redis-server of our own.
type server struct {
	port, socket, dir string
	cmd               *exec.Cmd
	ended             chan struct{}
}

// startServer starts a server on a free port of the loopback interface, with its files in dir, which it makes
// unless it is there, and with more settings. A dump there is loaded.
func startServer(ctx context.Context, dir string, settings ...string) (*server, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{port: strconv.Itoa(l.Addr().(*net.TCPAddr).Port), socket: filepath.Join(dir, "redis.sock"), dir: dir}
	s.ended = make(chan struct{})
	l.Close()
	// The limit of listpacks is that of the redis.conf that Redis ships with; without a file it would be 512.
	args := []string{
		"--port", s.port, "--bind", "127.0.0.1", "--unixsocket", s.socket,
		"--dir", dir, "--save", "", "--appendonly", "no", "--daemonize", "no", "--hash-max-listpack-entries", "128",
	}
	s.cmd = exec.CommandContext(ctx, "redis-server", append(args, settings...)...)
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting redis-server: %w", err)
	}
	go func() {
		_ = s.cmd.Wait() // how it ended matters to nobody
		close(s.ended)
	}()
	return s, s.ready(ctx)
}

// ready waits until the server answers.
func (s *server) ready(ctx context.Context) error {
	for range 60_000 { // loading takes its time
		if _, err := s.do("PING"); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ended:
			return errors.New("redis-server ended at once")
		case <-time.After(10 * time.Millisecond):
		}
	}
	return errors.New("redis-server does not answer")
}

// A greeting is how a server shows that it answers: what it is sent, and how its first line begins.
type greeting struct{ sent, answer string }

var pings = greeting{"*1\r\n$4\r\nPING\r\n", "+PONG\r\n"}

// startOther starts a server that is told its address by its last argument, and waits until it answers.
func startOther(ctx context.Context, hello greeting, program string, args ...string) (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{port: strconv.Itoa(l.Addr().(*net.TCPAddr).Port), ended: make(chan struct{})}
	l.Close()
	s.cmd = exec.CommandContext(ctx, program, append(slices.Clone(args), "127.0.0.1:"+s.port)...)
	var said bytes.Buffer
	s.cmd.Stderr = &said
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", program, err)
	}
	go func() {
		_ = s.cmd.Wait() // how it ended matters to nobody
		close(s.ended)
	}()
	for range 1000 {
		if hello.answered(s.port) {
			return s, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.ended:
			return nil, fmt.Errorf("%s ended at once: %s", filepath.Base(program), said.Bytes())
		case <-time.After(10 * time.Millisecond):
		}
	}
	s.stop()
	return nil, fmt.Errorf("%s does not answer", filepath.Base(program))
}

// answered reports whether a server answers.
func (g greeting) answered(port string) bool {
	c, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		return false
	}
	defer c.Close()
	if _, err := io.WriteString(c, g.sent); err != nil {
		return false
	}
	line, _ := bufio.NewReader(c).ReadString('\n')
	return strings.HasPrefix(line, g.answer)
}

// stop ends the server. It may be called again.
func (s *server) stop() {
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.ended
}

// do sends one command in a connection of its own and returns the reply, which must be one line or one bulk string.
func (s *server) do(command string) (string, error) {
	c, err := net.Dial("unix", s.socket)
	if err != nil {
		return "", err
	}
	defer c.Close()
	fmt.Fprintf(c, "%s\r\n", command)
	r := bufio.NewReader(c)
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	switch line[0] {
	case '-':
		return "", errors.New(strings.TrimSpace(line[1:]))
	case '$':
		n, err := strconv.Atoi(strings.TrimSpace(line[1:]))
		if err != nil || n < 0 {
			return "", err
		}
		bulk := make([]byte, n)
		_, err = io.ReadFull(r, bulk)
		return string(bulk), err
	}
	return strings.TrimSpace(line[1:]), nil
}

// cpu returns the time that the server has used so far, in ticks of 10 ms.
func (s *server) cpu() time.Duration {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	_, rest, _ := strings.Cut(string(stat), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// threads returns the time that the threads of the server have used so far, to the nanosecond. It is for servers that keep their
// threads: what one has used that has ended is not in it.
func (s *server) threads() (sum time.Duration) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.cmd.Process.Pid)) // the pattern is one
	for _, name := range files {
		stat, _ := os.ReadFile(name)
		used, _, _ := strings.Cut(string(stat), " ")
		ns, _ := strconv.ParseInt(used, 10, 64)
		sum += time.Duration(ns)
	}
	return sum
}

// number returns the number behind the last place of name in text, 0 if there is none.
func number(text, name string) int64 {
	at := strings.LastIndex(text, name)
	if at < 0 {
		return 0
	}
	rest := text[at+len(name):]
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	n, _ := strconv.ParseInt(rest[:digits], 10, 64)
	return n
}
