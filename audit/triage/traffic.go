package triage

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// Limits of the rules about what goes over the wire, and what comes of it.
const (
	networkRate  = 100e6 // bytes a second: four fifths of a link of 1 Gbit/s
	hitsLeast    = 1000  // reads in the window
	hitsFallen   = 0.5   // of the rate before
	failedShare  = 0.01  // of the commands
	failedRate   = 1.0   // a second, of errors that are no program's mistake
	failedMostly = 0.10
)

func trafficRules() []rule {
	return []rule{
		{
			Rule: report.Rule{
				ID: "TR014", Name: "network-full", Title: "As much traffic as a link of 1 Gbit/s carries", Severity: report.Warning,
				Stores: serverFamily(),
				Doc: `The server sends or receives 100 MB a second or more. A link of 1 Gbit/s is full then, and small cloud instances have less than that:
answers wait for their turn, and what the server measures of itself stays short. What link there is the server does not know.`,
				Fix:    "smaller values or fewer of their fields (HMGET), compression in the client, readers to replicas, a cache in the client",
				Bad:    []string{"total_net_output_bytes grew by 1.2 GB in 10 s"},
				Good:   []string{"by 90 MB in 10 s"},
				Limits: []report.Limit{{Name: "rate", Value: networkRate, Unit: report.UnitBytes, Source: ours + ": a second, one way"}},
			},
			needs:  []string{"total_net_output_bytes"},
			judge:  networkFull,
			unless: []string{"TR005", "TR010"},
			light:  true,
		},
		{
			Rule: report.Rule{
				ID: "TR016", Name: "hit-rate-collapse", Title: "Reads that find far less than before", Severity: report.Error,
				Stores: serverFamily(),
				Doc: `Of the reads in the window less than half as many found their key as of all before. The rest goes to what the cache is to spare. The
cache was emptied (a restart, FLUSHALL, keys that expired together), memory is full (SV007), or a release asks by other names.`,
				Fix:  "see what changed: uptime, expired and evicted keys, the last release; let the cache fill before all traffic comes back",
				Bad:  []string{"hit rate 31% in the window, 94% since the start"},
				Good: []string{"93% in the window, 94% since the start"},
				Limits: []report.Limit{
					{Name: "fallen", Value: hitsFallen, Unit: report.UnitRatio, Source: ours + ": of the rate before"},
					{Name: "reads", Value: hitsLeast, Unit: report.UnitCount, Source: ours + ": of fewer nothing is said"},
				},
			},
			needs: []string{"keyspace_hits", "keyspace_misses"},
			judge: hitRateCollapse,
		},
		{
			Rule: report.Rule{
				ID: "TR017", Name: "errors", Title: "Commands that are answered with errors", Severity: report.Error,
				Stores: append(redisFamily(), "memcached"),
				Doc: `A hundredth of the commands is answered with errors, or some are of a class that no program is to blame for: the server, its memory,
its disk, its replicas or its rights are. A finding is of one class, the first word of what the server says.`,
				Fix:  "the class says who has to do something: see what is advised for it",
				Bad:  []string{"errorstat_READONLY grew by 4,000 in 10 s"},
				Good: []string{"errorstat_NOSCRIPT grew by 3"},
				Limits: []report.Limit{
					{Name: "share", Value: failedShare, Unit: report.UnitRatio, Source: ours + ": of the commands; from 10 % an error"},
					{Name: "rate", Value: failedRate, Unit: report.UnitRate, Source: ours + ": of those classes"},
				},
			},
			needs: []string{"errorstats"},
			judge: errorsByClass,
		},
	}
}

func networkFull(p *pair) []Cause {
	out, in := p.rate("total_net_output_bytes"), p.rate("total_net_input_bytes")
	most := max(out, in)
	if most < networkRate {
		return nil
	}
	way := "sends"
	if in > out {
		way = "receives"
	}
	return []Cause{{
		Severity: report.Warning, Subject: "network", Weight: min(0.6, 0.2+most/1.25e9),
		Message: fmt.Sprintf("the server %s %s a second: more than a link of 1 Gbit/s carries", way, humanize.Bytes(most)),
		Measure: report.Metric{Name: "rate", Value: report.Number(most), Unit: report.UnitBytes},
		Evidence: []report.Metric{
			{Name: "sent", Value: report.Number(out), Unit: report.UnitBytes},
			{Name: "received", Value: report.Number(in), Unit: report.UnitBytes},
			{Name: "bytes_a_command", Value: report.Number((out + in) * p.seconds / max(p.commands(), 1)), Unit: report.UnitBytes},
		},
		Do:    "compare with the link (ethtool, the instance's limit): sar -n DEV 1; find the large values: kvtool hotkeys TARGET --weight bytes",
		Avoid: "do not add replicas to this host: each is sent every write as well",
	}}
}

