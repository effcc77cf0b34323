package cmd

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/findings"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/report"
)

// lookTime bounds how long the keys of a run are looked at before they are removed.
const lookTime = 5 * time.Second

// find returns what a run shows of the store, and what its keys break, which are under a prefix.
func (l *loaded) find(ctx context.Context, run *findings.Run, keys *findings.Keys, prefix string) []report.Finding {
	run.Policy = l.info.Server.Policy
	found := slices.Concat(findings.Of(run), keys.Findings())
	var declared []report.Finding
	if run.Schema != nil {
		declared = findings.Declared(run.Schema)
	}
	if v, why := run.Recording.Verdict(); v == recording.Incomplete && why != "" {
		return append(found, declared...) // it was ended from outside: whoever did that waits
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	broken, err := findings.Scan(ctx, l.store, prefix, run.Schema)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		l.env.say("warning", "the keys of the run could not all be looked at: "+oneLine(err))
	}
	return findings.Each(slices.Concat(found, broken, declared)) // what was measured says more than what was declared
}

// judgeFindings gives the findings of a run their fixes, and holds them against what the project has accepted.
func (l *loaded) judgeFindings(g *gate, r *report.Report, found []report.Finding) *report.Report {
	r.Findings = append(r.Findings, found...)
	report.SortFindings(r.Findings)
	addFixes(r)
	return g.judge(l.env, r, map[string]bool{})
}

// findingsGate is what findings of a run are judged by: what is asked on the command line, and the files of a project.
func (e *Env) findingsGate(ctx context.Context, o *runFlags, args []string) (*gate, error) {
	return e.gate(ctx, &gateFlags{failOn: o.failOn}, instant{}, e.targetOf(args))
}

// seen returns what counts an access of a trace, which knows no workers.
func seen(keys *findings.Keys, began time.Time) func(key string, kind kv.OpKind) {
	return func(key string, kind kv.OpKind) { keys.Seen(0, time.Since(began), []byte(key), kind) }
}
