package triage

import (
	"fmt"
	"strconv"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// Limits of the rules about replicas and clusters.
const (
	lagWarning = 3.0 // seconds; a replica confirms each second
	lagError   = 10.0

	backlogWritten = 10 << 20 // bytes a second, of fewer a short backlog is no matter
	backlogSeconds = 0.1      // of what is written: 1 MiB, the default, at that rate
)

func replicaRules() []rule {
	return []rule{
		{
			Rule: report.Rule{
				ID: "SV016", Name: "replication-lag", Title: "Replicas that do not follow", Severity: report.Error, Stores: redisFamily(),
				Doc: `A replica confirms once a second what it has received. One that has not for three seconds is stopped, overloaded, or cut off; one whose
gap is larger than the backlog has to begin anew when it comes back, with a fork and everything over the network. A replica whose
link is down serves old data, or none (replica-serve-stale-data no). On a quiet day a backlog is named, too, that holds a tenth of a second
of what is written: no replica that loses its link for a moment finds in it what it has missed.`,
				Fix:  "look at the replica and the network between; repl-backlog-size for as many seconds of writes as it may be away",
				Bad:  []string{"slave0:state=online,offset=100,lag=14", "master_link_status:down", "repl_backlog_size:1048576, and master_repl_offset grows by 40 MB a second"},
				Good: []string{"slave0:state=online,lag=0"},
				Limits: []report.Limit{
					{Name: "warning", Value: lagWarning, Unit: report.UnitDuration, Source: ours + ": since it has confirmed anything"},
					{Name: "error", Value: lagError, Unit: report.UnitDuration, Source: ours},
					{Name: "backlog", Value: backlogSeconds, Unit: report.UnitDuration, Source: ours + ": of what is written"},
					{Name: "written", Value: backlogWritten, Unit: report.UnitBytes, Source: ours + ": a second, of less a backlog is not judged"},
				},
			},
			judge: replication,
			quiet: replicationAtAll,
			needs: []string{"connected_slaves|master_link_down_since_seconds|slave_repl_offset"},
		},
		{
			Rule: report.Rule{
				ID: "TR013", Name: "full-resync", Title: "Replicas that are sent everything", Severity: report.Error, Stores: redisFamily(),
				Doc: `A replica that has nothing in common with its primary, or has been away for longer than the backlog reaches, is sent a snapshot of
everything: the primary forks, and sends all of its data. Where that happens again and again, the replica does not get through: the
buffer of what is written meanwhile overflows (client-output-buffer-limit replica), or loading takes longer than repl-timeout.`,
				Fix:  "repl-backlog-size of some minutes of writes, a larger client-output-buffer-limit replica, repl-diskless-sync yes",
				Bad:  []string{"sync_full grew by 3 in 10 s", "slave0:state=wait_bgsave", "master_sync_in_progress:1"},
				Good: []string{"sync_full grew by 0, slave0:state=online"},
			},
			judge: resync,
			needs: []string{"sync_full"},
		},
		{
			Rule: report.Rule{
				ID: "TR015", Name: "cluster-down", Title: "Slots that no node serves", Severity: report.Error, Stores: redisFamily(),
				Doc: `Some of the slots of the cluster are nobody's, or their primary is held to have failed. Their keys cannot be read; with
cluster-require-full-coverage (the default) no key can.`,
				Fix:  "CLUSTER NODES names the failed ones: bring them back, or have a replica take over (CLUSTER FAILOVER FORCE); redis-cli --cluster fix assigns slots",
				Bad:  []string{"cluster_state:fail, cluster_slots_fail:5461"},
				Good: []string{"cluster_state:ok, cluster_slots_ok:16384"},
			},
			judge: clusterDown, lasting: true,
			needs: []string{"cluster"},
		},
	}
}

func replication(p *pair) []Cause {
	if role := p.text("role"); role == "slave" || role == "replica" {
		return replicaLink(p)
	}
	var found []Cause
	for _, r := range p.After.Replicas {
		lag := r.Lag.Seconds()
		gap := p.number("master_repl_offset") - float64(r.Offset)
		backlog := p.number("repl_backlog_size")
		beyond := backlog > 0 && r.Offset > 0 && gap > backlog
		if r.State != "online" || lag < lagWarning && !beyond {
			continue
		}
		c := Cause{
			Severity: report.Warning, Subject: "replica " + r.Place, Weight: 0.35,
			Message: fmt.Sprintf("a replica has confirmed nothing for %s and is %s behind", humanize.Duration(lag), humanize.Bytes(max(gap, 0))),
			Measure: report.Metric{Name: "lag", Value: report.Number(lag), Unit: report.UnitDuration},
			Evidence: []report.Metric{
				{Name: "behind", Value: report.Number(max(gap, 0)), Unit: report.UnitBytes}, {Name: "backlog", Value: report.Number(backlog), Unit: report.UnitBytes},
			},
			Do:    "look at that host: does the process run (ps -o stat: T is stopped), and does the network reach it?",
			Avoid: "do not restart the replica before the backlog is larger than the gap: it would be sent everything",
		}
		if lag >= lagError || beyond {
			c.Severity, c.Weight = report.Error, 0.5
		}
		found = append(found, c)
	}
	return found
}

// replicationAtAll is replication of a server that nobody calls slow: whether replicas would follow again after a moment is asked as well.
func replicationAtAll(p *pair) []Cause {
	if found := replication(p); len(found) > 0 {
		return found
	}
	written, backlog := p.rate("master_repl_offset"), p.number("repl_backlog_size")
	if len(p.After.Replicas) == 0 || written <= backlogWritten || backlog == 0 || backlog >= backlogSeconds*written {
		return nil
	}
	return plain(report.Warning, fmt.Sprintf("the backlog of %s holds %s of what is written: a replica that is away for longer is sent everything",
		humanize.Bytes(backlog), humanize.Duration(backlog/written)),
		report.Metric{Name: "backlog", Value: report.Number(backlog), Unit: report.UnitBytes},
		report.Metric{Name: "written", Value: report.Number(written), Unit: report.UnitBytes})
}

// replicaLink is what a replica says of its link.
func replicaLink(p *pair) []Cause {
	if p.text("master_link_status") != "down" || p.number("master_sync_in_progress") == 1 {
		return nil
	}
	down := p.number("master_link_down_since_seconds")
	if down < 0 { // never was up
		down = p.number("uptime_in_seconds")
	}
	return []Cause{{
		Severity: report.Error, Subject: server, Weight: 0.8,
		Message: fmt.Sprintf("this replica has lost its primary %s ago: what it serves is old", humanize.Duration(down)),
		Measure: report.Metric{Name: "down", Value: report.Number(down), Unit: report.UnitDuration},
		Evidence: []report.Metric{
			{Name: "primary", Value: report.Text(p.text("master_host") + ":" + strconv.Itoa(int(p.number("master_port")))), Unit: report.UnitText},
		},
		Do:    "is the primary up, and does its password still hold (masterauth)? the replica's log says what fails",
		Avoid: "do not promote it before it is known that the primary is gone: there would be two",
	}}
}

func resync(p *pair) []Cause {
	full := p.growth("sync_full")
	state, place := "", ""
	for _, r := range p.After.Replicas {
		if r.State != "online" {
			state, place = r.State, r.Place
		}
	}
	receives := p.number("master_sync_in_progress") == 1
	if full == 0 && state == "" && !receives {
		return nil
	}
	c := Cause{
		Severity: report.Warning, Subject: server, Weight: 0.4, Message: fmt.Sprintf("a replica is sent everything: %s full synchronisations in the window", humanize.Count(full)),
		Measure: report.Metric{Name: "sync_full", Value: report.Number(full), Unit: report.UnitCount},
		Evidence: []report.Metric{
			{Name: "fork", Value: report.Number(p.number("latest_fork_usec") / 1e6), Unit: report.UnitDuration},
			{Name: "refused_partial", Value: report.Number(p.growth("sync_partial_err")), Unit: report.UnitCount},
		},
		Do:    "let it finish; if it begins again and again, raise client-output-buffer-limit replica and repl-backlog-size first",
		Avoid: "do not add another replica now: it is sent everything as well",
	}
	if state != "" {
		c.Evidence = append(c.Evidence, report.Metric{Name: "replica", Value: report.Text(place + " " + state), Unit: report.UnitText})
	}
	if receives {
		c.Severity, c.Weight = report.Error, 0.8
		c.Message = "this replica is receiving everything from its primary, and serves old data or none"
		c.Evidence = append(c.Evidence, report.Metric{Name: "left", Value: report.Number(p.number("master_sync_left_bytes")), Unit: report.UnitBytes})
	}
	if full > 1 {
		c.Severity = report.Error
	}
	return []Cause{c}
}

func clusterDown(p *pair) []Cause {
	state := p.Details.Cluster["cluster_state"]
	number := func(name string) float64 {
		x, _ := strconv.ParseFloat(p.Details.Cluster[name], 64)
		return x
	}
	lost := number("cluster_slots_fail") + max(16384-number("cluster_slots_assigned"), 0)
	if len(p.Details.Cluster) == 0 || state == "ok" && lost == 0 {
		return nil
	}
	return []Cause{{
		Severity: report.Error, Subject: cluster, Weight: max(0.5, lost/16384),
		Message: fmt.Sprintf("the cluster is not whole: %s of 16,384 slots are served by nobody", humanize.Exact(int64(lost))),
		Measure: report.Metric{Name: "lost_slots", Value: report.Number(lost), Unit: report.UnitCount},
		Evidence: []report.Metric{
			{Name: "state", Value: report.Text(state), Unit: report.UnitText},
			{Name: "nodes", Value: report.Number(number("cluster_known_nodes")), Unit: report.UnitCount},
			{Name: "pfail_slots", Value: report.Number(number("cluster_slots_pfail")), Unit: report.UnitCount},
		},
		Do:    "CLUSTER NODES on any node: those with fail are down; start them, or CLUSTER FAILOVER on one of their replicas",
		Avoid: "do not CLUSTER RESET or FORGET anything before every slot has an owner",
	}}
}
