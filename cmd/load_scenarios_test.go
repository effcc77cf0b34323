package cmd

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/faultproxy"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/loadgen/scenario"
)

// A loadDoc is what other programs read of the report of a run.
type loadDoc struct {
	Kind     string
	Target   struct{ Notes []string }
	Sections []struct {
		Name    string
		Metrics []struct {
			Name  string
			Value any
		}
		Tables []struct {
			Name    string
			Columns []struct{ Name string }
			Rows    [][]any
		}
	}
}

// runJSON runs a load and returns its report.
func runJSON(t *testing.T, args ...string) (doc loadDoc, code int) {
	t.Helper()
	stdout, stderr, code := in(t, append([]string{"load", "run", "--progress", "none", "-o", "json"}, args...)...)
	if err := json.Unmarshal([]byte(stdout), &doc); err != nil {
		t.Fatalf("%v: exit %d, %v\n%s%s", args, code, err, stdout, stderr)
	}
	return doc, code
}

// table returns the rows of a table, by what is in their first column.
func (d *loadDoc) table(section, name string) map[string]map[string]any {
	rows := map[string]map[string]any{}
	for _, s := range d.Sections {
		for _, t := range s.Tables {
			if s.Name != section || t.Name != name {
				continue
			}
			for _, r := range t.Rows {
				row := map[string]any{}
				for i, c := range t.Columns {
					row[c.Name] = r[i]
				}
				rows[fmt.Sprint(r[0])] = row
			}
		}
	}
	return rows
}

// metric returns a metric's value as text, "" if there is none.
func (d *loadDoc) metric(section, name string) string {
	for _, s := range d.Sections {
		for _, m := range s.Metrics {
			if s.Name == section && m.Name == name {
				return fmt.Sprint(m.Value)
			}
		}
	}
	return ""
}

// wentWell reports whether a run has ended as one that is to go well does: with 0, or, on a machine that others keep busy, with 4 and the
// verdict that kvtool itself was the limit.
func (d *loadDoc) wentWell(code int) bool {
	return code == exitOK || code == exitIncomplete && d.metric("health", "verdict") == string(recording.GeneratorBound)
}

// commandsOf says how often the operations of a report have sent each command: at least, by their first steps; and in which commands
// other steps, which depend on the replies, have a part.
func commandsOf(s *scenario.Scenario, rows map[string]map[string]any) (first map[string]int, more map[string]bool) {
	first, more = map[string]int{}, map[string]bool{}
	var rest func(steps []scenario.Step)
	rest = func(steps []scenario.Step) {
		for i := range steps {
			if steps[i].Tx {
				more["multi"], more["exec"] = true, true
			}
			for j := range steps[i].Cmds {
				more[strings.ToLower(steps[i].Cmds[j].Name())] = true
			}
			rest(steps[i].OnNil)
		}
	}
	for i := range s.Ops {
		row, ran := rows[s.Ops[i].Name]
		if !ran {
			continue
		}
		n := int(row["count"].(float64))
		step := &s.Ops[i].Steps[0]
		rest(step.OnNil)
		rest(s.Ops[i].Steps[1:])
		switch {
		case step.Atomic != "":
			first["eval"] += n
			continue
		case step.Tx:
			first["multi"], first["exec"] = first["multi"]+n, first["exec"]+n
		}
		for j := range step.Cmds {
			first[strings.ToLower(step.Cmds[j].Name())] += n
		}
	}
	return first, more
}

// callsOf returns how often a server says that each command was called.
func callsOf(t *testing.T, c *servertest.Client) map[string]int {
	t.Helper()
	info, _ := c.Must(t, "INFO", "commandstats").(string)
	n := map[string]int{}
	for line := range strings.Lines(info) {
		name, rest, ok := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		if count, _, _ := strings.Cut(rest, ","); ok {
			n[name], _ = strconv.Atoi(count)
		}
	}
	return n
}

