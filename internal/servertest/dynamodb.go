package servertest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// DynamoDB starts dynalite, a server of DynamoDB's protocol that keeps its tables in memory, and returns its URL. It knows tables,
// items, indexes and scans; it knows no TTL, throttles nothing and counts no bytes of tables.
func DynamoDB(t testing.TB) string {
	t.Helper()
	return SlowDynamoDB(t, time.Millisecond)
}

// SlowDynamoDB is DynamoDB where changing a table takes that long.
func SlowDynamoDB(t testing.TB, change time.Duration) string {
	t.Helper()
	return startDynamoDB(t, "dynalite", "--host", "127.0.0.1", "--createTableMs", "1", "--deleteTableMs", "1",
		"--updateTableMs", fmt.Sprint(change.Milliseconds()))
}

// Amazon sends one request of DynamoDB's protocol to a server on this machine, which does not look at signatures.
func Amazon(t testing.TB, url, op, body string) (answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810."+op)
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Date", "20260101T000000Z")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=x")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %s, %v", op, resp.Status, text, err)
	}
	return string(text)
}

// DynamoDBLocal starts DynamoDB Local, Amazon's own server for tests, and returns its URL. It knows what tables weigh, TTL and
// transactions, and throttles nothing. It takes seconds to start, and 300 MB.
func DynamoDBLocal(t testing.TB) string {
	t.Helper()
	return startDynamoDB(t, "dynamodb-local", "-inMemory", "-sharedDb")
}

func startDynamoDB(t testing.TB, name string, args ...string) string {
	t.Helper()
	binary := Binary(t, name)
	var err error
	for range 3 { // a port that was free may be taken before the server has it
		var url string
		if url, err = tryDynamoDB(t, binary, args); err == nil {
			return url
		}
	}
	t.Fatalf("starting %s: %v", name, err)
	return ""
}

func tryDynamoDB(t testing.TB, binary string, args []string) (string, error) {
	port, err := freePort(false)
	if err != nil {
		return "", err
	}
	s := &Server{Addr: "127.0.0.1:" + port, done: make(chan struct{})}
	flag := "--port"
	if len(args) > 0 && !strings.HasPrefix(args[0], "--") {
		flag = "-port"
	}
	s.cmd = exec.Command(binary, append([]string{flag, port}, args...)...)
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
