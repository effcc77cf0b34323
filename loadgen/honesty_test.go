//go:build unix

package loadgen_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters/redis"
	"github.com/kvtool/kvtool/internal/faultproxy"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen"
	"github.com/kvtool/kvtool/loadgen/arrival"
	"github.com/kvtool/kvtool/loadgen/recording"
)

// sets is a workload of one command.
type sets struct{}

var setOps = []kv.Op{{Args: [][]byte{[]byte("SET"), []byte("kvtool:test:key"), []byte("value"), []byte("EX"), []byte("60")}}}

func (sets) Operations() []string            { return []string{"set"} }
func (sets) Begin(t *loadgen.Task)           { t.Ops = setOps }
func (sets) Next(*loadgen.Task, []kv.Result) {}

func driverOf(t *testing.T, url string) kv.Driver {
	t.Helper()
	target, err := kv.ParseTarget(url)
	if err != nil {
		t.Fatal(err)
	}
	s, err := redis.Adapter().Open(t.Context(), target)
	if err != nil {
		t.Fatalf("%v (%s)", err, kv.Hint(err))
	}
	t.Cleanup(func() { s.Close() })
	d, err := kv.DriverOf(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// open is an open loop of rate a second.
func open(rate float64, d time.Duration, events ...loadgen.Event) []loadgen.Phase {
	return []loadgen.Phase{{
		Name: "steady", Workload: sets{}, Arrivals: &arrival.Law{Segments: arrival.Steady(rate)}, For: d, Record: true, Events: events,
	}}
}

// TestFreeze stops a real server for a second of ten, by its own command and by the system's. With arrivals that do not wait for
// it, a tenth of all operations waits up to a second: p99 is 900 ms, by arithmetic.
func TestFreeze(t *testing.T) {
	if testing.Short() {
		t.Skip("ten seconds, twice at the same time")
	}
	for _, how := range []string{"DEBUG SLEEP", "SIGSTOP"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			server := servertest.Redis(t, servertest.Options{Args: []string{"--enable-debug-command", "local"}})
			d := driverOf(t, "redis://"+server.Addr)
			client := server.Client(t)
			stood := make(chan time.Duration, 1) // for how long, which on a busy machine is more than a second
			frozen := loadgen.Event{At: 4 * time.Second, Name: how, Do: func() {
				go func() {
					began := time.Now()
					defer func() { stood <- time.Since(began) }()
					if how == "DEBUG SLEEP" {
						client.Do("DEBUG", "SLEEP", "1")
						return
					}
					_ = syscall.Kill(server.PID, syscall.SIGSTOP) // our own child
					time.Sleep(time.Second)
					_ = syscall.Kill(server.PID, syscall.SIGCONT)
				}()
			}}
			r, err := loadgen.Run(t.Context(), d, open(1000, 10*time.Second, frozen), loadgen.Options{Conns: 20})
			if err != nil {
				t.Fatal(err)
			}
			h, err := r.Histogram(-1, recording.Response, 0, len(r.Seconds))
			if err != nil {
				t.Fatal(err)
			}
			service, err := r.Histogram(-1, recording.Service, 0, len(r.Seconds))
			if err != nil {
				t.Fatal(err)
			}
			lag, err := r.Histogram(-1, recording.Lag, 0, len(r.Seconds))
			if err != nil {
				t.Fatal(err)
			}
			p99, most, late := h.Quantile(0.99), h.Max(), max(0, <-stood-time.Second)+lag.Max()
			verdict, why := r.Verdict()
			t.Logf("p99 %v, max %v, service p99 %v, %v late, %s (%s)", p99, most, service.Quantile(0.99), late, verdict, why)
			if p99 < 765*time.Millisecond || p99 > 1035*time.Millisecond+late {
				t.Errorf("p99 is %v, the truth is 900 ms ± 15 %%, and %v more at most", p99, late)
			}
			if most < 900*time.Millisecond || most > 1100*time.Millisecond+late {
				t.Errorf("the longest is %v, the truth is 1 s ± 10 %%, and %v more at most", most, late)
			}
		})
	}
}

// starved names the variable that makes a process the generator of TestGeneratorBound: the address of its server.
const starved = "KVTOOL_TEST_STARVED"

