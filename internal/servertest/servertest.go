// Package servertest runs real servers for tests: each on a free port of the loopback interface, in the test's own
// temporary folder, ended by its process when the test is over. It is imported by tests alone.
//
// The one idea is that a missing server is named and its tests are skipped, so that the tests run anywhere; and that with
// CI=true what should be there must be: the distribution's server, and whatever scripts/servers says that it has fetched.
// It never fetches anything itself.
package servertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Options says which server to start.
type Options struct {
	Version string   // a name of All; "" is the distribution's redis-server
	Args    []string // more arguments: "--databases", "16"
	TLS     bool     // listen with TLS alone, by the certificate that Certificate makes
	Cert    string   // with TLS: a certificate and its key to use instead, if several servers are to trust each other
	Key     string
	Preload string // a library that the server is to use before its own, such as another allocator, or several with colons between
}

// A Server is running.
type Server struct {
	Addr    string // host:port
	Socket  string // path of its Unix socket
	CA      string // with TLS: file of the authority that signed its certificate
	PID     int
	cmd     *exec.Cmd
	preload string
	done    chan struct{}
	log     bytes.Buffer
}

// Distribution is the Version of the redis-server that the machine's distribution has installed.
const Distribution = ""

// All lists the versions there may be: the distribution's, and what scripts/servers fetches.
func All() []string { return []string{Distribution, "redis-6.2", "redis-7.2", "valkey-9"} }

// Matrix runs fn once for each server there is; one that is missing is a skipped subtest that says why.
func Matrix(t *testing.T, fn func(t *testing.T, version string)) {
	t.Helper()
	for _, v := range All() {
		t.Run(Name(v), func(t *testing.T) {
			Binary(t, v)
			fn(t, v)
		})
	}
}

// Name returns what to call a version.
func Name(version string) string {
	if version == Distribution {
		return "redis-server"
	}
	return version
}

// Dir is where scripts/servers puts what it fetches.
func Dir() string {
	if dir := os.Getenv("KVTOOL_SERVERS"); dir != "" {
		return dir
	}
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		home, _ := os.UserHomeDir()
		cache = filepath.Join(home, ".cache")
	}
	return filepath.Join(cache, "kvtool", "servers")
}

// Binary returns the path of a server, or ends the test: skipped, or failed where it should be there.
func Binary(t testing.TB, version string) string {
	t.Helper()
	ci := os.Getenv("CI") == "true"
	if version == Distribution {
		path, err := exec.LookPath("redis-server")
		switch {
		case err == nil:
			return path
		case ci:
			t.Fatal("redis-server is missing: scripts/servers installs it")
		}
		t.Skip("redis-server is missing: scripts/servers says how to get it")
	}
	path := filepath.Join(Dir(), version, "server")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	reason, err := os.ReadFile(filepath.Join(Dir(), version, "missing"))
	if err != nil {
		reason = []byte("scripts/servers has not fetched it")
	}
	t.Skipf("%s is missing: %s", version, bytes.TrimSpace(reason))
	return ""
}

// Redis starts a server of the Redis family and waits until it answers.
func Redis(t testing.TB, o Options) *Server {
	t.Helper()
	binary := Binary(t, o.Version)
	var err error
	for range 3 { // a port that was free may be taken before the server has it
		var s *Server
		if s, err = start(t, binary, o); err == nil {
			return s
		}
	}
	t.Fatalf("starting %s: %v", Name(o.Version), err)
	return nil
}

func start(t testing.TB, binary string, o Options) (*Server, error) {
	port, err := freePort(slices.Contains(o.Args, "--cluster-enabled"))
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "kvtool") // t.TempDir is too long for a socket's path
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &Server{Addr: "127.0.0.1:" + port, Socket: filepath.Join(dir, "s"), preload: o.Preload, done: make(chan struct{})}
	args := []string{
		"--port", port, "--bind", "127.0.0.1", "--dir", dir, "--unixsocket", s.Socket,
		"--save", "", "--appendonly", "no", "--daemonize", "no",
	}
	if o.TLS {
		cert, key := o.Cert, o.Key
		if cert == "" {
			cert, key = Certificate(t, dir)
		}
		s.CA = cert
		args = append(args, "--port", "0", "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key,
			"--tls-ca-cert-file", cert, "--tls-auth-clients", "no")
	}
	return s, s.launch(t, binary, append(args, o.Args...)...)
}

// launch runs the binary, to be ended with the test, and waits until it answers.
func (s *Server) launch(t testing.TB, binary string, args ...string) error {
	s.cmd = exec.Command(binary, args...)
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	s.cmd.Env = os.Environ()
	if lib := filepath.Join(filepath.Dir(binary), "lib"); exists(lib) {
		s.cmd.Env = append(s.cmd.Env, "LD_LIBRARY_PATH="+lib)
	}
	if s.preload != "" {
		s.cmd.Env = append(s.cmd.Env, "LD_PRELOAD="+s.preload)
	}
	dieWithParent(s.cmd)
	if err := s.run(); err != nil {
		return err
	}
	s.PID = s.cmd.Process.Pid
	t.Cleanup(s.Stop)
	return s.ready(t)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// run starts the process and waits for its end, on one thread that does nothing else: the death signal of dieWithParent
// is tied to the thread that started the process.
func (s *Server) run() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := s.cmd.Start()
		started <- err
		if err == nil {
			_ = s.cmd.Wait() // how it ended is in the log
			close(s.done)
		}
	}()
	return <-started
}

// freePort returns a port that nobody listens on; with bus one whose number plus 10,000 is free too.
func freePort(bus bool) (string, error) {
	for range 1000 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		defer l.Close() // held until one is found, so that the next is another
		port := l.Addr().(*net.TCPAddr).Port
		if !bus {
			return strconv.Itoa(port), nil
		}
		if b, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port+10000)); err == nil {
			b.Close()
			return strconv.Itoa(port), nil
		}
	}
	return "", errors.New("no port is free whose number plus 10,000 is free too")
}

// ready waits until the server answers on its socket: without TLS, whatever the port has.
func (s *Server) ready(t testing.TB) error {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if c, err := Dial("unix", s.Socket); err == nil {
			reply := c.Do("PING")
			c.Close()
			if text := fmt.Sprint(reply); text == "PONG" || strings.HasPrefix(text, "NOAUTH") {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-s.done:
			return fmt.Errorf("it ended: %s", s.log.String())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Stop ends the server at once. It may be called again.
func (s *Server) Stop() {
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.done
}

// Restart ends the server at once and starts it again where it was, as who supervises it does with one that has crashed.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop()
	s.done = make(chan struct{})
	if err := s.launch(t, s.cmd.Path, s.cmd.Args[1:]...); err != nil {
		t.Fatalf("starting it again: %v", err)
	}
}

// Client returns a connection to the server, closed when the test ends.
func (s *Server) Client(t testing.TB) *Client {
	t.Helper()
	c, err := Dial("unix", s.Socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
