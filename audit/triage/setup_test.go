package triage_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/audit/triage"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// A setupCase is a server that is well but for one thing: the rule that is broken, and how bad that is; "" is none.
type setupCase struct {
	want   string
	info   []string
	before []string
	change func(*triage.Observation)
}

func setupCases() map[string]setupCase {
	keysCall := kv.SlowCall{Command: "keys", Took: 400 * time.Millisecond}
	whole := kv.SlowCall{Command: "smembers", Took: 40 * time.Millisecond}
	set := func(name, value string) func(*triage.Observation) {
		return func(o *triage.Observation) { o.Details.Settings[name] = value }
	}
	cache, queue := &triage.Design{Caches: []string{"page"}}, &triage.Design{Kept: []string{"q"}}
	design := func(d *triage.Design, settings ...string) func(*triage.Observation) {
		return func(o *triage.Observation) {
			o.Design = d
			for _, s := range settings {
				name, value, _ := strings.Cut(s, "=")
				o.Details.Settings[name] = value
			}
		}
	}
	user := func(name string, rules ...string) func(*triage.Observation) {
		return func(o *triage.Observation) { o.Details.Users = []kv.User{{Name: name, On: true, Rules: rules}} }
	}
	sentinel := func(quorum, others string) func(*triage.Observation) {
		return func(o *triage.Observation) {
			o.Details.Sentinel = map[string]string{"quorum": quorum, "num-other-sentinels": others}
			o.After.Replicas = []kv.Replica{{Place: "10.0.0.2:6379", State: "online"}}
		}
	}
	me := kv.Node{ID: "a", Place: "10.0.0.1:6379", Myself: true, Slots: 5461}
	nodes := func(all ...kv.Node) func(*triage.Observation) {
		return func(o *triage.Observation) { o.Details.Nodes = append([]kv.Node{me}, all...) }
	}
	share := .8
	const aof = "aof_enabled:1"
	replica := []string{"connected_slaves:1", "slave0:ip=10.0.0.2,port=6379,state=online,offset=400000000,lag=0", "master_repl_offset:400000000"}
	return map[string]setupCase{
		"well":             {},
		"no limit":         {want: "SV001 warning", info: []string{"maxmemory:0"}},
		"no use":           {want: "SV001 error", info: []string{"maxmemory:0", "maxmemory_policy:allkeys-lru"}},
		"in memory":        {want: "SV003 warning", change: func(o *triage.Observation) { o.Details.Settings["save"] = "" }},
		"not saved":        {want: "SV003 error", info: []string{"rdb_last_bgsave_status:err"}},
		"open":             {want: "SV004 error", change: func(o *triage.Observation) { o.Place, o.Details.Default = "10.0.0.5:6379", []string{"on", "nopass"} }},
		"open at home":     {want: "SV004 warning", change: func(o *triage.Observation) { o.Details.Default = []string{"on", "nopass"} }},
		"open by path":     {want: "SV004 warning", change: func(o *triage.Observation) { o.Place, o.Details.Default = "/run/redis.sock", []string{"on", "nopass"} }},
		"lfu":              {want: "SV005 info", change: func(o *triage.Observation) { o.Details.Settings["lfu-decay-time"] = "0" }},
		"lfu in use":       {want: "SV005 warning", info: []string{"maxmemory_policy:allkeys-lfu"}, change: func(o *triage.Observation) { o.Details.Settings["lfu-decay-time"] = "5" }},
		"misses":           {want: "SV006 info", before: []string{"keyspace_hits:600000", "keyspace_misses:500000"}, info: []string{"keyspace_hits:600010", "keyspace_misses:500000"}},
		"fork":             {want: "SV010 info", info: []string{"latest_fork_usec:700000"}},
		"public":           {want: "SV012 error", change: func(o *triage.Observation) { o.Details.Settings["protected-mode"] = "no" }},
		"KEYS":             {want: "SV014 error", change: func(o *triage.Observation) { o.Details.Slow = []kv.SlowCall{keysCall} }},
		"SMEMBERS":         {want: "SV014 warning", change: func(o *triage.Observation) { o.Details.Slow = []kv.SlowCall{whole, whole, whole} }},
		"SMEMBERS once":    {change: func(o *triage.Observation) { o.Details.Slow = []kv.SlowCall{whole} }},
		"no slow log":      {want: "SV014 info", change: func(o *triage.Observation) { o.Details.Settings["slowlog-log-slower-than"] = "-1" }},
		"freed at once":    {want: "SV017 warning", change: func(o *triage.Observation) { o.Largest, o.Details.Settings["lazyfree-lazy-expire"] = 80<<20, "no" }},
		"small":            {change: func(o *triage.Observation) { o.Details.Settings["lazyfree-lazy-expire"] = "no" }},
		"packed":           {want: "SV018 warning", change: func(o *triage.Observation) { o.Details.Settings["hash-max-listpack-entries"] = "10000" }},
		"databases":        {want: "SV019 info", info: []string{"db3:keys=7,expires=0,avg_ttl=0"}},
		"no limit, caches": {want: "SV001 error", info: []string{"maxmemory:0"}, change: design(cache)},
		"not as declared":  {want: "SV002 error", change: design(&triage.Design{Policy: "volatile-lru"})},
		"as declared":      {change: design(&triage.Design{Policy: "noeviction"})},
		"cache is kept":    {want: "SV002 error", change: design(cache)},
		"queue may go":     {want: "SV002 error", info: []string{"maxmemory_policy:allkeys-lru"}, change: design(queue)},
		"queue is kept":    {info: []string{"maxmemory_policy:volatile-lru"}, change: design(queue)},
		"durable, memory":  {want: "SV003 error", change: design(&triage.Design{Durable: true}, "save=")},
		"misses now": {
			want: "SV006 info", before: []string{"keyspace_hits:1000", "keyspace_misses:1000"}, info: []string{"keyspace_hits:7000", "keyspace_misses:10000"},
		},
		"hits of ours": {
			want: "SV006 info", before: []string{"keyspace_hits:1000", "keyspace_misses:1000"}, info: []string{"keyspace_hits:46000", "keyspace_misses:10000"},
			change: func(o *triage.Observation) { o.OwnHits = 40_000 },
		},
		"evicted now":    {want: "SV007 warning", info: []string{"+evicted_keys:30"}},
		"evicted before": {want: "SV007 warning", before: []string{"evicted_keys:50000"}, info: []string{"evicted_keys:50000"}},
		"queue evicted":  {want: "SV002 error, SV007 error", info: []string{"+evicted_keys:30", "maxmemory_policy:allkeys-lru"}, change: design(queue)},
		"default may":    {want: "SV013 warning", change: user("default", "+@all")},
		"app may read":   {want: "SV013 warning", change: user("app", "-@all", "+@read")},
		"app may not":    {change: user("app", "+@all", "-@dangerous")},
		"admin may":      {change: user("backup-admin", "+@all")},
		"off":            {change: func(o *triage.Observation) { o.Details.Users = []kv.User{{Name: "default", Rules: []string{"+@all"}}} }},
		"renamed": {change: func(o *triage.Observation) {
			user("default", "+@all")(o)
			o.Details.Harmful = nil
		}},
		"scanned": {want: "SV029 warning", info: []string{"cmdstat_scan:calls=40000,usec=400000,usec_per_call=10.00"}},
		"scanned by us": {
			info: []string{"cmdstat_scan:calls=40000,usec=400000,usec_per_call=10.00"}, change: func(o *triage.Observation) { o.Own["scan"] = 39_990 },
		},
		"KEYS as query":  {want: "SV029 error", info: []string{"cmdstat_keys:calls=30000,usec=900000,usec_per_call=30.00"}},
		"alone":          {want: "SV030 warning", change: nodes(kv.Node{ID: "b", Place: "10.0.0.2:6379", Slots: 10}, kv.Node{ID: "c", Place: "10.0.0.3:6379", Primary: "a", Failed: true})},
		"alone, durable": {want: "SV030 error", change: func(o *triage.Observation) { nodes()(o); o.Design = &triage.Design{Durable: true} }},
		"copied":         {change: nodes(kv.Node{ID: "b", Place: "10.0.0.2:6379", Primary: "a"})},
		"no slots":       {change: func(o *triage.Observation) { nodes()(o); o.Details.Nodes[0].Slots = 0 }},
		"one host":       {want: "SV031 warning", change: nodes(kv.Node{ID: "b", Place: "10.0.0.1:6380", Primary: "a"})},
		"one of two":     {want: "SV031 info", change: nodes(kv.Node{ID: "b", Place: "10.0.0.1:6380", Primary: "a"}, kv.Node{ID: "c", Place: "10.0.0.3:6379", Primary: "a"})},
		"no fsync":       {want: "SV032 warning", info: []string{aof}, change: set("appendfsync", "no")},
		"alone writes": {want: "SV032 warning", info: []string{aof}, change: func(o *triage.Observation) {
			o.Details.Settings["min-replicas-to-write"] = "0"
			o.After.Replicas = []kv.Replica{{Place: "10.0.0.2:6379", State: "online"}}
		}},
		"durable, no fsync": {want: "SV032 error", info: []string{aof}, change: design(&triage.Design{Durable: true}, "appendfsync=no")},
		"cache, no fsync":   {info: []string{aof, "maxmemory_policy:allkeys-lru"}, change: design(cache, "appendfsync=no")},
		"backlog":           {want: "SV016 warning", info: append(replica, "repl_backlog_size:1048576")},
		"long backlog":      {info: append(replica, "repl_backlog_size:268435456")},
		"quorum of one":     {want: "SV033 warning", change: sentinel("1", "2")},
		"quorum of two":     {change: sentinel("2", "2")},
		"two sentinels":     {want: "SV033 error", change: sentinel("2", "1")},
		"quorum too high":   {want: "SV033 error", change: sentinel("4", "2")},
		"no successor": {want: "SV030 warning", change: func(o *triage.Observation) {
			sentinel("2", "2")(o)
			o.After.Replicas = nil
		}},
		"rewrite failed":   {want: "SV034 error", info: []string{aof, "aof_last_bgrewrite_status:err"}},
		"rewrite off":      {want: "SV034 warning", info: []string{aof}, change: set("auto-aof-rewrite-percentage", "0")},
		"nothing to evict": {want: "SV035 warning", info: []string{"maxmemory_policy:volatile-lru"}, change: func(o *triage.Observation) { o.Lasting = &share }},
		"filling":          {want: "SV036 error", info: []string{"used_memory_dataset:20000000", "db0:keys=900000,expires=0,avg_ttl=0"}},
		"filling, evicts":  {want: "SV036 warning", info: []string{"maxmemory_policy:allkeys-lru", "used_memory_dataset:20000000", "db0:keys=900000,expires=0,avg_ttl=0"}},
		"no cluster": {want: "TR015 error", change: func(o *triage.Observation) {
			o.Details.Cluster = map[string]string{"cluster_state": "fail", "cluster_slots_assigned": "10923"}
		}},
	}
}

