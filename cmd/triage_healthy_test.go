package cmd_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"github.com/kvtool/kvtool/cmd"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/report"
)

// metric returns a number of a report.
func metric(t *testing.T, r *report.Report, section, name string) float64 {
	t.Helper()
	if s := r.Section(section); s != nil {
		for _, m := range s.Metrics {
			if x, ok := m.Value.Number(); ok && m.Name == name {
				return x
			}
		}
	}
	t.Fatalf("no %s in %s", name, section)
	return 0
}

// reportOf runs a command that writes a report as JSON, however it ends.
func reportOf(t *testing.T, args ...string) *report.Report {
	t.Helper()
	out, code := kvtoolIn(t, t.TempDir(), "", false, append(args, "-o", "json", "--progress", "none")...)
	var r report.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%q: exit %d, %v\n%s", args, code, err, out)
	}
	return &r
}

// capacityOf returns how many operations a second a closed loop has got from a server, which is all that it had time for.
func capacityOf(t *testing.T, target, scenario string) float64 {
	t.Helper()
	r := reportOf(t, "load", "run", target, "-s", scenario, "--concurrency", "32", "-d", "1s", "--allow-writes")
	for _, table := range r.Section("latency").Tables {
		for _, row := range table.Rows {
			if rate, ok := row[2].Number(); ok && row[0] == report.Text("all") {
				return rate
			}
		}
	}
	t.Fatal("nothing was done")
	return 0
}

// start runs kvtool as a process of its own, and returns what interrupts it and waits for its end.
func start(t *testing.T, args ...string) (end func()) {
	t.Helper()
	c := exec.Command(cmd.Program(t), append(args, "--progress", "none")...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	end = sync.OnceFunc(func() {
		_ = c.Process.Signal(os.Interrupt) // it may have ended
		_ = c.Wait()                       // with 130, or because it could not keep up
	})
	t.Cleanup(end)
	return end
}

// isLoaded waits until what a load begins with is written, and as much is done as it is to do at least.
func isLoaded(t *testing.T, s *servertest.Server, target string, rate float64) {
	t.Helper()
	c, keys := s.Client(t), int64(0)
	servertest.Until(t, "what the load begins with is written", func() bool {
		before := keys
		keys, _ = c.Must(t, "DBSIZE").(int64)
		return keys > 0 && keys-before < keys/20 && metric(t, reportOf(t, "triage", target, "--window", "200ms"), "vitals", "commands") >= rate
	})
}

// A real server that is well, under a load of half of what it can do: no cause is named, and nothing is left open. Half is what a closed
// loop gets; where that leaves the server's thread idle, since whoever asks is slower than the server, it is what keeps the thread busy for
// half of the time. Fifty runs where KVTOOL_SOAK is set (scripts/soak-triage), else two.
func TestHealthyAtHalfCapacity(t *testing.T) {
	runs, tries, window, scenarios := 2, 1, "300ms", []string{"session-cache"}
	soak := os.Getenv("KVTOOL_SOAK") != ""
	if soak {
		runs, tries, window, scenarios = 25, 4, "1s", append(scenarios, "rate-limit-sliding")
	}
	for _, scenario := range scenarios {
		s := servertest.Redis(t, servertest.Options{Args: []string{"--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru"}})
		target := "redis://" + s.Addr
		most := capacityOf(t, target, scenario)
		rate, end := most/2, func() {}
		for range tries {
			end = start(t, "load", "run", target, "-s", scenario, "--rate", strconv.Itoa(int(rate))+"/s", "-d", "10m", "--allow-writes")
			isLoaded(t, s, target, rate/4)
			busy := metric(t, reportOf(t, "triage", target, "--window", window), "vitals", "main_thread")
			fmt.Printf("soak: %s: a closed loop does %.0f/s; at %.0f/s the thread is busy for %.0f %%\n", scenario, most, rate, 100*busy)
			if busy > 0.45 || tries == 1 {
				break
			}
			end()
			rate *= 0.5 / max(busy, 0.1)
		}
		for i := range runs {
			wrong := illness(t, i, target, window)
			if len(wrong) > 0 && !soak { // other tests may have kept the machine from the server, as from a sick one
				t.Logf("run %d again: %q", i, wrong)
				wrong = illness(t, i, target, window)
			}
			for _, w := range wrong {
				t.Errorf("run %d: %s", i, w)
			}
		}
		end()
	}
}

// illness watches a server, and returns what is said to be wrong with it, or was not found out.
func illness(t *testing.T, i int, target, window string) (wrong []string) {
	t.Helper()
	r := reportOf(t, "triage", target, "--window", window)
	for _, f := range r.Findings {
		wrong = append(wrong, fmt.Sprintf("%s %s: %s", f.Rule, f.Severity, f.Message))
	}
	if len(r.Skipped) > 0 || !r.Coverage.Complete {
		return append(wrong, fmt.Sprintf("%v, complete: %v", r.Skipped, r.Coverage.Complete))
	}
	fmt.Printf("soak: run %2d: %6.0f commands/s, %2.0f %% of the thread, ping at most %6.2f ms, %d causes\n", i, metric(t, r, "vitals", "commands"),
		100*metric(t, r, "vitals", "main_thread"), 1e3*metric(t, r, "vitals", "ping_max"), len(r.Findings))
	return wrong
}
