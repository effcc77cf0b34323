package triage_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/audit/triage"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

var update = flag.Bool("update", false, "write the table of docs/triage.md")

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// recorded returns what a real server said, before and after ten seconds of ordinary load (testdata/README says which).
func recorded(t *testing.T, name string) (before, after string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".before"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := os.ReadFile(filepath.Join("testdata", name+".after"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b), string(a)
}

// with returns an INFO text with other values: "name:value", or "+name:n" to add n to what it is. A name that is not there is added.
func with(t *testing.T, text string, changes ...string) string {
	t.Helper()
	for _, c := range changes {
		name, value, ok := strings.Cut(strings.TrimPrefix(c, "+"), ":")
		if !ok {
			t.Fatalf("change %q", c)
		}
		line := regexp.MustCompile("(?m)^" + regexp.QuoteMeta(name) + ":[^\r\n]*")
		if c[0] == '+' {
			var is, add float64
			_, _ = fmt.Sscan(strings.TrimPrefix(line.FindString(text), name+":"), &is)
			_, _ = fmt.Sscan(value, &add)
			value = fmt.Sprintf("%.6f", is+add)
		}
		if line.MatchString(text) {
			text = line.ReplaceAllLiteralString(text, name+":"+value)
		} else {
			text += name + ":" + value + "\r\n"
		}
	}
	return text
}

func details() *kv.Details {
	return &kv.Details{Settings: map[string]string{"save": "", "appendfsync": "everysec", "maxclients": "10000"}, Lacks: map[string]string{}}
}

func observation(before, after string) *triage.Observation {
	o := &triage.Observation{
		Place: "127.0.0.1:6379", Began: noon, Before: kv.ParseVitals(before, noon), After: kv.ParseVitals(after, noon.Add(10*time.Second)),
		Details: details(), Own: map[string]int64{"ping": 100, "info": 1},
	}
	o.Before.Product, o.After.Product = "redis", "redis"
	if _, ok := o.After.Numbers["server_time_usec"]; ok { // ten seconds by the server's clock, too
		o.Before.Numbers["server_time_usec"] = float64(noon.UnixMicro())
		o.After.Numbers["server_time_usec"] = o.Before.Numbers["server_time_usec"] + 10e6
	}
	return o
}

var versions = []string{"redis-6.2", "redis-7.0", "redis-7.2", "valkey-9"}

// Servers of each version under ordinary load: no cause, and what cannot be ruled out is what that version does not tell.
func TestRecordedHealthy(t *testing.T) {
	for _, v := range versions {
		d := triage.Judge(observation(recorded(t, v)))
		if len(d.Causes) > 0 || len(d.Unknown) > 0 {
			t.Errorf("%s: %s%v", v, told(d), d.Unknown)
		}
	}
}

// A suffering is what a server says that has a cause: lines of INFO that differ from those of a healthy one, and details.
type suffering struct {
	rule    string
	before  []string
	after   []string
	details func(*kv.Details)
	says    string // in the message
}

// sufferings are at least one of each rule.
func sufferings() map[string]suffering {
	heavy := kv.Client{ID: "7", Addr: "10.0.0.9:4711", Name: "export", Flags: "N", Command: "lrange", Output: 400 << 20}
	waiting := kv.Client{ID: "8", Flags: "b", Command: "wait"}
	return map[string]suffering{
		"script":   {"TR003", nil, []string{"cmdstat_evalsha:calls=9000,usec=9000000,usec_per_call=1000.00,rejected_calls=0,failed_calls=0"}, nil, "scripts took 90%"},
		"KEYS":     {"TR004", nil, []string{"cmdstat_keys:calls=12,usec=3000000,usec_per_call=1.00"}, nil, "KEYS goes through the whole keyspace: 30%"},
		"SCAN":     {"TR004", nil, []string{"cmdstat_scan:calls=400000,usec=3100000,usec_per_call=1.00"}, nil, "used as a query"},
		"FLUSHALL": {"TR004", nil, []string{"cmdstat_flushall:calls=1,usec=800000,usec_per_call=1.00"}, nil, "FLUSHALL"},
		"HGETALL": {"TR005", nil, []string{"cmdstat_hgetall:calls=300,usec=6000000,usec_per_call=1.00"}, func(d *kv.Details) {
			d.Slow = []kv.SlowCall{{At: noon.Add(time.Second), Took: time.Second, Command: "hgetall", Key: "profile:all"}}
		}, "HGETALL is asked of large values: 60%"},
		"SAVE":   {"TR006", nil, []string{"cmdstat_save:calls=1,usec=2100000,usec_per_call=1.00"}, nil, "SAVE takes long: 21%"},
		"thread": {"TR007", nil, []string{"+used_cpu_user_main_thread:8", "+used_cpu_sys_main_thread:1.9"}, nil, "of a processor"},
		"fork":   {"TR008", nil, []string{"+total_forks:1", "latest_fork_usec:840000"}, nil, "a fork stopped the server for 840"},
		"copies": {"TR008", nil, []string{"rdb_bgsave_in_progress:1", "current_cow_size:3000000000", "used_memory:8000000000", "used_memory_rss:9000000000"}, nil, "were copied"},
		"fsync":  {"TR009", []string{"aof_enabled:1", "aof_delayed_fsync:3"}, []string{"aof_enabled:1", "aof_delayed_fsync:7", "aof_pending_bio_fsync:1"}, nil, "4 writes waited"},
		"fsync event": {"TR009", []string{"aof_enabled:1"}, []string{"aof_enabled:1"}, func(d *kv.Details) {
			d.Spikes = []kv.Spike{{Event: "aof-fsync-always", At: noon.Add(time.Second), Last: 700 * time.Millisecond}}
		}, "does not keep up"},
		"storm":     {"SV007", nil, []string{"+evicted_keys:60000", "maxmemory:100000000"}, nil, "keys a second are thrown away"},
		"OOM":       {"SV007", nil, []string{"errorstat_OOM:count=900", "maxmemory:1000000000"}, nil, "900 writes were refused"},
		"fragments": {"SV008", nil, []string{"used_memory:1000000000", "used_memory_rss:2100000000"}, nil, "more than its data takes"},
		"swap":      {"SV008", nil, []string{"used_memory:2000000000", "used_memory_rss:1400000000"}, nil, "swapped out"},
		"headroom":  {"SV009", nil, []string{"maxmemory:100000000", "used_memory:97000000", "used_memory_rss:99000000", "maxmemory_policy:noeviction"}, nil, "97%"},
		"stale":     {"SV011", nil, []string{"expired_stale_perc:31.40", "+expired_time_cap_reached_count:90", "+expired_keys:400000"}, nil, "31%"},
		"unread":    {"TR010", nil, nil, func(d *kv.Details) { d.Clients = []kv.Client{{ID: "1"}, heavy} }, "400 MiB of answers"},
		"churn":     {"TR011", nil, []string{"+total_connections_received:30000", "+total_commands_processed:30000"}, nil, "3.00k new connections a second"},
		"waiting":   {"TR012", nil, nil, func(d *kv.Details) { d.Clients = []kv.Client{waiting, waiting, waiting} }, "3 clients wait for replicas"},
		"blocked":   {"TR012", nil, []string{"connected_clients:500", "blocked_clients:480"}, nil, "480 clients wait"},
		"many":      {"SV015", nil, []string{"connected_clients:9900", "maxclients:10000"}, nil, "9.90k clients of 10.0k"},
		"rejected":  {"SV015", nil, []string{"+rejected_connections:300"}, nil, "300 were turned away"},
		"lag":       {"SV016", nil, []string{"connected_slaves:1", "slave0:ip=10.0.0.2,port=6379,state=online,offset=100,lag=14"}, nil, "confirmed nothing for 14s"},
		"gap":       {"SV016", nil, []string{"connected_slaves:1", "slave0:ip=10.0.0.2,port=6379,state=online,offset=100,lag=0", "master_repl_offset:9000000", "repl_backlog_size:1048576"}, nil, "behind"},
		"link":      {"SV016", nil, []string{"role:slave", "master_link_status:down", "master_link_down_since_seconds:90"}, nil, "lost its primary 1m30s ago"},
		"resync":    {"TR013", nil, []string{"+sync_full:2", "connected_slaves:1", "slave0:ip=10.0.0.2,port=6379,state=wait_bgsave,offset=0,lag=0"}, nil, "2 full synchronisations"},
		"receiving": {"TR013", nil, []string{"role:slave", "master_link_status:down", "master_sync_in_progress:1", "master_sync_left_bytes:9"}, nil, "receiving everything"},
		"network":   {"TR014", nil, []string{"+total_net_output_bytes:3000000000"}, nil, "sends 286 MiB a second"},
		"cluster": {"TR015", nil, []string{"cluster_enabled:1"}, func(d *kv.Details) {
			d.Cluster = map[string]string{"cluster_state": "fail", "cluster_slots_assigned": "16384", "cluster_slots_fail": "5461"}
		}, "5,461 of 16,384"},
		"collapse":    {"TR016", []string{"keyspace_hits:94000", "keyspace_misses:6000"}, []string{"keyspace_hits:104000", "keyspace_misses:30000"}, nil, "29% of the reads find their key, 94% did before"},
		"readonly":    {"TR017", nil, []string{"errorstat_READONLY:count=4000"}, nil, "READONLY"},
		"wrong types": {"TR017", nil, []string{"errorstat_WRONGTYPE:count=40000"}, nil, "WRONGTYPE"},
		"misconf":     {"TR018", nil, []string{"errorstat_MISCONF:count=150", "rdb_last_bgsave_status:err"}, nil, "50 in the window"},
		"disk":        {"TR018", nil, []string{"rdb_last_bgsave_status:err"}, func(d *kv.Details) { d.Settings["save"] = "3600 1" }, "refused (MISCONF)"},
		"loading":     {"TR002", nil, []string{"loading:1", "loading_loaded_perc:43.1", "loading_eta_seconds:9"}, nil, "43% of it is done"},
		"restart":     {"TR019", nil, []string{"run_id:ffffffffffffffffffffffffffffffffffffffff"}, nil, "was restarted"},
	}
}

// judge returns the diagnosis of a recorded server that suffers so.
func (c *suffering) judge(t *testing.T, version string) triage.Diagnosis {
	t.Helper()
	before, after := recorded(t, version)
	o := observation(with(t, before, c.before...), with(t, after, c.after...))
	if c.details != nil {
		c.details(o.Details)
	}
	return triage.Judge(o)
}

// What a server says when it suffers from each cause: that one comes first.
func TestCauses(t *testing.T) {
	for name, c := range sufferings() {
		for _, v := range versions {
			t.Run(name+" "+v, func(t *testing.T) {
				if v == "redis-6.2" && name == "thread" {
					t.Skip("it does not count the thread by itself")
				}
				d := c.judge(t, v)
				if len(d.Causes) == 0 || d.Causes[0].Rule != c.rule || !strings.Contains(d.Causes[0].Message, c.says) {
					t.Fatalf("want %s: %s\n%s%v", c.rule, c.says, told(d), d.Unknown)
				}
				first := d.Causes[0]
				if first.Avoid == "" || first.Measure.Name == "" || first.Weight <= 0 {
					t.Errorf("not all is said: %+v", first)
				}
			})
		}
	}
}

// A server whose clock is hours before or behind ours: what it has noted as slow since the watch began is found, and nothing older.
func TestClocksApart(t *testing.T) {
	before, after := recorded(t, "redis-7.0")
	for _, apart := range []time.Duration{-3 * time.Hour, 3 * time.Hour} {
		o := observation(before, with(t, after, "cmdstat_hgetall:calls=300,usec=6000000,usec_per_call=1.00"))
		server := noon.Add(apart)
		o.Before.Numbers["server_time_usec"], o.After.Numbers["server_time_usec"] = float64(server.UnixMicro()), float64(server.Add(10*time.Second).UnixMicro())
		o.Details.Slow = []kv.SlowCall{
			{At: server.Add(time.Second), Took: time.Second, Command: "hgetall", Key: "profile:all"},
			{At: server.Add(-time.Minute), Took: time.Hour, Command: "hgetall", Key: "of:before"},
		}
		d := triage.Judge(o)
		if len(d.Causes) == 0 || !slices.Equal(d.Causes[0].Samples, []report.Value{report.Text("profile:all")}) {
			t.Errorf("%s apart: %v\n%s", apart, d.Causes, told(d))
		}
	}
}

// tables are those of a service, as they are when something is wrong with them.
func tables() map[string]*triage.Observation {
	of := func(status string, building, throttled float64) *triage.Observation {
		v := func(throttled float64) *kv.Vitals {
			return &kv.Vitals{
				At: noon, Product: "dynamodb", Texts: map[string]string{"table_status": status, "index": "by-mail CREATING"},
				Numbers: map[string]float64{"indexes_building": building, "throttled_requests": throttled},
			}
		}
		o := &triage.Observation{Place: "orders", Began: noon, Before: v(0), After: v(throttled), Details: details()}
		o.After.At = noon.Add(time.Second)
		return o
	}
	return map[string]*triage.Observation{
		"": of("ACTIVE", 0, 0), "TR021 warning": of("ACTIVE", 1, 0), "TR021 error": of("INACCESSIBLE_ENCRYPTION_CREDENTIALS", 0, 0),
		"TR022 error": of("ACTIVE", 0, 40),
	}
}

// What is wrong with a table; where its throttling is not told, that cannot be ruled out.
func TestTables(t *testing.T) {
	for want, o := range tables() {
		got := ""
		for _, c := range triage.Judge(o).Causes {
			got += c.Rule + " " + string(c.Severity)
		}
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	o := tables()[""]
	delete(o.After.Numbers, "throttled_requests")
	o.After.Lacks = map[string]string{"throttled_requests": "CloudWatch knows"}
	if d := triage.Judge(o); !slices.Equal(d.Unknown, []triage.Unknown{{Rule: "throttled", Why: "CloudWatch knows"}}) {
		t.Errorf("%v", d.Unknown)
	}
	o.Details.Settings["point-in-time-recovery"], o.Details.Settings["ttl"] = "off", "off"
	o.Design = &triage.Design{Expires: []string{"session"}}
	if d := triage.Setup(o); len(d.Causes) != 2 || d.Causes[0].Rule != "SV020" || d.Causes[1].Rule != "SV021" {
		t.Errorf("%v", d)
	}
}

// unanswered are what a server has failed with, and what that says.
func unanswered() []struct {
	failed error
	rule   string
	says   string
} {
	silence := &kv.Silence{Err: errors.New("no answer within 1s"), Asked: noon, Waited: time.Second, Connected: time.Millisecond, Reached: true}
	closed := &kv.Silence{Err: errors.New("closed"), Asked: noon, Reached: true, Closed: true}
	return []struct {
		failed error
		rule   string
		says   string
	}{
		{silence, "TR001", "connections are accepted (in 1.00 ms) and nothing is answered since 12:00:00.0 UTC"},
		{closed, "TR001", "at 12:00:00.0 UTC the connection was closed without an answer"},
		{&kv.Silence{Err: errors.New("refused"), Asked: noon}, "TR001", "since 12:00:00.0 UTC no connection can be made: refused"},
		{kv.ReplyError("LOADING Redis is loading the dataset in memory"), "TR002", "is loading its data"},
		{kv.ReplyError("BUSY Redis is busy running a script. You can only call SCRIPT KILL"), "TR020", "a script is running"},
	}
}

// A server that does not answer, or refuses to, has that cause alone, and nothing else is ruled out.
func TestNoReadings(t *testing.T) {
	for _, c := range unanswered() {
		d := triage.Judge(&triage.Observation{Began: noon, Failed: c.failed})
		if len(d.Causes) != 1 || d.Causes[0].Rule != c.rule || !strings.Contains(d.Causes[0].Message, c.says) {
			t.Errorf("%v: %s", c.failed, told(d))
		}
		if len(d.Unknown) < 15 {
			t.Errorf("%v: only %v is not ruled out", c.failed, d.Unknown)
		}
	}
}

// A fact that is withheld is said to be, by each rule that needs it, and no cause is made up.
func TestWithheld(t *testing.T) {
	o := observation(recorded(t, "redis-7.0"))
	o.Details.Lacks["clients"] = "NOPERM User x has no permissions to run the 'client|list' command"
	o.After.Commands, o.After.Lacks["commandstats"] = nil, "INFO all tells no commandstats"
	got := map[string]string{}
	for _, u := range triage.Judge(o).Unknown {
		got[u.Rule] = u.Why
	}
	want := map[string]string{
		"client-buffers": o.Details.Lacks["clients"], "keyspace-command": o.After.Lacks["commandstats"],
		"big-value": o.After.Lacks["commandstats"], "slow-command": o.After.Lacks["commandstats"], "script-hog": o.After.Lacks["commandstats"],
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

// numbersOf lists the names of all numbers that a recording has.
func numbersOf(t *testing.T) []string {
	_, after := recorded(t, "redis-7.0")
	var names []string
	for name := range kv.ParseVitals(after, noon).Numbers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Whatever a server says: causes are in their order, weights are shares, a rule is either judged or named as not ruled out, and the
// same readings give the same causes. Two readings that are the same show no cause that is of what happens in between.
func TestJudgeLaws(t *testing.T) {
	names := numbersOf(t)
	before, after := recorded(t, "redis-7.0")
	moving := []string{"TR003", "TR004", "TR005", "TR006", "TR007", "TR009", "TR011", "TR014", "TR016", "TR017", "SV007"}
	rapid.Check(t, func(rt *rapid.T) {
		o := observation(before, after)
		for range rapid.IntRange(0, 12).Draw(rt, "changes") {
			name := rapid.SampledFrom(names).Draw(rt, "name")
			x := rapid.OneOf(rapid.Float64(), rapid.Float64Range(0, 1e6), rapid.Just(0.0), rapid.Just(1e18)).Draw(rt, "value")
			if rapid.Bool().Draw(rt, "before") {
				o.Before.Numbers[name] = x
			} else {
				o.After.Numbers[name] = x
			}
		}
		for range rapid.IntRange(0, 3).Draw(rt, "missing") {
			delete(o.After.Numbers, rapid.SampledFrom(names).Draw(rt, "gone"))
		}
		d := triage.Judge(o)
		if again := triage.Judge(o); !reflect.DeepEqual(d, again) {
			rt.Fatalf("%v, then %v", d, again)
		}
		unknown := map[string]bool{}
		for _, u := range d.Unknown {
			if u.Why == "" {
				rt.Fatalf("%s is not ruled out, for no reason", u.Rule)
			}
			unknown[u.Rule] = true
		}
		docs := map[string]*report.Rule{}
		for _, r := range triage.Rules() {
			docs[r.ID] = r
		}
		for i, c := range d.Causes {
			doc := docs[c.Rule]
			switch {
			case doc == nil || unknown[doc.Name]:
				rt.Fatalf("%s is a cause, and unknown", c.Rule)
			case !(c.Weight >= 0 && c.Weight <= 1):
				rt.Fatalf("%s has a weight of %v", c.Rule, c.Weight)
			case !doc.Severity.AtLeast(c.Severity) && doc.Severity != c.Severity:
				rt.Fatalf("%s is %s, and its rule %s at most", c.Rule, c.Severity, doc.Severity)
			case c.Message == "" || c.Subject == "" || c.Measure.Name == "":
				rt.Fatalf("%+v", c)
			case i > 0 && c.Severity.AtLeast(d.Causes[i-1].Severity) && c.Severity != d.Causes[i-1].Severity:
				rt.Fatalf("%s comes behind %s", c.Rule, d.Causes[i-1].Rule)
			case i > 0 && c.Severity == d.Causes[i-1].Severity && c.Weight > d.Causes[i-1].Weight:
				rt.Fatalf("%s weighs more than %s before it", c.Rule, d.Causes[i-1].Rule)
			}
		}
		still := *o
		still.After = o.Before
		still.Own = nil
		for _, c := range triage.Judge(&still).Causes {
			if slices.Contains(moving, c.Rule) {
				rt.Fatalf("nothing has happened, and %s: %s", c.Rule, c.Message)
			}
		}
	})
}

// Every rule has what a reader needs, and an id of its own.
func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range triage.Rules() {
		if seen[r.ID] || seen[r.Name] || r.Doc == "" || r.Fix == "" || len(r.Bad) == 0 || len(r.Good) == 0 || r.Title == "" {
			t.Errorf("%s %s", r.ID, r.Name)
		}
		seen[r.ID], seen[r.Name] = true, true
	}
}

// A report has the causes in their order, what is to be done and what not, and what was not ruled out.
func TestReport(t *testing.T) {
	before, after := recorded(t, "redis-7.0")
	o := observation(before, with(t, after, "cmdstat_evalsha:calls=9000,usec=9000000,usec_per_call=1.00", "errorstat_READONLY:count=400"))
	o.Details.Lacks["clients"] = "NOPERM"
	var r report.Report
	triage.Report(&r, []*triage.Observation{o})
	r.Schema = report.Schema
	if err := r.Check(); err != nil {
		t.Fatal(err)
	}
	if len(r.Findings) != 2 || r.Findings[0].Rule != "TR003" || r.Findings[0].Rank != 1 || r.Findings[1].Rank != 2 || r.Findings[0].Avoid == "" {
		t.Errorf("%+v", r.Findings)
	}
	if !slices.Equal(r.Skipped, []report.Skip{{Name: "client-buffers", Why: "NOPERM"}}) || !r.Coverage.Complete || r.Kind != report.KindTriage {
		t.Errorf("%+v %+v", r.Skipped, r.Coverage)
	}
	triage.Report(&r, []*triage.Observation{o, observation(before, after)})
	if !strings.HasPrefix(r.Findings[0].Subject, o.Place) || r.Section("servers") == nil || len(r.Section("servers").Tables[0].Rows) != 2 {
		t.Errorf("of two servers: %+v", r)
	}
}

// docs/triage.md lists each cause with the evidence that it prints.
func TestDocs(t *testing.T) {
	evidence := map[string][]string{}
	note := func(d triage.Diagnosis) {
		for _, c := range d.Causes {
			for _, m := range append([]report.Metric{c.Measure}, c.Evidence...) {
				if !slices.Contains(evidence[c.Rule], m.Name) {
					evidence[c.Rule] = append(evidence[c.Rule], m.Name)
				}
			}
		}
	}
	all := sufferings()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		c := all[name]
		note(c.judge(t, "redis-7.0"))
	}
	for _, o := range tables() {
		note(triage.Judge(o))
	}
	for _, c := range unanswered() {
		note(triage.Judge(&triage.Observation{Began: noon, Failed: c.failed}))
	}
	var b strings.Builder
	b.WriteString("| rule | what it is | stores | evidence |\n|---|---|---|---|\n")
	for _, r := range triage.CauseRules() {
		if len(evidence[r.ID]) == 0 {
			t.Errorf("no test has %s as a cause", r.ID)
		}
		fmt.Fprintf(&b, "| `%s` %s | %s | %s | %s |\n", r.ID, r.Name, r.Title, storesOf(r), strings.Join(evidence[r.ID], ", "))
	}
	writeTable(t, "causes", b.String())
}

func storesOf(r *report.Rule) string {
	if len(r.Stores) == 0 {
		return "all"
	}
	return strings.Replace(strings.Join(r.Stores, ", "), "redis, valkey, keydb, dragonfly", "Redis family", 1)
}

// writeTable holds a table of docs/triage.md against what it should be, or writes it with -update.
func writeTable(t *testing.T, name, table string) {
	t.Helper()
	const path, end = "../../docs/triage.md", "<!-- end -->\n"
	begin := "<!-- " + name + " -->\n"
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok1 := strings.Cut(string(doc), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatal("docs/triage.md has no place for the table")
	}
	want := head + begin + table + end + tail
	switch {
	case want == string(doc):
	case *update:
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("docs/triage.md has another table (go test ./audit/triage -update); they are\n%s", table)
	}
}

// TestEndedEarly reports servers of which somebody stopped looking at any moment: before the first answer, between the readings, before what
// is asked once. It says what there is.
func TestEndedEarly(t *testing.T) {
	for lost := range 8 {
		early := func() *triage.Observation {
			o := observation(recorded(t, "redis-7.0"))
			o.Failed, o.FailedAt = context.Canceled, noon
			if lost&1 != 0 {
				o.After = nil
			}
			if lost&2 != 0 {
				o.Details = nil
			}
			if lost&4 != 0 {
				o.Before = nil
			}
			return o
		}
		for _, all := range [][]*triage.Observation{{early()}, {early(), observation(recorded(t, "redis-7.0"))}} {
			var r report.Report
			triage.Report(&r, all)
			if lost != 0 && r.Coverage.Complete || len(r.Sections) == 0 {
				t.Errorf("lost %03b, of %d servers: complete %v, %d sections", lost, len(all), r.Coverage.Complete, len(r.Sections))
			}
		}
	}
}