// observe returns the observation of the recorded server with what is wrong with it.
func (c *setupCase) observe(t *testing.T) *triage.Observation {
	t.Helper()
	before, after := recorded(t, "redis-7.0")
	healthy := []string{"maxmemory:100000000", "used_memory:5000000", "used_memory_rss:9000000"}
	o := observation(with(t, before, c.before...), with(t, after, append(healthy, c.info...)...))
	lasting := .1
	o.Largest, o.Lasting, o.Design = 100, &lasting, &triage.Design{}
	if strings.Contains(c.want, "SV032 warning") {
		o.Design = nil // what writes an append-only file means it
	}
	maps.Copy(o.Details.Settings, map[string]string{
		"save": "3600 1", "protected-mode": "yes", "bind": "* -::*", "lfu-log-factor": "10", "lfu-decay-time": "1", "slowlog-log-slower-than": "10000",
		"auto-aof-rewrite-percentage": "100",
	})
	o.Details.Harmful = []string{"keys", "flushall", "config"}
	if c.change != nil {
		c.change(o)
	}
	return o
}

// What is wrong with how a server is set up, and that nothing is with the recorded ones but what is.
func TestSetup(t *testing.T) {
	for name, c := range setupCases() {
		t.Run(name, func(t *testing.T) {
			o := c.observe(t)
			d := triage.Setup(o)
			var got []string
			for _, x := range d.Causes {
				got = append(got, x.Rule+" "+string(x.Severity))
			}
			slices.Sort(got)
			if strings.Join(got, ", ") != c.want || len(d.Unknown) > 0 && o.Design != nil {
				t.Errorf("%v, want %s; %v", got, c.want, d.Unknown)
			}
		})
	}
}

