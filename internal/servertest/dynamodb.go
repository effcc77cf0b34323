package servertest

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"testing"
	"time"
)

// DynamoDB starts dynalite, a server of DynamoDB's protocol that keeps its tables in memory, and returns its URL. It knows tables,
// items, indexes and scans; it knows no TTL, throttles nothing and counts no bytes of tables.
func DynamoDB(t testing.TB) string {
	t.Helper()
	binary := Binary(t, "dynalite")
	var err error
	for range 3 { // a port that was free may be taken before the server has it
		var url string
		if url, err = startDynalite(t, binary); err == nil {
			return url
		}
	}
	t.Fatalf("starting dynalite: %v", err)
	return ""
}

func startDynalite(t testing.TB, binary string) (string, error) {
	port, err := freePort(false)
	if err != nil {
		return "", err
	}
	s := &Server{Addr: "127.0.0.1:" + port, done: make(chan struct{})}
	s.cmd = exec.Command(binary, "--host", "127.0.0.1", "--port", port, "--createTableMs", "1", "--deleteTableMs", "1", "--updateTableMs", "1")
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	dieWithParent(s.cmd)
	if err := s.run(); err != nil {
		return "", err
	}
	t.Cleanup(s.Stop)
	url := "http://" + s.Addr
	return url, s.answers(t, url)
}

// answers waits until the server answers a request.
func (s *Server) answers(t testing.TB, url string) error {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			return resp.Body.Close()
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
