package triage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// Limits of the rules about commands: shares are of the window, means in seconds a call.
const (
	scriptShare = 0.25
	scriptMean  = 500e-6
	longCall    = 0.010
	longShare   = 0.02
	sweepShare  = 0.05
	scanShare   = 0.20
	wholeShare  = 0.20
	wholeMean   = 100e-6
	wholeLong   = 0.001
	fullThread  = 0.90
	writeCost   = 1e-9 // seconds a byte that it takes to hand an answer to the kernel, which is in no command's time
)

// The commands whose cost grows with what they are asked of, and not with what is asked.
var (
	scripts = []string{"eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro"}
	sweeps  = []string{"keys", "flushall", "flushdb", "randomkey"}
	scans   = []string{"scan", "sscan", "hscan", "zscan"}
	wholes  = []string{
		"smembers", "hgetall", "hkeys", "hvals", "lrange", "zrange", "zrevrange", "zrangebyscore", "zrevrangebyscore", "sort", "sort_ro",
		"sunion", "sinter", "sdiff", "sunionstore", "sinterstore", "sdiffstore", "zunionstore", "zinterstore", "zunion", "zinter", "zdiff",
		"lrem", "linsert", "lindex", "lset", "get", "mget", "getrange", "set", "mset", "append", "setrange", "bitcount", "bitop", "bitpos",
		"xrange", "xrevrange", "pfcount", "pfmerge", "dump", "restore", "del", "hdel", "srem", "zrem", "object|freq", "memory|usage",
		"georadius", "geosearch", "json.get", "ft.search", "ft.aggregate", "sintercard", "zremrangebyscore", "zremrangebyrank", "ltrim",
	}
	// waiting are commands that are no work of the thread while they last, or whose time is that of something else.
	waiting = []string{
		"psync", "sync", "replconf", "monitor", "subscribe", "psubscribe", "ping", "info", "slowlog|get", "client|list", "exec",
		"bgsave", "bgrewriteaof", // a fork, which is TR008
	}
)

func commandRules() []rule {
	return []rule{scriptRule(), keyspaceRule(), bigValueRule(), slowCommandRule(), fullThreadRule()}
}

func scriptRule() rule {
	return rule{
		Rule: report.Rule{
			ID: "TR003", Name: "script-hog", Title: "Scripts that keep the server from everything else", Severity: report.Error, Stores: redisFamily(),
			Doc: `A script (EVAL, EVALSHA, FCALL) runs alone: while it does, nobody else is served. Those that ran in the window took a quarter of the
time or more, each more than half a millisecond. One that takes longer than busy-reply-threshold (5 s) is TR020.`,
			Fix:  "take the loop out of the script: smaller batches, or a SCAN by the client; SCRIPT KILL ends one that has not written yet",
			Bad:  []string{"evalsha calls=4, usec=3600000 in 10 s"},
			Good: []string{"evalsha calls=90000, usec=1800000 in 10 s"},
			Limits: []report.Limit{
				{Name: "share", Value: scriptShare, Unit: report.UnitRatio, Source: ours + ": of the window"},
				{Name: "mean", Value: scriptMean, Unit: report.UnitDuration, Source: ours + ": a call; shorter ones are many, and no loop"},
			},
		},
		needs:  []string{"commandstats"},
		judge:  scriptHog,
		unless: []string{"TR020"},
	}
}

func keyspaceRule() rule {
	return rule{
		Rule: report.Rule{
			ID: "TR004", Name: "keyspace-command", Title: "Commands that go through the whole keyspace", Severity: report.Error, Stores: redisFamily(),
			Doc: `KEYS looks at every key there is, FLUSHALL and FLUSHDB free every one, and nobody else is served meanwhile. SCAN in a loop is the
same work in small pieces: where it is how an application finds its keys, it takes a fifth of the server or more.`,
			Fix:  "find who sends it (CLIENT LIST, its cmd), and keep a set or sorted set of the names that are looked for; for people: SCAN, or UNLINK and FLUSHALL ASYNC",
			Bad:  []string{"keys calls=12, usec=9000000 in 10 s", "scan calls=400000, usec=3100000 in 10 s"},
			Good: []string{"keys calls=1, usec=90 in 10 s"},
			Limits: []report.Limit{
				{Name: "share", Value: sweepShare, Unit: report.UnitRatio, Source: ours + ": of the window"},
				{Name: "scan_share", Value: scanShare, Unit: report.UnitRatio, Source: ours + ": of the window, of SCAN and its like"},
			},
		},
		needs: []string{"commandstats"},
		judge: keyspaceCommands,
	}
}

