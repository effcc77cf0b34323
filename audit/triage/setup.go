package triage

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// Limits of the rules about how a server is set up, and of what it has counted since it was started.
const (
	hitLeast     = 0.80
	hitLookups   = 1_000_000
	hitWindow    = 10_000
	slowForkWarn = 0.5 // seconds
	slowWhole    = 3   // entries of the slow log
	packedMost   = 1024
	packedValue  = 512 // bytes
	freeingBytes = 1 << 20
)

// setupRules are about what is wrong with a server on a quiet day.
func setupRules() []rule {
	return slices.Concat(memorySetup(), safetySetup(), historySetup(), designRules(), topologyRules(), rightsRules(), spanRules())
}

func memorySetup() []rule {
	return []rule{
		{
			Rule: report.Rule{
				ID: "SV001", Name: "no-maxmemory", Title: "A server without a limit of memory", Severity: report.Error, Stores: redisFamily(),
				Doc: `Without maxmemory the server takes what there is, until the kernel ends it or swaps it out: then everything is lost or slow at once,
where with a limit single writes fail or old keys go. A policy of eviction does nothing without a limit.`,
				Fix:  "maxmemory of what the host has, less a third for forks, buffers and fragmentation",
				Bad:  []string{"maxmemory:0"},
				Good: []string{"maxmemory:6000000000 on a host of 8 GiB"},
			},
			needs: []string{"maxmemory"},
			judge: noMaxmemory,
		},
		{
			Rule: report.Rule{
				ID: "SV005", Name: "lfu-settings", Title: "Counters of use that never fall, or count nothing", Severity: report.Warning, Stores: redisFamily(),
				Doc: `With a policy of LFU each key has a counter of eight bits that rises by chance and falls with time. With lfu-decay-time 0 it never
falls; from 2 on a key that is touched once a minute never does. A factor of 0 counts to 255 in 255 accesses.`,
				Fix:  "lfu-log-factor 10, lfu-decay-time 1: the defaults",
				Bad:  []string{"lfu-decay-time 0"},
				Good: []string{"lfu-log-factor 10, lfu-decay-time 1"},
			},
			needs: []string{"settings"},
			judge: lfuSettings,
		},
		{
			Rule: report.Rule{
				ID: "SV017", Name: "lazyfree-off", Title: "Large values that are freed while everybody waits", Severity: report.Warning, Stores: redisFamily(),
				Doc: `A key of a mebibyte or more is there, and when it expires, is evicted, replaced or deleted, its memory is freed at once and nobody else is
served: about 100 ms for a million elements. With lazyfree-lazy-… yes another thread does that.`,
				Fix:    "lazyfree-lazy-expire, -eviction, -server-del and -user-del yes; UNLINK for DEL",
				Bad:    []string{"lazyfree-lazy-expire no, and a hash of 80 MB"},
				Good:   []string{"lazyfree-lazy-expire yes"},
				Limits: []report.Limit{{Name: "bytes", Value: freeingBytes, Unit: report.UnitBytes, Source: ours + ": of the largest key"}},
			},
			needs: []string{"settings", "largest"},
			judge: lazyfreeOff,
		},
		{
			Rule: report.Rule{
				ID: "SV018", Name: "listpack-limits", Title: "Collections that are kept as lists for too long", Severity: report.Warning, Stores: redisFamily(),
				Doc: `A small hash, set or sorted set is kept as one packed list, which saves memory and is read from front to back. With limits as high as
these, each access of a full one reads up to so many entries.`,
				Fix:  "hash-max-listpack-entries 128 to 512, zset-max-listpack-entries 128, values of 64 bytes",
				Bad:  []string{"hash-max-listpack-entries 10000"},
				Good: []string{"hash-max-listpack-entries 512"},
				Limits: []report.Limit{
					{Name: "entries", Value: packedMost, Unit: report.UnitCount, Source: ours}, {Name: "value", Value: packedValue, Unit: report.UnitBytes, Source: ours},
				},
			},
			needs: []string{"settings"},
			judge: packedLimits,
		},
		{
			Rule: report.Rule{
				ID: "SV019", Name: "logical-databases", Title: "Keys in more than one logical database", Severity: report.Info, Stores: redisFamily(),
				Doc: `More than one of the numbered databases holds keys. They share one thread, one memory and one policy of eviction; a cluster has only
number 0, most services too, and what connects has to remember SELECT.`,
				Fix:  "a prefix of the key for each use, or an instance of its own",
				Bad:  []string{"db0:keys=400, db3:keys=7"},
				Good: []string{"db0:keys=407"},
			},
			needs: []string{"keys"},
			judge: logicalDatabases,
		},
	}
}

