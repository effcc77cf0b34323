package findings

import "github.com/kvtool/kvtool/report"

const ours = "default of kvtool"

// Limits of the rules.
const (
	hitLeast        = 0.80
	hitLookups      = 10_000
	headroomWarning = 0.85
	headroomError   = 0.95
	failedError     = 0.01
)

func redisFamily() []string { return []string{"redis", "valkey", "keydb", "dragonfly"} }

// Rules lists the rules that only a run can break, with their documentation.
func Rules() []*report.Rule {
	return []*report.Rule{hitRateRule(), evictionsRule(), headroomRule(), failuresRule(), brokenRule()}
}

func hitRateRule() *report.Rule {
	return &report.Rule{
		ID: "SV006", Name: "hit-rate", Title: "Reads that find nothing", Severity: report.Warning, Stores: redisFamily(),
		Doc: `Fewer than four in five reads found a key. Each of the others has asked the store for nothing, and whatever the key is made
from for the value.

The second half of a run counts, in which a cache that began empty is no longer so, if the run had 10,000 reads or more. It is a
warning where the scenario declares a cache, and to be known otherwise: some scenarios look for what is rarely there. The server
counts what all its clients read.`,
		Fix:  "more memory where it evicts, longer TTLs where it expires, or do not ask for what is rarely there",
		Bad:  []string{"keyspace_hits:6000, keyspace_misses:9000"},
		Good: []string{"keyspace_hits:14500, keyspace_misses:500"},
		Limits: []report.Limit{
			{Name: "hit_rate", Value: hitLeast, Unit: report.UnitRatio, Source: ours},
			{Name: "reads", Value: hitLookups, Unit: report.UnitCount, Source: ours + ": of the run"},
		},
	}
}

func evictionsRule() *report.Rule {
	return &report.Rule{
		ID: "SV007", Name: "evictions", Title: "Keys that are thrown away, or writes that fail, for want of memory", Severity: report.Error,
		Stores: redisFamily(),
		Doc: `The memory was full while the store was loaded. With a policy of eviction it threw keys away, whose readers have to make them
anew; with noeviction it refused writes (OOM).

For a cache that may be meant, and the hit rate says whether it is enough. It is an error where the scenario declares keys that must
not be lost (records, queues, locks), and where writes failed.`,
		Fix:    "more memory (maxmemory), smaller values, shorter TTLs; keep what must not be lost in an instance of its own",
		Bad:    []string{"maxmemory 100mb, maxmemory-policy allkeys-lru, evicted_keys:120000 after a minute", "OOM command not allowed when used memory > 'maxmemory'"},
		Good:   []string{"maxmemory 400mb, evicted_keys:0"},
		Limits: []report.Limit{{Name: "keys", Value: 0, Unit: report.UnitCount, Source: ours + ": any"}},
	}
}

func headroomRule() *report.Rule {
	return &report.Rule{
		ID: "SV009", Name: "memory-headroom", Title: "Memory that is nearly full, and nothing may be evicted", Severity: report.Error,
		Stores: redisFamily(),
		Doc: `At the end of the run the store used nearly all of maxmemory, and its policy is noeviction: when the rest is used, writes fail.
Buffers of clients and replicas come out of the same memory, so that it is full sooner than its keys say.

Where the memory grew during the run, the finding says when it is full if that goes on.`,
		Fix:  "raise maxmemory, or give what may go a TTL and a policy that evicts it (volatile-lru)",
		Bad:  []string{"maxmemory 1gb, maxmemory-policy noeviction, used_memory_human:960M"},
		Good: []string{"maxmemory 1gb, maxmemory-policy noeviction, used_memory_human:600M"},
		Limits: []report.Limit{
			{Name: "warning", Value: headroomWarning, Unit: report.UnitRatio, Source: ours + ": of maxmemory"},
			{Name: "error", Value: headroomError, Unit: report.UnitRatio, Source: ours + ": of maxmemory"},
		},
	}
}

func failuresRule() *report.Rule {
	return &report.Rule{
		ID: "LD001", Name: "failed-operations", Title: "Operations that fail for a reason that is known", Severity: report.Error,
		Doc: `Operations of a run failed, and the first word of what the store said, or how the connection ended, tells why. A finding is of
one such word; its fix is what mends that. Failed operations count in the latencies with what they took.

What was cut off when the time was up is not counted. OOM, for want of memory, is SV007.`,
		Fix:    "see what the store says: its log, and one such command by hand",
		Bad:    []string{"READONLY You can't write against a read only replica.", "LOADING Redis is loading the dataset in memory"},
		Good:   []string{"OK"},
		Limits: []report.Limit{{Name: "error", Value: failedError, Unit: report.UnitRatio, Source: ours + ": of the operations; fewer are a warning"}},
	}
}

func brokenRule() *report.Rule {
	return &report.Rule{
		ID: "LD002", Name: "broken-invariant", Title: "What the store did that it must not do", Severity: report.Error,
		Doc: `A scenario says what must hold of its operations: that a lock is held by one, that a queue loses nothing, that a limit admits no
more than it allows, that what was acknowledged is read. While it runs, each reply is held against that, and at the end the store is
asked for the rest. A violation is a reply that cannot be right, whatever the order of things was.

Either the store lost or changed something (an eviction, a fail-over to a replica that was behind, a proxy that splits traffic), or
the operation is not what it is taken for (a lock released by who no longer holds it).`,
		Fix:    "see the first ones in the section checks; with --keep the keys are still there to be looked at",
		Bad:    []string{"DEL lock:order:7 by a worker whose lock has expired", "a queue on a store with maxmemory-policy allkeys-lru"},
		Good:   []string{"a script that deletes the lock only if it still holds one's own token"},
		Limits: []report.Limit{{Name: "violations", Value: 0, Unit: report.UnitCount, Source: ours + ": any"}},
	}
}
