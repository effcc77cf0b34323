package triage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// Limits of the rules about what has happened while a server was audited: shares are of what others than kvtool have sent.
const (
	queryLeast   = 100  // commands of others, of fewer nothing is said
	queryCalls   = 0.05 // of the calls, for commands that go through the keyspace
	queryTime    = 0.25 // of the time of all commands
	queryMean    = 50e-6
	queryWindow  = 0.01
	grownShare   = 0.01 // of the memory that there is
	fullSoon     = 86400.0
	fullVerySoon = 3600.0
)

// queries are the commands that stand for a query where a store has none, and those of them that go through the keyspace.
var (
	queries        = []string{"scan", "keys", "sort", "sort_ro", "smembers", "hgetall"}
	keyspaceWalker = []string{"scan", "keys"}
)

// spanRules are about the time between the two readings.
func spanRules() []rule { return []rule{queryRule(), fillingRule()} }

func queryRule() rule {
	return rule{
		Rule: report.Rule{
			ID: "SV029", Name: "walked-for-answers", Title: "Programs that walk through keys or values to find something", Severity: report.Error,
			Stores: redisFamily(),
			Doc: `While the server was audited, others sent SCAN or KEYS as one in twenty commands or more, or one of SCAN, KEYS, SORT, SMEMBERS and HGETALL took
a quarter of the time of all commands, and a hundredth of the server's. A key-value store finds what it is asked for by name; who has to walk asks for an index, a set of the
names, or another kind of store. Calls of kvtool itself are left out.`,
			Fix:  "a set or sorted set of the names that are looked for, HMGET for the fields that are needed; many such questions: a database with queries",
			Bad:  []string{"cmdstat_scan grew by 9,000 of 40,000 calls"},
			Good: []string{"cmdstat_scan grew by 12 of 40,000 calls"},
			Limits: []report.Limit{
				{Name: "calls", Value: queryCalls, Unit: report.UnitRatio, Source: ours + ": of SCAN and KEYS among all"},
				{Name: "time", Value: queryTime, Unit: report.UnitRatio, Source: ours + ": of the time of all commands; SORT, SMEMBERS and HGETALL from 50 µs a call"},
				{Name: "commands", Value: queryLeast, Unit: report.UnitCount, Source: ours + ": of fewer nothing is said"},
			},
		},
		needs: []string{"commandstats"},
		judge: walkedForAnswers,
	}
}

func walkedForAnswers(p *pair) []Cause {
	var calls, cpu float64
	for i := range p.used {
		calls, cpu = calls+p.used[i].calls, cpu+p.used[i].cpu
	}
	if calls < queryLeast {
		return nil
	}
	var found []Cause
	for i := range p.used {
		u := &p.used[i]
		if !slices.Contains(queries, u.name) || u.calls == 0 {
			continue
		}
		ofCalls, ofTime := u.calls/calls, u.cpu/max(cpu, 1e-9)
		walks := slices.Contains(keyspaceWalker, u.name)
		if !(walks && ofCalls >= queryCalls) && !(ofTime >= queryTime && u.share(p) >= queryWindow && (walks || u.mean() >= queryMean)) {
			continue
		}
		severity := report.Warning
		if u.name == "keys" {
			severity = report.Error
		}
		name := strings.ToUpper(u.name)
		c := plain(severity, fmt.Sprintf("%s is used as a query: %s of the calls of others and %s of their time", name, humanize.Ratio(ofCalls), humanize.Ratio(ofTime)),
			report.Metric{Name: "share", Value: report.Number(ofCalls), Unit: report.UnitRatio},
			report.Metric{Name: "time_share", Value: report.Number(ofTime), Unit: report.UnitRatio},
			report.Metric{Name: "calls", Value: report.Number(u.calls), Unit: report.UnitCount},
			report.Metric{Name: "mean", Value: report.Number(u.mean()), Unit: report.UnitDuration})
		c[0].Subject = name
		found = append(found, c...)
	}
	return found
}

