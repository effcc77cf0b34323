package dynamodb

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

func newWire(ctx context.Context) *wire {
	return &wire{base: ctx, transport: awshttp.NewBuildableClient().GetTransport()}
}

// ask sends a request and returns what is answered.
func ask(ctx context.Context, c *wire, url, body string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(resp.Body)
	return string(text), errors.Join(err, resp.Body.Close())
}

// counted serves, and counts the connections that were made.
func counted(t *testing.T, secure bool, f http.HandlerFunc) (*httptest.Server, *atomic.Int64) {
	var made atomic.Int64
	s := httptest.NewUnstartedServer(f)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			made.Add(1)
		}
	}
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s, &made
}

// One connection serves every request, whole replies and chunks, with TLS and without; what nobody read is read, unless it is long.
func TestWire(t *testing.T) {
	for _, secure := range []bool{false, true} {
		s, made := counted(t, secure, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if r.Header.Get("Connection") == "x" {
				w.Header().Set("Connection", "close")
			}
			fmt.Fprintf(w, "<%s>", body)
			w.(http.Flusher).Flush() // chunks
			if string(body) == "long" {
				_, _ = w.Write(make([]byte, 2*mostRest))
			}
		})
		c := newWire(t.Context())
		if secure {
			c.transport.TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig
		}
		for i := range 5 {
			want := fmt.Sprint("<", i, ">")
			if got, err := ask(t.Context(), c, s.URL, fmt.Sprint(i)); got != want || err != nil {
				t.Fatalf("%q, %v, want %q", got, err, want)
			}
		}
		for i, body := range []string{"short", "long", "after"} {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, strings.NewReader(body))
			resp, err := c.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if err := resp.Body.Close(); err != nil { // unread
				t.Error(err)
			}
			if got, want := made.Load(), []int64{1, 1, 2}[i]; got != want {
				t.Errorf("after %q: %d connections, want %d", body, got, want)
			}
		}
	}
}

// A connection that the other side has closed while it was idle is replaced before anything is sent by it.
func TestWireClosed(t *testing.T) {
	for _, secure := range []bool{false, true} {
		wireClosed(t, secure)
	}
}

func wireClosed(t *testing.T, secure bool) {
	s, made := counted(t, secure, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "yes") })
	c := newWire(t.Context())
	if secure {
		c.transport.TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig
	}
	for i := range int64(3) {
		if got, err := ask(t.Context(), c, s.URL, ""); got != "yes" || err != nil || made.Load() != i+1 {
			t.Fatalf("%q, %v, %d connections", got, err, made.Load())
		}
		s.CloseClientConnections()
		for end := time.Now().Add(time.Minute); c.alive() && time.Now().Before(end); { // the end may be on its way
			time.Sleep(time.Millisecond)
		}
		for range 1000 { // each look finds it
			if c.alive() {
				t.Fatalf("TLS %v: a connection that was closed is taken for an open one", secure)
			}
		}
		c.last = c.last.Add(-2 * idleCheck)
	}
	if got, err := ask(t.Context(), c, s.URL, ""); got != "yes" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	c.last = c.last.Add(-2 * idleCheck)
	if n := made.Load(); n != 4 || !c.alive() {
		t.Errorf("%d connections: one that is open is given up", n)
	}
}

// Whoever waits is let go when the time is up and when the session ends; what is said then is an error, and the next request has a
// connection of its own.
func TestWireWaits(t *testing.T) {
	release := make(chan struct{})
	s, _ := counted(t, false, func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); string(body) == "wait" {
			<-release
		}
		fmt.Fprint(w, "yes")
	})
	defer close(release)
	base, end := context.WithCancel(t.Context())
	c := newWire(base)
	if got, err := ask(base, c, s.URL, ""); got != "yes" || err != nil { // it is connected: a dial may take as long as the time that there is
		t.Fatalf("%q, %v", got, err)
	}
	short, cancel := context.WithTimeout(base, 30*time.Millisecond)
	defer cancel()
	if _, err := ask(short, c, s.URL, "wait"); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v, want that the time is up", err)
	}
	if got, err := ask(base, c, s.URL, ""); got != "yes" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	time.AfterFunc(30*time.Millisecond, end)
	if _, err := ask(base, c, s.URL, "wait"); err == nil {
		t.Error("no error from a session that has ended")
	}
}

// What is no HTTP, and a reply that is cut, are errors.
func TestWireHostile(t *testing.T) {
	for _, said := range []string{"", "HTTP/1.1", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfew", strings.Repeat("x", 1<<16)} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			conn, err := l.Accept()
			if err == nil {
				_, _ = http.ReadRequest(bufio.NewReader(conn))
				_, _ = io.WriteString(conn, said)
				_ = conn.Close()
			}
		}()
		c := newWire(t.Context())
		if got, err := ask(t.Context(), c, "http://"+l.Addr().String(), "x"); err == nil {
			t.Errorf("%q was taken for %q", said[:min(len(said), 20)], got)
		}
		if c.conn != nil {
			t.Errorf("after %q the connection is kept", said[:min(len(said), 20)])
		}
		_ = l.Close()
	}
}
