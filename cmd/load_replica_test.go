package cmd

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/faultproxy"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/loadgen/scenario"
)

// pair starts a primary and its replica with a proxy between the two.
func pair(t *testing.T, args ...string) (primary, replica *servertest.Server, between *faultproxy.Proxy) {
	t.Helper()
	primary, replica = servertest.Pair(t, args, func(addr string) string {
		between = faultproxy.Start(t, addr)
		return between.Addr
	})
	return primary, replica, between
}

func figure(t *testing.T, text string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestReadYourWrites: how far a replica is behind is measured; that it is behind after WAIT is a violation.
func TestReadYourWrites(t *testing.T) {
	t.Parallel()
	primary, replica, between := pair(t)
	run := func(args ...string) (loadDoc, int) {
		return runJSON(t, append([]string{
			"-s", "read-your-writes", "--concurrency", "4", "--requests", "200", "--threshold", "p50 < 10s", "--set", "fields.uid.cardinality=50",
		}, args...)...)
	}
	doc, code := run("redis://" + primary.Addr) // whose replica is listed under an address that a proxy hides, and is reached
	if !doc.wentWell(code) || figure(t, doc.metric("checks", "replica_reads")) < 200 || figure(t, doc.metric("checks", "staleness_max")) > 5 {
		t.Errorf("exit %d, %+v", code, doc.Sections)
	}
	if !strings.Contains(strings.Join(sortedKeys(callsOf(t, replica.Client(t))), " "), "get") {
		t.Error("nobody has asked the replica")
	}
	between.Set(faultproxy.Fault{Delay: 20 * time.Millisecond})
	doc, code = run("redis://" + primary.Addr + "?replica=" + replica.Addr)
	stale, reads := figure(t, doc.metric("checks", "stale_reads")), figure(t, doc.metric("checks", "replica_reads"))
	if p50 := figure(t, doc.metric("checks", "staleness_p50")); !doc.wentWell(code) || p50 < 0.020 || stale == 0 || stale >= reads {
		t.Errorf("exit %d: %v of %v reads were stale, for %v s, with 20 ms between the two", code, stale, reads, p50)
	}
	between.Set(faultproxy.Fault{Stall: true})
	liar := faultproxy.Start(t, primary.Addr)
	last := ""
	liar.Set(faultproxy.Fault{Rewrite: func(words []string) []string {
		switch words[0] {
		case "SET":
			last = words[1]
		case "WAIT":
			return []string{"EXISTS", last} // 1
		}
		return words
	}})
	doc, code = run("redis://"+liar.Addr+"?replica="+replica.Addr, "--set", "ops.write_until_seen.weight=0")
	if found := sortedKeys(doc.table("checks", "violations")); code != exitGate || !slices.ContainsFunc(found, func(e string) bool {
		return strings.Contains(e, "write_wait_read") && strings.Contains(e, "after a newer value was acknowledged")
	}) {
		t.Errorf("exit %d, %q", code, found)
	}
	between.Set(faultproxy.Fault{})
}

// losing writes the scenario failover-loss with a shorter time.
func losing(t *testing.T) string {
	t.Helper()
	data, _ := scenario.Builtin("failover-loss")
	path := filepath.Join(t.TempDir(), "loss.yaml")
	text := strings.NewReplacer("for: 10s", "for: 2s", "at: 5s", "at: 700ms", "500/s", "200/s").Replace(string(data))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFailoverLoss: the primary is ended, its replica takes over and is loaded, and what is gone of what was acknowledged is counted;
// what WAIT has confirmed is not. What a shutdown loses is what was under way: little, on a machine that is not busy.
func TestFailoverLoss(t *testing.T) {
	path := losing(t)
	t.Run("a shutdown", func(t *testing.T) {
		t.Parallel()
		for range 4 {
			lost, all, code, violations := failOver(t, path, "SHUTDOWN NOSAVE NOW FORCE", false)
			if lost > all || (lost == 0) != (len(violations) == 0) || lost > 0 && code != exitGate {
				t.Errorf("exit %d: %v of %v are lost, %q", code, lost, all, violations)
			}
			if lost <= all/4 {
				return
			}
		}
		t.Error("a replica that follows is far behind, four times")
	})
	t.Run("a crash of a primary whose replica has had nothing", func(t *testing.T) {
		t.Parallel()
		lost, all, code, violations := failOver(t, path, "DEBUG SEGFAULT", true, "--enable-debug-command", "local")
		if lost < 20 || lost > all || code != exitGate || !strings.Contains(strings.Join(violations, " "), "without WAIT") {
			t.Errorf("exit %d: %v of %v are lost, %q", code, lost, all, violations)
		}
	})
}

// failOver runs a load over the end of a primary and returns how much is lost of how much that was acknowledged.
func failOver(t *testing.T, path, how string, behind bool, args ...string) (lost, all float64, code int, violations []string) {
	t.Helper()
	primary, replica, between := pair(t, args...)
	if behind {
		between.Set(faultproxy.Fault{Stall: true})
	}
	doc, code := runJSON(t, "redis://"+primary.Addr+"?replica="+replica.Addr, "-s", path, "--inject", "--threshold", "p50 < 10s")
	all, lost = figure(t, doc.metric("checks", "acknowledged")), figure(t, doc.metric("checks", "lost_acknowledged"))
	t.Logf("exit %d, %v of %v lost, %s, %v", code, lost, all, doc.metric("health", "verdict"), doc.table("health", "errors"))
	if notes := strings.Join(doc.Target.Notes, "; "); !strings.Contains(notes, how) || doc.table("seconds", "events") == nil {
		t.Errorf("notes: %s", notes)
	}
	if n := doc.metric("checks", "lost_confirmed"); n != "" && n != "0" {
		t.Errorf("%s are lost that WAIT had confirmed", n)
	}
	client := replica.Client(t)
	if role, _ := client.Must(t, "INFO", "replication").(string); !strings.Contains(role, "role:master") {
		t.Error("the replica has not taken over")
	}
	if n := client.Must(t, "DBSIZE"); n != int64(0) {
		t.Errorf("%v keys are left behind", n)
	}
	between.Set(faultproxy.Fault{})
	return lost, all, code, sortedKeys(doc.table("checks", "violations"))
}

// TestFaultsAreAskedFor: nothing is done to a server that nobody has asked for, or that is not here.
func TestFaultsAreAskedFor(t *testing.T) {
	primary, _, _ := pair(t)
	path := losing(t)
	doc, code := runJSON(t, "redis://"+primary.Addr, "-s", path, "-d", "1s", "--threshold", "p50 < 10s", "--set", "ops.order_paid.weight=0")
	if notes := strings.Join(doc.Target.Notes, "; "); !doc.wentWell(code) || !strings.Contains(notes, "not done without --inject: failover") {
		t.Errorf("exit %d, %s", code, notes)
	}
	for want, args := range map[string][]string{
		"is not on this machine":  {"redis://192.0.2.1:6379", "-s", path, "--inject"},
		"has no faults":           {"redis://" + primary.Addr, "-s", "counters", "--inject"},
		"the run ends after":      {"redis://" + primary.Addr, "-s", path, "--inject", "-d", "500ms"},
		"needs a replica":         {"ref:?preset=empty", "-s", "read-your-writes"},
		"is no replica":           {"redis://" + primary.Addr + "?replica=nobody", "-s", "read-your-writes"},
		"refuses the connection":  {"redis://" + primary.Addr + "?replica=127.0.0.1:1", "-s", "read-your-writes"},
		primary.Addr + " is no r": {"redis://" + primary.Addr + "?replica=" + primary.Addr, "-s", "read-your-writes"},
	} {
		_, stderr, code := in(t, append([]string{"load", "run", "--progress", "none"}, args...)...)
		if code != exitUsage && code != exitTarget || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit %d, %s", args, code, stderr)
		}
	}
}

// TestInjectedFaults: what is done to the server and to the connections is seen by the run, and marked in it.
func TestInjectedFaults(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{Args: []string{"--enable-debug-command", "local"}})
	path := filepath.Join(t.TempDir(), "faults.yaml")
	data, _ := scenario.Builtin("counters")
	text := string(data) + `phases:
  - name: steady
    for: 2s
    rate: 200/s
    events:
      - {at: 200ms, server_sleep: {for: 300ms}}
      - {at: 700ms, server_pause: {for: 200ms}}
      - {at: 1s, conn_reset: {}}
      - {at: 1200ms, added_delay: {by: 30ms, for: 300ms}}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	doc, code := runJSON(t, "redis://"+server.Addr, "-s", path, "--inject", "--threshold", "p50 < 10s")
	rows := doc.table("latency", "latency")["all"]
	if longest := rows["max"].(float64); !doc.wentWell(code) || longest < 0.25 || rows["p90"].(float64) < 0.03 {
		t.Errorf("exit %d, %v, %v", code, rows, doc.table("health", "errors"))
	}
	var names []string
	for _, row := range doc.table("seconds", "events") {
		names = append(names, row["event"].(string))
	}
	slices.Sort(names)
	if got := strings.Join(names, ", "); got != "added_delay 30ms, added_delay ends, conn_reset, server_pause 200ms, server_sleep 300ms" {
		t.Errorf("events: %s", got)
	}
}