func bigValueRule() rule {
	return rule{
		Rule: report.Rule{
			ID: "TR005", Name: "big-value", Title: "Commands that read or write large values as a whole", Severity: report.Error, Stores: append(redisFamily(), "memcached"),
			Doc: `HGETALL, SMEMBERS, LRANGE 0 -1, SORT and their like cost as much as the value is large, and so does GET of a large string. Here one
command takes a fifth of the window or more and more than 100 µs a call, or more than a millisecond a call and a hundredth of the
window: the values that it is asked of are large, and while it runs nobody else is served.`,
			Fix:  "read what is needed (HMGET, HSCAN, ranges), and split the value; kvtool audit TARGET --only biggest names the largest ones",
			Bad:  []string{"hgetall calls=200, usec=4100000 in 10 s"},
			Good: []string{"hgetall calls=90000, usec=450000 in 10 s"},
			Limits: []report.Limit{
				{Name: "share", Value: wholeShare, Unit: report.UnitRatio, Source: ours + ": of the window"},
				{Name: "mean", Value: wholeMean, Unit: report.UnitDuration, Source: ours + ": a call"},
				{Name: "long", Value: wholeLong, Unit: report.UnitDuration, Source: ours + ": a call, with a hundredth of the window"},
			},
		},
		needs: []string{"commandstats"},
		judge: bigValues,
	}
}

func slowCommandRule() rule {
	return rule{
		Rule: report.Rule{
			ID: "TR006", Name: "slow-command", Title: "Commands that take long by themselves", Severity: report.Error, Stores: append(redisFamily(), "memcached"),
			Doc: `A call of this command takes ten milliseconds or more on average, and nobody else is served meanwhile. What is usually so slow is an
administrator's: SAVE, DEBUG, a module's search.`,
			Fix:  "find who sends it: CLIENT LIST, its cmd; SLOWLOG GET shows the arguments",
			Bad:  []string{"save calls=1, usec=2100000"},
			Good: []string{"config|get calls=3, usec=90"},
			Limits: []report.Limit{
				{Name: "mean", Value: longCall, Unit: report.UnitDuration, Source: ours + ": a call; that of slowlog-log-slower-than"},
				{Name: "share", Value: longShare, Unit: report.UnitRatio, Source: ours + ": of the window"},
			},
		},
		needs: []string{"commandstats"},
		judge: slowCommands,
	}
}

func fullThreadRule() rule {
	return rule{
		Rule: report.Rule{
			ID: "TR007", Name: "main-thread-full", Title: "A thread that runs commands and has no time left", Severity: report.Warning,
			Stores: append(redisFamily(), "memcached"),
			Doc: `The one thread that runs commands used nine tenths of a processor or more, and no single command is to blame: what comes is more
than it can do, and waits. The finding names the commands that took most of it. Of Memcached it is the mean of its threads.`,
			Fix:    "fewer or larger commands (pipelines, MGET), readers to replicas, or more shards",
			Bad:    []string{"used_cpu_user_main_thread and used_cpu_sys_main_thread grew by 9.8 s in 10 s"},
			Good:   []string{"by 4 s in 10 s"},
			Limits: []report.Limit{{Name: "share", Value: fullThread, Unit: report.UnitRatio, Source: ours + ": of a processor"}},
		},
		needs:  []string{"used_cpu_user_main_thread|used_cpu_user"},
		judge:  fullMainThread,
		unless: []string{"TR003", "TR004", "TR005", "TR006", "TR020"},
	}
}

// isScript reports whether a command runs a script. Subcommands have a | in their names.
func isScript(u *use) bool { return slices.Contains(scripts, u.name) }

func scriptHog(p *pair) []Cause {
	var calls, cpu float64
	for i := range p.used {
		if u := &p.used[i]; isScript(u) {
			calls, cpu = calls+u.calls, cpu+u.cpu
		}
	}
	share := 0.0
	if p.seconds > 0 {
		share = cpu / p.seconds
	}
	mean := cpu / max(calls, 1)
	if calls == 0 || !(share >= scriptShare && mean >= scriptMean) && !(mean >= longCall && share >= longShare) {
		return nil
	}
	c := Cause{Subject: "scripts", Severity: severityOf(share), Weight: share, Avoid: avoidShutdown}
	c.Message = fmt.Sprintf("scripts took %s of the time in %s calls of %s", humanize.Ratio(min(share, 1)), humanize.Count(calls), humanize.Duration(mean))
	c.Measure = report.Metric{Name: "share", Value: report.Number(min(share, 1)), Unit: report.UnitRatio}
	c.Evidence = []report.Metric{
		{Name: "calls", Value: report.Number(calls), Unit: report.UnitCount}, {Name: "mean", Value: report.Number(mean), Unit: report.UnitDuration},
	}
	slow, keys := p.slow(scripts...)
	c.Evidence = append(c.Evidence, slowMetric(len(slow))...)
	c.Samples = keys
	c.Evidence = append(c.Evidence, p.pings()...)
	return []Cause{c}
}

// severityOf says how bad it is that something takes a share of the time.
func severityOf(share float64) report.Severity {
	if share >= 0.25 {
		return report.Error
	}
	return report.Warning
}

func slowMetric(n int) []report.Metric {
	if n == 0 {
		return nil
	}
	return []report.Metric{{Name: "in_slowlog", Value: report.Number(n), Unit: report.UnitCount}}
}

