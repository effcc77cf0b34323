package triage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// lastingMost is the share of the memory that keys without a TTL may take where only those with one are evicted.
const lastingMost = 0.5

// designRules are about whether a server is set up for what its keys are for.
func designRules() []rule {
	return []rule{evictionRule(), lastingRule(), unsafeWritesRule(), tableTTLRule()}
}

func evictionRule() rule {
	return rule{
		Rule: report.Rule{
			ID: "SV002", Name: "eviction-against-schema", Title: "A policy of eviction that the schema does not mean", Severity: report.Error, Stores: redisFamily(),
			Doc: `The server evicts by another policy than the schema declares (store.policy), or by one that does not go with what its templates are for:
with noeviction writes fail although caches could go, with allkeys-* records, queues and locks are thrown away. KD068 says the same of
what was read of the keys.`,
			Fix:  "CONFIG SET maxmemory-policy, and the configuration file; what may be lost and what may not belong into two instances",
			Bad:  []string{"store: {policy: volatile-lru}, and maxmemory_policy:allkeys-lru", "maxmemory_policy:allkeys-lru, and a template of kind queue"},
			Good: []string{"store: {policy: volatile-lru}, and maxmemory_policy:volatile-lru"},
		},
		needs: []string{"design", "maxmemory"},
		judge: evictionAgainstSchema,
	}
}

func evictionAgainstSchema(p *pair) []Cause {
	policy, d := p.text("maxmemory_policy"), p.Design
	limited := p.number("maxmemory") > 0
	message := ""
	switch {
	case policy == "":
		return nil
	case d.Policy != "" && d.Policy != policy:
		message = fmt.Sprintf("the server evicts by %s, and the schema says %s", policy, d.Policy)
	case !limited: // nothing is evicted, and no write fails for it
		return nil
	case policy == "noeviction" && len(d.Caches) > 0:
		message = "noeviction: when the memory is full, writes fail, although these could go: " + listed(d.Caches)
	case strings.HasPrefix(policy, "allkeys-") && len(d.Kept) > 0:
		message = policy + " may evict what must not be lost: " + listed(d.Kept)
	default:
		return nil
	}
	return plain(report.Error, message, report.Metric{Name: "policy", Value: report.Text(policy), Unit: report.UnitText},
		report.Metric{Name: "maxmemory", Value: report.Number(p.number("maxmemory")), Unit: report.UnitBytes})
}

// listed writes names, or as many as fit into a line.
func listed(names []string) string {
	const most = 4
	if more := len(names) - most; more > 0 {
		names = append(slices.Clone(names[:most]), fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

func lastingRule() rule {
	return rule{
		Rule: report.Rule{
			ID: "SV035", Name: "nothing-to-evict", Title: "Eviction of keys with a TTL, where most have none", Severity: report.Warning, Stores: redisFamily(),
			Doc: `The policy evicts only keys that have a TTL, and those without take more than half of the memory. When it is full, the few that may go
are gone at once, and then writes fail as they would with noeviction.`,
			Fix:    "a TTL for what may go, or an instance of its own for what has none",
			Bad:    []string{"maxmemory_policy:volatile-lru, and 80% of the bytes in keys without a TTL"},
			Good:   []string{"maxmemory_policy:volatile-lru, and 10% of the bytes in keys without a TTL"},
			Limits: []report.Limit{{Name: "lasting", Value: lastingMost, Unit: report.UnitRatio, Source: ours + ": of the keys' bytes"}},
		},
		needs: []string{"maxmemory", "lasting"},
		judge: nothingToEvict,
	}
}

func nothingToEvict(p *pair) []Cause {
	policy := p.text("maxmemory_policy")
	if !strings.HasPrefix(policy, "volatile-") || p.number("maxmemory") == 0 || *p.Lasting <= lastingMost {
		return nil
	}
	return plain(report.Warning, fmt.Sprintf("%s may evict only keys with a TTL, and those without take %s of the memory", policy, humanize.Ratio(*p.Lasting)),
		report.Metric{Name: "lasting", Value: report.Number(*p.Lasting), Unit: report.UnitRatio},
		report.Metric{Name: "maxmemory", Value: report.Number(p.number("maxmemory")), Unit: report.UnitBytes})
}

func unsafeWritesRule() rule {
	return rule{
		Rule: report.Rule{
			ID: "SV032", Name: "unsafe-writes", Title: "Writes that are confirmed and may be lost", Severity: report.Error, Stores: redisFamily(),
			Doc: `What the server holds must not be lost: the schema says so, or it writes an append-only file. But it confirms writes that are nowhere else
yet. With appendfsync no the kernel decides when the file reaches the disk, which is up to half a minute later. With
min-replicas-to-write 0 a primary that is cut off from its replicas goes on taking writes, and all of them are thrown away when it
comes back after a failover.`,
			Fix:  "appendfsync everysec; min-replicas-to-write 1 and min-replicas-max-lag 10 where there are replicas",
			Bad:  []string{"appendonly yes, appendfsync no", "store: {durable: true}, two replicas, min-replicas-to-write 0"},
			Good: []string{"appendonly yes, appendfsync everysec, min-replicas-to-write 1"},
		},
		needs: []string{"settings", "aof_enabled"},
		judge: unsafeWrites,
	}
}

func unsafeWrites(p *pair) []Cause {
	aof := p.number("aof_enabled") == 1
	if !p.Design.durable() && !(p.Design == nil && aof) {
		return nil
	}
	severity := report.Warning
	if p.Design.durable() {
		severity = report.Error
	}
	var found []Cause
	if aof && p.setting("appendfsync") == "no" {
		c := plain(severity, "appendfsync no: what was confirmed reaches the disk up to half a minute later",
			report.Metric{Name: "pending", Value: report.Number(p.number("aof_pending_bio_fsync")), Unit: report.UnitCount})
		c[0].Subject = "appendfsync"
		found = append(found, c...)
	}
	least, told := p.settingNumber("min-replicas-to-write")
	if !told {
		least, told = p.settingNumber("min-slaves-to-write")
	}
	if replicas := len(p.replicas()); told && least == 0 && replicas > 0 {
		c := plain(report.Warning, "min-replicas-to-write 0: a primary that is cut off from its replicas takes writes that a failover throws away",
			report.Metric{Name: "replicas", Value: report.Number(replicas), Unit: report.UnitCount})
		c[0].Subject = "min-replicas-to-write"
		found = append(found, c...)
	}
	return found
}

func tableTTLRule() rule {
	return rule{
		Rule: report.Rule{
			ID: "SV020", Name: "ttl-not-enabled", Title: "A table that expires nothing, although its schema says so", Severity: report.Error,
			Stores: []string{"dynamodb"},
			Doc:    `The schema gives templates a TTL, and TTL is not enabled for the table: items that have expired stay, are read, and are paid for.`,
			Fix:    "UpdateTimeToLive with the attribute that holds the time, in seconds since 1970",
			Bad:    []string{"TimeToLiveStatus DISABLED, and ttl: {policy: fixed, value: 30d}"},
			Good:   []string{"TimeToLiveStatus ENABLED, AttributeName expires_at"},
		},
		needs: []string{"design", "ttl"},
		judge: tableTTL,
	}
}

func tableTTL(p *pair) []Cause {
	if len(p.Design.Expires) == 0 || p.setting("ttl") != "off" {
		return nil
	}
	c := plain(report.Error, "TTL is off, and the schema gives one to "+listed(p.Design.Expires),
		report.Metric{Name: "templates", Value: report.Number(len(p.Design.Expires)), Unit: report.UnitCount})
	c[0].Subject = "table"
	return c
}