func safetySetup() []rule {
	return []rule{
		{
			Rule: report.Rule{
				ID: "SV003", Name: "no-persistence", Title: "Data that is gone with the process", Severity: report.Error, Stores: redisFamily(),
				Doc: `Neither snapshots nor an append-only file are written: what is in the server is lost when it ends. Of a cache that is as it should be.
Or they are to be written, and the last attempt failed: what was written since is in memory alone.`,
				Fix:  "appendonly yes, or save 3600 1 300 100 60 10000; for a cache accept it in .kvtool-ignore.yaml",
				Bad:  []string{`save "" and appendonly no`, "rdb_last_bgsave_status:err"},
				Good: []string{"appendonly yes, aof_last_write_status:ok"},
			},
			needs: []string{"settings", "aof_enabled"},
			judge: noPersistence,
		},
		{
			Rule: report.Rule{
				ID: "SV004", Name: "no-auth", Title: "A server that asks nobody for a password", Severity: report.Error, Stores: redisFamily(),
				Doc: `The user default is on and needs no password: whoever reaches the port may do all that it may. On the loopback interface and on a socket
that is whoever is on the host.`,
				Fix:  "requirepass or ACL SETUSER default >PASSWORD; users of their own for programs",
				Bad:  []string{"ACL GETUSER default: flags on nopass"},
				Good: []string{"ACL GETUSER default: flags on"},
			},
			needs: []string{"default"},
			judge: noAuth,
		},
		{
			Rule: report.Rule{
				ID: "SV021", Name: "no-backup", Title: "A table that cannot be brought back", Severity: report.Warning, Stores: []string{"dynamodb"},
				Doc: `Point-in-time recovery is off: what a program deletes or overwrites by mistake is gone, but for backups that somebody makes by hand.`,
				Fix: "UpdateContinuousBackups with PointInTimeRecoveryEnabled; it costs by the size of the table",
				Bad: []string{"PointInTimeRecoveryStatus DISABLED"}, Good: []string{"PointInTimeRecoveryStatus ENABLED"},
			},
			needs: []string{"settings"},
			judge: noBackup,
		},
		{
			Rule: report.Rule{
				ID: "SV012", Name: "public-bind", Title: "A server that listens to everybody, unprotected", Severity: report.Error, Stores: redisFamily(),
				Doc: `Protected mode is off and the server listens on all interfaces or on a public address. Such servers are found within hours, and are used
to run other people's programs.`,
				Fix:  "bind the addresses that clients use, protected-mode yes, a password, and a firewall",
				Bad:  []string{"protected-mode no, bind *"},
				Good: []string{"bind 10.0.0.5 127.0.0.1"},
			},
			needs: []string{"settings"},
			judge: publicBind,
		},
	}
}