// about makes the cause of one command.
func (p *pair) about(u *use, message, do, avoid string) Cause {
	share := u.share(p)
	slow, keys := p.slow(u.name)
	c := Cause{
		Severity: severityOf(share), Subject: strings.ToUpper(u.name), Weight: share, Do: do, Avoid: avoid, Samples: keys,
		Message: fmt.Sprintf("%s %s: %s of the time in %s calls of %s", strings.ToUpper(u.name), message, humanize.Ratio(min(share, 1)),
			humanize.Count(u.calls), humanize.Duration(u.mean())),
		Measure: report.Metric{Name: "share", Value: report.Number(min(share, 1)), Unit: report.UnitRatio},
		Evidence: []report.Metric{
			{Name: "calls", Value: report.Number(u.calls), Unit: report.UnitCount}, {Name: "mean", Value: report.Number(u.mean()), Unit: report.UnitDuration},
		},
	}
	if u.P99 > 0 {
		c.Evidence = append(c.Evidence, report.Metric{Name: "p99_since_start", Value: report.Seconds(u.P99), Unit: report.UnitDuration})
	}
	c.Evidence = append(c.Evidence, slowMetric(len(slow))...)
	return c
}

func keyspaceCommands(p *pair) []Cause {
	var found []Cause
	var scanned use
	for i := range p.used {
		u := &p.used[i]
		if slices.Contains(scans, u.name) {
			scanned.calls, scanned.cpu = scanned.calls+u.calls, scanned.cpu+u.cpu
		}
		if slices.Contains(sweeps, u.name) && (u.share(p) >= sweepShare || u.mean() >= longCall && u.share(p) >= longShare) {
			c := p.about(u, "goes through the whole keyspace", "", "do not look for the keys with KEYS yourself; do not raise timeouts: clients that give up ask again")
			if keys, ok := p.now("keys"); ok {
				c.Evidence = append(c.Evidence, report.Metric{Name: "keys", Value: report.Number(keys), Unit: report.UnitCount})
			}
			found = append(found, c)
		}
	}
	if scanned.cpu/max(p.seconds, 1e-9) >= scanShare {
		scanned.name = "scan"
		c := p.about(&scanned, "and its like are used as a query", "find who scans: CLIENT LIST, its cmd; keep the names that are looked for in a set",
			"do not raise COUNT: each call then keeps the others waiting for longer")
		found = append(found, c)
	}
	return found
}

func bigValues(p *pair) []Cause {
	var found []Cause
	for i := range p.used {
		u := &p.used[i]
		share, mean := u.share(p), u.mean()
		if !slices.Contains(wholes, u.name) || !(share >= wholeShare && mean >= wholeMean) && !(mean >= wholeLong && share >= 0.01) {
			continue
		}
		c := p.about(u, "is asked of large values", "", "do not delete the value with DEL: UNLINK frees it beside; do not add replicas: each then sends it as well")
		if out := p.rate("total_net_output_bytes"); out > 0 {
			c.Evidence = append(c.Evidence, report.Metric{Name: "sent_a_second", Value: report.Number(out), Unit: report.UnitBytes})
			c.Weight += min(out*writeCost, 0.5)
			c.Severity = severityOf(c.Weight)
		}
		found = append(found, c)
	}
	return found
}

func slowCommands(p *pair) []Cause {
	var found []Cause
	for i := range p.used {
		u := &p.used[i]
		if u.mean() < longCall || u.share(p) < longShare || isScript(u) || slices.Contains(slices.Concat(sweeps, scans, wholes, waiting), u.name) {
			continue
		}
		found = append(found, p.about(u, "takes long", "", "do not send it again to see whether it is slow"))
	}
	return found
}

func fullMainThread(p *pair) []Cause {
	share, alone, ok := p.mainThread()
	if !ok || share < fullThread || p.number("loading") == 1 {
		return nil
	}
	if !alone && (p.number("rdb_bgsave_in_progress") == 1 || p.number("io_threads_active") == 1) {
		return nil // the time of other threads is in it
	}
	c := Cause{
		Severity: report.Warning, Subject: server, Weight: 0.5,
		Message: fmt.Sprintf("the thread that runs commands used %s of a processor, for %s commands a second", humanize.Ratio(min(share, 1)),
			humanize.Count(p.commands()/p.seconds)),
		Measure:  report.Metric{Name: "share", Value: report.Number(min(share, 1)), Unit: report.UnitRatio},
		Evidence: []report.Metric{{Name: "commands", Value: report.Number(p.commands() / p.seconds), Unit: report.UnitRate}},
		Avoid:    "do not run audits, SAVE or large deletions now; io-threads help with large replies only",
	}
	for i := range p.used[:min(3, len(p.used))] {
		u := &p.used[i]
		if u.cpu == 0 {
			continue // it counts calls alone
		}
		c.Evidence = append(c.Evidence, report.Metric{Name: metricName(u.name) + "_share", Value: report.Number(u.share(p)), Unit: report.UnitRatio})
	}
	return []Cause{c}
}

// metricName makes a command's name one of a metric.
func metricName(command string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, command)
}
