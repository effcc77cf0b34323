package cmd_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kvtool/kvtool/cmd"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/report"
)

// soaking skips a test that takes longer than tests may, unless it was asked for.
func soaking(t *testing.T) {
	t.Helper()
	if os.Getenv("KVTOOL_SOAK") == "" {
		t.Skip("KVTOOL_SOAK is not set (scripts/soak-fleet)")
	}
}

// TestSoakFleet watches 200 targets, which are twenty idle servers by ten names each, 32 at a time. It takes twice the windows at most that
// come one after the other, and the memory of those that are watched at the time.
func TestSoakFleet(t *testing.T) {
	soaking(t)
	const servers, names, jobs, window = 20, 10, 32, time.Second
	binary := cmd.Program(t)
	var conf strings.Builder
	conf.WriteString("targets:\n")
	for i := range servers {
		s := servertest.Redis(t, servertest.Options{})
		for n := range names {
			fmt.Fprintf(&conf, "  idle-%d-%d: {url: \"redis://%s\"}\n", i, n, s.Addr)
		}
	}
	config := filepath.Join(t.TempDir(), "fleet.yaml")
	write(t, config, conf.String())
	most := 2 * window * servers * names / jobs
	for _, pattern := range []string{"@idle-0-*", "@idle-*"} {
		c := exec.Command(binary, "triage", pattern, "--config", config, "--window", window.String(), "--jobs", fmt.Sprint(jobs), "-o", "json", "--progress", "none")
		began := time.Now()
		out, err := c.Output()
		wall := time.Since(began)
		var r report.Report
		if err != nil || json.Unmarshal(out, &r) != nil || !r.Coverage.Complete {
			t.Fatalf("%s: %v\n%.2000s", pattern, err, out)
		}
		usage := c.ProcessState.SysUsage().(*syscall.Rusage)
		fmt.Printf("soak: %3d targets, %d at a time, window %s: %.1f s, %d MiB at most, %.1f s of CPU\n", len(r.Targets), jobs, window, wall.Seconds(),
			usage.Maxrss>>10, (c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Seconds())
		if pattern == "@idle-*" && (len(r.Targets) != servers*names || wall > most) {
			t.Errorf("%d targets in %s, want %d in %s", len(r.Targets), wall, servers*names, most)
		}
	}
}

// TestSoakExamination measures what it costs a server that an audit looks at it, and not only at its keys: an empty one, and one that is
// under load, by what it counts itself.
func TestSoakExamination(t *testing.T) {
	soaking(t)
	const audits = 50
	s := servertest.Redis(t, servertest.Options{Args: []string{"--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru"}})
	target, c := "redis://"+s.Addr, s.Client(t)
	audit := func(args ...string) {
		if code, out, errs := invoke(append([]string{"audit", target, "--only", "totals", "--progress", "none", "-q"}, args...)...); code != 0 {
			t.Fatalf("%q: exit %d: %s%s", args, code, errs, out)
		}
	}
	spent := func(args ...string) (cpu, calls float64) {
		before, was := figures(t, c)
		for range audits {
			audit(args...)
		}
		after, is := figures(t, c)
		return (after - before) / audits, (is - was) / audits
	}
	audit("--server") // once for what is done the first time
	without, _ := spent("--server=false")
	with, calls := spent("--server")
	fmt.Printf("soak: empty server: an audit takes %.2f ms of CPU with --server, %.2f without: %.2f ms, of which %.2f in commands\n",
		1e3*with, 1e3*without, 1e3*(with-without), 1e3*calls)
	end := start(t, "load", "run", target, "-s", "session-cache", "--rate", "4k/s", "-d", "10m", "--allow-writes")
	defer end()
	servertest.Until(t, "the load has begun", func() bool {
		n, _ := c.Must(t, "DBSIZE").(int64)
		return n > 1000
	})
	// What a load takes is far more than this. What is told apart is the time in commands that nobody else sends.
	_, calls = spent("--server")
	fmt.Printf("soak: server at 4,000 operations a second: %.2f ms in commands an audit\n", 1e3*calls)
	if calls > 0.05 {
		t.Errorf("looking at a server keeps it busy for %.1f ms", 1e3*calls)
	}
}

// figures returns the seconds of CPU that a server has taken, and those in commands that look at it.
func figures(t *testing.T, c *servertest.Client) (cpu, calls float64) {
	t.Helper()
	text, _ := c.Must(t, "INFO", "everything").(string)
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		command, is := strings.CutPrefix(name, "cmdstat_")
		var n, usec float64
		switch {
		case name == "used_cpu_user" || name == "used_cpu_sys":
			fmt.Sscan(value, &n)
			cpu += n
		case is && looks(command):
			_, after, _ := strings.Cut(value, "usec=")
			fmt.Sscan(after, &usec)
			calls += usec / 1e6
		}
	}
	return cpu, calls
}

// looks reports whether a command, by the name under which a server counts it, is one of those by which it is looked at.
func looks(command string) bool {
	switch command {
	case "info", "config|get", "slowlog|get", "latency|latest", "client|list", "memory|stats", "acl|getuser", "acl|list", "command|info":
		return true
	}
	return false
}