func historySetup() []rule {
	return []rule{
		{
			Rule: report.Rule{
				ID: "SV006", Name: "hit-rate", Title: "Reads that find nothing", Severity: report.Warning,
				Stores: serverFamily(),
				Doc: `Fewer than four in five reads have found a key. Each of the others has asked the store for nothing, and whatever the key is made from for
the value. Usual reasons: too little memory (SV007), TTLs that are shorter than the time between two reads, values that are read under
another name than they are written (KD092).

An audit looks at what others have read meanwhile, where that is enough, and else at what the server counts since it was started; a load at the second half of its run, in which a cache that began empty
is no longer so. It is a warning where a scenario declares a cache, and to be known otherwise: some programs look for what is rarely
there.`,
				Fix:  "more memory where it evicts, longer TTLs where it expires, or do not ask for what is rarely there",
				Bad:  []string{"keyspace_hits:6000, keyspace_misses:9000", "get_hits 3,000,000 and get_misses 2,000,000"},
				Good: []string{"keyspace_hits:14500, keyspace_misses:500", "get_hits 4,500,000 and get_misses 500,000"},
				Limits: []report.Limit{
					{Name: "hit_rate", Value: hitLeast, Unit: report.UnitRatio, Source: ours},
					{Name: "lookups", Value: hitLookups, Unit: report.UnitCount, Source: ours + ": since the start; 10,000 of a run, or while it is watched"},
				},
			},
			needs: []string{"keyspace_hits", "keyspace_misses"},
			judge: lowHitRate,
		},
		{
			Rule: report.Rule{
				ID: "SV010", Name: "fork-risk", Title: "Forks that stop the server for half a second", Severity: report.Info, Stores: redisFamily(),
				Doc: `The last fork, for a snapshot or a rewrite of the append-only file, took half a second or more, in which nobody was served; the next
one will, too.`,
				Fix:    "transparent huge pages off, smaller instances, snapshots on a replica",
				Bad:    []string{"latest_fork_usec:840000, save 3600 1"},
				Good:   []string{"latest_fork_usec:9000"},
				Limits: []report.Limit{{Name: "seconds", Value: slowForkWarn, Unit: report.UnitDuration, Source: ours}},
			},
			needs: []string{"latest_fork_usec", "settings"},
			judge: forkRisk,
		},
		{
			Rule: report.Rule{
				ID: "SV014", Name: "slow-commands", Title: "Slow calls of commands that read everything", Severity: report.Error, Stores: redisFamily(),
				Doc: `The slow log has KEYS in it, or several calls of commands that read a value as a whole. Each kept all other clients waiting for as long
as it says. Where the slow log is off, nobody can know.`,
				Fix:    "SCAN, or a set of the names, for KEYS; HSCAN, SSCAN and ranges for what reads all; slowlog-log-slower-than 10000",
				Bad:    []string{"SLOWLOG: KEYS user:*, 420 ms"},
				Good:   []string{"SLOWLOG: empty"},
				Limits: []report.Limit{{Name: "entries", Value: slowWhole, Unit: report.UnitCount, Source: ours + ": of one command; any of KEYS"}},
			},
			needs: []string{"slow"},
			judge: slowLogged,
		},
	}
}

// standing lists the rules about how a server is set up, and about what it counts: those that triage names as causes, too, if they are
// of more than a moment.
func standing() []rule {
	rules := setupRules()
	for _, r := range all() {
		if !r.lasting && !strings.HasPrefix(r.ID, "SV") {
			continue
		}
		if r.quiet != nil {
			r.judge = r.quiet
		}
		rules = append(rules, r)
	}
	slices.SortStableFunc(rules, func(a, b rule) int { return strings.Compare(a.ID, b.ID) })
	return rules
}

// docsFor returns the rules that apply to some of the servers.
func docsFor(products []string) []*report.Rule {
	return docs(slices.DeleteFunc(standing(), func(r rule) bool { return !slices.ContainsFunc(products, r.applies) }))
}

// plain makes a cause that is no matter of this moment.
func plain(severity report.Severity, message string, measure report.Metric, evidence ...report.Metric) []Cause {
	return []Cause{{Severity: severity, Subject: server, Message: message, Measure: measure, Evidence: evidence}}
}

func noMaxmemory(p *pair) []Cause {
	if p.number("maxmemory") != 0 {
		return nil
	}
	severity, policy := report.Warning, p.text("maxmemory_policy")
	message := "there is no limit of memory: it grows until the kernel ends it"
	switch {
	case policy != "" && policy != "noeviction":
		severity, message = report.Error, "the policy "+policy+" never evicts, because there is no limit of memory"
	case p.Design != nil && len(p.Design.Caches) > 0:
		severity, message = report.Error, "caches are never evicted, because there is no limit of memory: "+listed(p.Design.Caches)
	}
	return plain(severity, message, report.Metric{Name: "used", Value: report.Number(p.number("used_memory")), Unit: report.UnitBytes},
		report.Metric{Name: "host", Value: report.Number(p.number("total_system_memory")), Unit: report.UnitBytes})
}

