package servertest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// MemcachedOptions says how to start a memcached.
type MemcachedOptions struct {
	Args   []string // more arguments: "-m", "1"
	Socket bool     // listen on a Unix socket alone
}

// MemcachedBinary returns the path of the distribution's memcached, or ends the test: skipped, or failed with CI=true.
func MemcachedBinary(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("memcached")
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") == "true":
		t.Fatal("memcached is missing: scripts/servers installs it")
	}
	t.Skip("memcached is missing: scripts/servers says how to get it")
	return ""
}

// Memcached starts a memcached and waits until it answers. Addr or Socket is where.
func Memcached(t testing.TB, o MemcachedOptions) *Server {
	t.Helper()
	binary := MemcachedBinary(t)
	var err error
	for range 3 { // a port that was free may be taken before the server has it
		var s *Server
		if s, err = startMemcached(t, binary, o); err == nil {
			return s
		}
	}
	t.Fatalf("starting memcached: %v", err)
	return nil
}

func startMemcached(t testing.TB, binary string, o MemcachedOptions) (*Server, error) {
	s := &Server{done: make(chan struct{})}
	args := []string{"-U", "0", "-t", "2"}
	if os.Getuid() == 0 { // it refuses to be root
		args = append(args, "-u", "nobody")
	}
	network := "tcp"
	if o.Socket {
		dir, err := os.MkdirTemp("", "kvtool") // t.TempDir is too long for a socket's path
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		if err := os.Chmod(dir, 0o777); err != nil { // the server is somebody else
			return nil, err
		}
		network, s.Socket = "unix", filepath.Join(dir, "s")
		args = append(args, "-s", s.Socket, "-a", "0777")
	} else {
		port, err := freePort(false)
		if err != nil {
			return nil, err
		}
		s.Addr = "127.0.0.1:" + port
		args = append(args, "-l", "127.0.0.1", "-p", port)
	}
	s.cmd = exec.Command(binary, append(args, o.Args...)...)
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	dieWithParent(s.cmd)
	if err := s.run(); err != nil {
		return nil, err
	}
	s.PID = s.cmd.Process.Pid
	t.Cleanup(s.Stop)
	return s, s.answersText(network, s.Addr+s.Socket)
}

// answersText waits until a memcached answers anything: one that wants a password says so.
func (s *Server) answersText(network, addr string) error {
	give := time.Now().Add(20 * time.Second)
	for time.Now().Before(give) {
		if c, err := net.Dial(network, addr); err == nil {
			_ = c.SetDeadline(give)
			_, _ = fmt.Fprint(c, "version\r\n")
			line, err := bufio.NewReader(c).ReadString('\n')
			c.Close()
			if err == nil && (strings.HasPrefix(line, "VERSION ") || strings.Contains(line, "ERROR")) {
				return nil
			}
		}
		select {
		case <-s.done:
			return fmt.Errorf("it ended: %s", s.log.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
	return fmt.Errorf("no answer: %s", s.log.String())
}

// A MemcachedClient is a connection to a memcached that speaks its text protocol as it is written.
type MemcachedClient struct {
	net.Conn
	in *bufio.Reader
}

// MemcachedClient returns a connection, closed when the test ends.
func (s *Server) MemcachedClient(t testing.TB) *MemcachedClient {
	t.Helper()
	network := "tcp"
	if s.Socket != "" {
		network = "unix"
	}
	c, err := net.Dial(network, s.Addr+s.Socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &MemcachedClient{c, bufio.NewReader(c)}
}

// Send sends text, of which a command is a line with its \r\n.
func (c *MemcachedClient) Send(t testing.TB, text string) {
	t.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

// Line returns the next line of what is answered, without its end.
func (c *MemcachedClient) Line(t testing.TB) string {
	t.Helper()
	line, err := c.in.ReadString('\n')
	if err != nil {
		t.Fatalf("%q, then: %v", line, err)
	}
	return strings.TrimRight(line, "\r\n")
}

// Must sends a command, with or without a value, and fails the test unless the answer is the one that is wanted.
func (c *MemcachedClient) Must(t testing.TB, want, command string) {
	t.Helper()
	c.Send(t, command+"\r\n")
	if got := c.Line(t); got != want {
		t.Fatalf("%.60q: %q, want %q", command, got, want)
	}
}

// Fill has n values set, 1,000 at a time: item says key, seconds until it expires, and value.
func (c *MemcachedClient) Fill(t testing.TB, n int, item func(i int) (key string, ttl int, value string)) {
	t.Helper()
	var b strings.Builder
	sent := 0
	flush := func() {
		c.Send(t, b.String())
		b.Reset()
		for ; sent > 0; sent-- {
			if got := c.Line(t); got != "STORED" {
				t.Fatalf("set: %q", got)
			}
		}
	}
	for i := range n {
		key, ttl, value := item(i)
		fmt.Fprintf(&b, "set %s 0 %d %d\r\n%s\r\n", key, ttl, len(value), value)
		if sent++; sent == 1000 {
			flush()
		}
	}
	flush()
}