func fillingRule() rule {
	return rule{
		Rule: report.Rule{
			ID: "SV036", Name: "filling", Title: "Memory that is full within a day, at this rate", Severity: report.Error, Stores: redisFamily(),
			Doc: `While the server was audited, its keys grew by a hundredth of its memory or more, and so fast that it is full within a day. A job that loads
data does that for a while; what goes on for longer ends with evictions, or with writes that fail. Snapshots of several days say more: kvtool
drift growth.`,
			Fix:  "see which templates grow (kvtool drift diff of two snapshots), give what may go a TTL, or add memory",
			Bad:  []string{"used_memory grew by 80 MB of 4 GB in 60 s"},
			Good: []string{"used_memory grew by 1 MB of 4 GB in 60 s"},
			Limits: []report.Limit{
				{Name: "grown", Value: grownShare, Unit: report.UnitRatio, Source: ours + ": of maxmemory, or of the host's memory"},
				{Name: "full_in", Value: fullSoon, Unit: report.UnitDuration, Source: ours + ": within an hour an error, unless the rest may be evicted"},
			},
		},
		needs: []string{"used_memory_dataset|used_memory"},
		judge: filling,
	}
}

func filling(p *pair) []Cause {
	most := p.number("maxmemory")
	if most == 0 {
		most = p.number("total_system_memory")
	}
	field := "used_memory_dataset" // buffers of clients, ours among them, are no part of it
	if _, told := p.now(field); !told {
		field = "used_memory"
	}
	grown, left := p.growth(field), most-p.number("used_memory")
	if most == 0 || grown < grownShare*most || left <= 0 || p.growth("keys") == 0 {
		return nil
	}
	in := left / (grown / p.seconds)
	if in > fullSoon {
		return nil
	}
	severity := report.Warning
	if policy := p.text("maxmemory_policy"); in < fullVerySoon && (policy == "noeviction" || p.number("maxmemory") == 0) {
		severity = report.Error
	}
	return plain(severity, fmt.Sprintf("the data grew by %s in %s: at this rate the memory is full in %s", humanize.Bytes(grown),
		humanize.Duration(p.seconds), humanize.Duration(in)),
		report.Metric{Name: "grown", Value: report.Number(grown), Unit: report.UnitBytes},
		report.Metric{Name: "full_in", Value: report.Number(in), Unit: report.UnitDuration},
		report.Metric{Name: "keys", Value: report.Number(p.growth("keys")), Unit: report.UnitCount})
}

// spanTable is what has happened on each server between the two readings, without what kvtool did.
func spanTable(pairs []*pair) report.Table {
	t := report.Table{Name: spanName, Columns: []report.Column{
		{Name: "server", Unit: report.UnitText},
		{Name: "watched", Unit: report.UnitDuration},
		{Name: "commands", Title: "cmd/s", Unit: report.UnitRate},
		{Name: "keys_grown", Title: "keys +", Unit: report.UnitCount, Sum: true},
		{Name: "memory_grown", Title: "mem +", Unit: report.UnitBytes, Sum: true},
		{Name: "hit_rate", Title: "hit rate", Unit: report.UnitRatio},
		{Name: "evicted", Unit: report.UnitCount, Sum: true},
		{Name: "expired", Unit: report.UnitCount, Sum: true},
	}}
	for _, p := range pairs {
		if p.seconds == 0 {
			continue
		}
		rate := report.Null
		if hits, misses := p.readsOfOthers(); hits+misses > 0 {
			rate = report.Number(hits / (hits + misses))
		}
		t.Rows = append(t.Rows, []report.Value{
			report.Text(p.Place), report.Number(p.seconds), report.Number(p.commands() / p.seconds), p.changed("keys"), p.changed("used_memory"), rate,
			p.counted("evicted_keys"), p.counted("expired_keys"),
		})
	}
	return t
}

// changed is the difference of a number between the readings, which may be below nothing; null where the server does not tell it.
func (p *pair) changed(name string) report.Value {
	was, ok1 := p.Before.Numbers[name]
	is, ok2 := p.After.Numbers[name]
	if name == "keys" && !ok1 && !ok2 && p.After.Commands != nil { // no database holds any
		return report.Number(0)
	}
	if !ok1 && !ok2 || name != "keys" && ok1 != ok2 {
		return report.Null
	}
	return report.Number(is - was)
}

// counted is the growth of a counter, null where the server does not tell it.
func (p *pair) counted(name string) report.Value {
	n, ok := p.grew(name)
	if !ok {
		return report.Null
	}
	return report.Number(n)
}