func (p *pair) settingNumber(name string) (float64, bool) {
	x, err := strconv.ParseFloat(p.setting(name), 64)
	return x, err == nil
}

func lfuSettings(p *pair) []Cause {
	decay, ok1 := p.settingNumber("lfu-decay-time")
	factor, ok2 := p.settingNumber("lfu-log-factor")
	if !ok1 || !ok2 || decay == 1 && factor >= 1 && factor <= 100 {
		return nil
	}
	severity := report.Info
	if strings.Contains(p.text("maxmemory_policy"), "lfu") {
		severity = report.Warning
	}
	return plain(severity, fmt.Sprintf("lfu-decay-time is %.0f and lfu-log-factor %.0f: counters of use say little", decay, factor),
		report.Metric{Name: "decay", Value: report.Number(decay), Unit: report.UnitCount}, report.Metric{Name: "factor", Value: report.Number(factor), Unit: report.UnitCount})
}

func lazyfreeOff(p *pair) []Cause {
	var off []string
	for _, what := range []string{"expire", "eviction", "server-del", "user-del"} {
		if p.setting("lazyfree-lazy-"+what) == "no" {
			off = append(off, what)
		}
	}
	if len(off) == 0 || p.Largest < freeingBytes {
		return nil
	}
	return plain(report.Warning, "large values are freed while everybody waits: lazyfree-lazy- is no for "+strings.Join(off, ", "),
		report.Metric{Name: "largest", Value: report.Number(p.Largest), Unit: report.UnitBytes})
}

func packedLimits(p *pair) []Cause {
	var found []Cause
	for _, kind := range []string{"hash", "zset", "set"} {
		for _, form := range []string{"listpack", "ziplist"} {
			name := kind + "-max-" + form + "-"
			entries, _ := p.settingNumber(name + "entries")
			value, _ := p.settingNumber(name + "value")
			if entries <= packedMost && value <= packedValue || form == "ziplist" && p.setting(kind+"-max-listpack-entries") != "" {
				continue // 7.0 tells both names
			}
			c := plain(report.Warning, fmt.Sprintf("a %s of up to %s entries of %s is read from front to back", kind, humanize.Count(entries), humanize.Bytes(value)),
				report.Metric{Name: "entries", Value: report.Number(entries), Unit: report.UnitCount}, report.Metric{Name: "value", Value: report.Number(value), Unit: report.UnitBytes})
			c[0].Subject = name + "*"
			found = append(found, c...)
		}
	}
	return found
}

func logicalDatabases(p *pair) []Cause {
	n := p.number("databases_used")
	if n < 2 {
		return nil
	}
	return plain(report.Info, fmt.Sprintf("%.0f logical databases hold keys: a cluster has one", n),
		report.Metric{Name: "databases", Value: report.Number(n), Unit: report.UnitCount})
}

func noPersistence(p *pair) []Cause {
	save, aof := p.setting("save"), p.number("aof_enabled") == 1
	snapshot, file := p.text("rdb_last_bgsave_status"), p.text("aof_last_write_status")
	evidence := []report.Metric{
		{Name: "snapshot", Value: report.Text(snapshot), Unit: report.UnitText}, {Name: "append_only_file", Value: report.Text(file), Unit: report.UnitText},
	}
	changes := report.Metric{Name: "unsaved", Value: report.Number(p.number("rdb_changes_since_last_save")), Unit: report.UnitCount}
	switch {
	case save != "" && snapshot == "err" || aof && file == "err":
		return plain(report.Error, "the last write to disk failed: what was written since is in memory alone", changes, evidence...)
	case save == "" && !aof:
		severity := report.Warning
		if p.Design.durable() {
			severity = report.Error
		}
		return plain(severity, "neither snapshots nor an append-only file are written: the data ends with the process", changes)
	}
	return nil
}

