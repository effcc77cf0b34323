package triage

import (
	"fmt"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// Limits of the rules about memory.
const (
	evictedRate   = 50.0 // keys a second
	evictedShare  = 0.05 // of the commands
	evictedLeast  = 1000.0
	evictedOfKeys = 0.01
	fragRatio     = 1.5
	fragBytes     = 100 << 20
	headWarning   = 0.85
	headError     = 0.95
	staleWarning  = 0.10
	staleError    = 0.25
	capReached    = 2 // times in the window, and more than once a minute
	expireShare   = 0.05
)

func memoryRules() []rule {
	return []rule{
		{
			Rule: report.Rule{
				ID: "SV007", Name: "evictions", Title: "Keys that are thrown away, or writes that fail, for want of memory", Severity: report.Error,
				Stores: serverFamily(),
				Doc: `The memory is full. With a policy of eviction the server throws keys away, each before the write that needs its room, and their
readers have to make them anew; with noeviction it refuses writes (OOM). For a cache a few evictions are meant, and the hit rate says
whether there are too many. Triage names a storm: 50 keys a second, and one for each 20 commands.`,
				Fix:  "more memory (maxmemory), smaller values, shorter TTLs; keep what must not be lost in an instance of its own",
				Bad:  []string{"evicted_keys grew by 120,000 in 10 s", "-OOM command not allowed when used memory > 'maxmemory'"},
				Good: []string{"evicted_keys grew by 12 in 10 s, of 100,000 commands"},
				Limits: []report.Limit{
					{Name: "rate", Value: evictedRate, Unit: report.UnitRate, Source: ours + ": evicted keys"},
					{Name: "share", Value: evictedShare, Unit: report.UnitRatio, Source: ours + ": of the commands"},
				},
			},
			needs: []string{"evicted_keys"},
			judge: evictions,
			quiet: evictionsAtAll,
		},
		{
			Rule: report.Rule{
				ID: "SV008", Name: "fragmentation", Title: "Memory that is lost between values, or swapped out", Severity: report.Error, Stores: redisFamily(),
				Doc: `The process holds half as much memory again as its data takes, and more than 100 MB of it: the allocator keeps pages that are partly
empty, as after many deletions or changes of size. The other way round, with less resident than used, part of the data is on disk: each
access of it waits for the disk, and everybody waits with it. Buffers are no data: what a client has announced and not yet sent has its
place, and is nowhere.`,
				Fix:  "activedefrag yes; or restart a replica and fail over to it. Where memory is swapped out: more memory, or a smaller maxmemory",
				Bad:  []string{"mem_fragmentation_ratio:2.1, mem_fragmentation_bytes:3000000000", "mem_fragmentation_ratio:0.71"},
				Good: []string{"mem_fragmentation_ratio:1.08"},
				Limits: []report.Limit{
					{Name: "ratio", Value: fragRatio, Unit: report.UnitFactor, Source: ours + ": resident by used"},
					{Name: "bytes", Value: fragBytes, Unit: report.UnitBytes, Source: ours + ": less is no matter; an empty server has a ratio of 13"},
				},
			},
			needs: []string{"used_memory", "used_memory_rss"},
			judge: fragmentation,
		},
		{
			Rule: report.Rule{
				ID: "SV009", Name: "memory-headroom", Title: "Memory that is nearly full, and nothing may be evicted", Severity: report.Error,
				Stores: redisFamily(),
				Doc: `Nearly all of maxmemory is used, and the policy is noeviction: when the rest is used, writes fail. Buffers of clients and replicas
come out of the same memory, so that it is full sooner than its keys say.`,
				Fix:  "raise maxmemory, or give what may go a TTL and a policy that evicts it (volatile-lru)",
				Bad:  []string{"maxmemory 1gb, maxmemory-policy noeviction, used_memory_human:960M"},
				Good: []string{"maxmemory 1gb, maxmemory-policy noeviction, used_memory_human:600M"},
				Limits: []report.Limit{
					{Name: "warning", Value: headWarning, Unit: report.UnitRatio, Source: ours + ": of maxmemory"},
					{Name: "error", Value: headError, Unit: report.UnitRatio, Source: ours + ": of maxmemory"},
				},
			},
			needs: []string{"used_memory", "maxmemory"},
			judge: headroom,
		},
		{
			Rule: report.Rule{
				ID: "SV011", Name: "expired-backlog", Title: "Keys that have expired faster than they are deleted", Severity: report.Error, Stores: redisFamily(),
				Doc: `The server looks for expired keys a few times a second, and stops when it has spent its share of time on that (25 % by default).
Where it is stopped by time again and again, or more than a tenth of the keys that it looks at have expired, keys that are gone for
their readers still take memory, and the search takes a quarter of the thread. Many keys that were written at once with one TTL are
what does that.`,
				Fix:  "spread TTLs (kvtool drift ttl TARGET says which templates expire together); active-expire-effort trades time for memory",
				Bad:  []string{"expired_stale_perc:31.4, expired_time_cap_reached_count grew by 90 in 10 s"},
				Good: []string{"expired_stale_perc:0.40, expired_time_cap_reached_count grew by 0"},
				Limits: []report.Limit{
					{Name: "warning", Value: staleWarning, Unit: report.UnitRatio, Source: ours + ": of the keys that are looked at have expired"},
					{Name: "error", Value: staleError, Unit: report.UnitRatio, Source: ours},
					{Name: "times", Value: capReached, Unit: report.UnitCount, Source: ours + ": that the time was up, and once a minute"},
				},
			},
			needs: []string{"expired_stale_perc", "expired_time_cap_reached_count"},
			judge: expiredBacklog,
		},
	}
}

func evictions(p *pair) []Cause {
	evicted, oom := p.growth("evicted_keys"), p.failures("OOM")
	c := Cause{Severity: report.Error, Subject: server}
	used := []report.Metric{
		{Name: "used", Value: report.Number(p.number("used_memory")), Unit: report.UnitBytes},
		{Name: "maxmemory", Value: report.Number(p.number("maxmemory")), Unit: report.UnitBytes},
	}
	used = append(used, p.overhead()...)
	if policy := p.text("maxmemory_policy"); policy != "" {
		used = append(used, report.Metric{Name: "policy", Value: report.Text(policy), Unit: report.UnitText})
	}
	switch {
	case oom > 0:
		c.Message = fmt.Sprintf("memory is full: %s writes were refused (OOM), %s", humanize.Count(oom), humanize.Rate(oom/p.seconds))
		c.Measure = report.Metric{Name: "refused", Value: report.Number(oom), Unit: report.UnitCount}
		c.Weight = max(0.5, oom/max(p.commands(), 1))
		c.Do = "delete or expire what may go (UNLINK), or raise maxmemory if the host has memory: CONFIG SET maxmemory"
		c.Avoid = "do not set an allkeys policy while keys are there that must not be lost: it deletes them at once"
	case evicted/p.seconds >= evictedRate && evicted >= evictedShare*p.commands():
		share := evicted / max(p.commands(), 1)
		c.Severity = report.Warning
		if share >= 0.25 {
			c.Severity = report.Error
		}
		c.Message = fmt.Sprintf("memory is full: %s keys a second are thrown away, one for each %s commands", humanize.Count(evicted/p.seconds),
			humanize.Count(max(1/max(share, 1e-9), 1)))
		c.Measure = report.Metric{Name: "evicted", Value: report.Number(evicted / p.seconds), Unit: report.UnitRate}
		c.Weight = min(1, share)
		if ms, ok := p.grew("total_eviction_exceeded_time"); ok {
			used = append(used, report.Metric{Name: "over_limit", Value: report.Number(ms / 1e3), Unit: report.UnitDuration})
			c.Weight = max(c.Weight, ms/1e3/p.seconds)
		}
		c.Do = "raise maxmemory if the host has memory, or stop what fills it; look at who writes: kvtool hotkeys TARGET"
		c.Avoid = "do not lower maxmemory, and do not delete by KEYS: both evict or block at once"
	default:
		return nil
	}
	c.Evidence = used
	if rate, ok := p.hitRate(); ok {
		c.Evidence = append(c.Evidence, report.Metric{Name: "hit_rate", Value: report.Number(rate), Unit: report.UnitRatio})
	}
	return []Cause{c}
}

// evictionsAtAll is evictions of a server that nobody calls slow: any are named, and what it has evicted before.
func evictionsAtAll(p *pair) []Cause {
	found := evictions(p)
	if found == nil {
		found = evictedKeys(p)
	}
	policy := p.text("maxmemory_policy")
	if d := p.Design; len(found) > 0 && d != nil && len(d.Kept) > 0 && strings.HasPrefix(policy, "allkeys-") {
		found[0].Severity = report.Error
		found[0].Message += "; it may have evicted " + listed(d.Kept)
	}
	return found
}

// evictedKeys are those of the window, or else of the time before if they were many.
func evictedKeys(p *pair) []Cause {
	evicted, keys := p.growth("evicted_keys"), p.number("keys")
	when := "while it was watched"
	if evicted == 0 {
		when = "since the server was started"
		if evicted = p.number("evicted_keys"); evicted < evictedLeast || evicted <= evictedOfKeys*keys {
			return nil
		}
	}
	return plain(report.Warning, fmt.Sprintf("memory is full: %s keys were thrown away, %s", humanize.Count(evicted), when),
		report.Metric{Name: "evicted", Value: report.Number(evicted), Unit: report.UnitCount},
		report.Metric{Name: "keys", Value: report.Number(keys), Unit: report.UnitCount},
		report.Metric{Name: "policy", Value: report.Text(p.text("maxmemory_policy")), Unit: report.UnitText})
}

// overhead is what of the memory is in no value: tables, buffers, backlog.
func (p *pair) overhead() []report.Metric {
	if p.Details == nil || p.Details.Memory["overhead.total"] == 0 {
		return nil
	}
	return []report.Metric{{Name: "in_no_value", Value: report.Number(p.Details.Memory["overhead.total"]), Unit: report.UnitBytes}}
}

// hitRate is that of the window.
func (p *pair) hitRate() (float64, bool) {
	hits, misses := p.growth("keyspace_hits"), p.growth("keyspace_misses")
	return hits / max(hits+misses, 1), hits+misses > 0
}

func fragmentation(p *pair) []Cause {
	used, resident := p.number("used_memory"), p.number("used_memory_rss")
	if used == 0 || resident == 0 {
		return nil
	}
	ratio := resident / used
	data := used - p.number("mem_clients_normal") - p.number("mem_clients_slaves") - p.number("mem_replication_backlog")
	c := Cause{
		Subject: server, Measure: report.Metric{Name: "ratio", Value: report.Number(ratio), Unit: report.UnitFactor},
		Evidence: []report.Metric{
			{Name: "used", Value: report.Number(used), Unit: report.UnitBytes}, {Name: "resident", Value: report.Number(resident), Unit: report.UnitBytes},
		},
	}
	switch {
	case resident < data && used > fragBytes:
		c.Severity, c.Weight = report.Error, max(0.2, min(1, 4*(1-resident/data)))
		c.Message = fmt.Sprintf("%s of its memory is not resident: part of the data is swapped out", humanize.Bytes(data-resident))
		c.Do = "free memory on the host (vmstat 1: si and so are what it swaps); fail over to a replica that is not swapped out"
		c.Avoid = "do not run SAVE, BGSAVE or an audit now: each reads everything back in"
	case ratio > fragRatio && resident-used > fragBytes:
		c.Severity, c.Weight = report.Warning, min(0.2, (resident-used)/resident/4)
		c.Message = fmt.Sprintf("the process holds %s more than its data takes", humanize.Bytes(resident-used))
		c.Do = "CONFIG SET activedefrag yes, where it was built with jemalloc"
		c.Avoid = "do not take it for a leak: it is not lost, and MEMORY PURGE gives some of it back"
		if x, ok := p.now("allocator_frag_ratio"); ok {
			c.Evidence = append(c.Evidence, report.Metric{Name: "allocator_ratio", Value: report.Number(x), Unit: report.UnitFactor})
		}
	default:
		return nil
	}
	return []Cause{c}
}

func headroom(p *pair) []Cause {
	used, most := p.number("used_memory"), p.number("maxmemory")
	if most == 0 || p.text("maxmemory_policy") != "noeviction" || used <= headWarning*most || p.failures("OOM") > 0 {
		return nil
	}
	share := used / most
	c := Cause{
		Severity: report.Warning, Subject: server, Weight: 0.05, Message: fmt.Sprintf("%s of maxmemory is used, and nothing may be evicted", humanize.Ratio(share)),
		Measure: report.Metric{Name: "used_share", Value: report.Number(share), Unit: report.UnitRatio},
		Evidence: []report.Metric{
			{Name: "used", Value: report.Number(used), Unit: report.UnitBytes}, {Name: "maxmemory", Value: report.Number(most), Unit: report.UnitBytes},
		},
		Avoid: "do not wait for the first OOM: writers rarely expect it",
	}
	c.Evidence = append(c.Evidence, p.overhead()...)
	if share > headError {
		c.Severity = report.Error
	}
	if grows := p.rate("used_memory"); grows > 0 && used < most {
		c.Evidence = append(c.Evidence, report.Metric{Name: "full_in", Value: report.Number((most - used) / grows), Unit: report.UnitDuration})
	}
	return []Cause{c}
}

func expiredBacklog(p *pair) []Cause {
	stale, capped := p.number("expired_stale_perc")/100, p.growth("expired_time_cap_reached_count")
	expired := p.rate("expired_keys")
	busy := capped >= capReached && capped/p.seconds > 1.0/60 && expired >= 1000
	ms, timed := p.grew("expire_cycle_cpu_milliseconds")
	spent := ms / 1e3 / p.seconds
	if timed && spent < expireShare {
		busy = false
	}
	if stale <= staleWarning && !busy {
		return nil
	}
	c := Cause{
		Severity: report.Warning, Subject: server, Weight: max(0.1, min(stale, 0.25)),
		Message: fmt.Sprintf("keys expire faster than they are deleted: %s of those looked at are past their time, %s are deleted a second",
			humanize.Ratio(stale), humanize.Count(expired)),
		Measure: report.Metric{Name: "stale", Value: report.Number(stale), Unit: report.UnitRatio},
		Evidence: []report.Metric{
			{Name: "expired", Value: report.Number(expired), Unit: report.UnitRate},
			{Name: "time_cap_reached", Value: report.Number(capped), Unit: report.UnitCount},
		},
		Do:    "wait if it falls: what has expired is deleted at up to a quarter of the thread; CONFIG SET active-expire-effort 1 leaves more to clients",
		Avoid: "do not scan for the expired keys to get rid of them sooner: each that is met is deleted at once, on top of the rest",
	}
	if stale > staleError {
		c.Severity = report.Error
	}
	if timed {
		c.Weight = max(c.Weight, spent)
		c.Evidence = append(c.Evidence, report.Metric{Name: "time_share", Value: report.Number(spent), Unit: report.UnitRatio})
	}
	return []Cause{c}
}
