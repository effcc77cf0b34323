package redis

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

// examOf opens a target, well or not, and returns the line to its one server.
func examOf(t *testing.T, url string) (e kv.Exam, unwell *kv.Unwell) {
	t.Helper()
	store, err := tryOpen(t, url)
	var examiner kv.Examiner
	if errors.As(err, &unwell) {
		examiner = unwell
	} else if err != nil {
		t.Fatal(err)
	} else {
		t.Cleanup(func() { store.Close() })
		if examiner, err = kv.ExaminerOf(store); err != nil {
			t.Fatal(err)
		}
	}
	exams, err := examiner.Examine(t.Context())
	if err != nil || len(exams) != 1 {
		t.Fatal(exams, err)
	}
	t.Cleanup(func() { exams[0].Close() })
	return exams[0], unwell
}

// Real servers of each version tell all that is asked for, over one connection.
func TestExam(t *testing.T) {
	servertest.Matrix(t, func(t *testing.T, version string) {
		s := servertest.Redis(t, servertest.Options{Version: version, Args: []string{"--slowlog-log-slower-than", "0"}})
		c := s.Client(t)
		c.Must(t, "HSET", "user:1", "password", "s3cret")
		c.Do("LPUSH", "user:1", "x") // of the wrong type
		e, unwell := examOf(t, "redis://"+s.Addr)
		if unwell != nil {
			t.Fatal(unwell)
		}
		v, err := e.Vitals(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if took, err := e.Ping(t.Context()); err != nil || took <= 0 {
			t.Error(took, err)
		}
		d, err := e.Details(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		if v.Commands["hset"].Calls != 1 || v.Errors["WRONGTYPE"] != 1 || v.Numbers["keys"] != 1 || v.Version == "" || len(v.Lacks) > 0 {
			t.Errorf("%+v", v)
		}
		if len(d.Clients) < 2 || d.Settings["maxclients"] == "" || d.Memory["total.allocated"] == 0 || len(d.Default) == 0 || len(d.Lacks) > 0 {
			t.Errorf("%+v", d)
		}
		found := false
		for _, call := range d.Slow {
			found = found || call.Command == "hset" && call.Key == "user:1"
			if strings.Contains(call.Key+call.Command, "s3cret") {
				t.Errorf("a value was kept: %+v", call)
			}
		}
		if !found {
			t.Errorf("no HSET in %+v", d.Slow)
		}
		again, err := e.Vitals(t.Context())
		if err != nil || again.Numbers["total_connections_received"] != v.Numbers["total_connections_received"] {
			t.Errorf("not the same connection: %v", err)
		}
	})
}

// What is refused is said of each thing by itself; nothing fails, whatever words a server or a service has for it.
func TestExamRefused(t *testing.T) {
	for _, words := range []string{
		"-NOPERM this user has no permissions to run the 'x' command\r\n", "-ERR unknown command 'X', with args beginning with: 'a'\r\n",
		"-ERR This command is not available\r\n",
	} {
		addr := fake(t, func(command string) string {
			if strings.HasPrefix(command, "PING") {
				return "+PONG\r\n"
			}
			return words
		})
		e, _ := examOf(t, "redis://"+addr)
		v, err := e.Vitals(t.Context())
		if err != nil || v.Lacks["info"] == "" || len(v.Numbers) > 0 {
			t.Fatalf("%+v, %v", v, err)
		}
		d, err := e.Details(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		for _, what := range []string{"slow", "spikes", "clients", "memory", "default", "settings"} {
			if d.Lacks[what] == "" || strings.Contains(d.Lacks[what], "args") {
				t.Errorf("%s: %q", what, d.Lacks[what])
			}
		}
	}
}

// Answers that are no answers to what was asked say nothing, and are no failure.
func TestExamHostile(t *testing.T) {
	for _, reply := range []string{":1\r\n", "*1\r\n*0\r\n", "*2\r\n$-1\r\n:-7\r\n", "*1\r\n*4\r\n:1\r\n:99999999999999999\r\n:-5\r\n*0\r\n", bulk("id=\nid=1 omem=-3 age=x\n")} {
		addr := fake(t, func(command string) string {
			if strings.HasPrefix(command, "PING") || strings.HasPrefix(command, "INFO") {
				return ""
			}
			return reply
		})
		e, _ := examOf(t, "redis://"+addr)
		v, err := e.Vitals(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		d, err := e.Details(t.Context(), v)
		if err != nil || len(d.Slow) > 1 {
			t.Errorf("%q: %+v, %v", reply, d, err)
		}
		for _, c := range d.Clients {
			if c.Output < 0 || c.Age < 0 {
				t.Errorf("%+v", c)
			}
		}
	}
}

// A server that is loading, busy or silent is examined all the same.
func TestExamUnwell(t *testing.T) {
	for _, said := range []string{"LOADING Redis is loading the dataset in memory", "BUSY Redis is busy running a script. You can only call SCRIPT KILL"} {
		addr := fake(t, func(command string) string {
			if strings.HasPrefix(command, "INFO") && strings.HasPrefix(said, "LOADING") {
				return bulk("redis_version:7.0.15\r\nloading:1\r\n")
			}
			return "-" + said + "\r\n"
		})
		e, unwell := examOf(t, "redis://"+addr)
		if unwell == nil || !unwell.Since.IsZero() {
			t.Fatalf("%s: %+v", said, unwell)
		}
		var reply kv.ReplyError
		if _, err := e.Ping(t.Context()); !errors.As(err, &reply) || string(reply) != said {
			t.Errorf("%s: %v", said, err)
		}
		v, err := e.Vitals(t.Context())
		if loading := strings.HasPrefix(said, "LOADING"); loading != (err == nil) || loading && v.Numbers["loading"] != 1 {
			t.Errorf("%s: %+v, %v", said, v, err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // whose connections the kernel accepts
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	began := time.Now()
	e, unwell := examOf(t, "redis://"+l.Addr().String()+"?timeout=50ms")
	if unwell == nil || unwell.Since.Before(began) {
		t.Fatalf("%+v", unwell)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = e.Vitals(ctx)
	var silence *kv.Silence
	if !errors.As(err, &silence) || !silence.Reached || silence.Closed || silence.Connected <= 0 {
		t.Errorf("%+v", silence)
	}
	e.Close()
	if _, err := e.Ping(t.Context()); err == nil {
		t.Error("an exam goes on that is over")
	}
}