func hitRateCollapse(p *pair) []Cause {
	rate, ok := p.hitRate()
	hits, misses := p.Before.Numbers["keyspace_hits"], p.Before.Numbers["keyspace_misses"]
	reads := p.growth("keyspace_hits") + p.growth("keyspace_misses")
	if !ok || reads < hitsLeast || hits+misses < hitsLeast {
		return nil
	}
	before := hits / (hits + misses)
	if rate > hitsFallen*before {
		return nil
	}
	c := Cause{
		Severity: report.Warning, Subject: server, Weight: min(0.9, before-rate),
		Message: fmt.Sprintf("%s of the reads find their key, %s did before", humanize.Ratio(rate), humanize.Ratio(before)),
		Measure: report.Metric{Name: "miss_rate", Value: report.Number(1 - rate), Unit: report.UnitRatio},
		Evidence: []report.Metric{
			{Name: "before", Value: report.Number(before), Unit: report.UnitRatio},
			{Name: "reads", Value: report.Number(reads), Unit: report.UnitCount},
			{Name: "expired", Value: report.Number(p.rate("expired_keys")), Unit: report.UnitRate},
			{Name: "evicted", Value: report.Number(p.rate("evicted_keys")), Unit: report.UnitRate},
		},
		Do:    "let the cache fill with part of the traffic; look for what emptied it: uptime, FLUSHALL in INFO commandstats, expired keys",
		Avoid: "do not restart anything else: what is behind the cache has its whole load now",
	}
	if before-rate >= 0.5 {
		c.Severity = report.Error
	}
	return []Cause{c}
}

// advice is what to do about a class of errors that is no program's mistake. OOM and MISCONF have rules of their own.
func advice(class string) (do string, ok bool) {
	do, ok = map[string]string{
		"READONLY":     "writes go to a replica: a failover that clients have not followed, or an address that is no primary's",
		"CLUSTERDOWN":  "slots are served by nobody: CLUSTER INFO, CLUSTER NODES",
		"MASTERDOWN":   "a replica without its primary is asked: bring the link back, or send readers elsewhere",
		"NOREPLICAS":   "fewer replicas than min-replicas-to-write are in step: look at their lag",
		"NOAUTH":       "clients connect without a password: their configuration has lost it",
		"WRONGPASS":    "clients log in with a password that is not valid any more, or somebody guesses",
		"NOPERM":       "a user lacks a right: ACL LOG says which command and key",
		"LOADING":      "the server was still loading",
		"BUSY":         "a script was running: SCRIPT KILL, if it is again",
		"AUTH":         "clients log in with a password that is not valid, or somebody guesses",
		"CROSSSLOT":    "a command names keys of several slots: give them one hash tag",
		"MOVED":        "clients have an old map of slots, or are no cluster clients",
		"ASK":          "slots are moving, and this passes",
		"TRYAGAIN":     "slots are moving, and this passes",
		"UNKILLABLE":   "a script that has written cannot be killed",
		"NOPROTO":      "a client speaks another version of the protocol",
		"UNBLOCKED":    "a failover has unblocked waiting clients",
		"INPROG":       "a failover is in progress",
		"NOGOODSLAVE":  "no replica is fit to take over",
		"NOMASTERLINK": "a replica was asked to sync before it had a link itself",
		"DENIED":       "protected mode: the server has no password and is asked from another host",
	}[class]
	return do, ok
}

// elseToDo is advice about classes that are a program's mistake.
var elseToDo = map[string]string{
	"TOOLARGE": "values are larger than the server takes: compress or split them, or raise item_size_max (-I)",
}

func errorsByClass(p *pair) []Cause {
	var found []Cause
	for _, class := range slices.Sorted(maps.Keys(p.After.Errors)) {
		n := p.failures(class)
		share := n / max(p.commands(), n, 1)
		do, grave := advice(class)
		passes := class == "MOVED" || class == "ASK" || class == "TRYAGAIN" || class == "NOSCRIPT"
		switch {
		case n == 0, class == "OOM", class == "MISCONF":
			continue
		case grave && !passes && n/p.seconds >= failedRate && n >= 2:
		case share >= failedShare && n >= 10:
		default:
			continue
		}
		c := Cause{
			Severity: report.Warning, Subject: class, Weight: min(0.9, share),
			Message: fmt.Sprintf("%s of the commands are answered with %s, %s", humanize.Ratio(share), class, humanize.Rate(n/p.seconds)),
			Measure: report.Metric{Name: "errors", Value: report.Number(n / p.seconds), Unit: report.UnitRate},
			Do:      cmp.Or(do, elseToDo[class], "the program's log has the whole text; INFO commandstats, failed_calls, names the commands"),
			Avoid:   "do not have clients try again at once: each attempt is one more command",
		}
		c.Evidence = p.failing()
		if share >= failedMostly && !passes {
			c.Severity = report.Error
		}
		found = append(found, c)
	}
	return found
}

// failing names the commands that failed most.
func (p *pair) failing() []report.Metric {
	worst := slices.SortedStableFunc(slices.Values(p.used), func(a, b use) int { return cmp.Compare(b.failed, a.failed) })
	var out []report.Metric
	for _, u := range worst[:min(2, len(worst))] {
		if u.failed > 0 {
			out = append(out, report.Metric{Name: "failed_" + metricName(u.name), Value: report.Number(u.failed), Unit: report.UnitCount})
		}
	}
	return out
}
