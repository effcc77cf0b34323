package triage

import (
	"fmt"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// Limits of the rules about disks and children.
const (
	forkLeast = 0.1 // seconds
	forkError = 0.5
	cowShare  = 0.10 // of the used memory
	cowBytes  = 100 << 20
)

func diskRules() []rule {
	return []rule{
		{
			Rule: report.Rule{
				ID: "TR008", Name: "fork", Title: "A fork that stopped the server, or whose copies take its memory", Severity: report.Error, Stores: redisFamily(),
				Doc: `To write a snapshot, to rewrite its append-only file and for a new replica, the server forks. The fork itself stops everything for
about 10 to 20 ms a gigabyte, and far longer with huge pages or in some virtual machines; while the child writes, each page that is
changed is copied first, which takes time and memory.`,
				Fix:  "turn transparent huge pages off, keep 30 to 50 % of memory free, take snapshots on a replica, use smaller instances",
				Bad:  []string{"total_forks grew by 1, latest_fork_usec:840000", "current_cow_size:3000000000 of used_memory:8000000000"},
				Good: []string{"latest_fork_usec:9000"},
				Limits: []report.Limit{
					{Name: "seconds", Value: forkLeast, Unit: report.UnitDuration, Source: ours + ": of a fork within the window; from 0.5 s an error"},
					{Name: "copied", Value: cowShare, Unit: report.UnitRatio, Source: ours + ": of the used memory, and 100 MiB"},
				},
			},
			needs: []string{"latest_fork_usec"},
			judge: forked,
		},
		{
			Rule: report.Rule{
				ID: "TR009", Name: "fsync-delayed", Title: "Writes that wait for the disk of the append-only file", Severity: report.Error, Stores: redisFamily(),
				Doc: `The append-only file is synced to disk once a second by another thread. When that takes longer than two seconds the server has to wait
for it with its next write, and everybody waits with it. The disk is slow, or shared with what writes much: a snapshot or a rewrite
of this server, or somebody else.`,
				Fix:    "a faster disk for the append-only file, no-appendfsync-on-rewrite yes if a rewrite is what it competes with",
				Bad:    []string{"aof_delayed_fsync grew by 4 in 10 s, aof_pending_bio_fsync:1"},
				Good:   []string{"aof_delayed_fsync grew by 0"},
				Limits: []report.Limit{{Name: "times", Value: 0, Unit: report.UnitCount, Source: ours + ": any in the window"}},
			},
			needs: []string{"aof_enabled"},
			judge: fsyncDelayed,
		},
		{
			Rule: report.Rule{
				ID: "TR018", Name: "writes-refused", Title: "Writes that are refused because the last snapshot failed", Severity: report.Error, Stores: redisFamily(),
				Doc: `The last snapshot, or the last write of the append-only file, failed: the disk is full, or the folder cannot be written. With
stop-writes-on-bgsave-error (the default where snapshots are configured) the server refuses every write (MISCONF) until one
succeeds; reading goes on.`,
				Fix:  "free the disk or mend the folder (CONFIG GET dir), then BGSAVE: as soon as one succeeds, writes do",
				Bad:  []string{"rdb_last_bgsave_status:err", "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist on disk"},
				Good: []string{"rdb_last_bgsave_status:ok, aof_last_write_status:ok"},
			},
			needs: []string{"rdb_bgsave_in_progress|loading"},
			judge: writesRefused,
		},
	}
}

// worstSpike returns the worst delay of an event that the server has noted since the watch began.
func (p *pair) worstSpike(prefix string) (worst time.Duration) {
	if p.Details == nil || p.Before == nil {
		return 0
	}
	since := p.since()
	for _, s := range p.Details.Spikes {
		if strings.HasPrefix(s.Event, prefix) && !s.At.Before(since) {
			worst = max(worst, s.Last)
		}
	}
	return worst
}

func forked(p *pair) []Cause {
	took := p.number("latest_fork_usec") / 1e6
	forks, counted := p.grew("total_forks")
	if !counted && p.Before.Numbers["latest_fork_usec"] != p.number("latest_fork_usec") { // before 6.2
		forks = 1
	}
	used, copied := p.number("used_memory"), p.number("current_cow_size")
	child := p.number("rdb_bgsave_in_progress") == 1 || p.number("aof_rewrite_in_progress") == 1 || p.number("module_fork_in_progress") == 1
	c := Cause{
		Severity: report.Warning, Subject: server, Avoid: "do not start another (BGSAVE, BGREWRITEAOF, a new replica) before this one is done",
		Evidence: []report.Metric{
			{Name: "fork", Value: report.Number(took), Unit: report.UnitDuration},
			{Name: "forks", Value: report.Number(forks), Unit: report.UnitCount},
			{Name: "copied", Value: report.Number(copied), Unit: report.UnitBytes},
			{Name: "used", Value: report.Number(used), Unit: report.UnitBytes},
		},
	}
	switch {
	case forks > 0 && took >= forkLeast:
		c.Weight = took * forks / p.seconds
		c.Message = fmt.Sprintf("a fork stopped the server for %s", humanize.Duration(took))
		c.Measure = report.Metric{Name: "fork", Value: report.Number(took), Unit: report.UnitDuration}
		c.Evidence = c.Evidence[1:]
		if took >= forkError {
			c.Severity = report.Error
		}
		c.Do = "see what forks (rdb_bgsave_in_progress, aof_rewrite_in_progress) and how often: CONFIG GET save"
	case child && copied >= cowShare*used && copied >= cowBytes:
		c.Weight = min(0.5, copied/max(used, 1))
		c.Message = fmt.Sprintf("a child writes a snapshot, and %s that changed meanwhile were copied", humanize.Bytes(copied))
		c.Measure = report.Metric{Name: "copied", Value: report.Number(copied), Unit: report.UnitBytes}
		c.Do = "let it finish; hold back what rewrites many keys until then"
	default:
		return nil
	}
	return []Cause{c}
}

func fsyncDelayed(p *pair) []Cause {
	delayed := p.growth("aof_delayed_fsync")
	spike := max(p.worstSpike("aof-fsync"), p.worstSpike("aof-write"), p.worstSpike("aof-stat"))
	if p.number("aof_enabled") != 1 || delayed == 0 && spike.Seconds() < forkLeast {
		return nil
	}
	c := Cause{
		Severity: report.Error, Subject: server, Weight: min(1, max(0.3, 2*delayed/p.seconds, spike.Seconds()/p.seconds)),
		Message: fmt.Sprintf("the disk does not keep up with the append-only file: %s writes waited for it", humanize.Count(delayed)),
		Measure: report.Metric{Name: "delayed", Value: report.Number(delayed), Unit: report.UnitCount},
		Evidence: []report.Metric{
			{Name: "pending", Value: report.Number(p.number("aof_pending_bio_fsync")), Unit: report.UnitCount},
			{Name: "rewriting", Value: report.Number(p.number("aof_rewrite_in_progress")), Unit: report.UnitFlag},
		},
		Do:    "iostat -x 1: whose writes fill the disk? CONFIG SET no-appendfsync-on-rewrite yes while a rewrite is what it competes with",
		Avoid: "do not set appendfsync always: every write would wait; appendfsync no may lose half a minute",
	}
	if spike > 0 {
		c.Evidence = append(c.Evidence, report.Metric{Name: "worst", Value: report.Seconds(spike), Unit: report.UnitDuration})
	}
	if how := p.setting("appendfsync"); how != "" {
		c.Evidence = append(c.Evidence, report.Metric{Name: "appendfsync", Value: report.Text(how), Unit: report.UnitText})
	}
	return []Cause{c}
}

func writesRefused(p *pair) []Cause {
	refused := p.failures("MISCONF")
	snapshot, file := p.text("rdb_last_bgsave_status"), p.text("aof_last_write_status")
	if snapshot == "err" || file == "err" {
		refused = max(0, refused-float64(p.Own["ping"])) // PING is refused as a write is
	}
	stops := p.setting("stop-writes-on-bgsave-error") != "no" && p.setting("save") != ""
	if refused == 0 && !(snapshot == "err" && stops) && !(file == "err" && p.number("aof_enabled") == 1) {
		return nil
	}
	return []Cause{{
		Severity: report.Error, Subject: server, Weight: max(0.5, refused/max(p.commands(), 1)),
		Message: fmt.Sprintf("the last write to disk failed and writes are refused (MISCONF): %s in the window", humanize.Count(refused)),
		Measure: report.Metric{Name: "refused", Value: report.Number(refused), Unit: report.UnitCount},
		Evidence: []report.Metric{
			{Name: "snapshot", Value: report.Text(snapshot), Unit: report.UnitText}, {Name: "append_only_file", Value: report.Text(file), Unit: report.UnitText},
		},
		Do:    "df -h and the server's log say why; mend that, then BGSAVE",
		Avoid: "do not restart it: what was written since the last good snapshot would be lost",
	}}
}
