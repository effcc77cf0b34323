package rdbread

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A server is a real one that a test started, on a socket in a directory of its own.
type server struct {
	t    *testing.T
	dir  string
	conn net.Conn
	in   *bufio.Reader
	out  *bufio.Writer
}

// startServer starts the redis-server on PATH with the given settings. Without one the test is skipped, except where CI
// is set.
func startServer(t *testing.T, settings ...string) *server {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("redis-server is missing")
		}
		t.Skip("redis-server is missing")
	}
	dir, err := os.MkdirTemp("", "rdb") // short: the path of a socket is limited
	if err != nil {
		t.Fatal(err)
	}
	sock := filepath.Join(dir, "s")
	args := append([]string{"--port", "0", "--unixsocket", sock, "--dir", dir, "--save", "", "--enable-debug-command", "yes"}, settings...)
	cmd := exec.Command(bin, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	})
	return &server{t: t, dir: dir, conn: dial(t, sock)}
}

func dial(t *testing.T, sock string) net.Conn {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		conn, err := net.Dial("unix", sock)
		if err == nil {
			t.Cleanup(func() { _ = conn.Close() })
			return conn
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// do sends commands in one batch and returns their replies as text.
func (s *server) do(cmds ...[]string) []string {
	s.t.Helper()
	if s.in == nil {
		s.in, s.out = bufio.NewReaderSize(s.conn, 1<<16), bufio.NewWriterSize(s.conn, 1<<16)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, c := range cmds {
			fmt.Fprintf(s.out, "*%d\r\n", len(c))
			for _, a := range c {
				fmt.Fprintf(s.out, "$%d\r\n%s\r\n", len(a), a)
			}
		}
		_ = s.out.Flush() // a failure shows as a missing reply
	}()
	replies := make([]string, len(cmds))
	for i := range cmds {
		replies[i] = s.reply()
		if strings.HasPrefix(replies[i], "-") {
			s.t.Fatalf("%.100q: %s", cmds[i], replies[i])
		}
	}
	<-done
	return replies
}

func (s *server) reply() string {
	line, err := s.in.ReadString('\n')
	if err != nil {
		s.t.Fatal(err)
	}
	line = strings.TrimRight(line, "\r\n")
	n, _ := strconv.Atoi(line[1:])
	switch line[0] {
	case '$':
		if n < 0 {
			return ""
		}
		b := make([]byte, n+2)
		if _, err := io.ReadFull(s.in, b); err != nil {
			s.t.Fatal(err)
		}
		return string(b[:n])
	case '*':
		var parts []string
		for range n {
			parts = append(parts, s.reply())
		}
		return strings.Join(parts, "\n")
	case '-':
		return line
	default:
		return line[1:]
	}
}

// dump saves and returns the path of the file.
func (s *server) dump() string {
	s.do([]string{"SAVE"})
	return filepath.Join(s.dir, "dump.rdb")
}
