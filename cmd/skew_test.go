package cmd_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/report"
)

// unevenCluster is a cluster of three of which the first node has two thirds of the bytes.
func unevenCluster(t *testing.T) *servertest.ServerCluster {
	t.Helper()
	c := servertest.Cluster(t, servertest.ClusterOptions{})
	for node, s := range c.Primaries {
		n, size := 0, 300
		if node == 0 {
			size = 3000
		}
		s.Client(t).Fill(t, 3000, func(int) []string {
			for ; nodeOf(slot.Of(fmt.Sprint("user:", n))) != node; n++ {
				continue
			}
			n++
			return []string{"SET", fmt.Sprint("user:", n-1), strings.Repeat("x", size)}
		})
	}
	return c
}

// nodeOf returns which of three nodes servertest gives a slot.
func nodeOf(n uint16) int {
	at := 2
	for at > 0 && int(n) < at*slot.Count/3 {
		at--
	}
	return at
}

// numbers returns the numbers of a column, by the text of another.
func numbers(t *testing.T, r *report.Report, section, table, by, column string) map[string]float64 {
	t.Helper()
	got := map[string]float64{}
	s := r.Section(section)
	if s == nil {
		t.Fatalf("no section %s", section)
	}
	for _, tab := range s.Tables {
		if tab.Name != table {
			continue
		}
		at := map[string]int{}
		for i, c := range tab.Columns {
			at[c.Name] = i
		}
		for _, row := range tab.Rows {
			name, _ := row[at[by]].Text()
			if n, ok := row[at[column]].Number(); ok {
				got[name] += n
			}
		}
	}
	return got
}

// reportFrom runs a command and reads its JSON.
func reportFrom(t *testing.T, code int, args ...string) *report.Report {
	t.Helper()
	var r report.Report
	out := run(t, code, append(args, "-o", "json", "--progress", "none")...)
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return &r
}

// A cluster of which one node has most of the bytes: KD026, and a plan after which no node is over 1.3 times the mean. A snapshot
// says the same, that of an audit too. Nothing was moved.
func TestSkewOfACluster(t *testing.T) {
	t.Parallel()
	c := unevenCluster(t)
	target := "redis+cluster://" + c.Primaries[0].Addr
	before := c.Primaries[0].Client(t).Must(t, "CLUSTER", "SLOTS")
	file, audited := filepath.Join(t.TempDir(), "skew.kvr"), filepath.Join(t.TempDir(), "audit.kvr")
	run(t, 0, "audit", target, "--save", audited, "--progress", "none", "-q")
	r := reportFrom(t, 0, "skew", target, "--plan", "--save", file)
	if len(r.Findings) != 1 || r.Findings[0].Rule != "KD026" {
		t.Errorf("%+v", r.Findings)
	}
	times := numbers(t, r, "plan", "after", "node", "after_times")
	heavy := numbers(t, r, "plan", "after", "node", "before_times")
	if len(times) != 3 || heavy[c.Primaries[0].Addr] < 1.9 {
		t.Errorf("before %v", heavy)
	}
	for node, x := range times {
		if x > 1.3 {
			t.Errorf("%s has %v times the mean after the moves", node, x)
		}
	}
	from := numbers(t, r, "plan", "moves", "from", "count")
	if len(from) != 1 || from[c.Primaries[0].Addr] < 100 {
		t.Errorf("moved from %v", from)
	}
	bytes := numbers(t, r, "skew", "by_node", "node", "bytes")
	for name, path := range map[string]string{"skew": file, "audit": audited} {
		again := reportFrom(t, 0, "skew", path)
		if got := numbers(t, again, "skew", "by_node", "node", "bytes"); fmt.Sprint(got) != fmt.Sprint(bytes) {
			t.Errorf("saved by %s: %v, want %v", name, got, bytes)
		}
		if len(again.Findings) != 1 {
			t.Errorf("saved by %s: findings %+v", name, again.Findings)
		}
	}
	if after := c.Primaries[0].Client(t).Must(t, "CLUSTER", "SLOTS"); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Error("slots were moved")
	}
}

// Operations from a trace go where the slots are.
func TestSkewOfOperations(t *testing.T) {
	t.Parallel()
	c := unevenCluster(t)
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "%d.0 [0 c] \"get\" \"user:%d\"\n", 1_700_000_000+i/1000, i%10)
	}
	path := filepath.Join(t.TempDir(), "monitor.txt")
	write(t, path, b.String())
	r := reportFrom(t, 0, "skew", "redis+cluster://"+c.Primaries[1].Addr, "--trace", path)
	ops := numbers(t, r, "skew", "by_node", "node", "ops")
	want := map[string]float64{}
	for i := range 10 {
		want[c.Primaries[nodeOf(slot.Of(fmt.Sprint("user:", i)))].Addr] += 500
	}
	if fmt.Sprint(ops) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", ops, want)
	}
}

// Where servers count what their slots take, that is the operations; where they do not, nothing is made up.
func TestSkewBySlotStats(t *testing.T) {
	t.Parallel()
	servertest.Matrix(t, func(t *testing.T, version string) {
		var args []string
		counts := strings.HasPrefix(version, "valkey")
		if counts {
			args = []string{"--cluster-slot-stats-enabled", "yes"}
		}
		c := servertest.Cluster(t, servertest.ClusterOptions{Version: version, Args: args})
		key := 0
		for nodeOf(slot.Of(fmt.Sprint("user:", key))) != 1 {
			key++
		}
		name := fmt.Sprint("user:", key)
		c.Primaries[1].Client(t).Fill(t, 3000, func(int) []string { return []string{"SET", name, strings.Repeat("v", 100)} })
		target := "redis+cluster://" + c.Primaries[0].Addr
		ops := numbers(t, reportFrom(t, 0, "skew", target), "skew", "by_node", "node", "ops")
		if counts != (ops[c.Primaries[1].Addr] > 0) || ops[c.Primaries[0].Addr] > ops[c.Primaries[1].Addr] {
			t.Errorf("%v", ops)
		}
		if !counts {
			run(t, 4, "skew", target, "--ops", "slots", "--progress", "none")
		}
	})
}
