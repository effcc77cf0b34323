package cmd_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/cmd"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/keydesign/lint"
	"github.com/kvtool/kvtool/report"
)

// tableRules are those of drift, hot keys, skew and expiry, and tableCommands who may find what breaks them.
var (
	tableRules = []string{
		"KD013", "KD022", "KD023", "KD024", "KD025", "KD026", "KD027", "KD028", "KD029", "KD030", "KD066", "KD067", "KD068", "KD069", "KD070",
		"KD071", "KD081", "KD082", "KD083", "KD084", "KD089",
	}
	tableCommands = []string{"audit", "check", "hotkeys", "skew", "ttl", "orphans", "diff", "growth"}
	// tableSources are the letters of what a command is given, in their order: a server or a cluster, a dump or those of a cluster, a
	// saved run, a trace, and keys.yaml alone.
	tableSources = []string{"s", "d", "k", "t", "f"}
)

const tableSchema = `kvschema: 1
fields: {uid: {type: int}, sid: {type: word}}
templates:
  user: {key: "user:{uid}", type: hash, kind: record, ttl: {policy: none}}
  order: {key: "order:{uid}:{n:int}", type: string, refs: [{kind: parent, to: user, on: uid}]}
  mail: {key: "mail:{email:word}", type: string, kind: index, refs: [{kind: index, to: user, from: value, target: "user:{value}", backref: email}]}
  session: {key: "session:{sid}", type: string, kind: session, ttl: {policy: fixed, value: 30m}}
  cart: {key: "cart:{sid}", type: string, ttl: {policy: fixed, value: 14d}, refs: [{kind: parent, to: session, on: sid}]}
  last: {key: "last:{uid}", type: string, kind: index, ttl: {policy: none}, refs: [{kind: index, to: session, from: value}]}
  page: {key: "page:{n:int}", type: string, kind: cache, ttl: {policy: fixed, value: 1h}}
  token: {key: "token:{n:int}", type: string, ttl: {policy: sliding, idle: 1h}}
  report: {key: "report:{n:int}", type: string, ttl: {policy: none}}
`

// fillTable plants what breaks the rules that are not of a cluster.
func fillTable(t *testing.T, c *servertest.Client) {
	t.Helper()
	const n = 300
	rng := rand.New(rand.NewPCG(1, 2))
	word := func(i int) string { return fmt.Sprintf("w%c%c%c", 'a'+i/26/26%26, 'a'+i/26%26, 'a'+i%26) }
	c.Fill(t, n, func(i int) []string { return []string{"HSET", fmt.Sprint("user:", i), "email", word(i)} })
	c.Fill(t, n, func(i int) []string { return []string{"SET", fmt.Sprintf("order:%d:1", i+n/2), "1"} }) // half of them without a user
	c.Fill(t, n, func(i int) []string { return []string{"SET", "mail:" + word(i), fmt.Sprint(i + n/2)} })
	c.Fill(t, n, func(i int) []string {
		return []string{"SET", "session:" + word(i), "1", "EX", fmt.Sprint(1 + rng.IntN(1800))}
	})
	c.Fill(t, n, func(i int) []string {
		return []string{"SET", "cart:" + word(i), "1", "EX", fmt.Sprint(1 + rng.IntN(14*86400))}
	})
	c.Fill(t, n, func(i int) []string { return []string{"SET", fmt.Sprint("last:", i), word(i)} })
	c.Fill(t, n, func(i int) []string {
		return []string{"SET", fmt.Sprint("page:", i), "1", "EX", fmt.Sprint(1 + rng.IntN(5*3600))}
	})
	c.Fill(t, 1100, func(i int) []string { return []string{"SET", fmt.Sprint("tmp:", i), "1"} })
	c.Must(t, "SET", "x", strings.Repeat("x", 400))
	big, _ := c.Must(t, "DUMP", "x").(string)
	c.Must(t, "SET", "x", "1")
	small, _ := c.Must(t, "DUMP", "x").(string)
	c.Must(t, "DEL", "x")
	c.Fill(t, n, func(i int) []string {
		idle := rng.IntN(3500)
		return []string{"RESTORE", fmt.Sprint("token:", i), fmt.Sprint(1000 * (3600 - idle)), small, "IDLETIME", fmt.Sprint(idle)}
	})
	c.Fill(t, 2500, func(i int) []string { // of which a sample tells its idle time
		return []string{"RESTORE", fmt.Sprint("report:", i), "0", big, "IDLETIME", fmt.Sprint(40 * 86400)}
	})
}