// small has few keys, so that what takes two to happen happens.
func small(s *scenario.Scenario, most int64) []string {
	var args []string
	for i := range s.Schema.Fields {
		if f := &s.Schema.Fields[i]; f.Cardinality > most {
			args = append(args, "--set", fmt.Sprintf("fields.%s.cardinality=%d", f.Name, most))
		}
	}
	return args
}

// TestLoadScenarios: each scenario that comes with kvtool runs on a real server, and what its report says was done is what the server
// says; nothing is left behind.
func TestLoadScenarios(t *testing.T) {
	t.Parallel()
	const requests = 400
	server, replica := servertest.Pair(t, nil, nil)
	c := server.Client(t)
	for _, name := range scenario.Builtins() {
		t.Run(name, func(t *testing.T) {
			data, _ := scenario.Builtin(name)
			s, err := scenario.Parse(name, data, nil)
			if err != nil {
				t.Fatal(err)
			}
			c.Must(t, "CONFIG", "RESETSTAT")
			args := append([]string{
				"redis://" + server.Addr + "?replica=" + replica.Addr, "-s", name, "--concurrency", "4", "--requests", strconv.Itoa(requests),
				"--threshold", "p50 < 10s",
			}, small(s, 200)...)
			doc, code := runJSON(t, args...)
			rows := doc.table("latency", "latency")
			if !doc.wentWell(code) || doc.Kind != "load" || rows["all"]["count"] != float64(requests) || rows["all"]["errors"] != 0.0 {
				t.Errorf("exit %d, %v, %s %v", code, rows["all"], doc.metric("health", "verdict"), doc.table("checks", "violations"))
			}
			said, sum := callsOf(t, c), 0
			first, more := commandsOf(s, rows)
			for _, row := range rows {
				sum += int(row["count"].(float64))
			}
			if sum != 2*requests {
				t.Errorf("the operations add up to %d", sum-requests)
			}
			for name, n := range first {
				ours := slices.Contains([]string{"set", "hset", "pexpire", "get", "hvals", "zrange", "pttl", "lrange", "eval", "zadd"}, name) // of fill and verification
				if got := said[name]; got < n || got > n && !more[name] && !ours {
					t.Errorf("%s: the report has %d, the server %d", name, n, got)
				}
			}
			if n := c.Must(t, "DBSIZE"); n != int64(0) {
				t.Errorf("%d keys are left behind", n)
			}
		})
	}
}

// every returns a rewriting that has by change each nth of a command.
func every(nth int, command string, by func(words []string) []string) func([]string) []string {
	n := 0
	return func(words []string) []string {
		if words[0] != command {
			return words
		}
		if n++; n%nth > 0 {
			return words
		}
		return by(words)
	}
}

// instead sends other words with the key.
func instead(before []string, after ...string) func([]string) []string {
	return func(words []string) []string { return slices.Concat(before, words[1:2], after) }
}

// swapped sends the key of the last call in the place of its own.
func swapped() func([]string) []string {
	last := ""
	return func(words []string) []string {
		other := slices.Clone(words)
		if last != "" {
			other[1] = last
		}
		last = words[1]
		return other
	}
}

func with(i int, word string) func([]string) []string {
	return func(words []string) []string {
		words = slices.Clone(words)
		words[i] = word
		return words
	}
}

// admitting is a limiter that admits everybody.
func admitting(words []string) []string {
	if len(words) == 3 { // somebody asks whether there are scripts
		return words
	}
	return []string{"EVAL", "return 1", "1", words[3]}
}

