package cmd_test

import (
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/report"
)

// deadAddr is an address that nothing listens at.
func deadAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// twelve writes the configuration of twelve targets: two that are dead, one that wants another password, a cluster, one that is full, and
// seven that are well.
func twelve(t *testing.T) (config string) {
	t.Helper()
	var b strings.Builder
	b.WriteString("targets:\n")
	add := func(name, url string) { fmt.Fprintf(&b, "  prod-%s: {url: %q, env: prod}\n", name, url) }
	for i := range 7 {
		s := servertest.Redis(t, servertest.Options{})
		s.Client(t).Must(t, "SET", fmt.Sprint("user:", i), "v")
		add(fmt.Sprint("well-", i), "redis://"+s.Addr)
	}
	full := servertest.Redis(t, servertest.Options{Args: []string{"--maxmemory", "1"}})
	add("full", "redis://"+full.Addr)
	locked := servertest.Redis(t, servertest.Options{Args: []string{"--requirepass", "sesame"}})
	add("locked", "redis://"+locked.Addr)
	add("dead-1", "redis://"+deadAddr(t))
	add("dead-2", "redis://"+deadAddr(t))
	c := servertest.Cluster(t, servertest.ClusterOptions{})
	add("cluster", "redis+cluster://"+c.Primaries[0].Addr)
	b.WriteString("  test-other: {url: \"ref:?keys=10\"}\n")
	config = filepath.Join(t.TempDir(), "kvtool.yaml")
	write(t, config, b.String())
	return config
}

// TestFleet looks at twelve real servers: each is a row, whatever became of it, in the order in which somebody should look at them;
// the exit code is the worst.
func TestFleet(t *testing.T) {
	t.Parallel()
	config := twelve(t)
	dir := t.TempDir()
	doc := filepath.Join(dir, "fleet.json")
	text := run(t, 3, "triage", "@prod-*", "--config", config, "--window", "300ms", "-o", "text", "-o", "json="+doc, "--out", filepath.Join(dir, "each"))
	r := &report.Report{}
	if err := json.Unmarshal([]byte(read(t, doc)), r); err != nil {
		t.Fatal(err)
	}
	if r.Kind != report.KindFleet || len(r.Targets) != 12 || r.Coverage.Complete {
		t.Errorf("kind %s, %d targets, complete %v", r.Kind, len(r.Targets), r.Coverage.Complete)
	}
	rows := r.Sections[0].Tables[0].Rows
	states := map[string]string{}
	var order []string
	for _, row := range rows {
		name, _ := row[0].Text()
		state, _ := row[1].Text()
		states[name] = state
		order = append(order, name)
	}
	for name, want := range map[string]string{
		"@prod-dead-1": "no access", "@prod-dead-2": "no access", "@prod-locked": "no access", "@prod-full": "ok", "@prod-cluster": "ok", "@prod-well-6": "ok",
	} {
		if states[name] != want {
			t.Errorf("%s is %q, want %q", name, states[name], want)
		}
	}
	if got := strings.Join(order[:4], " "); got != "@prod-dead-1 @prod-dead-2 @prod-locked @prod-full" {
		t.Errorf("first rows are %s", got)
	}
	lines := strings.Split(text, "\n")
	for name := range states {
		n := 0
		for _, l := range lines {
			if strings.HasPrefix(l, name+" ") {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s has %d rows in\n%s", name, n, text)
		}
	}
	saved, err := filepath.Glob(filepath.Join(dir, "each", "*.kvr"))
	if err != nil || len(saved) != 9 {
		t.Errorf("%d reports were saved, want one of each target that answered: %v", len(saved), err)
	}
	if one := run(t, 0, "report", "show", filepath.Join(dir, "each", "prod-cluster.kvr")); !strings.Contains(one, "SERVERS") {
		t.Errorf("the cluster's own report is\n%s", one)
	}
	auditTwelve(t, config)
	run(t, 0, "triage", "@prod-well-*", "--config", config, "--window", "100ms", "--jobs", "3", "--fail-on", "error")
	run(t, 1, "triage", "@prod-well-0", "@prod-full", "--config", config, "--window", "100ms", "--fail-on", "warning")
}

// auditTwelve audits the same targets: eight servers with a key or none, and the cluster, are read, and the keys of all add up.
func auditTwelve(t *testing.T, config string) {
	t.Helper()
	r := &report.Report{}
	if err := json.Unmarshal([]byte(run(t, 3, "audit", "@prod-*", "--config", config, "-o", "json")), r); err != nil {
		t.Fatal(err)
	}
	s := r.Section("fleet")
	counts := map[string]float64{}
	for _, m := range s.Metrics {
		counts[m.Name], _ = m.Value.Number()
	}
	if counts["targets"] != 12 || counts["no_access"] != 3 || counts["ok"] != 9 || r.Coverage.Keys != 7 {
		t.Errorf("%v, %d keys; want 12 targets, 3 without access, 9 ok, 7 keys", counts, r.Coverage.Keys)
	}
}