// fillTableCluster plants what breaks the rules of a cluster, all by one tag and braces that are none.
func fillTableCluster(t *testing.T, cluster *servertest.ServerCluster) {
	t.Helper()
	byNode := map[int][]string{}
	add := func(key string) {
		node := nodeOf(slot.Of(key))
		byNode[node] = append(byNode[node], key)
	}
	for i := range 3500 {
		add(fmt.Sprintf("{app}:u:%d", i))
	}
	for i := range 300 {
		add(fmt.Sprintf("{u%d}:x", i%100))
	}
	add("cart:{}:1")
	for node, keys := range byNode {
		cluster.Primaries[node].Client(t).Fill(t, len(keys), func(i int) []string { return []string{"SET", keys[i], "1"} })
	}
}

// A ruleTable is by whom, from what, each rule was found broken.
type ruleTable struct {
	t    *testing.T
	dir  string
	seen map[[2]string]map[string]bool // rule and command
}

// run runs a command that writes a report, and notes the rules that were broken.
func (x *ruleTable) run(command, source string, args ...string) {
	x.t.Helper()
	path := filepath.Join(x.dir, "r.json")
	args = append(args, "-o", "json="+path, "--exit-zero")
	_ = os.Remove(path)
	out, code := kvtoolIn(x.t, x.dir, "", false, args...)
	data, err := os.ReadFile(path)
	if code != 0 || err != nil {
		x.t.Fatalf("%q: exit %d\n%s", args, code, out)
	}
	var r report.Report
	if err := json.Unmarshal(data, &r); err != nil {
		x.t.Fatal(err)
	}
	for _, f := range r.Findings {
		at := [2]string{f.Rule, command}
		if x.seen[at] == nil {
			x.seen[at] = map[string]bool{}
		}
		x.seen[at][source] = true
	}
}

// read runs what reads a target, from a server or its dump, and what reads the run that the audit has saved.
func (x *ruleTable) read(source, target, schema string) {
	x.t.Helper()
	x.run("audit", source, "audit", target, "--schema", schema, "--save", "k.kvr", "--refs", "--recheck", "1ms")
	x.run("check", source, "keydesign", "check", target, "--schema", schema, "--refs", "--recheck", "1ms")
	x.run("check", "k", "keydesign", "check", "k.kvr", "--schema", schema)
	for from, at := range map[string]string{source: target, "k": "k.kvr"} {
		x.run("ttl", from, "drift", "ttl", at, "--schema", schema)
	}
	x.run("skew", source, "skew", target, "--save", "skew.kvr")
	x.run("skew", "k", "skew", "skew.kvr")
	x.run("orphans", source, "drift", "orphans", target, "--schema", schema, "--recheck", "1ms")
}

// compare runs what compares two states, of which the second has other TTLs, and what reads a history.
func (x *ruleTable) compare(c *servertest.Client, target string) {
	x.t.Helper()
	x.run("audit", "s", "audit", target, "--save", "before.kvr")
	c.Fill(x.t, 300, func(i int) []string { return []string{"EXPIRE", fmt.Sprint("page:", i), fmt.Sprint(90000 + 300*i)} })
	x.run("audit", "s", "audit", target, "--save", "after.kvr")
	for source, at := range map[string]string{"s": target, "d": save(x.t, c), "k": "after.kvr"} {
		x.run("diff", source, "drift", "diff", "before.kvr", at)
	}
	var days []string
	for day := range 3 {
		c.Fill(x.t, 500, func(i int) []string {
			return []string{"SET", fmt.Sprintf("event:%d%03d", day, i), strings.Repeat("x", 2000)}
		})
		file, at := fmt.Sprintf("day%d.kvr", day), time.Now().Add(time.Duration(day+1)*24*time.Hour).UTC()
		x.run("audit", "s", "audit", target, "--save", file, "--now", at.Format(time.RFC3339))
		days = append(days, file)
	}
	x.run("growth", "k", append([]string{"drift", "growth", "--maxmemory", "12MiB"}, days...)...)
}