func noAuth(p *pair) []Cause {
	if d := p.Details.Default; !slices.Contains(d, "on") || !slices.Contains(d, "nopass") {
		return nil
	}
	severity, who := report.Error, "whoever reaches the port"
	host, _, err := net.SplitHostPort(p.Place)
	if ip := net.ParseIP(host); err != nil || host == "localhost" || ip != nil && ip.IsLoopback() {
		severity, who = report.Warning, "whoever is on the host"
	}
	return plain(severity, "the user default needs no password: "+who+" may do all that it may",
		report.Metric{Name: "nopass", Value: report.Number(1), Unit: report.UnitFlag})
}

func noBackup(p *pair) []Cause {
	if p.setting("point-in-time-recovery") != "off" {
		return nil
	}
	c := plain(report.Warning, "point-in-time recovery is off", report.Metric{Name: "off", Value: report.Number(1), Unit: report.UnitFlag})
	c[0].Subject = "table"
	return c
}

func publicBind(p *pair) []Cause {
	if p.setting("protected-mode") != "no" {
		return nil
	}
	for addr := range strings.FieldsSeq(p.setting("bind")) {
		addr = strings.TrimPrefix(addr, "-")
		ip := net.ParseIP(addr)
		if addr == "*" || ip != nil && (ip.IsUnspecified() || !ip.IsPrivate() && !ip.IsLoopback() && !ip.IsLinkLocalUnicast()) {
			return plain(report.Error, "protected mode is off and the server listens to everybody: bind "+p.setting("bind"),
				report.Metric{Name: "unprotected", Value: report.Number(1), Unit: report.UnitFlag})
		}
	}
	return nil
}

// lowHitRate judges the window where enough was read in it, and else what was counted before.
func lowHitRate(p *pair) []Cause {
	when := "while it was watched"
	hits, misses := p.readsOfOthers()
	if hits+misses < hitWindow {
		when = "since the server was started"
		hits, misses = p.Before.Numbers["keyspace_hits"], p.Before.Numbers["keyspace_misses"]
		if hits+misses <= hitLookups {
			return nil
		}
	}
	if hits >= hitLeast*(hits+misses) {
		return nil
	}
	severity := report.Info
	if p.Design != nil && len(p.Design.Caches) > 0 {
		severity = report.Warning
	}
	return plain(severity, humanize.Ratio(misses/(hits+misses))+" of the reads found nothing, "+when,
		report.Metric{Name: "miss_rate", Value: report.Number(misses / (hits + misses)), Unit: report.UnitRatio},
		report.Metric{Name: "lookups", Value: report.Number(hits + misses), Unit: report.UnitCount})
}

func forkRisk(p *pair) []Cause {
	took := p.number("latest_fork_usec") / 1e6
	if took <= slowForkWarn || p.setting("save") == "" && p.number("aof_enabled") != 1 {
		return nil
	}
	return plain(report.Info, "the last fork stopped the server for "+humanize.Duration(took),
		report.Metric{Name: "fork", Value: report.Number(took), Unit: report.UnitDuration})
}

func slowLogged(p *pair) []Cause {
	if p.setting("slowlog-log-slower-than") == "-1" {
		return plain(report.Info, "the slow log is off: nobody can know which commands are slow",
			report.Metric{Name: "off", Value: report.Number(1), Unit: report.UnitFlag})
	}
	var found []Cause
	for _, command := range []string{"keys", "smembers", "hgetall", "lrange", "sort", "sunion"} {
		n, worst := 0, 0.0
		for _, call := range p.Details.Slow {
			if call.Command == command {
				n, worst = n+1, max(worst, call.Took.Seconds())
			}
		}
		severity := report.Warning
		if command == "keys" {
			severity = report.Error
		}
		if n == 0 || command != "keys" && n < slowWhole {
			continue
		}
		c := plain(severity, fmt.Sprintf("%s is in the slow log: %s, the longest of %s", strings.ToUpper(command), humanize.Counted(int64(n), "call"), humanize.Duration(worst)),
			report.Metric{Name: "calls", Value: report.Number(n), Unit: report.UnitCount}, report.Metric{Name: "longest", Value: report.Number(worst), Unit: report.UnitDuration})
		c[0].Subject = strings.ToUpper(command)
		found = append(found, c...)
	}
	return found
}