// TestGeneratorBound lets the generator run for a fifth of the time, as a limit on its processor does: it says that it was the
// limit. The generator is this program, once more.
func TestGeneratorBound(t *testing.T) {
	if addr := os.Getenv(starved); addr != "" {
		r, err := loadgen.Run(t.Context(), driverOf(t, "redis://"+addr), open(500, 2*time.Second), loadgen.Options{Conns: 10})
		if err != nil {
			t.Fatal(err)
		}
		v, why := r.Verdict()
		fmt.Printf("verdict: %s (%s)\n", v, why)
		return
	}
	server := servertest.Redis(t, servertest.Options{})
	cmd := exec.Command(os.Args[0], "-test.run=^TestGeneratorBound$")
	cmd.Env = append(os.Environ(), starved+"="+server.Addr)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for on := true; ; on = !on {
		signal, wait := syscall.SIGCONT, 10*time.Millisecond
		if !on {
			signal, wait = syscall.SIGSTOP, 40*time.Millisecond
		}
		_ = syscall.Kill(cmd.Process.Pid, signal) // our own child; it may have ended
		select {
		case err := <-ended:
			if err != nil || !strings.Contains(said.String(), "verdict: "+string(recording.GeneratorBound)+" ") {
				t.Errorf("%v: %s", err, &said)
			}
			return
		case <-time.After(wait):
		}
	}
}

// TestFaults runs against each way that a server or a network fails: the run ends at its time, and says how often what happened.
func TestFaults(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{})
	for _, x := range []struct {
		name  string
		fault faultproxy.Fault
		reset bool
		word  string // of an error
	}{
		{"out of memory", faultproxy.Fault{Reply: "-OOM command not allowed when used memory > 'maxmemory'.\r\n"}, false, "OOM"},
		{"loading", faultproxy.Fault{Reply: "-LOADING Redis is loading the dataset in memory\r\n"}, false, "LOADING"},
		{"read-only", faultproxy.Fault{Reply: "-READONLY You can't write against a read only replica.\r\n"}, false, "READONLY"},
		{"moved", faultproxy.Fault{Reply: "-MOVED 5061 127.0.0.1:1\r\n"}, false, "MOVED"},
		{"no protocol", faultproxy.Fault{Reply: "HTTP/1.1 400 Bad Request\r\n\r\n"}, false, ""},
		{"silent", faultproxy.Fault{Stall: true}, false, "timeout"},
		{"reset", faultproxy.Fault{}, true, ""},
		{"reset, and nobody there", faultproxy.Fault{Refuse: true}, true, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			proxy := faultproxy.Start(t, server.Addr)
			d := driverOf(t, "redis://"+proxy.Addr+"?timeout=500ms")
			fails := loadgen.Event{At: 300 * time.Millisecond, Name: x.name, Do: func() {
				proxy.Set(x.fault)
				if x.reset {
					go proxy.Reset()
				}
			}}
			began := time.Now()
			r, err := loadgen.Run(t.Context(), d, open(200, 1200*time.Millisecond, fails), loadgen.Options{Conns: 4, Timeout: 200 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took > time.Minute {
				t.Errorf("a run of 1.2 s took %v", took)
			}
			sum := r.Sum()
			t.Logf("due %d done %d unsent %d errors %v", sum.Due, sum.Done, sum.Unsent, sum.Errors)
			if sum.ErrorCount() == 0 || x.word != "" && sum.Errors[x.word] == 0 {
				t.Errorf("errors %v, want some of %q", sum.Errors, x.word)
			}
			if sum.Due != sum.Done+sum.Unsent {
				t.Errorf("%d were due, %d done, %d unsent", sum.Due, sum.Done, sum.Unsent)
			}
			sections, err := r.Report()
			if err != nil {
				t.Fatal(err)
			}
			if text := fmt.Sprintf("%+v", sections); x.word != "" && !strings.Contains(text, x.word) {
				t.Errorf("the report does not name %s", x.word)
			}
		})
	}
}

// TestDelay: what the network adds is in the response times, and nothing else changes.
func TestDelay(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{})
	proxy := faultproxy.Start(t, server.Addr)
	d := driverOf(t, "redis://"+proxy.Addr)
	proxy.Set(faultproxy.Fault{Delay: 20 * time.Millisecond})
	r, err := loadgen.Run(t.Context(), d, open(100, time.Second), loadgen.Options{Conns: 20})
	if err != nil {
		t.Fatal(err)
	}
	h, err := r.Histogram(-1, recording.Response, 0, len(r.Seconds))
	if err != nil {
		t.Fatal(err)
	}
	if p50 := h.Quantile(0.5); p50 < 20*time.Millisecond || p50 > 200*time.Millisecond || len(r.Sum().Errors) > 0 {
		t.Errorf("p50 %v with 20 ms more on the way, errors %v", p50, r.Sum().Errors)
	}
}

// TestTLSFailure: a server that speaks no TLS is an error before anything is run.
func TestTLSFailure(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{})
	target, err := kv.ParseTarget("rediss://" + server.Addr + "?timeout=300ms")
	if err != nil {
		t.Fatal(err)
	}
	if s, err := redis.Adapter().Open(t.Context(), target); err == nil {
		s.Close()
		t.Error("it opened")
	} else if !strings.Contains(err.Error(), "TLS") {
		t.Errorf("%v", err)
	}
}