// trace runs hotkeys on the accesses to a hundred keys, of which one has nearly all.
func (x *ruleTable) trace() {
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "%d.%06d [0 127.0.0.1:1] \"GET\" \"product:%d\"\n", 1_700_000_000+i/2500, i%2500*400, max(0, i%50-49)+i%50/49*(i/50+1))
	}
	write(x.t, filepath.Join(x.dir, "monitor.txt"), b.String())
	x.run("hotkeys", "t", "hotkeys", "--trace", "monitor.txt")
	x.run("skew", "t", "skew", "demo:", "--trace", "monitor.txt")
}

// String is the table as the document has it.
func (x *ruleTable) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| rule | lint | %s |\n|---%s|\n", strings.Join(tableCommands, " | "), strings.Repeat("|---", len(tableCommands)+1))
	for _, rule := range tableRules {
		cells := []string{"–"}
		if slices.ContainsFunc(lint.Rules(), func(r *report.Rule) bool { return r.ID == rule }) {
			cells[0] = "f"
		}
		for _, command := range tableCommands {
			var cell []string
			for _, s := range tableSources {
				if x.seen[[2]string{rule, command}][s] || command == "check" && s == "f" && cells[0] == "f" {
					cell = append(cell, s)
				}
			}
			cells = append(cells, strings.Join(append(cell, "–")[:max(1, len(cell))], " "))
		}
		fmt.Fprintf(&b, "| %s | %s |\n", rule, strings.Join(cells, " | "))
	}
	return b.String()
}

// TestRulesByCommand plants what breaks the rules of drift, in a server and in a cluster, and writes down which command finds that
// in which source. The table is the one of docs/drift.md.
func TestRulesByCommand(t *testing.T) {
	page, err := filepath.Abs("../docs/drift.md")
	if err != nil {
		t.Fatal(err)
	}
	x := &ruleTable{t: t, dir: t.TempDir(), seen: map[[2]string]map[string]bool{}}
	write(t, filepath.Join(x.dir, "keys.yaml"), tableSchema)
	write(t, filepath.Join(x.dir, "cluster.yaml"), "kvschema: 1\nstore: {kind: redis-cluster}\ntemplates:\n  x: {key: \"{u:word}:x\"}\n"+
		"  y: {key: \"y:{u:word}\", refs: [{kind: parent, to: x, on: u}]}\n")
	server := servertest.Redis(t, servertest.Options{Args: []string{"--maxmemory", "200mb", "--maxmemory-policy", "allkeys-lru"}})
	c, target := server.Client(t), "redis://"+server.Addr
	fillTable(t, c)
	x.read("s", target, "keys.yaml")
	x.read("d", save(t, c), "keys.yaml")
	x.compare(c, target)
	x.trace()

	cluster := servertest.Cluster(t, servertest.ClusterOptions{})
	fillTableCluster(t, cluster)
	x.read("s", "redis+cluster://"+cluster.Primaries[0].Addr, "cluster.yaml")
	dumps := t.TempDir()
	for i, p := range cluster.Primaries {
		write(t, filepath.Join(dumps, fmt.Sprintf("node-%d.rdb", i)), read(t, save(t, p.Client(t))))
	}
	x.read("d", dumps, "cluster.yaml")
	cmd.Shown(t, page, "rules", x.String())
}
