package cmd

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/faultproxy"
	"github.com/kvtool/kvtool/internal/servertest"
)

// TestLoadFaults: whatever happens to server and network in mid-run, the run ends at its time, and its report names what happened and
// how often. Errors fail it.
func TestLoadFaults(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{})
	reply := func(text string) faultproxy.Fault { return faultproxy.Fault{Reply: "-" + text + "\r\n"} }
	for _, x := range []struct {
		name  string
		fault faultproxy.Fault
		reset bool
		class string // of errors; empty is no matter which, none is that there are none
	}{
		{"out of memory", reply("OOM command not allowed when used memory > 'maxmemory'."), false, "OOM"},
		{"loading", reply("LOADING Redis is loading the dataset in memory"), false, "LOADING"},
		{"read-only", reply("READONLY You can't write against a read only replica."), false, "READONLY"},
		{"a storm of MOVED", reply("MOVED 5061 127.0.0.1:1"), false, "MOVED"},
		{"silence", faultproxy.Fault{Stall: true}, false, "timeout"},
		{"another protocol", faultproxy.Fault{Reply: "HTTP/1.1 400 Bad Request\r\n\r\n"}, false, ""},
		{"a reset", faultproxy.Fault{}, true, ""},
		{"dropped, and refused from then on", faultproxy.Fault{Refuse: true}, true, ""},
		{"a spike of latency", faultproxy.Fault{Delay: 80 * time.Millisecond}, false, "none"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			proxy := faultproxy.Start(t, server.Addr)
			begun, ended := make(chan struct{}), make(chan struct{})
			defer close(ended)
			var once sync.Once
			proxy.Set(faultproxy.Fault{Rewrite: func(words []string) []string {
				if words[0] == "INCR" { // which only the run itself sends: what is reset before it is no run
					once.Do(func() { close(begun) })
				}
				return words
			}})
			go func() {
				select {
				case <-ended:
					return
				case <-begun:
				}
				for due := time.After(300 * time.Millisecond); ; due = time.After(300 * time.Millisecond) {
					select {
					case <-ended:
						return
					case <-due:
					}
					proxy.Set(x.fault)
					if x.reset {
						proxy.Reset()
					}
				}
			}()
			patience := "300ms"
			if x.class == "none" {
				patience = "10s"
			}
			began := time.Now()
			doc, code := runJSON(t, "redis://"+proxy.Addr+"?timeout=1s", "-s", "counters", "--rate", "200/s", "-d", "1500ms", "--conns", "20",
				"--op-timeout", patience, "--allow-writes", "--threshold", "p50 < 10s", "--set", "fields.page.cardinality=20")
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("a run of 1.5 s took %v", took)
			}
			all, errs := doc.table("latency", "latency")["all"], doc.table("health", "errors")
			t.Logf("exit %d, %s, %v, %v", code, doc.metric("health", "verdict"), errs, all)
			if x.class == "none" {
				// On a machine that is busy not all of it ends in time, as the verdict then says.
				if code != exitOK && doc.metric("health", "verdict") == "valid" || len(errs) > 0 || all["max"].(float64) < 0.08 {
					t.Errorf("exit %d, errors %v, %v", code, errs, all)
				}
				return
			}
			if code != exitGate || len(errs) == 0 || all["errors"] == 0.0 || x.class != "" && errs[x.class] == nil {
				t.Errorf("exit %d, errors %v, want some of %q", code, errs, x.class)
			}
			if doc.metric("checks", "violations") != "0" {
				t.Errorf("violations: %v", doc.table("checks", "violations"))
			}
		})
	}
}

// TestLoadNoServer: where no run begins, there is no report, and the exit code is 3.
func TestLoadNoServer(t *testing.T) {
	t.Parallel()
	plain := servertest.Redis(t, servertest.Options{})
	secure := servertest.Redis(t, servertest.Options{TLS: true})
	locked := servertest.Redis(t, servertest.Options{Args: []string{"--requirepass", "x"}})
	for target, want := range map[string]string{
		"redis://127.0.0.1:1":                       "refuses the connection",
		"rediss://" + plain.Addr + "?timeout=300ms": "TLS",
		"rediss://" + secure.Addr:                   "certificate is not trusted",
		"redis://" + secure.Addr:                    "rediss://",
		"redis://" + locked.Addr:                    "needs a password",
	} {
		stdout, stderr, code := in(t, "load", "run", target, "-s", "counters", "--progress", "none")
		if code != exitTarget || stdout != "" || !strings.Contains(stderr, want) || !strings.Contains(stderr, "kvtool: hint: ") {
			t.Errorf("%s: exit %d\n%s%s", target, code, stdout, stderr)
		}
	}
}

// TestLoadDyingServer: a server that dies in a run, however soon, ends it not early, and fails it.
func TestLoadDyingServer(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t, servertest.Options{})
	c, ended := server.Client(t), make(chan struct{})
	defer close(ended)
	go func() {
		for !strings.Contains(fmt.Sprint(c.Do("INFO", "commandstats")), "cmdstat_incr:") { // which only the run itself sends
			select {
			case <-ended:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
		server.Stop()
	}()
	doc, code := runJSON(t, "redis://"+server.Addr, "-s", "counters", "--rate", "200/s", "-d", "1500ms", "--op-timeout", "300ms")
	if errs := doc.table("health", "errors"); code != exitGate || len(errs) == 0 {
		t.Errorf("exit %d, errors %v", code, errs)
	}
	if notes := strings.Join(doc.Target.Notes, "; "); !strings.Contains(notes, "left behind") {
		t.Errorf("notes: %s", notes)
	}
}

// TestLoadDiskFull: what cannot be written is said, and does not take away the report.
func TestLoadDiskFull(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("/dev/full is missing")
	}
	full := filepath.Join(t.TempDir(), "full.kvr")
	if err := os.Symlink("/dev/full", full); err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"--hlog=/dev/full", "--out=" + full} {
		stdout, stderr, code := in(t, "load", "run", "-s", "counters", "--concurrency", "2", "--requests", "500", "--progress", "none",
			"--threshold", "p50 < 10s", flag)
		passed := strings.Contains(stdout, "PASSED") || strings.Contains(stdout, "verdict generator-bound")
		if code != exitUsage || !strings.Contains(stderr, "no space left on device") || !passed {
			t.Errorf("%s: exit %d\n%s%s", flag, code, stdout, stderr)
		}
	}
}

// TestLoadTwice: a target that is in use is refused, and two runs on one do not touch each other's keys.
func TestLoadTwice(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t, servertest.Options{})
	c := server.Client(t)
	c.Must(t, "SET", "app:1", "v")
	if _, stderr, code := in(t, "load", "run", "redis://"+server.Addr, "-s", "counters"); code != exitUsage || !strings.Contains(stderr, "holds 1 keys") {
		t.Errorf("exit %d, %s", code, stderr)
	}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			stdout, stderr, code := in(t, "load", "run", "redis://"+server.Addr, "-s", "counters", "--concurrency", "4", "--requests", "3000",
				"--set", "fields.page.cardinality=50", "--progress", "none", "--allow-writes", "--threshold", "p50 < 10s")
			if code != exitOK && (code != exitIncomplete || !strings.Contains(stdout, "verdict generator-bound")) {
				t.Errorf("exit %d\n%s%s", code, stdout, stderr)
			}
		})
	}
	wg.Wait()
	if n := c.Must(t, "DBSIZE"); n != int64(1) {
		t.Errorf("%v keys, want the one of the application", n)
	}
}
