package memcached

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

// examOf opens a line to a server.
func examOf(t *testing.T, addr string) kv.Exam {
	t.Helper()
	e := &exam{srv: &server{cfg: &config{network: "tcp", timeout: 10 * time.Second}, addr: addr}}
	t.Cleanup(func() { e.Close() })
	return e
}

// Statistics of a real server are under the names of INFO, and grow by what was asked.
func TestExam(t *testing.T) {
	s := servertest.Memcached(t, servertest.MemcachedOptions{})
	e := examOf(t, s.Addr)
	before, err := e.Vitals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := s.MemcachedClient(t)
	c.Fill(t, 50, func(i int) (string, int, string) { return fmt.Sprint("page:", i), 0, "x" })
	if took, err := e.Ping(t.Context()); err != nil || took <= 0 {
		t.Error(took, err)
	}
	after, err := e.Vitals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	grew := func(name string) float64 { return after.Numbers[name] - before.Numbers[name] }
	if grew("total_commands_processed") != 50 || after.Commands["set"].Calls != 50 || grew("total_connections_received") != 1 || after.Numbers["keys"] != 50 {
		t.Errorf("before %v, after %v", before.Numbers, after.Numbers)
	}
	for _, name := range []string{"maxclients", "maxmemory", "threads", "used_cpu_user", "uptime_in_seconds", "total_net_output_bytes", "keyspace_hits"} {
		if _, ok := after.Numbers[name]; !ok {
			t.Errorf("no %s", name)
		}
	}
	d, err := e.Details(t.Context(), after)
	if err != nil || d.Settings["evictions"] != "on" {
		t.Errorf("%+v, %v", d, err)
	}
}

// A server that accepts and says nothing is a silence, and ends with the question's time.
func TestExamOfASilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = examOf(t, l.Addr().String()).Vitals(ctx)
	var silence *kv.Silence
	if !errors.As(err, &silence) || silence.Waited < 100*time.Millisecond || !strings.HasPrefix(err.Error(), "no answer within") {
		t.Fatalf("%#v", err)
	}
	if !silence.Reached || silence.Closed || silence.Connected <= 0 {
		t.Errorf("it was reached, and has said nothing: %+v", silence)
	}
	target, err := kv.ParseTarget("memcached://" + l.Addr().String() + "?timeout=50ms")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, err = open(t.Context(), target)
	var unwell *kv.Unwell
	if !errors.As(err, &unwell) || unwell.Since.Before(began) {
		t.Errorf("%v is no server that could still be examined", err)
	}
	l.Close()
	var gone *kv.Unwell
	if _, err = open(t.Context(), target); err == nil || errors.As(err, &gone) {
		t.Errorf("nothing listens, and there is something to examine: %v", err)
	}
}
