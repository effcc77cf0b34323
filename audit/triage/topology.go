package triage

import (
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// sentinelsLeast is how many sentinels there have to be for a failover when one of them is gone.
const sentinelsLeast = 3

// topologyRules are about what happens when a server, a host or a disk fails.
func topologyRules() []rule {
	return []rule{noReplicaRule(), sameHostRule(), sentinelRule(), rewriteRule()}
}

func noReplicaRule() rule {
	return rule{
		Rule: report.Rule{
			ID: "SV030", Name: "no-replica", Title: "A primary that nobody can replace", Severity: report.Error, Stores: redisFamily(),
			Doc: `A primary of a cluster, or one that sentinels watch, has no replica that is up. When it fails, nobody takes over: its slots are gone, and
with cluster-require-full-coverage (the default) so is the cluster.`,
			Fix:  "a replica on another host: CLUSTER REPLICATE, or REPLICAOF; cluster-migration-barrier 1 lets spare replicas move",
			Bad:  []string{"CLUSTER NODES: a master with slots, and no slave of it", "SENTINEL MASTER: num-slaves 0"},
			Good: []string{"each master of CLUSTER NODES has a slave whose link is up"},
		},
		needs: []string{"nodes", "sentinel"},
		judge: noReplica,
	}
}

// myself returns the node that was asked, of a cluster.
func (p *pair) myself() (n kv.Node, ok bool) {
	i := slices.IndexFunc(p.Details.Nodes, func(n kv.Node) bool { return n.Myself })
	if i < 0 {
		return n, false
	}
	return p.Details.Nodes[i], true
}

// replicas lists the addresses of the replicas that are up: as the cluster sees them, or the primary.
func (p *pair) replicas() (places []string) {
	if p.Details == nil {
		return nil
	}
	if me, ok := p.myself(); ok {
		for _, n := range p.Details.Nodes {
			if n.Primary == me.ID && !n.Failed {
				places = append(places, n.Place)
			}
		}
		return places
	}
	for _, r := range p.After.Replicas {
		places = append(places, r.Place)
	}
	return places
}

func noReplica(p *pair) []Cause {
	if len(p.replicas()) > 0 || p.text("role") == "slave" {
		return nil
	}
	severity := report.Warning
	if p.Design.durable() {
		severity = report.Error
	}
	if me, ok := p.myself(); ok && me.Slots > 0 {
		return plain(severity, fmt.Sprintf("no replica is up: when this primary fails, its %s slots are gone", humanize.Exact(int64(me.Slots))),
			report.Metric{Name: "slots", Value: report.Number(me.Slots), Unit: report.UnitCount})
	}
	if len(p.Details.Sentinel) > 0 {
		return plain(severity, "no replica is up: sentinels have nobody to put in its place",
			report.Metric{Name: "replicas", Value: report.Number(0), Unit: report.UnitCount})
	}
	return nil
}

func sameHostRule() rule {
	return rule{
		Rule: report.Rule{
			ID: "SV031", Name: "replica-on-same-host", Title: "A primary and its replica on one host", Severity: report.Warning, Stores: redisFamily(),
			Doc: `The replicas of a primary are on the same host as it is. What ends the host ends both: the replica is there for the failure of a process
alone.`,
			Fix:  "place replicas on other hosts, in other racks or zones; redis-cli --cluster create does that where hosts have several nodes",
			Bad:  []string{"10.0.0.5:6379 and its replica 10.0.0.5:6380"},
			Good: []string{"10.0.0.5:6379 and its replica 10.0.1.7:6379"},
		},
		needs: []string{"connected_slaves|slave_repl_offset", "nodes"},
		judge: sameHost,
	}
}

func sameHost(p *pair) []Cause {
	place := p.Place
	if me, ok := p.myself(); ok {
		place = me.Place
	}
	here := hostOf(place)
	replicas := p.replicas()
	var near []report.Value
	for _, r := range replicas {
		if here != "" && hostOf(r) == here {
			near = append(near, report.Text(r))
		}
	}
	if len(near) == 0 {
		return nil
	}
	severity, message := report.Warning, "every replica is on the host of its primary, "+here
	if len(near) < len(replicas) {
		severity, message = report.Info, fmt.Sprintf("%d of %d replicas are on the host of their primary, %s", len(near), len(replicas), here)
	}
	c := plain(severity, message, report.Metric{Name: "same_host", Value: report.Number(len(near)), Unit: report.UnitCount},
		report.Metric{Name: "replicas", Value: report.Number(len(replicas)), Unit: report.UnitCount})
	c[0].Samples = near
	return c
}

// hostOf is the part of an address that names the machine; "" of a socket.
func hostOf(place string) string {
	host, _, err := net.SplitHostPort(place)
	if err != nil {
		return ""
	}
	return host
}

func sentinelRule() rule {
	return rule{
		Rule: report.Rule{
			ID: "SV033", Name: "sentinel-quorum", Title: "Sentinels that are too few, or that agree too soon", Severity: report.Error, Stores: redisFamily(),
			Doc: `Sentinels replace a primary when as many as the quorum hold it to be down, and a majority of all sentinels lets one of them act. With a
quorum below the majority, those on one side of a broken network hold a primary to be down that serves everybody else. With a quorum
above their number, or with fewer than three sentinels, nobody acts when one host is gone.`,
			Fix:    "three or five sentinels on hosts of their own, and a quorum of the majority: SENTINEL SET NAME quorum 2",
			Bad:    []string{"quorum 1 of 3 sentinels", "2 sentinels"},
			Good:   []string{"quorum 2 of 3 sentinels"},
			Limits: []report.Limit{{Name: "sentinels", Value: sentinelsLeast, Unit: report.UnitCount, Source: "of the documentation of Redis Sentinel: at least three"}},
		},
		needs: []string{"sentinel"},
		judge: sentinelQuorum,
	}
}

func sentinelQuorum(p *pair) []Cause {
	quorum, err := strconv.Atoi(p.Details.Sentinel["quorum"])
	others, err2 := strconv.Atoi(p.Details.Sentinel["num-other-sentinels"])
	if err != nil || err2 != nil {
		return nil
	}
	all := others + 1
	majority := all/2 + 1
	severity, message := report.Error, ""
	switch {
	case quorum > all:
		message = fmt.Sprintf("the quorum is %d, and there are %d sentinels: they never agree", quorum, all)
	case all < sentinelsLeast:
		message = fmt.Sprintf("%s: when the host of one is gone, nobody replaces the primary", humanize.Counted(int64(all), "sentinel"))
	case quorum < majority:
		severity = report.Warning
		message = fmt.Sprintf("the quorum is %d of %d sentinels: fewer than the majority hold the primary to be down", quorum, all)
	default:
		return nil
	}
	return plain(severity, message, report.Metric{Name: "quorum", Value: report.Number(quorum), Unit: report.UnitCount},
		report.Metric{Name: "sentinels", Value: report.Number(all), Unit: report.UnitCount})
}

func rewriteRule() rule {
	return rule{
		Rule: report.Rule{
			ID: "SV034", Name: "aof-rewrite", Title: "An append-only file that only grows", Severity: report.Error, Stores: redisFamily(),
			Doc: `The append-only file is written, and never made anew: rewriting is off, or the last one failed. It grows with every write until the disk is
full, and after a restart all of it is read before anybody is served.`,
			Fix:  "auto-aof-rewrite-percentage 100; where the last one failed: disk, memory (vm.overcommit_memory 1), then BGREWRITEAOF",
			Bad:  []string{"aof_enabled:1, auto-aof-rewrite-percentage 0", "aof_last_bgrewrite_status:err"},
			Good: []string{"auto-aof-rewrite-percentage 100, aof_last_bgrewrite_status:ok"},
		},
		needs: []string{"aof_enabled", "settings"},
		judge: aofRewrite,
	}
}

func aofRewrite(p *pair) []Cause {
	if p.number("aof_enabled") != 1 {
		return nil
	}
	size := report.Metric{Name: "file", Value: report.Number(p.number("aof_current_size")), Unit: report.UnitBytes}
	base := report.Metric{Name: "after_rewrite", Value: report.Number(p.number("aof_base_size")), Unit: report.UnitBytes}
	switch percent, told := p.settingNumber("auto-aof-rewrite-percentage"); {
	case p.text("aof_last_bgrewrite_status") == "err":
		return plain(report.Error, "the last rewrite of the append-only file failed: it only grows", size, base)
	case told && percent == 0:
		return plain(report.Warning, "the append-only file is never rewritten (auto-aof-rewrite-percentage 0): it only grows", size, base)
	}
	return nil
}