// TestLoadBrokenServers: whatever a scenario promises, a server that breaks it is caught, with evidence, and the exit code is 1.
func TestLoadBrokenServers(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t, servertest.Options{})
	half := func(words []string) []string { return words[:1+len(words)/4*2] }
	for _, x := range []struct {
		name, scenario, evidence string
		by                       func([]string) []string
		keys                     int64
		args                     string
	}{
		{"the value of another key", "session-cache", "holds the value of another key", every(3, "GETEX", swapped()), 20, ""},
		{"a cached value of another key", "cache-aside", "holds the value of another key", every(2, "GET", swapped()), 5, "--set ops.product_change.weight=0"},
		{"a lost write", "write-through", "after a newer value was acknowledged", every(5, "SET", instead([]string{"EXISTS"})), 10, ""},
		{"a lost entry", "write-behind", "is lost", every(5, "LPUSH", instead([]string{"LLEN"})), 20, ""},
		{"a lost job", "queue", "is lost", every(5, "LPUSH", instead([]string{"LLEN"})), 20, ""},
		{"a job that is delivered twice", "queue", "was delivered twice", every(2, "LMOVE", instead([]string{"LINDEX"}, "-1")), 20, ""},
		{"a lost increment", "counters", "adds up to", every(9, "INCR", instead([]string{"GET"})), 20, ""},
		{"a lost score", "leaderboard", "adds up to", every(9, "ZINCRBY", func(w []string) []string { return []string{"ZSCORE", w[1], w[3]} }), 20, ""},
		{"a lost cart item", "shopping-cart", "were taken or left", every(9, "HINCRBY", func(w []string) []string { return []string{"HGET", w[1], w[2]} }), 20, ""},
		{"a lock for two", "distributed-lock", "is held by", every(2, "SET", func(w []string) []string {
			return slices.DeleteFunc(slices.Clone(w), func(s string) bool { return s == "NX" })
		}), 1, ""},
		{"a lock that is lost", "distributed-lock", "its life is", every(1, "SET", with(5, "1")), 5, ""},
		{"a mix of two versions", "feature-flags", "are of two versions", every(2, "MSET", half), 20, "--set ops.flags_write.weight=50"},
		{"half a view", "materialized-view", "of its 20 parts", every(3, "LRANGE", with(3, "9")), 5, ""},
		{"no TTL", "profile-cache", "has no TTL", every(1, "PEXPIRE", instead([]string{"EXISTS"})), 20, "--no-fill --set ops.profile_ttl.weight=60"},
		{"a TTL beyond its law", "profile-cache", "its law says", every(1, "PEXPIRE", with(2, "9999999")), 20, "--no-fill --set ops.profile_ttl.weight=60"},
		{"a window that is too short", "rate-limit-fixed", "began two windows", every(1, "SET", with(4, "1")), 2, ""},
		{"a counter without a TTL", "rate-limit-fixed", "has no TTL", every(1, "SET", func(w []string) []string { return []string{"SET", w[1], "0", "NX"} }), 20, ""},
		{"a counter that does not count", "rate-limit-fixed", "windows", every(2, "INCR", instead([]string{"GET"})), 2, ""},
		{"a window without end", "rate-limit-sliding", "the limit is 10", every(1, "EVAL", admitting), 2, ""},
		{"a bucket that is always full", "rate-limit-token-bucket", "its bucket", every(1, "EVAL", admitting), 2, ""},
		{"an acknowledged write that is gone", "failover-loss", "is gone", every(9, "SET", instead([]string{"EXISTS"})), 20, "--set ops.order_paid.weight=0"},
	} {
		t.Run(x.name, func(t *testing.T) {
			data, _ := scenario.Builtin(x.scenario)
			s, err := scenario.Parse(x.scenario, data, nil)
			if err != nil {
				t.Fatal(err)
			}
			proxy := faultproxy.Start(t, server.Addr)
			proxy.Set(faultproxy.Fault{Rewrite: x.by})
			args := slices.Concat([]string{"redis://" + proxy.Addr, "-s", x.scenario, "--concurrency", "8", "--requests", "600"}, small(s, x.keys), strings.Fields(x.args))
			doc, code := runJSON(t, args...)
			found := doc.table("checks", "violations")
			if code != exitGate || !slices.ContainsFunc(sortedKeys(found), func(e string) bool { return strings.Contains(e, x.evidence) }) {
				t.Errorf("exit %d, evidence %q, want %q", code, sortedKeys(found), x.evidence)
			}
		})
	}
}
