package cmd_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/internal/keygen"
	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/report"
)

// clusterEntry is how many bytes more a key takes on a node of a cluster, in Redis 7.0: two pointers to the next and the
// previous key of its slot.
const clusterEntry = 16

// TestClusterAgrees audits the same keys on a cluster and on a single server: the reports agree, while all is well and after
// a primary has failed; and when a shard is dead the report is of the others.
func TestClusterAgrees(t *testing.T) {
	t.Parallel()
	const keys = 6000
	args := []string{"--hash-max-listpack-entries", "128"}
	space := keygen.New(keys)
	single := servertest.Redis(t, servertest.Options{Args: args})
	load(t, single, space)
	want := audit(t, "redis://"+single.Addr, adapters.Open).templates(t)
	for name, r := range want {
		n, _ := r.Keys.(float64)
		r.Bytes += clusterEntry * n
		want[name] = r
	}

	c := servertest.Cluster(t, servertest.ClusterOptions{Args: args})
	spread(t, c, space)
	c.WaitReplicas(t)
	target := "redis+cluster://" + c.Primaries[0].Addr + "," + c.Primaries[2].Addr
	for _, params := range []string{"", "?replica=prefer", "?replica=only"} {
		d := audit(t, target+params, adapters.Open)
		if d.Coverage.Keys != space.Keys() || !d.Coverage.Complete {
			t.Errorf("%s: %d keys of %d, complete: %v", d.Target.URL, d.Coverage.Keys, space.Keys(), d.Coverage.Complete)
		}
		agree(t, want, d)
	}
	facts := run(t, 0, "doctor", target, "-o", "json")
	if !strings.Contains(facts, `"moving slots"`) || !strings.Contains(facts, `"slot"`) {
		t.Errorf("doctor: %s", facts)
	}

	t.Run("nodes one by one", func(t *testing.T) { mergedNodes(t, c, target) })
	t.Run("primary dies", func(t *testing.T) {
		c.Primaries[1].Stop()
		d := audit(t, target+"?timeout=20s", adapters.Open) // the failover has not even begun
		if d.Coverage.Keys != space.Keys() || !d.Coverage.Complete {
			t.Errorf("%d keys of %d, complete: %v", d.Coverage.Keys, space.Keys(), d.Coverage.Complete)
		}
		agree(t, want, d)
	})
	t.Run("shard is dead", func(t *testing.T) {
		for _, s := range []*servertest.Server{c.Primaries[0], c.Primaries[2]} {
			s.Client(t).Must(t, "CONFIG", "SET", "cluster-require-full-coverage", "no")
		}
		c.Replicas[1].Stop()
		out := run(t, 4, "audit", target+"?timeout=1s", "-o", "json", "--progress", "none")
		var d document
		if err := json.Unmarshal([]byte(out), &d); err != nil {
			t.Fatal(err)
		}
		why := fmt.Sprint(d.Coverage.Why)
		if d.Coverage.Complete || d.Coverage.Keys < space.Keys()/2 || !strings.Contains(why, c.Replicas[1].Addr) {
			t.Errorf("%d keys, complete: %v, %s", d.Coverage.Keys, d.Coverage.Complete, why)
		}
	})
}

// mergedNodes audits each node by itself, and holds what the merged files say against the audit of all nodes at once. Sizes
// of tables and times left are left out: the server's answers move.
func mergedNodes(t *testing.T, c *servertest.ServerCluster, target string) {
	dir := t.TempDir()
	merge := []string{"report", "merge", "-o", "json"}
	for i, s := range c.Primaries {
		file := filepath.Join(dir, fmt.Sprint(i, ".kvr"))
		run(t, 0, "audit", "redis://"+s.Addr, "--now", frozen, "--save", file, "-q", "--progress", "none")
		merge = append(merge, file)
	}
	want := counts(t, run(t, 0, "audit", target, "--now", frozen, "-o", "json", "--progress", "none"))
	if len(want["nodes"]) != 3 || len(want["slots.top_slots"]) == 0 || len(want["templates"]) == 0 {
		t.Errorf("the report of the cluster has %d nodes, %d slots, %d templates", len(want["nodes"]), len(want["slots.top_slots"]), len(want["templates"]))
	}
	if d := cmp.Diff(want, counts(t, run(t, 0, merge...))); d != "" {
		t.Errorf("(-cluster +merged):\n%s", d)
	}
}

// counts returns how many keys each row of each table of a report has, by the row's name.
func counts(t *testing.T, doc string) map[string]map[string]float64 {
	t.Helper()
	var r report.Report
	if err := json.Unmarshal([]byte(doc), &r); err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]float64{}
	for _, s := range r.Sections {
		for _, table := range s.Tables {
			keys := slices.IndexFunc(table.Columns, func(c report.Column) bool { return c.Name == "keys" })
			if keys < 0 || s.Name == "ttl" || s.Name == "idle" {
				continue
			}
			name := s.Name
			if table.Name != s.Name {
				name += "." + table.Name
			}
			rows := map[string]float64{}
			for _, row := range table.Rows {
				n, _ := row[keys].Number()
				rows[fmt.Sprint(row[0])] += n
			}
			all[name] = rows
		}
	}
	return all
}

// agree compares templates, keys and bytes. The size of a hash table is an estimate of the server's, from five elements that it
// picks at random.
func agree(t *testing.T, want map[string]template, d document) {
	t.Helper()
	got := d.templates(t)
	if diff := cmp.Diff(facts(want), facts(got)); diff != "" {
		t.Errorf("%s: (-single +cluster):\n%s", d.Target.URL, diff)
	}
	for name, w := range want {
		tolerance := 0.0
		if strings.HasSuffix(name, " hash") || strings.HasSuffix(name, " set") || strings.HasSuffix(name, " zset") {
			tolerance = 0.04
		}
		if strings.HasPrefix(name, "big:") { // of three keys
			tolerance *= 3
		}
		if off := got[name].Bytes/w.Bytes - 1; math.Abs(off) > tolerance {
			t.Errorf("%s: %s: %.0f bytes, want %.0f: off by %.2f %%", d.Target.URL, name, got[name].Bytes, w.Bytes, 100*off)
		}
	}
}

// run runs kvtool, which must end with the exit code, and returns what it prints.
func run(t *testing.T, code int, args ...string) string {
	t.Helper()
	got, out, errs := invoke(args...)
	if got != code {
		t.Fatalf("kvtool %q: exit code %d, want %d: %s", args, got, code, errs)
	}
	return out
}

// spread writes a keyspace to the nodes that serve its keys.
func spread(t *testing.T, c *servertest.ServerCluster, k *keygen.Keyspace) {
	t.Helper()
	var text bytes.Buffer
	if _, err := k.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	var parts [3][][]string
	for in := resp.NewReader(&text, 64<<10); ; {
		head, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		words := make([]string, head.N)
		for i := range words {
			word, err := in.Next()
			if err != nil {
				t.Fatal(err)
			}
			words[i] = string(word.Data)
		}
		at := nodeOf(slot.Of(words[1]))
		parts[at] = append(parts[at], words)
	}
	for i, commands := range parts {
		c.Primaries[i].Client(t).Fill(t, len(commands), func(n int) []string { return commands[n] })
	}
}
