package keydesign

import (
	"fmt"
	"maps"
	"slices"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/report"
)

// The limits of KD031.
const (
	astrayShare = 0.01
	astrayKeys  = 100
	byChance    = 0.9 // of what chance would put elsewhere
)

func misplacedKeys() *report.Rule {
	return &report.Rule{
		ID: "KD031", Name: "misplaced-keys", Title: "Keys on a server where no client looks for them", Severity: report.Warning, Stores: append(redisFamily(), "memcached"),
		Doc: `Servers of memcached, and single servers of Redis that clients spread keys over, do not know of each other: which of them has
a key is decided by the clients, by a hash of the key and the list of servers. Keys lie where that hash does not lead. They take memory until they expire, and a later change of the list makes
clients read them again, with values of long ago.

Usual reasons: the list of servers has changed, one server was away for a while, or two programs hash differently or name the servers
otherwise (an address and a name are two points on the ring).`,
		Fix:  "give all clients one list of servers and one hash, and flush a server before it comes back into the list",
		Bad:  []string{"memcached://10.0.0.1,10.0.0.2 with 8 % of the keys on the other one"},
		Good: []string{"memcached://10.0.0.1,10.0.0.2 with each key where ketama puts it", "redis://10.0.0.1,10.0.0.2?shard=jedis with each key where Jedis looks for it"},
		Limits: []report.Limit{
			{Name: "share", Value: astrayShare, Unit: report.UnitRatio, Source: report.OwnDefault + ": of a server's keys"},
			{Name: "keys", Value: astrayKeys, Unit: report.UnitCount, Source: report.OwnDefault + ": of a server; of fewer nothing is said"},
			{Name: "by_chance", Value: byChance, Unit: report.UnitRatio, Source: report.OwnDefault + ": of what chance puts elsewhere, from which on the hash is another one"},
		},
	}
}

// misplaced holds each node against KD031. Where about as many keys are astray as chance would put elsewhere, clients hash otherwise:
// then none of them is misplaced.
func (n *nodesOf) misplaced(all *nodeLoad, out *audit.Output) {
	if all.placed == 0 {
		return
	}
	elsewhere := 1 - 1/float64(len(n.places))
	if share := float64(all.astray.keys) / float64(all.placed); share > byChance*elsewhere && all.placed >= astrayKeys {
		out.Notes = append(out.Notes, fmt.Sprintf("%s of the keys are not where the assumed placement puts them, as many as by chance: clients "+
			"use another hash or other names of the servers, and misplaced keys are not looked for. Say which: of memcached ?placement=, of Redis ?shard=.", percent(share)))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(n.places)) {
		l := n.places[name]
		share := float64(l.astray.keys) / float64(max(1, l.placed))
		if l.astray.keys < astrayKeys || share <= astrayShare {
			continue
		}
		out.Findings = append(out.Findings, report.Finding{
			Rule: misplacedKeys().ID, Severity: report.Warning, Subject: name,
			Message:  percent(share) + " of its keys belong to other servers",
			Measure:  &report.Metric{Name: "misplaced", Value: report.Number(share), Unit: report.UnitRatio},
			Evidence: []report.Metric{countMetric("keys", l.astray.keys), bytesMetric("bytes", l.astray.bytes)},
		})
	}
}