// docs/triage.md lists each rule of a quiet day with the evidence that it prints.
func TestSetupDocs(t *testing.T) {
	evidence := map[string][]string{}
	note := func(o *triage.Observation) {
		for _, c := range triage.Setup(o).Causes {
			for _, m := range append([]report.Metric{c.Measure}, c.Evidence...) {
				if !slices.Contains(evidence[c.Rule], m.Name) {
					evidence[c.Rule] = append(evidence[c.Rule], m.Name)
				}
			}
		}
	}
	all := setupCases()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		c := all[name]
		note(c.observe(t))
	}
	o := tables()[""]
	o.Design = &triage.Design{Expires: []string{"session"}}
	o.Details.Settings["point-in-time-recovery"], o.Details.Settings["ttl"] = "off", "off"
	note(o)
	var b strings.Builder
	b.WriteString("| rule | what it is | stores | evidence |\n|---|---|---|---|\n")
	causes := map[string]bool{}
	for _, r := range triage.CauseRules() {
		causes[r.ID] = true
	}
	for _, r := range triage.Rules() {
		if causes[r.ID] {
			continue
		}
		if len(evidence[r.ID]) == 0 {
			t.Errorf("no test breaks %s", r.ID)
		}
		fmt.Fprintf(&b, "| `%s` %s | %s | %s | %s |\n", r.ID, r.Name, r.Title, storesOf(r), strings.Join(evidence[r.ID], ", "))
	}
	writeTable(t, "setup", b.String())
}
