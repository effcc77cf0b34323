package findings

import (
	"github.com/kvtool/kvtool/audit/triage"
	"github.com/kvtool/kvtool/report"
)

// Limits of the rules.
const (
	hitLeast        = 0.80
	hitLookups      = 10_000
	headroomWarning = 0.85
	headroomError   = 0.95
	failedError     = 0.01
)

// Rules lists the rules that only a run can break, with their documentation.
func Rules() []*report.Rule {
	return []*report.Rule{triage.Rule("SV006"), triage.Rule("SV007"), triage.Rule("SV009"), failuresRule(), brokenRule()}
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
		Limits: []report.Limit{{Name: "error", Value: failedError, Unit: report.UnitRatio, Source: report.OwnDefault + ": of the operations; fewer are a warning"}},
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
		Limits: []report.Limit{{Name: "violations", Value: 0, Unit: report.UnitCount, Source: report.OwnDefault + ": any"}},
	}
}
